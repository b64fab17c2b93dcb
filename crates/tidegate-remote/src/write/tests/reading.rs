//! Rows that are read back by their keys.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tidegate_spec::{
    ColumnFilter, ColumnSource, ColumnType, Endpoint, EndpointKind, Exactness, FilterForm, Filters, ListForm, NotFound,
    ODataVersion, Operator, Place, Table, ValueForm,
};
use url::Url;

use crate::test_support::{Reply, Script};
use crate::write::testing::{cells, column, contacts, customers, entries, odata, shared};
use crate::write::{Cells, can_read_back, read_rows};

fn ids(ids: impl IntoIterator<Item = i64>) -> Vec<Cells> {
    ids.into_iter().map(|id| cells(json!({ "id": id }))).collect()
}

/// What each key's row is, as JSON, or the error.
async fn read(script: &Arc<Script>, table: Table, keys: &[Cells], names: &[&str]) -> Result<Vec<Json>, String> {
    let columns: Vec<usize> = names.iter().map(|name| table.column_index(name).unwrap()).collect();
    let rows = read_rows(&script.source(), &shared(table), keys, &columns).await.map_err(|error| error.to_string())?;
    Ok(rows.into_iter().map(|row| row.map_or(Json::Null, |row| row.into_iter().collect())).collect())
}

/// Values of a parameter that is a list.
fn asked_ids(url: &Url) -> Vec<i64> {
    let (_, list) = url.query_pairs().find(|(name, _)| name == "ids").unwrap();
    list.split(',').map(|id| id.parse().unwrap()).collect()
}

fn contact(id: i64) -> Json {
    json!({"id": id, "properties": {"email": format!("{id}@x"), "name": null}})
}

#[tokio::test]
async fn in_as_few_requests_as_the_api_takes() {
    let script = Script::new(|_, url| {
        // In another order than asked for, and without the third.
        let rows: Vec<_> = asked_ids(url).into_iter().rev().filter(|id| *id != 3).map(contact).collect();
        Reply::new(200, json!({ "results": rows }).to_string())
    });
    let keys = ids([5, 3, 1, 5, 7, 9]);
    let rows = read(&script, contacts(), &keys, &["email"]).await.unwrap();
    let row = |id: i64| json!({"id": id, "email": format!("{id}@x")});
    assert_eq!(rows, [row(5), Json::Null, row(1), row(5), row(7), row(9)]);
    assert_eq!(script.asked(), ["contacts?ids=5,3,1", "contacts?ids=7,9"]);
    assert!(script.requests().iter().all(|request| request.operation.purpose == tidegate_transport::Purpose::Read));
}

#[tokio::test]
async fn one_by_one_where_there_is_no_other_way() {
    let script = Script::new(|_, url| match url.path_segments().unwrap().next_back() {
        Some("gone") => Reply::new(404, ""),
        Some("deleted") => Reply::new(410, ""),
        _ => Reply::new(200, json!({"id": "a b", "email": "x"}).to_string()),
    });
    let keys: Vec<_> = ["a b", "gone", "deleted"].map(|id| cells(json!({ "id": id }))).into();
    let rows = read(&script, customers(), &keys, &["email"]).await.unwrap();
    assert_eq!(rows, [json!({"id": "a b", "email": "x"}), Json::Null, Json::Null]);
}

#[tokio::test]
async fn what_is_not_plain_is_an_error() {
    let other = Reply::new(200, json!({"id": "other", "email": "x"}).to_string());
    for (reply, says) in [
        (other, "a row of another key than it was asked for"),
        (Reply::new(500, ""), "500"),
        (Reply::new(200, "{cut"), "JSON"),
        (Reply::new(200, "<html>"), "HTML"),
        (Reply::new(200, r#"{"email":"x"}"#), "without its whole key"),
    ] {
        let script = Script::new(move |_, _| reply.clone());
        let keys = [cells(json!({"id": "a"}))];
        let error = read(&script, customers(), &keys, &["email"]).await.unwrap_err();
        assert!(error.contains(says) || says == "HTML" || says == "JSON", "{says}: {error}");
    }
    // A list that has a row twice, in two ways.
    let twice = json!({"results": [contact(1), {"id": 1, "properties": {"email": "other"}}]});
    let script = Script::replies([Reply::new(200, twice.to_string())]);
    let error = read(&script, contacts(), &ids([1, 2]), &["email"]).await.unwrap_err();
    assert!(error.contains("two rows of one key"), "{error}");
    // One that ignores what it was asked for.
    let all = json!({"results": [contact(1), contact(2), contact(3)]});
    let script = Script::replies([Reply::new(200, all.to_string())]);
    let error = read(&script, contacts(), &ids([1, 2]), &["email"]).await.unwrap_err();
    assert!(error.contains("a row of another key"), "{error}");
}

#[tokio::test]
async fn nothing_is_asked_for_no_keys_and_without_whole_ones() {
    let script = Script::replies([]);
    assert_eq!(read(&script, contacts(), &[], &["email"]).await.unwrap(), Vec::<Json>::new());
    for key in [json!({}), json!({"id": null}), json!({"email": "x"})] {
        let error = read(&script, contacts(), &[cells(key)], &["email"]).await.unwrap_err();
        assert!(error.contains("without its whole key"), "{error}");
    }
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn odata_in_chunks_that_a_url_holds() {
    let script = Script::new(|_, url| {
        let (_, filter) = url.query_pairs().find(|(name, _)| name == "$filter").unwrap();
        let ids = filter.split(" or ").map(|part| part.rsplit(' ').next().unwrap().parse::<i32>().unwrap());
        let rows: Vec<_> = ids.filter(|id| id % 2 == 0).map(|id| json!({"ID": id, "Name": "n"})).collect();
        Reply::new(200, json!({ "value": rows }).to_string())
    });
    let mut table = odata(ODataVersion::V4, false);
    table.endpoints[0].max_url_length = 800;
    let rows = read(&script, table, &ids(1000..1040), &["name"]).await.unwrap();
    for (index, row) in rows.iter().enumerate() {
        let id = 1000 + index;
        let expected = if id % 2 == 0 { json!({"id": id, "name": "n"}) } else { Json::Null };
        assert_eq!(*row, expected);
    }
    let asked = script.requests();
    assert!(asked.len() > 2 && asked.len() <= 8, "{}", asked.len());
    assert!(
        asked
            .iter()
            .all(|request| request.url.as_str().len() <= 800 && request.url.as_str().contains("$select=ID,Name"))
    );
}

#[tokio::test]
async fn keys_of_several_columns() {
    let script = Script::new(|_, _| {
        let rows = json!([{"ID": 1, "Guid": "0A1B2C3D-0000-4000-8000-00000000ABCD", "City": "x"}]);
        Reply::new(200, json!({ "value": rows }).to_string())
    });
    let mut table = odata(ODataVersion::V4, false);
    table.key = vec![0, 7];
    table.columns[11].path = vec!["City".to_owned()];
    let uuid = "0a1b2c3d-0000-4000-8000-00000000abcd";
    let keys = [cells(json!({"id": 1, "guid": uuid})), cells(json!({"id": 2, "guid": uuid}))];
    let rows = read(&script, table, &keys, &["city"]).await.unwrap();
    assert_eq!(rows, [json!({"id": 1, "guid": uuid, "city": "x"}), Json::Null]);
    let asked = script.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains(&format!("Guid eq {uuid} and (ID eq 1 or ID eq 2)")), "{asked:?}");
}

/// Children by id below their parent, which is no column of a row.
fn children() -> Table {
    let form = |column, operator, name: &str| FilterForm {
        column,
        operator,
        place: Place::Path(name.to_owned()),
        value: ValueForm::default(),
        list: ListForm::default(),
    };
    let needs = |column| ColumnFilter { column, operators: vec![(Operator::Eq, Exactness::Exact)], required: true };
    let mut table = contacts();
    let mut parent = column("parent", "parent", ColumnType::Int64);
    parent.source = ColumnSource::Request;
    table.columns.push(parent);
    table.endpoints = vec![Endpoint {
        kind: EndpointKind::Get,
        filters: Filters {
            columns: vec![needs(0), needs(5)],
            forms: vec![form(0, Operator::Eq, "id"), form(5, Operator::Eq, "parent")],
            ..Filters::default()
        },
        not_found: NotFound::Empty,
        ..Endpoint::new("get", "parents/{parent}/contacts/{id}")
    }];
    table
}

#[tokio::test]
async fn parents_in_the_path_stand_beside_the_key() {
    let script = Script::new(|_, _| Reply::new(200, contact(1).to_string()));
    let keys = [cells(json!({"id": 1, "parent": 9}))];
    let rows = read(&script, children(), &keys, &["email"]).await.unwrap();
    assert_eq!(rows, [json!({"id": 1, "email": "1@x"})]);
    assert_eq!(script.asked(), ["parents/9/contacts/1"]);
    let error = read(&script, children(), &ids([1]), &["email"]).await.unwrap_err();
    assert!(error.contains("no endpoint of table contacts finds rows by their key"), "{error}");
}

#[test]
fn which_tables_can_be_read_back() {
    let late = |mut table: Table| {
        table.endpoints.iter_mut().for_each(|endpoint| endpoint.eventual = true);
        table
    };
    let search = |mut table: Table| {
        table.endpoints.iter_mut().for_each(|endpoint| endpoint.kind = EndpointKind::Search);
        table
    };
    let narrow = |mut table: Table| {
        table.endpoints.iter_mut().for_each(|endpoint| endpoint.columns = Some(vec![0, 2]));
        table
    };
    let plain = |mut table: Table| {
        table.endpoints.iter_mut().for_each(|endpoint| endpoint.filters = Filters::default());
        table
    };
    for (name, table, columns, can) in [
        ("contacts", contacts(), vec![1, 2], true),
        ("customers", customers(), vec![1], true),
        ("entries", entries(), vec![], false),
        ("odata", odata(ODataVersion::V2, true), vec![1, 15], true),
        ("behind", late(contacts()), vec![], false),
        ("search", search(contacts()), vec![], false),
        ("other columns", narrow(contacts()), vec![1], false),
        ("these columns", narrow(contacts()), vec![2], true),
        ("no filter", plain(contacts()), vec![], false),
        ("children", children(), vec![1], true),
    ] {
        assert_eq!(can_read_back(&table, &columns), can, "{name}");
    }
}
