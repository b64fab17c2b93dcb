//! Whole bodies: envelopes, rows of varying members, and what is no page.

use tidegate_spec::ColumnType::{Int64, Json, Text};
use tidegate_spec::{Column, Envelope};

use super::{column, decode, envelope, path, rows};
use crate::BadValue;

fn columns() -> Vec<Column> {
    vec![column("id!", Int64), column("name", Text), column("at.city", Text), column("at.geo.x", Int64)]
}

fn check(body: &str, expected: &[&str]) {
    let decoded = decode(columns(), &envelope(), BadValue::Fail, body.as_bytes());
    assert_eq!(rows(&decoded.unwrap_or_else(|error| panic!("{body}: {error}"))), expected, "{body}");
}

#[test]
fn members_are_found_wherever_they_stand() {
    check(r#"{"value":[]}"#, &[]);
    check(
        r#" { "value" : [ {"id":1,"name":"a","at":{"city":"b","geo":{"x":2}}} ,
            {"at":{"geo":{"x":4},"city":"d"},"name":"c","id":3},
            {"id":5},
            {"x":[{"id":0}],"id":6,"y":{"name":1},"name":"e","at":null},
            {"name":"f","id":7,"at":{"geo":null,"city":null}} ] } "#,
        &["1 | a | b | 2", "3 | c | d | 4", "5 | NULL | NULL | NULL", "6 | e | NULL | NULL", "7 | f | NULL | NULL"],
    );
    check(r#"{"value":[{"\u0069d":1,"n\u0061me":"x"}]}"#, &["1 | x | NULL | NULL"]);
}

#[test]
fn of_a_member_twice_the_last_counts_and_rows_stay_aligned() {
    check(
        r#"{"value":[{"id":1,"id":2,"name":"a","name":null},{"id":3,"at":{"city":"b"},"at":{"geo":{"x":1}}},{"id":4}]}"#,
        &["2 | NULL | NULL | NULL", "3 | NULL | NULL | 1", "4 | NULL | NULL | NULL"],
    );
}

#[test]
fn rows_that_share_no_names_are_read_too() {
    let body = |row: usize| {
        let unknown: Vec<String> = (0..40).map(|member| format!(r#""m{}":0"#, row * 40 + member)).collect();
        format!(r#"{{{},"id":{row}}}"#, unknown.join(","))
    };
    let body = format!(r#"{{"value":[{}]}}"#, (0..100).map(body).collect::<Vec<_>>().join(","));
    let expected: Vec<String> = (0..100).map(|row| format!("{row} | NULL | NULL | NULL")).collect();
    check(&body, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn next_link_and_count_are_found_wherever_they_stand() {
    let cases = [
        (r#"{"value":[{"id":1}]}"#, 1, None, None),
        (r#"{"@odata.nextLink":"u?a\u0026b","value":[{"id":1}],"total":7}"#, 1, Some("u?a&b"), Some(7)),
        (r#"{"value":[{"id":1}],"@odata.nextLink":null}"#, 1, None, None),
        (r#"{"value":[],"@odata.nextLink":"","total":null}"#, 0, None, None),
        (r#"{"d":{"__count":"12","results":[{"id":1}],"__next":"n"}}"#, 1, Some("n"), Some(12)),
        (r#"{"d":[{"id":1},{"id":2}]}"#, 2, None, None),
        (r#"{"d":{"__next":"worse"},"@odata.nextLink":"better","value":[]}"#, 0, Some("better"), None),
        (r#"{"d":[{"id":1}],"value":[]}"#, 0, None, None),
        (r#"{"value":[],"d":[{"id":"bad"}]}"#, 0, None, None),
        (r#"{"d":[{"id":"bad"}],"value":[{"id":1},{"id":2}]}"#, 2, None, None),
        ("\u{feff}{\"value\":[]}\r\n", 0, None, None),
    ];
    for (body, count, next, total) in cases {
        let decoded = decode(columns(), &envelope(), BadValue::Fail, body.as_bytes()).expect(body);
        let found = (decoded.batch.num_rows(), decoded.next.as_deref(), decoded.count);
        assert_eq!(found, (count, next, total), "{body}");
    }
}

#[test]
fn the_document_itself_may_be_the_rows() {
    let whole = Envelope { rows: vec![path("")], ..Envelope::default() };
    let decoded = decode(vec![column("id", Int64)], &whole, BadValue::Fail, br#"[{"id":1},{"id":2}]"#).unwrap();
    assert_eq!(rows(&decoded), ["1", "2"]);
    let whole_row = vec![column("", Json), column("id", Int64)];
    let decoded = decode(whole_row, &whole, BadValue::Null, br#"[{"id": 1}, 5, "x"]"#).unwrap();
    assert_eq!(rows(&decoded), [r#"{"id":1} | 1"#, "5 | NULL", r#""x" | NULL"#]);
}

#[test]
fn without_columns_rows_are_counted() {
    let decoded = decode(Vec::new(), &envelope(), BadValue::Fail, br#"{"value":[{"id":1},{},{"a":[]}]}"#).unwrap();
    assert_eq!((decoded.batch.num_columns(), decoded.batch.num_rows()), (0, 3));
}

#[test]
fn what_is_no_page_is_said_and_why() {
    let deep = format!(r#"{{"value":[{{"id":1,"x":{}}}]}}"#, "[".repeat(100_000));
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty body"),
        (b" \r\n", "empty body"),
        (b"<!DOCTYPE html>\n<html><head><title>Sign\n in</title>", "an HTML page (Sign in) where JSON was expected"),
        (b"<html><title>cut", "an HTML page where JSON was expected"),
        (b"<?xml version=\"1.0\"?><feed>", "XML where JSON was expected, beginning <?xml version=\"1.0\"?><feed>"),
        (br#"{"value":[{"id":1},{"id":"#, "ends in the middle after 25 bytes"),
        (br#"{"value":[{"id":tru"#, "ends in the middle after 19 bytes"),
        ("{\"value\":[{\"id\":\"é".as_bytes().split_last().unwrap().1, "ends in the middle"),
        (b"Service Unavailable", "not JSON: expected a value at byte 0, found Service Unavailable"),
        (br#"{"value":[{"id":1}{"id":2}]}"#, "not JSON: expected `,` or `]` at byte 18, found {\"id\":2}]}"),
        (br#"{"value":[1,]}"#, "expected a value at byte 12"),
        (br#"{"value":[]}}"#, "expected the end of the body at byte 12"),
        (br#"{"value":[{"id":01}]}"#, "expected `,` or `}` at byte 17"),
        (br#"{"value":[{"id":NaN}]}"#, "expected a value at byte 16"),
        (b"{\"value\":[{\"name\":\"a\nb\"}]}", "control character at byte 20"),
        (br#"{"value":[{"name":"\x"}]}"#, "expected an escape sequence at byte 20"),
        (b"{\"value\":[{\"name\":\"\xff\"}]}", "not UTF-8 at byte 19"),
        (b"\x1f\x8b\x08", "compressed"),
        (deep.as_bytes(), "deeper than 128"),
        (
            br#"{"value":null}"#,
            "no array of rows at `value`, `d.results`, `d`: `value` is null; at its top it has `value`",
        ),
        (br#"{"d":{"a":1},"x":2}"#, ": `d` is an object; at its top it has `d`, `x`"),
        (b"{}", "at its top it has nothing"),
        (b"[]", "no array of rows at `value`"),
        (b"12", "no array of rows at `value`"),
        (br#"{"error":{"code":"x","message":"no such table"}}"#, "an error in place of rows: no such table"),
        (br#"{"error":{"message":{"lang":"en","value":"V2 says no"}}}"#, "V2 says no"),
        (br#"{"odata.error":{"message":{"value":"V3 says no"}}}"#, "V3 says no"),
        (br#"{"errors":[{"message":"first"}]}"#, "first"),
        (br#"{"error":"invalid_grant","error_description":"expired"}"#, "expired"),
        (br#"{"value":[],"value":[]}"#, "rows twice"),
        (br#"{"value":[{"id":1},2]}"#, "row 2 is 2, not an object"),
        (br#"{"value":[],"@odata.nextLink":7}"#, "link to the next page is 7, not text"),
        // The cut is the cause, not the value before it.
        (br#"{"value":[{"id":"bad"},"#, "ends in the middle"),
    ];
    for (body, message) in cases {
        let error = decode(columns(), &envelope(), BadValue::Fail, body).unwrap_err().to_string();
        let body = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert!(error.contains(message), "{body}: {error}");
    }
}

#[test]
fn a_bad_value_is_named_with_column_and_row_and_cut() {
    let long = "x".repeat(500);
    let body = format!(r#"{{"value":[{{"id":1}},{{"id":"{long}"}},{{"id":"later"}}]}}"#);
    let error = decode(columns(), &envelope(), BadValue::Fail, body.as_bytes()).unwrap_err().to_string();
    assert!(
        error.starts_with("column id, row 2: \"xxx") && error.contains("x… is not an integer of 64 bits;"),
        "{error}"
    );
    assert!(error.len() < 250, "{error}");
    let body = br#"{"value":[{"id":1,"at":"Oslo"}]}"#;
    let error = decode(columns(), &envelope(), BadValue::Fail, body).unwrap_err().to_string();
    assert!(error.starts_with("column at_city, row 1: \"Oslo\" is not an object"), "{error}");
}
