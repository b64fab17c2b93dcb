//! The cache through its public face: what is queued and what is written, its bound, marks of writes, and what can be wrong.

use std::time::UNIX_EPOCH;

use tempfile::TempDir;

use super::*;
use crate::open;

mod damage;
mod marks;
mod model;
mod processes;
mod space;

const SCOPE: &str = "f00d";
/// No change is written in the background for as long as a test takes.
const NEVER: Duration = Duration::from_secs(60 * 60);

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, 123_456_000)
}

fn key(number: u64) -> CacheKey {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

fn label(url: &str) -> CacheLabel {
    CacheLabel {
        scope: SCOPE.to_owned(),
        connection: "erp".to_owned(),
        principal: "local".to_owned(),
        table: Some("accounts".to_owned()),
        url: url.to_owned(),
        fresh_until: Some(at(60)),
    }
}

/// Content that is another for every number.
fn answer(number: u64, bytes: usize, stored: u64) -> CachedAnswer {
    let mut body = (number << 8 | 1).to_le_bytes().repeat(bytes.div_ceil(8));
    body.truncate(bytes);
    CachedAnswer { meta: format!("meta {number}").into(), body, asked_at: at(stored), stored_at: at(stored + 1) }
}

fn put(cache: &CacheDb, number: u64, bytes: usize, stored: u64) {
    cache.put(&key(number), label(&format!("https://erp.example/{number}")), answer(number, bytes, stored)).unwrap();
}

/// Numbers below `end` that are stored.
fn stored(cache: &CacheDb, end: u64) -> Vec<u64> {
    (0..end).filter(|number| cache.get(&key(*number)).unwrap().is_some()).collect()
}

/// A cache that writes nothing before it is told to.
fn by_hand(folder: &Path, bound: u64) -> CacheDb {
    CacheDb::new(folder, bound, NEVER, "boot".to_owned().into())
}

fn length(folder: &Path, file: &str) -> u64 {
    std::fs::metadata(folder.join(file)).map_or(0, |found| found.len())
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    /// A seed of its own for each run, printed so that a failure can be seen again: set `TIDEGATE_TEST_SEED` to it.
    fn new() -> Self {
        let given: Option<u64> = std::env::var("TIDEGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given
            .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos().into());
        println!("TIDEGATE_TEST_SEED={seed}");
        Self(seed | 1 << 40)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end.max(1)
    }
}

#[test]
fn an_answer_is_stored_replaced_and_removed() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    let look = |expected: Option<u64>| {
        // Queued, written, and found by another process.
        for flush in [false, true] {
            if flush {
                cache.flush().unwrap();
                let other = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
                assert_eq!(other.get(&key(1)).unwrap(), expected.map(|number| answer(number, 5_000, number)));
            }
            assert_eq!(cache.get(&key(1)).unwrap(), expected.map(|number| answer(number, 5_000, number)));
        }
    };
    look(None);
    for number in [1, 2] {
        cache.put(&key(1), label("https://erp.example/1"), answer(number, 5_000, number)).unwrap();
        look(Some(number));
    }
    assert_eq!(cache.get(&key(2)).unwrap(), None);
    cache.remove(&key(1)).unwrap();
    look(None);
}

#[test]
fn a_scope_without_answers_is_known_as_such() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    let holds = |cache: &CacheDb| [SCOPE, "other"].map(|scope| cache.holds_any(scope).unwrap());
    assert_eq!(holds(&cache), [false, false]);
    put(&cache, 1, 100, 0);
    assert_eq!(holds(&cache), [true, false], "queued");
    cache.flush().unwrap();
    assert_eq!(holds(&by_hand(folder.path(), DEFAULT_CACHE_BYTES)), [true, false], "written, for another process");
    cache.remove(&key(1)).unwrap();
    cache.flush().unwrap();
    assert_eq!(holds(&cache), [false, false]);
}

#[test]
fn nothing_is_made_before_first_use_and_it_is_the_owners_alone() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let cache = by_hand(&folder, DEFAULT_CACHE_BYTES);
    put(&cache, 1, 100, 0);
    assert!(!folder.exists());
    cache.flush().unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["cache.db", "cache.db-shm", "cache.db-wal", "state.lock"]);
    #[cfg(unix)]
    for name in names {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join(&name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn what_is_queued_is_written_in_time_and_at_the_end() {
    let folder = TempDir::new().unwrap();
    let other = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    let sees = |number| {
        let found = (0..10_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            other.get(&key(number)).unwrap().is_some()
        });
        assert!(found, "{number} was not written");
    };
    let cache = CacheDb::new(folder.path(), DEFAULT_CACHE_BYTES, Duration::from_millis(5), String::new().into());
    put(&cache, 1, 100, 0);
    sees(1);
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    put(&cache, 2, FLUSH_BYTES, 0);
    sees(2);
    put(&cache, 3, 100, 0);
    drop(cache);
    assert_eq!(other.get(&key(3)).unwrap(), Some(answer(3, 100, 0)));
}

#[test]
fn lines_show_what_is_stored_for_a_principal_and_no_content() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    put(&cache, 1, 100, 10);
    put(&cache, 2, 200, 20);
    let theirs = CacheLabel { principal: "other".to_owned(), table: None, fresh_until: None, ..label("u") };
    cache.put(&key(3), theirs.clone(), answer(3, 1, 1)).unwrap();
    cache.touch(&[key(1), key(1), key(9)], at(100)).unwrap();
    cache.touch(&[key(1)], at(90)).unwrap();
    let line = |number: u64, used_at, hits| CacheLine {
        label: label(&format!("https://erp.example/{number}")),
        bytes: number * 100 + 6,
        asked_at: at(number * 10),
        stored_at: at(number * 10 + 1),
        used_at,
        hits,
    };
    let expected = [line(1, at(100), 3), line(2, at(21), 0)];
    assert_eq!(cache.lines("local", 10).unwrap(), expected);
    assert_eq!(cache.lines("local", 1).unwrap(), expected[..1]);
    assert_eq!(cache.lines("other", 10).unwrap()[0].label, theirs);
    // An answer that is replaced was used as often as before.
    put(&cache, 1, 100, 10);
    assert_eq!(cache.lines("local", 10).unwrap(), expected);
    let shown = format!("{:?}", answer(1, 100, 1));
    assert!(shown.contains("106") && !shown.contains("meta"), "{shown}");
}

#[test]
fn one_scope_or_all_is_cleared() {
    let folder = TempDir::new().unwrap();
    let cache = by_hand(folder.path(), DEFAULT_CACHE_BYTES);
    let fill = || {
        for number in 0..6 {
            let label = CacheLabel { scope: format!("s{}", number % 2), ..label("u") };
            cache.put(&key(number), label, answer(number, 3_000, number)).unwrap();
            if number < 4 {
                cache.flush().unwrap();
            }
        }
    };
    fill();
    cache.note_write("s1", at(1)).unwrap();
    assert_eq!(cache.clear(Some("s1")).unwrap(), 2, "two were on the disk, one was queued");
    assert_eq!(stored(&cache, 9), [0, 2, 4]);
    cache.flush().unwrap();
    assert_eq!(stored(&cache, 9), [0, 2, 4]);
    fill();
    assert!(cache.clear(None).unwrap() >= 5);
    assert_eq!(stored(&cache, 9), [0_u64; 0]);
    assert_eq!(cache.clear(None).unwrap(), 0);
    assert_eq!(cache.written("s1").unwrap(), Some(at(1)));
}
