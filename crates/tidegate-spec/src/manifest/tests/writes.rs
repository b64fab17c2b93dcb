//! Writes that are right, and writes that are not.

use super::*;

const WRITES: &str = include_str!("../../../tests/data/manifest/writes.yaml");

#[test]
fn every_form_of_write_compiles() {
    let model = parsed(WRITES).compile(&BTreeMap::new()).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    let mut text = String::new();
    for table in &model.tables {
        for (kind, write) in table.writes.iter() {
            text.push_str(&format!("{}.{}\n", table.name, kind.name()));
            let Json::Object(members) = told(&serde_json::to_value(write).unwrap()) else { unreachable!() };
            for (name, value) in members {
                text.push_str(&format!("  {name}: {value}\n"));
            }
        }
    }
    insta::assert_snapshot!(text);
}

/// What says something. An empty path does, where there might be none.
fn told(value: &Json) -> Json {
    let is_told = |name: &str, value: &Json| match value {
        Json::Null | Json::Bool(false) => false,
        Json::Array(items) if items.is_empty() => ["row", "at"].contains(&name),
        _ => true,
    };
    match value {
        Json::Object(members) => {
            let members = members.iter().filter(|(name, value)| is_told(name, value));
            members.map(|(name, value)| (name.clone(), told(value))).collect()
        }
        Json::Array(items) => items.iter().map(told).collect(),
        other => other.clone(),
    }
}

/// A manifest of one table with these writes.
fn manifest_of(writes: &str) -> String {
    format!(
        "connector: test\nurl: https://api.example/\noptions: {{ secret: {{ secret: true }} }}\nauth: {{ bearer: \"{{secret}}\" }}\ntables:\n  \
         things:\n    key: id\n    columns:\n      id: int\n      name: text\n      size: int!\n      made: {{ type: timestamp, read_only: true }}\n      \
         etag: {{ from: annotation, path: etag }}\n      parent: {{ from: request }}\n      inner: {{ type: text, path: name.inner }}\n    \
         list: {{ path: things }}\n    writes:\n      {writes}\n"
    )
}

#[test]
fn each_mistake_is_said_where_it_stands() {
    let cases: &[(&str, &str, &str)] = &[
        ("insert: things/{idd}", "insert", "did you mean \"id\""),
        ("update: things", "update", "expected the whole key: {id}"),
        ("delete: { delete: things }", "delete.delete", "expected the whole key: {id}"),
        (
            "update: { columns: [name] }",
            "update",
            "nothing says what is sent; expected one of post, put, patch and delete",
        ),
        (
            "update: { patch: \"t/{id}\", put: \"t/{id}\", columns: [name] }",
            "update.patch",
            "one method; found put and patch",
        ),
        ("update: { path: \"t/{id}\" }", "update.path", "did you mean \"patch\""),
        ("insert: t", "insert.columns", "name and inner are both written at name.inner"),
        ("insert: { post: t, columns: [made] }", "insert.columns.0", "made is `read_only`"),
        ("insert: { post: t, columns: [etag] }", "insert.columns.0", "is an annotation"),
        ("insert: { post: t, columns: [name, name] }", "insert.columns.1", "twice"),
        ("insert: { post: t, columns: [nam] }", "insert.columns.0", "did you mean \"name\""),
        ("insert: { post: t, columns: { except: [nam] } }", "insert.columns.except.0", "did you mean \"name\""),
        ("insert: { post: t, columns: [name], required: [size] }", "insert.required.0", "not among the columns"),
        ("insert: { post: t, columns: [name], sends: whole }", "insert.sends", "it is for update"),
        ("insert: { post: t, columns: [name], if_match: etag }", "insert.if_match", "it is for update and delete"),
        ("update: { patch: \"t/{id}\", columns: [id] }", "update.columns.0", "in the key"),
        ("update: { patch: \"t/{id}\", columns: [parent] }", "update.columns.0", "comes from the request"),
        ("update: { patch: \"t/{id}\", columns: [name], required: [name] }", "update.required", "it is for insert"),
        ("update: { patch: \"t/{id}\", columns: [name], body: none }", "update", "no body to write them into"),
        (
            "update: { patch: \"t/{id}\", columns: [name], body: form, nulls: json }",
            "update.nulls",
            "a form has no null",
        ),
        (
            "update: { patch: \"t/{id}\", columns: [name], nulls: { size: empty } }",
            "update.nulls.size",
            "not among the columns",
        ),
        (
            "update: { patch: \"t/{id}\", columns: [name], nulls: null }",
            "update.nulls",
            "expected json, empty, refused",
        ),
        ("update: { patch: \"t/{id}\", columns: [name], if_match: tag }", "update.if_match", "did you mean \"etag\""),
        (
            "update: { patch: \"t/{id}\", columns: [name], if_match: { column: etag, body: name.etag } }",
            "update.if_match",
            "both written at",
        ),
        ("update: { patch: t, odata: v5, columns: [name] }", "update.odata", "v401"),
        ("update: { patch: \"t({id})\", odata: v4, columns: [name] }", "update.patch", "the key is put behind it"),
        ("delete: { delete: \"t/{id}\", columns: [name] }", "delete.columns", "it is for insert and update"),
        ("delete: { delete: \"t/{id}\", row: \"\" }", "delete.row", "it is for insert and update"),
        ("delete: { delete: \"t/{id}\", append_only: true }", "delete.append_only", "it is for insert"),
        (
            "delete: { delete: \"t/{id}\", idempotency: { body: key, lifetime: 1h } }",
            "delete.idempotency",
            "which this request has not",
        ),
        (
            "insert: { post: t, columns: [name], idempotency: { header: Key } }",
            "insert.idempotency",
            "\"lifetime\" is missing",
        ),
        (
            "insert: { post: t, columns: [name], idempotency: { header: Key, lifetime: 20ms } }",
            "insert.idempotency.lifetime",
            "at least a second",
        ),
        (
            "insert: { post: t, columns: [name], idempotency: { lifetime: 1d } }",
            "insert.idempotency",
            "nothing says where",
        ),
        (
            "insert: { post: t, columns: [name], idempotency: { body: name, lifetime: 1d } }",
            "insert.idempotency",
            "name and the idempotency key are both",
        ),
        (
            "insert: { post: t, columns: [name], headers: { X-Key: sk_live_0123456789abcdef } }",
            "insert.headers.X-Key",
            "looks like a secret",
        ),
        ("insert: { post: t, columns: [name], query: { key: \"{secret}\" } }", "insert.query.key", "secret option"),
        (
            "insert: { post: t, columns: [name], body: { at: a.b, template: { a: 1 } } }",
            "insert.body.template",
            "no object",
        ),
        (
            "insert: { post: t, columns: [name], statuses: { absent: [409], stale: [409] } }",
            "insert.statuses.stale",
            "under `absent` too",
        ),
        (
            "insert: { post: t, columns: [name], statuses: { not_done: [404] } }",
            "insert.statuses.not_done.0",
            "500 to 599",
        ),
        ("insert: { post: t, columns: [name], append_only: true }\n      delete: t/{id}", "delete", "have no delete"),
        (
            "defaults: { row: \"\", batch: { post: t, max: 5, rows: a } }",
            "defaults.batch",
            "defaults have no \"batch\"",
        ),
        ("defaults: { row: \"\" }", "", "no write is declared"),
        ("remove: t/{id}", "remove", "known are defaults, delete, insert, update"),
    ];
    for (writes, path, message) in cases {
        check(writes, path, message);
    }
}

#[test]
fn each_mistake_of_a_batch_is_said_where_it_stands() {
    let update = |batch: &str| format!("update: {{ columns: [name], batch: {{ post: t, {batch} }} }}");
    let delete = |batch: &str| format!("delete: {{ batch: {{ post: t, {batch} }} }}");
    let insert = |batch: &str| format!("insert: {{ columns: [name], batch: {{ post: t, {batch} }} }}");
    let cases = [
        (update("rows: a"), "update.batch", "\"max\" is missing"),
        (update("max: 0, rows: a"), "update.batch.max", "1 to 10000"),
        (update("max: 5"), "update.batch", "expected one of rows, keys, same and odata"),
        (update("max: 5, rows: a, same: { parameter: ids }"), "update.batch.same", "one way; found rows and same"),
        (update("max: 5, keys: ids"), "update.batch.keys", "needs `rows` or `same`"),
        (update("max: 5, odata: true"), "update.batch.odata", "expected `odata` at the write"),
        (update("max: 5, rows: { at: a, key: { name: n } }"), "update.batch.rows.key.name", "not in the table's key"),
        (update("max: 5, rows: { at: a, key: { id: name } }"), "update.batch.rows", "name and id are both written"),
        (update("max: 5, rows: { key: { id: id } }"), "update.batch.rows", "\"at\" is missing"),
        (update("max: 5, same: { list: \",\" }"), "update.batch.same", "nothing says where"),
        (update("max: 5, same: { body: ids, list: repeat }"), "update.batch.same.list", "`repeat` outside of it"),
        (update("max: 5, same: { parameter: ids, values: none }"), "update.batch.same.values", "expected json or form"),
        (
            update("max: 5, rows: \"\", idempotency: { body: k, lifetime: 1h }"),
            "update.batch.idempotency",
            "the body is the array",
        ),
        (
            update("max: 5, rows: a, idempotency: { header: K, per: row, lifetime: 1h }"),
            "update.batch.idempotency",
            "expected `rows`, and `body`",
        ),
        (
            update("max: 5, rows: a, answer: { items: \"\" }"),
            "update.batch.answer",
            "one of status, success and failure",
        ),
        (update("max: 5, rows: a, answer: { done: a, failed: b }"), "update.batch.answer", "have no order"),
        (
            update("max: 5, rows: a, answer: { done: a, failed: a, match: { key: id } }"),
            "update.batch.answer.failed",
            "another list",
        ),
        (
            update("max: 5, rows: a, answer: { done: a, match: { key: id }, status: s }"),
            "update.batch.answer.status",
            "say already",
        ),
        (
            update("max: 5, rows: a, answer: { items: a, status: s, match: { key: name } }"),
            "update.batch.answer.match.key",
            "not in the table's key",
        ),
        (
            update("max: 5, rows: a, answer: { items: a, status: s, match: { key: idd } }"),
            "update.batch.answer.match.key",
            "did you mean \"id\"",
        ),
        (
            update("max: 5, rows: a, answer: { items: a, status: s, match: ordr }"),
            "update.batch.answer.match",
            "did you mean \"order\"",
        ),
        (
            update("max: 5, rows: a, answer: { items: a, status: s, match: { trace: name } }"),
            "update.batch.answer.match",
            "name and the trace are both",
        ),
        (
            update("max: 5, rows: a, answer: { items: a, status: s, affected: n }"),
            "update.batch.answer.affected",
            "without lists",
        ),
        (
            update("max: 5, rows: a, answer: { affected: n, unlisted: done }"),
            "update.batch.answer.unlisted",
            "about lists of rows",
        ),
        (
            update("max: 5, rows: a, job: { at: id, path: jobs, state: s, done: [ok] }"),
            "update.batch.job.path",
            "expected {job}",
        ),
        (update("max: 5, rows: a, job: { at: id, state: s, done: [] }"), "update.batch.job.done", "at least one"),
        (
            update("max: 5, rows: a, job: { at: id, state: s, done: [ok], failed: [ok] }"),
            "update.batch.job.failed",
            "too",
        ),
        (
            update("max: 5, rows: a, job: { at: id, state: s, done: [ok], every: 10ms }"),
            "update.batch.job.every",
            "at least a second",
        ),
        (delete("max: 5, keys: { at: ids, column: name }"), "delete.batch.keys.column", "not in the table's key"),
        (insert("max: 5, same: { parameter: ids }"), "insert.batch.same", "needs `rows`"),
        (insert("max: 5, rows: { at: a, key: { id: id } }"), "insert.batch.rows.key", "no key yet"),
        (
            insert("max: 5, rows: a, answer: { items: a, status: s, match: { key: id } }"),
            "insert.batch.answer.match.key",
            "not known before",
        ),
        (
            "update: { columns: [name], batch: { max: 5, rows: a } }".to_owned(),
            "update.batch",
            "nothing says where it goes",
        ),
    ];
    for (writes, path, message) in &cases {
        check(writes, path, message);
    }
}

fn check(writes: &str, path: &str, message: &str) {
    let text = manifest_of(writes);
    let problems = match Manifest::parse(&text, "test.yaml") {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let at = format!("tables.things.writes{}{path}", if path.is_empty() { "" } else { "." });
    let found = problems.iter().any(|problem| problem.path == at && problem.message.contains(message));
    assert!(found, "expected {at}: {message}, found\n{}for {writes}", lines(&problems));
    assert!(problems.iter().all(|problem| problem.line > 0), "{}", lines(&problems));
}

#[test]
fn mistakes_are_told_together_with_their_lines() {
    let text = include_str!("../../../tests/data/manifest/write_mistakes.yaml");
    insta::assert_snapshot!(lines(&Manifest::parse(text, "mistakes.yaml").unwrap_err()));
}

#[test]
fn what_a_request_needs_of_a_row_is_known() {
    let text = manifest_of(
        "update: { patch: \"p/{parent}/t/{id}\", columns: [name] }\n      delete: { delete: \"{partition}/t/{id}\" }",
    );
    let table = parsed(&text).compile(&BTreeMap::new()).unwrap().tables.remove(0);
    let (update, delete) = (table.writes.update.unwrap(), table.writes.delete.unwrap());
    assert_eq!(update.path_columns(&table.columns), [0, 5]);
    assert_eq!((update.needs_partition(), delete.needs_partition()), (false, true));
}

#[test]
fn a_table_that_is_only_added_to_need_not_be_read() {
    let manifest = |append_only: &str| {
        format!(
            "connector: log\nurl: https://log.example/\ntables:\n  entries:\n    columns: {{ text: text }}\n    \
             writes:\n      insert: {{ post: entries, {append_only} }}\n"
        )
    };
    let model = parsed(&manifest("append_only: true")).compile(&BTreeMap::new()).unwrap();
    assert!(model.tables[0].endpoints.is_empty() && model.tables[0].writes.insert.is_some());
    let problems = Manifest::parse(&manifest("row: \"\""), "test.yaml").unwrap_err();
    assert!(lines(&problems).contains("the table has no endpoint"), "{}", lines(&problems));
}
