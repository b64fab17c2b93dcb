//! Ctrl-C: the first stops the running statement, the second ends the program.
//!
//! A task of its own listens, so that it is heard while the main thread writes results or computes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate::{Cancel, Summary};
use tokio::sync::Notify;

use crate::exit::Exit;
use crate::messages;

/// The statement was stopped by Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted;

/// Listens for Ctrl-C.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    pressed: Notify,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    pressed: bool,
    cancel: Option<Cancel>,
    summary: Option<Summary>,
}

/// One statement while it runs.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    shared: &'a Shared,
}

impl Interrupts {
    /// Starts to listen. With nothing running, Ctrl-C ends the program if `ends_when_idle`; a shell, which reads
    /// Ctrl-C as a key, goes on.
    pub(crate) fn listen(ends_when_idle: bool) -> Self {
        let shared = Arc::new(Shared::default());
        let heard = Arc::clone(&shared);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                heard.press(ends_when_idle);
            }
        });
        Self { shared }
    }

    /// Marks the begin of a statement; its end is the drop of what is returned.
    pub(crate) fn begin(&self) -> Running<'_> {
        *self.shared.lock() = State { running: true, ..State::default() };
        Running { shared: &self.shared }
    }
}

impl Running<'_> {
    /// From now on Ctrl-C stops this too.
    pub(crate) fn cancels(&self, cancel: Cancel, summary: &Summary) {
        let mut state = self.shared.lock();
        state.cancel = Some(cancel);
        state.summary = Some(summary.clone());
    }

    /// Waits for `work`, or gives it up at Ctrl-C.
    pub(crate) async fn or_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        let pressed = self.shared.pressed.notified();
        tokio::pin!(pressed);
        // Registered before the flag is read: a press in between is not lost.
        pressed.as_mut().enable();
        if self.shared.lock().pressed {
            return Err(Interrupted);
        }
        tokio::select! {
            biased;
            () = pressed => Err(Interrupted),
            done = work => Ok(done),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.shared.lock() = State::default();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn press(&self, ends_when_idle: bool) {
        let mut state = self.lock();
        if state.pressed || (!state.running && ends_when_idle) {
            if let Some(mutation) = state.summary.as_ref().and_then(Summary::mutation) {
                messages::say(&left(&mutation.id));
            }
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        if state.running {
            state.pressed = true;
            if let Some(cancel) = &state.cancel {
                cancel.cancel();
            }
            self.pressed.notify_waiters();
        }
    }
}

/// What is left of a mutation whose writes under way were not waited for.
fn left(id: &str) -> String {
    format!(
        "stopped; what became of the writes under way is unknown. SELECT * FROM system.mutations WHERE mutation_id = '{id}' tells \
         how far it came, RESUME MUTATION '{id}' goes on with it"
    )
}
