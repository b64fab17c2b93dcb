//! Marks of writes: for all processes, never earlier, and through the end of the system.

use super::*;

fn booted(folder: &Path, boot: &str) -> CacheDb {
    CacheDb::new(folder, DEFAULT_CACHE_BYTES, NEVER, boot.to_owned().into())
}

#[test]
fn a_mark_is_seen_by_all_and_never_goes_back() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (booted(folder.path(), "a"), booted(folder.path(), "a"));
    assert_eq!(other.written(SCOPE).unwrap(), None);
    let cases = [(100, 100), (90, 100), (101, 101), (500, 500), (499, 500)];
    for (marked, expected) in cases {
        one.note_write(SCOPE, at(marked)).unwrap();
        assert_eq!(other.written(SCOPE).unwrap(), Some(at(expected)), "{marked}");
    }
    assert_eq!(other.written("other").unwrap(), None);
}

#[test]
fn after_another_boot_no_write_that_may_have_been_lost_is_missed() {
    // The marks of one boot, and the latest that may have been lost with it: those within a minute of one that waited for
    // the disk need not have.
    let cases: &[(&[u64], u64)] = &[(&[100], 160), (&[100, 159], 160), (&[100, 161], 221)];
    for (marks, latest) in cases {
        let folder = TempDir::new().unwrap();
        for mark in *marks {
            booted(folder.path(), "a").note_write(SCOPE, at(*mark)).unwrap();
        }
        let next = booted(folder.path(), "b");
        let last = next.written(SCOPE).unwrap();
        assert_eq!(last, Some(at(*latest)), "{marks:?}");
        // A mark of the new boot forgets nothing of the old one.
        next.note_write(SCOPE, at(1)).unwrap();
        assert_eq!(next.written(SCOPE).unwrap(), last, "{marks:?}");
    }
}

#[test]
fn many_marks_do_not_let_the_log_grow() {
    let folder = TempDir::new().unwrap();
    let cache = booted(folder.path(), "a");
    let marks = 3 * CHECKPOINT_BYTES / MARK_BYTES;
    for mark in 0..marks {
        cache.note_write(SCOPE, at(mark / 100)).unwrap();
    }
    let log = std::fs::metadata(folder.path().join("cache.db-wal")).unwrap().len();
    assert!(log < 2 * CHECKPOINT_BYTES, "{log} bytes after {marks} marks");
    assert_eq!(cache.written(SCOPE).unwrap(), Some(at((marks - 1) / 100)));
}

#[test]
fn where_boots_are_not_known_marks_are_what_they_say() {
    let folder = TempDir::new().unwrap();
    for mark in [100, 130, 120] {
        booted(folder.path(), "").note_write(SCOPE, at(mark)).unwrap();
    }
    assert_eq!(booted(folder.path(), "").written(SCOPE).unwrap(), Some(at(130)));
}

#[test]
fn old_marks_of_scopes_without_answers_go() {
    let folder = TempDir::new().unwrap();
    let cache = booted(folder.path(), "a");
    put(&cache, 1, 100, 0);
    cache.flush().unwrap();
    for scope in [SCOPE, "empty"] {
        cache.note_write(scope, at(0)).unwrap();
    }
    cache.note_write("new", at(91 * 24 * 60 * 60)).unwrap();
    let known = |scope| cache.written(scope).unwrap().is_some();
    assert_eq!([SCOPE, "empty", "new"].map(known), [true, false, true]);
}

#[test]
fn a_lost_database_counts_as_a_write_to_every_scope() {
    let folder = TempDir::new().unwrap();
    let (one, other, later) = (booted(folder.path(), "a"), booted(folder.path(), "a"), booted(folder.path(), "a"));
    let before = SystemTime::now() - Duration::from_secs(10);
    for cache in [&one, &other] {
        cache.note_write(SCOPE, at(1)).unwrap();
        put(cache, 1, 100, 0);
        cache.flush().unwrap();
    }
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    // Who never had the old one cannot know.
    assert_eq!(later.written(SCOPE).unwrap(), None);
    for scope in [SCOPE, "another"] {
        assert!(other.written(scope).unwrap().unwrap() > before, "{scope}");
        assert!(one.written(scope).unwrap().unwrap() > before, "{scope}");
        assert!(later.written(scope).unwrap().unwrap() > before, "{scope}");
    }
    assert_eq!(one.get(&key(1)).unwrap(), None);
    put(&one, 1, 100, 0);
    one.flush().unwrap();
    assert_eq!(other.get(&key(1)).unwrap(), Some(answer(1, 100, 0)), "both use the new file");
}
