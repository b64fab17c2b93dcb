//! What an answer stands for: one object, nothing, an error inside, and columns that the request says.

use arrow::array::AsArray;
use tidegate_spec::{
    ColumnFilter, Endpoint, EndpointKind, Exactness, FilterForm, Filters, ListForm, NotFound, Operator, Paging, Place,
    ValueForm,
};

use super::{ID, OWNER, RANK, check, exact, ids, items, offset, page, read, refused, request};
use crate::test_support::{Reply, Script};
use crate::{CompareOp, Predicate, Scalar, ScanRequest};

#[tokio::test]
async fn an_error_inside_wins() {
    let cases = [
        (r#"{"items":[{"id":0}],"error":"invalid_auth"}"#, Err("answered 200 with an error inside: invalid_auth")),
        (r#"{"items":[{"id":"bad"}],"error":{"message":"no\nrows"}}"#, Err("inside: no rows")),
        (r#"{"error":[{"message":"first"},{"message":"second"}]}"#, Err("inside: first")),
        (r#"{"ok":false,"error":null,"message":"try later"}"#, Err("inside: try later")),
        (r#"{"error":true,"message":"nope"}"#, Err("inside: nope")),
        (r#"{"error":7,"message":"nope"}"#, Err("inside: nope")),
        (r#"{"items":[{"id":0}],"error":null,"ok":true}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":[ ]}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":{}}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":"","ok":1}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":false}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":0}"#, Ok(1)),
        (r#"{"items":[{"id":0}],"error":"x""#, Err("ends in the middle")),
    ];
    for (body, expected) in cases {
        let end = exact();
        check(body, request(page(end)), vec![Reply::new(200, body)], expected, &["page=1&limit=4"]).await;
        let replies = vec![items(0..4, ""), Reply::new(200, body.replace("\"id\":0", "\"id\":4"))];
        let later = expected.map(|rows| rows + 4);
        check(body, request(offset(end)), replies, later, &["limit=4", "offset=4&limit=4"]).await;
    }
    let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(5_000));
    let script = Script::replies([Reply::new(200, long)]);
    let error = read(&script, request(page(exact()))).await.unwrap_err().to_string();
    assert!(error.len() < 500 && error.ends_with('…'), "{error}");
}

#[tokio::test]
async fn an_error_beside_no_rows_is_one_though_nobody_declared_it() {
    let undeclared = || {
        let mut endpoint = page(exact());
        (endpoint.envelope.failure, endpoint.envelope.success) = (Vec::new(), Vec::new());
        request(endpoint)
    };
    for (body, expected) in [
        (r#"{"items":[],"error":"boom"}"#, Err("no rows and an error: boom")),
        (r#"{"items":[],"errors":[{"message":"boom"}]}"#, Err("no rows and an error: boom")),
        (r#"{"items":[],"errors":[],"error":null}"#, Ok(0)),
        (r#"{"items":[{"id":0}],"error":"boom"}"#, Ok(1)),
    ] {
        check(body, undeclared(), vec![Reply::new(200, body)], expected, &["page=1&limit=4"]).await;
    }
}

#[tokio::test]
async fn one_object_is_the_row() {
    let get = |rows: &str| {
        let mut endpoint = super::endpoint(Paging::LinkHeader);
        endpoint.kind = EndpointKind::Get;
        endpoint.envelope.rows = rows.split('|').map(super::path).collect();
        endpoint.envelope.absent = vec![super::path("deleted")];
        request(endpoint)
    };
    let cases = [
        ("", r#"{"id":0,"next":"x","more":true}"#, Ok(1)),
        ("", "null", Ok(0)),
        ("", "[]", Ok(0)),
        ("", r#"[{"id":0}]"#, Ok(1)),
        ("", r#"{"id":null}"#, Err("column id, row 1")),
        ("", r#"{"id":0,"error":"gone"}"#, Err("inside: gone")),
        ("", r#"{"error":"gone"}"#, Err("inside: gone")),
        ("", "7", Err("no object at its top")),
        ("", r#"{"id":0,"deleted":true}"#, Ok(0)),
        ("", r#"{"deleted":true}"#, Ok(0)),
        ("", r#"{"id":0,"deleted":false}"#, Ok(1)),
        ("", r#"{"deleted":true,"error":"gone"}"#, Err("inside: gone")),
        ("data.item", r#"{"data":{"item":{"id":0}}}"#, Ok(1)),
        ("data.item", r#"{"data":{"item":null}}"#, Ok(0)),
        ("data.item", r#"{"data":{"item":[]}}"#, Ok(0)),
        ("data.item", r#"{"data":{}}"#, Err("no object at `data.item`")),
        ("data|", r#"{"data":{"id":0}}"#, Ok(1)),
        ("data|", r#"{"id":0}"#, Ok(1)),
        ("|data", r#"{"id":0,"data":{"id":9}}"#, Ok(1)),
        ("data", r#"{"data":{"id":0},"data":{"id":1}}"#, Err("rows twice")),
    ];
    for (rows, body, expected) in cases {
        check(&format!("{rows} {body}"), get(rows), vec![Reply::new(200, body)], expected, &[""]).await;
    }
}

#[tokio::test]
async fn a_404_may_stand_for_no_rows() {
    let empty = Endpoint { not_found: NotFound::Empty, ..page(exact()) };
    let pages = ["page=1&limit=4", "page=2&limit=4"];
    check("at once", request(empty.clone()), vec![refused(404)], Ok(0), &pages[..1]).await;
    check("other refusals", request(empty.clone()), vec![refused(400)], Err("400"), &pages[..1]).await;
    check("later", request(empty), vec![items(0..4, ""), refused(404)], Err("404"), &pages).await;
    check("not declared", request(page(exact())), vec![refused(404)], Err("404"), &pages[..1]).await;
}

fn of_owner() -> Endpoint {
    let form = FilterForm {
        column: OWNER,
        operator: Operator::Eq,
        place: Place::Path("owner".to_owned()),
        value: ValueForm::default(),
        list: ListForm::default(),
    };
    let operators = vec![(Operator::Eq, Exactness::Exact)];
    let columns = vec![ColumnFilter { column: OWNER, operators, required: true }];
    let filters = Filters { forms: vec![form], columns, ..Filters::default() };
    Endpoint { path: "owners/{owner}/items".to_owned(), filters, ..page(exact()) }
}

#[tokio::test]
async fn a_column_may_echo_the_request() {
    let owned = Predicate::Compare { column: OWNER, op: CompareOp::Eq, value: Scalar::Text("a b".to_owned()) };
    let filtered = |filter| ScanRequest { columns: vec![OWNER, ID, RANK], filter, ..request(of_owner()) };
    let body = r#"{"items":[{"id":0,"owner":"other","rank":5},{"id":1}]}"#;
    let script = Script::replies([Reply::new(200, body)]);
    let pages = read(&script, filtered(Some(owned.clone()))).await.unwrap();
    assert_eq!(script.asked(), ["owners/a b/items?page=1&limit=4"]);
    let owners: Vec<_> = pages[0].batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(owners, ["a b", "a b"]);
    assert_eq!(pages[0].batch.column(2).null_count(), 1);

    let error = read(&Script::replies([]), filtered(None)).await.unwrap_err().to_string();
    assert!(error.contains("add a condition owner = …"), "{error}");
    let either = Predicate::Or(vec![owned.clone(), owned]);
    let error = read(&Script::replies([]), filtered(Some(either))).await.unwrap_err().to_string();
    assert!(error.contains("add a condition owner = …"), "{error}");
}

#[tokio::test]
async fn a_column_that_does_not_come_is_not_made_up() {
    let narrow = Endpoint { columns: Some(vec![ID]), ..page(exact()) };
    let script = Script::replies([]);
    let wide = ScanRequest { columns: vec![ID, RANK], ..request(narrow.clone()) };
    let error = read(&script, wide).await.unwrap_err().to_string();
    assert!(error.contains("list does not return column rank") && script.asked().is_empty(), "{error}");
    let script = Script::replies([items(0..2, "")]);
    assert_eq!(ids(&read(&script, request(narrow)).await.unwrap()), [0, 1]);
}
