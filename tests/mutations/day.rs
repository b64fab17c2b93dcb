//! The end of the day: one statement over ten administrations spends what is left of their quotas, window by window, leaves
//! a reserve, and stops; the next day it goes on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate_sim::{Config, Dialect, Quota, ResetForm, Rule, Sim};
use tidegate_tests::program::{Home, Ran};

use crate::subject::{ODATA, partitioned};

const DIVISIONS: u32 = 10;
const ROWS: u64 = 60;
const RESERVE: u64 = 10;
/// The day and the minute, shortened.
const DAY: (u64, Duration) = (50, Duration::from_secs(20));
const MINUTE: (u64, Duration) = (15, Duration::from_secs(2));

fn quota(name: &str, prefix: &str, (limit, window): (u64, Duration)) -> Quota {
    Quota::new(name, Rule::Aligned { limit, window }).told(Dialect::classic(prefix, ResetForm::EpochMs))
}

fn declared(name: &str, prefix: &str, (limit, window): (u64, Duration)) -> String {
    format!(
        "\n[[connections.t.quotas]]\nname = \"{name}\"\nper = \"partition\"\nwindow = \"{}s\"\nstarts = \"aligned\"\n\
         limit = {limit}\nremaining = {{ header = \"{prefix}-Remaining\" }}\n\
         reset = {{ header = \"{prefix}-Reset\", as = \"epoch_ms\" }}\n",
        window.as_secs()
    )
}

async fn run(home: &Home, sql: &str) -> Ran {
    let running = home.start_with("json", sql);
    tokio::task::spawn_blocking(|| running.wait()).await.unwrap()
}

/// Waits until a day begins.
async fn dawn() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let into = Duration::from_micros((now.as_micros() % DAY.1.as_micros()) as u64);
    tokio::time::sleep(DAY.1 - into + Duration::from_millis(50)).await;
}

const BOUNDS: &str = "USE all@t; SET tidegate.quota_reserve = 'daily=10'; SET tidegate.on_quota_exhausted = 'stop'; \
                      SET tidegate.max_wait = '4s'; ";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_the_day_is_spent_and_the_next_day_goes_on() {
    let quotas = vec![quota("daily", "X-RateLimit", DAY), quota("minutely", "X-RateLimit-Minutely", MINUTE)];
    let sim = Sim::start(Config { divisions: DIVISIONS, quotas, ..ODATA.config(ROWS) }).await.unwrap();
    let codes = (1..=DIVISIONS).map(|code| format!("{{ code = \"{code}\" }}")).collect::<Vec<_>>().join(", ");
    let toml = format!("partitions = [{codes}]\n")
        + &declared("daily", "X-RateLimit", DAY)
        + &declared("minutely", "X-RateLimit-Minutely", MINUTE);
    let home = Home::new(&ODATA.toml(&partitioned(sim.url().as_str()), &toml));
    dawn().await;
    let first = run(&home, &format!("{BOUNDS}UPDATE t.products SET stock = 7")).await;
    assert_eq!(first.code, Some(3), "{}\n{}", first.out, first.err);
    let summary = first.json()[0].clone();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(count("selected"), ROWS * u64::from(DIVISIONS), "{summary}");
    assert_eq!(count("applied") + count("left"), count("selected"), "{summary}");
    assert_eq!(count("applied"), sim.effect_count() as u64);
    for division in 1..=DIVISIONS {
        let day = &sim.quotas(division)[0];
        // All but the reserve is spent, and what a plan or two may have cost besides.
        assert!(day.remaining >= RESERVE, "{division}: {day:?}");
        assert!(day.remaining <= RESERVE + 2, "{division}: {day:?}");
    }
    assert_eq!(sim.refused_count(), 0, "nobody was throttled");

    dawn().await;
    let id = summary["mutation_id"].as_str().unwrap();
    let second = run(&home, &format!("{BOUNDS}RESUME MUTATION '{id}'")).await;
    assert_eq!(second.code, Some(0), "{}\n{}", second.out, second.err);
    assert_eq!(second.json()[0]["applied"], ROWS * u64::from(DIVISIONS));
    let mut keys: Vec<_> = sim.effects().into_iter().map(|effect| (effect.division, effect.key)).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), sim.effect_count()), (600, 600), "each row once");
    assert_eq!(sim.refused_count(), 0, "nobody was throttled");
}
