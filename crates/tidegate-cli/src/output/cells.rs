//! Values as text, for the formats that are text.
//!
//! A value is written into a buffer that all values share, or read where it stands: a result of millions of values
//! makes no text for each. What the usual types look like is Arrow's own choice, made again here without its detours;
//! all other types are left to it.

mod digits;
#[cfg(test)]
mod tests;
mod times;

use std::fmt::Write;
use std::sync::LazyLock;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, LargeStringArray,
    StringArray, StringViewArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use times::Times;

/// Nulls within nested values are written.
pub(super) static NESTED: LazyLock<EncoderOptions> =
    LazyLock::new(|| EncoderOptions::default().with_explicit_nulls(true));

/// The values of one column of some rows.
pub(super) struct Column<'a> {
    nulls: Option<NullBuffer>,
    values: Values<'a>,
}

/// Values by what makes text of them.
enum Values<'a> {
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Bool(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Decimal(&'a Decimal128Array, Box<ArrayFormatter<'a>>),
    Date(&'a Date32Array, Box<ArrayFormatter<'a>>),
    Time(Times<'a>, Box<ArrayFormatter<'a>>),
    Nested(NullableEncoder<'a>, Vec<u8>),
    Other(Box<ArrayFormatter<'a>>),
}

/// The columns of the rows. `schema` is theirs, or has the same types under other names.
pub(super) fn columns<'a>(fields: &'a [FieldRef], batch: &'a RecordBatch) -> Result<Vec<Column<'a>>, ArrowError> {
    fields.iter().zip(batch.columns()).map(|(field, array)| Column::new(field, array)).collect()
}

/// Whether a column's values are numbers, which stand to the right.
pub(super) fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

impl<'a> Column<'a> {
    pub(super) fn new(field: &'a FieldRef, array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let formatter = || ArrayFormatter::try_new(array.as_ref(), &FormatOptions::new()).map(Box::new);
        let values = match array.data_type() {
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::LargeUtf8 => Values::LargeText(array.as_string()),
            DataType::Utf8View => Values::TextView(array.as_string_view()),
            DataType::Boolean => Values::Bool(array.as_boolean()),
            DataType::Int32 => Values::Int32(array.as_primitive()),
            DataType::Int64 => Values::Int64(array.as_primitive()),
            DataType::Decimal128(_, _) => Values::Decimal(array.as_primitive(), formatter()?),
            DataType::Date32 => Values::Date(array.as_primitive(), formatter()?),
            kind if kind.is_nested() => Values::Nested(make_encoder(field, array.as_ref(), &NESTED)?, Vec::new()),
            _ => match Times::of(array) {
                Some(times) => Values::Time(times, formatter()?),
                None => Values::Other(formatter()?),
            },
        };
        Ok(Self { nulls: array.logical_nulls(), values })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Whether a value may be any text: those of numbers and times have no character that a format would have to mark.
    pub(super) fn is_free(&self) -> bool {
        matches!(
            self.values,
            Values::Text(_) | Values::LargeText(_) | Values::TextView(_) | Values::Nested(..) | Values::Other(_)
        )
    }

    /// The text of a value that is not NULL. `scratch` is where it is written, unless it is text already.
    pub(super) fn text<'s>(&'s mut self, row: usize, scratch: &'s mut String) -> Result<&'s str, ArrowError> {
        scratch.clear();
        match &mut self.values {
            Values::Text(array) => return Ok(array.value(row)),
            Values::LargeText(array) => return Ok(array.value(row)),
            Values::TextView(array) => return Ok(array.value(row)),
            Values::Bool(array) => return Ok(if array.value(row) { "true" } else { "false" }),
            Values::Int32(array) => digits::integer(array.value(row).into(), scratch),
            Values::Int64(array) => digits::integer(array.value(row), scratch),
            Values::Decimal(array, other) => {
                if !digits::decimal(array.value(row), array.precision(), array.scale(), scratch) {
                    other.value(row).write(scratch)?;
                }
            }
            Values::Date(array, other) => {
                if !times::date(array.value(row).into(), scratch) {
                    other.value(row).write(scratch)?;
                }
            }
            Values::Time(times, other) => {
                if !times.write(row, scratch) {
                    other.value(row).write(scratch)?;
                }
            }
            Values::Nested(encoder, bytes) => {
                bytes.clear();
                encoder.encode(row, bytes);
                let text = std::str::from_utf8(bytes).map_err(|error| ArrowError::JsonError(error.to_string()))?;
                scratch.push_str(text);
            }
            Values::Other(other) => other.value(row).write(scratch as &mut dyn Write)?,
        }
        Ok(scratch)
    }
}
