//! What it costs to start the program, for work that needs neither a connection nor a call.

use std::path::Path;
use std::process::Command;

use super::{Bench, words};
use crate::Result;
use crate::contest::{Contender, alternate};
use crate::measure::shown;
use crate::report::{Outcome, Verdict};

/// A command line, and what becomes of it.
pub(super) struct Start {
    pub(super) arguments: &'static [&'static str],
    /// Is in what it prints.
    pub(super) says: &'static str,
    /// At most so many seconds.
    pub(super) cpu: Option<f64>,
}

/// Runs are short, so that there may be more of them.
const MORE: usize = 4;

impl Start {
    pub(super) fn run(&self, bench: &Bench, folder: &Path) -> Result<Outcome> {
        let state = folder.join("state").display().to_string();
        let command = words(&bench.programs.tidegate, &[&["--state", &state], self.arguments].concat());
        let output = Command::new(&command[0]).args(&command[1..]).current_dir(folder).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.contains(self.says) {
            return Err(format!("{} did not say {:?}", shown(&command), self.says).into());
        }
        let curl = vec!["curl".to_owned(), "--version".to_owned()];
        let both = [Contender::new("tidegate", command), Contender::new("curl", curl)];
        let taken = alternate(folder, None, &both, bench.runs * MORE)?;
        let cpu = taken.first().map_or(f64::NAN, |ours| ours.cpu.median());
        let verdict = self.cpu.map(|most| Verdict::new(format!("CPU ≤ {:.0} ms", most * 1e3), cpu * 1e3, most * 1e3));
        Ok(Outcome { taken, verdicts: verdict.into_iter().collect(), ..Outcome::default() })
    }
}
