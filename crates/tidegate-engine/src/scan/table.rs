//! A remote table as DataFusion plans it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use tidegate_remote::{BadValue, arrow_types};
use tidegate_spec::Table;

use super::asking::{Asked, Asking, Unaskable};
use super::filters::evaluable;
use super::prune;
use super::strict::StrictReads;
use super::unasked::UnaskedExec;
use crate::cost::{Knowledge, Known};
use crate::detail::{Division, Manner};
use crate::partitions::{COLUMN, base_needs_partition};
use crate::{Connection, Reach, Settings};

/// One table of a connection.
#[derive(Debug)]
pub struct ApiTable {
    connection: Arc<Connection>,
    table: Arc<Table>,
    on_bad_value: BadValue,
    /// With the partition at its end, if the table has it.
    schema: SchemaRef,
    /// The partitions that it is read in; `None` for one that is read once.
    reach: Option<Reach>,
}

impl ApiTable {
    /// A table whose values must fit their columns.
    #[must_use]
    pub fn new(connection: Arc<Connection>, table: Arc<Table>) -> Self {
        Self::with_bad_values(connection, table, BadValue::Fail)
    }

    /// A table that treats values which do not fit as `on_bad_value` says. Where they become NULL, every column
    /// is nullable: so this is fixed with the table's schema, before a query is planned.
    #[must_use]
    pub fn with_bad_values(connection: Arc<Connection>, table: Arc<Table>, on_bad_value: BadValue) -> Self {
        let schema = Arc::new(arrow_types::schema_for(&table, on_bad_value));
        Self { connection, table, on_bad_value, schema, reach: None }
    }

    /// The same table read in these partitions, with the column `_partition` at its end unless the API has one of that
    /// name.
    #[must_use]
    pub fn over(mut self, reach: Reach) -> Self {
        if self.table.column_index(COLUMN).is_none() {
            let fields = self.schema.fields().iter().cloned().chain([Arc::new(prune::field())]);
            self.schema = Arc::new(Schema::new(fields.collect::<Fields>()));
        }
        self.reach = Some(reach);
        self
    }

    /// The table's model.
    #[must_use]
    pub fn model(&self) -> &Arc<Table> {
        &self.table
    }

    /// The connection that it belongs to.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The place of the column with the partition.
    fn partition_column(&self) -> Option<usize> {
        let place = self.table.columns.len();
        (place < self.schema.fields().len()).then_some(place)
    }

    /// The settings of a run. Strict ones fail for a bad value, whatever the schema is prepared for.
    fn settings(&self, state: &dyn Session) -> Result<Arc<Settings>> {
        let settings = state.config().get_extension::<Settings>().unwrap_or_default();
        if settings.on_bad_value == self.on_bad_value || is_strict(state) {
            return Ok(settings);
        }
        Err(DataFusionError::Plan(format!(
            "tidegate.on_bad_value was changed after the statement was prepared over {}.{}: prepare it again",
            self.connection.def.name, self.table.name
        )))
    }

    /// The partitions to read, and the filters that are left when those on the partition alone have chosen them.
    fn reached(&self, state: &dyn Session, filters: &[Expr]) -> Result<(Option<Reach>, Vec<Expr>)> {
        let Some(reach) = &self.reach else { return Ok((None, filters.to_vec())) };
        reach.check()?;
        if self.partition_column().is_none() {
            return Ok((Some(reach.clone()), filters.to_vec()));
        }
        let others = filters.iter().filter(|filter| !prune::is_on_partition(filter));
        Ok((Some(prune::pruned(state, reach, filters)?), others.cloned().collect()))
    }

    /// The columns that are wanted, divided into those of rows and those of details.
    fn division(&self, wanted: &[usize], reach: Option<&Reach>) -> Result<Division> {
        let partition = self.partition_column();
        let division = Division::new(&self.table, wanted, partition.filter(|_| reach.is_some()));
        if !division.is_plain() && reach.is_some() && partition.is_none() {
            return Err(DataFusionError::Plan(format!(
                "{}.{}: the API has a column {COLUMN} of its own, so that nothing tells in which partition a row's details \
                 are; leave them out",
                self.connection.def.name, self.table.name
            )));
        }
        Ok(division)
    }

    fn known(&self, state: &dyn Session) -> Known {
        let knowledge = state.config().get_extension::<Knowledge>();
        knowledge.map_or_else(Known::nothing, |all| all.of(&self.connection.fingerprint, &self.table.name))
    }

    fn refused(&self, verb: &str) -> DataFusionError {
        DataFusionError::NotImplemented(format!(
            "{verb} of {}.{} cannot be done by its plan, which would lose its bound: run it as a statement of a session",
            self.connection.def.name, self.table.name
        ))
    }
}

fn is_strict(state: &dyn Session) -> bool {
    state.config().get_extension::<StrictReads>().is_some()
}

#[async_trait]
impl TableProvider for ApiTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let has_partition = self.partition_column().is_some();
        let support = |filter: &&Expr| {
            // A filter on a detail's column is evaluated when the row has it.
            let is_of_rows = |column: usize| self.table.detail_of(column).is_none();
            let has =
                |name: &str| self.table.column_index(name).is_some_and(is_of_rows) || (name == COLUMN && has_partition);
            if evaluable(filter, has) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let settings = self.settings(state)?;
        let whole_rows: Vec<usize> = (0..self.schema.fields().len()).collect();
        let (reach, filters) = self.reached(state, filters)?;
        let wanted = projection.unwrap_or(&whole_rows);
        let division = self.division(wanted, reach.as_ref())?;
        let connection: Arc<str> = Arc::from(self.connection.def.name.as_str());
        let asking = Arc::new(Asking {
            connection: Arc::clone(&connection),
            table: Arc::clone(&self.table),
            schema: Arc::clone(&self.schema),
            wanted: division.of_rows().to_vec(),
            filters,
            reach,
            base_has_partition: base_needs_partition(&self.connection),
            pushdown: settings.pushdown,
            on_bad_value: settings.on_bad_value,
            is_strict: is_strict(state),
            known: self.known(state),
        });
        let scan: Arc<dyn ExecutionPlan> = match asking.plan(limit) {
            Ok(Asked::Nothing) => return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(wanted)?)))),
            Ok(Asked::Scan(scan)) => Arc::new(*scan),
            Err(Unaskable { error, lacks_filter: true }) => {
                Arc::new(UnaskedExec::try_new(Arc::clone(&asking), limit, error)?)
            }
            Err(Unaskable { error, .. }) => return Err(error.into()),
        };
        if division.is_plain() {
            return Ok(scan);
        }
        let (pushdown, on_bad_value, is_strict) = (asking.pushdown, asking.on_bad_value, asking.is_strict);
        let manner = Manner { pushdown, on_bad_value, is_strict };
        division.over(scan, &connection, &self.table, (&self.schema, manner))
    }

    async fn insert_into(
        &self,
        _state: &dyn Session,
        _input: Arc<dyn ExecutionPlan>,
        _insert_op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(self.refused("INSERT"))
    }

    async fn delete_from(&self, _state: &dyn Session, _filters: Vec<Expr>) -> Result<Arc<dyn ExecutionPlan>> {
        Err(self.refused("DELETE"))
    }

    async fn update(
        &self,
        _state: &dyn Session,
        _assignments: Vec<(String, Expr)>,
        _filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(self.refused("UPDATE"))
    }

    async fn truncate(&self, _state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        Err(self.refused("TRUNCATE"))
    }
}
