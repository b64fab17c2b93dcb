//! What undoes which change.

use serde_json::json;
use tidegate_spec::WriteColumn;

use super::*;
use crate::fake::{Style, World, cells, table};

fn reversed(style: Style, row: &Row) -> Reversed {
    reverse(&table(style), row, 9)
}

fn done(kind: WriteKind, key: serde_json::Value, old: serde_json::Value, new: serde_json::Value) -> Row {
    let (key, old, new) = (cells(key), cells(old), cells(new));
    Row { key, old, new, state: RowState::Applied, ..Row::selected(4, Some("12".to_owned()), kind) }
}

#[test]
fn an_update_is_undone_by_its_old_values() {
    let mut row = done(WriteKind::Update, json!({"id": 1}), json!({"name": "old", "n": 0}), json!({"name": "New "}));
    row.version = Some("v1".to_owned());
    row.returned = cells(json!({"name": "New", "version": "v2"}));
    let Reversed { of, row, impossible } = reversed(Style::VERSIONS, &row);
    assert_eq!((of, row.ordinal, row.kind, impossible), (4, 9, WriteKind::Update, None));
    assert_eq!(row.partition.as_deref(), Some("12"));
    assert_eq!(row.new, cells(json!({"name": "old"})));
    // What the API has made of it is what has to be there; its version is read before it is sent.
    assert_eq!(row.old, cells(json!({"name": "New", "n": 0})));
    assert_eq!((row.key, row.version), (cells(json!({"id": 1})), None));
}

#[test]
fn a_delete_is_undone_by_an_insert_of_what_it_can_write() {
    let row = done(WriteKind::Delete, json!({"id": 1}), json!({"name": "old", "n": null, "version": "v1"}), json!({}));
    let back = reversed(Style::PLAIN, &row).row;
    assert_eq!(
        (back.kind, back.key, back.new),
        (WriteKind::Insert, Cells::new(), cells(json!({"name": "old", "n": null})))
    );
    let back = reversed(Style::OWN_ID, &row).row;
    assert_eq!((back.key, back.new), (cells(json!({"id": 1})), cells(json!({"id": 1, "name": "old", "n": null}))));
}

#[test]
fn an_insert_is_undone_by_a_delete_of_its_key() {
    let row = done(WriteKind::Insert, json!({"id": 1}), json!({}), json!({"name": "a", "n": 2}));
    let back = reversed(Style::PLAIN, &row).row;
    assert_eq!((back.kind, back.key), (WriteKind::Delete, cells(json!({"id": 1}))));
    assert_eq!(back.old, cells(json!({"name": "a", "n": 2})));
}

#[test]
fn what_cannot_be_undone_says_why() {
    let why = |table: &Table, row: &Row| reverse(table, row, 0).impossible.unwrap_or_default();
    let mut offers_nothing = Table::clone(&table(Style::PLAIN));
    let mut needs_n = offers_nothing.clone();
    needs_n.writes.insert.as_mut().unwrap().columns[1] =
        WriteColumn { required: true, ..needs_n.writes.insert.as_ref().unwrap().columns[1].clone() };
    offers_nothing.writes = tidegate_spec::Writes::default();
    let plain = table(Style::PLAIN);
    let key = json!({"id": 1});
    let delete = done(WriteKind::Delete, key.clone(), json!({"name": "a"}), json!({}));
    let update = done(WriteKind::Update, key, json!({}), json!({"name": "b"}));
    let insert = done(WriteKind::Insert, json!({}), json!({}), json!({"name": "b"}));
    assert_eq!(why(&offers_nothing, &delete), "items takes no INSERT, which would be needed");
    assert_eq!(why(&needs_n, &delete), "n is needed to make the row again, and is not known");
    assert_eq!(why(&plain, &update), "the old value of name is not known");
    assert_eq!(why(&plain, &insert), "the API did not tell its key");
}

#[test]
fn rows_that_are_only_taken_cannot_be_undone() {
    let mut table = Table::clone(&table(Style::BLIND));
    assert_eq!(Reversal::check(&table), Ok(()));
    table.writes.insert.as_mut().unwrap().append_only = true;
    let said = Reversal::check(&table).unwrap_err();
    assert_eq!(said, "items only takes rows: they have no identity by which they could be changed or removed again");
}

#[tokio::test]
async fn all_that_was_done_is_undone_from_its_end_and_what_changed_since_is_named() {
    let mut world = World::new(Style::BATCH, 1_203);
    world.seal(WriteKind::Update, 1_203);
    world.api.lock().rows.remove(&5);
    world.run().await;
    assert_eq!(world.not_applied().len(), 1);
    world.api.lock().rows.get_mut(&1_000).unwrap().name = "other".to_owned();
    let mut reversal = Reversal::of(&world.journal, world.id, &world.table, None).await.unwrap();
    let mut rows = Vec::new();
    loop {
        let page = reversal.next().await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 500);
        rows.extend(page);
    }
    let of: Vec<u64> = rows.iter().map(|row| row.of).collect();
    assert_eq!(of, (0..1_203).rev().filter(|ordinal| *ordinal != 4).collect::<Vec<_>>());
    assert!(rows.iter().zip(0..).all(|(row, ordinal)| row.row.ordinal == ordinal && row.impossible.is_none()));
    world.id = "m2";
    world.verify = true;
    world.seal_rows(rows.into_iter().map(|row| row.row));
    world.run().await;
    assert_eq!(world.not_applied(), ["203 skipped: changed since it was selected: name is \"other\""]);
    let state = world.api.lock();
    let restored = state.rows.values().filter(|row| (row.name.as_str(), row.n) == ("old", 0)).count();
    assert_eq!((restored, state.rows[&1_000].n), (1_201, 1_000));
}

#[tokio::test]
async fn a_limit_undoes_the_last_rows() {
    let mut world = World::new(Style::PLAIN, 20);
    world.seal(WriteKind::Delete, 20);
    world.run().await;
    let mut reversal = Reversal::of(&world.journal, world.id, &world.table, Some(3)).await.unwrap();
    let of: Vec<u64> = reversal.next().await.unwrap().iter().map(|row| row.of).collect();
    assert_eq!(of, [19, 18, 17]);
    assert_eq!(reversal.next().await.unwrap(), []);
    assert!(matches!(Reversal::of(&world.journal, "none", &world.table, None).await, Err(Error::Missing(_))));
}
