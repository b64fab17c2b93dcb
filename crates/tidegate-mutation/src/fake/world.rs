//! A mutation in a journal, an API that it is carried out on, and a clock that nobody waits for.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};
use tidegate_remote::Source;
use tidegate_remote::write::Cells;
use tidegate_spec::{Table, WriteKind};
use tidegate_state::{Journal, MutationStart, RowState};
use tidegate_transport::{Blanks, Clock as _, Spending, Statement, TestClock};
use url::Url;

use super::api::{Api, Stored};
use super::tables::{Style, table};
use super::watch::Watch;
use crate::{Error, Job, Lane, OnError, Policy, Report, Row, Writer, run};

/// Everything that a run needs.
#[derive(Debug)]
pub(crate) struct World {
    /// Id of the mutation.
    pub(crate) id: &'static str,
    pub(crate) style: Style,
    pub(crate) table: Arc<Table>,
    pub(crate) api: Arc<Api>,
    /// Partitions, each with an API of its own, beside the lane without one.
    pub(crate) partitions: Vec<(&'static str, Arc<Api>)>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) journal: Arc<Journal>,
    /// What was written into the journal.
    pub(crate) watch: Arc<Watch>,
    pub(crate) policy: Policy,
    pub(crate) max_calls: Option<u64>,
    pub(crate) verify: bool,
    pub(crate) reselect: Option<Arc<dyn crate::Reselect>>,
    /// The statement of the next run.
    pub(crate) statement: Arc<Statement>,
}

pub(crate) fn cells(value: Json) -> Cells {
    serde_json::from_value(value).unwrap()
}

impl World {
    /// An API with `rows` rows, of which row `i` has the id `i + 1`, the name `old` and `n` 0; and no mutation yet.
    pub(crate) fn new(style: Style, rows: u64) -> Self {
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let api = Api::new(style, Arc::clone(&clock));
        let journal = Arc::new(Journal::in_memory());
        for id in 1..=rows as i64 {
            api.lock().rows.insert(id, Stored { name: "old".to_owned(), n: 0, version: 1 });
        }
        Self {
            id: "m1",
            style,
            table: table(style),
            api,
            partitions: Vec::new(),
            clock,
            watch: Arc::new(Watch::new(Arc::clone(&journal))),
            journal,
            policy: Policy { on_error: OnError::Continue(5), concurrency: 8, in_order: false },
            max_calls: None,
            verify: false,
            reselect: None,
            statement: Arc::new(Statement::new(1)),
        }
    }

    /// The row that changes the row with this ordinal: each writes an `n` of its own, one above its ordinal.
    pub(crate) fn row(&self, kind: WriteKind, ordinal: u64) -> Row {
        let (id, n) = (ordinal + 1, ordinal + 1);
        let mut row = Row::selected(ordinal, None, kind);
        if kind != WriteKind::Insert || self.style.own_id {
            row.key = cells(json!({ "id": id }));
        }
        if kind != WriteKind::Delete {
            row.new = cells(json!({"name": "new", "n": n}));
        }
        if kind == WriteKind::Insert {
            row.new.extend(row.key.clone());
        } else {
            row.old = cells(json!({"name": "old", "n": 0}));
            row.version = self.style.versions.then(|| "v1".to_owned());
        }
        row
    }

    /// Journals and seals rows of this kind, one for each row of the API.
    pub(crate) fn seal(&self, kind: WriteKind, rows: u64) {
        self.seal_rows((0..rows).map(|ordinal| self.row(kind, ordinal)));
    }

    /// Journals and seals these rows.
    pub(crate) fn seal_rows(&self, rows: impl IntoIterator<Item = Row>) {
        let now = self.clock.now();
        let text = |text: &str| text.to_owned();
        let start = MutationStart {
            id: text(self.id),
            principal: text("me"),
            kind: text("update"),
            statement: text("UPDATE"),
            settings: text("{}"),
            connection: text("crm"),
            table: text("items"),
            origin: text("http://api.example"),
            fingerprint: text("f"),
            undo_of: None,
            is_planned: false,
            label: None,
            started_at: now,
        };
        self.journal.create(&start).unwrap();
        let starts: Vec<_> = rows.into_iter().map(|row| row.start()).collect();
        self.journal.add_rows(self.id, &starts).unwrap();
        self.journal.seal(self.id, now, false).unwrap();
    }

    /// A partition with an API of its own, which has as many rows as the first.
    pub(crate) fn add_partition(&mut self, code: &'static str) -> Arc<Api> {
        let api = Api::new(self.style, Arc::clone(&self.clock));
        api.lock().rows = self.api.lock().rows.clone();
        self.partitions.push((code, Arc::clone(&api)));
        api
    }

    fn lane(&self, partition: Option<&str>, api: &Arc<Api>) -> Lane {
        let partition = partition.map(Arc::from);
        let source = Source {
            transport: Arc::clone(api) as _,
            base: Url::parse("http://api.example/").unwrap(),
            principal: "me".into(),
            connection: "crm".into(),
            partition: partition.clone(),
            statement: Arc::clone(&self.statement),
            fresh: false,
            tally: None,
            blanks: Blanks::default(),
        };
        Lane { partition, source }
    }

    pub(crate) fn job(&self) -> Job {
        let others = self.partitions.iter().map(|(code, api)| self.lane(Some(code), api));
        Job {
            mutation: self.id.to_owned(),
            table: Arc::clone(&self.table),
            lanes: std::iter::once(self.lane(None, &self.api)).chain(others).collect(),
            policy: self.policy,
            reselect: self.reselect.clone(),
            verify: self.verify,
            statement: Arc::clone(&self.statement),
            clock: self.clock.clone(),
        }
    }

    /// The claim, once an earlier run has written all that it noted.
    pub(crate) async fn writer(&self) -> Writer {
        loop {
            match self.journal.claim(self.id) {
                Ok(claim) => {
                    let (watch, journal) = (Arc::clone(&self.watch), Arc::clone(&self.journal));
                    return Writer::over(watch, journal, claim, self.clock.clone());
                }
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    fn begin(&mut self) {
        let spending = Spending { max_calls: self.max_calls, ..Spending::default() };
        self.statement = Arc::new(Statement::new(1).spending(spending));
    }

    /// Runs it to its end.
    pub(crate) async fn try_run(&mut self) -> Result<Report, Error> {
        self.begin();
        let writer = self.writer().await;
        let report = run(self.job(), &writer).await;
        writer.close().await.unwrap();
        report
    }

    pub(crate) async fn run(&mut self) -> Report {
        self.try_run().await.unwrap()
    }

    /// Runs it to its end, and something else beside it.
    pub(crate) async fn run_beside<T>(&mut self, other: impl AsyncFnOnce(&World) -> T) -> (Report, T) {
        self.begin();
        let writer = self.writer().await;
        let (report, other) = tokio::join!(run(self.job(), &writer), other(self));
        writer.close().await.unwrap();
        (report.unwrap(), other)
    }

    /// Runs it for so many turns and then drops it, as if the process were killed. Whether it came to its end before.
    pub(crate) async fn run_for(&mut self, turns: u64) -> bool {
        self.begin();
        let writer = self.writer().await;
        let mut running = pin!(run(self.job(), &writer));
        let mut left = turns;
        std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            running.as_mut().poll(context).map(|report| report.is_ok())
        })
        .await
    }

    /// The rows, as the journal has them.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let records = self.journal.rows(self.id, None, 1_000_000, None, None).unwrap();
        records.into_iter().map(|record| Row::of(record).unwrap()).collect()
    }

    /// `ordinal state: error` of each row that is not applied.
    pub(crate) fn not_applied(&self) -> Vec<String> {
        let others = self.rows().into_iter().filter(|row| row.state != RowState::Applied);
        others.map(|row| format!("{} {}: {}", row.ordinal, row.state.name(), row.error.unwrap_or_default())).collect()
    }
}
