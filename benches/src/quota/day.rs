//! A simulated day: how much of its quotas a ledger uses, against a server that counts for itself.
//!
//! Partitions have 5,000 calls a day and 60 a minute; tasks of each read as fast as they may. The clock is moved by
//! those who wait, so that the day takes seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_quota::{
    Answer, Call, Clock, Ledger, Limit, MemoryStore, Observation, Patience, Priority, Quota, ScopeKey, ScopeUse,
    Settlement, TestClock, Throttling, Unit, Window,
};

use crate::Result;

const PARTITIONS: usize = 5;
const TASKS: usize = 4;
const DAILY: u64 = 5_000;
const MINUTELY: u64 = 60;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Time of a call from sending to the answer, and by how much it varies.
const LATENCY: (u64, u64) = (80, 40);

/// How the server counts its minutes, and what it tells.
struct Row {
    name: &'static str,
    /// What the ledger is told of it.
    declared: Window,
    /// Whether the server's windows begin at whole minutes, and not with the first call.
    is_aligned: bool,
    /// Whether its answers tell what is left.
    tells: bool,
}

const ROWS: &[Row] = &[
    Row { name: "from the first call", declared: Window::FirstCall(MINUTE), is_aligned: false, tells: false },
    Row { name: "the same, told", declared: Window::FirstCall(MINUTE), is_aligned: false, tells: true },
    Row { name: "whole minutes", declared: Window::Aligned(MINUTE), is_aligned: true, tells: false },
    Row { name: "unknown, told", declared: Window::Sliding(MINUTE), is_aligned: true, tells: true },
    Row { name: "unknown, not told", declared: Window::Sliding(MINUTE), is_aligned: false, tells: false },
];

/// One partition's counters at the server.
#[derive(Debug, Default)]
struct Counters {
    sent: u64,
    refused: u64,
    used: u64,
    /// Since the day began.
    window_ends: Duration,
    last: Duration,
}

/// What the server answers.
struct Reply {
    is_refused: bool,
    remaining: u64,
    resets_in: Duration,
}

impl Counters {
    fn take(&mut self, now: Duration, is_aligned: bool) -> Reply {
        if now >= self.window_ends {
            let minutes = u32::try_from(now.as_secs() / 60 + 1).unwrap_or(u32::MAX);
            self.window_ends = if is_aligned { MINUTE * minutes } else { now + MINUTE };
            self.used = 0;
        }
        let is_refused = self.used >= MINUTELY || self.sent >= DAILY;
        match is_refused {
            true => self.refused += 1,
            false => {
                self.used += 1;
                self.sent += 1;
                self.last = now;
            }
        }
        Reply { is_refused, remaining: MINUTELY - self.used, resets_in: self.window_ends.saturating_sub(now) }
    }
}

/// One row's world.
struct World {
    clock: Arc<TestClock>,
    midnight: SystemTime,
    ledger: Ledger,
    row: &'static Row,
    counters: [Mutex<Counters>; PARTITIONS],
}

/// Prints how much of the quotas was used.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!(
        "a day of {PARTITIONS} partitions with {DAILY} calls a day and {MINUTELY} a minute each, {TASKS} tasks each"
    );
    println!(
        "{:>20} {:>8} {:>8} {:>6} {:>5} {:>10} {:>6}",
        "the server's minutes", "allowed", "sent", "use", "429s", "minutes", "best"
    );
    for row in ROWS {
        let world = Arc::new(World::new(row));
        runtime.block_on(day(&world))?;
        let counters = world.counters.iter().map(|counters| counters.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut sent, mut refused, mut last) = (0, 0, Duration::ZERO);
        for counters in counters {
            sent += counters.sent;
            refused += counters.refused;
            last = last.max(counters.last);
        }
        let allowed = DAILY * PARTITIONS as u64;
        // The first of so many windows begins at once.
        let best = (DAILY.div_ceil(MINUTELY) - 1) as f64;
        println!(
            "{:>20} {allowed:>8} {sent:>8} {:>6.3} {refused:>5} {:>10.1} {best:>6.1}",
            row.name,
            sent as f64 / allowed as f64,
            last.as_secs_f64() / 60.0
        );
    }
    Ok(())
}

async fn day(world: &Arc<World>) -> Result<()> {
    let mut tasks = Vec::new();
    for partition in 0..PARTITIONS {
        for task in 0..TASKS {
            let world = Arc::clone(world);
            let seed = (partition * TASKS + task) as u64;
            tasks.push(tokio::spawn(
                async move { world.read(partition, seed).await.map_err(|error| error.to_string()) },
            ));
        }
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

impl World {
    fn new(row: &'static Row) -> Self {
        let midnight = UNIX_EPOCH + DAY * 20_000;
        let clock = Arc::new(TestClock::new(midnight));
        let ledger = Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock) as _);
        Self { clock, midnight, ledger, row, counters: Default::default() }
    }

    /// Sends calls until the day's are spent.
    async fn read(&self, partition: usize, seed: u64) -> Result<()> {
        let call = Arc::new(self.call(partition));
        let mut random = seed + 1;
        loop {
            let patience = Patience { at_most: 2 * MINUTE, on_wait: &|_| {} };
            let grant = match self.ledger.acquire(&call, patience).await? {
                Answer::Granted(grant) => grant,
                Answer::Refused(_) => return Ok(()),
            };
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let latency = Duration::from_millis(LATENCY.0 + (random >> 33) % LATENCY.1);
            self.clock.sleep(latency / 2).await;
            let now = self.clock.now().duration_since(self.midnight)?;
            let reply = {
                let mut counters = self.counters[partition].lock().unwrap_or_else(PoisonError::into_inner);
                counters.take(now, self.row.is_aligned)
            };
            self.clock.sleep(latency - latency / 2).await;
            self.ledger.settle(grant, self.settlement(&reply)).await?;
        }
    }

    fn settlement(&self, reply: &Reply) -> Settlement {
        let told = Observation {
            scope: 0,
            quota: "minutely".into(),
            limit: Some(MINUTELY),
            remaining: Some(reply.remaining),
            used: None,
            resets_in: Some(reply.resets_in),
            window: None,
            per_second: None,
        };
        let throttled = Throttling { scope: 0, quota: None, wait: Some(reply.resets_in) };
        Settlement {
            observations: self.row.tells.then_some(told).into_iter().collect(),
            throttled: reply.is_refused.then_some(throttled),
            ..Settlement::answered()
        }
    }

    fn call(&self, partition: usize) -> Call {
        let quota = |name: &str, limit, window| {
            let limit = Limit::Window { limit: Some(limit), window };
            Arc::new(Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: false })
        };
        let scope = ScopeUse {
            key: ScopeKey(format!("simulated|partition:{partition}").into()),
            quotas: vec![quota("daily", DAILY, Window::Aligned(DAY)), quota("minutely", MINUTELY, self.row.declared)],
            is_paced: true,
        };
        Call {
            scopes: vec![scope],
            points: 1,
            is_token_request: false,
            reserve: Arc::new([]),
            priority: Priority::Normal,
            spend: None,
        }
    }
}
