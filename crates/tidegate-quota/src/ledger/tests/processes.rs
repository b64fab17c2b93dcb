//! Several processes on one folder: this test program, started again.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::folder::in_folder;
use super::support::*;
use crate::FolderStore;

/// What a child does, and where; set by the parent alone.
const TASK: &str = "TIDEGATE_TEST_LEDGER_TASK";
const FOLDER: &str = "TIDEGATE_TEST_LEDGER_FOLDER";
const CHILD: &str = "ledger::tests::processes::child";

/// So many calls in all, and so many at once.
fn limited() -> Arc<Call> {
    Arc::new(call("shared", &[&window("hourly", 200, HOUR), &concurrent(3)]))
}

/// Leases end soon.
const SHORT: Terms = Terms {
    lease: Duration::from_millis(300),
    renew_after: Duration::from_millis(100),
    ticket: Duration::from_millis(100),
    linger: Duration::from_millis(20),
    poll: (Duration::from_millis(5), Duration::from_millis(20)),
    look: Duration::from_secs(60),
    stuck: Duration::from_secs(10),
};

fn spawn(task: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--quiet"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The other processes of the tests below; without its variables it does nothing.
#[tokio::test]
async fn child() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    let folder = Path::new(&folder);
    match task.as_str() {
        "spend" => println!("\nspent {}", spend(folder).await),
        "read" => println!("\nread {}", read(folder).await.as_millis()),
        "hold" => {
            let ledger = short(folder);
            let grants = [granted(&ledger, &limited()).await, granted(&ledger, &limited()).await];
            println!("\nholding {}", grants.len());
            tokio::time::sleep(MINUTE).await;
        }
        _ => fill(folder).await,
    }
}

fn short(folder: &Path) -> Ledger {
    let store = Arc::new(FolderStore::in_folder(folder));
    Ledger::with_terms(store, Arc::new(SystemClock::default()), SHORT)
}

/// Spends until nothing is left, with three tasks.
async fn spend(folder: &Path) -> usize {
    let ledger = Arc::new(in_folder(folder));
    let task = async || {
        let mut spent = 0;
        while passes(&ledger, &limited()).await {
            spent += 1;
        }
        spent
    };
    let (one, two, three) = tokio::join!(task(), task(), task());
    ledger.flush().await.unwrap();
    one + two + three
}

/// Windows that [`read`] reads in, and partitions.
const WINDOW: Duration = Duration::from_secs(1);
const PARTITIONS: usize = 3;

/// Reads 22 pages of each partition with two tasks each, under 30 calls a second, and tells how long that took.
async fn read(folder: &Path) -> Duration {
    let ledger = Arc::new(in_folder(folder));
    let start = std::time::Instant::now();
    let tasks: Vec<_> = (0..2 * PARTITIONS)
        .map(|task| {
            let partition = format!("partition:{}", task % PARTITIONS);
            let scopes = vec![scope("credential", &[]), scope(&partition, &[&window("secondly", 30, WINDOW)])];
            let (ledger, call) = (Arc::clone(&ledger), Arc::new(Call { scopes, ..call("", &[]) }));
            tokio::spawn(async move {
                for _ in 0..11 {
                    let grant = granted(&ledger, &call).await;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    ledger.settle(grant, Settlement::answered()).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    ledger.flush().await.unwrap();
    start.elapsed()
}

/// Puts entries in until the disk is full, and tells the error.
async fn fill(folder: &Path) {
    let ledger = in_folder(folder);
    for n in 0..10_000 {
        let call = Arc::new(call(&format!("{n}{}", "x".repeat(2_000)), &[&window("hourly", 5, HOUR)]));
        match ledger.acquire(&call, patient(HOUR)).await {
            Ok(_) => {}
            Err(error) => return println!("\nfailed {error}"),
        }
    }
}

/// What a child said after this word.
fn said(child: Child, word: &str) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_together_spend_what_there_is() {
    let folder = TempDir::new().unwrap();
    let children: Vec<Child> = (0..3).map(|_| spawn("spend", folder.path())).collect();
    let mut spent = spend(folder.path()).await;
    for child in children {
        spent += said(child, "spent").parse::<usize>().unwrap();
    }
    assert_eq!(spent, 200);
}

/// 88 calls under 30 a window go out in the third one: after two windows at best.
#[tokio::test(flavor = "multi_thread")]
async fn processes_together_use_windows_to_the_full() {
    let folder = TempDir::new().unwrap();
    let children: Vec<Child> = (0..3).map(|_| spawn("read", folder.path())).collect();
    let mut longest = read(folder.path()).await;
    for child in children {
        longest = longest.max(Duration::from_millis(said(child, "read").parse().unwrap()));
    }
    assert!(longest >= 2 * WINDOW - WINDOW / 5, "more was granted than there is: {longest:?}");
    assert!(longest <= 3 * WINDOW - WINDOW / 5, "a window was not used: {longest:?}");
}

#[tokio::test]
async fn a_killed_process_has_spent_its_calls_and_gives_its_places_back() {
    use std::io::{BufRead, BufReader};
    let folder = TempDir::new().unwrap();
    let mut holder = spawn("hold", folder.path());
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("holding 2")));
    let ledger = short(folder.path());
    // While it lives, its leases are renewed.
    tokio::time::sleep(2 * SHORT.lease).await;
    assert_eq!(view(&ledger, &limited()).await.in_flight, 2);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = std::time::Instant::now();
    let grants = [granted(&ledger, &limited()).await, granted(&ledger, &limited()).await];
    let after = killed.elapsed();
    assert!(after > SHORT.lease / 3 && after < 3 * SHORT.lease, "{after:?}");
    let shown = view(&ledger, &limited()).await;
    let hourly = shown.meters.iter().find(|meter| &*meter.name == "hourly").unwrap();
    assert_eq!((shown.in_flight, hourly.used), (2, Some(4)));
    drop(grants);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let folder = TempDir::new().unwrap();
    // A limit on the size of files stands for the disk's end; the signal that comes with it is ignored.
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 800; exec \"$0\" --exact \"$1\" --nocapture --quiet"])
        .arg(program)
        .arg(CHILD)
        .env(TASK, "fill")
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = text.lines().find_map(|line| line.strip_prefix("failed ")).unwrap_or_else(|| panic!("{text}"));
    assert!(error.contains("ledger.db") && error.contains("--state"), "{error}");
}
