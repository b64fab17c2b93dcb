//! `tidegate demo`: a tour over simulated APIs in this process. No account, no network, nothing kept: its state is in a
//! folder that goes with it.

mod evening;
mod script;

use std::sync::Arc;

use tempfile::TempDir;
use tidegate::{Engine, Error, ErrorKind, StateLocation};
use tidegate_sim::{Config, Sim};

use crate::args::Options;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::messages;
use crate::output::Format;
use crate::run::{Failure, Runner};
use script::STEPS;

/// Accounts of the simulated company.
const ACCOUNTS: u64 = 2_000;
/// Rows that the simulated API sends at once.
const PAGE: usize = 100;

/// The tour as far as it has come.
struct Tour {
    runner: Runner,
    steps: usize,
}

impl Tour {
    /// Number of the next step.
    fn next(&mut self) -> usize {
        self.steps += 1;
        self.steps
    }

    /// Says why a statement has ended the tour.
    fn failed(&self, failure: Failure) -> Exit {
        crate::run::report(&failure, &[], 0)
    }
}

/// Takes the tour; stops at the first statement that fails.
pub(crate) async fn run(options: &Options) -> Exit {
    let interrupts = Interrupts::listen(true);
    let company = Sim::start(Config { rows: ACCOUNTS, page_size: PAGE, ..Config::default() }).await;
    let (company, group) = match (company, evening::api().await) {
        (Ok(company), Ok(group)) => (company, group),
        (Err(error), _) | (_, Err(error)) => {
            messages::failure(&format!("cannot start the simulated API on 127.0.0.1: {error}"));
            return Exit::Failed;
        }
    };
    let exit = match engine(&group) {
        Ok((engine, _state)) => {
            let format = Some(options.format.unwrap_or(Format::Table));
            let runner = Runner::new(Arc::new(engine.session("demo")), format, interrupts);
            let exit = take(Tour { runner, steps: 0 }, &company, &group).await;
            engine.settle().await;
            exit
        }
        Err(error) => {
            messages::failure(&messages::describe(&error));
            Exit::Failed
        }
    };
    company.stop().await;
    group.stop().await;
    exit
}

/// An engine, and the folder of its state, which is removed with the returned value.
fn engine(group: &Sim) -> Result<(Engine, TempDir), Error> {
    let state = tempfile::tempdir().map_err(|error| {
        let message = format!("cannot make a folder for the state of the tour: {error}");
        Error::new(ErrorKind::Local, message).with_source(error)
    })?;
    let location = StateLocation::Folder(state.path().to_owned());
    Ok((Engine::builder().state(location).connection(evening::connection(group)).build()?, state))
}

async fn take(mut tour: Tour, company: &Sim, group: &Sim) -> Exit {
    tour.runner.closing = true;
    tour.runner.say = messages::tell;
    messages::tell(&format!(
        "A simulated sales API runs on {} with {ACCOUNTS} accounts, {PAGE} rows a page.\nEach statement ends with what it cost.",
        company.url()
    ));
    for step in STEPS {
        let sql = step.sql.replace("{url}", company.url().as_str());
        show(tour.next(), step.about, &sql);
        let exit = tour.runner.script(&sql).await;
        if exit != Exit::Done {
            return exit;
        }
    }
    let exit = evening::run(&mut tour, group).await;
    if exit == Exit::Done {
        messages::tell(
            "\nYour own API: start tidegate and type CREATE CONNECTION name USING odata OPTIONS (url 'https://…');",
        );
    }
    exit
}

/// Says what comes, and the statement that does it.
fn show(number: usize, about: &str, sql: &str) {
    messages::tell(&format!("\n{number}. {about}\n"));
    for line in sql.lines() {
        messages::tell(&format!("    {line}"));
    }
}
