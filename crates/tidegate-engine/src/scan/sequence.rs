//! The operator that reads the parts of a UNION ALL one after the other where a LIMIT stands above it.
//!
//! DataFusion's own reads all parts at once and drops what the limit does not need: by then each API was called.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::EvaluationType;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, stream};

/// All partitions of its input as one, in their order, ended after `fetch` rows.
#[derive(Debug, Clone)]
pub(super) struct SequenceExec {
    input: Arc<dyn ExecutionPlan>,
    fetch: usize,
    properties: Arc<PlanProperties>,
}

impl SequenceExec {
    /// In place of an operator that reads its partitions at once, if that ends after some rows.
    pub(super) fn replacing(coalesce: &CoalescePartitionsExec) -> Option<Self> {
        let fetch = coalesce.fetch()?;
        Some(Self::new(Arc::clone(coalesce.input()), fetch, coalesce.properties()))
    }

    fn new(input: Arc<dyn ExecutionPlan>, fetch: usize, properties: &Arc<PlanProperties>) -> Self {
        let properties = PlanProperties::clone(properties).with_evaluation_type(EvaluationType::Lazy);
        Self { input, fetch, properties: Arc::new(properties) }
    }
}

/// A run of a `SequenceExec`.
struct Sequence {
    input: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    next: usize,
    current: Option<SendableRecordBatchStream>,
    wanted: usize,
}

impl Sequence {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.wanted == 0 {
                self.current = None;
                return Ok(None);
            }
            let Some(current) = &mut self.current else {
                if self.next == self.input.properties().output_partitioning().partition_count() {
                    return Ok(None);
                }
                self.current = Some(self.input.execute(self.next, Arc::clone(&self.task))?);
                self.next += 1;
                continue;
            };
            match current.next().await.transpose()? {
                Some(batch) => {
                    let batch = batch.slice(0, batch.num_rows().min(self.wanted));
                    self.wanted -= batch.num_rows();
                    return Ok(Some(batch));
                }
                None => self.current = None,
            }
        }
    }
}

impl DisplayAs for SequenceExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("SequenceExec: ")?;
        }
        write!(f, "fetch={}", self.fetch)
    }
}

impl ExecutionPlan for SequenceExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return Ok(self) };
        Ok(Arc::new(Self::new(input, self.fetch, &self.properties)))
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

    fn execute(&self, _partition: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let run = Sequence { input: Arc::clone(&self.input), task, next: 0, current: None, wanted: self.fetch };
        let rows = stream::try_unfold(run, |mut run| async move { Ok(run.next().await?.map(|batch| (batch, run))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn fetch(&self) -> Option<usize> {
        Some(self.fetch)
    }
}
