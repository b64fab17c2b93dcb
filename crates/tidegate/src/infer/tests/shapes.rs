//! Manifests of well-known shapes, above all their paging.

use super::{check, inferred, ok, sample};

const SLACK: &str = "https://slack.com/api/users.list";
const SLACK_1: &str =
    r#"{"ok": true, "members": [{"id": "U1", "name": "ann"}], "response_metadata": {"next_cursor": "dXNlcjpV=="}}"#;
const HUBSPOT: &str = "https://api.hubapi.com/crm/v3/objects/contacts?limit=1";
const HUBSPOT_1: &str = r#"{"results": [{"id": "1", "properties": {"email": "a@b.example", "createdate": "2024-01-01T00:00:00Z"}, "archived": false}], "paging": {"next": {"after": "2"}}}"#;
const STRIPE: &str = "https://api.stripe.com/v1/charges?limit=2";
const STRIPE_1: &str = r#"{"object": "list", "url": "/v1/charges", "has_more": true, "data": [
    {"id": "ch_1", "amount": 100, "created": 1700000000, "metadata": {"order": "6735"}},
    {"id": "ch_2", "amount": 250, "created": 1700000100, "metadata": {}}]}"#;

#[test]
fn link_header() {
    let link = r#"<https://api.github.com/repos/o/r/issues?per_page=2&page=2>; rel="next", <https://api.github.com/x>; rel="last""#;
    let url = "https://api.github.com/repos/o/r/issues?state=all&per_page=2";
    let first =
        sample(url, 200, &[("link", link)], r#"[{"id": 1, "user": {"login": "a", "id": 7}}, {"id": 2, "user": null}]"#);
    let second = ok("https://api.github.com/repos/o/r/issues?per_page=2&page=2", r#"[{"id": 3}]"#);
    let lines = [
        "url: \"https://api.github.com/\"",
        "issues:",
        "key: id",
        "id: int",
        "user_login: { type: text, path: user.login }",
        "user_id: { type: int, path: user.id }",
        "path: repos/o/r/issues",
        "query:",
        "state: all",
        "# As the response says; confirmed: the next page began with another row.",
        "paging: link",
        "page_size: { parameter: per_page, max: 2 }",
    ];
    check("GitHub", &[first.clone(), second], &lines);
    check("GitHub, one page", &[first], &["# As the response says; it was not tried.", "paging: link"]);
    let headers = [("link", "<https://h/?page=2>; rel=\"next\""), ("x-wp-total", "12")];
    let posts =
        |url: &str, id: u8| sample(url, 200, &headers, &format!(r#"[{{"id": {id}, "title": {{"rendered": "x"}}}}]"#));
    let samples = [posts("https://h/wp-json/wp/v2/posts", 1), posts("https://h/?page=2", 2)];
    let lines = [
        "url: \"https://h/wp-json/wp/v2/\"",
        "posts:",
        "title_rendered: { type: text, path: title.rendered }",
        "paging: link",
        "count_header: x-wp-total",
    ];
    check("WordPress", &samples, &lines);
}

#[test]
fn next_links_in_the_body() {
    let url = "https://h/api/articles";
    let body = r#"{"links": {"self": "/api/articles", "next": "/api/articles?page[offset]=2"}, "included": [{"id": "9", "type": "people"}, {"id": "10", "type": "people"}],
        "data": [{"type": "articles", "id": "1", "attributes": {"title": "x", "createdAt": "2024-01-01T00:00:00Z", "id": 5}}]}"#;
    let lines = [
        "key: id",
        "title: { type: text, path: attributes.title }",
        "created_at: { type: timestamp, path: attributes.createdAt }",
        "attributes_id: { type: int, path: attributes.id }",
        "rows: data",
        "paging: { next_url: links.next }",
    ];
    check("JSON:API", &[ok(url, body)], &lines);

    let body = r#"{"@odata.context": "$metadata#X", "value": [{"@odata.etag": "W/1", "ID": 1}], "@odata.nextLink": "X?$skiptoken=1"}"#;
    let samples = [ok("https://h/odata/X", body)];
    let lines = [
        "odata_etag: { type: text, path: \"@odata\\\\.etag\" }",
        "id: { type: int, path: ID }",
        "rows: value",
        "paging: { next_url: \"@odata\\\\.nextLink\" }",
    ];
    check("OData", &samples, &lines);
    assert!(inferred(&samples).notes.iter().any(|note| note.contains("connector odata")));

    let page = |url: &str, id: u8, next: &str| {
        ok(url, &format!(r#"{{"count": 3, "next": {next}, "previous": null, "results": [{{"id": {id}}}]}}"#))
    };
    let samples = [
        page("https://h/users/", 1, r#""https://h/users/?limit=1&offset=1""#),
        page("https://h/users/?limit=1&offset=1", 2, "null"),
    ];
    let lines = [
        "path: users/",
        "rows: results",
        "paging: { next_url: next }",
        "page_size: { parameter: limit, max: 1 }",
        "count: count",
    ];
    check("DRF", &samples, &lines);
    check("DRF, last page", &[page("https://h/users/", 1, "null")], &["paging: { next_url: next }"]);

    let body = r#"{"_embedded": {"orders": [{"id": 1}]}, "_links": {"next": {"href": "https://h/orders?page=2"}}}"#;
    check(
        "HAL",
        &[ok("https://h/orders", body)],
        &["rows: _embedded.orders", "paging: { next_url: _links.next.href }"],
    );
    let body = r#"{"totalSize": 9, "records": [{"Id": "a"}], "nextRecordsUrl": "/services/data/v60.0/query/01g-2000"}"#;
    check(
        "Salesforce",
        &[ok("https://h/services/data/v60.0/query", body)],
        &["url: \"https://h/services/data/v60.0/\"", "paging: { next_url: nextRecordsUrl }", "# count: totalSize"],
    );
}

#[test]
fn cursors_in_the_body() {
    let next = format!("{SLACK}?cursor=dXNlcjpV%3D%3D");
    let second = ok(
        &next,
        r#"{"ok": true, "members": [{"id": "U2", "name": "bob"}], "response_metadata": {"next_cursor": ""}}"#,
    );
    let lines = [
        "users:",
        "path: users.list",
        "rows: members",
        "paging: { cursor: cursor, next: response_metadata.next_cursor }",
        "success: ok",
    ];
    check("Slack", &[ok(SLACK, SLACK_1), second], &lines);
    let guess = "# Guessed from the name of the member; it was not tried: check it in the API's documentation.";
    check("Slack, one page", &[ok(SLACK, SLACK_1)], &[guess, lines[3]]);

    let lines = [
        "url: \"https://api.hubapi.com/crm/v3/\"",
        "email: { type: text, path: properties.email }",
        "createdate: { type: timestamp, path: properties.createdate }",
        "path: objects/contacts",
        "rows: results",
        "paging: { cursor: after, next: paging.next.after }",
        "page_size: { parameter: limit, max: 1 }",
    ];
    check("HubSpot", &[ok(HUBSPOT, HUBSPOT_1)], &lines);

    let pods = r#"{"kind": "PodList", "metadata": {"resourceVersion": "7", "continue": "abc", "remainingItemCount": 3}, "items": [
        {"metadata": {"name": "a", "uid": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "creationTimestamp": "2024-01-01T00:00:00Z", "labels": {"x": "y"}}, "spec": {"containers": [{"name": "c"}], "nodeName": "n1"}}]}"#;
    let lines = [
        "url: \"https://k/api/v1/\"",
        "pods:",
        "key: metadata_uid",
        "metadata_creation_timestamp: { type: timestamp, path: metadata.creationTimestamp }",
        "metadata_labels: { type: json, path: metadata.labels }",
        "spec_containers: { type: json, path: spec.containers }",
        "path: namespaces/default/pods",
        "rows: items",
        "paging: { cursor: continue, next: metadata.continue }",
    ];
    check("Kubernetes", &[ok("https://k/api/v1/namespaces/default/pods?limit=1", pods)], &lines);

    let notion = |id: &str, next: &str| {
        format!(r#"{{"object": "list", "results": [{{"id": "{id}"}}], "next_cursor": {next}, "has_more": true}}"#)
    };
    let samples = [
        ok("https://api.notion.com/v1/users", &notion("a", r#""c1""#)),
        ok("https://api.notion.com/v1/users?cursor=c1", &notion("a", r#""c1""#)),
        ok("https://api.notion.com/v1/users?start_cursor=c1", &notion("b", "null")),
    ];
    check("Notion", &samples, &["paging: { cursor: start_cursor, next: next_cursor, more: has_more }"]);

    let airtable = r#"{"records": [{"id": "rec1", "createdTime": "2024-01-01T00:00:00.000Z", "fields": {"Name": "x", "Due Date": "2024-01-02"}}], "offset": "itr1/rec1"}"#;
    let lines = [
        "tasks:",
        "due_date: { type: date, path: \"fields.Due Date\" }",
        "rows: records",
        "paging: { cursor: offset, next: offset }",
    ];
    check("Airtable", &[ok("https://api.airtable.com/v0/appA1B2C3D4E5F6/Tasks", airtable)], &lines);

    for (name, body, paging) in [
        (
            "Google",
            r#"{"items": [{"id": 1}], "nextPageToken": "x"}"#,
            "paging: { cursor: pageToken, next: nextPageToken }",
        ),
        (
            "snake case",
            r#"{"rows": [{"id": 1}], "next_page_token": "x"}"#,
            "paging: { cursor: page_token, next: next_page_token }",
        ),
        (
            "last page",
            r#"{"rows": [{"id": 1}], "next_page_token": ""}"#,
            "paging: { cursor: page_token, next: next_page_token }",
        ),
        (
            "page number",
            r#"{"rows": [{"id": 1}], "meta": {"next_page": 2}}"#,
            "paging: { cursor: page, next: meta.next_page }",
        ),
        (
            "Relay",
            r#"{"rows": [{"id": 1}], "pageInfo": {"endCursor": "x", "hasNextPage": true}}"#,
            "paging: { cursor: after, next: pageInfo.endCursor, more: pageInfo.hasNextPage }",
        ),
    ] {
        check(name, &[ok("https://h/things", body)], &[paging]);
    }
}

#[test]
fn keysets() {
    let second = ok(
        "https://api.stripe.com/v1/charges?limit=2&starting_after=ch_2",
        r#"{"has_more": false, "data": [{"id": "ch_3"}]}"#,
    );
    let lines = [
        "key: id",
        "created: timestamp(epoch_s)",
        "metadata: json",
        "rows: data",
        "paging: { keyset: starting_after, column: id, more: has_more }",
        "page_size: { parameter: limit, max: 2 }",
    ];
    check("Stripe", &[ok(STRIPE, STRIPE_1), second], &lines);
}

#[test]
fn numbers() {
    let rows = |ids: &str| {
        format!("[{}]", ids.split(' ').map(|id| format!(r#"{{"id": {id}}}"#)).collect::<Vec<_>>().join(", "))
    };
    let first = ok("https://h/v1/users?page=1&per_page=2&state=a%7Bb", &rows("1 2"));
    let page_2 =
        |status: u16, body: &str| sample("https://h/v1/users?per_page=2&state=a%7Bb&page=2", status, &[], body);
    let declared =
        ["query:", "state: \"a{{b\"", "paging: { page: page }", "page_size: { parameter: per_page, max: 2 }"];
    check("page", &[first.clone(), page_2(200, &rows("3"))], &declared);
    check("page, empty", &[first.clone(), page_2(200, "[]")], &declared);
    check("page, busy", &[first.clone(), page_2(429, "")], &declared);
    check("page, refused", &[first.clone(), page_2(404, "")], &["paging: { page: page, past: refused }"]);
    let offered = ["per_page: \"2\"", "# paging: { page: page }", "paging: single"];
    check("page, passed over", &[first, page_2(200, &rows("1 2"))], &offered);

    let url = "https://h/v1/users?skip=0&take=1";
    check("page from 0", &[ok("https://h/users?page=0", &rows("1"))], &["paging: { page: page, first: 0 }"]);
    let body = r#"{"total": 7, "items": [{"id": 1}]}"#;
    let second = ok("https://h/v1/users?take=1&skip=1", r#"{"total": 7, "items": [{"id": 2}]}"#);
    let lines = ["paging: { offset: skip }", "page_size: { parameter: take, max: 1 }", "count: total"];
    check("offset", &[ok(url, body), second], &lines);
    let body = r#"{"page": 1, "totalPages": 3, "content": [{"id": 1}]}"#;
    let lines = ["# Guessed; it was not tried.", "# paging: { page: page }", "paging: single"];
    check("echo", &[ok("https://h/users", body)], &lines);
    check(
        "echo, tried",
        &[ok("https://h/users", body), ok("https://h/users?page=2", r#"{"content": [{"id": 2}]}"#)],
        &["paging: { page: page }"],
    );
    check("plain", &[ok("https://h/users?limit=5&q=x", &rows("1 2"))], &["limit: \"5\"", "q: x", "paging: single"]);
}

#[test]
fn rows_are_not_lost_where_more_are_known_of() {
    let same = ok(&format!("{SLACK}?cursor=dXNlcjpV%3D%3D"), SLACK_1);
    let lines = [
        "# paging: { cursor: cursor, next: response_metadata.next_cursor }",
        "paging: single",
        "failure: response_metadata.next_cursor",
    ];
    check("token", &[ok(SLACK, SLACK_1), same], &lines);
    let same = ok("https://api.stripe.com/v1/charges?limit=2&starting_after=ch_2", STRIPE_1);
    check("flag", &[ok(STRIPE, STRIPE_1), same], &["paging: single", "failure: has_more"]);
    let body = r#"{"errors": [], "total": 7, "items": [{"id": 1}]}"#;
    check("total", &[ok("https://h/users", body)], &["paging: single", "failure: [errors, total]"]);
    let yaml = inferred(&[ok("https://h/users", r#"{"total": 1, "items": [{"id": 1}]}"#)]).yaml;
    assert!(!yaml.contains("failure"), "{yaml}");
    check("not now", &[ok("https://h/users", r#"{"has_more": false, "items": [{"x": 1}]}"#)], &["failure: has_more"]);
}
