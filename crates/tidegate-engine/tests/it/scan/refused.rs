//! Lists of values that a server does not take: halved, and asked for again.

use datafusion::physical_plan::collect;
use tidegate_engine::scan::ApiScanExec;
use tidegate_spec::{ColumnSource, ColumnType, Endpoint, Exactness, Operator, Paging, Table};
use tidegate_transport::Spending;

use super::rest::{filtered, items, list, query};
use super::support::{Fixture, column};

/// Things by their ids, of which the API declares to take `most` in one request.
fn things(most: usize) -> Table {
    let list = Endpoint { paging: Paging::Single, page_size: None, ..list("list", "things") };
    let mut list = filtered(list, 0, Operator::In, Exactness::Exact, query("ids"));
    list.filters.forms[0].list.max = most;
    list.filters.columns[0].required = true;
    Table {
        name: "things".to_owned(),
        api_name: "things".to_owned(),
        description: None,
        columns: vec![column("id", ColumnType::Int64, false, ColumnSource::Row)],
        key: vec![0],
        details: Vec::new(),
        endpoints: vec![list],
        writes: tidegate_spec::Writes::default(),
    }
}

fn ids(request: &str) -> Vec<&str> {
    request.trim_start_matches("things?ids=").split(',').collect()
}

/// An API that refuses more than so many ids with a status.
fn fixture(declared: usize, taken: usize, status: u16) -> Fixture {
    Fixture::answering(things(declared), Spending::default(), move |request| {
        let ids = ids(request);
        if ids.len() > taken {
            return (status, r#"{"message": "too much"}"#.to_owned());
        }
        let rows: Vec<String> = ids.iter().map(|id| format!(r#"{{"id": {id}}}"#)).collect();
        (200, items(&rows.iter().map(String::as_str).collect::<Vec<_>>()))
    })
}

fn sql(values: usize) -> String {
    let ids: Vec<String> = (1..=values).map(|id| id.to_string()).collect();
    format!("SELECT id FROM things WHERE id IN ({})", ids.join(", "))
}

/// How many ids each request had.
fn lengths(fixture: &Fixture) -> Vec<usize> {
    fixture.requests().iter().map(|request| ids(request).len()).collect()
}

fn found(table: &str) -> Vec<i64> {
    let cells = table.lines().skip(3).filter_map(|line| line.split('|').nth(1));
    let mut ids: Vec<i64> = cells.map(|cell| cell.trim().parse().expect("an id")).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_list_that_is_too_long_is_halved() {
    // Values, how many are declared to be taken, how many are, the refusal; and the lengths of the lists that are sent.
    let cases: &[(usize, usize, usize, u16, &[usize])] = &[
        (10, 200, 3, 414, &[10, 5, 3, 2, 3, 2]),
        (10, 200, 3, 431, &[10, 5, 3, 2, 3, 2]),
        (10, 200, 3, 413, &[10, 5, 3, 2, 3, 2]),
        (4, 200, 1, 414, &[4, 2, 1, 1, 1, 1]),
        // Two lists at once: what one has learned spares the other what it can.
        (10, 6, 3, 400, &[6, 4, 3, 3, 2, 2]),
    ];
    for &(values, declared, taken, status, expected) in cases {
        let fixture = fixture(declared, taken, status);
        let table = fixture.rows(&sql(values)).await.expect("rows");
        let what = format!("{values} of {declared}, {status}");
        assert_eq!(found(&table), (1..=values as i64).collect::<Vec<_>>(), "{what}");
        let mut lengths = lengths(&fixture);
        lengths.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(lengths, expected, "{what}");
        assert!(lengths.len() < 2 * values, "{what}");
        let [notice] = &fixture.notices()[..] else { panic!("{what}: {:?}", fixture.notices()) };
        for part in ["crm.things (odata)", "values of id in one request", &status.to_string(), "at a time"] {
            assert!(notice.contains(part), "{what}: no {part} in {notice}");
        }
    }
}

#[tokio::test]
async fn what_was_learned_holds_for_the_lists_behind() {
    let fixture = fixture(6, 3, 414);
    let table = fixture.rows(&format!("{} LIMIT 18", sql(18))).await.expect("rows");
    assert_eq!(found(&table).len(), 18);
    assert_eq!(lengths(&fixture), [6, 3, 3, 3, 3, 3, 3]);
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_length_is_the_error() {
    let cases: &[(usize, usize, u16, &[usize], &str)] = &[
        // The user has written the list, and it may be wrong in another way.
        (10, 3, 400, &[10], "400 Bad Request: too much"),
        (10, 3, 500, &[10], "500"),
        (10, 3, 404, &[10], "404"),
        (4, 0, 414, &[4, 2, 1], "414 URI Too Long: too much"),
        (1, 0, 414, &[1], "414"),
    ];
    for &(values, taken, status, expected, part) in cases {
        let fixture = fixture(200, taken, status);
        let error = fixture.rows(&sql(values)).await.expect_err("a refusal").to_string();
        assert!(error.contains("crm.things, page 1") && error.contains(part), "{error}");
        assert_eq!(lengths(&fixture), expected, "{values}, {status}");
    }
}

#[tokio::test]
async fn a_list_of_a_joins_keys_is_divided_after_a_bad_request() {
    let fixture = fixture(200, 3, 400);
    let plan = fixture.plan(&sql(10)).await;
    let scan = plan.downcast_ref::<ApiScanExec>().expect("a scan").by_keys();
    let batches = collect(std::sync::Arc::new(scan), fixture.context().task_ctx()).await.expect("rows");
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 10);
    assert_eq!(lengths(&fixture), [10, 5, 3, 2, 3, 2]);
}
