//! The distinct keys of the driving side, as values of the table's columns.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::Result;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::scalar::ScalarValue;
use tidegate_remote::Scalar;

use super::side::{KeyOf, Target};
use crate::pushdown::{KeyValue, key_value};
use crate::scan::{Keys, RowKey};

/// Keys that were met, each once. One with a NULL in it equals none.
pub(super) struct KeySet {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    targets: Vec<Target>,
    rows: RowConverter,
    seen: HashSet<OwnedRow>,
    /// Those that were not taken yet.
    new: Keys,
    /// One of them that a request cannot say.
    unsayable: Option<String>,
}

impl KeySet {
    /// Of rows with this schema, whose values for the pairs of the join's keys are these.
    ///
    /// # Errors
    /// A type that has no order.
    pub(super) fn try_new(pairs: &[Arc<dyn PhysicalExpr>], keys: &[KeyOf], schema: &Schema) -> Result<Self> {
        let exprs: Vec<_> = keys.iter().filter_map(|key| pairs.get(key.pair)).map(Arc::clone).collect();
        let fields = exprs.iter().map(|expr| Ok(SortField::new(expr.data_type(schema)?)));
        let targets: Vec<Target> = keys.iter().map(|key| key.of.clone()).collect();
        let columns = targets.iter().filter_map(|target| match target {
            Target::Column(column, _) => Some(*column),
            Target::Partition => None,
        });
        Ok(Self {
            new: Keys { columns: columns.collect(), keys: Vec::new() },
            rows: RowConverter::new(fields.collect::<Result<_>>()?)?,
            exprs,
            targets,
            seen: HashSet::new(),
            unsayable: None,
        })
    }

    /// Adds the keys of the first rows, until so many keys are new. Returns the number of rows.
    ///
    /// # Errors
    /// A key that cannot be evaluated.
    pub(super) fn add(&mut self, batch: &RecordBatch, most: usize) -> Result<usize> {
        let evaluate = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(batch.num_rows());
        let columns: Vec<ArrayRef> = self.exprs.iter().map(evaluate).collect::<Result<_>>()?;
        let rows = self.rows.convert_columns(&columns)?;
        let mut added = 0;
        for (place, row) in rows.iter().enumerate() {
            if columns.iter().any(|column| column.is_null(place)) {
                continue;
            }
            let row = row.owned();
            if self.seen.contains(&row) {
                continue;
            }
            if added == most {
                return Ok(place);
            }
            added += 1;
            self.seen.insert(row);
            self.take(&columns, place)?;
        }
        Ok(batch.num_rows())
    }

    fn take(&mut self, columns: &[ArrayRef], place: usize) -> Result<()> {
        let mut values: Vec<Scalar> = Vec::with_capacity(columns.len());
        let mut partition = None;
        for (target, column) in self.targets.iter().zip(columns) {
            let value = ScalarValue::try_from_array(column, place)?;
            match target {
                Target::Partition => partition = value.try_as_str().flatten().map(Arc::from),
                Target::Column(_, of) => match key_value(of, &value) {
                    KeyValue::Is(value) => values.push(value),
                    KeyValue::Never => return Ok(()),
                    KeyValue::Unsayable => {
                        self.unsayable.get_or_insert_with(|| value.to_string());
                        return Ok(());
                    }
                },
            }
        }
        self.new.keys.push(RowKey { values, partition });
        Ok(())
    }

    /// How many were not taken yet.
    pub(super) fn len(&self) -> usize {
        self.new.keys.len()
    }

    /// Those that were not taken yet.
    pub(super) fn new_keys(&self) -> &Keys {
        &self.new
    }

    /// Counts the new ones as taken.
    pub(super) fn taken(&mut self) {
        self.new.keys.clear();
    }

    /// A value that a request cannot say, so that rows for it cannot be asked for.
    pub(super) fn unsayable(&self) -> Option<&str> {
        self.unsayable.as_deref()
    }
}
