//! Measures whole processes against the simulator:
//! `cargo build --release --workspace && target/release/tidegate-benches`.
//!
//! `tidegate-benches ledger` and `tidegate-benches day` measure the quota ledger, `tidegate-benches journal` the journal of
//! mutations. They need this program alone: `cargo build --release -p tidegate-benches`.
//!
//! Figures are the operating system's own accounting of the finished process. Time is given as a ratio to curl
//! fetching the same pages in the same run, over one keep-alive connection: machines are noisy, ratios less so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod day;
mod journal;
mod ledger;
mod measure;
mod mutate;
mod scan;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a benchmark may fail with; the message is all that is used of it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(about = "Whole-process measurements")]
struct Args {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Scans 1,000 and 10,000 pages of 100 rows and prints peak memory, CPU and calls.
    Scan,
    /// Updates 50,000 rows and prints how many it does a second, and the journal's share of the time.
    Mutate {
        /// So many rows.
        #[arg(long, default_value_t = mutate::ROWS)]
        rows: u64,
    },
    /// Acquires and settles calls in the quota ledger, in memory and on disk, in one and four processes.
    Ledger,
    /// Spends the quotas of a simulated day, and prints how much of them was used.
    Day,
    /// Passes rows of a mutation through the journal, in groups of several sizes.
    Journal,
    /// One process of the ledger's measurement.
    #[command(hide = true)]
    LedgerWorker {
        /// Where the ledger is; without it, in memory.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Tasks that use it at once.
        #[arg(long)]
        tasks: u32,
    },
    /// Runs one command and prints what the operating system counted for it, as JSON.
    #[command(hide = true)]
    Measure {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        None => binaries()
            .and_then(|folder| scan::run(&folder).and_then(|()| mutate::run(&folder, mutate::ROWS)))
            .and_then(|()| ledger::run())
            .and_then(|()| day::run())
            .and_then(|()| journal::run()),
        Some(Task::Scan) => binaries().and_then(|folder| scan::run(&folder)),
        Some(Task::Mutate { rows }) => binaries().and_then(|folder| mutate::run(&folder, rows)),
        Some(Task::Ledger) => ledger::run(),
        Some(Task::Day) => day::run(),
        Some(Task::Journal) => journal::run(),
        Some(Task::LedgerWorker { folder, tasks }) => ledger::work(folder, tasks),
        Some(Task::Measure { command }) => measure::one(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds the programs measured: this one's own.
fn binaries() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().ok_or("this program has no folder")?.to_owned();
    for program in ["tidegate", "tidegate-sim"] {
        if !folder.join(program).is_file() {
            return Err(format!("{program} is missing: cargo build --release --workspace").into());
        }
    }
    Ok(folder)
}
