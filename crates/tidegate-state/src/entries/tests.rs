//! Entries: what is changed together, by whom at once, and what can be wrong with their database.

use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::ErrorKind;

/// Folder and number of changes of the child process; set by the parent alone.
const CHILD_FOLDER: &str = "TIDEGATE_TEST_ENTRIES_FOLDER";
const EACH: u64 = 300;

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

fn put(entries: &Entries, key: &str, value: &[u8]) {
    entries.update(&keys(&[key]), |_| vec![(0, Some(value.to_vec()))]).unwrap();
}

/// Adds one to two counters that must always be the same.
fn count(entries: &Entries) -> Result<()> {
    entries.update(&keys(&["a", "b"]), |found| {
        let [a, b] = [&found[0], &found[1]]
            .map(|value| value.as_ref().map_or(0, |bytes| u64::from_le_bytes(bytes.as_slice().try_into().unwrap())));
        assert_eq!(a, b, "both are changed or none");
        let next = (a + 1).to_le_bytes().to_vec();
        vec![(0, Some(next.clone())), (1, Some(next))]
    })
}

fn counted(entries: &Entries) -> u64 {
    let found = entries.get(&keys(&["a", "b"])).unwrap();
    assert_eq!(found[0], found[1]);
    u64::from_le_bytes(found[0].clone().unwrap().try_into().unwrap())
}

#[test]
fn entries_are_put_found_listed_and_removed() {
    let folder = TempDir::new().unwrap();
    let entries = Entries::in_folder(folder.path());
    assert_eq!(entries.get(&keys(&["x"])).unwrap(), [None]);
    for key in ["s|b", "s|a", "t", "s|ü\u{10FFFF}", "r", "s"] {
        put(&entries, key, key.as_bytes());
    }
    let listed: Vec<String> = entries.list("s|").unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(listed, ["s|a", "s|b", "s|ü\u{10FFFF}"]);
    assert_eq!(entries.list("").unwrap().len(), 6);
    entries
        .update(&keys(&["t", "none", "s|a"]), |found| {
            assert_eq!(found, [Some(b"t".to_vec()), None, Some(b"s|a".to_vec())]);
            vec![(2, None), (0, Some(b"new".to_vec()))]
        })
        .unwrap();
    assert_eq!(entries.get(&keys(&["s|a", "t"])).unwrap(), [None, Some(b"new".to_vec())]);
    let again = Entries::in_folder(folder.path());
    assert_eq!(again.get(&keys(&["t"])).unwrap(), [Some(b"new".to_vec())]);
}

#[test]
fn a_change_that_panics_writes_nothing_and_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    let entries = Entries::in_folder(folder.path());
    let panics = || entries.update(&keys(&["a"]), |_| panic!("on purpose"));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
    count(&entries).unwrap();
    count(&Entries::in_folder(folder.path())).unwrap();
    assert_eq!(counted(&entries), 2);
}

#[test]
fn child() {
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        let entries = Entries::in_folder(Path::new(&folder));
        (0..EACH).for_each(|_| count(&entries).unwrap());
    }
}

#[test]
fn processes_and_threads_count_together() {
    let folder = TempDir::new().unwrap();
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "entries::tests::child", "--quiet"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..3).map(|_| child()).collect();
    let entries = Entries::in_folder(folder.path());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..EACH).for_each(|_| count(&entries).unwrap()));
        }
        scope.spawn(|| (0..20).for_each(|_| entries.checkpoint().unwrap()));
    });
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(counted(&entries), 5 * EACH);
}

#[test]
fn the_log_begins_anew_after_a_checkpoint() {
    let folder = TempDir::new().unwrap();
    let entries = Entries::in_folder(folder.path());
    let log = || std::fs::metadata(folder.path().join("ledger.db-wal")).unwrap().len();
    let mut largest = 0;
    for round in 0..4 {
        assert!(!entries.wants_checkpoint());
        while !entries.wants_checkpoint() {
            count(&entries).unwrap();
        }
        entries.checkpoint().unwrap();
        largest = if round == 0 { log() } else { largest };
    }
    assert!(log() <= largest + 8 * 4096, "{} bytes, at first {largest}", log());
}

#[test]
fn writers_that_never_pause_do_not_let_the_log_grow_without_end() {
    let folder = TempDir::new().unwrap();
    let entries = Entries { log_pages: 100, ..Entries::in_folder(folder.path()) };
    count(&entries).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let observer = Connection::open(folder.path().join(open::LEDGER.file)).unwrap();
    let log = || observer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                count(&entries).unwrap();
            }
        });
        let mut begun_anew = 0;
        for _ in 0..2_000 {
            let before = log();
            entries.checkpoint().unwrap();
            begun_anew += usize::from(before > 100 && log() < before);
            if begun_anew == 3 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(begun_anew, 3);
    });
}

#[test]
fn an_update_that_would_have_to_wait_is_not_tried() {
    let folder = TempDir::new().unwrap();
    let entries = Entries::in_folder(folder.path());
    let add = || entries.try_update(&keys(&["a"]), |_| vec![(0, Some(b"1".to_vec()))]).unwrap();
    assert!(!add(), "it is not open");
    entries.get(&[]).unwrap();
    assert!(add());
    let other = Connection::open(folder.path().join(open::LEDGER.file)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    assert!(!add());
    assert!(start.elapsed() < Duration::from_secs(1));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(add());
}

#[test]
fn what_can_be_wrong_with_the_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(open::LEDGER.file);
    let entries = Entries::in_folder(folder.path());
    std::fs::write(&path, "no database ".repeat(500)).unwrap();
    let error = entries.get(&keys(&["a"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for words in ["ledger.db", "move it away", "what was spent of quotas"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(!error.to_string().contains("tokens"), "{error}");
    std::fs::remove_file(&path).unwrap();
    count(&entries).unwrap();
    drop(entries);

    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = count(&Entries::in_folder(folder.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Newer, "{error}");
    assert!(error.to_string().contains("update Tidegate"), "{error}");
}

#[test]
fn a_full_disk_and_a_read_only_database() {
    let cases = [
        ("PRAGMA max_page_count = 1", ErrorKind::Full, "the disk is full"),
        ("PRAGMA query_only = ON", ErrorKind::Folder, "cannot be written"),
    ];
    for (pragma, kind, words) in cases {
        let folder = TempDir::new().unwrap();
        let entries = Entries::in_folder(folder.path());
        put(&entries, "a", b"1");
        let limit = |opened: &mut Opened| opened.connection.query_row(pragma, [], |_| Ok(())).or(Ok(()));
        entries.run(&entries.opened, "limit", limit).unwrap();
        let error = entries.update(&keys(&["a", "b"]), |_| vec![(0, None), (1, Some(vec![0; 1 << 20]))]).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("ledger.db"), "{error}");
        assert_eq!(entries.get(&keys(&["a", "b"])).unwrap(), [Some(b"1".to_vec()), None], "nothing is kept in part");
    }
}

#[test]
#[cfg(unix)]
fn its_files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("made");
    let entries = Entries::in_folder(&folder);
    count(&entries).unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["ledger.db", "ledger.db-shm", "ledger.db-wal", "state.lock"]);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    count(&Entries::in_folder(&folder)).unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "a ledger makes it our own");
}
