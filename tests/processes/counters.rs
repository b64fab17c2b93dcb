//! Counters in SQL, read by one process while another spends them.

use std::time::Duration;

use tidegate_sim::{Config, Quota, QuotaState, Sim};
use tidegate_tests::program::Home;

use super::TURN;

const DIVISIONS: u32 = 3;
/// Calls that may be under way in a division, or be answered and not yet in the ledger.
const UNDER_WAY: u64 = 12;

const SELECT: &str = "SELECT code, name, daily_remaining, minutely_remaining FROM SystemPartitions@DataDictionary \
                      WHERE is_selected AND daily_remaining > 500";

async fn start() -> (Sim, Home) {
    let config = Config {
        divisions: DIVISIONS,
        rows: 1_500,
        page_size: 10,
        quotas: vec![Quota::day(5_000), Quota::minute(2_000)],
        latency: Duration::from_millis(40),
        ..Config::default()
    };
    let sim = Sim::start(config).await.unwrap();
    let home = Home::new(&format!(
        "[connections.erp]\nconnector = \"odata\"\nurl = \"{}\"\n\
         partitions = [{{ code = \"1\", name = \"Amsterdam\" }}, {{ code = \"2\", name = \"Ghent\" }}, {{ code = \"3\" }}]\n\
         \n\
         [[connections.erp.quotas]]\nname = \"daily\"\nper = \"partition\"\nwindow = \"day\"\n\
         remaining = {{ header = \"X-RateLimit-Remaining\" }}\n\
         limit = {{ header = \"X-RateLimit-Limit\" }}\n\
         reset = {{ header = \"X-RateLimit-Reset\", as = \"epoch_ms\" }}\n\
         \n\
         [[connections.erp.quotas]]\nname = \"minutely\"\nper = \"partition\"\nwindow = \"60s\"\n\
         remaining = {{ header = \"X-RateLimit-Minutely-Remaining\" }}\n\
         limit = {{ header = \"X-RateLimit-Minutely-Limit\" }}\n\
         reset = {{ header = \"X-RateLimit-Minutely-Reset\", as = \"epoch_ms\" }}\n",
        sim.url().as_str().replace("/1/", "/{partition}/"),
    ));
    (sim, home)
}

fn remaining(sim: &Sim) -> Vec<[u64; 2]> {
    let of = |states: Vec<QuotaState>| [states[0].remaining, states[1].remaining];
    (1..=DIVISIONS).map(|code| of(sim.quotas(code))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_move_while_another_process_scans() {
    let _turn = TURN.lock().await;
    let (sim, home) = start().await;
    let unknown = home.run("SELECT code, name, daily_remaining, minutely_limit FROM system.partitions ORDER BY code");
    assert_eq!(unknown.rows(), [["1", "Amsterdam", "", ""], ["2", "Ghent", "", ""], ["3", "", "", ""]]);
    assert_eq!(sim.request_count(), 0, "looking at counters costs nothing");

    let mut scan = home.start("SELECT count(DISTINCT id) FROM erp.accounts");
    let mut seen: Vec<Vec<u64>> = Vec::new();
    while !scan.has_ended() {
        let before = remaining(&sim);
        let rows = home.run(SELECT).rows();
        let after = remaining(&sim);
        for row in &rows {
            let index = row[0].parse::<usize>().unwrap() - 1;
            assert_eq!(row[1], ["Amsterdam", "Ghent", ""][index]);
            for (column, quota) in [(2, 0), (3, 1)] {
                // A minute may end between the looks, and its count begin anew.
                let (most, least) = (before[index][quota] + UNDER_WAY, after[index][quota].saturating_sub(UNDER_WAY));
                let Ok(shown) = row[column].parse::<u64>() else {
                    // In a minute that has just begun nothing is known until the first answer; a day lasts.
                    assert_eq!((row[column].as_str(), quota), ("", 1), "{row:?}");
                    continue;
                };
                let is_new_window = quota == 1 && least + UNDER_WAY > before[index][quota];
                assert!(is_new_window || (least..=most).contains(&shown), "{row:?}: {before:?} to {after:?}");
            }
        }
        if rows.len() == DIVISIONS as usize {
            seen.push(rows.iter().map(|row| row[2].parse().unwrap()).collect());
        }
    }
    let scanned = scan.wait();
    assert_eq!(scanned.code, Some(0), "{}", scanned.err);
    assert!(seen.len() >= 3, "the scan was long enough to be looked at: {seen:?}");
    for pair in seen.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(earlier, later)| earlier >= later), "they never rise: {seen:?}");
    }
    let moved = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(moved >= 2 && moved > seen.len() / 2, "they move: {seen:?}");

    let told = remaining(&sim);
    let rows = home.run("SELECT code, daily_remaining FROM system.partitions ORDER BY code").rows();
    let expected: Vec<_> =
        (1..=DIVISIONS).map(|code| vec![code.to_string(), told[code as usize - 1][0].to_string()]).collect();
    assert_eq!(rows, expected, "when all is quiet they are exact");
    let few = home.run(&SELECT.replace("500", "4999")).rows();
    assert!(few.is_empty(), "{few:?}");
    assert_eq!(sim.refused_count(), 0);
}
