//! The `tidegate` program: SQL over APIs at the shell and in scripts.
//!
//! A front end of the `tidegate` facade. It knows no engine internals; results go to stdout, all else to stderr.

mod args;
mod closing;
mod connector;
mod demo;
mod doctor;
mod exit;
mod input;
mod interrupt;
mod login;
mod messages;
mod open;
mod output;
mod progress;
mod quotas;
mod run;
mod shell;
mod trust;
mod words;

use std::process::ExitCode;

use args::{Args, Job};
use exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads beside the main one: planning and decoding use them; a scan waits for the network most of its time.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let args = Args::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let exit = match runtime {
        Ok(runtime) => dispatch(&runtime, args),
        Err(error) => {
            messages::failure(&format!("cannot start threads: {error}"));
            Exit::Failed
        }
    };
    exit.into()
}

fn dispatch(runtime: &tokio::runtime::Runtime, Args { options, job }: Args) -> Exit {
    match job {
        Job::Script(input) => runtime.block_on(run::script(&options, &input)),
        Job::Shell => shell::run(runtime, &options),
        Job::Demo => runtime.block_on(demo::run(&options)),
        Job::Doctor(connection) => runtime.block_on(doctor::run(&options, &connection)),
        Job::Trust(file) => trust::run(&options, file.as_deref()),
        Job::Connector(command) => runtime.block_on(connector::run(&options, &command)),
        Job::Login { name, no_open } => runtime.block_on(login::run(&options, &name, no_open)),
    }
}
