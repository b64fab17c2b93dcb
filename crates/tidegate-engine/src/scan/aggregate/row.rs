//! One row of values that are read apart: each input returns the value of one column, in one row or in none.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, Partitioning, PhysicalExpr,
    PlanProperties, ReplaceChildrenOptions, collect,
};
use futures::future::try_join_all;
use futures::stream;

/// The states of an aggregate without groups.
#[derive(Debug)]
pub(crate) struct OneRowExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    /// Which input each column is of.
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl OneRowExec {
    /// A row of `schema` whose columns are those of these inputs, which have one column each.
    pub(super) fn new(inputs: Vec<Arc<dyn ExecutionPlan>>, columns: Vec<usize>, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { inputs, columns, properties: Arc::new(properties) }
    }
}

/// The value of an input; NULL when it has no row.
async fn value(input: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>) -> Result<ArrayRef> {
    let schema = input.schema();
    let rows = concat_batches(&schema, &collect(input, task).await?)?;
    let data_type = schema.fields().first().map_or(&DataType::Null, |field| field.data_type());
    match rows.num_rows() {
        0 => Ok(new_null_array(data_type, 1)),
        1 => Ok(Arc::clone(rows.column(0))),
        many => internal_err!("{many} rows where one value was asked for"),
    }
}

impl DisplayAs for OneRowExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(format, DisplayFormatType::Default | DisplayFormatType::Verbose) {
            f.write_str("OneRowExec: ")?;
        }
        let schema = self.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "values=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for OneRowExec {
    fn name(&self) -> &str {
        Self::static_name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition; self.inputs.len()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children, self.columns.clone(), self.schema())))
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
        let (inputs, columns, schema) = (self.inputs.clone(), self.columns.clone(), self.schema());
        let of_row = Arc::clone(&schema);
        let row = stream::once(async move {
            let values = try_join_all(inputs.into_iter().map(|input| value(input, Arc::clone(&task)))).await?;
            let missing = || DataFusionError::Internal("a column of no input".to_owned());
            let columns = columns.iter().map(|&input| values.get(input).cloned().ok_or_else(missing));
            Ok(RecordBatch::try_new(of_row, columns.collect::<Result<_>>()?)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, Box::pin(row))))
    }
}
