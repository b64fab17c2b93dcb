//! Requests as they leave, for writes of every shape.

use serde_json::{Value as Json, json};
use tidegate_spec::{Batch, NullForm, ODataVersion, Place, Table, WriteKind};
use tidegate_transport::{Blanks, Credentials, Secret};

use crate::Source;
use crate::test_support::Script;
use crate::write::testing::{
    by_query, contacts, customers, delete, entries, header, insert, invoices, odata, row, update, versioned,
};
use crate::write::{Composed, RowWrite, Way, compose};

fn source() -> Source {
    Script::replies([]).source()
}

fn composed(table: &Table, way: Way, rows: &[RowWrite]) -> Result<Composed, String> {
    let source = source().with_partition("7/x").unwrap();
    let kind = rows.first().map_or(WriteKind::Update, |row| row.kind);
    compose(&source, table, kind, way, rows, Some("key-1")).map_err(|kind| kind.to_string())
}

/// The request as text, or why there is none.
fn shown(table: &Table, way: Way, rows: &[RowWrite]) -> String {
    let composed = match composed(table, way, rows) {
        Ok(composed) => composed,
        Err(why) => return format!("refused: {why}"),
    };
    let shown = composed.shown(&source());
    let mut text = format!("{} {}\n", shown.method, shown.url);
    for (name, value) in shown.headers.iter().filter(|(name, value)| name != "accept" || value != "application/json") {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text + &shown.body.unwrap_or_default()
}

#[test]
fn requests() {
    let (v2, v3, v4) = (odata(ODataVersion::V2, false), odata(ODataVersion::V3, false), odata(ODataVersion::V4, true));
    let (crm, forms, log, books, query) = (contacts(), customers(), entries(), invoices(), by_query());
    let mut composite = odata(ODataVersion::V4, false);
    composite.key = vec![1, 7, 5];
    let everything = json!({
        "name": "Ærø \"x\"", "revenue": "1234567890123.40", "active": true, "founded": "2024-02-29",
        "created": "2024-05-31T23:59:59.120000Z", "opens": "08:30:00.000000", "rating": 1.5, "weight": 0.1,
        "serial": 9_007_199_254_740_993_i64, "city": "Köln", "local": "2024-05-31T23:59:59.000000", "photo": "+/8=",
    });
    let uuid = "0a1b2c3d-0000-4000-8000-00000000abcd";
    let created = "2024-05-31T23:59:59.000000Z";
    let key = json!({"name": "it's a/b", "guid": uuid, "created": "2024-05-31T23:59:59.500000Z"});
    let customer = |new: Json| row(WriteKind::Update, 1, json!({"id": "cus/1 ?"}), json!({}), new);
    let entry = |number, book: &str, new: Json| {
        let mut row = insert(number, new);
        row.new.insert("book".to_owned(), book.into());
        row
    };
    let invoice = |new: Json| {
        let old = json!({"memo": null, "due": "2024-05-31T00:00:00.000000"});
        versioned(row(WriteKind::Update, 1, json!({"id": "A1"}), old, new), "4")
    };
    let memo =
        |id: &str, memo: &str| row(WriteKind::Update, 1, json!({ "id": id }), json!({}), json!({ "memo": memo }));
    let gone = |id: &str| row(WriteKind::Delete, 1, json!({ "id": id }), json!({}), json!({}));
    let amount = json!({"amount": "-0.0000000001", "at": created});
    let cases: Vec<(&str, &Table, Way, Vec<RowWrite>)> = vec![
        ("OData 4: every type", &v4, Way::Single, vec![versioned(update(5, everything.clone()), "W/\"7\"")]),
        ("OData 4: without its version", &v4, Way::Single, vec![update(5, json!({"name": null}))]),
        ("OData 4: delete", &v4, Way::Single, vec![versioned(delete(-5), "\"9\"")]),
        ("OData 4: insert", &v4, Way::Single, vec![insert(1, json!({"id": 9, "rating": "NaN"}))]),
        (
            "OData 4: a key of several columns",
            &composite,
            Way::Single,
            vec![row(WriteKind::Delete, 1, key, json!({}), json!({}))],
        ),
        (
            "OData 4: batch",
            &v4,
            Way::Batch,
            vec![versioned(update(5, json!({"name": "a"})), "x"), update(6, json!({"city": "b"}))],
        ),
        ("OData 4: batch of inserts", &v4, Way::Batch, vec![insert(1, json!({"id": 9})), insert(2, json!({"id": 10}))]),
        ("OData 4: batch of deletes", &v4, Way::Batch, vec![delete(1), delete(2)]),
        ("OData 2: every type", &v2, Way::Single, vec![update(5, everything.clone())]),
        ("OData 3: every type", &v3, Way::Single, vec![update(5, everything)]),
        ("items: one", &crm, Way::Single, vec![update(3, json!({"name": null, "score": "10.50"}))]),
        ("items: insert", &crm, Way::Single, vec![insert(1, json!({"email": "a@b", "name": null}))]),
        (
            "items: several",
            &crm,
            Way::Batch,
            vec![update(3, json!({"name": null})), update(4, json!({"email": "x", "born": "2024-01-01"}))],
        ),
        ("items: several inserts", &crm, Way::Batch, vec![insert(1, json!({"email": "x"}))]),
        ("items: delete", &crm, Way::Single, vec![delete(3)]),
        ("items: several deletes", &crm, Way::Batch, vec![delete(3), delete(4)]),
        (
            "form: insert",
            &forms,
            Way::Single,
            vec![insert(1, json!({"email": "a b&c", "city": "Århus", "created": created, "active": false}))],
        ),
        (
            "form: update",
            &forms,
            Way::Single,
            vec![customer(json!({"metadata": {"a": [1, "x"], "b": {"c": true}}, "email": null}))],
        ),
        ("form: NULL as an empty text", &forms, Way::Single, vec![customer(json!({"city": null, "metadata": null}))]),
        (
            "form: delete",
            &forms,
            Way::Single,
            vec![row(WriteKind::Delete, 1, json!({"id": "c1"}), json!({}), json!({}))],
        ),
        ("entries: one", &log, Way::Single, vec![entry(1, "main book", amount.clone())]),
        (
            "entries: several",
            &log,
            Way::Batch,
            vec![entry(1, "b", amount.clone()), entry(2, "b", json!({"amount": "5.0000000000"}))],
        ),
        ("whole: a column", &books, Way::Single, vec![invoice(json!({"memo": "x"}))]),
        (
            "whole: what was NULL stays so",
            &books,
            Way::Single,
            vec![invoice(json!({"due": "2024-06-01T00:00:00.000000"}))],
        ),
        ("by query: several", &query, Way::Batch, vec![memo("a", "x"), memo("b", "x")]),
        ("a job", &books, Way::Batch, vec![gone("a"), gone("b")]),
        ("refused: a column that is not written", &crm, Way::Single, vec![update(3, json!({"id": 4}))]),
        ("refused: an unknown column", &crm, Way::Single, vec![insert(3, json!({"email": "x", "nope": 4}))]),
        ("refused: NULL", &crm, Way::Single, vec![update(3, json!({"email": null}))]),
        ("refused: NULL in a form", &forms, Way::Single, vec![customer(json!({"created": null}))]),
        (
            "refused: fractions of a second",
            &forms,
            Way::Single,
            vec![customer(json!({"created": "2024-05-31T23:59:59.500000Z"}))],
        ),
        ("refused: NaN without OData", &forms, Way::Single, vec![customer(json!({"active": "NaN"}))]),
        ("refused: a required column", &crm, Way::Single, vec![insert(1, json!({"name": "x"}))]),
        ("refused: no parent", &log, Way::Single, vec![insert(1, amount)]),
        (
            "refused: a key that leads away",
            &forms,
            Way::Single,
            vec![row(WriteKind::Update, 1, json!({"id": ".."}), json!({}), json!({"active": true}))],
        ),
        ("refused: no key", &v4, Way::Single, vec![row(WriteKind::Delete, 1, json!({}), json!({}), json!({}))]),
        ("refused: an old value that is not known", &books, Way::Single, vec![memo("A1", "x")]),
        (
            "refused: several parents",
            &log,
            Way::Batch,
            vec![entry(1, "b", json!({"amount": "1"})), entry(2, "c", json!({"amount": "1"}))],
        ),
        ("refused: several values", &query, Way::Batch, vec![memo("a", "x"), memo("b", "y")]),
        ("refused: a separator in a key", &query, Way::Batch, vec![memo("a|b", "x"), memo("b", "x")]),
        ("refused: too many", &query, Way::Batch, ["a", "b", "c", "d"].map(|id| memo(id, "x")).into()),
        ("refused: none", &crm, Way::Batch, vec![]),
        ("refused: two by one request", &crm, Way::Single, vec![delete(1), delete(2)]),
        ("refused: two kinds", &crm, Way::Batch, vec![delete(1), update(2, json!({"name": "x"}))]),
        ("refused: no such write", &log, Way::Single, vec![delete(1)]),
        ("refused: no such way", &forms, Way::Batch, vec![customer(json!({}))]),
    ];
    let text: Vec<_> = cases
        .iter()
        .map(|(name, table, way, rows)| format!("# {name}\n{}\n", shown(table, *way, rows).trim_end()))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let table = contacts();
    let rows = [update(3, json!({"name": "x", "email": "y"})), update(4, json!({"score": "1.00"}))];
    let first = composed(&table, Way::Batch, &rows).unwrap();
    for _ in 0..20 {
        let again = composed(&table, Way::Batch, &rows.clone()).unwrap();
        assert_eq!((&again.digest, again.bytes), (&first.digest, first.bytes));
        assert_eq!(again.outgoing.body, first.outgoing.body);
    }
    assert_eq!(first.digest.len(), 64);
    let other = composed(&table, Way::Batch, &rows[..1]).unwrap();
    assert_ne!(other.digest, first.digest);
}

#[test]
fn what_belongs_to_a_partition_needs_one() {
    let (table, mut row) = (entries(), insert(1, json!({"amount": "1", "book": "b"})));
    let error = compose(&source(), &table, WriteKind::Insert, Way::Single, &[row.clone()], None).unwrap_err();
    assert!(error.to_string().contains("{partition}"), "{error}");
    // Neither a partition nor a value can lead elsewhere.
    row.new.insert("book".to_owned(), "../../admin".into());
    let text = shown(&table, Way::Single, &[row]);
    assert!(text.starts_with("POST https://api.test/odata/7%2Fx/books/..%2F..%2Fadmin/entries:write"), "{text}");
    let base = url::Url::parse("https://api.test/{partition}/v1/?client=100").unwrap();
    let source = Source { base, ..source() }.with_partition("a b").unwrap();
    let composed = compose(&source, &contacts(), WriteKind::Delete, Way::Single, &[delete(1)], None).unwrap();
    assert_eq!(composed.outgoing.url.as_str(), "https://api.test/a%20b/v1/contacts/1?client=100");
}

#[test]
fn a_body_has_its_bounds() {
    let mut table = contacts();
    let update_batch = |table: &mut Table, change: &dyn Fn(&mut Batch)| {
        change(table.writes.update.as_mut().unwrap().batch.as_mut().unwrap());
    };
    update_batch(&mut table, &|batch| batch.max_bytes = Some(60));
    let rows = [update(3, json!({"name": "x"})), update(4, json!({"name": "y"}))];
    let text = shown(&table, Way::Batch, &rows);
    assert!(text.contains("bytes, and 60 is the most"), "{text}");
    assert!(shown(&table, Way::Batch, &rows[..1]).starts_with("POST"));
    let long = row(WriteKind::Update, 1, json!({"id": "x".repeat(8_000)}), json!({}), json!({"memo": "x"}));
    assert!(shown(&by_query(), Way::Batch, &[long]).contains("bytes, and 8000 is the most"));
    // Alone in the list, such a key would stand for two rows, or for all.
    for id in ["a|b", ""] {
        let cut = row(WriteKind::Update, 1, json!({ "id": id }), json!({}), json!({"memo": "x"}));
        assert!(shown(&by_query(), Way::Batch, &[cut]).contains("stands between the keys"), "{id:?}");
    }
    update_batch(&mut table, &|batch| batch.constants = vec![(Place::Body(vec!["inputs".to_owned()]), "x".to_owned())]);
    assert!(shown(&table, Way::Batch, &rows).contains("something else stands there"));
}

#[test]
fn secrets_are_not_shown() {
    let mut table = contacts();
    let update_single = table.writes.update.as_mut().unwrap().single.as_mut().unwrap();
    update_single.constants = vec![
        (header("X-Api-Key"), "s3cret/constant".to_owned()),
        (Place::Query("api_key".to_owned()), "s3cret/constant".to_owned()),
    ];
    let blanks = Blanks::new(&[Credentials::Bearer(Secret::new("s3cret/token"))]);
    let source = Source { blanks, ..source() };
    let row = update(3, json!({"name": "my s3cret/token"}));
    let composed = compose(&source, &table, WriteKind::Update, Way::Single, &[row], None).unwrap();
    let shown = format!("{:?} {composed:?}", composed.shown(&source));
    assert!(!shown.contains("s3cret") && shown.contains("my ***"), "{shown}");
    // A value that cannot stand in a header is not named either.
    table.writes.update.as_mut().unwrap().single.as_mut().unwrap().constants =
        vec![(header("X-Api-Key"), "s3cret\n".to_owned())];
    let error = compose(&source, &table, WriteKind::Update, Way::Single, &[update(3, json!({"name": "x"}))], None);
    assert!(!error.unwrap_err().to_string().contains("s3cret"));
}

#[test]
fn a_request_is_keyed_only_under_a_key() {
    let (forms, log) = (customers(), entries());
    let row = row(WriteKind::Delete, 1, json!({"id": "c1"}), json!({}), json!({}));
    let entry = insert(1, json!({"amount": "1", "book": "b"}));
    let source = source().with_partition("7").unwrap();
    for (table, row, key, keyed) in [
        (&forms, &row, Some("k"), true),
        (&forms, &row, Some(""), false),
        (&forms, &row, None, false),
        (&log, &entry, None, true),
        (&log, &RowWrite { row_key: String::new(), ..entry.clone() }, Some("k"), false),
        (&contacts(), &delete(1), Some("k"), false),
    ] {
        let rows = std::slice::from_ref(row);
        let composed = compose(&source, table, row.kind, Way::Single, rows, key).unwrap();
        assert_eq!(composed.is_keyed, keyed, "{key:?}");
    }
}

#[test]
fn a_null_that_was_not_changed_is_left_out_where_it_cannot_be_sent() {
    let mut table = invoices();
    let written = &mut table.writes.update.as_mut().unwrap().columns;
    written[2].null = NullForm::Refused;
    let old = json!({"memo": "m", "due": null});
    let row = versioned(row(WriteKind::Update, 1, json!({"id": "A1"}), old, json!({"memo": "x"})), "4");
    let text = shown(&table, Way::Single, &[row]);
    assert!(text.ends_with(r#"{"Invoice":{"Id":"A1","Memo":"x","SyncToken":4},"op":"full"}"#), "{text}");
}
