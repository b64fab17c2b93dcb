//! Several processes of the program on one state folder: together they keep within the quotas, and use them up.
//!
//! They run on real time, since the ledger is what they share, and a clock is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counters;

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_sim::{Config, Dialect, LoggedRequest, Quota, ResetForm, Rule, Sim};

use tokio::sync::Mutex;

use tidegate_tests::program::{Home, Ran, Running};

const PROCESSES: usize = 4;
const DIVISIONS: u32 = 3;
/// Calls in a window, for each division.
const LIMIT: u64 = 30;
const WINDOW: Duration = Duration::from_secs(3);
/// Pages of a division; the processes together read 112 of each, and perhaps its description, in four windows.
const PAGES: u64 = 28;
const PAGE_SIZE: usize = 10;
const ROWS: u64 = PAGES * PAGE_SIZE as u64;
/// Time that an answer takes.
const LATENCY: Duration = Duration::from_millis(5);
/// How much longer than the quotas allow it may take.
const SLACK: f64 = 1.15;
/// Calls that a killed process may have had under way, in each division: they count as spent, sent or not.
const LOST: u64 = 8;

const SCAN: &str =
    "SELECT _partition, count(*) AS rows, count(DISTINCT id) AS ids FROM erp.accounts GROUP BY 1 ORDER BY 1";

/// One test at a time, as each measures time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A quota that the processes share, and how they know of it.
#[derive(Debug)]
struct Case {
    name: &'static str,
    rule: Rule,
    dialect: fn() -> Dialect,
    /// The quota in the configuration, but for its name; nothing where it is not declared.
    declared: &'static str,
    /// Least time in seconds from the first of so many calls of a division to the last, when the first comes at this time
    /// (seconds since 1970).
    least: fn(u64, f64) -> f64,
}

const DECLARED: Case = Case {
    name: "declared",
    rule: Rule::Sliding { limit: LIMIT, window: WINDOW },
    dialect: || Dialect::Silent,
    declared: "window = \"3s\"\nlimit = 30",
    least: windows,
};

const REPORTED: Case = Case {
    name: "reported",
    rule: Rule::Aligned { limit: LIMIT, window: WINDOW },
    dialect: || Dialect::classic("X-RateLimit", ResetForm::EpochMs),
    declared: "window = \"3s\"\nstarts = \"aligned\"\nlimit = 30\n\
               remaining = { header = \"X-RateLimit-Remaining\" }\n\
               reset = { header = \"X-RateLimit-Reset\", as = \"epoch_ms\" }",
    least: aligned,
};

/// What the windows end at is told in whole seconds, rounded up.
const UNDECLARED: Case = Case {
    name: "undeclared",
    rule: Rule::FirstCall { limit: LIMIT, window: WINDOW },
    dialect: || Dialect::Draft8,
    declared: "",
    least: windows,
};

const BUCKET: Case = Case {
    name: "bucket",
    rule: Rule::Bucket { capacity: 20.0, per_second: 10.0 },
    dialect: || Dialect::Silent,
    declared: "bucket = { capacity = 20, per_second = 10 }",
    least: |calls, _| calls.saturating_sub(20) as f64 / 10.0,
};

const AT_ONCE: Case = Case {
    name: "at once",
    rule: Rule::Concurrent { limit: 2 },
    dialect: || Dialect::Silent,
    declared: "concurrent = 2",
    least: |calls, _| calls as f64 * LATENCY.as_secs_f64() / 2.0,
};

/// All windows but the first are waited for.
fn windows(calls: u64, _: f64) -> f64 {
    (calls.div_ceil(LIMIT) - 1) as f64 * WINDOW.as_secs_f64()
}

/// The first window has begun already; when more than half of it is over, it is too short to use up.
fn aligned(calls: u64, first: f64) -> f64 {
    let into = first % WINDOW.as_secs_f64();
    let lost = if into > WINDOW.as_secs_f64() / 2.0 { LIMIT } else { 0 };
    windows(calls + lost, first) - into
}

async fn start(case: &Case) -> (Sim, Home) {
    let config = Config {
        divisions: DIVISIONS,
        rows: ROWS,
        page_size: PAGE_SIZE,
        quotas: vec![Quota::new("burst", case.rule).told((case.dialect)())],
        latency: LATENCY,
        ..Config::default()
    };
    let sim = Sim::start(config).await.unwrap();
    let partitions = (1..=DIVISIONS).map(|code| format!("{{ code = \"{code}\" }}")).collect::<Vec<_>>().join(", ");
    let url = sim.url().as_str().replace("/1/", "/{partition}/");
    let mut config =
        format!("[connections.erp]\nconnector = \"odata\"\nurl = \"{url}\"\npartitions = [{partitions}]\n");
    if !case.declared.is_empty() {
        config.push_str("[[connections.erp.quotas]]\nname = \"burst\"\nper = \"partition\"\n");
        config.push_str(case.declared);
    }
    (sim, Home::new(&config))
}

fn started(home: &Home) -> Vec<Running> {
    (0..PROCESSES).map(|_| home.start(SCAN)).collect()
}

async fn waited(processes: Vec<Running>) -> Vec<Ran> {
    let waits = processes.into_iter().map(|process| tokio::task::spawn_blocking(|| process.wait()));
    futures::future::join_all(waits).await.into_iter().map(Result::unwrap).collect()
}

/// Each process has read every row of every division.
fn complete(ran: &[Ran]) {
    let rows = ROWS.to_string();
    let expected: Vec<_> = (1..=DIVISIONS).map(|code| vec![code.to_string(), rows.clone(), rows.clone()]).collect();
    for ran in ran {
        assert_eq!(ran.rows(), expected, "{}", ran.err);
    }
}

/// Nobody was refused, and it took no longer than the quotas and the slack allow, from the first call to the last.
fn within_the_quotas(sim: &Sim, case: &Case, slack: f64, lost: u64) {
    let (log, name) = (sim.requests(), case.name);
    let refused: Vec<_> = log.iter().filter(|request| request.refused_by.is_some()).map(|request| request.n).collect();
    assert!(refused.is_empty(), "{name}: of {} calls {refused:?} were refused\n{}", log.len(), shown(&log));
    let is_of = |request: &&LoggedRequest, code: u32| request.path.starts_with(&format!("/api/v1/{code}/"));
    let most = (1..=DIVISIONS).map(|code| log.iter().filter(|request| is_of(request, code)).count() as u64).max();
    let arrivals = log.iter().map(|request| request.arrived_us as f64 / 1e6);
    let first = arrivals.clone().fold(f64::INFINITY, f64::min);
    let took = arrivals.fold(first, f64::max) - first;
    let least = (case.least)(most.unwrap_or(0) + lost, first);
    assert!(took <= least * slack, "{name}: {took:.2} s, where {least:.2} s are enough\n{}", shown(&log));
}

/// When calls arrived, for each division: how many in each tenth of a second.
fn shown(log: &[LoggedRequest]) -> String {
    let first = log.iter().map(|request| request.arrived_us).min().unwrap_or(0);
    let of = |code: u32| {
        let path = format!("/api/v1/{code}/");
        let mut tenths = BTreeMap::new();
        for request in log.iter().filter(|request| request.path.starts_with(&path)) {
            *tenths.entry((request.arrived_us - first) / 100_000).or_insert(0) += 1;
        }
        let each = tenths.iter().map(|(tenth, calls)| format!("{}.{}s:{calls}", tenth / 10, tenth % 10));
        format!("{code}: {}", each.collect::<Vec<_>>().join(" "))
    };
    (1..=DIVISIONS).map(of).collect::<Vec<_>>().join("\n")
}

async fn four_processes_share(case: &Case, slack: f64) {
    let _turn = TURN.lock().await;
    let (sim, home) = start(case).await;
    complete(&waited(started(&home)).await);
    within_the_quotas(&sim, case, slack, 0);
}

async fn one_of_four_is_killed(case: &Case) {
    let _turn = TURN.lock().await;
    let (sim, home) = start(case).await;
    let mut processes = started(&home);
    // In mid-flight: in the second window, when it has read something and not all.
    while sim.request_count() < 60 * DIVISIONS as usize - 20 {
        assert!(!processes[0].has_ended(), "it ends too early:\n{}", shown(&sim.requests()));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let killed = processes.remove(0).kill();
    assert_eq!(killed.code, None, "{}", killed.err);
    complete(&waited(processes).await);
    within_the_quotas(&sim, case, SLACK, LOST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_keep_within_a_declared_quota() {
    four_processes_share(&DECLARED, SLACK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_keep_within_a_reported_quota() {
    four_processes_share(&REPORTED, SLACK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_keep_within_a_quota_that_is_only_told() {
    // Each window is told to end up to a second late.
    four_processes_share(&UNDECLARED, SLACK + 1.0 / WINDOW.as_secs_f64()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_share_a_bucket() {
    four_processes_share(&BUCKET, SLACK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_call_no_more_at_once_than_they_may() {
    // Here it is the machine that takes the time, and not the quota.
    four_processes_share(&AT_ONCE, f64::INFINITY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_a_declared_quota_right() {
    one_of_four_is_killed(&DECLARED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_a_reported_quota_right() {
    one_of_four_is_killed(&REPORTED).await;
}
