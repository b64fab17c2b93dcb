//! What a mutation returns: the rows of its RETURNING as the journal has them, or one row with its counts.
//!
//! A row is shown as it is now, as far as that is known: its old values, over them what was written, over those what the
//! API said it is. One that failed or was skipped keeps its old values.

use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::sql::sqlparser::ast::{Ident, SelectItem, WildcardAdditionalOptions};
use futures::stream;
use tidegate_mutation::Row;
use tidegate_remote::write::{Cells, batch_of};
use tidegate_remote::{BadValue, arrow_types};
use tidegate_spec::{Column, Table, WriteKind};
use tidegate_state::{Journal, RowState};

use super::journal;
use super::summary::{MutationEnd, MutationPhase, MutationSummary};
use crate::catalog::{CATALOG, MAIN};
use crate::partitions::COLUMN as PARTITION;
use crate::{Error, ErrorKind, Result, sql};

/// Rows of the journal that are shown at a time.
const PAGE: u32 = 1_000;

/// What becomes of each row, beside the table's own columns.
const OUTCOMES: [(&str, DataType); 4] = [
    ("_outcome", DataType::Utf8),
    ("_status", DataType::Int64),
    ("_error", DataType::Utf8),
    (PARTITION, DataType::Utf8),
];

/// What a mutation returns.
#[derive(Debug)]
pub(crate) enum Output {
    /// One row with its counts.
    Counts,
    /// Its rows.
    Rows(Box<Rows>),
}

/// The expressions of RETURNING, planned over the journal's rows.
#[derive(Debug)]
pub(crate) struct Rows {
    plan: LogicalPlan,
    source: Arc<Source>,
}

/// The rows of one mutation as a table; which mutation is known when it runs.
#[derive(Debug)]
struct Source {
    table: Arc<Table>,
    schema: SchemaRef,
    of: OnceLock<(Arc<Journal>, String)>,
}

impl Output {
    /// Plans RETURNING over rows that are named `alias`.
    ///
    /// # Errors
    /// Names that there are not, and what is no expression over one row.
    pub(crate) async fn rows(
        state: &SessionState,
        table: &Arc<Table>,
        items: &[SelectItem],
        alias: &Ident,
    ) -> Result<Self> {
        let schema = schema(table);
        let source = Arc::new(Source { table: Arc::clone(table), schema: Arc::clone(&schema), of: OnceLock::new() });
        let items: Vec<String> = items.iter().flat_map(|item| expanded(item, table, alias)).collect();
        let query = format!("SELECT {} FROM {alias}", items.join(", "));
        let sql::Parsed::DataFusion(statement) = sql::parse(&query)? else {
            return Err(Error::new(ErrorKind::Syntax, "RETURNING takes expressions over the row"));
        };
        let plan = over(state, &source, alias)?.statement_to_plan(*statement).await?;
        check(&plan)?;
        Ok(Self::Rows(Box::new(Rows { plan, source })))
    }

    /// Columns of what is returned.
    pub(crate) fn schema(&self) -> SchemaRef {
        match self {
            Self::Counts => counts_schema(),
            Self::Rows(rows) => Arc::clone(rows.plan.schema().inner()),
        }
    }

    /// What is returned of a mutation that has ended.
    ///
    /// # Errors
    /// When its rows cannot be read from the journal.
    pub(crate) async fn stream(
        &self,
        state: &SessionState,
        journal: &Arc<Journal>,
        kind: &str,
        summary: &MutationSummary,
    ) -> Result<SendableRecordBatchStream> {
        match self {
            Self::Counts => {
                let batch = counts(kind, summary)?;
                Ok(Box::pin(RecordBatchStreamAdapter::new(batch.schema(), stream::iter([Ok(batch)]))))
            }
            Self::Rows(rows) => {
                rows.source.of.get_or_init(|| (Arc::clone(journal), summary.id.clone()));
                let physical = state.create_physical_plan(&rows.plan).await?;
                Ok(execute_stream(physical, state.task_ctx())?)
            }
        }
    }
}

/// The table's columns, and what became of the row; a column of the API's own goes first.
fn schema(table: &Table) -> SchemaRef {
    let own = arrow_types::schema_for(table, BadValue::Null);
    let more = OUTCOMES.iter().filter(|(name, _)| table.column_index(name).is_none());
    let more = more.map(|(name, data_type)| Arc::new(Field::new(*name, data_type.clone(), true)));
    Arc::new(Schema::new(own.fields().iter().cloned().chain(more).collect::<Vec<_>>()))
}

/// `*` means the table's columns: what became of the row is there when it is asked for.
fn expanded(item: &SelectItem, table: &Table, alias: &Ident) -> Vec<String> {
    let is_whole = match item {
        SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
            *options
                == WildcardAdditionalOptions { wildcard_token: options.wildcard_token.clone(), ..Default::default() }
        }
        _ => false,
    };
    if !is_whole {
        return vec![item.to_string()];
    }
    table.columns.iter().map(|column| format!("{alias}.{}", sql::quote(&column.name))).collect()
}

/// The state with the rows as its only table.
fn over(state: &SessionState, source: &Arc<Source>, alias: &Ident) -> Result<SessionState> {
    let table = StreamingTable::try_new(Arc::clone(&source.schema), vec![Arc::clone(source) as _])?;
    let rows = MemorySchemaProvider::new();
    rows.register_table(sql::name(alias), Arc::new(table))?;
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(MAIN, Arc::new(rows))?;
    let list = MemoryCatalogProviderList::new();
    datafusion::catalog::CatalogProviderList::register_catalog(&list, CATALOG.to_owned(), Arc::new(catalog));
    let mut state = state.clone();
    state.register_catalog_list(Arc::new(list));
    state.config_mut().options_mut().catalog.default_schema = MAIN.to_owned();
    Ok(state)
}

/// Refuses what makes one row of several, and parameters.
fn check(plan: &LogicalPlan) -> Result<()> {
    let mut problem = None;
    plan.apply(|node| {
        if matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_)) {
            problem = Some("RETURNING takes expressions over each row, no aggregates: count over system.mutation_rows");
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if problem.is_none() && !plan.get_parameter_types()?.is_empty() {
        problem = Some("RETURNING takes no parameters");
    }
    problem.map_or(Ok(()), |problem| Err(Error::new(ErrorKind::Unsupported, problem)))
}

impl PartitionStream for Source {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (table, schema) = (Arc::clone(&self.table), Arc::clone(&self.schema));
        let pages = stream::try_unfold((self.of.get().cloned(), None), move |(of, after)| {
            let (table, schema) = (Arc::clone(&table), Arc::clone(&schema));
            async move {
                let Some((journal, id)) = of else { return Ok(None) };
                let mutation = id.clone();
                let records =
                    journal::blocking(&journal, move |journal| journal.rows(&mutation, after, PAGE, None, None))
                        .await?;
                let Some(last) = records.last().map(|record| record.start.ordinal) else { return Ok(None) };
                let rows = records.into_iter().map(Row::of).collect::<Result<Vec<_>, _>>().map_err(Error::from)?;
                let batch = batch(&table, &schema, &rows)?;
                Ok::<_, DataFusionError>(Some((batch, (Some((journal, id)), Some(last)))))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), pages))
    }
}

/// The rows as the schema has them.
fn batch(table: &Table, schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch> {
    let columns: Vec<&Column> = table.columns.iter().collect();
    let own: SchemaRef = Arc::new(Schema::new(schema.fields()[..columns.len()].to_vec()));
    let cells: Vec<Cells> = rows.iter().map(now).collect();
    let own = batch_of(&own, &columns, &cells).map_err(|kind| {
        Error::new(ErrorKind::Local, format!("the journal's values do not fit the table {}: {kind}", table.name))
    })?;
    let mut arrays: Vec<ArrayRef> = own.columns().to_vec();
    for field in &schema.fields()[columns.len()..] {
        arrays.push(match field.name().as_str() {
            "_outcome" => Arc::new(StringArray::from_iter_values(rows.iter().map(|row| outcome(row.state)))),
            "_status" => Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.status.map(i64::from)))),
            "_error" => Arc::new(StringArray::from_iter(rows.iter().map(|row| row.error.as_deref()))),
            _ => Arc::new(StringArray::from_iter(rows.iter().map(|row| row.partition.as_deref()))),
        });
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), arrays).map_err(DataFusionError::from)?)
}

/// The row as it is now, as far as that is known.
fn now(row: &Row) -> Cells {
    let stays = matches!(row.state, RowState::Failed | RowState::Skipped) && row.kind == WriteKind::Update;
    let mut cells = row.key.clone();
    cells.extend(row.old.clone());
    if !stays {
        cells.extend(row.new.clone());
    }
    cells.extend(row.returned.clone());
    cells
}

/// What became of a row, of a mutation that nobody runs: one that was sent without an answer is unknown.
pub(crate) fn outcome(state: RowState) -> &'static str {
    match state {
        RowState::Sent => RowState::Unknown.name(),
        state => state.name(),
    }
}

fn counts_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    let mut fields = vec![text("mutation_id"), text("kind"), text("state")];
    fields.extend(["selected", "applied", "accepted", "failed", "skipped", "unknown", "left", "calls"].map(number));
    Arc::new(Schema::new(fields))
}

fn counts(kind: &str, summary: &MutationSummary) -> Result<RecordBatch> {
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values([text])) };
    let number = |number: u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values([i64::try_from(number).unwrap_or(i64::MAX)]))
    };
    let of = &summary.counts;
    let mut columns = vec![text(&summary.id), text(kind), text(state(summary))];
    let numbers = [of.selected, of.applied, of.accepted, of.failed, of.skipped, of.unknown, of.left, summary.calls];
    columns.extend(numbers.map(number));
    Ok(RecordBatch::try_new(counts_schema(), columns).map_err(DataFusionError::from)?)
}

/// As `system.mutations` has it.
fn state(summary: &MutationSummary) -> &'static str {
    use tidegate_state::MutationState;
    let state = match &summary.phase {
        MutationPhase::Selecting => MutationState::Selecting,
        MutationPhase::Sending => MutationState::Sealed,
        MutationPhase::Ended(MutationEnd::Planned) => MutationState::Planned,
        MutationPhase::Ended(MutationEnd::Done) => MutationState::Done,
        MutationPhase::Ended(_) => MutationState::Stopped,
    };
    state.name()
}
