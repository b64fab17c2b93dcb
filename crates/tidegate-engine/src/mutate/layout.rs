//! What the columns of a selection mean: keys, old values, new ones.

use datafusion::sql::sqlparser::ast::{Expr, SelectItem};
use tidegate_spec::WriteKind;

use super::ast;
use super::target::Target;
use crate::Result;
use crate::partitions::COLUMN;

/// Begins the names of columns with the key. Such names never clash: a column that the API calls so is one of another
/// table in the query.
const KEY: &str = "__key_";
/// Begins the names of columns with old values.
const OLD: &str = "__old_";
/// Begins the names of columns with new values.
const NEW: &str = "__new_";
/// The partition that a row is in.
pub(super) const PARTITION: &str = "__partition";

/// What the columns of a selection mean.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    /// The row's key.
    pub(super) key: Vec<Field>,
    /// Its values before the change.
    pub(super) old: Vec<Field>,
    /// Its partition.
    pub(super) partition: Option<usize>,
    /// Which of the actions is meant, by its place; the only one when `None`.
    pub(super) choice: Option<usize>,
    /// What is done.
    pub(super) actions: Vec<Action>,
}

/// A column of the selection, and the column of the table that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Place in the selection.
    pub(super) place: usize,
    /// Index into the table's columns.
    pub(super) column: usize,
}

/// What is done with a row.
#[derive(Debug, Clone)]
pub(super) struct Action {
    /// What becomes of it.
    pub(super) kind: WriteKind,
    /// Values to be written.
    pub(super) new: Vec<NewField>,
    /// Partition that it is inserted into, where the statement says it.
    pub(super) into: Option<usize>,
    /// Column of the table with the row's version.
    pub(super) version: Option<usize>,
}

/// A column with values to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewField {
    /// What it is.
    pub(super) field: Field,
    /// Place of the column that says whether the row has the value at all, or leaves it out; always when `None`.
    pub(super) given: Option<usize>,
}

impl Action {
    /// What is done, with nothing to be written yet.
    pub(super) fn new(kind: WriteKind) -> Self {
        Self { kind, new: Vec::new(), into: None, version: None }
    }

    /// Columns that it writes.
    pub(super) fn columns(&self) -> Vec<usize> {
        self.new.iter().map(|new| new.field.column).collect()
    }
}

/// Columns of a selection over a target, as they are added.
pub(super) struct Items<'a> {
    target: &'a Target,
    items: Vec<SelectItem>,
    pub(super) layout: Layout,
}

impl<'a> Items<'a> {
    /// The key of the target, and its partition.
    pub(super) fn of_rows(target: &'a Target) -> Result<Self> {
        let mut items = Self { target, items: Vec::new(), layout: Layout::default() };
        for &column in &target.table.key {
            let place = items.add(target.column(column)?, &format!("{KEY}{}", target.name(column)));
            items.layout.key.push(Field { place, column });
        }
        if target.has_partition_column {
            items.layout.partition = Some(items.add(target.partition(), PARTITION));
        }
        Ok(items)
    }

    /// Adds a column, and returns its place.
    pub(super) fn add(&mut self, expr: Expr, name: &str) -> usize {
        self.items.push(ast::named(expr, name));
        self.items.len() - 1
    }

    /// Adds old values of these columns, where they are not there yet. Of a column that nothing returns, such as a
    /// password, there is none.
    pub(super) fn old(&mut self, columns: impl IntoIterator<Item = usize>) -> Result<()> {
        let table = &self.target.table;
        let is_read = |column: &usize| table.endpoints.iter().any(|endpoint| endpoint.returns(*column));
        for column in columns.into_iter().filter(is_read) {
            if self.layout.key.iter().chain(&self.layout.old).any(|field| field.column == column) {
                continue;
            }
            let place = self.add(self.target.column(column)?, &format!("{OLD}{}", self.target.name(column)));
            self.layout.old.push(Field { place, column });
        }
        Ok(())
    }

    /// Adds a new value. `prefix` tells the actions of one statement apart.
    pub(super) fn new_value(&mut self, prefix: &str, column: usize, value: Expr) -> NewField {
        let place = self.add(value, &format!("{NEW}{prefix}{}", self.target.name(column)));
        NewField { field: Field { place, column }, given: None }
    }

    /// Adds the partition that a row is inserted into.
    pub(super) fn into(&mut self, prefix: &str, value: Expr) -> usize {
        self.add(value, &format!("{NEW}{prefix}{COLUMN}"))
    }

    /// The columns, and what they mean.
    pub(super) fn finish(self) -> (Vec<SelectItem>, Layout) {
        (self.items, self.layout)
    }
}
