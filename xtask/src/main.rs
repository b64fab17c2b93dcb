//! What cargo has no command for: checks of the repository (`cargo xtask tidy`) and measurements (`cargo xtask bench`).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod bench;
mod crates;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Repository checks and measurements")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks which crate imports which, that there is one Arrow, one DataFusion and one SQL parser, and the form of source files.
    Tidy,
    /// Measures whole processes against curl: CPU, time, memory and calls.
    // So that `--help` is answered by the measurements themselves.
    #[command(disable_help_flag = true)]
    Bench {
        /// Measure what was built before.
        #[arg(long)]
        no_build: bool,
        /// What to measure, and how often: `cargo xtask bench --help` has it all.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Args::parse().task {
        Task::Tidy => tidy(&root),
        Task::Bench { no_build, arguments } => match bench::run(&root, !no_build, &arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("bench: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn tidy(root: &Path) -> ExitCode {
    let complaints = crates::check(root).and_then(|mut complaints| {
        complaints.extend(sources::check(root)?);
        Ok(complaints)
    });
    match complaints {
        Ok(complaints) if complaints.is_empty() => {
            println!("tidy: nothing to complain of");
            ExitCode::SUCCESS
        }
        Ok(complaints) => {
            for complaint in &complaints {
                eprintln!("tidy: {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a check may fail with; the message is all that is used of it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
