//! Statements that wait for the state to be used.

use super::*;
use crate::held::MOST_HELD;

/// Text and state of the statements that are kept, oldest first.
fn kept(state: &State) -> Vec<(String, Option<String>)> {
    let mut kept = state.statements(1_000).unwrap();
    kept.sort_by_key(|record| record.id);
    kept.into_iter().map(|record| (record.start.sql, record.end.map(|end| end.state))).collect()
}

fn row(sql: &str, state: &str) -> (String, Option<String>) {
    (sql.to_owned(), Some(state.to_owned()))
}

#[test]
fn what_waits_makes_no_folder_and_is_kept_before_what_comes_next() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("state");
    let state = State::in_folder(&folder);
    let ended = state.hold_statement(start("ended", at(1))).unwrap();
    state.end_held_statement(&ended, end("done", at(2))).unwrap();
    state.end_held_statement(&ended, end("abandoned", at(3))).unwrap();
    let runs = state.hold_statement(start("runs", at(3))).unwrap();
    assert!(!folder.exists());

    let id = state.begin_statement(&start("next", at(4))).unwrap();
    assert_eq!(id, 3, "numbered in the order of their beginnings");
    assert_eq!(kept(&state), [row("ended", "done"), ("runs".to_owned(), None), ("next".to_owned(), None)]);
    state.end_held_statement(&runs, end("failed", at(5))).unwrap();
    state.end_held_statement(&ended, end("failed", at(5))).unwrap();
    assert_eq!(kept(&state), [row("ended", "done"), row("runs", "failed"), ("next".to_owned(), None)]);

    let late = state.hold_statement(start("late", at(6))).unwrap();
    let other = State::in_folder(&folder);
    assert_eq!(kept(&other).len(), 4, "with an open state it is kept at once");
    state.end_held_statement(&late, end("done", at(7))).unwrap();
    assert_eq!(kept(&other)[3], row("late", "done"));
}

#[test]
fn only_so_many_wait() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("state");
    let state = State::in_folder(&folder);
    for n in 0..MOST_HELD {
        state.hold_statement(start(&n.to_string(), at(1))).unwrap();
    }
    assert!(!folder.exists());
    state.hold_statement(start("one more", at(1))).unwrap();
    assert_eq!(kept(&State::in_folder(&folder)).len(), MOST_HELD + 1);
}

#[test]
fn what_could_not_be_kept_is_kept_later() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("state");
    std::fs::write(&folder, "a file").unwrap();
    let state = State::in_folder(&folder);
    let statement = state.hold_statement(start("early", at(1))).unwrap();
    state.statements(1).unwrap_err();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(kept(&state), [("early".to_owned(), None)]);
    state.end_held_statement(&statement, end("done", at(2))).unwrap();
    assert_eq!(kept(&state), [row("early", "done")]);
}
