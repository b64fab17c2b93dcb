//! The verdict of every status as a table, and what answers to one row say.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::json;
use tidegate_spec::{Answer, ODataVersion, Path, Table, WriteKind};

use crate::write::answer::{Said, of_single};
use crate::write::parts::Context;
use crate::write::testing::{cells, contacts, customers, delete, insert, odata, path, row, update};
use crate::write::verdict::{Asked, of_status};
use crate::write::{RowOutcome, RowWrite, Verdict};

fn asked(kind: WriteKind, rows: usize) -> Asked {
    Asked { kind, rows, is_single: rows == 1, is_atomic: rows == 1, is_keyed: false, is_again: false }
}

#[test]
fn verdicts() {
    let one = asked(WriteKind::Update, 1);
    let many = asked(WriteKind::Update, 3);
    let cases = [
        ("one row is changed", one),
        ("one row is made", asked(WriteKind::Insert, 1)),
        ("one row is changed again under a key", Asked { is_keyed: true, is_again: true, ..one }),
        ("a batch of one row", Asked { is_single: false, ..one }),
        ("several rows are changed", many),
        ("several rows are made", asked(WriteKind::Insert, 3)),
        ("several rows are made, all or nothing", Asked { is_atomic: true, ..asked(WriteKind::Insert, 3) }),
    ];
    let declared = Answer { not_done: vec![503], ..Answer::default() };
    let mut text = String::new();
    for (name, asked) in cases {
        let mut statuses: BTreeMap<String, Vec<u16>> = BTreeMap::new();
        for status in 100..=599 {
            let verdict =
                of_status(status, &declared, asked).map_or("(the body says)".to_owned(), |v| format!("{v:?}"));
            statuses.entry(verdict).or_default().push(status);
        }
        text.push_str(&format!("# {name}\n"));
        for (verdict, statuses) in statuses {
            text.push_str(&format!("{verdict:<22} {}\n", ranges(&statuses)));
        }
    }
    insta::assert_snapshot!(text);
}

fn ranges(statuses: &[u16]) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for &status in statuses {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == status => *last = status,
            _ => ranges.push((status, status)),
        }
    }
    let shown = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_api_may_name_its_own_statuses() {
    let answer = Answer { absent: vec![400], stale: vec![409], not_done: vec![500], ..Answer::default() };
    let of = |status, kind| of_status(status, &answer, asked(kind, 1));
    for (status, kind, verdict) in [
        (400, WriteKind::Delete, Verdict::Absent),
        (404, WriteKind::Delete, Verdict::Refused),
        (409, WriteKind::Update, Verdict::Stale),
        (412, WriteKind::Update, Verdict::Refused),
        (400, WriteKind::Insert, Verdict::Refused),
        (500, WriteKind::Insert, Verdict::Refused),
        (503, WriteKind::Insert, Verdict::Doubtful),
    ] {
        assert_eq!(of(status, kind), Some(verdict), "{status} {kind:?}");
    }
}

fn single(table: &Table, row: &RowWrite, status: u16, headers: &[(&'static str, &str)], body: &str) -> RowOutcome {
    let context = Context::new(table, row.kind, None).unwrap();
    let answer = &context.write.single.as_ref().unwrap().answer;
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
    of_single(&context, answer, asked(row.kind, 1), row, Said { status, headers: &headers, body: body.as_bytes() })
}

#[test]
fn a_row_is_told_as_far_as_it_is_plain() {
    let table = odata(ODataVersion::V4, true);
    let row = update(5, json!({"name": "x"}));
    let told = single(
        &table,
        &row,
        200,
        &[],
        r#"{"@odata.etag":"W/\"8\"","ID":5,"Revenue":12345678901234567.89e-2,"Name":"x","Rating":"INF","Opens":7,"Created":null,"Other":[1]}"#,
    );
    assert_eq!(told.verdict, Verdict::Applied);
    let expected = json!({"id": 5, "revenue": "123456789012345.68", "name": "x", "rating": "INF", "created": null, "_etag": "W/\"8\""});
    // 17 digits behind the point do not fit a scale of two, and a number is no time of day: both are left out.
    let mut expected = cells(expected);
    expected.remove("revenue");
    assert_eq!(told.row, expected);
    assert_eq!(told.version.as_deref(), Some("W/\"8\""));

    let exact = single(&table, &row, 200, &[("etag", "\"9\"")], r#" {"ID":"5","Revenue":1234567890123.45} "#);
    assert_eq!(exact.row, cells(json!({"id": 5, "revenue": "1234567890123.45"})));
    assert_eq!(exact.version.as_deref(), Some("\"9\""));

    let nothing = single(&table, &row, 204, &[("etag", "\"9\"")], "");
    assert_eq!((nothing.verdict, nothing.row.len(), nothing.version.as_deref()), (Verdict::Applied, 0, Some("\"9\"")));
}

#[test]
fn answers_to_one_row() {
    let (crm, forms) = (contacts(), customers());
    let (change, removal) = (update(5, json!({"name": "x"})), delete(5));
    let gone = row(WriteKind::Delete, 1, json!({"id": "c"}), json!({}), json!({}));
    let mut judged = contacts();
    let answer = &mut judged.writes.update.as_mut().unwrap().single.as_mut().unwrap().answer;
    answer.failure = vec![path("error")];
    answer.message = vec![path("error.text")];
    answer.row = Some(path("row"));
    for (table, row, status, body, verdict, message) in [
        (&crm, &change, 200, r#"{"id":5}"#, Verdict::Applied, None),
        (&crm, &change, 200, "", Verdict::Applied, None),
        (&crm, &change, 200, "{cut", Verdict::Applied, None),
        (&crm, &change, 200, "OK", Verdict::Applied, None),
        (&crm, &change, 202, "", Verdict::Accepted, None),
        (&crm, &change, 200, r#"{"id":6}"#, Verdict::Doubtful, Some("the server answers with a row of another key")),
        (&crm, &insert(1, json!({"email": "x"})), 201, r#"{"id":6}"#, Verdict::Applied, None),
        (
            &crm,
            &change,
            200,
            "<!doctype html><title>Log in</title>",
            Verdict::Doubtful,
            Some("in place of an answer the server sent a web page: the server answered 200 OK: Log in"),
        ),
        (&crm, &change, 302, "", Verdict::Refused, Some("the server answered 302 Found")),
        (
            &crm,
            &change,
            412,
            r#"{"message":"old"}"#,
            Verdict::Stale,
            Some("the server answered 412 Precondition Failed: old"),
        ),
        (&crm, &removal, 404, "", Verdict::Absent, Some("the server answered 404 Not Found")),
        (&crm, &change, 500, "x", Verdict::Doubtful, Some("the server answered 500 Internal Server Error: x")),
        (
            &judged,
            &change,
            200,
            r#"{"error":{"text":"no"},"row":{"id":5}}"#,
            Verdict::Refused,
            Some("the server answered 200 OK: no"),
        ),
        (&judged, &change, 200, r#"{"error":0,"row":{"id":5}}"#, Verdict::Applied, None),
        (
            &judged,
            &change,
            200,
            r#"{"error":{"text":"no""#,
            Verdict::Doubtful,
            Some(
                "the answer is not JSON, so that it cannot be told whether it is a refusal: the server answered 200 OK: {\"error\":{\"text\":\"no\"",
            ),
        ),
        (&judged, &change, 204, "", Verdict::Applied, None),
        (&forms, &gone, 200, r#"{"id":"c","deleted":true}"#, Verdict::Applied, None),
        (
            &forms,
            &gone,
            200,
            r#"{"id":"c","deleted":false}"#,
            Verdict::Refused,
            Some("the server answered 200 OK: {\"id\":\"c\",\"deleted\":false}"),
        ),
    ] {
        let outcome = single(table, row, status, &[], body);
        assert_eq!((outcome.verdict, outcome.message.as_deref()), (verdict, message), "{status} {body}");
        assert_eq!(outcome.status, Some(status));
    }
}

#[test]
fn a_refusal_that_says_that_the_first_is_under_way_leaves_it_open() {
    let table = customers();
    let context = Context::new(&table, WriteKind::Insert, None).unwrap();
    let row = insert(1, json!({"email": "x"}));
    let keyed = Asked { is_keyed: true, ..asked(WriteKind::Insert, 1) };
    let answer = Answer { row: Some(Path::new()), ..Answer::default() };
    for (asked, body, verdict) in [
        (keyed, r#"{"error":"a request with this Idempotency-Key is in progress"}"#, Verdict::Doubtful),
        (keyed, r#"{"error":"this email is taken"}"#, Verdict::Refused),
        (Asked { is_again: true, ..keyed }, r#"{"error":"this email is taken"}"#, Verdict::Doubtful),
        (Asked { is_keyed: false, ..keyed }, r#"{"error":"import in progress"}"#, Verdict::Refused),
    ] {
        let said = Said { status: 409, headers: &HeaderMap::new(), body: body.as_bytes() };
        assert_eq!(of_single(&context, &answer, asked, &row, said).verdict, verdict, "{body}");
    }
}
