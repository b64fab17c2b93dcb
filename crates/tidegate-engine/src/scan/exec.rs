//! The operator that reads a remote table. It holds only data; all that does something is found when it runs.

mod predict;

use std::fmt::{self, Formatter};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions, SortOrderPushdownResult,
};
use futures::StreamExt;
use tidegate_remote::{BadValue, ScanRequest, Source};
use tidegate_spec::{Endpoint, EndpointKind, Paging};
use tokio::sync::Semaphore;

use super::ScanContext;
use super::asking::Asking;
use super::combine::Combined;
use super::failures::{Failures, Tolerance};
use super::fanout::{AT_ONCE, Fanout};
use super::metrics::ScanMetrics;
use super::order::{OrderKey, Segment, segments};
use super::pace::Pace;
use super::reader::Reader;
use super::recheck::Recheck;
use crate::pushdown::describe;
use crate::{Reach, Settings};

/// Partitions that are merged by an order although all of their rows are read: a page of each is held in memory.
const MERGED: usize = 64;

/// Reads a remote table page by page, evaluates what the API did not, and stops asking when it has enough.
#[derive(Debug, Clone)]
pub struct ApiScanExec {
    /// What the query wants, from which the rest was made.
    asking: Arc<Asking>,
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
    /// Calls that all of it is expected to take.
    expected_calls: u64,
    order: Vec<OrderKey>,
    /// The same over the output.
    sort: Option<LexOrdering>,
    /// The requests as they are made.
    segments: Arc<[Segment]>,
    /// Whether the reader surely reads to the end, or up to `fetch`.
    to_end: bool,
    /// Whether the reader pays for each batch.
    combines: bool,
    /// Whether the request's lists of values are the keys of a join.
    by_keys: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ApiScanExec {
    /// A scan of `requests`, each of which is `request` but for its filter; order and fetch are left open here, as the
    /// optimizer adds them. `recheck` is over the fetched columns (`fetched`), of which `output` are handed on.
    pub(super) fn try_new(
        asking: Arc<Asking>,
        request: ScanRequest,
        requests: Vec<Segment>,
        fetched: SchemaRef,
        recheck: Recheck,
        output: Vec<usize>,
    ) -> Result<Self> {
        let schema = Arc::new(fetched.project(&output)?);
        let requests: Arc<[Segment]> = requests.into();
        Ok(Self {
            asking,
            request,
            segments: Arc::clone(&requests),
            requests,
            fetched,
            recheck,
            output,
            fetch: None,
            expected_calls: 0,
            order: Vec::new(),
            sort: None,
            to_end: false,
            combines: false,
            by_keys: false,
            properties: Arc::new(properties(EquivalenceProperties::new(schema))),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The same scan that ends after `fetch` rows.
    pub(super) fn fetching(&self, fetch: Option<usize>) -> Self {
        Self { fetch, metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }
    }

    /// The same scan for a reader that surely reads to its end or, where it has a fetch, until it has so many rows:
    /// requests may be under way before their turn.
    pub(crate) fn to_end(&self) -> Self {
        Self { to_end: true, metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }
    }

    /// The same scan for a reader that pays for each batch, and reads to the end.
    pub(super) fn combining(&self) -> Self {
        Self { combines: true, ..self.clone() }
    }

    /// The same scan whose lists of values were put together out of the keys of a join: one that is refused as a bad
    /// request is divided.
    #[must_use]
    pub fn by_keys(&self) -> Self {
        Self { by_keys: true, metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }
    }

    /// The same scan of `fetch` rows behind `skip` others, which the API leaves out; `None` where it would not be the
    /// same, or saves no call.
    ///
    /// It is the same where the API alone decides which rows there are and one sequence of requests reads them: they
    /// stand in one order then, the one that was asked for or the API's own, and its first rows are left out.
    pub(super) fn skipping(&self, skip: usize, fetch: usize) -> Option<Self> {
        let is_once = self.asking.reach.is_none() && self.request.skip == 0;
        let [segment] = self.segments.as_ref() else { return None };
        let is_whole = segment.keys.is_empty() && segment.nulls.is_none_or(|nulls| nulls.exact);
        let exact = self.asking.pushdown && self.recheck.residual.is_none();
        let (skip, wanted) = (skip as u64, fetch as u64);
        if !(is_once && is_whole && exact && tidegate_remote::can_skip(&segment.request, skip, wanted)) {
            return None;
        }
        let segment = Segment { request: ScanRequest { skip, ..segment.request.clone() }, ..segment.clone() };
        Some(Self {
            request: ScanRequest { skip, ..self.request.clone() },
            segments: [segment].into(),
            ..self.fetching(Some(fetch))
        })
    }

    /// The same scan that is expected to take so many calls.
    pub(super) fn expecting(self, expected_calls: u64) -> Self {
        Self { expected_calls, ..self }
    }

    /// The same scan whose figures go into `metrics`.
    pub(crate) fn counting(self, metrics: ExecutionPlanMetricsSet) -> Self {
        Self { metrics, ..self }
    }

    /// The endpoint that is asked.
    pub(crate) fn endpoint_name(&self) -> &str {
        self.endpoint().map_or("?", |endpoint| endpoint.name.as_str())
    }

    /// Codes of the partitions that are read; none where there are none.
    pub(crate) fn partitions(&self) -> &[Arc<str>] {
        self.asking.partitions()
    }

    /// Calls that reading all of it is expected to take.
    pub(crate) fn expected_calls(&self) -> u64 {
        self.expected_calls
    }

    /// What the query wants.
    pub(crate) fn asking(&self) -> &Arc<Asking> {
        &self.asking
    }

    /// The partitions that are read.
    pub(super) fn reach(&self) -> Option<&Reach> {
        self.asking.reach.as_ref()
    }

    /// The scan and its order, if merging so many partitions would hold a page of each in memory.
    pub(super) fn sorted_elsewhere(&self) -> Option<(LexOrdering, Self)> {
        let many = self.asking.reach.as_ref().is_some_and(|reach| reach.codes().len() > MERGED);
        let sort = self.sort.clone().filter(|_| many && self.fetch.is_none())?;
        let unsorted = Self {
            order: Vec::new(),
            sort: None,
            segments: Arc::clone(&self.requests),
            properties: Arc::new(properties(EquivalenceProperties::new(self.schema()))),
            metrics: ExecutionPlanMetricsSet::new(),
            ..self.clone()
        };
        Some((sort, unsorted))
    }

    /// Connection, as named in SQL.
    #[must_use]
    pub fn connection(&self) -> &Arc<str> {
        &self.asking.connection
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
        counts && self.is_all_rows()
    }

    /// The same, and what their values are, so that it may be asked to compute with them.
    pub(super) fn is_decided_by_api(&self) -> bool {
        self.is_all_rows() && self.request.on_bad_value == BadValue::Fail
    }

    fn is_all_rows(&self) -> bool {
        self.asking.pushdown && self.recheck.residual.is_none() && self.fetch.is_none()
    }

    /// Requests that it is made of, one after the other, with those for its order.
    pub(super) fn parts(&self) -> usize {
        self.segments.len()
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.request.table.endpoints.get(self.request.endpoint)
    }

    /// The same scan in this order, if the API can be asked for it.
    pub(super) fn ordered(&self, order: &[PhysicalSortExpr]) -> Option<Self> {
        // A fetch below a sort chooses rows before they are sorted. A value read as NULL stands where the API
        // sorts the value.
        if !self.asking.pushdown || self.fetch.is_some() || self.request.on_bad_value == BadValue::Null {
            return None;
        }
        // The rows of several requests are in no order among each other.
        let [request] = self.requests.as_ref() else { return None };
        let key = |sort: &PhysicalSortExpr| {
            let column = sort.expr.downcast_ref::<Column>()?;
            Some(OrderKey { column: *self.output.get(column.index())?, options: sort.options })
        };
        let mut keys = order.iter().map(key).collect::<Option<Vec<_>>>()?;
        // The partition is the same in all rows of one: only the merging looks at it.
        keys.retain(|key| key.column < self.request.columns.len());
        let segments = segments(&request.request, &keys)?;
        let equivalence = EquivalenceProperties::new_with_orderings(self.schema(), [order.to_vec()]);
        Some(Self {
            order: keys,
            sort: LexOrdering::new(order.to_vec()),
            segments: segments.into(),
            properties: Arc::new(properties(equivalence)),
            metrics: ExecutionPlanMetricsSet::new(),
            ..self.clone()
        })
    }

    fn read(&self, reader: Arc<Reader>, task: &TaskContext) -> Result<SendableRecordBatchStream> {
        // A reader of some rows may have enough of them, and those of a merge come in batches of their own.
        let most = reader.batch_size;
        let combines = self.combines && self.fetch.is_none() && reader.pace != Pace::IN_TURN;
        let adapted = |rows| -> SendableRecordBatchStream {
            let rows = RecordBatchStreamAdapter::new(self.schema(), rows);
            match combines {
                true => Box::pin(cooperative(Combined::new(Box::pin(rows), most))),
                false => Box::pin(cooperative(rows)),
            }
        };
        let Some(reach) = &self.asking.reach else {
            return Ok(adapted(reader.rows(None, self.fetch)?));
        };
        let tolerance = if self.fetch.is_some() { Tolerance::AtOnce } else { Tolerance::AtTheEnd };
        let settings = task.session_config().get_extension::<Settings>().unwrap_or_default();
        let tolerance = tolerance.under(settings.partial_results);
        let codes: Arc<[Arc<str>]> = reach.codes().into();
        let scans = Arc::clone(&reader.scans);
        let failures =
            Failures::new(scans, &self.asking.connection, &self.request.table.name, Arc::clone(&codes), tolerance);
        let fanout = Fanout { reader, failures: Arc::new(failures), codes };
        match (&self.sort, self.fetch) {
            (Some(sort), fetch) => fanout.merged(sort, fetch, &self.schema(), task),
            (None, Some(wanted)) => Ok(adapted(fanout.in_sequence(wanted).boxed())),
            (None, None) => Ok(adapted(fanout.at_once().boxed())),
        }
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

/// Which partitions are read, if there are any.
pub(super) fn fmt_reach(f: &mut Formatter<'_>, reach: Option<&Reach>) -> fmt::Result {
    const NAMED: usize = 5;
    let Some(reach) = reach else { return Ok(()) };
    write!(f, ", partitions={} of {}", reach.codes().len(), reach.known())?;
    if reach.codes().len() <= NAMED { write!(f, " [{}]", reach.codes().join(", ")) } else { Ok(()) }
}

impl DisplayAs for ApiScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("ApiScanExec: ")?;
        }
        fmt_request(f, &self.asking.connection, &self.request)?;
        write!(f, ", residual=[{}]", self.recheck.residual_text())?;
        if !self.recheck.verified.is_empty() {
            write!(f, ", verified=[{}]", self.recheck.verified_text())?;
        }
        write!(f, ", columns=[{}], order=[{}]", self.column_names(), self.order_text())?;
        if let Some(fetch) = self.fetch {
            write!(f, ", fetch={fetch}")?;
        }
        if self.request.skip > 0 {
            write!(f, ", skip={}", self.request.skip)?;
        }
        fmt_requests(f, self.requests.len())?;
        fmt_reach(f, self.asking.reach.as_ref())?;
        let partitions = self.asking.reach.as_ref().map_or(1, |reach| reach.codes().len());
        let is_single = |endpoint: &Endpoint| endpoint.paging == Paging::Single || endpoint.kind == EndpointKind::Get;
        match (self.endpoint().is_some_and(is_single), self.segments.len()) {
            (true, parts) => write!(f, ", calls<={}", parts * partitions),
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
        let source = Source { fresh: self.asking.is_strict, ..scans.source(&self.asking.connection)? };
        let is_merged = self.asking.reach.is_some() && !self.order.is_empty();
        let partitions = self.asking.reach.as_ref().map_or(1, |reach| reach.codes().len());
        // What is changed by rows is read with care, and a merge holds its turns while it asks.
        let is_ahead = self.to_end && !self.asking.is_strict && !is_merged;
        let reader = Arc::new(Reader {
            metrics: ScanMetrics::new(&self.metrics, partition, Arc::clone(&source.statement)),
            source,
            scans,
            table: Arc::clone(&self.request.table),
            segments: Arc::clone(&self.segments),
            fetched: Arc::clone(&self.fetched),
            recheck: self.recheck.clone(),
            output: self.output.clone(),
            push_fetch: self.asking.pushdown,
            order: self.order.clone(),
            batch_size: context.session_config().batch_size().max(1),
            pace: if is_ahead { Pace::of(partitions, self.segments.len()) } else { Pace::IN_TURN },
            by_keys: self.by_keys,
            longest: AtomicUsize::new(usize::MAX),
            gate: is_merged.then(|| Semaphore::new(AT_ONCE)),
        });
        self.read(reader, &context)
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
