//! A remote table as DataFusion plans it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use tidegate_remote::{BadValue, ScanRequest, arrow_types};
use tidegate_spec::{Projection, Table};

use super::exec::ApiScanExec;
use super::filters::{FilterSplit, Trust, evaluable, split};
use super::recheck::Recheck;
use crate::{Connection, Settings};

/// One table of a connection.
#[derive(Debug)]
pub struct ApiTable {
    connection: Arc<Connection>,
    table: Arc<Table>,
    on_bad_value: BadValue,
    schema: SchemaRef,
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
        Self { connection, table, on_bad_value, schema }
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

    fn settings(&self, state: &dyn Session) -> Result<Arc<Settings>> {
        let settings = state.config().get_extension::<Settings>().unwrap_or_default();
        if settings.on_bad_value == self.on_bad_value {
            return Ok(settings);
        }
        Err(DataFusionError::Plan(format!(
            "tidegate.on_bad_value was changed after the statement was prepared over {}.{}: prepare it again",
            self.connection.def.name, self.table.name
        )))
    }

    fn refused(&self, verb: &str) -> DataFusionError {
        DataFusionError::NotImplemented(format!(
            "{verb} is not offered on {}.{}: API tables are read-only; change the rows with the API itself",
            self.connection.def.name, self.table.name
        ))
    }
}

/// Columns to fetch: those asked for, then those that only the filters read.
fn fetched(columns: &[usize], split: &FilterSplit, table: &Table) -> Vec<usize> {
    let mut fetched = columns.to_vec();
    let mut more: Vec<usize> = split
        .residual
        .iter()
        .chain(&split.verified)
        .flat_map(Expr::column_refs)
        .filter_map(|column| table.column_index(&column.name))
        .filter(|column| !columns.contains(column))
        .collect();
    more.sort_unstable();
    more.dedup();
    fetched.extend(more);
    fetched
}

/// The table read without the API's projection.
fn whole(table: &Table) -> Table {
    let mut table = table.clone();
    for endpoint in &mut table.endpoints {
        endpoint.projection = Projection::Whole;
    }
    table
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
        let support = |filter: &&Expr| {
            if evaluable(&self.table, filter) {
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
        let endpoint = 0;
        let trust = match (settings.pushdown, self.on_bad_value) {
            (false, _) => Trust::Nothing,
            (true, BadValue::Null) => Trust::Superset,
            (true, BadValue::Fail) => Trust::Declared,
        };
        let everything: Vec<usize> = (0..self.table.columns.len()).collect();
        let columns = projection.unwrap_or(&everything);
        let split = split(&self.table, endpoint, filters, trust);
        if split.never {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(columns)?))));
        }
        let fetched = match trust {
            Trust::Nothing => everything.clone(),
            _ => fetched(columns, &split, &self.table),
        };
        let fetched_schema = Arc::new(self.schema.project(&fetched)?);
        let named = DFSchema::try_from(Arc::clone(&fetched_schema))?;
        let physical = |expr: Expr| state.create_physical_expr(expr, &named);
        let recheck = Recheck {
            residual: split.residual.map(physical).transpose()?,
            verified: split.verified.into_iter().map(physical).collect::<Result<_>>()?,
        };
        let output = columns.iter().filter_map(|column| fetched.iter().position(|have| have == column)).collect();
        let request = ScanRequest {
            table: if settings.pushdown { Arc::clone(&self.table) } else { Arc::new(whole(&self.table)) },
            endpoint,
            columns: fetched,
            filter: split.pushed,
            sort: Vec::new(),
            fetch: None,
            on_bad_value: self.on_bad_value,
        };
        let connection = Arc::from(self.connection.def.name.as_str());
        let scan = ApiScanExec::try_new(connection, request, fetched_schema, recheck, output, settings.pushdown)?;
        Ok(Arc::new(scan.fetching(limit)))
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
