//! The operator that lets an API compute the aggregates of groups, and hands them on as states to be merged.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt, stream};
use tidegate_remote::{ErrorKind, ScanRequest, Source};

use super::super::count::with_advice;
use super::super::exec::{fmt_reach, fmt_request, fmt_requests};
use super::super::failures::{Failures, Tolerance};
use super::super::fanout::AT_ONCE;
use super::super::metrics::ScanMetrics;
use super::super::{ApiScanExec, ScanContext};
use super::states::States;
use crate::cost::Known;
use crate::{Reach, Settings, partitions};

/// States of the groups of a table's rows.
#[derive(Debug, Clone)]
pub struct ApiGroupsExec {
    pub(super) connection: Arc<str>,
    /// What is asked of the rows, for show.
    pub(super) common: ScanRequest,
    pub(super) requests: Requests,
    pub(super) states: States,
    /// The partitions that are asked; `None` where there are none.
    pub(super) reach: Option<Reach>,
    /// Numbers of rows that were known when the query was planned.
    pub(super) known: Known,
    /// Whether answers have to come from the server now.
    fresh: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// How groups are asked for. No row belongs to two of the requests.
#[derive(Debug, Clone)]
pub(super) enum Requests {
    /// By scans of the groups.
    Groups(Arc<[ScanRequest]>),
    /// By the number of rows in each partition.
    Counts(Arc<[ScanRequest]>),
}

impl Requests {
    pub(super) fn all(&self) -> &Arc<[ScanRequest]> {
        match self {
            Self::Groups(requests) | Self::Counts(requests) => requests,
        }
    }
}

impl ApiGroupsExec {
    /// States of the groups of the rows of `scan`, in `schema`.
    pub(super) fn new(scan: &ApiScanExec, requests: Requests, states: States, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            connection: Arc::clone(scan.connection()),
            common: scan.common().clone(),
            requests,
            states,
            reach: scan.reach().cloned(),
            known: scan.asking().known.clone(),
            fresh: scan.asking().is_strict,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Connection, as named in SQL.
    #[must_use]
    pub fn connection(&self) -> &Arc<str> {
        &self.connection
    }

    /// Calls that a run surely takes: one for each request in each partition. Groups may come in several pages.
    pub(super) fn least_calls(&self) -> u64 {
        let partitions = self.reach.as_ref().map_or(1, |reach| reach.codes().len());
        partitions.saturating_mul(self.requests.all().len()) as u64
    }

    fn group_names(&self) -> String {
        let table = &self.common.table;
        let names: Vec<&str> = self
            .states
            .by
            .iter()
            .filter_map(|&column| table.columns.get(column))
            .map(|column| column.name.as_str())
            .collect();
        names.join(", ")
    }

    fn value_names(&self) -> String {
        let name = |value: &tidegate_spec::Aggregate| {
            let column = value.column().and_then(|column| self.common.table.columns.get(column));
            format!("{}({})", value.function(), column.map_or("*", |column| column.name.as_str()))
        };
        self.states.values.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// What a run has at hand.
struct Asker {
    source: Source,
    requests: Requests,
    states: States,
    metrics: ScanMetrics,
    place: String,
    /// How to do without the server's groups or counts.
    advice: &'static str,
}

impl Asker {
    /// States of one partition, all of them at once: of a partition that fails, nothing is handed on.
    async fn states(&self, code: Option<&str>) -> Result<Vec<RecordBatch>> {
        let source = match code {
            Some(code) => {
                partitions::source_of(&self.source, code).map_err(|error| DataFusionError::External(error as _))?
            }
            None => self.source.clone(),
        };
        match &self.requests {
            Requests::Groups(requests) => self.groups(&source, requests, code).await,
            Requests::Counts(requests) => self.counts(&source, requests, code).await,
        }
    }

    async fn groups(&self, source: &Source, requests: &[ScanRequest], code: Option<&str>) -> Result<Vec<RecordBatch>> {
        let mut states = Vec::new();
        for request in requests {
            // Groups say nothing of the number of the table's rows.
            let source = Source { tally: None, ..source.clone() };
            let mut pages = tidegate_remote::scan(source, request.clone());
            let mut groups = 0;
            while let Some(page) = pages.next().await {
                self.metrics.refresh();
                let page = page.map_err(|error| DataFusionError::External(Box::new(self.if_ignored(error))))?;
                groups += page.batch.num_rows();
                if groups > 1 && self.states.is_one_group() {
                    return exec_err!("{}: the server sent {groups} groups where one was asked for", self.place);
                }
                states.push(self.states.read(&page.batch, code)?);
            }
        }
        Ok(states)
    }

    /// A row without a member that was asked for is a row of the table: what reads a bad value as NULL would hide that.
    fn if_ignored(&self, error: tidegate_remote::Error) -> tidegate_remote::Error {
        let tidegate_remote::Error { place, kind } = error;
        let kind = match kind {
            ErrorKind::BadValue { column, value, .. } if value == tidegate_remote::MISSING => ErrorKind::Body(format!(
                "the answer has no {column}: the server seems to ignore that groups were asked for; {}",
                self.advice
            )),
            kind => kind,
        };
        tidegate_remote::Error { place, kind }
    }

    async fn counts(&self, source: &Source, requests: &[ScanRequest], code: Option<&str>) -> Result<Vec<RecordBatch>> {
        let mut rows = 0_u64;
        for request in requests {
            let counted = tidegate_remote::count(source.clone(), request.clone()).await;
            self.metrics.refresh();
            rows = rows.saturating_add(counted.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        let Ok(rows) = i64::try_from(rows) else {
            return exec_err!("{}: the server counts {rows} rows, which is no number of rows", self.place);
        };
        let column: ArrayRef = Arc::new(Int64Array::from(vec![rows]));
        Ok(vec![self.states.read(&RecordBatch::try_from_iter([("count", column)])?, code)?])
    }

    /// States of these partitions, several of which are asked at once.
    async fn all_states(&self, failures: &Failures, codes: &[Arc<str>]) -> Result<Vec<RecordBatch>> {
        let ask = |place: usize| {
            let code = codes.get(place).map(AsRef::as_ref);
            async move { (place, self.states(code).await) }
        };
        let mut answers = std::pin::pin!(stream::iter((0..codes.len()).map(ask)).buffer_unordered(AT_ONCE));
        let mut all = Vec::new();
        while let Some((place, states)) = answers.next().await {
            match states {
                Ok(states) => all.extend(states),
                Err(error) => failures.take(place, 0, error)?,
            }
        }
        failures.finish()?;
        Ok(all)
    }
}

impl DisplayAs for ApiGroupsExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiGroupsExec: ")?;
        }
        fmt_request(f, &self.connection, &self.common)?;
        write!(f, ", groups=[{}], values=[{}]", self.group_names(), self.value_names())?;
        fmt_requests(f, self.requests.all().len())?;
        fmt_reach(f, self.reach.as_ref())?;
        match self.requests {
            Requests::Groups(_) if !self.states.is_one_group() => f.write_str(", calls=1 a page of groups"),
            _ => write!(f, ", calls={}", self.least_calls()),
        }
    }
}

impl ExecutionPlan for ApiGroupsExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scans = ScanContext::of(&context)?;
        let source = Source { fresh: self.fresh, ..scans.source(&self.connection)? };
        let table = self.common.table.name.clone();
        let asker = Asker {
            metrics: ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement)),
            source,
            requests: self.requests.clone(),
            states: self.states.clone(),
            place: format!("{}.{table}", self.connection),
            advice: match self.requests {
                Requests::Groups(_) => scans.advice_on_groups(&self.connection),
                Requests::Counts(_) => scans.advice_on_counts(&self.connection),
            },
        };
        let settings = context.session_config().get_extension::<Settings>().unwrap_or_default();
        let tolerance = Tolerance::AtTheEnd.under(settings.partial_results);
        let (reach, connection) = (self.reach.clone(), Arc::clone(&self.connection));
        let states = stream::once(async move {
            let states = match &reach {
                Some(reach) => {
                    let codes: Arc<[Arc<str>]> = reach.codes().into();
                    let failures = Failures::new(Arc::clone(&scans), &connection, &table, codes, tolerance);
                    asker.all_states(&failures, reach.codes()).await
                }
                None => asker.states(None).await,
            };
            let states = states.map_err(|error| DataFusionError::from(with_advice(error, asker.advice)))?;
            let states: Vec<_> = states.into_iter().map(|batch| Ok(asker.metrics.output(batch))).collect();
            Ok::<_, DataFusionError>(stream::iter(states))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), Box::pin(states.try_flatten()))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
