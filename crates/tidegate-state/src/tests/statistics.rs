//! Rows seen: replaced by newer ones, bounded for each table, and a database from before there were any.

use super::*;

fn seen(table: &str, shape: &str, rows: u64, basis: RowsBasis, at_seconds: u64) -> RowsSeen {
    RowsSeen {
        fingerprint: "f00d".to_owned(),
        table: table.to_owned(),
        partition: String::new(),
        shape: shape.to_owned(),
        rows,
        basis,
        at: at(at_seconds),
    }
}

#[test]
fn the_newest_of_each_shape_and_basis_is_kept() {
    on_both(|state| {
        assert_eq!(state.rows_seen("f00d").unwrap(), []);
        state.note_rows(&[]).unwrap();
        let total = seen("accounts", "", 5_000, RowsBasis::Total, 20);
        let scan = seen("accounts", "", 4_990, RowsBasis::Scan, 10);
        let part = RowsSeen { partition: "p1".to_owned(), ..seen("accounts", "", 7, RowsBasis::Total, 5) };
        let other = RowsSeen { fingerprint: "beef".to_owned(), ..seen("accounts", "", 1, RowsBasis::Total, 30) };
        let older = seen("accounts", "", 1, RowsBasis::Total, 19);
        state.note_rows(&[part.clone(), seen("accounts", "", 1, RowsBasis::Total, 1), total.clone()]).unwrap();
        state.note_rows(&[scan.clone(), other.clone(), older]).unwrap();
        assert_eq!(state.rows_seen("f00d").unwrap(), [total, scan, part]);
        assert_eq!(state.rows_seen("beef").unwrap(), [other]);
    });
}

#[test]
fn so_many_are_kept_of_a_table_and_the_oldest_go() {
    on_both(|state| {
        let many: Vec<_> = (0..250).map(|n| seen("accounts", &format!("s{n}"), n, RowsBasis::Scan, n)).collect();
        state.note_rows(&[seen("orders", "", 1, RowsBasis::Scan, 0)]).unwrap();
        state.note_rows(&many).unwrap();
        let kept = state.rows_seen("f00d").unwrap();
        assert_eq!(kept.len(), 201, "200 of one table, one of the other");
        assert_eq!(kept.iter().map(|seen| seen.rows).max(), Some(249));
        assert!(kept.iter().all(|seen| seen.table == "orders" || seen.rows >= 50));
    });
}

#[test]
fn what_is_not_seen_again_goes() {
    on_both(|state| {
        state.note_rows(&[seen("accounts", "old", 1, RowsBasis::Scan, 0)]).unwrap();
        let late = |seconds| RowsSeen { at: at(seconds) + DAY * 90, ..seen("accounts", "new", 2, RowsBasis::Scan, 0) };
        state.note_rows(&[late(0)]).unwrap();
        assert_eq!(state.rows_seen("f00d").unwrap().len(), 2, "90 days are within");
        state.note_rows(&[late(1)]).unwrap();
        assert_eq!(state.rows_seen("f00d").unwrap(), [late(1)]);
    });
}

#[test]
fn a_database_from_before_there_were_predictions_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(open::STATE.file);
    let mut old = Connection::open(&path).unwrap();
    migrations::migrate(&mut old, Named { file: "m", holds: "nothing" }, &migrations::STATE[..2]).unwrap();
    old.execute_batch(
        "INSERT INTO statements (process, principal, sql, kind, started_at, state, calls, ended_at)
         VALUES (1, 'local', 'SELECT 1', 'query', 1, 'done', 3, 2)",
    )
    .unwrap();
    drop(old);
    let state = State::in_folder(folder.path());
    let end = state.statements(1).unwrap().remove(0).end.unwrap();
    assert_eq!((end.calls, end.predicted, end.cache_hits, end.revalidated), (3, None, 0, 0));
    state.note_rows(&[seen("accounts", "", 1, RowsBasis::Scan, 0)]).unwrap();
    assert_eq!(state.rows_seen("f00d").unwrap().len(), 1);
}
