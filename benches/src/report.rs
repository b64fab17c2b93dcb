//! Tables of what was measured, for a terminal and for Markdown at once.

use std::fmt::Write as _;

use crate::contest::Taken;
use crate::figures::Samples;

/// What a scenario came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) what: String,
    /// The program first, then what it is compared to.
    pub(crate) taken: Vec<Taken>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) note: Option<String>,
}

/// A target, and whether it was met.
#[derive(Debug)]
pub(crate) struct Verdict {
    says: String,
    value: f64,
    most: f64,
}

impl Verdict {
    /// `says` tells what must be at most so much, with the limit.
    pub(crate) fn new(says: String, value: f64, most: f64) -> Self {
        Self { says, value, most }
    }

    /// A value that is no number meets nothing.
    pub(crate) fn is_met(&self) -> bool {
        self.value <= self.most
    }

    fn shown(&self) -> String {
        let met = if self.is_met() { "met" } else { "**not met**" };
        format!("{}: {:.2}, {met}", self.says, self.value)
    }
}

const HEADING: [&str; 9] =
    ["scenario", "program", "CPU ms", "wall ms", "peak MB", "calls", "CPU / curl", "wall / curl", "target"];

/// All outcomes, a line for each program. Ratios are to the second of each.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut lines = vec![HEADING.map(str::to_owned)];
    for outcome in outcomes {
        let verdicts: Vec<String> = outcome.verdicts.iter().map(Verdict::shown).collect();
        let mut target = verdicts.join("; ");
        if outcome.taken.is_empty() {
            let mut line = HEADING.map(|_| "–".to_owned());
            line[0] = outcome.name.to_owned();
            line[1] = "tidegate".to_owned();
            line[8] = std::mem::take(&mut target);
            lines.push(line);
        }
        let base = outcome.taken.get(1);
        for (place, taken) in outcome.taken.iter().enumerate() {
            let name = if place == 0 { outcome.name } else { "" };
            let over = |figure: fn(&Taken) -> &Samples| match base {
                Some(base) if place != 1 => figure(taken).over(figure(base)).shown(2),
                _ => String::new(),
            };
            lines.push([
                name.to_owned(),
                taken.name.clone(),
                taken.cpu.times(1e3).shown(0),
                taken.wall.times(1e3).shown(0),
                taken.peak.times(1e-6).shown(1),
                taken.calls.shown(0),
                over(|taken| &taken.cpu),
                over(|taken| &taken.wall),
                std::mem::take(&mut target),
            ]);
        }
    }
    aligned(&lines)
}

/// What the scenarios are, and what was noticed about them: a Markdown list.
pub(crate) fn legend(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for Outcome { name, what, note, .. } in outcomes {
        let note = note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "- `{name}`: {what}{note}.");
    }
    text
}

/// Lines of cells as a Markdown table; the first is its heading.
pub(crate) fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if place == 0 {
            widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}
