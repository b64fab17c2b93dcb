//! What is asked of an API for the aggregates of groups, and how its answers become the states that DataFusion merges.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, Scalar, StringArray};
use datafusion::arrow::compute::kernels::cmp::{gt, lt_eq};
use datafusion::arrow::compute::{CastOptions, cast_with_options, filter_record_batch, is_null, nullif, or};
use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::scalar::ScalarValue;
use tidegate_spec::Aggregate;

use super::super::ApiScanExec;
use super::super::filters::excludes_null;
use super::shape::{Kind, Shape};

/// What an answer has to have, and what each column of the states is made of.
#[derive(Debug, Clone)]
pub(super) struct States {
    /// Columns of the table that are grouped by.
    pub(super) by: Vec<usize>,
    /// Values of each group.
    pub(super) values: Vec<Aggregate>,
    columns: Vec<State>,
    /// The number of rows of a group, if it is asked for; a place in the answer.
    rows: Option<usize>,
    schema: SchemaRef,
}

/// One column of the states; places are those in an answer.
#[derive(Debug, Clone, Copy)]
enum State {
    /// As it was sent.
    Sent(usize),
    /// The code of the partition.
    Partition,
    /// A sum, which is NULL where the least value is, or where there are no rows: services send 0 for it.
    Sum { sum: usize, least: Option<usize> },
}

impl States {
    /// States of `schema`, as the aggregate has them; `None` for aggregates that answers cannot have.
    ///
    /// The number of rows always goes with other values, which may be NULL: an answer without it is that of a service
    /// which was asked for groups and sent something else.
    pub(super) fn of(shape: &Shape<'_>, schema: &SchemaRef) -> Option<Self> {
        let partition = shape.partition();
        let by: Vec<usize> = shape.groups.iter().copied().filter(|&column| column != partition).collect();
        let mut columns = Vec::with_capacity(schema.fields().len());
        for &column in &shape.groups {
            columns.push(match by.iter().position(|&known| known == column) {
                Some(place) => State::Sent(place),
                None => State::Partition,
            });
        }
        let mut values: Vec<Aggregate> = Vec::new();
        let mut place = |value: Aggregate| {
            let known = values.iter().position(|known| *known == value);
            by.len()
                + known.unwrap_or_else(|| {
                    values.push(value);
                    values.len() - 1
                })
        };
        let is_bare = shape.values.is_empty() && !by.is_empty();
        let rows = (!is_bare).then(|| place(Aggregate::Count));
        for value in shape.values.iter() {
            if value.filter.is_some() {
                return None;
            }
            let is_never_null = |column| is_never_null(shape.scan, column);
            let mut sum = |column: usize| State::Sum {
                sum: place(Aggregate::Sum(column)),
                least: (!is_never_null(column)).then(|| place(Aggregate::Min(column))),
            };
            match value.kind {
                Kind::Rows => columns.push(State::Sent(rows?)),
                Kind::Values(column) if is_never_null(column) => columns.push(State::Sent(rows?)),
                Kind::Sum(column) => columns.push(sum(column)),
                Kind::Avg(column) if is_never_null(column) => columns.extend([State::Sent(rows?), sum(column)]),
                Kind::Min(column) => columns.push(State::Sent(place(Aggregate::Min(column)))),
                Kind::Max(column) => columns.push(State::Sent(place(Aggregate::Max(column)))),
                Kind::Values(_) | Kind::Avg(_) => return None,
            }
        }
        let schema = Arc::clone(schema);
        (columns.len() == schema.fields().len()).then_some(Self { by, values, columns, rows, schema })
    }

    /// Whether answers have nothing but the number of rows.
    pub(super) fn are_counts(&self) -> bool {
        self.by.is_empty() && self.values == [Aggregate::Count]
    }

    /// Whether each partition has one group at most.
    pub(super) fn is_one_group(&self) -> bool {
        self.by.is_empty()
    }

    /// States of the groups of an answer; `partition` is the code of the partition that sent it.
    ///
    /// # Errors
    /// A value that its state cannot hold.
    pub(super) fn read(&self, answer: &RecordBatch, partition: Option<&str>) -> Result<RecordBatch> {
        let answer = self.with_rows(answer)?;
        let column = |(state, field): (&State, &FieldRef)| {
            let values = match *state {
                State::Sent(place) => sent(&answer, place)?,
                State::Partition => {
                    let code = partition.unwrap_or_default();
                    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(code, answer.num_rows())))
                }
                State::Sum { sum, least } => self.sum(&answer, sum, least)?,
            };
            if values.data_type() == field.data_type() {
                return Ok(values);
            }
            let exactly = CastOptions { safe: false, ..CastOptions::default() };
            Ok(cast_with_options(&values, field.data_type(), &exactly)?)
        };
        let columns = self.columns.iter().zip(self.schema.fields()).map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(answer.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    /// The groups that have rows: SQL has no others, but for the one of an aggregate without groups.
    fn with_rows(&self, answer: &RecordBatch) -> Result<RecordBatch> {
        let is_grouped = self.columns.iter().any(|state| matches!(state, State::Partition)) || !self.by.is_empty();
        match self.rows.filter(|_| is_grouped) {
            Some(rows) => Ok(filter_record_batch(answer, &gt(&sent(answer, rows)?, &zero()?)?)?),
            None => Ok(answer.clone()),
        }
    }

    fn sum(&self, answer: &RecordBatch, sum: usize, least: Option<usize>) -> Result<ArrayRef> {
        let mut is_nothing = BooleanArray::from(vec![false; answer.num_rows()]);
        if let Some(least) = least {
            is_nothing = or(&is_nothing, &is_null(&sent(answer, least)?)?)?;
        }
        if let Some(rows) = self.rows {
            is_nothing = or(&is_nothing, &lt_eq(&sent(answer, rows)?, &zero()?)?)?;
        }
        Ok(nullif(&sent(answer, sum)?, &is_nothing)?)
    }
}

fn zero() -> Result<Scalar<ArrayRef>> {
    ScalarValue::Int64(Some(0)).to_scalar()
}

fn sent(answer: &RecordBatch, place: usize) -> Result<ArrayRef> {
    let missing = || DataFusionError::Internal(format!("an answer has no column {place}"));
    answer.columns().get(place).cloned().ok_or_else(missing)
}

/// Whether no row of the scan has NULL in the column.
fn is_never_null(scan: &ApiScanExec, column: usize) -> bool {
    let declared = scan.asking().schema.fields().get(column).is_some_and(|field| !field.is_nullable());
    declared || scan.common().filter.as_ref().is_some_and(|filter| excludes_null(filter, column))
}
