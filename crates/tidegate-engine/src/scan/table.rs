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
use tidegate_remote::pushdown::CannotAsk;
use tidegate_remote::{BadValue, ScanRequest, arrow_types};
use tidegate_spec::{Endpoint, Projection, Table};

use super::choose::{Offer, choose};
use super::exec::ApiScanExec;
use super::filters::{FilterSplit, Question, Trust, evaluable, is_echo, is_said};
use super::missing::{Unmet, missing_filter, unreturned};
use super::recheck::{Filter, Recheck};
use super::requests::{requests, together};
use crate::{Connection, Error, ErrorKind, Settings};

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

    /// The endpoint that answers the question with the fewest calls, and what it is asked.
    fn ask(&self, question: &Question, needed: &[usize], limit: Option<usize>) -> crate::Result<(usize, FilterSplit)> {
        let (mut answers, mut unmet) = (Vec::new(), Vec::new());
        let mut too_many = None;
        let returns =
            |endpoint: &Endpoint| needed.iter().all(|&column| is_echo(&self.table, column) || endpoint.returns(column));
        for (index, _) in self.table.endpoints.iter().enumerate().filter(|(_, endpoint)| returns(endpoint)) {
            match question.ask(index, needed) {
                Ok(split) => answers.push((index, split)),
                Err(CannotAsk::Missing(filters)) => unmet.push(Unmet { endpoint: index, filters }),
                Err(refusal @ CannotAsk::TooMany { .. }) => too_many = Some(refusal),
            }
        }
        let offers = answers.iter().map(|(index, split)| Offer {
            endpoint: &self.table.endpoints[*index],
            requests: split.alternatives.len(),
            pushed: split.alternatives.first().and_then(|first| first.pushed.predicate.as_ref()),
            wanted: limit.filter(|_| split.residual.is_none()).map(|limit| limit as u64),
        });
        if let Some(best) = choose(&offers.collect::<Vec<_>>()) {
            return Ok(answers.swap_remove(best));
        }
        let connection = &self.connection.def.name;
        let message = if let Some(refusal) = too_many {
            format!("{connection}: {}", refusal.message(&self.table))
        } else if unmet.is_empty() && !self.table.endpoints.is_empty() {
            unreturned(connection, &self.table, needed)
        } else {
            missing_filter(connection, &self.table, question, &unmet)
        };
        Err(Error::new(ErrorKind::Query, message))
    }

    /// Whether these requests to the endpoint give the column a value.
    fn gives(&self, endpoint: usize, column: usize, split: &FilterSplit) -> bool {
        if is_echo(&self.table, column) {
            return is_said(&split.alternatives, column);
        }
        self.table.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.returns(column))
    }

    fn refused(&self, verb: &str) -> DataFusionError {
        DataFusionError::NotImplemented(format!(
            "{verb} is not offered on {}.{}: API tables are read-only; change the rows with the API itself",
            self.connection.def.name, self.table.name
        ))
    }
}

/// Columns to fetch: those asked for, then those that only the filters read.
fn needed(columns: &[usize], question: &Question) -> Vec<usize> {
    let mut needed = columns.to_vec();
    needed.extend(question.columns().into_iter().filter(|column| !columns.contains(column)));
    needed
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
        let trust = match (settings.pushdown, self.on_bad_value) {
            (false, _) => Trust::Nothing,
            (true, BadValue::Null) => Trust::Superset,
            (true, BadValue::Fail) => Trust::Declared,
        };
        let everything: Vec<usize> = (0..self.table.columns.len()).collect();
        let columns = projection.unwrap_or(&everything);
        let question = Question::new(&self.table, filters, trust);
        let nothing = || Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(columns)?))) as _);
        if question.never && trust != Trust::Nothing {
            return nothing();
        }
        let needed = needed(columns, &question);
        let (endpoint, split) = match self.ask(&question, &needed, limit) {
            Ok(answer) => answer,
            Err(_) if question.never => return nothing(),
            Err(error) => return Err(error.into()),
        };
        let fetched = match trust {
            Trust::Nothing => {
                let has = |column: &usize| needed.contains(column) || self.gives(endpoint, *column, &split);
                everything.iter().copied().filter(has).collect()
            }
            Trust::Superset | Trust::Declared => needed,
        };
        let fetched_schema = Arc::new(self.schema.project(&fetched)?);
        let named = DFSchema::try_from(Arc::clone(&fetched_schema))?;
        let filter = |expr: Expr| Filter::new(state, expr, &named);
        let recheck = Recheck {
            residual: split.residual.map(filter).transpose()?,
            verified: split.verified.into_iter().map(filter).collect::<Result<_>>()?,
        };
        let output = columns.iter().filter_map(|column| fetched.iter().position(|have| have == column)).collect();
        let request = ScanRequest {
            table: if settings.pushdown { Arc::clone(&self.table) } else { Arc::new(whole(&self.table)) },
            endpoint,
            columns: fetched,
            filter: together(&split.alternatives),
            sort: Vec::new(),
            fetch: None,
            on_bad_value: self.on_bad_value,
        };
        let requests = requests(&request, split.alternatives);
        let connection = Arc::from(self.connection.def.name.as_str());
        let scan =
            ApiScanExec::try_new(connection, request, requests, fetched_schema, recheck, output, settings.pushdown)?;
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
