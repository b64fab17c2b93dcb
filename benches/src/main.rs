//! Measures whole processes against the simulator: `cargo xtask bench` builds what is measured and runs this.
//!
//! Figures are the operating system's own accounting of finished processes. Time is told as a ratio to curl, which fetches
//! the same pages in the same run over one keep-alive connection: machines are noisy, ratios less so.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod contest;
mod curl;
mod figures;
mod machine;
mod measure;
mod peers;
mod programs;
mod quota;
mod report;
mod results;
mod rows;
mod scenario;
mod sim;
mod whole;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use quota::{day, ledger};

/// What a benchmark may fail with; the message is all that is used of it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(about = "Whole-process measurements", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(flatten)]
    whole: whole::Wanted,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Acquires and settles calls in the quota ledger, in memory and on disk, in one and four processes.
    Ledger,
    /// Spends the quotas of a simulated day, and prints how much of them was used.
    Day,
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
    let args = Args::parse();
    let done = match args.task {
        None => whole::run(&args.whole),
        Some(Task::Ledger) => ledger::run(),
        Some(Task::Day) => day::run(),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
