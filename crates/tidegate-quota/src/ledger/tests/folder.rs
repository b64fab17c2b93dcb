//! The ledger in a state folder: what can be wrong with it, and that it is found again.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidegate_state::ErrorKind as StateError;

use super::support::*;
use crate::{ErrorKind, FolderStore};

pub(super) fn in_folder(folder: &Path) -> Ledger {
    Ledger::new(Arc::new(FolderStore::in_folder(folder)), Arc::new(SystemClock::default()))
}

/// A call of this folder fails in this way.
async fn check_fails(folder: &Path, kind: StateError, words: &[&str]) {
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR)]));
    let error = in_folder(folder).acquire(&call, patient(HOUR)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State(kind), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "'{word}' is missing in: {error}");
    }
}

#[tokio::test]
async fn what_was_spent_is_found_again() {
    let folder = TempDir::new().unwrap();
    let call = Arc::new(call("a", &[&window("hourly", 2, HOUR)]));
    for expected in [true, true, false] {
        let ledger = in_folder(folder.path());
        assert_eq!(passes(&ledger, &call).await, expected);
        ledger.flush().await.unwrap();
    }
}

#[tokio::test]
async fn what_can_be_wrong_with_the_folder() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ledger.db"), "no database ".repeat(500)).unwrap();
    check_fails(folder.path(), StateError::Corrupt, &["ledger.db", "damaged", "move it away", "what was spent"]).await;

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    check_fails(&file, StateError::Folder, &["is a file", "--state"]).await;
    #[cfg(target_os = "linux")]
    check_fails(Path::new("/proc/tidegate"), StateError::Folder, &["cannot make the state folder", "--state"]).await;
}

#[tokio::test]
async fn a_folder_that_is_repaired_is_used_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "no database ".repeat(500)).unwrap();
    let ledger = in_folder(folder.path());
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR)]));
    assert!(ledger.acquire(&call, patient(HOUR)).await.is_err());
    fs::remove_file(&path).unwrap();
    assert!(passes(&ledger, &call).await);
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_told() {
    let folder = TempDir::new().unwrap();
    let call = Arc::new(call("a", &[&window("hourly", 5, HOUR)]));
    assert!(passes(&in_folder(folder.path()), &call).await);
    let path = folder.path().join("ledger.db");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    // The superuser may write anything.
    if fs::OpenOptions::new().write(true).open(&path).is_err() {
        check_fails(folder.path(), StateError::Folder, &["ledger.db", "--state"]).await;
    }
}

#[tokio::test]
async fn the_log_is_moved_while_nobody_waits() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(FolderStore::in_folder(folder.path()));
    let ledger = Ledger::new(Arc::clone(&store) as _, Arc::new(SystemClock::default()));
    let call = Arc::new(call("a", &[&window("hourly", 1_000_000, HOUR)]));
    for _ in 0..600 {
        assert!(passes(&ledger, &call).await);
    }
    for _ in 0..200 {
        // It was due after 500 calls.
        if !store.wants_checkpoint() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it was not moved within a second");
}
