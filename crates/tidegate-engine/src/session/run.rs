//! One statement from its preparation to its end, as it is counted and recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tidegate_state::{HeldStatement, StatementEnd, StatementStart};
use tidegate_transport::{Caching, Clock, KeptUse, OnExhausted, Spending, Statement, StatementId};

use super::{Notes, Shared, StatementKind};
use crate::cost::{self, Estimate};
use crate::{Engine, Error, ErrorKind, Result, Settings};

/// Numbers begin with 1.
const UNNUMBERED: StatementId = 0;

/// A statement being prepared or run. It gets its number, and its row in the state folder, when it is executed or
/// when resolving its names takes a call, whichever comes first: every call belongs to a statement. Dropped
/// before its end, it is recorded as abandoned. A query over no table takes no call: it is recorded when the state folder
/// is used for something else, and gets no number here.
#[derive(Debug)]
pub(crate) struct Run {
    shared: Arc<Shared>,
    settings: Settings,
    /// Text with secrets blanked.
    sql: String,
    /// Whether nothing was blanked.
    is_whole: bool,
    kind: StatementKind,
    statement: Mutex<Option<Arc<Statement>>>,
    /// Its place in the history when it has no number.
    held: OnceLock<HeldStatement>,
    timing: Arc<Timing>,
    notes: Arc<Notes>,
    learnt: Arc<cost::Notes>,
    /// Calls that it was predicted to take.
    predicted: OnceLock<Estimate>,
    is_ended: AtomicBool,
}

/// When a statement began and ended, on the clock that never goes back.
#[derive(Debug)]
pub(crate) struct Timing {
    clock: Arc<dyn Clock>,
    began: OnceLock<Duration>,
    ended: OnceLock<Duration>,
}

impl Timing {
    /// From execution to the end, or to now.
    pub(crate) fn elapsed(&self) -> Duration {
        let Some(began) = self.began.get() else { return Duration::ZERO };
        self.ended.get().copied().unwrap_or_else(|| self.clock.elapsed()).saturating_sub(*began)
    }
}

impl Run {
    /// A statement that runs under `settings`: those of the session, or what its hints made of them.
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings, sql: &str, kind: StatementKind) -> Self {
        let clock = Arc::clone(&shared.engine().parts().clock);
        let notes = Arc::new(Notes::new(shared.engine().clone(), Arc::clone(shared.principal())));
        let redacted = crate::sql::redact_sql(sql);
        Self {
            settings,
            notes,
            shared,
            is_whole: redacted == sql,
            sql: redacted,
            kind,
            statement: Mutex::default(),
            held: OnceLock::new(),
            learnt: Arc::default(),
            predicted: OnceLock::new(),
            timing: Arc::new(Timing { clock, began: OnceLock::new(), ended: OnceLock::new() }),
            is_ended: AtomicBool::new(false),
        }
    }

    /// A part of this statement that sees the session as `shared` shows it, under settings of its own. What it spends is
    /// this statement's, and its end is none.
    ///
    /// # Errors
    /// As [`Run::statement`].
    pub(crate) fn part(&self, shared: Arc<Shared>, settings: Settings) -> Result<Self> {
        Ok(Self {
            shared,
            settings,
            sql: self.sql.clone(),
            is_whole: self.is_whole,
            kind: self.kind,
            statement: Mutex::new(Some(self.statement()?)),
            held: OnceLock::new(),
            timing: Arc::clone(&self.timing),
            notes: Arc::clone(&self.notes),
            learnt: Arc::clone(&self.learnt),
            predicted: OnceLock::new(),
            is_ended: AtomicBool::new(true),
        })
    }

    /// Its text, with secrets blanked.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// Whether [`Run::sql`] is the text as it was written.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.shared.engine()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn principal(&self) -> &Arc<str> {
        self.shared.principal()
    }

    /// The settings that the statement was prepared under.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where what a user should know of this statement is noted.
    pub(crate) fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    /// Where its scans note how many rows there are.
    pub(crate) fn learnt(&self) -> &Arc<cost::Notes> {
        &self.learnt
    }

    pub(crate) fn timing(&self) -> &Arc<Timing> {
        &self.timing
    }

    /// Starts the clock of the statement.
    pub(crate) fn start_timing(&self) {
        self.timing.began.get_or_init(|| self.timing.clock.elapsed());
    }

    /// The statement that pays; numbered and recorded now if it was not yet.
    ///
    /// # Errors
    /// When the state folder cannot be used: a statement without a number would leave calls that nobody can
    /// account for. `--state :memory:` does without a folder.
    pub(crate) fn statement(&self) -> Result<Arc<Statement>> {
        let mut statement = self.statement.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statement.as_ref() {
            return Ok(Arc::clone(statement));
        }
        let id = self.engine().parts().state.begin_statement(&self.start())?;
        Ok(Arc::clone(statement.insert(self.begun(id))))
    }

    /// The statement of a query over no table; the one that resolving its names has paid for, if it took a call.
    ///
    /// # Errors
    /// As [`Run::statement`], when the state folder is in use already.
    pub(crate) fn statement_without_calls(&self) -> Result<Arc<Statement>> {
        let mut statement = self.statement.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statement.as_ref() {
            return Ok(Arc::clone(statement));
        }
        let held = self.engine().parts().state.hold_statement(self.start())?;
        self.held.get_or_init(|| held);
        Ok(Arc::clone(statement.insert(self.begun(UNNUMBERED))))
    }

    /// Its number, if it has one.
    pub(crate) fn id(&self, statement: &Statement) -> Option<StatementId> {
        self.held.get().is_none().then(|| statement.id())
    }

    fn start(&self) -> StatementStart {
        StatementStart {
            principal: self.principal().to_string(),
            sql: self.sql.clone(),
            kind: self.kind.name().to_owned(),
            label: self.settings.label.clone(),
            started_at: self.engine().parts().clock.now(),
        }
    }

    fn begun(&self, id: StatementId) -> Arc<Statement> {
        let label = self.settings.label.as_deref().map(Arc::from);
        let on_exhausted = on_exhausted(self.kind, self.settings.spending.on_exhausted);
        let spending = Spending { label, on_exhausted, ..self.settings.spending.clone() };
        let begun =
            Statement::with_retry_budget(id, self.settings.retry_budget).spending(spending).caching(self.caching());
        Arc::new(begun)
    }

    /// What it may use of earlier answers. Pages are kept of a query alone: another statement cannot be run again as if
    /// it had not been.
    fn caching(&self) -> Caching {
        let reads = matches!(self.kind, StatementKind::Query | StatementKind::Write | StatementKind::Explain);
        if !reads || !self.settings.caching.is_on {
            return Caching::OFF;
        }
        let is_repeatable = self.kind == StatementKind::Query && self.is_whole;
        let resumes = is_repeatable.then(|| format!("{}\u{0}{}", self.principal(), self.sql).into());
        Caching { resumes, ..self.settings.caching.clone() }
    }

    /// Records that all `rows` were read: all that there are, or all that could be had.
    pub(crate) fn done(&self, rows: u64) {
        self.end(if self.notes.is_partial() { "partial" } else { "done" }, None, rows, false);
    }

    /// Records a failure, or that the user gave up.
    pub(crate) fn failed(&self, error: &Error, rows: u64) {
        let state = if error.is_cancelled() { "cancelled" } else { "failed" };
        self.end(state, Some(error.to_string()), rows, is_interruption(error));
    }

    /// Records that nobody read on, and stops what still runs.
    pub(crate) fn abandoned(&self, rows: u64) {
        self.end("abandoned", None, rows, false);
    }

    /// Keeps what the statement is predicted to take, to be compared with what it took. The first prediction stands.
    pub(crate) fn note_predicted(&self, calls: Estimate) {
        self.predicted.get_or_init(|| calls);
    }

    /// What was learnt is true however the statement has ended.
    fn keep_learnt(&self) {
        let learnt = self.learnt.take();
        if learnt.is_empty() {
            return;
        }
        let fingerprint = |name: &Arc<str>| Some((Arc::clone(name), self.shared.connection(name)?.fingerprint.clone()));
        let fingerprints = learnt.iter().filter_map(|note| fingerprint(&note.connection)).collect();
        let parts = self.engine().parts();
        let kept = self.engine().statistics().learn(&parts.state, &fingerprints, learnt, parts.clock.now());
        if let Err(error) = kept {
            self.engine().warn(None, format!("the numbers of rows that were seen could not be kept: {error}"));
        }
    }

    /// `goes_on` is whether a repetition may take the pages that were paid for.
    fn end(&self, state: &str, error: Option<String>, rows: u64, goes_on: bool) {
        if self.is_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        self.timing.ended.get_or_init(|| self.timing.clock.elapsed());
        let Some(statement) = self.statement.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        if !matches!(state, "done" | "partial") {
            statement.cancellation().cancel();
        }
        self.keep_learnt();
        statement.end(!goes_on);
        self.note(&statement);
        let (counts, predicted) = (statement.counts(), self.predicted.get());
        let parts = self.engine().parts();
        let end = StatementEnd {
            state: state.to_owned(),
            error,
            rows,
            calls: counts.calls,
            retries: counts.retries,
            bytes: counts.bytes,
            waited: counts.waited,
            predicted_low: predicted.map(|calls| calls.low),
            predicted: predicted.map(|calls| calls.expected),
            predicted_high: predicted.map(|calls| calls.high).filter(|high| *high < u64::MAX),
            cache_hits: counts.cache_hits,
            revalidated: counts.revalidated,
            ended_at: parts.clock.now(),
        };
        // The rows are right whether or not the folder could keep the figures.
        let (name, recorded) = match self.held.get() {
            Some(held) => ("a statement".to_owned(), parts.state.end_held_statement(held, end)),
            None => (format!("statement {}", statement.id()), parts.state.end_statement(statement.id(), &end)),
        };
        if let Err(error) = recorded {
            self.engine().warn(None, format!("{name} could not be recorded: {error}"));
        }
    }
}

impl Run {
    /// Tells the user what the statement's calls have to say of themselves.
    fn note(&self, statement: &Statement) {
        for (connection, message) in statement.remarks() {
            self.notes.warn(&connection, message);
        }
        for (connection, used) in statement.kept_use() {
            self.notes.warn(&connection, kept(used));
        }
    }
}

/// Says of when the pages are that an earlier run has paid for.
fn kept(used: KeptUse) -> String {
    let at = chrono::DateTime::<chrono::Utc>::from(used.oldest).format("%H:%M");
    let (pages, were) = if used.pages == 1 { ("page", "was") } else { ("pages", "were") };
    format!("{} {pages} of {at} UTC or later that an earlier run had paid for {were} used", used.pages)
}

/// Whether a statement that failed so was kept from going on, and not from reading what it had: a repetition would fail
/// likewise with the pages of one whose answers were no good.
fn is_interruption(error: &Error) -> bool {
    if matches!(error.kind(), ErrorKind::QuotaExhausted | ErrorKind::CallBound | ErrorKind::Cancelled) {
        return true;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        if let Some(remote) = source.downcast_ref::<tidegate_remote::Error>() {
            return match &remote.kind {
                tidegate_remote::ErrorKind::Transport(_) => true,
                tidegate_remote::ErrorKind::Status { status, .. } => {
                    status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 429)
                }
                _ => false,
            };
        }
        cause = source.source();
    }
    false
}

/// A mutation that stops when a quota is used up means the day's, and not the minute's: it waits for windows that open
/// within `max_wait`, and ends then.
fn on_exhausted(kind: StatementKind, set: OnExhausted) -> OnExhausted {
    if kind == StatementKind::Mutation && set == OnExhausted::Stop { OnExhausted::Wait } else { set }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.abandoned(0);
    }
}
