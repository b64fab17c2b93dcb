//! What a query wants of a remote table, and the scan that gets it.
//!
//! [`Asking`] is data: it outlives planning inside of the operator, so that a join can ask the same with its keys added
//! when they are known. Nothing here sends a request.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, Result as DfResult};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use tidegate_remote::pushdown::{Alternative, CannotAsk};
use tidegate_remote::{BadValue, ScanRequest};
use tidegate_spec::{Endpoint, Projection, Table};

use super::choose::{Offer, choose, expected};
use super::exec::ApiScanExec;
use super::filters::{FilterSplit, Question, Trust, is_echo, is_said};
use super::missing::{Unmet, missing_filter, unreturned};
use super::order::Segment;
use super::prune;
use super::recheck::{Filter, Recheck};
use super::requests::{requests, together};
use crate::cost::Known;
use crate::pushdown::sql_text;
use crate::{Error, ErrorKind, Reach, Result};

/// What is wanted of one remote table.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// Connection, as named in SQL.
    pub(super) connection: Arc<str>,
    pub(super) table: Arc<Table>,
    /// The table's columns as SQL sees them; one more than the table's own is the partition.
    pub(super) schema: SchemaRef,
    /// Columns that are wanted, as places in the schema.
    pub(super) wanted: Vec<usize>,
    /// Filters that must all hold, without those that chose the partitions.
    pub(super) filters: Vec<Expr>,
    /// The partitions to read; `None` for a table that is read once.
    pub(super) reach: Option<Reach>,
    /// Whether the connection's base URL names the partition, so that no endpoint has to.
    pub(super) base_has_partition: bool,
    /// Whether the API is asked for more than it cannot be asked without.
    pub(super) pushdown: bool,
    pub(super) on_bad_value: BadValue,
    /// Whether endpoints are left out whose answers may lag behind writes.
    pub(super) is_strict: bool,
    /// Numbers of rows that were known when the query was planned: for choosing, and not for running.
    pub(super) known: Known,
}

/// How a table is read.
#[derive(Debug)]
pub(crate) enum Asked {
    /// No row can be what is wanted: nothing is asked for.
    Nothing,
    /// By this scan.
    Scan(Box<ApiScanExec>),
}

/// Why a table cannot be read.
#[derive(Debug)]
pub(crate) struct Unaskable {
    /// For the user.
    pub(crate) error: Error,
    /// Whether a filter could help, such as the keys of a join.
    pub(crate) lacks_filter: bool,
}

impl Asking {
    pub(super) fn trust(&self) -> Trust {
        match (self.pushdown, self.on_bad_value) {
            (false, _) => Trust::Nothing,
            (true, BadValue::Null) => Trust::Superset,
            (true, BadValue::Fail) => Trust::Declared,
        }
    }

    /// The place of the column with the partition.
    fn partition_column(&self) -> Option<usize> {
        let place = self.table.columns.len();
        (place < self.schema.fields().len()).then_some(place)
    }

    /// Connection, as named in SQL.
    pub(crate) fn connection(&self) -> &Arc<str> {
        &self.connection
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Codes of the partitions that are read; none where there are none.
    pub(crate) fn partitions(&self) -> &[Arc<str>] {
        self.reach.as_ref().map(Reach::codes).unwrap_or_default()
    }

    /// The filters as SQL.
    pub(crate) fn filters_text(&self) -> String {
        conjunction(self.filters.iter().cloned()).map(|filters| sql_text(&filters)).unwrap_or_default()
    }

    /// The schema of the rows that are wanted.
    ///
    /// # Errors
    /// A column that there is not.
    pub(crate) fn output_schema(&self) -> DfResult<SchemaRef> {
        Ok(Arc::new(self.schema.project(&self.wanted)?))
    }

    /// The same for other columns of the rows for which these filters hold too.
    pub(super) fn narrowed(&self, filters: Vec<Expr>, wanted: Vec<usize>) -> Self {
        let filters = self.filters.iter().cloned().chain(filters).collect();
        Self { filters, wanted, ..self.clone() }
    }

    /// The scan with the fewest expected calls of which `limit` rows are wanted.
    ///
    /// # Errors
    /// No endpoint can be asked for this.
    pub(crate) fn plan(self: &Arc<Self>, limit: Option<usize>) -> Result<Asked, Unaskable> {
        let trust = self.trust();
        let question = Question::new(&self.table, &self.filters, trust);
        let reaches_nothing = self.reach.as_ref().is_some_and(|reach| reach.codes().is_empty());
        if (question.never && trust != Trust::Nothing) || reaches_nothing {
            return Ok(Asked::Nothing);
        }
        let needed = needed(&self.wanted_columns(), &question);
        let (endpoint, split, calls) = match self.ask(&question, &needed, limit) {
            Ok(answer) => answer,
            Err(_) if question.never => return Ok(Asked::Nothing),
            Err(error) => return Err(error),
        };
        let scan = self.scan(endpoint, split, needed, requests).map_err(|error| Unaskable::for_good(error.into()))?;
        Ok(Asked::Scan(Box::new(scan.expecting(calls.saturating_mul(self.parts())).fetching(limit))))
    }

    /// The table's own columns that are wanted.
    pub(super) fn wanted_columns(&self) -> Vec<usize> {
        let partition = self.partition_column();
        self.wanted.iter().copied().filter(|column| Some(*column) != partition).collect()
    }

    /// How often each request is made: once in each partition.
    pub(super) fn parts(&self) -> u64 {
        self.reach.as_ref().map_or(1, |reach| reach.codes().len() as u64)
    }

    /// The scan of an endpoint that is asked with the requests that `requests` makes of what they have in common.
    ///
    /// # Errors
    /// Filters that cannot be evaluated.
    pub(super) fn scan(
        self: &Arc<Self>,
        endpoint: usize,
        split: FilterSplit,
        needed: Vec<usize>,
        requests: impl FnOnce(&ScanRequest, &[Alternative]) -> Vec<Segment>,
    ) -> DfResult<ApiScanExec> {
        let fetched = if self.trust() == Trust::Nothing {
            let has = |column: &usize| needed.contains(column) || self.gives(endpoint, *column, &split);
            (0..self.table.columns.len()).filter(has).collect()
        } else {
            needed
        };
        let reads_partition = self
            .partition_column()
            .filter(|place| self.wanted.contains(place) || self.filters.iter().any(prune::reads_partition));
        let fetched_schema = Arc::new(self.schema.project(&[fetched.as_slice(), reads_partition.as_slice()].concat())?);
        let named = DFSchema::try_from(Arc::clone(&fetched_schema))?;
        let filter = |expr: Expr| Filter::new(expr, &named);
        let recheck = Recheck {
            residual: split.residual.map(filter).transpose()?,
            unasked: split.unasked,
            verified: split.verified.into_iter().map(filter).collect::<DfResult<_>>()?,
        };
        let place = |column: &usize| fetched.iter().chain(&reads_partition).position(|have| have == column);
        let output = self.wanted.iter().filter_map(place).collect();
        let request = ScanRequest {
            table: if self.pushdown { Arc::clone(&self.table) } else { Arc::new(whole(&self.table)) },
            endpoint,
            columns: fetched,
            filter: together(&split.alternatives),
            sort: Vec::new(),
            fetch: None,
            skip: 0,
            on_bad_value: self.on_bad_value,
        };
        let requests = requests(&request, &split.alternatives);
        ApiScanExec::try_new(Arc::clone(self), request, requests, fetched_schema, recheck, output)
    }

    /// Whether the endpoint may be asked. In a table that is read in each partition, one that says nothing of the
    /// partition would return the same rows for each.
    fn is_askable(&self, endpoint: &Endpoint) -> bool {
        self.reach.is_none() || self.base_has_partition || tidegate_remote::partition::in_endpoint(endpoint)
    }

    /// The endpoints that return these columns and may be asked, by their places.
    pub(super) fn askable<'a>(&'a self, needed: &'a [usize]) -> impl Iterator<Item = (usize, &'a Endpoint)> {
        let returns =
            |endpoint: &Endpoint| needed.iter().all(|&column| is_echo(&self.table, column) || endpoint.returns(column));
        let endpoints = self.table.endpoints.iter().enumerate();
        endpoints.filter(move |(_, endpoint)| returns(endpoint) && self.is_askable(endpoint))
    }

    /// The endpoint that answers the question with the fewest calls, what it is asked, and how many calls are expected in
    /// each partition.
    fn ask(
        &self,
        question: &Question,
        needed: &[usize],
        limit: Option<usize>,
    ) -> Result<(usize, FilterSplit, u64), Unaskable> {
        let (mut answers, mut refused) = (Vec::new(), Refused::default());
        for (index, endpoint) in self.askable(needed) {
            match question.ask(index, needed) {
                Ok(_) if self.is_strict && endpoint.eventual => refused.lagging = Some(index),
                Ok(split) => {
                    let at_once = question.ask_at_once(index, needed, &split);
                    answers.push((index, split));
                    answers.extend(at_once.map(|split| (index, split)));
                }
                Err(CannotAsk::Missing(filters)) => refused.unmet.push(Unmet { endpoint: index, filters }),
                Err(refusal @ CannotAsk::TooMany { .. }) => refused.too_many = Some(refusal),
            }
        }
        let offers = answers.iter().map(|(index, split)| Offer {
            endpoint: &self.table.endpoints[*index],
            requests: split.alternatives.len(),
            pushed: split.alternatives.first().and_then(|first| first.pushed.predicate.as_ref()),
            wanted: limit.filter(|_| split.residual.is_none()).map(|limit| limit as u64),
        });
        let offers: Vec<Offer<'_>> = offers.collect();
        let best = choose(&offers, &self.table, &self.known);
        let best = best.map(|best| (best, expected(&offers, best, &self.table, &self.known)));
        drop(offers);
        match best {
            Some((best, calls)) => {
                let (endpoint, split) = answers.swap_remove(best);
                Ok((endpoint, split, calls))
            }
            None => Err(self.refusal(question, needed, refused)),
        }
    }

    /// Why none of the endpoints is asked.
    pub(super) fn refusal(&self, question: &Question, needed: &[usize], refused: Refused) -> Unaskable {
        let Refused { unmet, too_many, lagging } = refused;
        let connection = &self.connection;
        let lacks_filter = !unmet.is_empty() && lagging.is_none() && too_many.is_none();
        let message = if let Some(endpoint) = lagging.and_then(|endpoint| self.table.endpoints.get(endpoint)) {
            self.lags(endpoint)
        } else if let Some(refusal) = too_many {
            format!("{connection}: {}", refusal.message(&self.table))
        } else if unmet.is_empty() && !self.table.endpoints.is_empty() {
            unreturned(connection, &self.table, needed)
        } else {
            missing_filter(connection, &self.table, question, &unmet)
        };
        Unaskable { error: Error::new(ErrorKind::Query, message), lacks_filter }
    }

    /// Why the one endpoint that could answer is not asked.
    fn lags(&self, endpoint: &Endpoint) -> String {
        format!(
            "{}.{}: a change reads its rows as they are now, and the answers of {}, which alone could be asked, may lag \
             behind writes; narrow the statement so that another endpoint can answer, for instance by the key",
            self.connection, self.table.name, endpoint.name
        )
    }

    /// Whether these requests to the endpoint give the column a value.
    fn gives(&self, endpoint: usize, column: usize, split: &FilterSplit) -> bool {
        if self.table.detail_of(column).is_some() {
            return false;
        }
        if is_echo(&self.table, column) {
            return is_said(&split.alternatives, column);
        }
        self.table.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.returns(column))
    }
}

/// What kept endpoints from being asked.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// They need filters.
    pub(super) unmet: Vec<Unmet>,
    /// One would have to be asked too often.
    pub(super) too_many: Option<CannotAsk>,
    /// The answers of this one may lag behind writes.
    pub(super) lagging: Option<usize>,
}

impl Unaskable {
    pub(super) fn for_good(error: Error) -> Self {
        Self { error, lacks_filter: false }
    }
}

/// Columns to fetch: those asked for, then those that only the filters read.
pub(super) fn needed(columns: &[usize], question: &Question) -> Vec<usize> {
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
