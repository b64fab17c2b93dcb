//! From batches of a selection to rows of a mutation.
//!
//! All that could be wrong with a value is found here, before anything is sent: one that does not fit its column, NULL where
//! the API takes none, a key that is not there, a row that would be written twice with different values.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::DataFusionError;
use tidegate_remote::write::{Cell, Cells, column_of, rows_of, storable};
use tidegate_spec::{Column, NullForm, Table, WriteKind};
use tidegate_state::RowStart;

use super::fit::fitted;
use super::layout::{Action, Field, Layout, NewField};
use crate::sql::quote;
use crate::{Error, ErrorKind, Result};

/// A row that a mutation has selected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selected {
    /// Its place in the mutation, from 0.
    pub(crate) ordinal: u64,
    /// Partition, if the connection has any.
    pub(crate) partition: Option<Arc<str>>,
    /// What becomes of it.
    pub(crate) kind: WriteKind,
    /// Its key; empty where the API gives it.
    pub(crate) key: Cells,
    /// Values before the change.
    pub(crate) old: Cells,
    /// Values to be written.
    pub(crate) new: Cells,
    /// Its version.
    pub(crate) version: Option<String>,
}

impl Selected {
    /// As the journal keeps it.
    ///
    /// # Errors
    /// Values that are no JSON, which there are none of.
    pub(crate) fn into_start(self) -> Result<RowStart> {
        let text = |cells: &Cells| -> Result<Option<String>> {
            if cells.is_empty() {
                return Ok(None);
            }
            let text = serde_json::to_string(cells);
            text.map(Some).map_err(|error| Error::new(ErrorKind::Local, format!("a row cannot be kept: {error}")))
        };
        Ok(RowStart {
            ordinal: self.ordinal,
            partition: self.partition.as_deref().map(str::to_owned),
            kind: self.kind.name().to_owned(),
            key: text(&self.key)?,
            old: text(&self.old)?,
            new: text(&self.new)?,
            version: self.version,
            undoes: None,
        })
    }
}

/// What batches are decoded by.
#[derive(Debug, Clone)]
pub(super) struct Meaning {
    /// The table that is changed.
    pub(super) table: Arc<Table>,
    /// Connection and table.
    pub(super) place: String,
    /// What the columns mean.
    pub(super) layout: Arc<Layout>,
    /// Partitions that may be written to; empty where there are none.
    pub(super) partitions: Arc<[Arc<str>]>,
}

/// Rows that have come already: what is done with which, as digests.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<u128, u128>);

impl Seen {
    /// Whether the row is a new one.
    ///
    /// # Errors
    /// The same row with other values.
    fn is_new(&mut self, place: &str, row: &Selected) -> Result<bool> {
        if row.key.is_empty() {
            return Ok(true);
        }
        let what = digest(&(row.kind, text(&row.new)));
        match self.0.insert(digest(&(row.partition.as_deref(), text(&row.key))), what) {
            None => Ok(true),
            Some(known) if known == what && row.kind != WriteKind::Insert => Ok(false),
            Some(_) => {
                let twice = match row.kind {
                    WriteKind::Insert => "would be inserted twice",
                    _ => "comes twice with different new values: make the join or the source unique",
                };
                let message = format!("{place}: the row with the key {} {twice}", text(&row.key));
                Err(Error::new(ErrorKind::Query, message))
            }
        }
    }
}

/// Two hashes of 64 bits: even among billions of rows no two are taken for one.
fn digest(value: &impl Hash) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, value).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(0) << 64) | half(1)
}

fn text(cells: &Cells) -> String {
    cells.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

impl Meaning {
    /// The rows of a batch that are new, without ordinals. `partition` is where they are read.
    ///
    /// # Errors
    /// Whatever is wrong with a value.
    pub(super) fn rows(
        &self,
        batch: &RecordBatch,
        partition: Option<&Arc<str>>,
        seen: &mut Seen,
    ) -> Result<Vec<Selected>> {
        let read = |fields: &[Field]| {
            let columns: Vec<(usize, &Column)> =
                fields.iter().filter_map(|field| Some((field.place, self.column(field.column)?))).collect();
            rows_of(batch, &columns).map_err(|error| self.wrong(&error.to_string()))
        };
        let keys = read(&self.layout.key)?;
        let olds = read(&self.layout.old)?;
        let codes = self.layout.partition.map(|place| texts(batch, place)).transpose()?;
        let choices = self.layout.choice.map(|place| numbers(batch, place)).transpose()?;
        let news = self.layout.actions.iter().map(|action| self.new_values(batch, action));
        let mut news = news.collect::<Result<Vec<_>>>()?;
        let mut rows = Vec::with_capacity(batch.num_rows());
        for (place, (key, old)) in keys.into_iter().zip(olds).enumerate() {
            let choice = choices.as_ref().map_or(Some(0), |choices| choices.get(place).copied().flatten());
            let Some((action, new)) =
                choice.and_then(|choice| self.layout.actions.get(choice).zip(news.get_mut(choice)))
            else {
                continue;
            };
            let new = new.get_mut(place).map(std::mem::take).unwrap_or_default();
            let code = codes.as_ref().and_then(|codes| codes.get(place).cloned().flatten()).map(Arc::from);
            let row = Selected {
                ordinal: 0,
                partition: code.or_else(|| partition.cloned()),
                kind: action.kind,
                key,
                old,
                new: new.cells,
                version: None,
            };
            let row = self.finished(row, action, new.into)?;
            if seen.is_new(&self.place, &row)? {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn column(&self, column: usize) -> Option<&Column> {
        self.table.columns.get(column)
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(ErrorKind::Query, format!("{}: {what}", self.place))
    }

    /// The row with what depends on its kind.
    fn finished(&self, mut row: Selected, action: &Action, into: Option<String>) -> Result<Selected> {
        if row.kind == WriteKind::Insert {
            row.key = self.chosen_key(&row.new);
            row.old = Cells::new();
            row.partition = self.inserted_into(action, into, row.partition)?;
        } else if let Some((name, _)) = row.key.iter().find(|(_, value)| value.is_null()) {
            return Err(self.wrong(&format!("a row has no key: {} is NULL, so that it cannot be changed", quote(name))));
        }
        row.version = action.version.and_then(|column| version(&row, self.column(column)?));
        self.check_nulls(&row)?;
        Ok(row)
    }

    /// The key that an INSERT chooses, if it chooses all of it.
    fn chosen_key(&self, new: &Cells) -> Cells {
        let part = |&column: &usize| {
            let name = &self.column(column)?.name;
            let value = new.get(name).filter(|value| !value.is_null())?;
            Some((name.clone(), value.clone()))
        };
        self.table.key.iter().map(part).collect::<Option<Cells>>().unwrap_or_default()
    }

    fn inserted_into(&self, action: &Action, told: Option<String>, read: Option<Arc<str>>) -> Result<Option<Arc<str>>> {
        if self.partitions.is_empty() {
            return Ok(None);
        }
        if action.into.is_none() {
            // One partition is reached: that was checked when the statement was planned.
            return Ok(read.or_else(|| self.partitions.first().cloned()));
        }
        let Some(told) = told else {
            return Err(self.wrong("_partition is NULL: each row that is inserted needs the code of its partition"));
        };
        if let Some(code) = self.partitions.iter().find(|code| code.as_ref() == told) {
            return Ok(Some(Arc::clone(code)));
        }
        let codes: Vec<&str> = self.partitions.iter().map(AsRef::as_ref).collect();
        let there_are = crate::error::listed(&codes);
        Err(self.wrong(&format!("{told} is none of the partitions that are selected, which are {there_are}")))
    }

    /// NULL where the API takes none.
    fn check_nulls(&self, row: &Selected) -> Result<()> {
        let Some(write) = self.table.writes.get(row.kind) else { return Ok(()) };
        let nulls = row.new.iter().filter(|(_, value)| value.is_null());
        for (name, _) in nulls {
            let refused = write.columns.iter().any(|written| {
                written.null == NullForm::Refused
                    && self.column(written.column).is_some_and(|column| column.name == *name)
            });
            if refused {
                let of =
                    if row.key.is_empty() { String::new() } else { format!(" (in the row with {})", text(&row.key)) };
                return Err(
                    self.wrong(&format!("{} cannot be NULL: the API takes no empty value for it{of}", quote(name)))
                );
            }
        }
        Ok(())
    }

    /// What an action writes, row by row.
    fn new_values(&self, batch: &RecordBatch, action: &Action) -> Result<Vec<New>> {
        let mut rows: Vec<New> = std::iter::repeat_with(New::default).take(batch.num_rows()).collect();
        for NewField { field, given } in &action.new {
            let (Some(column), Some(array)) = (self.column(field.column), batch.columns().get(field.place)) else {
                return Err(self.wrong("the selection lacks a column"));
            };
            let given = given.map(|place| flags(batch, place)).transpose()?;
            let cells = self.cells(column, array)?;
            for (place, (row, cell)) in rows.iter_mut().zip(cells).enumerate() {
                if given.as_ref().is_none_or(|given| given.get(place) == Some(&true)) {
                    row.cells.insert(column.name.clone(), cell);
                }
            }
        }
        if let Some(place) = action.into {
            for (row, code) in rows.iter_mut().zip(texts(batch, place)?) {
                row.into = code;
            }
        }
        Ok(rows)
    }

    fn cells(&self, column: &Column, array: &ArrayRef) -> Result<Vec<Cell>> {
        let array = fitted(array, &column.data_type)
            .map_err(|problem| self.wrong(&format!("{} cannot be {problem}", quote(&column.name))))?;
        let cells = column_of(&array, &column.data_type).map_err(|error| self.wrong(&error.to_string()))?;
        Ok(cells.into_iter().map(|cell| storable(&column.data_type, cell)).collect())
    }
}

/// What an action writes into a row.
#[derive(Debug, Default)]
struct New {
    cells: Cells,
    /// The partition that it says.
    into: Option<String>,
}

/// The version as it is sent: a text as it is, anything else as JSON writes it.
fn version(row: &Selected, column: &Column) -> Option<String> {
    match row.old.get(&column.name).or_else(|| row.key.get(&column.name))? {
        Cell::Null => None,
        Cell::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn array(batch: &RecordBatch, place: usize, data_type: &DataType) -> Result<ArrayRef> {
    let missing = || Error::new(ErrorKind::Query, "the selection lacks a column");
    let array = batch.columns().get(place).ok_or_else(missing)?;
    Ok(cast(array, data_type).map_err(DataFusionError::from)?)
}

fn texts(batch: &RecordBatch, place: usize) -> Result<Vec<Option<String>>> {
    let array = array(batch, place, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
}

fn numbers(batch: &RecordBatch, place: usize) -> Result<Vec<Option<usize>>> {
    let array = array(batch, place, &DataType::Int64)?;
    let number = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
    Ok(array.as_primitive::<Int64Type>().iter().map(number).collect())
}

fn flags(batch: &RecordBatch, place: usize) -> Result<Vec<bool>> {
    let array = array(batch, place, &DataType::Boolean)?;
    Ok(array.as_boolean().iter().map(|flag| flag == Some(true)).collect())
}
