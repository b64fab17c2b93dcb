//! The bound, and space that is given back.

use super::*;

const BOUND: u64 = 2 * 1024 * 1024;

fn check_small(folder: &Path, bound: u64, log: u64) {
    let (file, wal) = (length(folder, "cache.db"), length(folder, "cache.db-wal"));
    assert!(file <= bound && wal <= log, "{file} bytes, and {wal} in the log");
}

#[test]
fn the_least_used_answers_go_and_the_file_stays_within_its_bound() {
    const ANSWERS: u64 = 400;
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), BOUND);
    let mut random = Random::new();
    for number in 0..ANSWERS {
        put(&cache, number, 10_000 + random.below(20_000) as usize, number);
        cache.touch(&[key(3)], at(number)).unwrap();
        if number % 7 == 0 {
            cache.flush().unwrap();
            let bytes: u64 = cache.lines("local", 1_000).unwrap().iter().map(|line| line.bytes).sum();
            assert!(bytes < BOUND, "{bytes} after {number}");
        }
    }
    cache.flush().unwrap();
    let kept = stored(&cache, ANSWERS);
    assert_eq!(kept[0], 3, "it was used all the time");
    assert!(kept[1..].is_sorted_by(|a, b| a + 1 == *b) && kept.last() == Some(&(ANSWERS - 1)), "{kept:?}");
    assert!(kept.len() > 60, "{} answers of 20 kB in 2 MB", kept.len());
    let bodies: u64 = cache.lines("local", 1_000).unwrap().iter().map(|line| line.bytes).sum();
    assert!(bodies > BOUND / 2 && bodies < BOUND, "{bodies}");
    drop(cache);
    check_small(folder.path(), BOUND, 0);
}

#[test]
fn a_smaller_bound_shrinks_the_file_and_clearing_empties_it() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), 32 * BOUND);
    for number in 0..300 {
        put(&cache, number, 100_000, number);
    }
    cache.flush().unwrap();
    drop(cache);
    assert!(length(folder.path(), "cache.db") > 30_000_000);
    let cache = by_hand(folder.path(), BOUND);
    put(&cache, 300, 100, 300);
    cache.flush().unwrap();
    room_is_checked(&cache);
    check_small(folder.path(), BOUND, BOUND);
    cache.clear(None).unwrap();
    check_small(folder.path(), 64 * 1024, 0);
}

/// Moves the log, so that the file shows what was given back.
fn room_is_checked(cache: &CacheDb) {
    let disk = &cache.shared.disk;
    disk.hold(&disk.writer).run("cut the log", |connection| room::cut_log(connection)).unwrap();
}

#[test]
fn the_log_does_not_grow_with_what_is_written() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), 64 * BOUND);
    for number in 0..40 {
        put(&cache, number, 1_000_000, number);
        cache.flush().unwrap();
    }
    let log = length(folder.path(), "cache.db-wal");
    assert!(log < 3 * CHECKPOINT_BYTES, "{log}");
    assert_eq!(stored(&cache, 40).len(), 40);
}

#[test]
fn what_does_not_fit_is_not_stored_and_what_it_replaces_goes() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), BOUND);
    put(&cache, 1, 100, 0);
    cache.flush().unwrap();
    put(&cache, 1, BOUND as usize / 4 + 1, 1);
    put(&cache, 2, BOUND as usize / 4 - 10, 1);
    assert_eq!(stored(&cache, 3), [2]);
    cache.flush().unwrap();
    assert_eq!(stored(&cache, 3), [2]);
}

#[test]
fn so_much_waits_and_no_more() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    // The thread that writes waits for this lock.
    let disk = &cache.shared.disk;
    let busy = disk.hold(&disk.writer);
    for number in 0..20 {
        put(&cache, number, 8 << 20, number);
    }
    assert!(cache.shared.lock().bytes() <= QUEUE_BYTES);
    drop(busy);
    cache.flush().unwrap();
    let kept = stored(&cache, 20);
    assert!((7..=16).contains(&kept.len()), "{kept:?}");
}

#[test]
fn answers_that_nobody_uses_go() {
    const DAY: u64 = 24 * 60 * 60;
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    put(&cache, 1, 100, 0);
    put(&cache, 2, 100, 0);
    cache.touch(&[key(2)], at(DAY)).unwrap();
    cache.flush().unwrap();
    for (day, expected) in [(30, &[1, 2, 3][..]), (31, &[2, 3]), (32, &[3])] {
        put(&cache, 3, 100, day * DAY - 1);
        cache.flush().unwrap();
        assert_eq!(stored(&cache, 4), expected, "after {day} days");
        put(&cache, 3, 100, day * DAY);
        cache.flush().unwrap();
    }
}
