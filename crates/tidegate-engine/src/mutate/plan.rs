//! From a statement to the selection of its rows: checked as far as can be without a call for data.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Expr, FromTable, Ident, Query, SelectItem, Statement, With};
use tidegate_spec::{Column, Table, WriteKind};

use super::fit::{may_fit, name as type_name};
use super::layout::Layout;
use super::named::named_columns;
use super::reach::Reaching;
use super::rows::Meaning;
use super::select::Selecting;
use super::target::Target;
use super::{ast, insert, merge, select};
use crate::session::{Planner, Run};
use crate::sql::{Body, MutationKind, MutationStatement, name, quote};
use crate::{Connection, Error, ErrorKind, Result};

/// The rows that a mutation will change, as a plan that reads them.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The connection.
    pub(crate) connection: Arc<Connection>,
    /// The table.
    pub(crate) table: Arc<Table>,
    /// What the statement does.
    pub(crate) kind: MutationKind,
    /// What is written, and which columns: several for a MERGE.
    pub(crate) writes: Vec<(WriteKind, Vec<usize>)>,
    /// The partitions that are reached, in the connection's order; empty where there are none.
    pub(crate) partitions: Vec<Arc<str>>,
    /// Whether ORDER BY sets the order of sending.
    pub(crate) has_order: bool,
    /// What RETURNING says.
    pub(crate) returning: Option<Returning>,
    /// The rows; without LIMIT.
    pub(super) body: LogicalPlan,
    /// The number of rows: one row of one column.
    pub(super) limit: Option<LogicalPlan>,
    pub(super) is_per_partition: bool,
    pub(super) may_repeat: bool,
    pub(super) layout: Arc<Layout>,
    reaching: Option<Reaching>,
    planning: Box<Planning>,
}

/// What parameters are bound with.
#[derive(Clone)]
struct Planning(SessionState);

impl std::fmt::Debug for Planning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Planning")
    }
}

/// What RETURNING says.
#[derive(Debug, Clone)]
pub(crate) struct Returning {
    /// Its items.
    pub(crate) items: Vec<SelectItem>,
    /// What the rows are called in them.
    pub(crate) alias: Ident,
    /// Columns of the table that they may name.
    pub(crate) columns: Vec<usize>,
}

/// Plans the selection of a statement over a connection's table. Sends nothing but what names need.
///
/// # Errors
/// Names that there are not, what the connection does not allow or the table does not offer, values of types that never
/// fit, and more than one partition that nobody asked for.
pub(crate) async fn plan(
    planner: &Planner,
    run: &Run,
    sql: &str,
    statement: &MutationStatement,
    default_schema: &str,
) -> Result<Selection> {
    let target = Target::resolve(planner, run, sql, statement, default_schema).await?;
    check_limit(statement, &target)?;
    let returning = statement.returning().map(|items| Returning {
        items: items.to_vec(),
        alias: target.alias(),
        columns: named_columns(&target.table, items),
    });
    let returned = returning.as_ref().map(|returning| returning.columns.as_slice()).unwrap_or_default();
    let Selecting { query, layout, may_repeat } = selecting(&target, statement, returned)?;
    let planned = |query: Query| async {
        let statement = Box::new(Statement::Query(Box::new(with(query, statement.with.as_ref(), &target)?)));
        planner.plan(run, sql, DfStatement::Statement(statement), default_schema).await
    };
    let body = planned(query).await?;
    check_types(&target, &layout, &body)?;
    let limit = match &statement.limit {
        Some(limit) => Some(planned(number(limit)?).await?),
        None => None,
    };
    let writes = layout.actions.iter().map(|action| (action.kind, action.columns())).collect();
    let reaching = Reaching::of(run, &target, statement.kind(), &layout)?;
    let selection = Selection {
        connection: target.connection,
        table: target.table,
        kind: statement.kind(),
        writes,
        partitions: Vec::new(),
        has_order: statement.has_order(),
        returning,
        body,
        limit,
        is_per_partition: statement.is_per_partition(),
        may_repeat,
        layout: Arc::new(layout),
        reaching,
        planning: Box::new(Planning(planner.state(run)?)),
    };
    selection.reached()
}

/// LIMIT … PER PARTITION of a table without partitions is a mistake, and an INSERT has no partition before its rows.
fn check_limit(statement: &MutationStatement, target: &Target) -> Result<()> {
    if !statement.is_per_partition() {
        return Ok(());
    }
    let problem = match statement.kind() {
        MutationKind::Insert | MutationKind::Merge => {
            format!("{} counts its rows over all partitions", statement.kind())
        }
        MutationKind::Update | MutationKind::Delete if !target.is_partitioned => {
            format!("{} has no partitions", target.place())
        }
        MutationKind::Update | MutationKind::Delete => return Ok(()),
    };
    Err(Error::new(ErrorKind::Unsupported, format!("LIMIT … PER PARTITION is not offered here: {problem}")))
}

pub(super) fn selecting(target: &Target, statement: &MutationStatement, returned: &[usize]) -> Result<Selecting> {
    match &statement.body {
        Body::Update(update) => select::update(target, update, returned),
        Body::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            let from = from.first().ok_or_else(|| Error::new(ErrorKind::Syntax, "DELETE needs a table"))?;
            select::delete(target, delete, from, returned)
        }
        Body::Insert(insert) => insert::insert(target, insert),
        Body::Merge(merge) => merge::merge(target, merge, returned),
    }
}

/// `SELECT limit`
fn number(limit: &Expr) -> Result<Query> {
    ast::select(vec![ast::named(limit.clone(), "limit")], Vec::new(), None)
}

/// The query under the WITH of the statement.
fn with(mut query: Query, with: Option<&With>, target: &Target) -> Result<Query> {
    let Some(with) = with else { return Ok(query) };
    let hides = |name_of: &str| with.cte_tables.iter().any(|cte| name(&cte.alias.name) == name_of);
    if hides(&target.table.name) {
        let message =
            format!("WITH names {} as the table that is changed: choose another name", quote(&target.table.name));
        return Err(Error::new(ErrorKind::Name, message));
    }
    query.with = match query.with.take() {
        None => Some(with.clone()),
        Some(mut own) => {
            own.cte_tables.splice(0..0, with.cte_tables.iter().cloned());
            own.recursive |= with.recursive;
            Some(own)
        }
    };
    Ok(query)
}

/// Types that never fit are told of before anything is read.
fn check_types(target: &Target, layout: &Layout, body: &LogicalPlan) -> Result<()> {
    let fields = body.schema().fields();
    if let ([action], true) = (layout.actions.as_slice(), layout.key.is_empty()) {
        let marks = action.new.iter().filter(|new| new.given.is_some()).count();
        let named = action.new.len() + usize::from(action.into.is_some());
        if fields.len() != named + marks {
            return Err(insert::width(named, &format!("the query returns {}", fields.len() - marks.min(fields.len()))));
        }
    }
    for new in layout.actions.iter().flat_map(|action| &action.new) {
        let (Some(from), Some(to)) = (fields.get(new.field.place), target.table.columns.get(new.field.column)) else {
            continue;
        };
        if !may_fit(from.data_type(), &to.data_type) {
            let wanted = type_name(&tidegate_remote::arrow_types::data_type(&to.data_type));
            let message = format!(
                "{}.{} is {wanted}, and the value is {}: cast it",
                target.place(),
                quote(&to.name),
                type_name(from.data_type())
            );
            return Err(Error::new(ErrorKind::Query, message));
        }
    }
    Ok(())
}

impl Selection {
    /// Parameters by number, then by name.
    ///
    /// # Errors
    /// Those of the planner.
    pub(crate) fn params(&self) -> Result<Vec<(String, Option<DataType>)>> {
        let mut params: BTreeMap<String, Option<DataType>> = BTreeMap::new();
        for plan in std::iter::once(&self.body).chain(&self.limit) {
            for (name, data_type) in plan.get_parameter_types()? {
                let known = params.entry(name).or_default();
                *known = known.take().or(data_type);
            }
        }
        let mut params: Vec<_> = params.into_iter().collect();
        params.sort_by_key(|(name, _)| name.trim_start_matches('$').parse::<u64>().unwrap_or(u64::MAX));
        Ok(params)
    }

    /// The selection with these parameters, which may narrow the partitions that it reaches.
    ///
    /// # Errors
    /// Parameters of types that do not fit, and those of [`plan`] about partitions.
    pub(crate) fn bind(self, params: Vec<ScalarValue>) -> Result<Self> {
        if params.is_empty() {
            return Ok(self);
        }
        let params = ParamValues::from(params);
        let bound = |plan: LogicalPlan| plan.with_param_values(params.clone());
        let limit = self.limit.clone().map(bound).transpose()?;
        Self { body: bound(self.body)?, limit, ..self }.reached()
    }

    /// The same with the partitions that it reaches.
    fn reached(self) -> Result<Self> {
        let Some(reaching) = &self.reaching else { return Ok(self) };
        let partitions = reaching.reached(&self.planning.0, &self.body, self.layout.partition)?;
        Ok(Self { partitions, ..self })
    }

    /// Connection and table.
    pub(crate) fn place(&self) -> String {
        format!("{}.{}", quote(&self.connection.def.name), quote(&self.table.name))
    }

    /// What its rows mean.
    pub(super) fn meaning(&self) -> Meaning {
        Meaning {
            table: Arc::clone(&self.table),
            place: self.place(),
            layout: Arc::clone(&self.layout),
            partitions: self.partitions.clone().into(),
        }
    }

    /// Columns of the key, in its order.
    pub(super) fn key(&self) -> impl Iterator<Item = (&Column, usize)> {
        let key = self.layout.key.iter();
        key.filter_map(|field| Some((self.table.columns.get(field.column)?, field.place)))
    }
}
