//! Going on past the number of rows at which an API stops.

use std::sync::Arc;

use tidegate_spec::{
    Ceiling, ColumnFilter, Endpoint, Exactness, FilterForm, Filters, ListForm, NullOrder, Operator, PageSize,
    SortColumn, Sorting, ValueForm,
};
use url::Url;

use super::{ID, RANK, cursor, exact, ids, offset, page, query, read, request};
use crate::test_support::{Reply, Script};
use crate::{CompareOp, Predicate, Scalar, ScanRequest, SortKey};

/// A search that stops at ten rows, in pages of four.
pub(super) fn search(base: Endpoint, slice_by: Option<usize>) -> Endpoint {
    let form = FilterForm {
        column: RANK,
        operator: Operator::GtEq,
        place: query("from"),
        value: ValueForm::default(),
        list: ListForm::default(),
    };
    let columns =
        vec![ColumnFilter { column: RANK, operators: vec![(Operator::GtEq, Exactness::Exact)], required: false }];
    let sorting = Sorting {
        place: query("sort"),
        direction: None,
        ascending: "{column}".to_owned(),
        descending: "-{column}".to_owned(),
        separator: None,
        names: vec![(RANK, "rank".to_owned()), (ID, "id".to_owned())],
    };
    let sorted = |column| SortColumn { column, nulls: NullOrder::Lowest };
    Endpoint {
        ceiling: Some(Ceiling { rows: 10, slice_by }),
        filters: Filters { forms: vec![form], columns, ..Filters::default() },
        sort: vec![sorted(RANK), sorted(ID)],
        sorting: Some(sorting),
        ..base
    }
}

/// Answers as such a search does over rows with these ranks, whose ids count from 0.
fn service(ranks: Vec<i64>, tells_total: bool) -> Arc<Script> {
    Script::new(move |_, url| answer(&ranks, tells_total, url))
}

pub(super) fn answer(ranks: &[i64], tells_total: bool, url: &Url) -> Reply {
    let number =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.parse::<i64>().unwrap());
    let from = number("from").unwrap_or(i64::MIN);
    let limit = usize::try_from(number("limit").unwrap()).unwrap();
    let skip = number("offset").or(number("after")).or(number("page").map(|page| (page - 1) * limit as i64));
    let skip = usize::try_from(skip.unwrap_or(0)).unwrap();
    if skip + limit > 10 && number("offset").is_some() {
        return Reply::new(400, "the window reaches past 10");
    }
    let found: Vec<_> = ranks.iter().enumerate().filter(|(_, rank)| **rank >= from).collect();
    let rows: Vec<_> = found.iter().take(10).skip(skip).take(limit).collect();
    let next = (skip + rows.len() < found.len().min(10)).then(|| (skip + rows.len()).to_string());
    let rows: Vec<_> = rows.iter().map(|(id, rank)| serde_json::json!({"id": id, "rank": rank})).collect();
    let mut body = serde_json::json!({"items": rows, "next": next});
    if tells_total {
        body["total"] = found.len().into();
    }
    Reply::new(200, body.to_string())
}

/// Reads all rows of the service: that all came once, or a part of the error; and how many requests it took.
async fn check(what: &str, request: ScanRequest, script: &Arc<Script>, expected: Result<i32, &str>, asked: usize) {
    match (read(script, request).await, expected) {
        (Ok(pages), Ok(rows)) => assert_eq!(ids(&pages), (0..rows).collect::<Vec<_>>(), "{what}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{what}: {error}"),
        (found, _) => panic!("{what}: {found:?}"),
    }
    assert_eq!(script.asked().len(), asked, "{what}: {:?}", script.asked());
}

#[tokio::test]
async fn slices_have_every_row_once() {
    let ties = vec![0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8, 9, 9];
    let bases = [("cursor", cursor(None)), ("offset", offset(exact())), ("page", page(exact()))];
    for (what, base) in bases {
        for (ranks, tells_total) in [(ties.clone(), false), (ties.clone(), true), ((0..25).collect(), true)] {
            let rows = i32::try_from(ranks.len()).unwrap();
            let script = service(ranks, tells_total);
            let pages = read(&script, request(search(base.clone(), Some(RANK)))).await.unwrap();
            assert_eq!(ids(&pages), (0..rows).collect::<Vec<_>>(), "{what}");
            let asked = script.asked();
            assert!(asked[0].starts_with("items?sort=rank"), "{asked:?}");
            assert!(asked.iter().all(|url| url.contains("sort=rank")), "{asked:?}");
            assert!(asked.iter().any(|url| url.contains("from=")) && asked.len() < 20, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn below_the_ceiling_nothing_is_sliced() {
    let sliced = || request(search(cursor(None), Some(RANK)));
    check("fewer rows", sliced(), &service((0..9).collect(), true), Ok(9), 3).await;
    check("no rows", sliced(), &service(Vec::new(), true), Ok(0), 1).await;
    // Whether there are more than the ten that came nothing tells but asking for them.
    check("as many", sliced(), &service((0..10).collect(), true), Ok(10), 4).await;
}

#[tokio::test]
async fn what_cannot_be_sliced_fails() {
    let many = || service((0..30).collect(), false);
    let told = || service((0..30).collect(), true);
    let plain = || request(search(cursor(None), None));
    check("reached", plain(), &many(), Err("the API stops at 10 rows"), 3).await;
    check("told", plain(), &told(), Err("narrow the filter"), 1).await;
    check("exactly", plain(), &service((0..10).collect(), true), Err("the API stops at 10 rows"), 3).await;
    check("below", plain(), &service((0..7).collect(), true), Ok(7), 2).await;

    let sliced = || request(search(cursor(None), Some(RANK)));
    let by_id = vec![SortKey { column: ID, descending: false }];
    let other_order = ScanRequest { sort: by_id, ..sliced() };
    check("another order", other_order, &many(), Err("leave out the ORDER BY"), 3).await;
    check("one value", sliced(), &service(vec![7; 11], false), Err("the same value"), 6).await;
    check("no order", sliced(), &service((0..30).rev().collect(), false), Err("did not come in that order"), 3).await;

    let mut unbound = search(cursor(None), Some(RANK));
    unbound.filters = Filters::default();
    check("no bound", request(unbound), &many(), Err("takes no condition `>=`"), 3).await;
    let mut nulls_last = search(cursor(None), Some(RANK));
    nulls_last.sort[0].nulls = NullOrder::Highest;
    check("NULL comes last", request(nulls_last), &many(), Err("the API stops at 10 rows"), 3).await;
    let mut keyless = sliced();
    Arc::make_mut(&mut keyless.table).key.clear();
    check("no key", keyless, &many(), Err("the API stops at 10 rows"), 3).await;
}

#[tokio::test]
async fn who_wants_a_few_rows_does_not_meet_the_ceiling() {
    let script = service((0..30).collect(), true);
    let few = ScanRequest { fetch: Some(3), ..request(search(cursor(None), None)) };
    let mut pages = super::scan(script.source(), few);
    let page = futures::StreamExt::next(&mut pages).await.unwrap().unwrap();
    assert_eq!((page.batch.num_rows(), script.asked().len()), (4, 1));
}

#[tokio::test]
async fn a_bound_of_the_query_gives_way_to_the_slices() {
    let bound = Predicate::Compare { column: RANK, op: CompareOp::GtEq, value: Scalar::Int(5) };
    let size = Some(PageSize { place: Some(query("limit")), max: 10 });
    let endpoint = Endpoint { page_size: size, ..search(cursor(None), Some(RANK)) };
    let script = service((0..30).collect(), false);
    let pages = read(&script, ScanRequest { filter: Some(bound), ..request(endpoint) }).await.unwrap();
    assert_eq!(ids(&pages), (5..30).collect::<Vec<_>>());
    let from: Vec<_> = script.asked().iter().map(|url| url.split("from=").nth(1).unwrap()[..2].to_owned()).collect();
    assert_eq!(from, ["5&", "14", "23"]);
}
