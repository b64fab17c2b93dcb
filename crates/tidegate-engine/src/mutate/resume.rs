//! RESUME and APPLY: goes on with a mutation of the journal, of this process or an earlier one.
//!
//! A sealed mutation never selects again. Its rows go where they were to go: a connection that has another origin or
//! signs otherwise since is refused.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::{SendableRecordBatchStream, SessionState};
use tidegate_mutation::Reselect;
use tidegate_spec::Table;
use tidegate_state::{Claim, MutationRecord, MutationState};

use super::journal::{Kept, blocking, origin};
use super::plan::{self, Selection};
use super::returning::Output;
use super::run::{Finished, Host, Sending, Task};
use super::summary::Watched;
use super::undo;
use crate::session::{self, Planner, Run};
use crate::sql::{self, Parsed};
use crate::{Connection, Error, ErrorKind, Result};

/// Rows that were selected longer ago are looked at again before they are sent.
const STALE_AFTER: Duration = Duration::from_secs(3_600);

/// Kind of a mutation that undoes another.
pub(crate) const UNDO: &str = "undo";

/// A mutation of the journal that may be gone on with.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) record: MutationRecord,
    pub(crate) kept: Kept,
    pub(crate) connection: Arc<Connection>,
    pub(crate) table: Arc<Table>,
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Its rows waited for this.
    Apply,
    /// It was interrupted.
    Resume,
}

impl Found {
    /// Looks up what the mutation needs, and refuses another connection than it was begun with.
    ///
    /// # Errors
    /// There is no such connection or table any more, or it reaches something else; a description that cannot be read.
    pub(crate) async fn new(run: &Run, record: MutationRecord) -> Result<Self> {
        let kept = Kept::of(&record)?;
        let (id, start) = (&record.start.id, &record.start);
        let fail = |kind, why: String| Error::new(kind, format!("mutation {id} cannot be gone on with: {why}"));
        let connection = run.shared().connection(&start.connection).ok_or_else(|| {
            fail(ErrorKind::Name, format!("there is no connection {}; make it as it was", start.connection))
        })?;
        if origin(&connection) != start.origin {
            let why = format!("{} went to {}, and goes to {} now", start.connection, start.origin, origin(&connection));
            return Err(fail(ErrorKind::Connection, why));
        }
        if connection.fingerprint != start.fingerprint {
            let why = format!(
                "{} has another credential or path than it had when the mutation was begun: its rows belong there",
                start.connection
            );
            return Err(fail(ErrorKind::Connection, why));
        }
        let known = run.engine().models().resolve(&connection, run).await?;
        let table = known.table(&start.table).cloned().ok_or_else(|| {
            fail(ErrorKind::Name, format!("{} has no table {} any more", start.connection, start.table))
        })?;
        Ok(Self { record, kept, connection, table })
    }

    /// Claims it and goes on with it.
    ///
    /// # Errors
    /// Another process runs it, it has nothing left to do, and those of the journal.
    pub(crate) async fn start(self, host: Host, verb: Verb) -> Result<(Watched, SendableRecordBatchStream)> {
        let id = self.record.start.id.clone();
        let (claim, before, state) = claim(&host, &id, verb).await?;
        let watched = Watched::new(&id, Arc::clone(host.journal()));
        let kind = self.record.start.kind.clone();
        let task = Task { host, watched: watched.clone(), id, kind, output: Output::Counts };
        let stream = task.start(|task| async move {
            match state {
                None => task.finished().await,
                Some(MutationState::Selecting) => self.select_afresh(&task, claim).await,
                Some(_) => self.send(&task, claim, verb, &before).await,
            }
        });
        Ok((watched, stream))
    }

    /// Sends what is sealed.
    async fn send(&self, task: &Task, claim: Claim, verb: Verb, before: &MutationRecord) -> Finished {
        let now = task.host.run.engine().parts().clock.now();
        let age = before.sealed_at.and_then(|sealed_at| now.duration_since(sealed_at).ok());
        let is_undo = before.start.kind == UNDO;
        let is_stale = age.is_none_or(|age| age > STALE_AFTER);
        let was_planned = before.start.is_planned;
        // What was planned is sent as it was shown: nothing is computed anew.
        let reselect = if is_undo || was_planned { None } else { self.reselect(&task.host).await };
        let sending =
            Sending { verify: verb == Verb::Apply || was_planned || is_undo || is_stale, reselect, ..self.sending() };
        task.send(claim, sending).await
    }

    fn sending(&self) -> Sending {
        Sending {
            connection: Arc::clone(&self.connection),
            table: Arc::clone(&self.table),
            partitions: self.kept.partitions.iter().map(|code| Arc::from(code.as_str())).collect(),
            in_order: self.kept.in_order,
            verify: false,
            reselect: None,
            known: Vec::new(),
        }
    }

    /// Selects rows anew by their keys. A statement that cannot be planned any more does without: rows are compared with
    /// their old values then.
    async fn reselect(&self, host: &Host) -> Option<Arc<dyn Reselect>> {
        let (selection, state) = self.replanned(host).await.ok()?;
        selection.reselect(state)
    }

    /// A mutation that was killed while selecting had sent nothing.
    async fn select_afresh(&self, task: &Task, claim: Claim) -> Finished {
        let id = task.id.clone();
        if let Err(error) = blocking(task.host.journal(), move |journal| journal.discard_rows(&id)).await {
            return task.not_sealed(error).await;
        }
        if self.record.start.kind == UNDO {
            return undo::seal_and_send(task, claim, self, self.sending()).await;
        }
        let (selection, state) = match self.replanned(&task.host).await {
            Ok(replanned) => replanned,
            Err(error) => return task.not_sealed(error).await,
        };
        let is_planned = self.record.start.is_planned;
        if let Err(finished) = task.seal(&selection, &state, is_planned).await {
            return finished;
        }
        if is_planned {
            return task.planned().await;
        }
        let reselect = selection.reselect(state);
        task.send(claim, Sending { reselect, ..self.sending() }).await
    }

    /// The statement's selection, planned again as it was.
    async fn replanned(&self, host: &Host) -> Result<(Selection, SessionState)> {
        let text = &self.record.start.statement;
        if !self.kept.is_whole {
            let message = "its statement had parameters, or secrets that are not kept: run it again";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let Parsed::Mutation { statement, .. } = sql::parse(text)? else {
            return Err(Error::new(ErrorKind::Syntax, "its statement is no mutation any more: run it again"));
        };
        let shared = host.run.shared().with_partitions(&self.connection.def.name, &self.kept.partitions);
        let shared = Arc::new(shared);
        let part = host.run.part(Arc::clone(&shared), host.run.settings().clone())?;
        let planner = Planner::of(shared)?;
        let selection = plan::plan(&planner, &part, text, &statement, &self.kept.default_schema).await?;
        let state = session::state(&planner, &part, &host.statement)?;
        Ok((selection, state))
    }
}

/// Claims the mutation and opens it again. The record is as it was before; no state means that nothing is left to do.
async fn claim(host: &Host, id: &str, verb: Verb) -> Result<(Claim, MutationRecord, Option<MutationState>)> {
    let name = id.to_owned();
    let gone = || Error::new(ErrorKind::Name, format!("mutation {id} is not in the journal any more"));
    let (claim, record) = blocking(host.journal(), move |journal| {
        let claim = journal.claim(&name)?;
        let record = journal.mutation(&name)?;
        Ok((claim, record))
    })
    .await?;
    let record = record.ok_or_else(gone)?;
    check_state(&record, verb)?;
    let counts = &record.counts;
    if record.state == MutationState::Done && counts.failed + counts.unknown == 0 {
        return Ok((claim, record, None));
    }
    let name = id.to_owned();
    let state = blocking(host.journal(), move |journal| journal.reopen(&name)).await?;
    Ok((claim, record, Some(state)))
}

fn check_state(record: &MutationRecord, verb: Verb) -> Result<()> {
    let id = &record.start.id;
    let problem = match (verb, record.state) {
        (Verb::Apply, MutationState::Planned) => return Ok(()),
        (_, MutationState::Failed) => {
            let why = record.reason.as_deref().unwrap_or("its rows could not be selected");
            format!("mutation {id} has sent nothing, and has nothing to send: {why}; run its statement again")
        }
        (Verb::Resume, MutationState::Planned) => {
            format!("mutation {id} is planned, and has not begun: APPLY MUTATION '{id}' sends its rows")
        }
        (Verb::Apply, MutationState::Selecting) => {
            format!("mutation {id} was interrupted while its rows were selected: RESUME MUTATION '{id}' selects them")
        }
        (Verb::Apply, _) if record.start.is_planned => {
            format!("mutation {id} was applied before: RESUME MUTATION '{id}' goes on with what is left of it")
        }
        (Verb::Apply, _) => format!("mutation {id} was not planned: RESUME MUTATION '{id}' goes on with it"),
        (Verb::Resume, _) => return Ok(()),
    };
    Err(Error::new(ErrorKind::Unsupported, problem))
}
