//! Programs that do the same, in turns.

use std::path::Path;

use tempfile::TempDir;

use crate::Result;
use crate::figures::Samples;
use crate::measure::once;
use crate::sim::{Counts, Sim};

/// One command, and what it keeps its state in while it runs.
pub(crate) struct Job {
    pub(crate) command: Vec<String>,
    /// Removed after the run.
    pub(crate) state: Option<TempDir>,
}

impl From<Vec<String>> for Job {
    fn from(command: Vec<String>) -> Self {
        Self { command, state: None }
    }
}

/// One of those that are compared.
pub(crate) struct Contender<'a> {
    pub(crate) name: String,
    /// Makes the command of a run.
    pub(crate) job: Box<dyn Fn() -> Result<Job> + 'a>,
}

impl<'a> Contender<'a> {
    /// The same command in each run.
    pub(crate) fn new(name: &str, command: Vec<String>) -> Self {
        Self { name: name.to_owned(), job: Box::new(move || Ok(command.clone().into())) }
    }

    /// A command of its own in each run.
    pub(crate) fn anew(name: &str, job: impl Fn() -> Result<Job> + 'a) -> Self {
        Self { name: name.to_owned(), job: Box::new(job) }
    }
}

/// What one of them took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) name: String,
    /// Seconds.
    pub(crate) cpu: Samples,
    /// Seconds.
    pub(crate) wall: Samples,
    /// Bytes.
    pub(crate) peak: Samples,
    /// As the simulator counts them.
    pub(crate) calls: Samples,
    /// Bytes of bodies that the simulator answered.
    pub(crate) bytes: Samples,
    /// Rows that the simulator says were changed.
    pub(crate) effects: Samples,
}

/// Runs all of them once, then all of them again, and so on; in the order in which they are given.
pub(crate) fn alternate(folder: &Path, sim: Option<&Sim>, all: &[Contender<'_>], runs: usize) -> Result<Vec<Taken>> {
    let named = |contender: &Contender<'_>| Taken { name: contender.name.clone(), ..Taken::default() };
    let mut taken: Vec<Taken> = all.iter().map(named).collect();
    let counts = || sim.map_or(Ok(Counts::default()), Sim::counts);
    for _ in 0..runs {
        for (contender, taken) in all.iter().zip(&mut taken) {
            let job = (contender.job)()?;
            let before = counts()?;
            let usage = once(folder, &job.command)?;
            let after = counts()?;
            taken.cpu.push(usage.cpu);
            taken.wall.push(usage.wall);
            taken.peak.push(usage.peak as f64);
            taken.calls.push((after.calls - before.calls) as f64);
            taken.bytes.push((after.bytes - before.bytes) as f64);
            taken.effects.push((after.effects - before.effects) as f64);
            if let Some(state) = job.state {
                state.close()?;
            }
        }
    }
    Ok(taken)
}
