//! Whole manifests.

use super::{Sample, inferred, ok, sample};

#[test]
fn confirmed_and_signed() {
    let url = "https://api.example/v2/accounts/42/invoices?expand=lines&pageSize=2";
    let body = |first: u8| {
        format!(
            r#"{{"data": [
                {{"id": {first}, "number": "A-{first}", "customer": {{"id": 7, "address": {{"city": "x"}}}}, "issuedAt": "2024-01-01T08:00:00Z", "paid": null}},
                {{"id": {}, "number": "A", "customer": {{"id": 8}}, "issuedAt": "2024-01-02T08:00:00Z", "paid": null, "created": 1700000000}}],
              "meta": {{"total": 5, "nextPageToken": "t{first}"}}}}"#,
            first + 1
        )
    };
    let first = Sample { signed: true, ..ok(url, &body(1)) };
    let second = ok(&format!("{url}&pageToken=t1"), &body(3));
    let inferred = inferred(&[first, second]);
    insta::assert_snapshot!(inferred.yaml);
    insta::assert_snapshot!(inferred.notes.join("\n"));
}

#[test]
fn nothing_known_of_paging() {
    let rows: Vec<String> = (0..20).map(|n| format!(r#"{{"title": "t{n}", "line\nbreak": [{n}]}}"#)).collect();
    let inferred = inferred(&[ok("https://h/Wish Lists", &format!("[{}]", rows.join(",")))]);
    insta::assert_snapshot!(inferred.yaml);
    insta::assert_snapshot!(inferred.notes.join("\n"));
}

#[test]
fn known_to_be_incomplete() {
    let url = "https://slack.com/api/conversations.list?types=public_channel&types=im";
    let body = r#"{"ok": true, "channels": [{"id": "C1", "name": "general"}, {"id": "C2", "name": "random"}],
        "response_metadata": {"next_cursor": "abc"}}"#;
    let again = ok(&format!("{url}&cursor=abc"), body);
    let busy = sample(&format!("{url}&start_cursor=abc"), 429, &[], "");
    let inferred = inferred(&[sample(url, 401, &[], ""), ok(url, body), again, busy]);
    insta::assert_snapshot!(inferred.yaml);
    insta::assert_snapshot!(inferred.notes.join("\n"));
}
