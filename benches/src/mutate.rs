//! An update of many rows: how many a second, and how much of the time is the journal's.
//!
//! The simulator has no quotas and no latency, so that all of the time is the program's, the simulator's and the disk's.
//! The same is run with the journal in memory; what the one on disk takes longer is its share.

use std::path::Path;

use crate::Result;
use crate::measure::{Usage, median};
use crate::scan::Sim;

/// Rows, unless asked for others.
pub(crate) const ROWS: u64 = 50_000;
const RUNS: usize = 3;

/// How the rows are sent.
struct Way {
    name: &'static str,
    options: &'static str,
}

const WAYS: &[Way] = &[
    Way { name: "one by one", options: "" },
    Way { name: "100 a request", options: ", batch 'json', batch_size '100'" },
];

/// Prints the updates' figures.
pub(crate) fn run(folder: &Path, rows: u64) -> Result<()> {
    println!("update of {rows} rows, 8 requests at a time; median of {RUNS} runs");
    println!(
        "{:>14} {:>10} {:>8} {:>8} {:>10} {:>15}",
        "rows are sent", "journal", "s", "CPU s", "rows/s", "journal's share"
    );
    for way in WAYS {
        let memory = middle(folder, way, rows, false)?;
        let disk = middle(folder, way, rows, true)?;
        let share = (disk.wall - memory.wall) / disk.wall;
        for (journal, usage, share) in
            [("in memory", &memory, String::new()), ("on disk", &disk, format!("{share:.2}"))]
        {
            let rate = rows as f64 / usage.wall;
            println!("{:>14} {journal:>10} {:>8.1} {:>8.1} {rate:>10.0} {share:>15}", way.name, usage.wall, usage.cpu);
        }
    }
    Ok(())
}

/// The run that took neither longest nor shortest.
fn middle(folder: &Path, way: &Way, rows: u64, is_on_disk: bool) -> Result<Usage> {
    let mut usages = (0..RUNS).map(|_| update(folder, way, rows, is_on_disk)).collect::<Result<Vec<_>>>()?;
    usages.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    usages.get(RUNS / 2).copied().ok_or_else(|| "no run".into())
}

/// One update, on a simulator and a state folder of its own.
fn update(folder: &Path, way: &Way, rows: u64, is_on_disk: bool) -> Result<Usage> {
    let sim = Sim::start(folder, &["--rows", "1000", "--size", &format!("Products={rows}"), "--page-size", "1000"])?;
    let state = tempfile::tempdir()?;
    let kept = if is_on_disk { state.path().display().to_string() } else { ":memory:".to_owned() };
    let sql = format!(
        "CREATE CONNECTION erp USING odata OPTIONS (url '{}', writes 'true'{});
         UPDATE erp.products SET stock = 7",
        sim.url, way.options
    );
    let program = folder.join("tidegate").display().to_string();
    median(1, &[program, "--state".to_owned(), kept, "--format".to_owned(), "csv".to_owned(), "-c".to_owned(), sql])
}
