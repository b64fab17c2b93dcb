//! Three programs on one state folder: one updates, one watches the counters move, one tries to take the mutation over.

use std::time::Duration;

use tidegate_sim::{Config, Quota, Sim};
use tidegate_tests::program::Home;

use crate::subject::{ODATA, partitioned};

const DIVISIONS: u32 = 3;
const ROWS: u64 = 400;

const QUOTAS: &str = "
partitions = [{ code = \"1\" }, { code = \"2\" }, { code = \"3\" }]

[[connections.t.quotas]]
name = \"daily\"
per = \"partition\"
window = \"day\"
remaining = { header = \"X-RateLimit-Remaining\" }
limit = { header = \"X-RateLimit-Limit\" }
reset = { header = \"X-RateLimit-Reset\", as = \"epoch_ms\" }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_updates_one_watches_and_one_is_refused() {
    let config = Config {
        divisions: DIVISIONS,
        quotas: vec![Quota::day(5_000)],
        latency: Duration::from_millis(30),
        ..ODATA.config(ROWS)
    };
    let sim = Sim::start(config).await.unwrap();
    let home = Home::new(&ODATA.toml(&partitioned(sim.url().as_str()), QUOTAS));
    let mut update = home.start_with("json", "USE all@t; UPDATE t.products SET stock = 7");
    while sim.effect_count() == 0 {
        assert!(!update.has_ended(), "{:?}", update.wait());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let running =
        home.start_with("json", "SELECT mutation_id, state, rows_selected FROM system.mutations").wait().json();
    assert_eq!(running.len(), 1);
    assert_eq!(running[0]["state"], "running");
    let id = running[0]["mutation_id"].as_str().unwrap().to_owned();

    let mut seen: Vec<Vec<u64>> = Vec::new();
    let mut refusals = 0;
    while !update.has_ended() {
        let counters = "SELECT code, daily_remaining FROM SystemPartitions@DataDictionary ORDER BY code";
        let rows = home.start_with("json", counters).wait().json();
        seen.push(rows.iter().map(|row| row["daily_remaining"].as_u64().unwrap_or(5_000)).collect());
        let refused = home.start_with("json", &format!("RESUME MUTATION '{id}'")).wait();
        if refused.code == Some(0) {
            // The mutation was at its end by then, though its process was not: nothing was left to take over.
            let told = &refused.json()[0];
            assert_eq!((told["state"].as_str(), told["calls"].as_u64()), (Some("done"), Some(0)), "{}", refused.out);
            assert_eq!(sim.effect_count() as u64, ROWS * u64::from(DIVISIONS));
        } else {
            assert_eq!(refused.code, Some(1), "{}\n{}", refused.out, refused.err);
            assert!(refused.err.contains("is being run by process"), "{}", refused.err);
            refusals += 1;
        }
    }
    let ran = update.wait();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.json()[0]["applied"], ROWS * u64::from(DIVISIONS));
    assert!(refusals >= 2 && seen.len() >= 3, "it was long enough to be looked at: {refusals}, {seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0].iter().zip(&pair[1]).all(|(a, b)| a >= b)), "they never rise: {seen:?}");
    assert!(seen.windows(2).any(|pair| pair[0] != pair[1]), "they move: {seen:?}");

    let effects = sim.effects();
    assert_eq!(effects.len() as u64, ROWS * u64::from(DIVISIONS));
    for division in 1..=DIVISIONS {
        let mut keys: Vec<_> = effects.iter().filter(|effect| effect.division == division).map(|e| &e.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len() as u64, ROWS, "each row of {division} once");
    }
    assert_eq!(sim.refused_count(), 0);
}
