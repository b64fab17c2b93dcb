//! What ends a run early, for all of its lanes: failures beyond what is allowed, the user, a bound, a server that is not
//! reached or does not answer properly. The first reason stays, but for one that says more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_remote::write::Why;

use crate::{Ended, OnError};

/// Requests in a row that may go without an answer that tells what became of them. A server that answers 500 to everything
/// must not be asked for each of many thousand rows.
const MAX_DOUBTFUL: u32 = 20;

/// What is known of how the run goes, shared by its lanes.
#[derive(Debug)]
pub(crate) struct Brake {
    allowed: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failed: u64,
    first_failure: Option<String>,
    doubtful: u32,
    halt: Option<Ended>,
    /// A lane that ended by its quota; the others go on.
    stopped: Option<String>,
}

impl Brake {
    pub(crate) fn new(on_error: OnError) -> Self {
        let allowed = match on_error {
            OnError::Stop => 0,
            OnError::Continue(most) => most,
        };
        Self { allowed, state: Mutex::default() }
    }

    /// Whether a further request may be sent.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().halt.is_none()
    }

    /// Whether rows may be read back although none is sent any more: it ended by failures, and the API works.
    pub(crate) fn may_read(&self) -> bool {
        matches!(self.lock().halt, None | Some(Ended::Failures(_)))
    }

    /// A row has failed.
    pub(crate) fn failed(&self, why: &str) {
        let mut state = self.lock();
        state.failed += 1;
        state.first_failure.get_or_insert_with(|| why.to_owned());
        if state.failed > self.allowed && state.halt.is_none() {
            let first = state.first_failure.clone().unwrap_or_default();
            state.halt = Some(Ended::Failures(sentence(state.failed, self.allowed, &first)));
        }
    }

    /// An answer has told what became of a request.
    pub(crate) fn told(&self) {
        self.lock().doubtful = 0;
    }

    /// A request got no answer that tells.
    pub(crate) fn doubtful(&self, said: &str) {
        let is_over = {
            let mut state = self.lock();
            state.doubtful += 1;
            state.doubtful >= MAX_DOUBTFUL
        };
        if is_over {
            self.halt(Ended::Connection(format!(
                "{MAX_DOUBTFUL} requests in a row got no answer that tells what became of them; the last: {said}"
            )));
        }
    }

    /// A request could not be sent, or rows could not be read. A quota is its lane's business alone; all else is the same
    /// for all.
    pub(crate) fn not_sent(&self, why: Why, said: String) {
        match why {
            Why::Quota => {
                self.lock().stopped.get_or_insert(said);
            }
            Why::CallBound => self.halt(Ended::Stopped(said)),
            Why::Cancelled => self.halt(Ended::Cancelled),
            Why::Connection | Why::Row => self.halt(Ended::Connection(said)),
        }
    }

    /// Nothing more is sent.
    pub(crate) fn halt(&self, ended: Ended) {
        let mut state = self.lock();
        if state.halt.is_none() || ended == Ended::Cancelled {
            state.halt = Some(ended);
        }
    }

    /// How it all ended.
    pub(crate) fn ended(&self) -> Ended {
        let state = self.lock();
        let stopped = || state.stopped.clone().map(Ended::Stopped);
        state.halt.clone().or_else(stopped).unwrap_or(Ended::Done)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sentence(failed: u64, allowed: u64, first: &str) -> String {
    let rows = if failed == 1 { "1 row".to_owned() } else { format!("{failed} rows") };
    let more =
        if allowed == 0 { String::new() } else { format!(", more than the {allowed} that on_mutation_error allows") };
    format!("{rows} failed{more}; the first: {first}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_beyond_those_allowed_end_the_run() {
        let brake = Brake::new(OnError::Continue(2));
        brake.failed("no such country");
        brake.failed("too long");
        assert!(brake.is_open());
        brake.failed("too long");
        assert!(!brake.is_open() && brake.may_read());
        let sentence = "3 rows failed, more than the 2 that on_mutation_error allows; the first: no such country";
        assert_eq!(brake.ended(), Ended::Failures(sentence.to_owned()));
        let stop = Brake::new(OnError::Stop);
        assert!(stop.is_open());
        stop.failed("no");
        assert_eq!(stop.ended(), Ended::Failures("1 row failed; the first: no".to_owned()));
    }

    #[test]
    fn a_server_that_does_not_tell_is_not_asked_for_ever() {
        let brake = Brake::new(OnError::Continue(5));
        (1..MAX_DOUBTFUL).for_each(|_| brake.doubtful(""));
        brake.told();
        (1..MAX_DOUBTFUL).for_each(|_| brake.doubtful(""));
        assert!(brake.is_open());
        brake.doubtful("503");
        let sentence = "20 requests in a row got no answer that tells what became of them; the last: 503";
        assert_eq!(brake.ended(), Ended::Connection(sentence.to_owned()));
        assert!(!brake.may_read());
    }

    #[test]
    fn a_quota_ends_one_lane_and_all_else_ends_all() {
        let brake = Brake::new(OnError::Continue(5));
        brake.not_sent(Why::Quota, "daily: 0 left".to_owned());
        assert!(brake.is_open());
        assert_eq!(brake.ended(), Ended::Stopped("daily: 0 left".to_owned()));
        brake.not_sent(Why::CallBound, "no more calls".to_owned());
        assert_eq!(brake.ended(), Ended::Stopped("no more calls".to_owned()));
        brake.not_sent(Why::Cancelled, String::new());
        assert!(!brake.is_open() && !brake.may_read());
        assert_eq!(brake.ended(), Ended::Cancelled);
    }
}
