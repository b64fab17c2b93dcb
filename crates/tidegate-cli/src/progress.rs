//! The progress line: what a running statement has fetched and spent so far, what is left of the tightest quota, and what
//! it waits for. On standard error, and only when that is a terminal.
//!
//! It is one line, drawn here: indicatif pads its line to the right edge, so that the `^C` which a terminal shows
//! begins a new line, and the old one stays behind.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tidegate::{MutationCounts, MutationPhase, Summary};

use crate::quotas;
use crate::run::terminal_width;
use crate::words::{counted, grouped, seconds};

/// A statement shorter than this shows nothing.
const DELAY: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(100);
const SPINNER: [char; 8] = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// Back to the first column, and everything from there away.
const CLEAR: &str = "\r\x1b[K";

/// Shows progress until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    shared: Option<Arc<Mutex<Shared>>>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    summary: Option<Summary>,
    drawn: usize,
    paused: bool,
    ended: bool,
}

/// Nothing is drawn until it is dropped.
#[derive(Debug)]
#[must_use = "the line is drawn again once this is dropped"]
pub(crate) struct Paused<'a> {
    shared: Option<&'a Mutex<Shared>>,
    since: Instant,
}

impl Progress {
    /// Starts, if standard error is a terminal.
    pub(crate) fn start(is_terminal: bool) -> Self {
        if !is_terminal {
            return Self::default();
        }
        let shared = Shared { started: Instant::now(), summary: None, drawn: 0, paused: false, ended: false };
        let shared = Arc::new(Mutex::new(shared));
        let drawn = Arc::clone(&shared);
        tokio::spawn(async move {
            tokio::time::sleep(DELAY).await;
            while lock(&drawn).draw() {
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self { shared: Some(shared) }
    }

    /// Shows the figures of this statement from now on.
    pub(crate) fn watch(&self, summary: &Summary) {
        if let Some(shared) = &self.shared {
            lock(shared).summary = Some(summary.clone());
        }
    }

    /// Clears the line while something else is written in its place: a question, and the answer that is typed.
    pub(crate) fn pause(&self) -> Paused<'_> {
        if let Some(shared) = &self.shared {
            let mut shared = lock(shared);
            shared.wipe();
            shared.paused = true;
        }
        Paused { shared: self.shared.as_deref(), since: Instant::now() }
    }

    /// Clears the line, for good: results are about to be printed.
    pub(crate) fn clear(&self) {
        if let Some(shared) = &self.shared {
            let mut shared = lock(shared);
            shared.wipe();
            shared.ended = true;
        }
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            let mut shared = lock(shared);
            shared.paused = false;
            // The statement did not run meanwhile.
            shared.started += self.since.elapsed();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Shared {
    /// Clears what stands there.
    fn wipe(&self) {
        if !self.ended && !self.paused && self.drawn > 0 {
            print(CLEAR);
        }
    }

    /// Draws once; false when there is nothing more to draw.
    fn draw(&mut self) -> bool {
        if self.ended || self.paused {
            return !self.ended;
        }
        let text = match &self.summary {
            None => format!("preparing · {}", seconds(self.started.elapsed())),
            Some(summary) => {
                let counts = summary.counts();
                let rows = sending(summary).unwrap_or_else(|| counted(counts.rows, "row"));
                let mut parts = vec![rows, counted(counts.calls, "call"), seconds(self.started.elapsed())];
                // While it waits, why it does says more than what is left of something.
                let waiting = quotas::waiting(&summary.waiting(), SystemTime::now());
                parts.extend(waiting.or_else(|| summary.left().as_ref().map(quotas::left)));
                parts.join(" · ")
            }
        };
        let spinner = SPINNER[self.drawn % SPINNER.len()];
        // A line that wraps could not be cleared. Every character here is one column wide.
        let line: String = format!("{spinner} {text}").chars().take(terminal_width().saturating_sub(1)).collect();
        print(&format!("{CLEAR}{line}"));
        self.drawn += 1;
        true
    }
}

/// How many of its rows a mutation has sent; `None` for one that selects still, and for other statements.
fn sending(summary: &Summary) -> Option<String> {
    let mutation = summary.mutation().filter(|mutation| mutation.phase != MutationPhase::Selecting)?;
    let MutationCounts { selected, applied, accepted, failed, .. } = mutation.counts;
    let mut text = format!("{} of {} applied", grouped(applied + accepted), counted(selected, "row"));
    if failed > 0 {
        text.push_str(&format!(", {} failed", grouped(failed)));
    }
    Some(text)
}

/// A terminal that is gone is no reason to stop the statement.
fn print(text: &str) {
    let mut terminal = std::io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Progress of a statement that has been shown nothing of, beside the task that would draw it.
    fn undrawn() -> (Progress, Arc<Mutex<Shared>>) {
        let shared = Shared { started: Instant::now(), summary: None, drawn: 0, paused: false, ended: false };
        let shared = Arc::new(Mutex::new(shared));
        (Progress { shared: Some(Arc::clone(&shared)) }, shared)
    }

    #[test]
    fn nothing_is_drawn_over_a_question() {
        let (progress, shared) = undrawn();
        let paused = progress.pause();
        assert!(lock(&shared).draw(), "the line comes again after the answer");
        assert_eq!(lock(&shared).drawn, 0);
        drop(paused);
        assert!(!lock(&shared).paused);
        progress.clear();
        assert!(!lock(&shared).draw());
    }
}
