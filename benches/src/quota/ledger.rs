//! The quota ledger: what a call costs in it, how long it holds one up, and how much of a quota is used in a day.
//!
//! A call is acquired and settled in two scopes, with a daily and a minutely quota that are never spent. Each worker is
//! a process; CPU is the operating system's accounting of all of them, as a ratio to the ledger in memory, too.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tidegate_quota::{
    Answer, Call, Clock, FolderStore, Ledger, Limit, MemoryStore, Patience, Priority, Quota, ScopeKey, ScopeUse,
    Settlement, SpendKey, Store, SystemClock, Unit, Window,
};

use crate::Result;
use crate::measure::seconds;

const CALLS: u32 = 20_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What one worker saw.
#[derive(Debug, Serialize, Deserialize)]
struct Worked {
    /// CPU of the process, in seconds.
    cpu: f64,
    /// Time by the clock for all calls, in seconds.
    wall: f64,
    /// Time of each acquire and settle together, in microseconds, in ascending order.
    micros: Vec<u32>,
}

/// Where the ledger of a row is kept, and by how many processes and tasks it is used.
struct Row {
    name: &'static str,
    is_on_disk: bool,
    processes: usize,
    tasks: u32,
}

const ROWS: &[Row] = &[
    Row { name: "memory", is_on_disk: false, processes: 1, tasks: 1 },
    Row { name: "memory", is_on_disk: false, processes: 1, tasks: 16 },
    Row { name: "disk", is_on_disk: true, processes: 1, tasks: 1 },
    Row { name: "disk", is_on_disk: true, processes: 1, tasks: 16 },
    Row { name: "disk", is_on_disk: true, processes: 4, tasks: 1 },
    Row { name: "disk", is_on_disk: true, processes: 4, tasks: 16 },
];

/// Prints what calls cost.
pub(crate) fn run() -> Result<()> {
    println!("ledger: acquire and settle of {CALLS} calls a process, in 2 scopes with 2 quotas");
    println!(
        "{:>8} {:>10} {:>6} {:>10} {:>12} {:>11} {:>8} {:>8} {:>8} {:>8}",
        "kept in", "processes", "tasks", "calls/s", "CPU us/call", "CPU/memory", "p50 us", "p99 us", "p99.9", "max"
    );
    let mut memory = None;
    for row in ROWS {
        let folder = tempfile::tempdir()?;
        let folder = row.is_on_disk.then(|| folder.path().to_owned());
        let workers = (0..row.processes).map(|_| start(folder.as_deref(), row.tasks)).collect::<Result<Vec<_>>>()?;
        let worked = workers.into_iter().map(finish).collect::<Result<Vec<_>>>()?;
        let calls = f64::from(CALLS) * row.processes as f64;
        let wall = worked.iter().map(|worked| worked.wall).fold(0.0, f64::max);
        let cpu = worked.iter().map(|worked| worked.cpu).sum::<f64>() * 1e6 / calls;
        let memory = *memory.get_or_insert(cpu);
        let mut micros: Vec<u32> = worked.into_iter().flat_map(|worked| worked.micros).collect();
        micros.sort_unstable();
        let at =
            |share: f64| micros.get((micros.len() as f64 * share) as usize).or(micros.last()).copied().unwrap_or(0);
        println!(
            "{:>8} {:>10} {:>6} {:>10.0} {:>12.1} {:>11.2} {:>8} {:>8} {:>8} {:>8}",
            row.name,
            row.processes,
            row.tasks,
            calls / wall,
            cpu,
            cpu / memory,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
    Ok(())
}

fn start(folder: Option<&Path>, tasks: u32) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("ledger-worker").args(["--tasks", &tasks.to_string()]).stdout(Stdio::piped());
    if let Some(folder) = folder {
        command.arg("--folder").arg(folder);
    }
    Ok(command.spawn()?)
}

fn finish(worker: Child) -> Result<Worked> {
    let output = worker.wait_with_output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err("a worker failed".into()),
    }
}

/// One process of the measurement: prints what it saw as JSON.
pub(crate) fn work(folder: Option<PathBuf>, tasks: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let worked = runtime.block_on(measure(folder, tasks.max(1)))?;
    serde_json::to_writer(std::io::stdout(), &worked)?;
    Ok(())
}

async fn measure(folder: Option<PathBuf>, tasks: u32) -> Result<Worked> {
    let store: Arc<dyn Store> = match folder {
        Some(folder) => Arc::new(FolderStore::in_folder(&folder)),
        None => Arc::<MemoryStore>::default(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let ledger = Arc::new(Ledger::new(store, clock));
    let call = Arc::new(call());
    // Opening the folder is not what is measured.
    one(&ledger, &call).await?;
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (ledger, call) = (Arc::clone(&ledger), Arc::clone(&call));
            tokio::spawn(async move {
                let mut micros = Vec::new();
                for _ in 0..CALLS / tasks {
                    let start = Instant::now();
                    one(&ledger, &call).await.map_err(|error| error.to_string())?;
                    micros.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
                }
                Ok::<_, String>(micros)
            })
        })
        .collect();
    let mut micros = Vec::new();
    for task in running {
        micros.extend(task.await??);
    }
    ledger.flush().await?;
    let wall = start.elapsed().as_secs_f64();
    micros.sort_unstable();
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(Worked { cpu: seconds(usage.user_time()) + seconds(usage.system_time()), wall, micros })
}

async fn one(ledger: &Ledger, call: &Arc<Call>) -> Result<()> {
    match ledger.acquire(call, Patience { at_most: DAY, on_wait: &|_| {} }).await? {
        Answer::Granted(grant) => {
            ledger.settle(grant, Settlement::answered()).await?;
            Ok(())
        }
        Answer::Refused(refusal) => Err(format!("refused: {refusal:?}").into()),
    }
}

fn call() -> Call {
    let quota = |name: &str, window| {
        let limit = Limit::Window { limit: Some(1 << 40), window };
        Arc::new(Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: false })
    };
    let scope = |key: &str, quotas| ScopeUse { key: ScopeKey(key.into()), quotas, is_paced: false };
    let spend = SpendKey {
        principal: "local".into(),
        connection: "erp".into(),
        partition: None,
        table: Some("accounts".into()),
        label: None,
    };
    let minutely = Window::FirstCall(Duration::from_secs(60));
    Call {
        scopes: vec![
            scope("erp|https://erp.example|f00d", vec![quota("daily", Window::Aligned(DAY))]),
            scope("erp|https://erp.example|f00d|connection:erp", vec![quota("minutely", minutely)]),
        ],
        points: 1,
        is_token_request: false,
        reserve: Arc::new([]),
        priority: Priority::Normal,
        spend: Some(spend),
    }
}
