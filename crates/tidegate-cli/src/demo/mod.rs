//! `tidegate demo`: a tour over a simulated API in this process. No account, no network, nothing kept.

mod script;

use tidegate::{Engine, Error};
use tidegate_sim::{Config, Sim};

use crate::args::Options;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::messages;
use crate::output::Format;
use crate::run::Runner;
use script::STEPS;

/// Accounts of the simulated company.
const ACCOUNTS: u64 = 2_000;
/// Rows that the simulated API sends at once.
const PAGE: usize = 100;

/// Takes the tour; stops at the first statement that fails.
pub(crate) async fn run(options: &Options) -> Exit {
    let interrupts = Interrupts::listen(true);
    let sim = match Sim::start(Config { rows: ACCOUNTS, page_size: PAGE, ..Config::default() }).await {
        Ok(sim) => sim,
        Err(error) => {
            messages::failure(&format!("cannot start the simulated API on 127.0.0.1: {error}"));
            return Exit::Failed;
        }
    };
    let exit = match session() {
        Ok(session) => {
            tour(Runner::new(session, Some(options.format.unwrap_or(Format::Table)), interrupts), &sim).await
        }
        Err(error) => {
            messages::failure(&messages::describe(&error));
            Exit::Failed
        }
    };
    sim.stop().await;
    exit
}

fn session() -> Result<std::sync::Arc<tidegate::Session>, Error> {
    Ok(std::sync::Arc::new(Engine::builder().build()?.session("demo")))
}

async fn tour(mut runner: Runner, sim: &Sim) -> Exit {
    runner.closing = true;
    runner.say = messages::tell;
    messages::tell(&format!(
        "A simulated sales API runs on {} with {ACCOUNTS} accounts, {PAGE} rows a page.\nEach statement ends with what it cost.",
        sim.url()
    ));
    for (at, step) in STEPS.iter().enumerate() {
        let sql = step.sql.replace("{url}", sim.url().as_str());
        messages::tell(&format!("\n{}. {}\n", at + 1, step.about));
        for line in sql.lines() {
            messages::tell(&format!("    {line}"));
        }
        let exit = runner.script(&sql).await;
        if exit != Exit::Done {
            return exit;
        }
    }
    messages::tell(
        "\nYour own API: start tidegate and type CREATE CONNECTION name USING odata OPTIONS (url 'https://…');",
    );
    Exit::Done
}
