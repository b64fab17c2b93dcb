//! Runs a selection: one plan over all, or one for each partition, whose rows are dealt.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use super::deal::{Hand, shares};
use super::layout::PARTITION;
use super::limit;
use super::plan::Selection;
use super::rows::{Meaning, Seen, Selected};
use crate::system::{Counters, scopes};
use crate::{Error, ErrorKind, Result, scan};

/// Partitions that are read at once.
const AT_ONCE: usize = 8;
/// Rows of a partition that are handed on together.
const CHUNK: u64 = 1_000;

/// Takes the rows of a selection, in their order.
#[async_trait]
pub(super) trait Sink: Send {
    /// Takes some.
    async fn take(&mut self, rows: Vec<Selected>) -> Result<()>;
}

/// A partition that could not be read to its end.
pub(crate) type Failed = (Arc<str>, Error);

impl Selection {
    /// The number of rows that LIMIT says; `None` without one. It may read, if it has a subquery.
    ///
    /// # Errors
    /// A LIMIT that is no number of rows.
    pub(crate) async fn limit(&self, state: &SessionState) -> Result<Option<u64>> {
        match &self.limit {
            Some(plan) => limit::read(&scan::strict(state), plan).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is run, for each partition that is read apart. A LIMIT that has to be read itself is left out.
    ///
    /// # Errors
    /// Those of the planner.
    pub(crate) async fn physical(
        &self,
        state: &SessionState,
    ) -> Result<Vec<(Option<Arc<str>>, Arc<dyn ExecutionPlan>)>> {
        let limit = match &self.limit {
            Some(plan) if limit::is_constant(plan)? => self.limit(state).await?,
            _ => None,
        };
        let state = scan::strict(state);
        let mut plans = Vec::new();
        for (code, plan) in self.parts(limit)? {
            plans.push((code, state.create_physical_plan(&plan).await?));
        }
        Ok(plans)
    }

    /// What is run, for each partition that is read apart.
    ///
    /// Under ORDER BY and a LIMIT over all partitions they are read together: which rows are the first ones is told by
    /// all of them.
    fn parts(&self, limit: Option<u64>) -> Result<Vec<(Option<Arc<str>>, LogicalPlan)>> {
        let is_together = self.has_order && limit.is_some() && !self.is_per_partition;
        let is_one = self.partitions.len() < 2 || self.layout.partition.is_none() || self.may_choose();
        if is_together || is_one {
            return Ok(vec![(self.only_partition(), self.limited(self.body.clone(), limit)?)]);
        }
        let part = |code: &Arc<str>| {
            let plan = LogicalPlanBuilder::from(self.body.clone());
            let plan = plan.filter(datafusion::logical_expr::col(quoted(PARTITION)).eq(lit(code.as_ref())))?.build()?;
            Ok((Some(Arc::clone(code)), self.limited(plan, limit)?))
        };
        self.partitions.iter().map(part).collect()
    }

    /// A MERGE is one join over all partitions: which rows are not matched is told by all of them.
    fn may_choose(&self) -> bool {
        self.layout.choice.is_some()
    }

    fn only_partition(&self) -> Option<Arc<str>> {
        match self.partitions.as_slice() {
            [one] => Some(Arc::clone(one)),
            _ => None,
        }
    }

    /// Rows that may come twice are counted when they have come.
    fn limited(&self, plan: LogicalPlan, limit: Option<u64>) -> Result<LogicalPlan> {
        match limit.filter(|_| !self.may_repeat) {
            Some(limit) => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Ok(LogicalPlanBuilder::from(plan).limit(0, Some(limit))?.build()?)
            }
            None => Ok(plan),
        }
    }

    /// Reads the rows, and hands them on. Returns the partitions that failed; the others went on.
    ///
    /// # Errors
    /// Whatever is no failure of one partition alone; the failure of all of them.
    pub(super) async fn run(&self, state: &SessionState, sink: &mut dyn Sink) -> Result<Vec<Failed>> {
        let limit = self.limit(state).await?;
        if limit == Some(0) {
            return Ok(Vec::new());
        }
        let state = scan::strict(state);
        let parts = self.parts(limit)?;
        let meaning = self.meaning();
        let lane =
            |(code, plan): (Option<Arc<str>>, LogicalPlan)| Lane::new(&state, &meaning, code, plan, self.whole(limit));
        let lanes: Vec<Lane<'_>> = parts.into_iter().map(lane).collect();
        let mut order = Numbered { sink, next: 0, left: limit.unwrap_or(u64::MAX) };
        match (lanes.len(), limit) {
            (1, _) => read_alone(lanes, &mut order).await.map(|()| Vec::new()),
            (_, Some(limit)) if !self.is_per_partition => {
                let weights = self.weights().await;
                deal(lanes, &weights, limit, &mut order).await
            }
            (lanes_read, _) => {
                order.left = limit.map_or(u64::MAX, |limit| limit.saturating_mul(lanes_read as u64));
                read_all(lanes, &mut order).await
            }
        }
    }

    /// Most rows of one plan that is read to its end before any of its rows counts.
    fn whole(&self, limit: Option<u64>) -> Option<u64> {
        limit.filter(|_| self.may_repeat)
    }

    /// What is left of the tightest quota of each partition; nothing where that is not known of all.
    async fn weights(&self) -> Vec<u64> {
        let codes: Vec<&str> = self.partitions.iter().map(AsRef::as_ref).collect();
        let Ok(counters) = Counters::read(&self.connection, &codes).await else { return vec![0; codes.len()] };
        let left = |code: &str| {
            let keys = scopes(&self.connection, Some(code));
            let own = keys.get(..1).unwrap_or_default();
            counters.meters(own).filter_map(|meter| meter.remaining.or(meter.limit)).min()
        };
        let left: Option<Vec<u64>> = codes.iter().map(|code| left(code)).collect();
        left.unwrap_or_else(|| vec![0; codes.len()])
    }
}

fn quoted(name: &str) -> datafusion::common::Column {
    datafusion::common::Column::from_name(name)
}

/// One plan that runs.
struct Lane<'a> {
    state: &'a SessionState,
    meaning: &'a Meaning,
    code: Option<Arc<str>>,
    plan: LogicalPlan,
    /// `None` before its first row is asked for, so that one of which nothing is wanted sends nothing.
    rows: Option<SendableRecordBatchStream>,
    seen: Seen,
    ready: VecDeque<Selected>,
    is_ended: bool,
    /// Read to the end first, keeping so many rows.
    whole: Option<u64>,
    /// Rows that were handed on.
    given: u64,
}

impl<'a> Lane<'a> {
    fn new(
        state: &'a SessionState,
        meaning: &'a Meaning,
        code: Option<Arc<str>>,
        plan: LogicalPlan,
        whole: Option<u64>,
    ) -> Self {
        Self {
            state,
            meaning,
            code,
            plan,
            rows: None,
            seen: Seen::default(),
            ready: VecDeque::new(),
            is_ended: false,
            whole,
            given: 0,
        }
    }

    /// At most so many rows; fewer only at the end.
    async fn take(&mut self, most: u64) -> Result<Vec<Selected>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let wanted = if self.whole.is_some() { usize::MAX } else { most };
        while self.ready.len() < wanted && !self.is_ended {
            self.read().await?;
        }
        let taken: Vec<Selected> = self.ready.drain(..most.min(self.ready.len())).collect();
        self.given += taken.len() as u64;
        Ok(taken)
    }

    async fn read(&mut self) -> Result<()> {
        if self.rows.is_none() {
            let physical = self.state.create_physical_plan(&self.plan).await?;
            self.rows = Some(execute_stream(physical, self.state.task_ctx())?);
        }
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let Some(batch) = rows.next().await else {
            self.is_ended = true;
            self.rows = None;
            return Ok(());
        };
        let found = self.meaning.rows(&batch?, self.code.as_ref(), &mut self.seen)?;
        let room = self.whole.map_or(u64::MAX, |whole| whole.saturating_sub(self.ready.len() as u64));
        self.ready.extend(found.into_iter().take(usize::try_from(room).unwrap_or(usize::MAX)));
        Ok(())
    }

    /// The failure, if it is one of this partition alone.
    fn failed(&self, error: Error) -> Result<Failed> {
        let is_own = matches!(error.kind(), ErrorKind::Remote | ErrorKind::QuotaExhausted | ErrorKind::Connection);
        match self.code.as_ref().filter(|_| is_own) {
            None => Err(error),
            Some(code) if self.given == 0 => Ok((Arc::clone(code), error)),
            Some(code) => {
                let message = format!("{} of its rows were selected before its reading failed: {error}", self.given);
                Ok((Arc::clone(code), Error::new(error.kind(), message).with_source(error)))
            }
        }
    }
}

/// Gives the rows their places, and keeps the bound whatever comes.
struct Numbered<'a> {
    sink: &'a mut dyn Sink,
    next: u64,
    left: u64,
}

impl Numbered<'_> {
    async fn take(&mut self, mut rows: Vec<Selected>) -> Result<()> {
        rows.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= rows.len() as u64;
        for row in &mut rows {
            row.ordinal = self.next;
            self.next += 1;
        }
        if rows.is_empty() { Ok(()) } else { self.sink.take(rows).await }
    }
}

async fn read_alone(lanes: Vec<Lane<'_>>, order: &mut Numbered<'_>) -> Result<()> {
    for mut lane in lanes {
        loop {
            let rows = lane.take(CHUNK.min(order.left)).await?;
            if rows.is_empty() {
                break;
            }
            order.take(rows).await?;
        }
    }
    Ok(())
}

/// Reads all of each partition, some of them at once.
async fn read_all(lanes: Vec<Lane<'_>>, order: &mut Numbered<'_>) -> Result<Vec<Failed>> {
    let all = lanes.len();
    let lanes: Vec<_> = lanes.into_iter().map(chunks).collect();
    let mut read = stream::iter(lanes).flatten_unordered(AT_ONCE);
    let mut failures = Vec::new();
    while let Some(chunk) = read.next().await {
        match chunk {
            Ok(rows) => order.take(rows).await?,
            Err(failed) => failures.push(failed?),
        }
    }
    unless_all(failures, all)
}

/// The rows of a partition, some at a time. At its failure, that ends it.
fn chunks(lane: Lane<'_>) -> BoxStream<'_, Result<Vec<Selected>, Result<Failed>>> {
    let next = |lane: Option<_>| async move {
        let mut lane: Lane<'_> = lane?;
        match lane.take(CHUNK).await {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => Some((Ok(rows), Some(lane))),
            Err(error) => Some((Err(lane.failed(error)), None)),
        }
    };
    stream::unfold(Some(lane), next).boxed()
}

/// Deals `limit` rows to the partitions: each is read as far as its share goes, and what one does not have goes to the
/// others.
async fn deal(lanes: Vec<Lane<'_>>, weights: &[u64], limit: u64, order: &mut Numbered<'_>) -> Result<Vec<Failed>> {
    let all = lanes.len();
    let mut left = limit;
    let mut hands: Vec<Hand> = weights.iter().map(|weight| Hand { weight: *weight, is_open: true }).collect();
    let mut lanes: Vec<Option<Lane<'_>>> = lanes.into_iter().map(Some).collect();
    let mut failures = Vec::new();
    while left > 0 && hands.iter().any(|hand| hand.is_open) {
        let shares = shares(left, &hands);
        let turns: Vec<_> = lanes
            .iter_mut()
            .zip(shares)
            .enumerate()
            .filter(|(_, (_, share))| *share > 0)
            .filter_map(|(place, (lane, share))| Some((place, lane.take()?, share)))
            .collect();
        let mut turns = stream::iter(turns.into_iter().map(turn)).buffered(AT_ONCE);
        while let Some(Turn { place, share, lane, taken }) = turns.next().await {
            let is_open = match taken {
                Ok(rows) => {
                    let count = rows.len() as u64;
                    left = left.saturating_sub(count);
                    order.take(rows).await?;
                    count == share
                }
                Err(error) => {
                    failures.push(lane.failed(error)?);
                    false
                }
            };
            if let Some(hand) = hands.get_mut(place) {
                hand.is_open = is_open;
            }
            if let Some(place) = lanes.get_mut(place).filter(|_| is_open) {
                *place = Some(lane);
            }
        }
    }
    unless_all(failures, all)
}

/// What a partition gave in its turn.
struct Turn<'a> {
    place: usize,
    share: u64,
    lane: Lane<'a>,
    taken: Result<Vec<Selected>>,
}

async fn turn((place, mut lane, share): (usize, Lane<'_>, u64)) -> Turn<'_> {
    let taken = lane.take(share).await;
    Turn { place, share, lane, taken }
}

/// The failures, unless no partition is left.
fn unless_all(mut failures: Vec<Failed>, all: usize) -> Result<Vec<Failed>> {
    if failures.len() < all {
        return Ok(failures);
    }
    let Some((code, first)) = failures.drain(..).next() else { return Ok(Vec::new()) };
    let message = format!("none of the {all} partitions could be read; in {code}: {first}");
    Err(Error::new(first.kind(), message).with_source(first))
}
