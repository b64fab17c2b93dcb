//! Manifests that are right, and manifests that are not.

mod aggregates;
mod details;
mod quotas;
mod writes;

use std::collections::BTreeMap;

use super::*;

const FULL: &str = include_str!("../../tests/data/manifest/full.yaml");

fn parsed(text: &str) -> Manifest {
    Manifest::parse(text, "test.yaml").unwrap_or_else(|problems| panic!("{}", lines(&problems)))
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn a_full_manifest_compiles() {
    let manifest = parsed(FULL);
    let model = manifest.compile(&BTreeMap::new()).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    insta::assert_snapshot!(shown(&model));
}

#[test]
fn a_small_manifest_is_enough() {
    let text = include_str!("../../tests/data/manifest/small.yaml");
    assert!(text.lines().count() <= 12, "a small file stays small");
    let manifest = parsed(text);
    insta::assert_snapshot!(shown(&manifest.compile(&BTreeMap::new()).unwrap()));
    assert_eq!(manifest.url(&BTreeMap::new()).unwrap(), "https://todos.example/api/");
    assert_eq!(manifest.auth(), [Auth { credentials: Vec::new(), options: Vec::new() }]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let text = include_str!("../../tests/data/manifest/mistakes.yaml");
    let problems = Manifest::parse(text, "mistakes.yaml").unwrap_err();
    assert!(problems.len() >= 25, "{}", lines(&problems));
    insta::assert_snapshot!(lines(&problems));
}

/// A manifest of one table, with these members of the document, of the table and of its list.
fn manifest_of(document: &str, table: &str, list: &str) -> String {
    format!(
        "connector: test\nurl: https://api.example/\n{document}\ntables:\n  things:\n    key: id\n    \
         columns: {{ id: int, name: text, at: timestamp, parent: {{ from: request }} }}\n{table}\n    \
         list: {{ path: things, {list} }}\n"
    )
}

#[test]
fn each_mistake_is_said_where_it_stands() {
    let cases = [
        (
            "",
            "",
            "filters: { name: { \"=\": a }, at: { \">=\": a } }",
            "tables.things.list.filters.at.>=",
            "both written at",
        ),
        (
            "",
            "",
            "filters: { name: { \"=\": a } }, page_size: { parameter: a, max: 5 }",
            "tables.things.list.page_size",
            "both written",
        ),
        ("", "", "filters: { name: { \"=\": { body: a } } }", "tables.things.list.filters.name.=", "`method: POST`"),
        (
            "",
            "",
            "filters: { name: { \"is null\": a } }",
            "tables.things.list.filters.name.is null",
            "`value` is missing",
        ),
        ("", "", "filters: { name: [\"=\"] }", "tables.things.list.filters.name", "nothing says where"),
        ("", "", "filters: { name: { \"=\": { term: x } } }", "tables.things.list.filters.name.=.term", "`text`"),
        (
            "",
            "",
            "filters: { at: { \">=\": a, between: { from: a, to: b } } }",
            "tables.things.list.filters.at.between.from",
            "declared twice",
        ),
        ("", "", "filters: { id: { prefix: a } }", "tables.things.list.filters.id.prefix", "type int has no"),
        ("", "", "sort: { parameter: s, columns: [name] }", "tables.things.list.sort.columns.0", "nulls"),
        ("", "", "sort: { columns: [id] }", "tables.things.list.sort", "where it is written"),
        ("", "", "paging: { keyset: after, column: name }", "tables.things.list.paging.column", "may be null"),
        ("", "", "paging: { cursor: after }", "tables.things.list.paging.next", "is missing"),
        ("", "", "paging: { curser: after }", "tables.things.list.paging.curser", "did you mean \"cursor\""),
        ("", "", "ceiling: { rows: 0 }", "tables.things.list.ceiling.rows", "at least 1"),
        ("", "", "fields: select", "tables.things.list.fields", "odata"),
        ("", "", "not_found: emtpy", "tables.things.list.not_found", "did you mean \"empty\""),
        ("", "", "rows: a..b", "tables.things.list.rows", "empty step"),
        ("", "", "columns: [id, nam]", "tables.things.list.columns.1", "did you mean \"name\""),
        ("", "", "query: { key: sk_live_0123456789abcdef }", "tables.things.list.query.key", "looks like a secret"),
        ("", "", "headers: { Host: example }", "tables.things.list.headers.Host", "belongs to the connection"),
        ("", "    get: { path: \"things\" }", "", "tables.things.get", "`=` on id"),
        ("", "    get: { path: \"things/{id}\", paging: link }", "", "tables.things.get.paging", "no paging"),
        ("", "    get_many: { path: things }", "", "tables.things.get_many", "`in`"),
        ("", "    endpoints: { list: { path: a } }", "", "tables.things.endpoints.list", "already"),
        (
            "options: { k: { secret: true } }\nauth: { query: { name: k, value: plain } }",
            "",
            "query: { a: \"{k}\" }",
            "tables.things.list.query.a",
            "secret option",
        ),
        ("options: { id: { default: a } }", "", "query: { a: \"{id}\" }", "tables.things.list.query.b", ""),
        (
            "defaults: { text: { parameter: q }, odata: v4 }",
            "",
            "",
            "tables.things.list",
            "one of text, items and odata",
        ),
        (
            "partitions: { table: things, code: id }\nheaders: { X-Division: \"{partition}\" }",
            "",
            "",
            "partitions.table",
            "a circle",
        ),
        ("quotas: [{ name: a, concurrent: 3, window: 1s }]", "", "", "quotas.0", "in place of"),
        ("partitions: { table: things, code: id }", "", "", "partitions", "nothing uses {partition}"),
        (
            "options: { partitions: { default: a } }",
            "",
            "query: { a: '{partitions}' }",
            "options.partitions",
            "already",
        ),
        ("description: a\ndescription: b", "", "", "", "stands here again"),
        ("auth: [none, none]", "", "", "auth.0", "never taken"),
    ];
    for (document, table, list, path, message) in cases {
        let text = manifest_of(document, table, list);
        let Err(problems) = Manifest::parse(&text, "test.yaml") else {
            assert!(message.is_empty(), "nothing was found in\n{text}");
            continue;
        };
        let found = problems.iter().any(|problem| problem.path == path && problem.message.contains(message));
        assert!(found, "expected {path}: {message}, found\n{}in\n{text}", lines(&problems));
        assert!(problems.iter().all(|problem| problem.line > 0), "{}", lines(&problems));
    }
}

#[test]
fn options_are_put_in_and_checked() {
    let text = manifest_of(
        "options: { host: { default: a }, env: { env: THE_ENV }, must: { required: true } }",
        "",
        "query: { h: \"{host}-x\", e: \"{env}\", m: \"{must}\" }",
    );
    let manifest = parsed(&text);
    let options = |options: &[(&str, &str)]| -> BTreeMap<String, String> {
        options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let constants = |given: &[(&str, &str)]| {
        let model = manifest.compile(&options(given)).map_err(|problems| lines(&problems))?;
        let constants = model.tables[0].endpoints[0].constants.clone();
        Ok::<_, String>(constants.into_iter().map(|(_, value)| value).collect::<Vec<_>>())
    };
    assert_eq!(constants(&[("must", "1")]).unwrap(), ["a-x", "1"], "what is not set is left out");
    assert_eq!(constants(&[("must", "1"), ("host", "b"), ("env", "e")]).unwrap(), ["b-x", "e", "1"]);
    assert!(constants(&[]).unwrap_err().contains("\"must\" is required"));
    assert!(constants(&[("must", "1"), ("hots", "b")]).unwrap_err().contains("did you mean \"host\""));
}

#[test]
fn what_is_no_yaml_is_refused_within_bounds() {
    let laughs = (0..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let aliases = vec![format!("*a{level}"); 10].join(", ");
        format!("{text}a{next}: &a{next} [{aliases}]\n", next = level + 1)
    });
    let cases = [
        (laughs, "far more values"),
        (format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a, ".repeat(2_000)), "far more values"),
        ("[".repeat(60), "nested more than"),
        ("[".repeat(5_000), "recursion limit"),
        ("a: ".to_owned() + &"{a: ".repeat(60), "nested more than"),
        (" ".repeat(2 << 20), "bytes"),
        (String::new(), "empty"),
        ("a: 1\n---\nb: 2".to_owned(), "second document"),
        ("a: [1, 2".to_owned(), "no YAML"),
        ("a: &a [*a]".to_owned(), ""),
        ("? [a]\n: b".to_owned(), "must be text"),
        ("just text".to_owned(), "an object"),
    ];
    for (text, message) in cases {
        let problems = Manifest::parse(&text, "bad.yaml").unwrap_err();
        let found = problems.iter().any(|problem| problem.message.contains(message));
        assert!(found, "expected {message}, found {}", lines(&problems));
    }
}

#[test]
fn the_schema_and_the_reference_are_generated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../connectors/manifest.schema.json");
    let generated = serde_json::to_string_pretty(&schema::generated()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    // Not `assert_eq`, which would print the schema twice.
    assert!(committed == generated, "connectors/manifest.schema.json is old: run the tests with UPDATE_SCHEMA=1");
    assert!(Manifest::schema() == schema::generated(), "it is what is compiled in");
    let reference = reference();
    for section in ["## Manifest", "## Endpoint", "## FilterForm", "| `page_size` |", "- `client_credentials`"] {
        assert!(reference.contains(section), "{section} is missing in\n{reference}");
    }
    assert!(!reference.contains("crate::"), "Rust's paths mean nothing to an author");
}

#[test]
fn what_a_connection_needs_is_typed() {
    let manifest = parsed(FULL);
    let names: Vec<String> = manifest.options().into_iter().map(|option| option.name).collect();
    assert_eq!(names, ["host", "token", "user", "password", "api_version"]);
    let options: Vec<Vec<String>> = manifest.auth().into_iter().map(|auth| auth.options).collect();
    assert_eq!(options, [vec!["token".to_owned()], vec!["user".to_owned(), "password".to_owned()], vec![]]);
    assert_eq!(manifest.throttled()[0].headers, [("x-ratelimit-remaining".to_owned(), "0".to_owned())]);
    assert_eq!(manifest.url(&BTreeMap::new()).unwrap(), "https://forge.example/api/");
}

/// A model, a line for each column and each member of an endpoint that says something.
fn shown(model: &Model) -> String {
    let mut text = String::new();
    for table in &model.tables {
        text.push_str(&format!("{} ({}) key {:?}\n", table.name, table.api_name, table.key));
        for (index, column) in table.columns.iter().enumerate() {
            text.push_str(&format!("  {index} {}\n", said(&serde_json::to_value(column).unwrap())));
        }
        for endpoint in &table.endpoints {
            let Json::Object(members) = serde_json::to_value(endpoint).unwrap() else { unreachable!() };
            text.push_str(&format!("  {}\n", endpoint.name));
            for (name, value) in members.iter().filter(|(name, value)| *name != "name" && !is_silent(value)) {
                text.push_str(&format!("    {name}: {}\n", said(value)));
            }
        }
    }
    text
}

fn is_silent(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.values().all(is_silent),
        _ => false,
    }
}

fn said(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let said_members = members.iter().filter(|(_, value)| !is_silent(value));
            said_members.map(|(name, value)| (name.clone(), said(value))).collect()
        }
        Json::Array(items) => items.iter().map(said).collect(),
        other => other.clone(),
    }
}
