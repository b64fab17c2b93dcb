//! What becomes of rows: each change, what it must never do, and the numbers kept beside.

use super::*;

#[test]
fn a_row_is_sent_and_ends() {
    on_both(|journal| {
        sealed(journal, ID, 2);
        let key = "01890a5d-ac96-874b-b2a5-000000000001";
        let send = RowChange::Sending {
            ordinal: 1,
            request: 4,
            idempotency_key: Some(key.to_owned()),
            digest: Some("0f".repeat(32)),
            sent_at: at(20),
        };
        journal.commit(ID, &[send]).unwrap();
        let sent = RowRecord {
            state: RowState::Sent,
            attempts: 1,
            request: Some(4),
            idempotency_key: Some(key.to_owned()),
            digest: Some("0f".repeat(32)),
            sent_at: Some(at(20)),
            ..kept(row(1))
        };
        assert_eq!(all(journal, ID), [kept(row(0)), sent.clone()]);
        assert_eq!(journal.max_request(ID).unwrap(), Some(4));
        let end = RowChange::Ended {
            ordinal: 1,
            state: RowState::Applied,
            status: Some(201),
            error: None,
            returned: Some("{\"id\":17}".to_owned()),
            key: Some("{\"id\":17}".to_owned()),
            version: Some("2".to_owned()),
            ended_at: at(30),
        };
        journal.commit(ID, &[end]).unwrap();
        let start = RowStart { key: Some("{\"id\":17}".to_owned()), version: Some("2".to_owned()), ..row(1) };
        let applied = RowRecord {
            start,
            state: RowState::Applied,
            status: Some(201),
            returned: Some("{\"id\":17}".to_owned()),
            ended_at: Some(at(30)),
            ..sent
        };
        assert_eq!(all(journal, ID), [kept(row(0)), applied.clone()]);
        assert_eq!(journal.rows_of_request(ID, 4).unwrap(), [applied]);
        assert_eq!(counts(journal, ID), RowCounts { selected: 1, applied: 1, ..RowCounts::default() });
    });
}

#[test]
fn what_was_done_stays_done() {
    on_both(|journal| {
        sealed(journal, ID, 2);
        for (n, state) in [(0, RowState::Applied), (1, RowState::Accepted)] {
            journal.commit(ID, &[sending(n, 1), ended(n, state)]).unwrap();
            let before = all(journal, ID);
            let again = [sending(n, 2), RowChange::Returned { ordinal: n }, RowChange::Reselected { row: row(n) }];
            let other = [RowState::Failed, RowState::Skipped, RowState::Unknown].map(|state| ended(n, state));
            for change in again.into_iter().chain(other) {
                check_refused(journal.commit(ID, &[change]), "and stays so");
            }
            assert_eq!(all(journal, ID), before);
            journal.commit(ID, &[ended(n, state)]).unwrap();
        }
        check_refused(journal.commit(ID, &[ended(0, RowState::Accepted)]), "row 0 is applied");
        journal.commit(ID, &[ended(1, RowState::Applied)]).unwrap();
    });
}

#[test]
fn one_change_that_does_not_fit_undoes_all_of_its_commit() {
    on_both(|journal| {
        sealed(journal, ID, 2);
        let cases = [
            (sending(2, 1), "has no row 2"),
            (sending(1 << 40, 1), "at most"),
            (ended(0, RowState::Sent), "cannot end as sent"),
            (ended(0, RowState::Selected), "cannot end as selected"),
        ];
        for (change, words) in cases {
            check_refused(journal.commit(ID, &[sending(1, 9), change]), words);
            assert_eq!(all(journal, ID), [kept(row(0)), kept(row(1))]);
            assert_eq!((counts(journal, ID).selected, journal.max_request(ID).unwrap()), (2, None));
        }
    });
}

#[test]
fn what_has_not_left_is_selected_again_unless_it_may_have_left_before() {
    on_both(|journal| {
        sealed(journal, ID, 1);
        let returned = [RowChange::Returned { ordinal: 0 }];
        journal.commit(ID, &[sending(0, 1)]).unwrap();
        journal.commit(ID, &returned).unwrap();
        assert_eq!(all(journal, ID), [kept(row(0))]);
        journal.commit(ID, &returned).unwrap();
        assert_eq!(all(journal, ID), [kept(row(0))], "it is said twice");

        journal.commit(ID, &[sending(0, 2), ended(0, RowState::Failed), sending(0, 3)]).unwrap();
        journal.commit(ID, &returned).unwrap();
        assert_eq!(all(journal, ID), [RowRecord { attempts: 1, ..kept(row(0)) }], "a failed one has changed nothing");

        for doubt in [&[sending(0, 4)][..], &[sending(0, 4), ended(0, RowState::Unknown)]] {
            journal.commit(ID, doubt).unwrap();
            journal.commit(ID, &[sending(0, 5)]).unwrap();
            for _ in 0..2 {
                journal.commit(ID, &returned).unwrap();
                let row = all(journal, ID).remove(0);
                assert_eq!((row.state, row.request, row.sent_at), (RowState::Sent, Some(5), Some(at(2_000))));
            }
            assert_eq!(counts(journal, ID), RowCounts { sent: 1, ..RowCounts::default() });
        }
        journal.commit(ID, &[ended(0, RowState::Skipped)]).unwrap();
        check_refused(journal.commit(ID, &returned), "was not sent");
    });
}

#[test]
fn a_failed_row_is_tried_again_without_its_old_answer() {
    on_both(|journal| {
        sealed(journal, ID, 1);
        let failed = |ordinal| RowChange::Ended {
            ordinal,
            state: RowState::Failed,
            status: Some(422),
            error: Some("name is too long".to_owned()),
            returned: Some("{}".to_owned()),
            key: None,
            version: None,
            ended_at: at(3),
        };
        journal.commit(ID, &[sending(0, 1), failed(0)]).unwrap();
        let row = all(journal, ID).remove(0);
        assert_eq!((row.error.as_deref(), row.status), (Some("name is too long"), Some(422)));
        journal.commit(ID, &[sending(0, 2)]).unwrap();
        let row = all(journal, ID).remove(0);
        assert_eq!((row.state, row.attempts, row.request), (RowState::Sent, 2, Some(2)));
        assert_eq!((row.error, row.returned, row.status, row.ended_at), (None, None, None, None));
        journal.commit(ID, &[failed(0), ended(0, RowState::Applied)]).unwrap();
        let row = all(journal, ID).remove(0);
        assert_eq!((row.state, row.error, row.status), (RowState::Applied, None, Some(200)));
    });
}

#[test]
fn a_key_is_as_old_as_its_first_sending() {
    on_both(|journal| {
        sealed(journal, ID, 1);
        let send = |key: Option<&str>, seconds| RowChange::Sending {
            ordinal: 0,
            request: 1,
            idempotency_key: key.map(str::to_owned),
            digest: None,
            sent_at: at(seconds),
        };
        let cases = [
            (Some("a"), 50, 50),
            (Some("a"), 60, 50),
            (Some("a"), 40, 40),
            (Some("b"), 70, 70),
            (None, 80, 80),
            (None, 90, 90),
            (Some("b"), 95, 95),
        ];
        for (key, sent, wanted) in cases {
            journal.commit(ID, &[send(key, sent)]).unwrap();
            assert_eq!(all(journal, ID)[0].sent_at, Some(at(wanted)), "{key:?} {sent}");
        }
    });
}

#[test]
fn a_row_that_was_reselected_has_its_new_values() {
    on_both(|journal| {
        sealed(journal, ID, 2);
        let version = |ordinal, version: &str| RowStart { version: Some(version.to_owned()), ..row(ordinal) };
        let stale = RowChange::Ended {
            ordinal: 0,
            state: RowState::Unknown,
            status: None,
            error: Some("?".to_owned()),
            returned: None,
            key: None,
            version: Some("2".to_owned()),
            ended_at: at(3),
        };
        journal.commit(ID, &[sending(0, 1), stale]).unwrap();
        let anew = |ordinal| RowChange::Reselected {
            row: RowStart { new: Some("{}".to_owned()), old: None, ..version(ordinal, "3") },
        };
        journal.commit(ID, &[anew(0), anew(1)]).unwrap();
        let wanted = |ordinal| kept(RowStart { new: Some("{}".to_owned()), old: None, ..version(ordinal, "3") });
        assert_eq!(all(journal, ID), [RowRecord { attempts: 1, ..wanted(0) }, wanted(1)]);
    });
}

#[test]
fn rows_that_were_sent_together_are_found_together() {
    on_both(|journal| {
        sealed(journal, "other", 5);
        journal.commit("other", &[sending(1, 1), sending(2, 2)]).unwrap();
        sealed(journal, ID, 6);
        let carried = |request| {
            let rows = journal.rows_of_request(ID, request).unwrap();
            rows.iter().map(|row| row.start.ordinal).collect::<Vec<_>>()
        };
        journal.commit(ID, &[sending(5, 1), sending(0, 1), sending(3, 1), sending(1, 2)]).unwrap();
        journal.commit(ID, &[ended(0, RowState::Applied), ended(5, RowState::Unknown)]).unwrap();
        assert_eq!((carried(1), carried(2), carried(3)), (vec![0, 3, 5], vec![1], vec![]));
        journal.commit(ID, &[sending(3, 3), RowChange::Returned { ordinal: 1 }]).unwrap();
        assert_eq!((carried(1), carried(2), carried(3)), (vec![0, 5], vec![], vec![3]));
        assert_eq!(journal.max_request(ID).unwrap(), Some(3));
    });
}

#[test]
fn the_numbers_are_those_of_the_rows_whatever_happens() {
    const ROWS: u64 = 20;
    let mut random = random();
    let journal = Journal::in_memory();
    sealed(&journal, ID, ROWS);
    for _ in 0..400 {
        let changes: Vec<_> = (0..=random.below(6))
            .map(|_| {
                let ordinal = random.below(ROWS + 1);
                match random.below(4) {
                    0 => sending(ordinal, random.below(50)),
                    1 => RowChange::Returned { ordinal },
                    2 => RowChange::Reselected { row: row(ordinal) },
                    _ => ended(ordinal, RowState::ALL[2 + random.below(5) as usize]),
                }
            })
            .collect();
        let before = all(&journal, ID);
        let is_kept = journal.commit(ID, &changes).is_ok();
        let after = all(&journal, ID);
        assert_eq!(counts(&journal, ID), counted(&after), "{changes:?}");
        assert!(is_kept || before == after, "{changes:?}");
        for (before, after) in before.iter().zip(&after) {
            let was_done = matches!(before.state, RowState::Applied | RowState::Accepted);
            let is_done = matches!(after.state, RowState::Applied | RowState::Accepted);
            assert!(!was_done || is_done, "{before:?} {after:?}");
        }
    }
}
