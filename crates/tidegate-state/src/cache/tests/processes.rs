//! Several processes with one cache: all at once, and killed while they write.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;

use super::*;

/// What the child process does, and its folder; set by the parent alone.
const ROLE: &str = "TIDEGATE_TEST_CACHE_ROLE";
const FOLDER: &str = "TIDEGATE_TEST_CACHE_FOLDER";
/// Name of the test that is the child process.
const CHILD: &str = "cache::tests::processes::child";

const EACH: u64 = 150;
const BYTES: usize = 20_000;
const BOUND: u64 = 4 * 1024 * 1024;

/// The other process of these tests; without its variables it does nothing.
#[test]
fn child() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    match role.as_str() {
        "share" => share(Path::new(&folder), std::process::id().into()),
        "forever" => {
            let cache = CacheDb::new(Path::new(&folder), BOUND, Duration::from_millis(1), String::new().into());
            for number in (0..1_000).cycle() {
                put(&cache, number, BYTES, number);
                if number == 20 {
                    println!("\nwriting");
                }
            }
        }
        other => panic!("{other}"),
    }
}

/// Writes, reads and marks as every process does, in a range of numbers of its own.
fn share(folder: &Path, range: u64) {
    let cache = CacheDb::new(folder, BOUND, Duration::from_millis(2), written::this_boot().into());
    for n in 0..EACH {
        let number = range * EACH + n;
        put(&cache, number, BYTES, n);
        if let Some(answer) = cache.get(&key(number)).unwrap() {
            assert_eq!(answer, self::answer(number, BYTES, n));
        }
        cache.touch(&[key(number)], at(n)).unwrap();
        if n % 10 == 0 {
            cache.note_write(SCOPE, at(n)).unwrap();
            assert!(cache.written(SCOPE).unwrap() >= Some(at(n)));
        }
    }
    cache.flush().unwrap();
}

fn spawn(role: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", CHILD, "--nocapture"]).env(ROLE, role).env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The database is whole, and every answer in it is right.
fn check_whole(folder: &Path) -> usize {
    let database = Connection::open(folder.join("cache.db")).unwrap();
    let check: String = database.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mut keys = database.prepare("SELECT key FROM answers").unwrap();
    let keys: Vec<CacheKey> = keys.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let bodies: i64 = database.query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)).unwrap();
    assert_eq!(keys.len(), usize::try_from(bodies).unwrap());
    for key in &keys {
        assert!(matches!(answers::get(&database, key).unwrap(), Found::Answer(_)));
    }
    keys.len()
}

#[test]
fn processes_share_one() {
    let folder = TempDir::new().unwrap();
    let mut children: Vec<_> = (0..3).map(|_| spawn("share", folder.path())).collect();
    share(folder.path(), 1);
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert!(check_whole(folder.path()) > 100);
    assert!(length(folder.path(), "cache.db") <= BOUND, "{}", length(folder.path(), "cache.db"));
    let cache = by_hand(folder.path(), BOUND);
    let last = cache.written(SCOPE).unwrap().unwrap();
    assert!(last >= at(EACH - 10), "{last:?}");
}

#[test]
fn who_is_killed_while_writing_leaves_a_whole_cache() {
    let mut random = Random::new();
    for _ in 0..8 {
        let folder = TempDir::new().unwrap();
        let mut child = spawn("forever", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "writing"));
        std::thread::sleep(Duration::from_micros(random.below(60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let cache = by_hand(folder.path(), BOUND);
        cache.get(&key(1)).unwrap();
        check_whole(folder.path());
    }
}
