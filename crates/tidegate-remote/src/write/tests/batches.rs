//! Answers to several rows, honest and otherwise.

use http::HeaderMap;
use serde_json::json;
use tidegate_spec::{BatchAnswer, ItemList, ListOf, Matching, ODataVersion, Path, Table, Unlisted, WriteKind};

use crate::write::answer::{Said, of_batch};
use crate::write::parts::Context;
use crate::write::testing::{by_query, contacts, delete, entries, insert, invoices, odata, row, update};
use crate::write::verdict::Asked;
use crate::write::{RowOutcome, RowWrite};

pub(super) fn outcomes(table: &Table, rows: &[RowWrite], status: u16, body: &[u8]) -> Vec<RowOutcome> {
    let context = Context::new(table, rows[0].kind, None).unwrap();
    let batch = context.write.batch.as_ref().unwrap();
    let asked = Asked {
        kind: rows[0].kind,
        rows: rows.len(),
        is_single: false,
        is_atomic: batch.atomic,
        is_keyed: false,
        is_again: false,
    };
    of_batch(&context, &batch.answer, asked, rows, Said { status, headers: &HeaderMap::new(), body })
}

/// The verdict of each row, with its message if it has one.
pub(super) fn check(table: &Table, rows: &[RowWrite], status: u16, body: &str, expected: &[&str]) {
    let found: Vec<String> = outcomes(table, rows, status, body.as_bytes())
        .into_iter()
        .map(|outcome| match outcome.message {
            Some(message) => format!("{:?}: {message}", outcome.verdict),
            None => format!("{:?}", outcome.verdict),
        })
        .collect();
    assert_eq!(found.len(), rows.len());
    let is_as = |(found, expected): (&String, &&str)| found == expected || found.starts_with(&format!("{expected}: "));
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(is_as), "{status} {body}\n{found:#?}");
}

pub(super) fn three(write: fn(i64) -> RowWrite) -> Vec<RowWrite> {
    [1, 2, 3].map(write).into()
}

pub(super) fn change(id: i64) -> RowWrite {
    update(id, json!({"name": "x"}))
}

pub(super) fn addition(number: i64) -> RowWrite {
    insert(usize::try_from(number).unwrap(), json!({"email": "x"}))
}

#[test]
fn items_by_key() {
    let (table, rows) = (contacts(), three(change));
    let all = |verdict: &'static str| [verdict; 3];
    for (status, body, expected) in [
        (200, r#"{"results":[{"id":3},{"id":"1"},{"id":2}]}"#, all("Applied")),
        (
            207,
            r#"{"results":[{"id":3}],"errors":[{"message":"bad","context":{"ids":["2",1]}}]}"#,
            ["Refused: bad", "Refused: bad", "Applied"],
        ),
        (
            400,
            r#"{"results":[],"errors":[{"message":"bad","id":2}]}"#,
            [
                "Refused: the answer does not list the row among those that were done",
                "Refused: bad",
                "Refused: the answer does not list the row among those that were done",
            ],
        ),
        // Unlisted rows were refused, and an error that names none says why.
        (207, r#"{"results":[{"id":1}],"errors":[{"message":"bad"}]}"#, ["Applied", "Refused: bad", "Refused: bad"]),
        // A row that is told twice, the same way and another way.
        (200, r#"{"results":[{"id":1},{"id":1},{"id":2},{"id":3}]}"#, all("Applied")),
        (
            207,
            r#"{"results":[{"id":1},{"id":2},{"id":3}],"errors":[{"message":"bad","id":1}]}"#,
            ["Doubtful", "Applied", "Applied"],
        ),
        // Rows that were never sent: whatever is not listed is open.
        (200, r#"{"results":[{"id":1},{"id":77}]}"#, ["Applied", "Doubtful", "Doubtful"]),
        (200, r#"{"results":[{"id":1},{"name":"x"}]}"#, ["Applied", "Doubtful", "Doubtful"]),
        (200, r#"{"results":[{"id":1},null,7,"x"]}"#, ["Applied", "Doubtful", "Doubtful"]),
        // No lists.
        (200, "{}", all("Doubtful: the answer does not say what became of the rows")),
        (200, "", all("Doubtful: the answer does not say what became of the rows")),
        (200, r#"{"results":7}"#, all("Doubtful: the answer does not say what became of the rows")),
        (200, r#"{"results":[{"id":1}"#, all("Doubtful: the answer does not say what became of the rows")),
        (202, "{}", all("Accepted")),
        (204, "", all("Doubtful: the answer does not say what became of the rows")),
        (
            200,
            "<html><title>Hello</title>",
            all("Doubtful: in place of an answer the server sent a web page: the server answered 200 OK: Hello"),
        ),
        (400, r#"{"message":"bad"}"#, all("RefusedTogether: the server answered 400 Bad Request: bad")),
        (401, "{}", all("NotSent(Connection)")),
        (429, "{}", all("NotSent(Quota)")),
        (503, r#"{"results":[{"id":1},{"id":2},{"id":3}]}"#, all("Doubtful")),
        (302, "", all("Refused")),
    ] {
        check(&table, &rows, status, body, &expected);
    }
}

#[test]
fn items_in_order() {
    let (table, rows) = (contacts(), three(addition));
    let done = r#"{"status":201,"row":{"id":7,"properties":{"email":"x"}}}"#;
    let short = "Doubtful: the answer speaks of another number of rows than the 3 that were sent";
    for (status, items, expected) in [
        (200, vec![done, done, done], ["Applied"; 3]),
        (
            207,
            vec![done, r#"{"status":400,"error":{"message":"bad"}}"#, r#"{"status":"500"}"#],
            ["Applied", "Refused: bad", "Doubtful"],
        ),
        (
            200,
            vec![r#"{"status":202}"#, r#"{"status":404}"#, r#"{"status":429}"#],
            ["Accepted", "Refused", "NotSent(Quota)"],
        ),
        (
            200,
            vec![r#"{"status":200,"error":{"message":"no"}}"#, r#"{"status":401}"#, "{}"],
            ["Refused: no", "Refused", "Doubtful: the answer does not say whether the row was done"],
        ),
        (200, vec!["7", "null", "[]"], ["Doubtful: the answer does not say whether the row was done"; 3]),
        (200, vec![done, done], [short; 3]),
        (200, vec![done, done, done, done], [short; 3]),
        (200, vec![], [short; 3]),
        // Rows before may have been made, as nothing says that it is all or nothing.
    ] {
        check(&table, &rows, status, &format!("{{\"results\":[{}]}}", items.join(",")), &expected);
    }
    check(
        &table,
        &rows,
        422,
        r#"{"message":"bad"}"#,
        &["Doubtful: the server answered 422 Unprocessable Entity: bad"; 3],
    );
    check(&table, &rows, 413, "", &["RefusedTogether: the server answered 413 Payload Too Large"; 3]);
    let told = outcomes(&table, &rows, 200, format!(r#"{{"results":[{done},{done},{done}]}}"#).as_bytes());
    assert_eq!(told[1].row, crate::write::testing::cells(json!({"id": 7, "email": "x"})));
    assert_eq!(told[1].status, Some(201));
}

#[test]
fn items_that_are_rows_of_another_key_are_not_believed() {
    let mut table = contacts();
    let write = table.writes.update.as_mut().unwrap();
    let BatchAnswer::Items { lists, matching, .. } = &mut write.batch.as_mut().unwrap().answer else { panic!() };
    *matching = Matching::Order;
    *lists = vec![ItemList { at: Path::new(), of: ListOf::Done }];
    let body = r#"[{"id":1},{"id":3},{"id":2}]"#;
    let other = "Doubtful: the server answers with a row of another key";
    check(&table, &three(change), 200, body, &["Applied", other, other]);
}

#[test]
fn what_no_list_speaks_of() {
    let mut table = contacts();
    let mut set = |to: Unlisted| {
        let write = table.writes.delete.as_mut().unwrap();
        let BatchAnswer::Items { unlisted, .. } = &mut write.batch.as_mut().unwrap().answer else { panic!() };
        *unlisted = to;
        table.clone()
    };
    let rows = three(delete);
    for (unlisted, status, body, expected) in [
        (Unlisted::Done, 200, r#"{"errors":[{"id":2,"message":"bad"}]}"#, ["Applied", "Refused: bad", "Applied"]),
        (Unlisted::Done, 204, "", ["Applied"; 3]),
        (Unlisted::Done, 400, r#"{"errors":[{"id":2,"message":"bad"}]}"#, ["Doubtful", "Refused: bad", "Doubtful"]),
        (Unlisted::Done, 200, r#"{"errors":[{"message":"bad"}]}"#, ["Doubtful"; 3]),
        (Unlisted::Done, 200, r#"{"errors":[{"id":9,"message":"bad"}]}"#, ["Doubtful"; 3]),
        (Unlisted::Unknown, 200, r#"{"results":[{"id":2}]}"#, ["Doubtful", "Applied", "Doubtful"]),
        (Unlisted::Failed, 204, "", ["Doubtful"; 3]),
    ] {
        check(&set(unlisted), &rows, status, body, &expected);
    }
}

#[test]
fn items_by_what_we_sent_with_them() {
    let table = entries();
    let rows: Vec<_> = (1..=2).map(|number| insert(number, json!({"amount": "1", "book": "b"}))).collect();
    check(&table, &rows, 202, "", &["Accepted"; 2]);
    check(&table, &rows, 200, "[]", &["Applied"; 2]);
    check(&table, &rows, 200, r#"[{"trace":"row-2","reason":"bad"}]"#, &["Applied", "Refused: bad"]);
    check(&table, &rows, 200, r#"[{"trace":["row-2","row-1"]}]"#, &["Refused"; 2]);
}

#[test]
fn a_number_of_rows() {
    let rows: Vec<_> =
        ["a", "b"].map(|id| row(WriteKind::Update, 1, json!({ "id": id }), json!({}), json!({"memo": "x"}))).into();
    let table = by_query();
    for (status, body, expected) in [
        (200, r#"{"count":2}"#, "Applied"),
        (200, r#"{"count":"2"}"#, "Applied"),
        (200, r#"{"count":1}"#, "Doubtful: the server says that it changed 1 rows, and 2 were sent"),
        (200, r#"{"count":0}"#, "Doubtful: the server says that it changed 0 rows, and 2 were sent"),
        (200, r#"{"count":99}"#, "Doubtful: the server says that it changed 99 rows, and 2 were sent"),
        (200, "{}", "Doubtful: the server does not say how many rows it changed"),
        (200, "", "Doubtful: the server does not say how many rows it changed"),
        (200, r#"{"count":2,"error":{"text":"bad"}}"#, "RefusedTogether: the server answered 200 OK: bad"),
        (200, "nonsense", "Doubtful"),
        (412, "", "RefusedTogether"),
    ] {
        check(&table, &rows, status, body, &[expected; 2]);
    }
    let gone: Vec<_> = ["a", "b"].map(|id| row(WriteKind::Delete, 1, json!({ "id": id }), json!({}), json!({}))).into();
    check(&invoices(), &gone, 404, "", &["RefusedTogether"; 2]);
    check(&invoices(), &gone[..1], 404, "", &["Refused"]);
}

#[test]
fn odata_batches() {
    let table = odata(ODataVersion::V4, true);
    let rows = three(change);
    let ok = |id: &str| format!(r#"{{"id":"{id}","status":204,"headers":{{"etag":"\"9\""}}}}"#);
    let silent = "Doubtful: the answer of the batch does not speak of the row";
    let refused = r#"{"id":"1","status":412,"body":{"error":{"message":"old"}}}"#.to_owned();
    let gone = r#"{"id":"2","status":404}"#.to_owned();
    let other = r#"{"id":"3","status":200,"body":{"ID":99}}"#.to_owned();
    for (status, responses, expected) in [
        (200, vec![ok("3"), ok("1"), ok("2")], ["Applied"; 3]),
        (
            200,
            vec![refused, gone, other],
            [
                "Stale: the server answered 412 Precondition Failed: old",
                "Absent",
                "Doubtful: the server answers with a row of another key",
            ],
        ),
        (
            200,
            vec![
                r#"{"id":"1","status":503}"#.to_owned(),
                r#"{"id":"2","status":429}"#.to_owned(),
                r#"{"id":"3","status":401}"#.to_owned(),
            ],
            ["Doubtful", "NotSent(Quota)", "Refused"],
        ),
        (200, vec![ok("1"), ok("2")], ["Applied", "Applied", silent]),
        (
            200,
            vec![ok("1"), ok("1"), ok("2"), ok("3")],
            ["Doubtful: the answer of the batch speaks of the row more than once", "Applied", "Applied"],
        ),
        (200, vec![ok("7"), r#"{"status":204}"#.to_owned(), r#"{"id":"1"}"#.to_owned()], [silent; 3]),
        (200, vec![], [silent; 3]),
        (404, vec![], ["RefusedTogether"; 3]),
        (500, vec![ok("1"), ok("2"), ok("3")], ["Doubtful"; 3]),
    ] {
        check(&table, &rows, status, &format!("{{\"responses\":[{}]}}", responses.join(",")), &expected);
    }
    check(&table, &rows, 200, "garbage", &[silent; 3]);
    let told = outcomes(&table, &rows[..1], 200, format!("{{\"responses\":[{}]}}", ok("1")).as_bytes());
    assert_eq!(told[0].version.as_deref(), Some("\"9\""));
}
