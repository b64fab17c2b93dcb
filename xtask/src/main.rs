//! Repository checks that cargo has no command for: `cargo xtask tidy`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

mod crates;
mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Repository checks")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks which crate imports which, that there is one Arrow, one DataFusion and one SQL parser, and the form of source files.
    Tidy,
}

fn main() -> ExitCode {
    let Task::Tidy = Args::parse().task;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let complaints = crates::check(&root).and_then(|mut complaints| {
        complaints.extend(sources::check(&root)?);
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
