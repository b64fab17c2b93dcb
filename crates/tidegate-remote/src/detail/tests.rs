//! Answers for one row: what is asked, and what becomes of each answer.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use tidegate_spec::{Manifest, Table};

use super::DetailRequest;
use crate::test_support::{Reply, Script};
use crate::{BadValue, Scalar};

const MANIFEST: &str = r#"
connector: forge
url: https://api.test/odata/
tables:
  repos:
    key: [owner, id]
    columns: { owner: text, id: int, node: text }
    list: { path: repos }
    details:
      full:
        path: repos/{owner}/{id}
        rows: data
        absent: data.gone
        failure: error
        fields: { parameter: fields }
        columns: { watchers: int, license: { path: license.key } }
      node:
        path: node
        method: POST
        body: { query: text }
        filters: { node: { "=": { body: variables.id } } }
        not_found: empty
        columns: { text: text }
"#;

fn table() -> Table {
    let manifest = Manifest::parse(MANIFEST, "forge.yaml").unwrap_or_else(|problems| panic!("{problems:?}"));
    manifest.compile(&Default::default()).unwrap().tables.remove(0)
}

const WATCHERS: usize = 3;
const LICENSE: usize = 4;
const TEXT: usize = 5;

/// The row's values, or the error; and what was asked.
async fn check(
    detail: usize,
    columns: &[usize],
    key: &[Scalar],
    reply: Reply,
    expected: Result<&str, &str>,
    asked: &str,
) {
    let request = DetailRequest::new(&table(), detail, columns, true, BadValue::Fail).unwrap();
    let script = Script::replies([reply]);
    let found = request.read(&script.source(), key).await;
    let shown = found.as_ref().map(|row| {
        assert_eq!((row.num_rows(), row.schema()), (1, Arc::clone(request.schema())));
        let columns =
            row.columns().iter().map(|column| arrow::util::display::array_value_to_string(column, 0).unwrap());
        columns.collect::<Vec<_>>().join("|")
    });
    match (shown, expected) {
        (Ok(shown), Ok(expected)) => assert_eq!(shown, expected),
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
        (shown, expected) => panic!("{shown:?}, expected {expected:?}"),
    }
    assert_eq!(script.asked(), [asked]);
}

#[tokio::test]
async fn answers_become_values() {
    let key = [Scalar::Text("a/b".to_owned()), Scalar::Int(7)];
    let ok = |body: &str| Reply::new(200, body);
    let cases = [
        (ok(r#"{"data":{"watchers":3,"license":{"key":"mit"}}}"#), Ok("3|mit")),
        (ok(r#"{"data":{"watchers":3,"license":null}}"#), Ok("3|")),
        (ok(r#"{"data":{}}"#), Ok("|")),
        (ok(r#"{"data":{"gone":true}}"#), Err("full of owner a/b, id 7")),
        (ok(r#"{"data":{"gone":true}}"#), Err("there is no such row")),
        (ok(r#"{"data":{"watchers":"many"}}"#), Err("column watchers")),
        (ok(r#"{"error":"no rights"}"#), Err("no rights")),
        (ok("<html>"), Err("crm.repos, full of owner a/b, id 7 (https://api.test/odata/repos/a%2Fb/7?fields=")),
        (Reply::new(404, ""), Err("404 Not Found")),
        (Reply::new(500, ""), Err("500")),
    ];
    for (reply, expected) in cases {
        check(0, &[WATCHERS, LICENSE], &key, reply, expected, "repos/a/b/7?fields=watchers,license").await;
    }
    check(0, &[LICENSE], &key, ok(r#"{"data":{"license":{"key":"x"}}}"#), Ok("x"), "repos/a/b/7?fields=license").await;
    let node = [Scalar::Text("n1".to_owned())];
    check(1, &[TEXT], &node, ok(r#"{"text":"hello"}"#), Ok("hello"), "node").await;
    check(1, &[TEXT], &node, Reply::new(404, ""), Ok(""), "node").await;
}

#[tokio::test]
async fn a_body_carries_what_is_taken_from_the_row() {
    let request = DetailRequest::new(&table(), 1, &[TEXT], false, BadValue::Fail).unwrap();
    let script = Script::replies([Reply::new(200, "{}")]);
    let row = request.read(&script.source(), &[Scalar::Text("n\"1".to_owned())]).await.unwrap();
    assert!(row.column(0).as_string::<i32>().is_null(0));
    let sent: serde_json::Value = serde_json::from_slice(&script.requests()[0].body).unwrap();
    assert_eq!(sent, serde_json::json!({"query": "text", "variables": {"id": "n\"1"}}));
}

#[test]
fn a_row_without_a_value_asks_nothing() {
    let request = DetailRequest::new(&table(), 0, &[WATCHERS], true, BadValue::Fail).unwrap();
    let owners: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b")]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), None]));
    let keys: Vec<_> = (0..3).map(|row| request.key(&[Arc::clone(&owners), Arc::clone(&ids)], row).unwrap()).collect();
    assert_eq!(keys, [Some(vec![Scalar::Text("a".to_owned()), Scalar::Int(1)]), None, None]);
    assert!(DetailRequest::new(&table(), 2, &[TEXT], true, BadValue::Fail).is_err());
    assert!(DetailRequest::new(&table(), 0, &[TEXT], true, BadValue::Fail).is_err());
}
