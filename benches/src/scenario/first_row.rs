//! The time to the first row, as a program sees it that embeds the engine, in round trips.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::{Bench, COLUMNS, CONNECT, LATENCY, PAGE_SIZE};
use crate::Result;
use crate::contest::Taken;
use crate::figures::Samples;
use crate::report::{Outcome, Verdict};
use crate::sim::Sim;

const PAGES: u64 = 20;
/// Executions, and pages that curl fetches, after one that warms the connection.
const TIMES: usize = 20;
/// Round trips.
const MOST: f64 = 1.2;

/// What `tidegate-first-row` says of its executions after the first.
#[derive(Deserialize)]
struct Told {
    /// Seconds from execute to the first row.
    first_row: Vec<f64>,
    /// Rows of each execution.
    rows: Vec<u64>,
}

pub(super) fn run(bench: &Bench, folder: &Path) -> Result<Outcome> {
    let rows = PAGES * PAGE_SIZE;
    let flags = format!(
        "--shape plain --totals --prepared --rows {rows} --page-size {PAGE_SIZE} --latency-ms {}",
        LATENCY.as_millis()
    );
    let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
    let sim = Sim::start(&bench.programs.sim, &flags)?;

    let connect = format!("{CONNECT}'{}')", sim.url);
    let select = format!("SELECT {} FROM api.things", COLUMNS.join(", "));
    let times = TIMES.to_string();
    let output =
        Command::new(&bench.programs.first_row).args([&connect, &select, &times]).current_dir(folder).output()?;
    if !output.status.success() {
        return Err(format!("tidegate-first-row failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let told: Told = serde_json::from_slice(&output.stdout)?;
    if told.first_row.len() != TIMES || told.rows.iter().any(|found| *found != rows) {
        return Err(format!("tidegate-first-row saw {:?} rows, not {rows} each time", told.rows).into());
    }
    let calls = (sim.counts()?.calls - PAGES) as f64 / TIMES as f64;

    let mut ours = Taken { name: "tidegate".to_owned(), ..Taken::default() };
    told.first_row.into_iter().for_each(|seconds| ours.wall.push(seconds));
    ours.calls.push(calls);
    let curl = Taken { name: "curl".to_owned(), wall: round_trips(&sim)?, ..Taken::default() };
    let trips = ours.wall.median() / curl.wall.median();
    let verdicts = vec![Verdict::new(format!("wall ≤ {MOST} round trips"), trips, MOST)];
    Ok(Outcome { taken: vec![ours, curl], verdicts, ..Outcome::default() })
}

/// Seconds that curl takes for a page when its connection is warm.
fn round_trips(sim: &Sim) -> Result<Samples> {
    let page = format!("{}things?page=1&per_page={PAGE_SIZE}", sim.url);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--write-out", "%{time_total}\n"]);
    for _ in 0..=TIMES {
        curl.args([&page, "--output", "/dev/null"]);
    }
    let output = curl.output()?;
    let mut seconds = Samples::default();
    for line in String::from_utf8(output.stdout)?.lines().skip(1) {
        seconds.push(line.parse()?);
    }
    Ok(seconds)
}
