//! Mutations as a whole, and the rows of a selection.

use super::*;

#[test]
fn a_mutation_and_its_rows_come_back_as_they_were_kept() {
    on_both(|journal| {
        let planned = MutationStart {
            undo_of: Some("0".to_owned()),
            is_planned: true,
            label: None,
            started_at: UNIX_EPOCH - Duration::from_secs(1),
            ..start(ID)
        };
        journal.create(&planned).unwrap();
        let insert =
            RowStart { kind: "insert".into(), key: None, old: None, version: Some("W/\"1\"".into()), ..row(1) };
        let rows = vec![row(0), insert, row_of((1 << 32) - 1, 7)];
        journal.add_rows(ID, &rows[..1]).unwrap();
        journal.add_rows(ID, &rows[1..]).unwrap();
        journal.add_rows(ID, &[]).unwrap();
        assert_eq!(all(journal, ID), rows.into_iter().map(kept).collect::<Vec<_>>());
        journal.seal(ID, at(5), true).unwrap();
        let record = journal.mutation(ID).unwrap().unwrap();
        let wanted = MutationRecord {
            start: planned,
            state: MutationState::Planned,
            reason: None,
            calls: 0,
            sealed_at: Some(at(5)),
            ended_at: None,
            counts: RowCounts { selected: 3, ..RowCounts::default() },
        };
        assert_eq!(record, wanted);
        assert_eq!(journal.mutations(9).unwrap(), [wanted]);
        assert_eq!((journal.mutation("none").unwrap(), all(journal, "none")), (None, Vec::new()));
        assert_eq!(journal.max_request("none").unwrap(), None);
    });
}

#[test]
fn mutations_are_listed_newest_first_and_found_by_the_beginning_of_their_id() {
    on_both(|journal| {
        assert_eq!(journal.mutations(9).unwrap(), []);
        for id in ["ab-1", "ab", "b", "ab-2", "ac"] {
            journal.create(&start(id)).unwrap();
        }
        let listed: Vec<_> = journal.mutations(3).unwrap().into_iter().map(|record| record.start.id).collect();
        assert_eq!(listed, ["ac", "ab-2", "b"]);
        let cases: &[(&str, &[&str])] = &[
            ("a", &["ac", "ab-2", "ab", "ab-1"]),
            ("ab", &["ab"]),
            ("AB-", &["ab-2", "ab-1"]),
            ("b", &["b"]),
            ("c", &[]),
            ("", &[]),
            ("a%", &[]),
            ("ü", &[]),
        ];
        for (prefix, found) in cases {
            assert_eq!(journal.find(prefix).unwrap(), *found, "{prefix}");
        }
        for n in 0..20 {
            journal.create(&start(&format!("c{n}"))).unwrap();
        }
        assert_eq!(journal.find("c").unwrap().len(), 10);
    });
}

#[test]
fn pages_of_rows_are_narrowed_by_state_and_partition() {
    on_both(|journal| {
        // Another mutation on either side.
        sealed(journal, "before", 3);
        journal.create(&start(ID)).unwrap();
        let rows: Vec<_> = (0..12).map(|n| if n < 10 { row_of(n, 3) } else { row(n) }).collect();
        journal.add_rows(ID, &rows).unwrap();
        journal.seal(ID, at(5), false).unwrap();
        sealed(journal, "behind", 3);
        let applied = [1, 4, 11].map(|n| ended(n, RowState::Applied));
        journal.commit(ID, &applied).unwrap();
        journal.commit(ID, &[sending(2, 1)]).unwrap();

        let page = |after, limit, states: Option<&[RowState]>, partition| {
            let rows = journal.rows(ID, after, limit, states, partition).unwrap();
            rows.iter().map(|row| row.start.ordinal).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 3, None, None), [0, 1, 2]);
        assert_eq!(page(Some(9), 9, None, None), [10, 11]);
        assert_eq!(page(Some(u64::MAX), 9, None, None), []);
        assert_eq!(page(None, 0, None, None), []);
        assert_eq!(page(Some(2), 3, Some(&[RowState::Selected]), None), [3, 5, 6]);
        assert_eq!(page(None, 9, Some(&[RowState::Applied, RowState::Sent]), None), [1, 2, 4, 11]);
        assert_eq!(page(None, 9, Some(&[]), None), []);
        assert_eq!(page(None, 9, None, Some(Some("p1"))), [1, 4, 7]);
        assert_eq!(page(Some(1), 9, Some(&[RowState::Selected]), Some(Some("p1"))), [7]);
        assert_eq!(page(None, 9, None, Some(Some("p9"))), []);
        assert_eq!(page(None, 9, None, Some(None)), [10, 11]);
    });
}

#[test]
fn what_does_not_fit_a_mutation_is_refused_and_changes_nothing() {
    on_both(|journal| {
        check_refused(journal.add_rows(ID, &[row(0)]), "there is no mutation");
        check_refused(journal.seal(ID, at(5), false), "there is no mutation");
        journal.create(&start(ID)).unwrap();
        check_refused(journal.create(&start(ID)), "already");
        for id in ["", "../x", "A", "a b", &"a".repeat(65)] {
            check_refused(journal.create(&start(id)), "no id of a mutation");
        }
        journal.add_rows(ID, &[row(0)]).unwrap();
        check_refused(journal.add_rows(ID, &[row(1), row(0)]), "has a row 0 already");
        check_refused(journal.add_rows(ID, &[row(1), row(1 << 32)]), "at most 4294967296 rows");
        check_refused(journal.commit(ID, &[sending(0, 1)]), "is selecting, not sealed");
        check_refused(journal.end(ID, MutationState::Done, None, 0, at(6)), "cannot end as done");
        check_refused(journal.end(ID, MutationState::Sealed, None, 0, at(6)), "cannot end as sealed");
        assert_eq!(all(journal, ID).len(), 1);
        journal.seal(ID, at(5), true).unwrap();
        check_refused(journal.add_rows(ID, &[row(1)]), "is planned, not selecting");
        check_refused(journal.commit(ID, &[sending(0, 1)]), "is planned, not sealed");
        check_refused(journal.discard_rows(ID), "is planned, not selecting");
        journal.reopen(ID).unwrap();
        check_refused(journal.end(ID, MutationState::Failed, None, 0, at(6)), "cannot end as failed");
        check_refused(journal.end(ID, MutationState::Done, None, 0, at(6)), "1 of its rows are left");
        assert_eq!(counts(journal, ID), RowCounts { selected: 1, ..RowCounts::default() });
    });
}

#[test]
fn a_mutation_ends_and_goes_on() {
    on_both(|journal| {
        sealed(journal, ID, 2);
        journal.commit(ID, &[ended(0, RowState::Applied)]).unwrap();
        journal.end(ID, MutationState::Stopped, Some("the quota is spent"), 7, at(10)).unwrap();
        let record = journal.mutation(ID).unwrap().unwrap();
        assert_eq!((record.state, record.reason.as_deref()), (MutationState::Stopped, Some("the quota is spent")));
        assert_eq!((record.calls, record.ended_at), (7, Some(at(10))));
        check_refused(journal.commit(ID, &[sending(1, 1)]), "is stopped, not sealed");
        assert_eq!(journal.reopen(ID).unwrap(), MutationState::Sealed);
        assert_eq!(journal.mutation(ID).unwrap().unwrap().reason, None);
        journal.commit(ID, &[ended(1, RowState::Failed)]).unwrap();
        journal.end(ID, MutationState::Done, None, 3, at(20)).unwrap();
        let record = journal.mutation(ID).unwrap().unwrap();
        assert_eq!((record.state, record.calls, record.ended_at), (MutationState::Done, 10, Some(at(20))));
        assert_eq!(journal.reopen(ID).unwrap(), MutationState::Sealed, "the failed row is tried again");
        journal.commit(ID, &[sending(1, 2), ended(1, RowState::Applied)]).unwrap();
        journal.end(ID, MutationState::Done, None, 1, at(30)).unwrap();
        check_refused(journal.reopen(ID), "none of its rows is left");
    });
}

#[test]
fn a_selection_that_was_not_sealed_begins_afresh() {
    on_both(|journal| {
        sealed(journal, "other", 5);
        for (id, is_stopped) in [("killed", false), ("stopped", true)] {
            journal.create(&start(id)).unwrap();
            journal.add_rows(id, &[row_of(0, 1), row(1)]).unwrap();
            if is_stopped {
                journal.end(id, MutationState::Stopped, Some("cancelled"), 1, at(6)).unwrap();
            }
            assert_eq!(journal.reopen(id).unwrap(), MutationState::Selecting);
            journal.discard_rows(id).unwrap();
            assert_eq!((all(journal, id), counts(journal, id)), (Vec::new(), RowCounts::default()));
            journal.add_rows(id, &[row(0)]).unwrap();
            journal.seal(id, at(7), false).unwrap();
            assert_eq!(all(journal, id), [kept(row(0))]);
        }
        journal.create(&start("failed")).unwrap();
        journal.end("failed", MutationState::Failed, Some("503"), 1, at(6)).unwrap();
        check_refused(journal.reopen("failed"), "run the statement again");
        assert_eq!(all(journal, "other").len(), 5);
    });
}

/// Adds a sealed mutation that undoes rows of another: its own ordinals count from 0.
fn reversal(journal: &Journal, id: &str, of: &str, undoes: &[u64]) {
    journal.create(&MutationStart { undo_of: Some(of.to_owned()), kind: "undo".to_owned(), ..start(id) }).unwrap();
    let rows = undoes.iter().zip(0..).map(|(undoes, ordinal)| RowStart { undoes: Some(*undoes), ..row(ordinal) });
    journal.add_rows(id, &rows.collect::<Vec<_>>()).unwrap();
    journal.seal(id, at(1_500), false).unwrap();
}

#[test]
fn a_row_is_undone_until_its_reversal_is_undone() {
    on_both(|journal| {
        let undone = |id: &str| journal.undone(id).unwrap().into_iter().collect::<Vec<_>>();
        sealed(journal, ID, 5);
        assert_eq!(undone(ID), []);
        reversal(journal, "first", ID, &[4, 3, 2]);
        // A row that is not sent yet, or has failed, may be sent when the reversal is gone on with.
        let skip = ended(2, RowState::Skipped);
        journal.commit("first", &[sending(0, 1), ended(0, RowState::Applied), skip]).unwrap();
        assert_eq!(undone(ID), [3, 4]);
        reversal(journal, "second", "first", &[0]);
        journal.commit("second", &[sending(0, 1), ended(0, RowState::Applied)]).unwrap();
        assert_eq!((undone(ID), undone("first")), (vec![3], vec![0]));
        reversal(journal, "third", ID, &[0]);
        assert_eq!(undone(ID), [0, 3]);
    });
}
