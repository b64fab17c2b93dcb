//! The SELECT of the rows that an UPDATE or a DELETE changes.
//!
//! WHERE, joins and ORDER BY come along as they are written; LIMIT does not: it is counted where rows are told apart.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, OrderBy, OrderByExpr, OrderByKind, Query, TableWithJoins, Update,
    UpdateTableFromKind, Value,
};
use tidegate_spec::{Endpoint, EndpointKind, Table, Write, WriteKind};

use super::ast;
use super::layout::{Action, Items, Layout};
use super::target::Target;
use super::values::{is_default, kept};
use crate::sql::quote;
use crate::{Error, ErrorKind, Result};

/// The query of the rows that are changed.
#[derive(Debug)]
pub(super) struct Selecting {
    /// What is run; without LIMIT.
    pub(super) query: Query,
    /// What its columns mean.
    pub(super) layout: Layout,
    /// Whether a row of the target may come more than once.
    pub(super) may_repeat: bool,
}

/// The rows of an UPDATE. `returned` are columns that RETURNING names.
///
/// # Errors
/// What cannot be written, and clauses that are not offered.
pub(super) fn update(target: &Target, update: &Update, returned: &[usize]) -> Result<Selecting> {
    if update.or.is_some() {
        return Err(unsupported("UPDATE OR …"));
    }
    if update.output.is_some() {
        return Err(unsupported("OUTPUT; write RETURNING"));
    }
    let assigned = assignments(target, &update.assignments)?;
    let columns: Vec<usize> = assigned.iter().map(|(column, _)| *column).collect();
    let write = target.write(WriteKind::Update, &columns)?;
    let mut items = Items::of_rows(target)?;
    items.old(
        old_columns(&target.table, WriteKind::Update, write).into_iter().chain(columns).chain(returned.iter().copied()),
    )?;
    let mut action = Action { version: version(write), ..Action::new(WriteKind::Update) };
    for (column, value) in assigned {
        action.new.push(items.new_value("", column, value));
    }
    items.layout.actions.push(action);
    let joined = match &update.from {
        Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from.as_slice(),
        None => &[],
    };
    selecting(items, &update.table, joined, update.selection.as_ref(), &update.order_by)
}

/// The rows of a DELETE, with all that an INSERT would need to bring them back.
///
/// # Errors
/// As [`update`].
pub(super) fn delete(target: &Target, delete: &Delete, from: &TableWithJoins, returned: &[usize]) -> Result<Selecting> {
    if delete.output.is_some() {
        return Err(unsupported("OUTPUT; write RETURNING"));
    }
    let write = target.write(WriteKind::Delete, &[])?;
    let mut items = Items::of_rows(target)?;
    let kept = restorable(&target.table);
    items.old(
        old_columns(&target.table, WriteKind::Delete, write).into_iter().chain(kept).chain(returned.iter().copied()),
    )?;
    items.layout.actions.push(Action { version: version(write), ..Action::new(WriteKind::Delete) });
    let joined = delete.using.as_deref().unwrap_or_default();
    selecting(items, from, joined, delete.selection.as_ref(), &delete.order_by)
}

fn selecting(
    items: Items<'_>,
    target: &TableWithJoins,
    joined: &[TableWithJoins],
    condition: Option<&Expr>,
    order: &[OrderByExpr],
) -> Result<Selecting> {
    if let Some(position) = order.iter().find(|item| is_position(&item.expr)) {
        let message =
            format!("ORDER BY {position}: a mutation is ordered by columns and expressions, not by a position");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let (items, layout) = items.finish();
    let from = std::iter::once(target.clone()).chain(joined.iter().cloned()).collect();
    let mut query = ast::select(items, from, condition.cloned())?;
    if !order.is_empty() {
        let kind = OrderByKind::Expressions(order.to_vec());
        query.order_by = Some(OrderBy { kind, interpolate: None });
    }
    Ok(Selecting { query, layout, may_repeat: !joined.is_empty() })
}

fn is_position(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

/// What SET says, column by column.
///
/// # Errors
/// Columns that there are not, that are named twice, and values that are none.
pub(super) fn assignments(target: &Target, assignments: &[Assignment]) -> Result<Vec<(usize, Expr)>> {
    let mut assigned: Vec<(usize, Expr)> = Vec::new();
    for Assignment { target: written, value } in assignments {
        match (written, value) {
            (AssignmentTarget::ColumnName(name), value) => assigned.push((target.written(name)?, value.clone())),
            (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
                for (name, value) in names.iter().zip(values) {
                    assigned.push((target.written(name)?, value.clone()));
                }
            }
            (AssignmentTarget::Tuple(names), _) => {
                let message = format!("SET with {} columns in brackets takes as many values in brackets", names.len());
                return Err(Error::new(ErrorKind::Syntax, message));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (column, value) in &mut assigned {
        let name = quote(target.name(*column));
        if !seen.insert(*column) {
            return Err(Error::new(ErrorKind::Query, format!("SET names {name} twice")));
        }
        if is_default(value) {
            let message = format!("SET {name} = DEFAULT: the API does not tell its defaults; write the value");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        if let Some(column) = target.table.columns.get(*column) {
            let owned = std::mem::replace(value, Expr::value(Value::Null));
            *value = kept(owned, &column.data_type);
        }
    }
    Ok(assigned)
}

/// Columns whose old values a request needs, that of the version among them.
pub(super) fn old_columns(table: &Table, kind: WriteKind, write: &Write) -> Vec<usize> {
    let mut columns = tidegate_remote::write::columns_needed(table, kind);
    columns.extend(version(write));
    columns
}

/// Column with the version that a request needs.
pub(super) fn version(write: &Write) -> Option<usize> {
    write.version.as_ref().map(|version| version.column)
}

/// Columns that an INSERT could write and that can be read along with the others, whatever lists the rows.
pub(super) fn restorable(table: &Table) -> Vec<usize> {
    let Some(insert) = &table.writes.insert else { return Vec::new() };
    let (lists, others): (Vec<&Endpoint>, Vec<&Endpoint>) = table
        .endpoints
        .iter()
        .filter(|endpoint| !endpoint.eventual)
        .partition(|endpoint| matches!(endpoint.kind, EndpointKind::List | EndpointKind::Search));
    let asked = if lists.is_empty() { others } else { lists };
    let is_read = |column: &usize| asked.iter().all(|endpoint| endpoint.returns(*column));
    insert.columns.iter().map(|written| written.column).filter(is_read).collect()
}

pub(super) fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} is not offered"))
}
