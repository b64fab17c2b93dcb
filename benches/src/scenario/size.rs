//! How large the program's file is.

use super::Bench;
use crate::Result;
use crate::report::{Outcome, Verdict};

/// MB, stripped: as the release profile leaves it.
const MOST: f64 = 90.0;

pub(super) fn run(bench: &Bench) -> Result<Outcome> {
    let size = std::fs::metadata(&bench.programs.tidegate)?.len() as f64 / 1e6;
    let verdicts = vec![Verdict::new(format!("file ≤ {MOST} MB"), size, MOST)];
    Ok(Outcome { verdicts, ..Outcome::default() })
}
