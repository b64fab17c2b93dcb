//! `LIMIT 100` is a hundred changes, whatever goes wrong on the way.
//!
//! `MUTATIONS_ONLY=text` runs the cases with this in their names (`odata, 8 at a time, 503`).

use futures::{StreamExt, stream};
use serde_json::json;
use tidegate_sim::{EffectKind, Fault, Match, RetryAfter, What};

use crate::subject::{self, Api, Subject, UPDATES};

const LIMIT: u64 = 100;
/// Cases that run at once.
const AT_ONCE: usize = 4;
const UPDATE: &str = "UPDATE {t} SET stock = 2007 WHERE stock >= 20 ORDER BY id LIMIT 100";

/// A name, and what happens to every seventh write, or to the first ones where many rows share one.
const FAULTS: &[(&str, &[What])] = &[
    ("nothing", &[]),
    ("503", &[What::Status { code: 503, retry_after: RetryAfter::None }]),
    ("429", &[What::Status { code: 429, retry_after: RetryAfter::Seconds(1) }]),
    ("cut before the effect", &[What::CutBefore]),
    ("cut after the effect", &[What::CutAfter]),
    ("502 after the effect", &[What::FailAfter(502)]),
    ("cut in the answer", &[What::CutBody { after: 5, declared: true }]),
    (
        "all of them",
        &[
            What::Status { code: 503, retry_after: RetryAfter::None },
            What::CutBefore,
            What::CutAfter,
            What::FailAfter(500),
            What::Status { code: 429, retry_after: RetryAfter::Seconds(1) },
        ],
    ),
];

/// Strikes of writes, counted by themselves: reads between them do not move them. Where many rows share a request the first
/// ones are struck, since there may be no others.
fn faults(api: &Api, whats: &[What]) -> Vec<Fault> {
    let (strikes, step) = if api.batch > 1 { (3, 1) } else { (25, 7) };
    let strikes = whats.iter().cycle().take(strikes).enumerate();
    strikes.map(|(at, what)| Fault::new(Match::Writes, what.clone()).skip(at as u64 * step).times(1)).collect()
}

async fn check(api: Api, concurrency: usize, (fault, whats): &(&str, &[What])) -> Result<(), String> {
    let subject = Subject::start(api, 400).await;
    let what = format!("{}, {concurrency} at a time, {fault}", api.name);
    subject.run(&format!("SET tidegate.write_concurrency = {concurrency}")).await?;
    let wanted = subject.keys(|row| api.number(row, "stock") >= 20);
    let mut wanted: Vec<i64> = wanted.iter().map(|key| key.parse().unwrap()).collect();
    wanted.sort_unstable();
    wanted.truncate(LIMIT as usize);
    subject.faults(faults(&api, whats));
    let done = subject.change(UPDATE).await;
    subject.faults(Vec::new());
    let is_struck = subject.sim.requests().iter().any(|request| !matches!(request.status, Some(200..=299)));
    if !is_struck && whats.iter().any(|what| !matches!(what, What::CutBody { .. })) {
        return Err(format!("{what}: no request was struck"));
    }

    let effects = subject.effects();
    let twice: Vec<_> = effects.iter().filter(|(_, of_key)| of_key.len() != 1).collect();
    if !twice.is_empty() {
        return Err(format!("{what}: {} rows were changed more than once: {:?}", twice.len(), twice[0]));
    }
    let mut changed: Vec<i64> = effects.keys().map(|key| key.parse().unwrap()).collect();
    changed.sort_unstable();
    if changed != wanted {
        let other: Vec<_> = changed.iter().filter(|key| !wanted.contains(key)).collect();
        return Err(format!("{what}: {} were changed, of others {other:?}; {done:?}", changed.len()));
    }
    let values = effects.values().flatten().find(|effect| effect.values[api.column("stock")] != json!(2007));
    if let Some(effect) = values {
        return Err(format!("{what}: {effect:?}"));
    }
    if done.error.is_some() || done.count("selected") != LIMIT || done.count("applied") != LIMIT {
        return Err(format!("{what}: {done:?}"));
    }
    subject::once(&effects, EffectKind::Update, &what);
    subject.sim.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_kept_whatever_goes_wrong() {
    let only = std::env::var("MUTATIONS_ONLY").unwrap_or_default();
    let mut checks = Vec::new();
    for api in UPDATES {
        for fault in FAULTS {
            let concurrencies: &[usize] = if ["nothing", "all of them"].contains(&fault.0) { &[8, 1] } else { &[8] };
            for concurrency in concurrencies {
                let name = format!("{}, {concurrency} at a time, {}", api.name, fault.0);
                if name.contains(&only) {
                    checks.push(check(api, *concurrency, fault));
                }
            }
        }
    }
    assert!(!checks.is_empty(), "MUTATIONS_ONLY={only} selects none");
    let results: Vec<_> = stream::iter(checks).buffer_unordered(AT_ONCE).collect().await;
    let wrong: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
