//! Details: what they become, and what they cannot be.

use std::collections::BTreeMap;

use super::{lines, parsed};
use crate::manifest::Manifest;
use crate::{ColumnSource, EndpointKind, NotFound, Place};

/// A manifest with these details, and more of its table.
fn manifest_of(details: &str, more: &str) -> String {
    format!(
        "connector: test\nurl: https://api.example/\noptions: {{ realm: {{ default: main }} }}\ntables:\n  things:\n    \
         key: [owner, id]\n    columns: {{ owner: {{ from: request }}, id: int, node: text, tags: list(text) }}\n    \
         list: {{ path: \"{{owner}}/things\", query: {{ realm: \"{{realm}}\" }} }}\n{more}\n    details:\n{details}\n"
    )
}

#[test]
fn details_become_columns_behind_the_rows_own() {
    let text = manifest_of(
        "      full: { path: \"{realm}/{owner}/things/{id}\", columns: { body: text, size: { type: int, path: a.b } } }\n      \
         node: { path: nodes, filters: { node: { \"=\": id } }, not_found: empty, absent: gone, rows: data, columns: { \
         label: text } }",
        "    get: { path: \"{owner}/things/{id}\" }",
    );
    let model = parsed(&text).compile(&BTreeMap::new()).unwrap();
    let table = &model.tables[0];
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["owner", "id", "node", "tags", "body", "size", "label"]);
    let of_details = |column: &usize| table.columns[*column].source == ColumnSource::Detail;
    assert_eq!((0..names.len()).filter(of_details).collect::<Vec<_>>(), [4, 5, 6]);
    assert!(table.columns[4..].iter().all(|column| column.nullable));
    assert_eq!(
        (0..names.len()).map(|column| table.detail_of(column)).collect::<Vec<_>>(),
        [None, None, None, None, Some(0), Some(0), Some(1)]
    );
    assert!(table.endpoints.iter().all(|endpoint| endpoint.columns.as_deref() == Some(&[0, 1, 2, 3])));
    let [full, node] = table.details.as_slice() else { panic!("two details") };
    assert_eq!((full.parameters.as_slice(), full.columns.as_slice()), ([0, 1].as_slice(), [4, 5].as_slice()));
    assert_eq!((full.endpoint.path.as_str(), full.endpoint.kind), ("main/{owner}/things/{id}", EndpointKind::Get));
    assert_eq!((full.endpoint.not_found, node.endpoint.not_found), (NotFound::Fail, NotFound::Empty));
    assert_eq!((node.parameters.as_slice(), node.columns.as_slice()), ([2].as_slice(), [6].as_slice()));
    assert_eq!(node.endpoint.filters.forms[0].place, Place::Query("id".to_owned()));
    assert!(node.endpoint.filters.columns.iter().all(|filter| filter.required || filter.column == 2));
}

/// The one problem of a manifest: where it stands and what is said.
fn check(details: &str, more: &str, path: &str, message: &str) {
    let text = manifest_of(details, more);
    let problems = Manifest::parse(&text, "test.yaml").expect_err(details);
    let found = problems.iter().any(|problem| problem.path == path && problem.message.contains(message));
    assert!(found && problems.len() == 1, "{details} {more}: {path}: {message}, found\n{}", lines(&problems));
}

#[test]
fn each_mistake_is_said_where_it_stands() {
    let full = "      full: { path: \"t/{id}\", columns: { body: text } }";
    let cases = [
        ("      full: { path: \"t/{idd}\", columns: { body: text } }", "full.path", "did you mean \"id\""),
        ("      full: { path: \"t/{body}\", columns: { body: text } }", "full.path", "body is a column of a detail"),
        ("      full: { path: t, columns: { body: text } }", "full.path", "the same for all rows"),
        ("      full: { path: \"t/{id}\", columns: {} }", "full.columns", "at least one"),
        ("      full: { path: \"t/{id}\", columns: { node: text } }", "full.columns.node", "stands at one place"),
        ("      full: { path: \"t/{id}\", columns: { body: text! } }", "full.columns.body", "leave out the `!`"),
        (
            "      full: { path: \"t/{id}\", columns: { body: { from: request } } }",
            "full.columns.body.from",
            "leave out `from`",
        ),
        (
            "      full: { path: \"t/{id}\", columns: { body: { read_only: true } } }",
            "full.columns.body.read_only",
            "never written",
        ),
        (
            "      full: { path: \"t/{id}\", columns: { body: { written: x } } }",
            "full.columns.body.written",
            "never written",
        ),
        ("      full: { path: \"t/{id}\", columns: { body: { type: txt } } }", "full.columns.body.type", "txt"),
        ("      full: { path: \"t/{tags}\", columns: { body: text } }", "full.path", "type list has no"),
        ("      list: { path: \"t/{id}\", columns: { body: text } }", "list", "already"),
        ("      Full: { path: \"t/{id}\", columns: { body: text } }", "Full", "no name of a detail"),
        (
            "      full: { path: \"t/{id}\", filters: { node: { \">=\": a } }, columns: { body: text } }",
            "full.filters.node",
            "expected `=`, found >=",
        ),
        ("      full: { path: \"t/{id}\", paging: link, columns: { body: text } }", "full.paging", "paging"),
    ];
    for (details, path, message) in cases {
        check(details, "", &format!("tables.things.details.{path}"), message);
    }
    let twice = format!("{full}\n      more: {{ path: \"m/{{id}}\", columns: {{ body: text }} }}");
    check(&twice, "", "tables.things.details.more.columns.body", "two columns");
    let of_detail = "body is a column of a detail";
    for (more, path) in [
        ("    get: { path: \"{owner}/{id}\", columns: [id, body] }", "get.columns.1"),
        ("    search: { path: s, filters: { body: { \"=\": b } } }", "search.filters.body"),
        ("    writes: { update: { patch: \"{owner}/{id}\", columns: [body] } }", "writes.update.columns.0"),
    ] {
        check(full, more, &format!("tables.things.{path}"), of_detail);
    }
}

#[test]
fn all_mistakes_are_said_at_once() {
    let details = "      full: { path: \"t/{idd}/{body}\", columns: { body: text!, id: int, x: { from: request } } }";
    let problems = Manifest::parse(&manifest_of(details, ""), "test.yaml").unwrap_err();
    assert_eq!(problems.len(), 4, "{}", lines(&problems));
}
