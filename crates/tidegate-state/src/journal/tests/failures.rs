//! What can be wrong with the database, and that its error says where and what to do.

use std::fs;

use super::*;

#[track_caller]
fn check_fails(folder: &Path, kind: ErrorKind, words: &[&str]) {
    let error = Journal::in_folder(folder).mutation(ID).unwrap_err();
    check_error(&error, kind, words);
    assert!(error.to_string().contains(&folder.join("journal.db").display().to_string()), "{error}");
}

#[track_caller]
fn check_error(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "'{word}' is missing in: {error}");
    }
}

#[test]
fn nothing_is_made_before_first_use() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let journal = Journal::in_folder(&folder);
    assert!(journal.is_durable() && !Journal::in_memory().is_durable());
    assert!(!journal.is_claimed(ID).unwrap() && !folder.exists());
    journal.mutations(1).unwrap();
    assert!(folder.join("journal.db").exists());
}

#[test]
fn a_database_that_is_damaged_foreign_or_newer() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal.db");
    fs::write(&path, "no database ".repeat(500)).unwrap();
    check_fails(folder.path(), ErrorKind::Corrupt, &["damaged", "move it away", "resumed or undone"]);

    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(other);
    check_fails(folder.path(), ErrorKind::Corrupt, &["another program", "--state"]);

    fs::remove_file(&path).unwrap();
    sealed(&Journal::in_folder(folder.path()), ID, 500);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[8192..].fill(0xAB);
    fs::write(&path, bad).unwrap();
    check_fails(folder.path(), ErrorKind::Corrupt, &["damaged"]);

    fs::write(&path, good).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    check_fails(folder.path(), ErrorKind::Newer, &["schema version 99", "update Tidegate"]);
}

#[test]
fn a_journal_that_failed_to_open_is_opened_once_the_cause_is_gone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal.db");
    fs::write(&path, "no database ".repeat(500)).unwrap();
    let journal = Journal::in_folder(folder.path());
    assert_eq!(journal.create(&start(ID)).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::remove_file(&path).unwrap();
    journal.create(&start(ID)).unwrap();
}

#[test]
fn a_full_disk_and_a_read_only_database() {
    let cases = [
        ("PRAGMA max_page_count = 1", ErrorKind::Full, "the disk is full"),
        ("PRAGMA query_only = ON", ErrorKind::Folder, "cannot be written"),
    ];
    for (pragma, kind, words) in cases {
        let folder = TempDir::new().unwrap();
        let journal = Journal::in_folder(folder.path());
        sealed(&journal, ID, 3);
        // The one returns a row, the other none.
        let limit = |connection: &mut Connection| {
            connection.query_row(pragma, [], |_| Ok(())).unwrap_or(());
            Ok(())
        };
        journal.with(&journal.writer, "limit", limit).unwrap();
        let big = RowChange::Ended {
            ordinal: 1,
            state: RowState::Failed,
            status: None,
            error: Some("x".repeat(1 << 20)),
            returned: None,
            key: None,
            version: None,
            ended_at: at(3),
        };
        let error = journal.commit(ID, &[sending(0, 1), big]).unwrap_err();
        check_error(&error, kind, &[words, "cannot keep what became of rows", "journal.db", "--state"]);
        assert_eq!(all(&journal, ID), [0, 1, 2].map(|n| kept(row(n))), "nothing is kept in part");
        assert_eq!(counts(&journal, ID).selected, 3);
    }
}

#[test]
fn readers_do_not_wait_for_a_writer_and_a_writer_not_without_end() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    sealed(&journal, ID, 3);
    assert_eq!(counts(&journal, ID).selected, 3);
    let patience = |connection: &mut Connection| Ok(connection.busy_timeout(Duration::ZERO)?);
    journal.with(&journal.writer, "shorten the wait", patience).unwrap();
    let other = Connection::open(folder.path().join("journal.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE counts SET sent = 9").unwrap();
    let error = journal.commit(ID, &[sending(0, 1)]).unwrap_err();
    check_error(&error, ErrorKind::Busy, &["another process", "try again"]);
    for reader in [&journal, &Journal::in_folder(folder.path())] {
        assert_eq!(counts(reader, ID), RowCounts { selected: 3, ..RowCounts::default() });
    }
    other.execute_batch("ROLLBACK").unwrap();
    journal.commit(ID, &[sending(0, 1)]).unwrap();
}

#[test]
fn what_is_written_is_waited_for_on_the_disk() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    let pragma = |name: &str| {
        let ask =
            |connection: &mut Connection| Ok(connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?);
        journal.with(&journal.writer, "ask", ask).unwrap()
    };
    assert_eq!(["synchronous", "fullfsync", "auto_vacuum"].map(pragma), [2, 1, 2]);
}

#[test]
fn a_journal_that_was_removed_is_not_written_to() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    sealed(&journal, ID, 2);
    std::fs::remove_file(folder.path().join("journal.db")).unwrap();
    let error = journal.commit(ID, &[sending(0, 1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Folder, "{error}");
    assert!(error.to_string().contains("was removed"), "{error}");
}
