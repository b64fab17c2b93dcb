//! Filters on the partition: evaluated for all codes at once, before anything is asked for.
//!
//! A filter may read the partition and columns of rows together. What it says of the partition alone then excludes
//! partitions for which it is TRUE of no row; the rest is evaluated for each row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::Session;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::Reach;
use crate::partitions::COLUMN;

/// The column with the partition's code.
pub(super) fn field() -> Field {
    Field::new(COLUMN, DataType::Utf8, false)
}

/// Whether the filter is about nothing but the partition.
pub(super) fn is_on_partition(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty() && columns.iter().all(|column| column.name == COLUMN)
}

/// Whether the filter is about the partition, among others.
pub(super) fn reads_partition(filter: &Expr) -> bool {
    filter.column_refs().iter().any(|column| column.name == COLUMN)
}

/// The partitions in which all of these filters may be TRUE.
///
/// # Errors
/// A filter on the partition alone that cannot be evaluated for one of them.
pub(crate) fn pruned(state: &dyn Session, reach: &Reach, filters: &[Expr]) -> Result<Reach> {
    let mut left = reach.clone();
    for filter in filters.iter().filter(|filter| reads_partition(filter)) {
        let codes = Codes::new(state, &left)?;
        let outcomes = if is_on_partition(filter) { codes.evaluated(filter)? } else { codes.outcomes(filter) };
        left = left.kept(|place| outcomes.get(place).is_none_or(|outcome| outcome.may_be_true));
    }
    Ok(left)
}

/// What a condition may be for the rows of one partition, beside NULL.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    may_be_true: bool,
    may_be_false: bool,
}

impl Outcome {
    const UNKNOWN: Self = Self { may_be_true: true, may_be_false: true };

    fn and(self, other: Self) -> Self {
        Self {
            may_be_true: self.may_be_true && other.may_be_true,
            may_be_false: self.may_be_false || other.may_be_false,
        }
    }

    fn not(self) -> Self {
        Self { may_be_true: self.may_be_false, may_be_false: self.may_be_true }
    }
}

/// The codes as rows of one column.
struct Codes<'a> {
    state: &'a dyn Session,
    rows: RecordBatch,
    named: DFSchema,
}

impl<'a> Codes<'a> {
    fn new(state: &'a dyn Session, reach: &Reach) -> Result<Self> {
        let schema = Arc::new(Schema::new(vec![field()]));
        let codes: ArrayRef = Arc::new(StringArray::from_iter_values(reach.codes().iter().map(AsRef::as_ref)));
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        Ok(Self { state, rows: RecordBatch::try_new(schema, vec![codes])?, named })
    }

    /// What a condition on the partition alone is for each of them.
    fn evaluated(&self, condition: &Expr) -> Result<Vec<Outcome>> {
        let values = self.state.create_physical_expr(condition.clone(), &self.named)?.evaluate(&self.rows)?;
        let values = values.into_array(self.rows.num_rows())?;
        let values: &BooleanArray = as_boolean_array(&values)?;
        let outcome =
            |value: Option<bool>| Outcome { may_be_true: value == Some(true), may_be_false: value == Some(false) };
        Ok(values.iter().map(outcome).collect())
    }

    /// What any condition may be for each of them. What cannot be told may be anything.
    fn outcomes(&self, condition: &Expr) -> Vec<Outcome> {
        let unknown = || vec![Outcome::UNKNOWN; self.rows.num_rows()];
        let not = |outcomes: Vec<Outcome>| outcomes.into_iter().map(Outcome::not).collect();
        match condition {
            alone if is_on_partition(alone) => self.evaluated(alone).unwrap_or_else(|_| unknown()),
            both if !reads_partition(both) => unknown(),
            Expr::Alias(alias) => self.outcomes(&alias.expr),
            Expr::Not(inner) => not(self.outcomes(inner)),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => self.both(left, right),
            // Either is TRUE unless neither is.
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let neither = self.outcomes(left).into_iter().zip(self.outcomes(right));
                neither.map(|(left, right)| left.not().and(right.not()).not()).collect()
            }
            _ => unknown(),
        }
    }

    fn both(&self, left: &Expr, right: &Expr) -> Vec<Outcome> {
        self.outcomes(left).into_iter().zip(self.outcomes(right)).map(|(left, right)| left.and(right)).collect()
    }
}
