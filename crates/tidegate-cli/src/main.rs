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

use args::{Args, Job, Options};
use exit::Exit;
use input::Input;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads beside the main one. A page goes from the socket to the printed row without changing threads, which would
/// take longer than decoding it; what blocks (disk, names) has threads of its own.
const WORKERS: usize = 1;

fn main() -> ExitCode {
    let Args { options, job } = Args::read();
    let exit = match job {
        Job::Trust(file) => trust::run(&options, file.as_deref()),
        Job::Script(input) => on_threads(|runtime| script(runtime, options, input)),
        Job::Shell => on_threads(|runtime| shell::run(runtime, &options)),
        Job::Demo => on_threads(|runtime| runtime.block_on(demo::run(&options))),
        Job::Doctor(connection) => on_threads(|runtime| runtime.block_on(doctor::run(&options, &connection))),
        Job::Connector(command) => on_threads(|runtime| runtime.block_on(connector::run(&options, &command))),
        Job::Login { name, no_open } => on_threads(|runtime| runtime.block_on(login::run(&options, &name, no_open))),
    };
    exit.into()
}

/// Runs a script on a worker: on the main thread each page would wake another one, several times.
fn script(runtime: &Runtime, options: Options, input: Input) -> Exit {
    let task = runtime.spawn(async move { run::script(&options, &input).await });
    runtime.block_on(task).unwrap_or_else(|error| {
        messages::failure(&format!("the script was not run to its end: {error}; this is a mistake of the program"));
        Exit::Failed
    })
}

/// Does `work` with threads beside it. Nothing is started before: help, version and wrong usage end the program sooner.
fn on_threads(work: impl FnOnce(&Runtime) -> Exit) -> Exit {
    match Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => work(&runtime),
        Err(error) => {
            messages::failure(&format!("cannot start threads: {error}"));
            Exit::Failed
        }
    }
}
