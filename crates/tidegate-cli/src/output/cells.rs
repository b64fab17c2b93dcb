//! Values as text, for the formats that are text.
//!
//! A value is written behind the others into a buffer that all share: a result of millions of values makes no text for
//! each. What the usual types look like is Arrow's own choice, made again here without its detours;
//! all other types are left to it.

mod digits;
#[cfg(test)]
mod tests;
mod times;

use std::fmt::Write;
use std::sync::LazyLock;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, LargeStringArray,
    OffsetSizeTrait, StringArray, StringViewArray,
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
    Nested(NullableEncoder<'a>),
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
            kind if kind.is_nested() => Values::Nested(make_encoder(field, array.as_ref(), &NESTED)?),
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

    /// Whether one of these bytes may stand in a value: in what a format marks it differs from others, and no value need be
    /// looked at where none has any. Numbers and points in time have no byte that a format marks.
    pub(super) fn may_have(&self, is_marked: impl Fn(u8) -> bool) -> bool {
        // Without an end before the last byte, so that several are looked at at once.
        let any = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | is_marked(*byte));
        match &self.values {
            Values::Text(array) => any(slice(array.value_data(), array.value_offsets())),
            Values::LargeText(array) => any(slice(array.value_data(), array.value_offsets())),
            Values::TextView(_) | Values::Nested(_) | Values::Other(_) => true,
            _ => false,
        }
    }

    /// Appends the text of a value that is not NULL.
    pub(super) fn append(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let is_written = match &mut self.values {
            Values::Text(array) => text(out, array.value(row)),
            Values::LargeText(array) => text(out, array.value(row)),
            Values::TextView(array) => text(out, array.value(row)),
            Values::Bool(array) => text(out, if array.value(row) { "true" } else { "false" }),
            Values::Int32(array) => digits::integer(array.value(row).into(), out),
            Values::Int64(array) => digits::integer(array.value(row), out),
            Values::Decimal(array, _) => digits::decimal(array.value(row), array.precision(), array.scale(), out),
            Values::Date(array, _) => times::date(array.value(row).into(), out),
            Values::Time(times, _) => times.append(row, out),
            Values::Nested(encoder) => {
                encoder.encode(row, out);
                true
            }
            Values::Other(_) => false,
        };
        match &self.values {
            Values::Decimal(_, other) | Values::Date(_, other) | Values::Time(_, other) | Values::Other(other)
                if !is_written =>
            {
                other.value(row).write(&mut Text(out))
            }
            _ => Ok(()),
        }
    }

    /// The same for formats that measure text: as the only one in `scratch`.
    pub(super) fn text<'s>(&mut self, row: usize, scratch: &'s mut Vec<u8>) -> Result<&'s str, ArrowError> {
        scratch.clear();
        self.append(row, scratch)?;
        std::str::from_utf8(scratch).map_err(|error| ArrowError::ParseError(error.to_string()))
    }
}

/// Makes what writes text write bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn text(out: &mut Vec<u8>, text: &str) -> bool {
    out.extend_from_slice(text.as_bytes());
    true
}

/// The bytes of all texts of an array.
fn slice<'a, O: OffsetSizeTrait>(data: &'a [u8], offsets: &[O]) -> &'a [u8] {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return &[] };
    data.get(first.as_usize()..last.as_usize()).unwrap_or_default()
}
