//! Several users of one folder at once: threads with connections of their own, and another process.

use std::process::Command;
use std::sync::Barrier;

use super::*;

/// Folder that the child process writes to; set by the parent alone.
const CHILD_FOLDER: &str = "TIDEGATE_TEST_STATE_FOLDER";
const EACH: usize = 50;

fn write_statements(folder: &Path) -> Vec<u64> {
    let state = State::in_folder(folder);
    (0..EACH)
        .map(|_| {
            let id = state.begin_statement(&start("SELECT 1", at(1))).unwrap();
            state.end_statement(id, &end("done", at(2))).unwrap();
            id
        })
        .collect()
}

fn check_all_kept(folder: &Path, writers: usize) {
    let records = State::in_folder(folder).statements(u32::MAX).unwrap();
    assert_eq!(records.len(), writers * EACH);
    assert!(records.iter().all(|record| record.end.is_some()));
}

#[test]
fn threads_that_open_a_new_folder_at_once_all_succeed() {
    const THREADS: usize = 8;
    let folder = TempDir::new().unwrap();
    let barrier = Barrier::new(THREADS);
    let mut ids: Vec<u64> = std::thread::scope(|scope| {
        let work = || {
            barrier.wait();
            write_statements(folder.path())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), THREADS * EACH, "no number is given twice");
    check_all_kept(folder.path(), THREADS);
}

#[test]
fn one_state_is_shared_by_threads() {
    let state = State::in_memory();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| state.begin_statement(&start("SELECT 1", at(1))).unwrap());
        }
    });
    assert_eq!(state.statements(9).unwrap().len(), 4);
}

/// The other process of the next test; without its variable it does nothing.
#[test]
fn child() {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        write_statements(Path::new(&folder));
    }
}

#[test]
fn processes_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let mut children: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "tests::concurrency::child", "--quiet"])
                .env(CHILD_FOLDER, folder.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    write_statements(folder.path());
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    check_all_kept(folder.path(), 4);
    let processes: std::collections::BTreeSet<u32> =
        State::in_folder(folder.path()).statements(u32::MAX).unwrap().iter().map(|record| record.process).collect();
    assert_eq!(processes.len(), 4);
}
