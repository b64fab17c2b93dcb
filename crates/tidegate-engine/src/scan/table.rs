//! A remote table as DataFusion plans it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use tidegate_remote::pushdown::CannotAsk;
use tidegate_remote::{BadValue, ScanRequest, arrow_types, partition};
use tidegate_spec::{Endpoint, Projection, Table};

use super::choose::{Offer, choose};
use super::exec::ApiScanExec;
use super::filters::{FilterSplit, Question, Trust, evaluable, is_echo, is_said};
use super::missing::{Unmet, missing_filter, unreturned};
use super::prune;
use super::recheck::{Filter, Recheck};
use super::requests::{requests, together};
use super::strict::StrictReads;
use crate::partitions::{COLUMN, base_needs_partition};
use crate::{Connection, Error, ErrorKind, Reach, Settings};

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

    /// Whether the endpoint may be asked. In a table that is read in each partition, one that says nothing of the
    /// partition would return the same rows for each.
    fn is_askable(&self, endpoint: &Endpoint) -> bool {
        self.reach.is_none() || base_needs_partition(&self.connection) || partition::in_endpoint(endpoint)
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

    /// The endpoint that answers the question with the fewest calls, and what it is asked.
    ///
    /// A strict one asks none whose answers may lag behind writes.
    fn ask(
        &self,
        question: &Question,
        needed: &[usize],
        limit: Option<usize>,
        is_strict: bool,
    ) -> crate::Result<(usize, FilterSplit)> {
        let (mut answers, mut unmet) = (Vec::new(), Vec::new());
        let mut too_many = None;
        let mut lagging = None;
        let returns =
            |endpoint: &Endpoint| needed.iter().all(|&column| is_echo(&self.table, column) || endpoint.returns(column));
        for (index, endpoint) in self.table.endpoints.iter().enumerate().filter(|(_, endpoint)| returns(endpoint)) {
            if !self.is_askable(endpoint) {
                continue;
            }
            match question.ask(index, needed) {
                Ok(_) if is_strict && endpoint.eventual => lagging = Some(endpoint),
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
        let message = if let Some(endpoint) = lagging {
            self.lags(endpoint)
        } else if let Some(refusal) = too_many {
            format!("{connection}: {}", refusal.message(&self.table))
        } else if unmet.is_empty() && !self.table.endpoints.is_empty() {
            unreturned(connection, &self.table, needed)
        } else {
            missing_filter(connection, &self.table, question, &unmet)
        };
        Err(Error::new(ErrorKind::Query, message))
    }

    /// Why the one endpoint that could answer is not asked.
    fn lags(&self, endpoint: &Endpoint) -> String {
        format!(
            "{}.{}: a change reads its rows as they are now, and the answers of {}, which alone could be asked, may lag \
             behind writes; narrow the statement so that another endpoint can answer, for instance by the key",
            self.connection.def.name, self.table.name, endpoint.name
        )
    }

    /// Whether these requests to the endpoint give the column a value.
    fn gives(&self, endpoint: usize, column: usize, split: &FilterSplit) -> bool {
        if is_echo(&self.table, column) {
            return is_said(&split.alternatives, column);
        }
        self.table.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.returns(column))
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
        let has_partition = self.partition_column().is_some();
        let support = |filter: &&Expr| {
            let has = |name: &str| self.table.column_index(name).is_some() || (name == COLUMN && has_partition);
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
        let on_bad_value = settings.on_bad_value;
        let trust = match (settings.pushdown, on_bad_value) {
            (false, _) => Trust::Nothing,
            (true, BadValue::Null) => Trust::Superset,
            (true, BadValue::Fail) => Trust::Declared,
        };
        let everything: Vec<usize> = (0..self.table.columns.len()).collect();
        let whole_rows: Vec<usize> = (0..self.schema.fields().len()).collect();
        let wanted = projection.unwrap_or(&whole_rows);
        let (reach, filters) = self.reached(state, filters)?;
        let question = Question::new(&self.table, &filters, trust);
        let nothing = || Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(wanted)?))) as _);
        if (question.never && trust != Trust::Nothing) || reach.as_ref().is_some_and(|reach| reach.codes().is_empty()) {
            return nothing();
        }
        let partition = self.partition_column();
        let columns: Vec<usize> = wanted.iter().copied().filter(|column| Some(*column) != partition).collect();
        let needed = needed(&columns, &question);
        let (endpoint, split) = match self.ask(&question, &needed, limit, is_strict(state)) {
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
        let reads_partition =
            partition.filter(|place| wanted.contains(place) || filters.iter().any(prune::reads_partition));
        let fetched_schema = Arc::new(self.schema.project(&[fetched.as_slice(), reads_partition.as_slice()].concat())?);
        let named = DFSchema::try_from(Arc::clone(&fetched_schema))?;
        let filter = |expr: Expr| Filter::new(state, expr, &named);
        let recheck = Recheck {
            residual: split.residual.map(filter).transpose()?,
            verified: split.verified.into_iter().map(filter).collect::<Result<_>>()?,
        };
        let place = |column: &usize| fetched.iter().chain(&reads_partition).position(|have| have == column);
        let output = wanted.iter().filter_map(place).collect();
        let request = ScanRequest {
            table: if settings.pushdown { Arc::clone(&self.table) } else { Arc::new(whole(&self.table)) },
            endpoint,
            columns: fetched,
            filter: together(&split.alternatives),
            sort: Vec::new(),
            fetch: None,
            on_bad_value,
        };
        let requests = requests(&request, split.alternatives);
        let connection = Arc::from(self.connection.def.name.as_str());
        let scan =
            ApiScanExec::try_new(connection, request, requests, fetched_schema, recheck, output, settings.pushdown)?;
        Ok(Arc::new(scan.over(reach).fetching(limit)))
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
