//! The operator that reads a remote table. It holds only data; all that does something is found when it runs.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions, SortOrderPushdownResult,
};
use tidegate_remote::{BadValue, ScanRequest};
use tidegate_spec::{Endpoint, EndpointKind, Paging};

use super::ScanContext;
use super::metrics::ScanMetrics;
use super::order::{OrderCheck, OrderKey, Segment, segments};
use super::recheck::Recheck;
use super::stream::{Progress, ScanRun};
use crate::pushdown::describe;

/// Reads a remote table page by page, evaluates what the API did not, and stops asking when it has enough.
#[derive(Debug, Clone)]
pub struct ApiScanExec {
    connection: Arc<str>,
    /// What all requests have in common, without order and fetch. Its filter is that of all of them together: it is
    /// sent as it is only where there is one.
    request: ScanRequest,
    /// The requests without an order.
    requests: Arc<[Segment]>,
    /// Schema of the fetched columns.
    fetched: SchemaRef,
    /// Over the fetched columns.
    recheck: Recheck,
    /// Places of the output's columns among the fetched ones.
    output: Vec<usize>,
    fetch: Option<usize>,
    order: Vec<OrderKey>,
    /// The requests as they are made, one after the other.
    segments: Arc<[Segment]>,
    pushdown: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ApiScanExec {
    /// A scan of `requests`, each of which is `request` but for its filter; order and fetch are left open here, as the
    /// optimizer adds them. `recheck` is over the fetched columns (`fetched`), of which `output` are handed on.
    pub(super) fn try_new(
        connection: Arc<str>,
        request: ScanRequest,
        requests: Vec<Segment>,
        fetched: SchemaRef,
        recheck: Recheck,
        output: Vec<usize>,
        pushdown: bool,
    ) -> Result<Self> {
        let schema = Arc::new(fetched.project(&output)?);
        let requests: Arc<[Segment]> = requests.into();
        Ok(Self {
            connection,
            request,
            segments: Arc::clone(&requests),
            requests,
            fetched,
            recheck,
            output,
            fetch: None,
            order: Vec::new(),
            pushdown,
            properties: Arc::new(properties(EquivalenceProperties::new(schema))),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The same scan that ends after `fetch` rows.
    pub(super) fn fetching(&self, fetch: Option<usize>) -> Self {
        Self { fetch, metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }
    }

    /// Connection, as named in SQL.
    #[must_use]
    pub fn connection(&self) -> &Arc<str> {
        &self.connection
    }

    /// What the API is asked for, one after the other, before order and fetch.
    pub fn requests(&self) -> impl Iterator<Item = &ScanRequest> {
        self.requests.iter().map(|segment| &segment.request)
    }

    /// What all requests have in common, with their filters as one.
    pub(super) fn common(&self) -> &ScanRequest {
        &self.request
    }

    /// Whether the API alone decides which rows there are, so that it may be asked to count them.
    pub(super) fn is_countable(&self) -> bool {
        let counts = self.endpoint().is_some_and(|endpoint| endpoint.count.is_some());
        self.pushdown && counts && self.recheck.residual.is_none() && self.fetch.is_none()
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.request.table.endpoints.get(self.request.endpoint)
    }

    /// The same scan in this order, if the API can be asked for it.
    fn ordered(&self, order: &[PhysicalSortExpr]) -> Option<Self> {
        // A fetch below a sort chooses rows before they are sorted. A value read as NULL stands where the API
        // sorts the value.
        if !self.pushdown || self.fetch.is_some() || self.request.on_bad_value == BadValue::Null {
            return None;
        }
        // The rows of several requests are in no order among each other.
        let [request] = self.requests.as_ref() else { return None };
        let key = |sort: &PhysicalSortExpr| {
            let column = sort.expr.downcast_ref::<Column>()?;
            Some(OrderKey { column: *self.output.get(column.index())?, options: sort.options })
        };
        let keys = order.iter().map(key).collect::<Option<Vec<_>>>()?;
        let segments = segments(&request.request, &keys)?;
        let equivalence = EquivalenceProperties::new_with_orderings(self.schema(), [order.to_vec()]);
        Some(Self {
            order: keys,
            segments: segments.into(),
            properties: Arc::new(properties(equivalence)),
            metrics: ExecutionPlanMetricsSet::new(),
            ..self.clone()
        })
    }

    fn column_names(&self) -> String {
        let names: Vec<&str> = self.fetched.fields().iter().map(|field| field.name().as_str()).collect();
        names.join(", ")
    }

    fn order_text(&self) -> String {
        let key = |key: &OrderKey| format!("{} {}", self.fetched.field(key.column).name(), key.options);
        self.order.iter().map(key).collect::<Vec<_>>().join(", ")
    }
}

fn properties(equivalence: EquivalenceProperties) -> PlanProperties {
    PlanProperties::new(
        equivalence,
        Partitioning::UnknownPartitioning(1),
        EmissionType::Incremental,
        Boundedness::Bounded,
    )
    .with_scheduling_type(SchedulingType::Cooperative)
}

/// Table, endpoint and pushed filter, as both operators show them.
pub(super) fn fmt_request(f: &mut Formatter<'_>, connection: &str, request: &ScanRequest) -> fmt::Result {
    let table = &request.table;
    let endpoint = table.endpoints.get(request.endpoint).map_or("?", |endpoint| endpoint.name.as_str());
    let pushed = request.filter.as_ref().map(|filter| describe(table, filter)).unwrap_or_default();
    write!(f, "{connection}.{}, endpoint={endpoint}, pushed=[{pushed}]", table.name)
}

/// How many requests stand for the pushed filter, unless it is one.
pub(super) fn fmt_requests(f: &mut Formatter<'_>, requests: usize) -> fmt::Result {
    if requests > 1 { write!(f, ", requests={requests}") } else { Ok(()) }
}

impl DisplayAs for ApiScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiScanExec: ")?;
        }
        fmt_request(f, &self.connection, &self.request)?;
        write!(f, ", residual=[{}]", self.recheck.residual_text())?;
        if !self.recheck.verified.is_empty() {
            write!(f, ", verified=[{}]", self.recheck.verified_text())?;
        }
        write!(f, ", columns=[{}], order=[{}]", self.column_names(), self.order_text())?;
        if let Some(fetch) = self.fetch {
            write!(f, ", fetch={fetch}")?;
        }
        fmt_requests(f, self.requests.len())?;
        let is_single = |endpoint: &Endpoint| endpoint.paging == Paging::Single || endpoint.kind == EndpointKind::Get;
        match (self.endpoint().is_some_and(is_single), self.segments.len()) {
            (true, parts) => write!(f, ", calls<={parts}"),
            (false, parts) if parts == self.requests.len() => f.write_str(", calls=1 a page"),
            (false, parts) => write!(f, ", calls=1 a page in {parts} parts"),
        }
    }
}

impl ExecutionPlan for ApiScanExec {
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
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let mut recursion = TreeNodeRecursion::Continue;
        for expr in self.recheck.expressions() {
            recursion = recursion.visit_sibling(|| f(expr))?;
        }
        Ok(recursion)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scans = ScanContext::of(&context)?;
        let source = scans.source(&self.connection)?;
        let order = if self.order.is_empty() {
            None
        } else {
            let place = format!("{}.{}", self.connection, self.request.table.name);
            Some(OrderCheck::try_new(place, &self.fetched, &self.order)?)
        };
        let run = ScanRun {
            metrics: ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement)),
            source,
            scans,
            table: Arc::clone(&self.request.table),
            segments: self.segments.iter().cloned().collect(),
            fetched: Arc::clone(&self.fetched),
            recheck: self.recheck.clone(),
            output: self.output.clone(),
            wanted: self.fetch,
            push_fetch: self.pushdown,
            order,
            batch_size: context.session_config().batch_size().max(1),
            progress: Progress::default(),
        };
        let stream = RecordBatchStreamAdapter::new(self.schema(), Box::pin(run.into_stream()));
        Ok(Box::pin(cooperative(stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        // A fetch that is there already came from a LIMIT of its own: the tighter one holds.
        let tighter = limit.map(|limit| self.fetch.map_or(limit, |fetch| fetch.min(limit)));
        Some(Arc::new(self.fetching(tighter)))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn try_pushdown_sort(&self, order: &[PhysicalSortExpr]) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        Ok(match self.ordered(order) {
            Some(scan) => SortOrderPushdownResult::Exact { inner: Arc::new(scan) },
            None => SortOrderPushdownResult::Unsupported,
        })
    }
}
