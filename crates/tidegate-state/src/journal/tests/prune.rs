//! What goes from the journal, and what never does.

use super::*;

/// The ids that are left.
fn ids(journal: &Journal) -> Vec<String> {
    journal.mutations(u32::MAX).unwrap().into_iter().map(|record| record.start.id).rev().collect()
}

/// A mutation that began, was sealed and ended at these times, with one row in `state`, or selected.
fn one(journal: &Journal, id: &str, times: [i64; 3], end: MutationState, row_state: Option<RowState>) {
    journal.create(&MutationStart { started_at: at(times[0]), ..start(id) }).unwrap();
    journal.add_rows(id, &[row(0)]).unwrap();
    if end == MutationState::Selecting {
        return;
    }
    if end == MutationState::Failed {
        return journal.end(id, end, None, 0, at(times[2])).unwrap();
    }
    journal.seal(id, at(times[1]), end == MutationState::Planned).unwrap();
    if let Some(state) = row_state {
        journal.commit(id, &[sending(0, 1), ended(0, state)]).unwrap();
    }
    if matches!(end, MutationState::Stopped | MutationState::Done) {
        journal.end(id, end, None, 0, at(times[2])).unwrap();
    }
}

#[test]
fn by_age_all_go_that_nobody_runs() {
    on_both(|journal| {
        one(journal, "old-done", [10, 20, 30], MutationState::Done, Some(RowState::Applied));
        one(journal, "old-stopped", [10, 20, 30], MutationState::Stopped, None);
        one(journal, "old-selecting", [10, 0, 0], MutationState::Selecting, None);
        one(journal, "old-planned", [10, 20, 0], MutationState::Planned, None);
        one(journal, "old-claimed", [10, 20, 0], MutationState::Sealed, None);
        one(journal, "late-end", [10, 20, 100], MutationState::Stopped, None);
        one(journal, "late-seal", [10, 100, 0], MutationState::Sealed, None);
        one(journal, "late-start", [100, 0, 0], MutationState::Selecting, None);
        let _claim = journal.claim("old-claimed").unwrap();
        let pruned = journal.prune(at(100), u64::MAX).unwrap();
        assert_eq!(ids(journal), ["old-claimed", "late-end", "late-seal", "late-start"]);
        assert_eq!(pruned.mutations, 4);
        assert_eq!(journal.prune(at(100), u64::MAX).unwrap().mutations, 0);
        assert_eq!(all(journal, "late-end").len(), 1);
    });
}

#[test]
fn by_size_those_go_that_cannot_be_resumed() {
    on_both(|journal| {
        one(journal, "done", [10, 20, 30], MutationState::Done, Some(RowState::Applied));
        one(journal, "failed", [10, 20, 30], MutationState::Failed, None);
        one(journal, "running", [10, 20, 30], MutationState::Done, Some(RowState::Skipped));
        one(journal, "with-failures", [10, 20, 30], MutationState::Done, Some(RowState::Failed));
        one(journal, "with-doubts", [10, 20, 30], MutationState::Done, Some(RowState::Unknown));
        one(journal, "stopped", [10, 20, 30], MutationState::Stopped, None);
        one(journal, "planned", [10, 20, 30], MutationState::Planned, None);
        one(journal, "sealed", [10, 20, 30], MutationState::Sealed, None);
        one(journal, "selecting", [10, 20, 30], MutationState::Selecting, None);
        let _claim = journal.claim("running").unwrap();
        assert_eq!(journal.prune(at(0), u64::MAX).unwrap().mutations, 0);
        assert_eq!(journal.prune(at(0), 0).unwrap().mutations, 2);
        let left = ["running", "with-failures", "with-doubts", "stopped", "planned", "sealed", "selecting"];
        assert_eq!(ids(journal), left);
    });
}

#[test]
fn by_size_the_oldest_end_goes_first_and_no_more_than_must() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    for (id, end) in [("b", 200), ("a", 100), ("c", 300)] {
        journal.create(&start(id)).unwrap();
        let rows: Vec<_> = (0..2_000).map(row).collect();
        journal.add_rows(id, &rows).unwrap();
        journal.seal(id, at(1), false).unwrap();
        let changes: Vec<_> = (0..2_000).map(|n| ended(n, RowState::Applied)).collect();
        journal.commit(id, &changes).unwrap();
        journal.end(id, MutationState::Done, None, 1, at(end)).unwrap();
    }
    let full = journal.prune(at(0), u64::MAX).unwrap().bytes;
    let pruned = journal.prune(at(0), full * 2 / 3 + 50_000).unwrap();
    assert_eq!((pruned.mutations, ids(&journal)), (1, vec!["b".to_owned(), "c".to_owned()]));
    assert!(pruned.bytes < full * 3 / 4, "{} of {full}", pruned.bytes);
    assert_eq!((all(&journal, "b").len(), counts(&journal, "b").applied), (2_000, 2_000));
    drop(journal);
    let file = std::fs::metadata(folder.path().join(open::JOURNAL.file)).unwrap().len();
    assert!(file < full * 3 / 4, "the file shrinks: {file} of {full}");
}

#[test]
fn what_an_interrupted_prune_left_goes_with_the_next_and_numbers_are_not_given_again() {
    on_both(|journal| {
        sealed(journal, ID, 3);
        journal.commit(ID, &[ended(1, RowState::Applied)]).unwrap();
        let cut = "INSERT INTO pruned SELECT number FROM mutations; DELETE FROM counts; DELETE FROM mutations";
        journal.write("cut", |transaction| Ok(transaction.execute_batch(cut)?)).unwrap();
        sealed(journal, "next", 2);
        assert_eq!(all(journal, "next"), [kept(row(0)), kept(row(1))]);
        journal.prune(at(0), u64::MAX).unwrap();
        let left = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            journal.read("count", |connection| Ok(connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?)).unwrap()
        };
        assert_eq!(["rows", "progress", "answers", "pruned"].map(left), [2, 0, 0, 0]);
    });
}

#[test]
fn locks_go_with_their_mutations() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    let names = || {
        let entries = std::fs::read_dir(folder.path().join("mutations")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    one(&journal, "old", [10, 20, 30], MutationState::Done, Some(RowState::Applied));
    one(&journal, "new", [100, 100, 100], MutationState::Done, Some(RowState::Applied));
    for id in ["old", "new", "never-created"] {
        drop(journal.claim(id).unwrap());
    }
    let _about_to_create = journal.claim("begun").unwrap();
    std::fs::write(folder.path().join("mutations/Other.txt"), "").unwrap();
    journal.prune(at(50), u64::MAX).unwrap();
    assert_eq!(names(), ["Other.txt", "begun.lock", "new.lock"]);
    assert!(journal.claim("old").is_ok(), "a lock that was removed can be taken again");
}
