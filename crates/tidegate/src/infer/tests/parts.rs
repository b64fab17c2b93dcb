//! Rows, columns, key and names, and responses without rows.

use super::{Sample, check, inferred, ok, refused, sample, valid};

#[test]
fn columns() {
    let body = r#"[
        {"orderId": 1, "isPaid": true, "Total": 1, "big": 18446744073709551615, "price": "12.50", "note": null, "day": "2024-01-01",
         "at": "2024-01-01T00:00:00Z", "local": "2024-01-01T00:00:00", "ms": "/Date(1)/", "ref": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
         "shippedAt": 1700000000000, "responseTime": 12, "tags": ["a"], "mixed": 1, "none": {}, "1st": 1, "größe": 1, "a.b": 1, "A-B": 2, "true": true},
        {"orderId": 2, "isPaid": null, "Total": 1.5, "big": 1, "price": "", "day": "2024-01-02", "at": "2024-01-01", "local": null,
         "ref": "x", "shippedAt": null, "mixed": "a", "none": {}, "map": {"a": 1}},
        {"orderId": 3, "map": {"b": 1}}, {"orderId": 4, "map": {"c": 1}}]"#;
    let lines = [
        "key: order_id",
        "order_id: { type: int, path: orderId }",
        "is_paid: { type: bool, path: isPaid }",
        "total: { type: float, path: Total }",
        "big: \"decimal(20,0)\"",
        "price: text",
        "note: json",
        "day: date",
        "at: timestamp",
        "local: local_timestamp",
        "ms: timestamp(ms_json)",
        "ref: text",
        "shipped_at: { type: timestamp(epoch_ms), path: shippedAt }",
        "response_time: { type: int, path: responseTime }",
        "tags: json",
        "mixed: json",
        "none: json",
        "n1st: { type: int, path: \"1st\" }",
        "gr_e: { type: int, path: \"größe\" }",
        "a_b: { type: int, path: \"a\\\\.b\" }",
        "a_b_2: { type: int, path: A-B }",
        "\"true\": bool",
        "map: json",
    ];
    check("types", &[ok("https://h/orders", body)], &lines);
}

#[test]
fn any_name_and_any_parameter_can_be_written() {
    let names = [
        "",
        " ",
        ":",
        "#",
        "- a",
        "? b",
        "&c",
        "*d",
        "!e",
        "|",
        ">",
        "%f",
        "@g",
        "`h",
        "'",
        "\"",
        "\\",
        "\\.",
        ".",
        "..",
        "[i]",
        "{j}",
        "k: l",
        "m #n",
        "null",
        "~",
        "Yes",
        "0x1F",
        "1e3",
        "\u{0}",
        "\n",
        "\r\n",
        "\t",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "日本",
        "É",
        "a,b",
        "---",
        "...",
        "<<",
        "=",
    ];
    let member = |name: &&str| format!("{}: 1, {}: {{\"x\": null}}", quote(name), quote(&format!("o{name}")));
    let row: Vec<String> = names.iter().map(member).collect();
    let mut url = url::Url::parse("https://h/a%20{b}/%7Bc%7D;d=1/é").unwrap();
    url.query_pairs_mut().extend_pairs(names.map(|name| (format!("q{name}"), name)));
    let yaml = inferred(&[ok(url.as_str(), &format!("{{{}: [{{{}}}]}}", quote("my.\"list\""), row.join(", ")))]).yaml;
    let model = valid(&yaml);
    let paths: Vec<_> = model.tables[0].columns.iter().map(|column| column.path.clone()).collect();
    let expected = names.iter().filter(|name| !name.is_empty()).map(|name| vec![(*name).to_owned()]);
    assert!(expected.clone().all(|path| paths.contains(&path)), "{paths:?} in\n{yaml}");
    let nested = names.iter().map(|name| vec![format!("o{name}"), "x".to_owned()]);
    assert!(nested.clone().all(|path| paths.contains(&path)), "{paths:?} in\n{yaml}");
    assert_eq!(paths.len(), expected.count() + nested.count());
    assert_eq!(model.tables[0].endpoints[0].path, "a%20%7Bb%7D/%7Bc%7D;d=1/%C3%A9");
    let sent: Vec<&str> = model.tables[0].endpoints[0].constants.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(sent, names);
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn names_of_connectors() {
    for (url, name) in [
        ("https://api.github.com/x", "github"),
        ("https://slack.com", "slack"),
        ("https://api.shop.co.uk", "shop"),
        ("https://my-shop.example", "my_shop"),
        ("http://localhost:80", "localhost"),
        ("http://127.0.0.1:80", "api"),
        ("https://1password.com", "n1password"),
    ] {
        let found = crate::infer::connector_name(&url::Url::parse(url).unwrap());
        assert_eq!(found, name);
        assert!(crate::infer::names::is_name(&found));
    }
}

#[test]
fn keys() {
    for (what, body, key) in [
        ("id before others", r#"[{"code": "a", "id": 1}, {"code": "b", "id": 2}]"#, Some("id")),
        ("code", r#"[{"x": 1, "code": "a"}, {"x": 1, "code": "b"}]"#, Some("code")),
        ("of the table", r#"[{"user_id": 1, "order_id": 1}, {"user_id": 2, "order_id": 2}]"#, Some("order_id")),
        ("a parent's", r#"[{"x": 1, "user_id": 1}, {"x": 2, "user_id": 2}]"#, None),
        ("twice", r#"[{"id": "a"}, {"id": "A"}]"#, None),
        ("null", r#"[{"id": 1}, {"id": null}]"#, None),
        ("absent", r#"[{"id": 1}, {"x": 1}]"#, None),
        ("a float", r#"[{"id": 1.5}, {"id": 2.5}]"#, None),
        ("a name of one row", r#"[{"name": "x"}]"#, None),
        ("names", r#"[{"name": "x"}, {"name": "y"}]"#, Some("name")),
    ] {
        let yaml = inferred(&[ok("https://h/orders", body)]).yaml;
        let found = yaml.lines().find_map(|line| line.strip_prefix("    key: "));
        assert_eq!(found, key, "{what}");
    }
}

#[test]
fn rows() {
    for (what, body, rows) in [
        ("the longest", r#"{"a": [{"x": 1}], "b": [{"x": 1}, {"x": 2}]}"#, "b"),
        ("by its name", r#"{"a": [{"x": 1}, {"x": 2}], "results": [{"x": 1}]}"#, "results"),
        ("named after the path", r#"{"items": [{"x": 1}, {"x": 2}], "orders": [{"x": 1}]}"#, "orders"),
        ("no companion", r#"{"facets": [{"x": 1}, {"x": 2}], "found": [{"x": 1}]}"#, "found"),
        ("deep", r#"{"a": {"b": {"c": {"d": [{"x": 1}]}}}}"#, "a.b.c.d"),
        ("of equals the first", r#"{"a": [{"x": 1}], "b": [{"x": 1}]}"#, "a"),
        ("not of values", r#"{"items": [1, 2, 3], "a": [{"x": 1}]}"#, "a"),
    ] {
        check(what, &[ok("https://h/v1/orders", body)], &[&format!("rows: {rows}")]);
    }
}

#[test]
fn what_has_no_rows_is_refused() {
    let url = "https://h/v1/orders?q=1";
    for (status, headers, body, says) in [
        (200, &[][..], r#"{"id": 7, "name": "x"}"#, "one object (with id, name)"),
        (200, &[], r#"{"id": 7, "lines": [{"x": 1}]}"#, "one object (with id, lines)"),
        (200, &[], r#"{"x": 7, "links": [{"x": 1}]}"#, "one object (with x, links)"),
        (200, &[], "{}", "no members"),
        (200, &[], "[]", "the list is empty"),
        (200, &[], r#"{"data": [], "facets": [{"x": 1}]}"#, "the list \"data\" is empty"),
        (200, &[], "[1, 2]", "values that are no objects"),
        (200, &[], r#"{"a": {"b": {"c": {"d": {"e": [{"x": 1}]}}}}}"#, "at most four members deep"),
        (200, &[], "7", "no list of objects"),
        (200, &[], "", "the body is empty"),
        (200, &[], "\u{feff} <!DOCTYPE html><p>", "web page"),
        (200, &[("content-type", "text/html")], "Hello", "web page"),
        (200, &[], "<?xml version=\"1.0\"?><a/>", "XML"),
        (200, &[], "[{\"a\": 1},", "no JSON"),
        (204, &[], "", "status 204"),
        (301, &[("location", "/v2/orders?token=s3cret")], "", "it redirects to https://h/v2/orders?token=***"),
        (400, &[], "{\"message\": \"bad\n q\"}", "(it says: {\"message\": \"bad q\"})"),
        (401, &[], "", "give a token"),
        (403, &[], "", "give a token"),
        (404, &[], "", "whether it needs a token"),
        (429, &[], "", "too many requests"),
        (500, &[], "<html>", "try again later"),
    ] {
        let message = refused(&[sample(url, status, headers, body)]);
        assert!(
            message.starts_with("https://h/v1/orders?q=1: ") && message.contains(says),
            "{status} {body}: {message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
    }
    let signed = Sample { signed: true, ..sample(url, 401, &[], "") };
    assert!(refused(&[signed]).contains("the token was not accepted"));
    assert!(refused(&[]).contains("no sample"));
    assert!(refused(&[ok("https://h/x?api_key=s3cret", "[{\"a\": 1}]")]).contains("api_key looks like a secret"));
    let variable = super::manifest("shop", &[ok(url, "[{\"a\": 1}]")], Some("MY_KEY")).unwrap();
    assert!(variable.yaml.contains("{ env: MY_KEY, secret: true"), "{}", variable.yaml);
    let error = super::manifest("My API", &[ok(url, "[{\"a\": 1}]")], None).unwrap_err();
    assert!(error.to_string().contains("no name of a connector"));
}
