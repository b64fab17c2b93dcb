//! UNDO writes back what nobody else has changed since.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::subject::{Api, BY_ID, MATCHED, ODATA, ODATA_ETAGS, READ_BACK, Subject};

/// Every thirtieth of the changed rows is changed again by somebody else.
fn is_changed_since(id: i64) -> bool {
    id % 30 == 0
}

/// A row without its version.
fn bare(row: &Value) -> Value {
    let mut row = row.clone();
    row.as_object_mut().unwrap().remove("version");
    row
}

async fn check(api: Api) {
    let subject = Subject::start(api, 1_200).await;
    let sql = "UPDATE {t} SET stock = 2500, name = upper(name) WHERE id <= 1000";
    let done = subject.change(sql).await;
    done.all_applied(1_000, api.name);
    for id in (1..=1_000).filter(|id| is_changed_since(*id)) {
        subject.sim.change(0, api.set, &id.to_string(), &json!({ api.column("stock"): 3 })).unwrap();
    }
    let undone = subject.change(&format!("UNDO MUTATION '{}'", done.id())).await;
    let counts = ["selected", "applied", "skipped"].map(|name| undone.count(name));
    assert_eq!(counts, [1_000, 967, 33], "{}: {undone:?}", api.name);
    let skipped = subject.outcomes(undone.id()).await.remove("skipped").unwrap_or_default();
    let named: BTreeSet<String> =
        (1..=1_000).filter(|id| is_changed_since(*id)).map(|id| format!("{{\"id\":{id}}}")).collect();
    assert_eq!(skipped, named, "{}", api.name);
    for (before, now) in subject.before.iter().zip(subject.sim.rows(0, api.set)) {
        match is_changed_since(api.number(before, "id")) && api.number(before, "id") <= 1_000 {
            true => assert_eq!(api.number(&now, "stock"), 3, "{}", api.name),
            false => assert_eq!(bare(before), bare(&now), "{}", api.name),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_undone() {
    for api in [ODATA, ODATA_ETAGS, MATCHED, READ_BACK, BY_ID] {
        check(api).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_undone_where_rows_can_be_made_with_their_keys() {
    let subject = Subject::start(ODATA, 200).await;
    let done = subject.change("DELETE FROM {t} WHERE id <= 50").await;
    done.all_applied(50, "delete");
    assert_eq!(subject.sim.rows(0, "Products").len(), 150);
    let undone = subject.change(&format!("UNDO MUTATION '{}' LIMIT 20", done.id())).await;
    undone.all_applied(20, "undo");
    let mut rows = subject.sim.rows(0, "Products");
    rows.sort_by_key(|row| row["Id"].as_i64());
    assert_eq!(rows[..20], subject.before[30..50], "in reverse order, the last ones first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_made_are_removed() {
    let subject = Subject::start(ODATA, 20).await;
    let sql = "INSERT INTO {t} (id, name, price, stock, discontinued) \
               SELECT 100 + value, 'new', 1.5, 3, false FROM generate_series(1, 30)";
    let done = subject.change(sql).await;
    done.all_applied(30, "insert");
    assert_eq!(subject.sim.rows(0, "Products").len(), 50);
    subject.change(&format!("UNDO MUTATION '{}'", done.id())).await.all_applied(30, "undo");
    assert_eq!(subject.sim.rows(0, "Products"), subject.before);
}
