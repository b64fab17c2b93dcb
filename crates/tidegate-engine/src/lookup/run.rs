//! A lookup join that runs: reads the driving side, decides, and joins.
//!
//! Without a limit all driving rows are read before anything is looked up, so that each request takes as many keys as it
//! can. Under a limit they are taken a few at a time, where each of them has its own part of the result.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, JoinType, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, stream};

use super::LookupJoinExec;
use super::driver::Driver;
use super::found::Found;
use super::held::HeldExec;
use super::keys::KeySet;
use super::metrics::LookupMetrics;
use crate::scan::{ApiScanExec, Asked};
use crate::{Error, ErrorKind};

/// Keys from which on it is asked now and then whether a scan would be cheaper, while the driving side is read.
const FEW: usize = 64;

/// Keys of one part of the driving rows where only lookups can be made: fewer than the requests that one scan may have,
/// each of which may take one key.
const MOST_OF_A_PART: usize = 4_096;

/// A run of a [`LookupJoinExec`].
pub(super) struct Run {
    exec: LookupJoinExec,
    task: Arc<TaskContext>,
    metrics: LookupMetrics,
    /// `None` when a join has taken the rest over.
    driver: Option<Driver>,
    keys: KeySet,
    /// For driving rows.
    memory: MemoryReservation,
    found: Found,
    joined: Option<SendableRecordBatchStream>,
    /// Rows that the reader still wants; `None` for all.
    wanted: Option<usize>,
    /// Keys, or rows, of the next part of the driving rows; `None` before the first.
    part: Option<usize>,
    /// Calls that lookups so far were expected to take.
    spent: u64,
}

/// How the table is read.
enum Decision {
    /// Whole.
    Scan,
    /// By these keys; `None` where no row can have one of them.
    Lookups(Option<Box<ApiScanExec>>),
}

impl Run {
    /// # Errors
    /// What the driving side refuses.
    pub(super) fn try_new(exec: LookupJoinExec, task: Arc<TaskContext>, metrics: LookupMetrics) -> Result<Self> {
        let driving = exec.driving();
        let keys = KeySet::try_new(&exec.join.driving_keys(), exec.side.keys(), &driving.schema())?;
        let place = format!("lookups of {}.{}", exec.connection(), exec.side.asking().table().name);
        let memory = |what: &str| MemoryConsumer::new(format!("{what} of {place}")).register(task.memory_pool());
        Ok(Self {
            driver: Some(Driver::new(driving.execute(0, Arc::clone(&task))?)),
            memory: memory("driving rows"),
            found: Found::new(memory("rows")),
            keys,
            joined: None,
            wanted: exec.fetch,
            part: None,
            spent: 0,
            exec,
            task,
            metrics,
        })
    }

    /// The batches. Nothing is asked for before the first poll.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.wanted == Some(0) {
                (self.joined, self.driver) = (None, None);
                return Ok(None);
            }
            let Some(joined) = &mut self.joined else {
                match self.begin().await? {
                    Some(joined) => self.joined = Some(joined),
                    None => return Ok(None),
                }
                continue;
            };
            match joined.next().await.transpose()? {
                Some(batch) if batch.num_rows() > 0 => return self.output(&batch).map(Some),
                Some(_) => {}
                None => self.joined = None,
            }
        }
    }

    /// Rows as this operator promises them.
    fn output(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let mut batch = RecordBatch::try_new_with_options(self.exec.schema(), batch.columns().to_vec(), &options)?;
        if let Some(wanted) = &mut self.wanted {
            batch = batch.slice(0, batch.num_rows().min(*wanted));
            *wanted -= batch.num_rows();
        }
        Ok(self.metrics.output(batch))
    }

    /// The next part of the result; `None` at its end.
    async fn begin(&mut self) -> Result<Option<SendableRecordBatchStream>> {
        let Some(driver) = self.driver.take() else { return Ok(None) };
        match self.wanted {
            Some(wanted) if self.exec.join.is_by_row() => self.some(driver, wanted).await,
            _ => self.all(driver).await,
        }
    }

    /// The join of all driving rows.
    async fn all(&mut self, mut driver: Driver) -> Result<Option<SendableRecordBatchStream>> {
        let mut rows = Vec::new();
        let mut looked_at = FEW;
        while let Some(batch) = driver.next().await? {
            let room = self.memory.try_grow(batch.get_array_memory_size());
            self.add(&batch, usize::MAX)?;
            rows.push(batch);
            if self.exec.side.scan().is_none() {
                room?;
                continue;
            }
            // A scan needs no driving rows to be held.
            if room.is_err() {
                return self.by_scan(rows, Some(driver)).map(Some);
            }
            if self.keys.len() >= looked_at {
                looked_at = self.keys.len() * 2;
                if matches!(self.decide()?, Decision::Scan) {
                    return self.by_scan(rows, Some(driver)).map(Some);
                }
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        match self.decide()? {
            Decision::Scan => self.by_scan(rows, None).map(Some),
            Decision::Lookups(scan) => self.by_lookups(rows, scan).map(Some),
        }
    }

    /// The join of the next driving rows, of which the result may have enough.
    async fn some(&mut self, mut driver: Driver, wanted: usize) -> Result<Option<SendableRecordBatchStream>> {
        self.memory.free();
        let is_first = self.part.is_none();
        let (most_keys, most_rows) = self.limits(&mut driver, wanted).await?;
        let (mut rows, mut count) = (Vec::new(), 0);
        while count < most_rows && self.keys.len() < most_keys && !(is_first && count > 0) {
            let Some(batch) = driver.next().await? else { break };
            let some = batch.slice(0, batch.num_rows().min(most_rows - count));
            let taken = self.add(&some, most_keys - self.keys.len())?;
            driver.put_back(batch.slice(taken, batch.num_rows() - taken));
            let some = some.slice(0, taken);
            self.memory.try_grow(some.get_array_memory_size())?;
            count += taken;
            rows.push(some);
        }
        if count == 0 {
            return Ok(None);
        }
        match self.decide()? {
            Decision::Scan => self.by_scan(rows, Some(driver)).map(Some),
            Decision::Lookups(scan) => {
                self.driver = Some(driver);
                self.by_lookups(rows, scan).map(Some)
            }
        }
    }

    /// How many new keys, and how many driving rows, the next part has at most.
    ///
    /// A row of a semi or anti join gives one row at most, so that as many are needed as are wanted; one of a left join
    /// gives one at least, so that no more are needed. Else it begins with the keys of one request. Each part is twice as
    /// large as the one before, so that their number stays small.
    async fn limits(&mut self, driver: &mut Driver, wanted: usize) -> Result<(usize, usize)> {
        let join_type = self.exec.join.join_type();
        let is_at_most_one = matches!(join_type, JoinType::LeftSemi | JoinType::LeftAnti);
        let part = match self.part {
            Some(part) => part.saturating_mul(2),
            None if is_at_most_one => wanted,
            None => self.keys_of_a_request(driver).await?,
        };
        let part = if self.exec.side.scan().is_none() { part.min(MOST_OF_A_PART) } else { part };
        self.part = Some(part);
        Ok(match join_type {
            _ if is_at_most_one => (usize::MAX, part),
            JoinType::Left => (part, wanted),
            _ => (part, usize::MAX),
        })
    }

    /// How many keys a request takes, by those of the first driving rows.
    async fn keys_of_a_request(&mut self, driver: &mut Driver) -> Result<usize> {
        let Some(batch) = driver.next().await? else { return Ok(1) };
        let (join, side) = (&self.exec.join, &self.exec.side);
        let mut keys = KeySet::try_new(&join.driving_keys(), side.keys(), &join.driving().schema())?;
        keys.add(&batch, usize::MAX)?;
        let requests = match side.asking().plan_keyed(keys.new_keys()) {
            Ok(Asked::Scan(scan)) => scan.requests().count(),
            _ => 1,
        };
        driver.put_back(batch);
        Ok(keys.len().div_ceil(requests.max(1)).max(1))
    }

    fn add(&mut self, batch: &RecordBatch, most: usize) -> Result<usize> {
        let before = self.keys.len();
        let rows = self.keys.add(batch, most)?;
        self.metrics.keys.add(self.keys.len() - before);
        Ok(rows)
    }

    fn decide(&self) -> Result<Decision> {
        let side = &self.exec.side;
        let planned = match self.keys.unsayable() {
            None => side.asking().plan_keyed(self.keys.new_keys()).map_err(|refused| refused.error),
            Some(value) => Err(self.unsayable(value)),
        };
        match (planned, side.scan()) {
            (Ok(Asked::Nothing), _) => Ok(Decision::Lookups(None)),
            (Ok(Asked::Scan(lookups)), Some(whole)) => {
                let most = whole.expected_calls();
                // For one call each lookups send fewer rows. For more of them what a scan takes is the better known.
                let calls = lookups.expected_calls();
                let is_cheaper = (calls < most || side.is_least(calls)) && self.spent < most;
                Ok(if is_cheaper { Decision::Lookups(Some(lookups)) } else { Decision::Scan })
            }
            (Ok(Asked::Scan(lookups)), None) => Ok(Decision::Lookups(Some(lookups))),
            (Err(_), Some(_)) => Ok(Decision::Scan),
            (Err(error), None) => Err(error.into()),
        }
    }

    fn unsayable(&self, value: &str) -> Error {
        let (connection, asking) = (self.exec.connection(), self.exec.side.asking());
        let keys = self.exec.side.key_names().join(" and ");
        let message = format!(
            "{connection}.{} can only be read with a filter, and the join gives {keys} the value {value}, which the column \
             cannot be asked for; leave such rows out, or cast the key to the column's type",
            asking.table().name
        );
        Error::new(ErrorKind::Query, message)
    }

    /// Joins the rows with the table read whole. What is left of the driving side is read as it is joined.
    fn by_scan(&mut self, rows: Vec<RecordBatch>, rest: Option<Driver>) -> Result<SendableRecordBatchStream> {
        let Some(scan) = self.exec.side.scan() else {
            return Err(DataFusionError::Internal("a table that lacks a filter was to be read whole".to_owned()));
        };
        self.metrics.scans.add(1);
        let scan = scan.as_ref().clone().counting(self.exec.scans.clone());
        let table = self.exec.side.over(Arc::new(scan))?;
        let rest = stream::iter(rest).map(Driver::into_stream).flatten();
        let driving = self.held(stream::iter(rows).map(Ok).chain(rest));
        let join = self.exec.join.as_planned(driving, table, self.wanted)?;
        join.execute(0, Arc::clone(&self.task))
    }

    /// Joins the rows with those that were looked up before and that this scan looks up.
    fn by_lookups(
        &mut self,
        rows: Vec<RecordBatch>,
        scan: Option<Box<ApiScanExec>>,
    ) -> Result<SendableRecordBatchStream> {
        self.keys.taken();
        let side = &self.exec.side;
        let leaf: Arc<dyn ExecutionPlan> = match scan {
            Some(scan) => {
                self.spent = self.spent.saturating_add(scan.expected_calls());
                self.metrics.lookups.add(scan.requests().count());
                let scan = if self.exec.to_end { scan.to_end() } else { *scan };
                Arc::new(scan.by_keys().counting(self.exec.scans.clone()))
            }
            None => Arc::new(EmptyExec::new(side.asking().output_schema()?)),
        };
        let mut table = side.over(leaf)?;
        if self.driver.is_some() {
            let rows = self.found.with(table.schema(), table.execute(0, Arc::clone(&self.task))?);
            table = Arc::new(HeldExec::new(table.schema(), rows));
        }
        let driving = self.held(stream::iter(rows).map(Ok));
        let join = self.exec.join.by_lookups(driving, table, self.wanted)?;
        join.execute(0, Arc::clone(&self.task))
    }

    fn held(&self, rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static) -> Arc<dyn ExecutionPlan> {
        let schema = self.exec.driving().schema();
        let rows = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), Box::pin(rows)));
        Arc::new(HeldExec::new(schema, rows))
    }
}
