//! Files that are damaged, foreign, of another version, or removed: never a wrong answer, and a new cache after one error.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::ErrorKind;

const ANSWERS: u64 = 40;

/// A folder with a database that nobody has open.
fn filled() -> TempDir {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    for number in 0..ANSWERS {
        put(&cache, number, 200 + 300 * number as usize, number);
    }
    cache.note_write(SCOPE, at(1)).unwrap();
    drop(cache);
    assert_eq!(length(folder.path(), "cache.db-wal"), 0);
    folder
}

/// All that is read is right or absent; the answers, and how many calls failed.
#[track_caller]
fn check_reads(cache: &CacheDb, what: &str) -> (usize, usize) {
    let (mut found, mut failed) = (0, 0);
    for number in 0..ANSWERS {
        match cache.get(&key(number)) {
            Ok(None) => {}
            Ok(Some(answer)) => {
                let expected = self::answer(number, 200 + 300 * number as usize, number);
                assert_eq!((&answer.meta, &answer.body), (&expected.meta, &expected.body), "{what}");
                found += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Newer), "{what}: {error}");
                for words in ["cache.db", "nothing is to be done"] {
                    assert!(error.to_string().contains(words), "{what}: {error}");
                }
                failed += 1;
            }
        }
    }
    (found, failed)
}

/// It can be written and read.
#[track_caller]
fn check_works(cache: &CacheDb, what: &str) {
    for attempt in 0.. {
        let label = label("u");
        let done = cache.put(&key(1_000), label, answer(1_000, 9_000, 1)).and_then(|()| cache.flush());
        let Err(error) = done else { break };
        assert!(attempt < 2 && error.kind() == ErrorKind::Corrupt, "{what}: {error}");
    }
    let shared = &cache.shared;
    let read = shared.disk.hold(&shared.disk.reader).run("read", |c| answers::get(c, &key(1_000))).unwrap();
    assert!(matches!(read, Found::Answer(_)), "{what}");
}

#[test]
fn bits_that_flip_and_ends_that_are_cut_off_never_give_a_wrong_answer() {
    let folder = filled();
    let path = folder.path().join("cache.db");
    let good = fs::read(&path).unwrap();
    let mut random = Random::new();
    for round in 0..60 {
        let mut bytes = good.clone();
        let what = if round % 3 == 0 {
            bytes.truncate(random.below(good.len() as u64) as usize);
            format!("cut to {}", bytes.len())
        } else {
            // The first page, where little is that can be changed and not be seen, as often as all others.
            let end = if round % 3 == 1 { 4_096 } else { bytes.len() as u64 };
            let flips: Vec<_> = (0..=random.below(3)).map(|_| (random.below(end), random.below(8))).collect();
            flips.iter().for_each(|(byte, bit)| bytes[*byte as usize] ^= 1 << bit);
            format!("flipped {flips:?}")
        };
        fs::write(&path, bytes).unwrap();
        let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
        let (_, failed) = check_reads(&cache, &what);
        assert!(failed <= 2, "{what}: {failed} calls failed");
        check_works(&cache, &what);
        drop(cache);
        let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
        assert_eq!(cache.get(&key(1_000)).unwrap().map(|answer| answer.body.len()), Some(9_000), "{what}");
    }
}

#[test]
fn a_body_that_is_not_what_was_written_is_no_answer_and_goes() {
    let folder = filled();
    let other = Connection::open(folder.path().join("cache.db")).unwrap();
    let changed = "UPDATE bodies SET body = zeroblob(length(body)) WHERE id = 5;
                   UPDATE answers SET asked_at = asked_at + 1 WHERE id = 6;
                   UPDATE bodies SET meta = x'00' WHERE id = 7";
    other.execute_batch(changed).unwrap();
    drop(other);
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    assert_eq!(check_reads(&cache, "changed"), (ANSWERS as usize - 3, 0));
    assert_eq!(cache.lines("local", 99).unwrap().len(), ANSWERS as usize - 3);
}

#[test]
fn a_file_of_something_else_is_replaced() {
    type Make = fn(&Path);
    let foreign: [(&str, Make, ErrorKind); 5] = [
        ("text", |path| fs::write(path, "this is no database at all, ".repeat(200)).unwrap(), ErrorKind::Corrupt),
        (
            "another program",
            |path| {
                fs::remove_file(path).unwrap();
                Connection::open(path).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
            },
            ErrorKind::Corrupt,
        ),
        (
            "newer",
            |path| {
                Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
            },
            ErrorKind::Newer,
        ),
        (
            "no table",
            |path| {
                Connection::open(path).unwrap().execute_batch("DROP TABLE answers").unwrap();
            },
            ErrorKind::Corrupt,
        ),
        (
            "another format of files",
            |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes[18..20].copy_from_slice(&[9, 1]);
                fs::write(path, bytes).unwrap();
            },
            ErrorKind::Corrupt,
        ),
    ];
    for (what, make, kind) in foreign {
        let folder = filled();
        make(&folder.path().join("cache.db"));
        let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
        let error = cache.get(&key(1)).err();
        match error {
            Some(error) => assert_eq!(error.kind(), kind, "{what}: {error}"),
            // Such a file can be read.
            None => assert_eq!(what, "another format of files"),
        }
        check_works(&cache, what);
        assert_eq!(cache.get(&key(1)).unwrap(), None, "{what}");
        // Marks that were lost with it count as made.
        assert!(cache.written("any").unwrap() > Some(at(1)), "{what}");
    }
}

#[test]
fn who_has_a_replaced_file_open_goes_on_with_the_new_one() {
    let folder = filled();
    let first = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    put(&first, 100, 5_000, 1);
    first.flush().unwrap();
    let second = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    assert!(second.get(&key(100)).unwrap().is_some());
    let damaged = crate::permissions::file_id(&folder.path().join("cache.db")).unwrap();
    open::discard(folder.path(), &open::CACHE, &damaged).unwrap();
    put(&second, 101, 5_000, 1);
    second.flush().unwrap();
    put(&first, 102, 5_000, 1);
    first.flush().unwrap();
    for cache in [&first, &second] {
        assert_eq!(stored(cache, 200), [101, 102]);
    }
    // Who comes too late with the damage that it saw removes nothing.
    open::discard(folder.path(), &open::CACHE, &damaged).unwrap();
    drop(first);
    assert_eq!(stored(&second, 200), [101, 102]);
    drop(second);
    assert_eq!(stored(&by_hand(folder.path(), DEFAULT_CACHE_BYTES), 200), [101, 102]);
}

#[test]
fn a_full_disk_loses_what_was_queued_and_says_so_once() {
    let folder = filled();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    let disk = &cache.shared.disk;
    let limit = |pages: &str| {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        disk.hold(&disk.writer).run("limit", |c| c.query_row(&pragma, [], |_| Ok(()))).unwrap();
    };
    limit("1");
    put(&cache, 100, 1 << 20, 1);
    let error = cache.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    for words in ["the disk is full", "cache.db", "--state"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    cache.flush().unwrap();
    assert_eq!(stored(&cache, 200).len(), ANSWERS as usize, "the others are there");
    limit("1000000");
    put(&cache, 100, 1 << 20, 1);
    cache.flush().unwrap();
    assert!(cache.get(&key(100)).unwrap().is_some());
}

#[test]
fn a_failure_in_the_background_is_told_by_the_next_change() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("state");
    fs::write(&file, "x").unwrap();
    let cache = CacheDb::new(&file, DEFAULT_CACHE_BYTES, Duration::ZERO, String::new().into());
    put(&cache, 1, 100, 0);
    let told = (0..10_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        cache.touch(&[key(1)], at(1)).err()
    });
    let error = told.expect("an error");
    assert!(error.kind() == ErrorKind::Folder && error.to_string().contains("is a file"), "{error}");
    assert_eq!(cache.get(&key(1)).unwrap_err().kind(), ErrorKind::Folder);
}
