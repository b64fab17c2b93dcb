//! The state through its public face, its errors, and several users of one folder at once.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

mod concurrency;
mod failures;
mod held;
mod statistics;
mod tokens;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(seconds, 123_456_000)
}

fn start(sql: &str, started_at: SystemTime) -> StatementStart {
    StatementStart {
        principal: "local".to_owned(),
        sql: sql.to_owned(),
        kind: "query".to_owned(),
        label: Some("nightly".to_owned()),
        started_at,
    }
}

fn end(state: &str, ended_at: SystemTime) -> StatementEnd {
    StatementEnd {
        state: state.to_owned(),
        error: None,
        rows: 12,
        calls: 3,
        retries: 1,
        bytes: 4096,
        waited: Duration::from_millis(250),
        predicted_low: Some(1),
        predicted: Some(4),
        predicted_high: None,
        cache_hits: 2,
        revalidated: 1,
        ended_at,
    }
}

fn description(document: &str, checked_at: SystemTime) -> CachedMetadata {
    CachedMetadata { document: document.to_owned(), etag: Some("W/\"1\"".to_owned()), last_modified: None, checked_at }
}

/// Runs `check` on a state in a folder and on one in memory.
fn on_both(check: impl Fn(&State)) {
    let folder = TempDir::new().unwrap();
    check(&State::in_folder(folder.path()));
    check(&State::in_memory());
}

#[test]
fn nothing_is_made_before_first_use() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let state = State::in_folder(&folder);
    assert!(state.is_durable() && !State::in_memory().is_durable());
    assert!(!folder.exists());
    assert_eq!(state.metadata("x").unwrap(), None);
    assert!(folder.join(open::STATE.file).exists());
}

#[test]
fn a_description_is_kept_replaced_and_touched() {
    on_both(|state| {
        assert_eq!(state.metadata("erp").unwrap(), None);
        for document in ["<a/>", "<größer/>"] {
            let kept = description(document, at(1_000));
            state.put_metadata("erp", &kept).unwrap();
            assert_eq!(state.metadata("erp").unwrap(), Some(kept));
        }
        state.touch_metadata("erp", at(2_000)).unwrap();
        assert_eq!(state.metadata("erp").unwrap().unwrap().checked_at, at(2_000));
        state.touch_metadata("other", at(2_000)).unwrap();
        assert_eq!(state.metadata("other").unwrap(), None);
    });
}

#[test]
fn a_description_that_nobody_checks_goes() {
    on_both(|state| {
        state.put_metadata("old", &description("<a/>", at(0))).unwrap();
        state.put_metadata("new", &description("<b/>", at(0) + DAY * 90)).unwrap();
        assert!(state.metadata("old").unwrap().is_some(), "90 days are within");
        state.put_metadata("new", &description("<b/>", at(1) + DAY * 90)).unwrap();
        assert_eq!(state.metadata("old").unwrap(), None);
    });
}

#[test]
fn statements_are_numbered_and_listed_newest_first() {
    on_both(|state| {
        let first = state.begin_statement(&start("SELECT 1", at(10))).unwrap();
        let second = state.begin_statement(&start("SELECT 2", at(11))).unwrap();
        assert!(second > first);
        state.end_statement(first, &end("done", at(12))).unwrap();
        let records = state.statements(10).unwrap();
        assert_eq!(
            records,
            [
                StatementRecord {
                    id: second,
                    process: std::process::id(),
                    start: start("SELECT 2", at(11)),
                    end: None
                },
                StatementRecord {
                    id: first,
                    process: std::process::id(),
                    start: start("SELECT 1", at(10)),
                    end: Some(end("done", at(12))),
                },
            ]
        );
        assert_eq!(state.statements(1).unwrap().len(), 1);
        assert_eq!(state.statements(0).unwrap(), []);
    });
}

#[test]
fn the_first_end_of_a_statement_stands() {
    on_both(|state| {
        let id = state.begin_statement(&start("SELECT 1", at(10))).unwrap();
        state.end_statement(id, &end("done", at(12))).unwrap();
        state.end_statement(id, &end("abandoned", at(13))).unwrap();
        state.end_statement(id + 1, &end("done", at(13))).unwrap();
        let records = state.statements(9).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].end, Some(end("done", at(12))));
    });
}

#[test]
fn old_statements_are_pruned_by_number_and_age() {
    on_both(|state| {
        state.begin_statement(&start("first", at(0))).unwrap();
        // The row counter alone is moved on, which is what 10,000 statements would do.
        state
            .write("move on", |t| t.execute("UPDATE sqlite_sequence SET seq = ?1", [statements::KEPT - 1]).map(drop))
            .unwrap();
        let kept = state.begin_statement(&start("last of 10,000", at(1))).unwrap();
        assert_eq!(state.statements(9).unwrap().len(), 2);
        let newer = state.begin_statement(&start("one more", at(2))).unwrap();
        assert_eq!(state.statements(9).unwrap().iter().map(|r| r.id).collect::<Vec<_>>(), [newer, kept]);

        let latest = state.begin_statement(&start("much later", at(3) + statements::KEPT_FOR)).unwrap();
        assert_eq!(state.statements(9).unwrap().iter().map(|r| r.id).collect::<Vec<_>>(), [latest]);
        assert!(latest > newer, "ids are never given twice");
    });
}

#[test]
fn numbers_and_times_at_their_limits_are_kept() {
    on_both(|state| {
        let early = UNIX_EPOCH - Duration::from_micros(1);
        let id = state.begin_statement(&start("", early)).unwrap();
        let huge =
            StatementEnd { rows: u64::MAX, waited: Duration::MAX, error: Some("x".into()), ..end("failed", early) };
        state.end_statement(id, &huge).unwrap();
        let record = state.statements(1).unwrap().remove(0);
        let kept = record.end.unwrap();
        assert_eq!(record.start.started_at, early);
        assert_eq!((kept.rows, kept.waited), (i64::MAX.unsigned_abs(), Duration::from_micros(i64::MAX.unsigned_abs())));
        assert_eq!((kept.error.as_deref(), kept.ended_at), (Some("x"), early));
    });
}

#[test]
fn a_file_is_trusted_with_one_content() {
    on_both(|state| {
        let file = Path::new("/etc/tide gate.toml");
        assert!(!state.is_trusted(file, "ab01").unwrap());
        state.trust(file, "ab01").unwrap();
        assert!(state.is_trusted(file, "AB01").unwrap());
        assert!(!state.is_trusted(file, "ab02").unwrap());
        assert!(!state.is_trusted(Path::new("/etc/tide"), "ab01").unwrap());
        state.trust(file, "ab02").unwrap();
        assert!(!state.is_trusted(file, "ab01").unwrap());
        state.trust(Path::new("here.toml"), "cc").unwrap();
        assert!(state.is_trusted(&std::env::current_dir().unwrap().join("here.toml"), "cc").unwrap());
    });
}

#[test]
fn a_state_is_found_again_and_memory_is_not_shared() {
    let folder = TempDir::new().unwrap();
    let id = State::in_folder(folder.path()).begin_statement(&start("SELECT 1", at(1))).unwrap();
    assert_eq!(State::in_folder(folder.path()).statements(9).unwrap()[0].id, id);
    State::in_memory().begin_statement(&start("SELECT 1", at(1))).unwrap();
    assert_eq!(State::in_memory().statements(9).unwrap(), []);
}
