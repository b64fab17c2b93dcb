//! Measures whole processes against the simulator:
//! `cargo build --release --workspace && target/release/tidegate-benches`.
//!
//! Figures are the operating system's own accounting of the finished process. Time is given as a ratio to curl
//! fetching the same pages in the same run, over one keep-alive connection: machines are noisy, ratios less so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod measure;
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
        None | Some(Task::Scan) => binaries().and_then(|folder| scan::run(&folder)),
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
