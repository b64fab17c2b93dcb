//! The run: scenarios one after the other, and their table.

use std::io::Write;

use crate::programs::Programs;
use crate::report::{Outcome, legend, table};
use crate::scenario::{ALL, Bench};
use crate::{Result, machine, peers, results};

/// Name under which the peers can be asked for.
const PEERS: &str = "peers";

/// What is measured, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Measure this one alone. Repeatable; `--list` has the names.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Run each program so often; what takes long three times at most.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// A tenth of the pages and rows, for a look: ratios of short runs say little.
    #[arg(long)]
    quick: bool,
    /// Also what users would pick instead, which is installed from PyPI into target/peers.
    #[arg(long)]
    peers: bool,
    /// Write all of it into benches/RESULTS.md.
    #[arg(long, conflicts_with_all = ["only", "quick"])]
    write: bool,
    /// Print the names.
    #[arg(long)]
    list: bool,
}

/// Measures what is asked for. A target that is not met is told, and is no error.
pub(crate) fn run(args: &Wanted) -> Result<()> {
    if args.list {
        ALL.iter().for_each(|scenario| println!("{:16} {}", scenario.name, scenario.what));
        println!("{PEERS:16} {}", peers::WHAT);
        return Ok(());
    }
    let names = || ALL.iter().map(|scenario| scenario.name).chain([PEERS]);
    if let Some(unknown) = args.only.iter().find(|only| names().all(|name| name != only.as_str())) {
        let known: Vec<_> = names().collect();
        return Err(format!("there is no {unknown}, but {}", known.join(", ")).into());
    }
    let machine = machine::described()?;
    let bench = Bench { programs: Programs::find()?, runs: args.runs.into(), is_quick: args.quick };
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);

    let mut outcomes: Vec<Outcome> = Vec::new();
    for scenario in ALL.iter().filter(|scenario| is_wanted(scenario.name)) {
        say(scenario.name)?;
        let outcome = scenario.run(&bench, &outcomes).map_err(|error| format!("{}: {error}", scenario.name))?;
        outcomes.push(outcome);
    }
    let mut sections = Vec::new();
    if !outcomes.is_empty() {
        sections.push(format!("{}\n{}", table(&outcomes), legend(&outcomes)));
    }
    if args.peers || args.write || args.only.iter().any(|only| only == PEERS) {
        say(PEERS)?;
        sections.push(peers::run(&bench)?);
    }
    println!("\n{machine}\n{}", sections.join("\n"));
    if args.write {
        results::write(&machine, &sections, args.runs)?;
    }
    Ok(())
}

fn say(name: &str) -> Result<()> {
    eprintln!("measuring {name} …");
    Ok(std::io::stderr().flush()?)
}
