//! What is known of writes before any value is.

use std::time::Duration;

use serde_json::json;
use tidegate_spec::{ODataVersion, Per, Table, WriteKind};

use crate::write::testing::{by_query, contacts, customers, delete, entries, insert, invoices, odata, row, update};
use crate::write::{Repeatable, Way, batch_max, can_share, check, columns_needed, has_version, repeatable};

const KINDS: [WriteKind; 3] = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];

fn columns(table: &Table, names: &[&str]) -> Vec<usize> {
    names.iter().map(|name| table.column_index(name).unwrap()).collect()
}

#[test]
fn a_statement_is_checked_before_anything_is_read() {
    let (crm, log, books) = (contacts(), entries(), invoices());
    for (table, kind, names, wrong) in [
        (&crm, WriteKind::Insert, &["email", "name"][..], None),
        (&crm, WriteKind::Insert, &["name"], Some("INSERT into table contacts has to give email")),
        (
            &crm,
            WriteKind::Insert,
            &["email", "id"],
            Some("column id of table contacts cannot be written by INSERT: the API does not take it"),
        ),
        (&crm, WriteKind::Update, &["name"], None),
        (
            &crm,
            WriteKind::Update,
            &["id"],
            Some("column id of table contacts cannot be written by UPDATE: it is the key"),
        ),
        (
            &books,
            WriteKind::Update,
            &["id"],
            Some("column id of table invoices cannot be written by UPDATE: it is the key"),
        ),
        (
            &books,
            WriteKind::Update,
            &["token"],
            Some("column token of table invoices cannot be written by UPDATE: the API does not take it"),
        ),
        (&crm, WriteKind::Delete, &[], None),
        (&log, WriteKind::Insert, &["book", "amount"], None),
        (&log, WriteKind::Insert, &["at"], Some("INSERT into table entries has to give book and amount")),
        (&log, WriteKind::Delete, &[], Some("table entries offers no DELETE: its description declares none")),
    ] {
        let found = check(table, kind, &columns(table, names));
        assert_eq!(found.err().as_deref(), wrong, "{kind:?} {names:?}");
    }
}

#[test]
fn what_has_to_be_read_first() {
    let mut nested = contacts();
    nested.writes.update.as_mut().unwrap().single.as_mut().unwrap().path = "{name}/contacts/{id}".to_owned();
    for (table, kind, names) in [
        (contacts(), WriteKind::Update, &[][..]),
        (nested, WriteKind::Update, &["name"]),
        (invoices(), WriteKind::Update, &["token", "memo", "due"]),
        (invoices(), WriteKind::Delete, &[]),
        (odata(ODataVersion::V4, true), WriteKind::Delete, &["_etag"]),
        (odata(ODataVersion::V4, true), WriteKind::Insert, &[]),
    ] {
        assert_eq!(columns_needed(&table, kind), columns(&table, names), "{} {kind:?}", table.name);
    }
}

#[test]
fn batches() {
    let mut versioned = contacts();
    versioned.writes.update.as_mut().unwrap().version = odata(ODataVersion::V4, true).writes.update.unwrap().version;
    for (table, most) in [
        (contacts(), [Some(100), Some(100), Some(100)]),
        (customers(), [None, None, None]),
        (entries(), [Some(100), None, None]),
        (invoices(), [Some(3), None, Some(100)]),
        (odata(ODataVersion::V4, true), [Some(100), Some(100), Some(100)]),
        // Its items have no place for a version, so that rows go by themselves.
        (versioned, [Some(100), None, Some(100)]),
    ] {
        assert_eq!(KINDS.map(|kind| batch_max(&table, kind)), most, "{}", table.name);
    }
}

#[test]
fn rows_that_may_stand_in_one_request() {
    let memo =
        |id: &str, memo: &str| row(WriteKind::Update, 1, json!({ "id": id }), json!({}), json!({ "memo": memo }));
    let entry = |book: &str| insert(1, json!({ "book": book, "amount": "1" }));
    for (table, a, b, share) in [
        (contacts(), update(1, json!({"name": "a"})), update(2, json!({"email": "b"})), true),
        (contacts(), update(1, json!({"name": "a"})), update(1, json!({"email": "b"})), false),
        (contacts(), update(1, json!({"name": "a"})), delete(2), false),
        (contacts(), insert(1, json!({"email": "a"})), insert(2, json!({"email": "a"})), true),
        (entries(), entry("a"), entry("a"), true),
        (entries(), entry("a"), entry("b"), false),
        (by_query(), memo("a", "x"), memo("b", "x"), true),
        (by_query(), memo("a", "x"), memo("b", "y"), false),
        (customers(), update(1, json!({})), update(2, json!({})), false),
    ] {
        assert_eq!(can_share(&table, a.kind, &a, &b), share, "{} {a:?} {b:?}", table.name);
    }
}

#[test]
fn how_doubt_is_cleared_up() {
    let key = |seconds, per| Repeatable::IdempotencyKey { lifetime: Duration::from_secs(seconds), per };
    let mut chosen = contacts();
    chosen.writes.insert.as_mut().unwrap().columns.push(crate::write::testing::written(0, "id", Default::default()));
    let mut unread = contacts();
    unread.endpoints.clear();
    let (etags, plain) = (odata(ODataVersion::V4, true), odata(ODataVersion::V4, false));
    for (table, way, found) in [
        (&contacts(), Way::Single, [Repeatable::No, Repeatable::ReadBack, Repeatable::ReadBack]),
        (&chosen, Way::Batch, [Repeatable::ReadBack, Repeatable::ReadBack, Repeatable::ReadBack]),
        (&unread, Way::Batch, [Repeatable::No, Repeatable::No, Repeatable::No]),
        (&customers(), Way::Single, [key(86_400, Per::Request); 3]),
        (&entries(), Way::Batch, [key(3_600, Per::Row), Repeatable::No, Repeatable::No]),
        (&etags, Way::Single, [Repeatable::ReadBack, Repeatable::IfMatch, Repeatable::IfMatch]),
        (&plain, Way::Batch, [Repeatable::ReadBack, Repeatable::ReadBack, Repeatable::ReadBack]),
    ] {
        assert_eq!(KINDS.map(|kind| repeatable(table, kind, way)), found, "{} {way:?}", table.name);
    }
    assert!(has_version(&etags, WriteKind::Delete) && !has_version(&etags, WriteKind::Insert));
}
