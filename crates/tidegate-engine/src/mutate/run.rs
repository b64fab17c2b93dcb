//! Runs a mutation: a task of its own selects, seals and sends, and ends when all is done, whoever still reads its stream.
//!
//! Only a [`crate::Cancel`] ends it early: no new request leaves then, and those under way are waited for.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};
use tidegate_mutation::{Counts, Job, Lane, Policy, Reselect, Writer};
use tidegate_remote::Source;
use tidegate_spec::Table;
use tidegate_state::{Claim, Journal, MutationState, RowChange, RowState};
use tidegate_transport::{OnExhausted, Statement};
use tokio::sync::oneshot;

use super::journal::blocking;
use super::plan::Selection;
use super::returning::Output;
use super::summary::{self, MutationEnd, MutationPhase, Watched};
use super::verdict::verdict;
use crate::session::{self, Planner, Run};
use crate::{Connection, Error, ErrorKind, Result, partitions};

/// Changes of rows that are written to the journal at a time.
const CHUNK: usize = 500;

/// What a mutation runs in: whose it is, and who pays.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// Plans its selection.
    pub(crate) planner: Arc<Planner>,
    /// Its statement, for its settings and its record.
    pub(crate) run: Arc<Run>,
    /// What its calls are counted in.
    pub(crate) statement: Arc<Statement>,
}

impl Host {
    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.run.engine().parts().journal
    }

    /// # Errors
    /// Those of the session's options.
    pub(crate) fn state(&self) -> Result<SessionState> {
        session::state(&self.planner, &self.run, &self.statement)
    }

    fn now(&self) -> std::time::SystemTime {
        self.run.engine().parts().clock.now()
    }
}

/// One run of a mutation, from its claim to its end.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) host: Host,
    pub(crate) watched: Watched,
    pub(crate) id: String,
    /// `update`, `delete`, `insert`, `merge` or `undo`.
    pub(crate) kind: String,
    /// What its statement returns.
    pub(crate) output: Output,
}

/// Rows that are sealed, and how they are to be sent.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) connection: Arc<Connection>,
    pub(crate) table: Arc<Table>,
    /// Its partitions; none for a table without.
    pub(crate) partitions: Vec<Arc<str>>,
    pub(crate) in_order: bool,
    /// See [`Job::verify`].
    pub(crate) verify: bool,
    pub(crate) reselect: Option<Arc<dyn Reselect>>,
    /// Rows that are known not to be sent, before any is.
    pub(crate) known: Vec<RowChange>,
}

/// How a task ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Whether there is something to be returned: rows were sealed.
    has_rows: bool,
    /// What the statement ends with.
    error: Option<Error>,
}

impl Finished {
    /// It failed before anything was sealed.
    pub(crate) fn failed(error: Error) -> Self {
        Self { has_rows: false, error: Some(error) }
    }
}

impl Task {
    /// Starts `work` as a task, and returns the stream of what it returns.
    pub(crate) fn start<F>(self, work: impl FnOnce(Arc<Self>) -> F) -> SendableRecordBatchStream
    where
        F: Future<Output = Finished> + Send + 'static,
    {
        let task = Arc::new(self);
        let (sender, receiver) = oneshot::channel();
        let working = work(Arc::clone(&task));
        let recorded = Arc::clone(&task);
        tokio::spawn(async move {
            let finished = working.await;
            recorded.record(&finished);
            // Nobody may be left to read it: the journal has it all.
            let _ = sender.send(finished);
        });
        let schema: SchemaRef = task.output.schema();
        let rows = stream::once(async move {
            let ended = receiver.await.map_err(|_| {
                let message = format!(
                    "mutation {}: its task ended unexpectedly; RESUME MUTATION '{}' goes on with it",
                    task.id, task.id
                );
                Error::new(ErrorKind::Local, message)
            });
            Ok::<_, DataFusionError>(task.returned(ended?).await?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten()))
    }

    /// Records the statement's end.
    fn record(&self, finished: &Finished) {
        let rows = self.watched.get().counts.selected;
        match &finished.error {
            None => self.host.run.done(rows),
            Some(error) => self.host.run.failed(error, rows),
        }
    }

    /// The rows, and the error after them.
    async fn returned(&self, finished: Finished) -> Result<SendableRecordBatchStream> {
        let state = self.host.state()?;
        let rows = if finished.has_rows {
            self.output.stream(&state, self.host.journal(), &self.kind, &self.watched.get()).await?
        } else {
            Box::pin(RecordBatchStreamAdapter::new(self.output.schema(), stream::empty()))
        };
        let schema = rows.schema();
        let end: Option<Result<RecordBatch, DataFusionError>> = finished.error.map(|error| Err(error.into()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.chain(stream::iter(end)))))
    }

    /// Selects the rows and seals them. `Err` is the end of the task: nothing was sent and nothing will be.
    pub(crate) async fn seal(
        &self,
        selection: &Selection,
        state: &SessionState,
        is_planned: bool,
    ) -> Result<(), Finished> {
        let cancelled = self.host.statement.cancellation().cancelled();
        let selected = tokio::select! {
            biased;
            () = cancelled => Err(Error::cancelled()),
            sealed = selection.seal(state, self.host.journal(), &self.id, self.host.now(), is_planned) => sealed,
        };
        match selected {
            Ok(sealed) => {
                for (code, error) in &sealed.failed {
                    self.watched.partition_failed(code, error);
                }
                self.watched.sealed(sealed.rows);
                Ok(())
            }
            Err(error) => Err(self.not_sealed(error).await),
        }
    }

    /// Ends a mutation that could not be sealed.
    pub(crate) async fn not_sealed(&self, error: Error) -> Finished {
        let (end, error) = unsealed(self.host.run.settings().spending.on_exhausted, error);
        let reason = error.to_string();
        let (id, calls, now) = (self.id.clone(), self.calls(), self.host.now());
        let ended = blocking(self.host.journal(), move |journal| {
            journal.end(&id, MutationState::Failed, Some(&reason), calls, now)
        });
        if let Err(error) = ended.await {
            self.host
                .run
                .engine()
                .warn(None, format!("the end of mutation {} could not be recorded: {error}", self.id));
        }
        self.watched.ended(end, Counts::default(), self.calls());
        Finished::failed(error)
    }

    /// Ends a run of a mutation that has nothing left to do.
    pub(crate) async fn finished(&self) -> Finished {
        self.finish(Ok(MutationEnd::Done), None).await
    }

    /// Ends a mutation whose rows wait for APPLY.
    pub(crate) async fn planned(&self) -> Finished {
        self.finish(Ok(MutationEnd::Planned), None).await
    }

    /// Sends what is sealed, and ends the mutation.
    pub(crate) async fn send(&self, claim: Claim, sending: Sending) -> Finished {
        self.watched.set_phase(MutationPhase::Sending);
        let journal = self.host.journal();
        let writer = Writer::new(Arc::clone(journal), claim, Arc::clone(&self.host.run.engine().parts().clock));
        let end = self.run(&writer, sending).await;
        let end = match writer.flush().await {
            Ok(()) => end,
            Err(error) => Err(Error::new(ErrorKind::Local, error.to_string()).with_source(error)),
        };
        let state = match end {
            Ok(MutationEnd::Done) => MutationState::Done,
            _ => MutationState::Stopped,
        };
        let finished = self.finish(end, Some(state)).await;
        // Closed last: nobody may claim the mutation before its end is written.
        if let Err(error) = writer.close().await {
            self.host.run.engine().warn(None, format!("mutation {}: {error}", self.id));
        }
        finished
    }

    async fn run(&self, writer: &Writer, sending: Sending) -> Result<MutationEnd> {
        let settings = self.host.run.settings();
        session::check_reserves(&self.host.run, &sending.connection).await?;
        for known in sending.known.chunks(CHUNK) {
            let written = writer.commit(known.to_vec()).await;
            written.map_err(|error| Error::new(ErrorKind::Local, error.to_string()).with_source(error))?;
        }
        let source = sending.connection.source(self.host.run.principal(), &self.host.statement);
        let job = Job {
            mutation: self.id.clone(),
            table: sending.table,
            lanes: lanes(&source, &sending.partitions)?,
            policy: Policy {
                on_error: settings.on_mutation_error,
                concurrency: settings.write_concurrency,
                in_order: sending.in_order,
            },
            reselect: sending.reselect,
            verify: sending.verify,
            statement: Arc::clone(&self.host.statement),
            clock: Arc::clone(&self.host.run.engine().parts().clock),
        };
        let report = tidegate_mutation::run(job, writer).await?;
        match MutationEnd::from(report.ended) {
            // A failure was asked for, unless it is the bound on calls that ended it.
            MutationEnd::Stopped(why) if self.fails_when_exhausted() => Err(Error::new(ErrorKind::QuotaExhausted, why)),
            end => Ok(end),
        }
    }

    fn fails_when_exhausted(&self) -> bool {
        let bounds = self.host.statement.bounds();
        let is_spent = bounds.max_calls.is_some_and(|most| self.calls() >= most);
        bounds.on_exhausted == OnExhausted::Fail && !is_spent
    }

    /// Writes the mutation's end, and says how it ended. `state` is `None` where the journal knows it already.
    async fn finish(&self, end: Result<MutationEnd>, state: Option<MutationState>) -> Finished {
        let calls = self.calls();
        let reason = end.as_ref().map_or_else(|error| Some(error.to_string()), reason);
        let (id, now) = (self.id.clone(), self.host.now());
        let recorded = blocking(self.host.journal(), move |journal| {
            if let Some(state) = state {
                journal.end(&id, state, reason.as_deref(), calls, now)?;
            }
            let counts = journal.mutation(&id)?.map(|record| summary::counts(&record.counts));
            let first = journal.rows(&id, None, 1, Some(NOT_DONE), None)?.into_iter().find_map(|row| row.error);
            Ok((counts.unwrap_or_default(), first))
        })
        .await;
        let (end, (counts, first)) = match recorded {
            Ok(recorded) => (end, recorded),
            Err(error) => (Err(error), (self.watched.get().counts, None)),
        };
        let stops = self.host.statement.bounds().on_exhausted != OnExhausted::Fail;
        let (end, failed) = match end {
            Ok(MutationEnd::Done) if stops && self.watched.is_short_of_quota() => {
                (MutationEnd::Stopped("a quota has no room for some partitions".to_owned()), ErrorKind::MutationStopped)
            }
            Ok(end) => (end, ErrorKind::MutationIncomplete),
            Err(error) => (MutationEnd::Failed(error.to_string()), error.kind()),
        };
        self.watched.ended(end, counts, calls);
        Finished { has_rows: true, error: verdict(&self.watched.get(), failed, first.as_deref()) }
    }

    fn calls(&self) -> u64 {
        self.host.statement.counts().calls
    }
}

/// States of rows that were to be changed, and were not or perhaps not.
const NOT_DONE: &[RowState] = &[RowState::Failed, RowState::Skipped, RowState::Unknown];

/// Why a mutation ended, as the journal keeps it.
fn reason(end: &MutationEnd) -> Option<String> {
    match end {
        MutationEnd::Done | MutationEnd::Planned => None,
        MutationEnd::Cancelled => Some("it was cancelled".to_owned()),
        MutationEnd::Failures(why)
        | MutationEnd::Stopped(why)
        | MutationEnd::Connection(why)
        | MutationEnd::Failed(why) => Some(why.clone()),
    }
}

/// How a mutation ends that could not be sealed.
fn unsealed(on_exhausted: OnExhausted, error: Error) -> (MutationEnd, Error) {
    let is_stop = match error.kind() {
        ErrorKind::CallBound => true,
        ErrorKind::QuotaExhausted => on_exhausted != OnExhausted::Fail,
        _ => false,
    };
    if error.is_cancelled() {
        let message = "the mutation was cancelled while its rows were selected: nothing was sent";
        return (MutationEnd::Cancelled, Error::new(ErrorKind::Cancelled, message));
    }
    if is_stop {
        let message = format!(
            "stopped while the rows were selected, and nothing was sent: {error}; run the statement again later"
        );
        let stopped = Error::new(ErrorKind::MutationStopped, message).with_source(error);
        return (MutationEnd::Stopped(stopped.to_string()), stopped);
    }
    let message = format!("the rows could not be selected, and nothing was sent: {error}");
    let failed = Error::new(error.kind(), message).with_source(error);
    (MutationEnd::Failed(failed.to_string()), failed)
}

/// A lane for each partition; one without for a table that has none.
fn lanes(source: &Source, codes: &[Arc<str>]) -> Result<Vec<Lane>> {
    if codes.is_empty() {
        return Ok(vec![Lane { partition: None, source: source.clone() }]);
    }
    let lane = |code: &Arc<str>| {
        let source = partitions::source_of(source, code).map_err(|error| Error::from(*error))?;
        Ok(Lane { partition: Some(Arc::clone(code)), source })
    };
    codes.iter().map(lane).collect()
}
