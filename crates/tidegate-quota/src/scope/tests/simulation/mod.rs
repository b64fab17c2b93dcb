//! A million calls in fake time, over random mixes of limits, scopes, latencies, other clients and mischief.
//!
//! The server is a model of its own (`server`), with true time; client processes know only what the ledger knows. Checked
//! is that no call is more than what the latest response that had come in, and the own calls since, allowed; that without
//! other clients the server refuses nothing; and, where demand suffices and latency hardly varies, that at least 0.97 of
//! what was allowed is used.

mod headers;
mod mix;
mod random;
mod server;
mod world;

use self::mix::Mix;
use self::world::{Outcome, World};

/// Part of what was allowed that must have been used.
const USED: f64 = 0.97;

/// Whether the tightest limits of each partition were used up.
fn least_use(mix: &Mix, outcome: &Outcome) -> Option<f64> {
    let of = |partition: usize| {
        let used = mix.limiters_of(partition).into_iter().filter_map(|index| outcome.use_of[index]);
        used.reduce(f64::max)
    };
    (0..mix.partitions).filter_map(of).reduce(f64::min)
}

struct Sum {
    calls: u64,
    mixes: u64,
    measured: u64,
    least: f64,
    mean: f64,
    failures: Vec<String>,
}

fn simulate(seeds: std::ops::Range<u64>, calls: u64, is_calm: bool) -> Sum {
    let mut sum = Sum { calls: 0, mixes: 0, measured: 0, least: 2.0, mean: 0.0, failures: Vec::new() };
    for seed in seeds {
        let mix = Mix::random(seed, calls, is_calm);
        let outcome = World::new(&mix).run();
        sum.calls += outcome.calls;
        sum.mixes += 1;
        let mut fail = |what: String| sum.failures.push(format!("seed {seed}: {what}"));
        if outcome.excess > 0 {
            fail(format!("{} of {} calls too many; {:?}", outcome.excess, outcome.calls, outcome.first_excess));
        }
        if mix.foreign == 0 && outcome.refused > 0 {
            fail(format!("{} of {} calls refused", outcome.refused, outcome.calls));
        }
        if outcome.calls < calls / 10 {
            fail(format!(
                "{} of {calls} calls, {} decisions, until {}",
                outcome.calls, outcome.decisions, outcome.until
            ));
        }
        if let Some(used) = least_use(&mix, &outcome).filter(|_| is_calm && mix.has_room()) {
            sum.measured += 1;
            sum.mean += used;
            sum.least = sum.least.min(used);
            if used < USED {
                fail(format!("{used:.4} used, of {:?}", outcome.use_of));
            }
        }
    }
    sum.mean /= sum.measured.max(1) as f64;
    sum
}

fn check(seeds: std::ops::Range<u64>, calls: u64, is_calm: bool) {
    let sum = simulate(seeds.clone(), calls, is_calm);
    println!(
        "{} calls in {} mixes (seeds {seeds:?}): {} measured, least use {:.4}, mean {:.4}",
        sum.calls, sum.mixes, sum.measured, sum.least, sum.mean
    );
    let shown: Vec<_> = sum.failures.iter().take(12).collect();
    assert!(sum.failures.is_empty(), "{} failures: {shown:#?}", sum.failures.len());
}

#[test]
fn half_a_million_calls_with_enough_demand_use_what_is_allowed() {
    check(0..101, 5000, true);
}

#[test]
fn half_a_million_calls_amid_all_mischief_are_never_too_many() {
    check(1000..1101, 5000, false);
}
