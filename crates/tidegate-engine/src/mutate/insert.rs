//! The SELECT of the rows that an INSERT makes.
//!
//! A column that the statement does not name is absent, which is another thing than NULL: it is not sent.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{Expr, Insert, ObjectName, SelectItem, SetExpr, Value};
use tidegate_spec::WriteKind;

use super::layout::{Action, Field, Layout, NewField};
use super::select::{Selecting, unsupported};
use super::target::Target;
use super::values::{is_default, kept};
use crate::partitions::COLUMN;
use crate::sql::{name, quote};
use crate::{Error, ErrorKind, Result};

/// A column that an INSERT names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// One of the table.
    Column(usize),
    /// The partition that the row goes into.
    Partition,
}

/// The columns that are named, each once.
///
/// # Errors
/// None at all, columns that there are not, and those that are named twice.
pub(super) fn named(target: &Target, columns: &[ObjectName]) -> Result<Vec<Named>> {
    if columns.is_empty() {
        let write = target.offered(WriteKind::Insert)?;
        let names: Vec<String> = write.columns.iter().map(|column| quote(target.name(column.column))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!(
            "INSERT INTO {place} needs the names of its columns: INSERT INTO {place} (…) …; these can be written: {}",
            crate::error::listed(&names),
            place = target.place()
        );
        return Err(Error::new(ErrorKind::Query, message));
    }
    let mut seen = BTreeSet::new();
    let mut named = Vec::with_capacity(columns.len());
    for column in columns {
        let written = column.0.last().and_then(|part| part.as_ident()).map(name).unwrap_or_default();
        if !seen.insert(written.clone()) {
            return Err(Error::new(ErrorKind::Query, format!("the column {} is named twice", quote(&written))));
        }
        let is_partition = written == COLUMN && target.is_partitioned && target.table.column_index(COLUMN).is_none();
        named.push(if is_partition { Named::Partition } else { Named::Column(target.written(column)?) });
    }
    Ok(named)
}

/// The rows of an INSERT.
///
/// # Errors
/// What cannot be written, what is required and missing, and clauses that are not offered.
pub(super) fn insert(target: &Target, insert: &Insert) -> Result<Selecting> {
    refuse_others(insert)?;
    let named = named(target, &insert.columns)?;
    let columns: Vec<usize> = named.iter().filter_map(Named::column).collect();
    target.write(WriteKind::Insert, &columns)?;
    let Some(source) = &insert.source else { return Err(unsupported("INSERT without VALUES or SELECT")) };
    let mut query = source.as_ref().clone();
    let optional = match query.body.as_mut() {
        SetExpr::Values(values) => {
            let mut rows: Vec<&mut Vec<Expr>> = values.rows.iter_mut().map(|row| &mut row.content).collect();
            mark_defaults(target, &named, &mut rows)?
        }
        SetExpr::Select(select) => {
            keep_literals(target, &named, &mut select.projection);
            Vec::new()
        }
        _ => Vec::new(),
    };
    let mut action = Action::new(WriteKind::Insert);
    for (place, one) in named.iter().enumerate() {
        match one {
            Named::Partition => action.into = Some(place),
            Named::Column(column) => {
                let mark = optional.iter().position(|optional| *optional == place);
                let given = mark.map(|mark| named.len() + mark);
                action.new.push(NewField { field: Field { place, column: *column }, given });
            }
        }
    }
    let layout = Layout { actions: vec![action], ..Layout::default() };
    Ok(Selecting { query, layout, may_repeat: false })
}

/// Puts NULL in place of DEFAULT, and behind each row, for every column that has a DEFAULT somewhere, whether the row has
/// a value. Returns the places of these columns.
fn mark_defaults(target: &Target, named: &[Named], rows: &mut [&mut Vec<Expr>]) -> Result<Vec<usize>> {
    if let Some(row) = rows.iter().position(|row| row.len() != named.len()) {
        let found = rows.get(row).map_or(0, |row| row.len());
        return Err(width(named.len(), &format!("row {} of VALUES has {found}", row + 1)));
    }
    let is_optional = |place: &usize| rows.iter().any(|row| row.get(*place).is_some_and(is_default));
    let optional: Vec<usize> = (0..named.len()).filter(is_optional).collect();
    for &place in &optional {
        check_optional(target, named, place)?;
    }
    for row in rows {
        let marks: Vec<Expr> = optional
            .iter()
            .filter_map(|place| row.get(*place))
            .map(|value| Expr::value(Value::Boolean(!is_default(value))))
            .collect();
        for (value, one) in row.iter_mut().zip(named) {
            let owned = std::mem::replace(value, Expr::value(Value::Null));
            if !is_default(&owned) {
                *value = one.kept(target, owned);
            }
        }
        row.extend(marks);
    }
    Ok(optional)
}

fn check_optional(target: &Target, named: &[Named], place: usize) -> Result<()> {
    let Some(Named::Column(column)) = named.get(place) else {
        return Err(Error::new(ErrorKind::Query, format!("{COLUMN} has no DEFAULT: write the code of a partition")));
    };
    let write = target.write(WriteKind::Insert, &named.iter().filter_map(Named::column).collect::<Vec<_>>())?;
    let is_required = write.columns.iter().any(|written| written.column == *column && written.required);
    if !is_required {
        return Ok(());
    }
    let message =
        format!("{}.{} has no DEFAULT: the API requires a value", target.place(), quote(target.name(*column)));
    Err(Error::new(ErrorKind::Query, message))
}

/// Keeps literals of a SELECT whose columns can be told apart.
fn keep_literals(target: &Target, named: &[Named], projection: &mut [SelectItem]) {
    let is_plain = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    if projection.len() != named.len() || !projection.iter().all(is_plain) {
        return;
    }
    for (item, one) in projection.iter_mut().zip(named) {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let owned = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = one.kept(target, owned);
        }
    }
}

impl Named {
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Column(column) => Some(*column),
            Self::Partition => None,
        }
    }

    /// The value, so that nothing of it is lost. A code of a partition may be written as a number.
    pub(super) fn kept(self, target: &Target, value: Expr) -> Expr {
        let column = self.column().and_then(|column| target.table.columns.get(column));
        match column {
            Some(column) => kept(value, &column.data_type),
            None => value,
        }
    }
}

/// The number of values is another than that of the columns.
pub(super) fn width(columns: usize, found: &str) -> Error {
    let columns = if columns == 1 { "one column".to_owned() } else { format!("{columns} columns") };
    Error::new(ErrorKind::Query, format!("INSERT names {columns}, and {found}"))
}

fn refuse_others(insert: &Insert) -> Result<()> {
    let others = [
        (insert.or.is_some() || insert.replace_into, "INSERT OR …; MERGE changes rows that are there"),
        (insert.on.is_some(), "ON CONFLICT; MERGE changes rows that are there"),
        (insert.overwrite, "INSERT OVERWRITE"),
        (insert.ignore || insert.priority.is_some(), "INSERT with a word before INTO"),
        (insert.output.is_some(), "OUTPUT; write RETURNING"),
        (!insert.assignments.is_empty(), "INSERT … SET; write VALUES"),
        (insert.partitioned.is_some() || !insert.after_columns.is_empty(), "PARTITION; name the column _partition"),
        (insert.insert_alias.is_some() || insert.format_clause.is_some() || insert.settings.is_some(), "this INSERT"),
    ];
    match others.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(unsupported(what)),
        None => Ok(()),
    }
}
