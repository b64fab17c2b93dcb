//! JSON: an array a line for each result, or an object a line for each row.
//!
//! A result that fails midway leaves its array open, so that no reader takes the part for the whole.

use std::io::Write;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{NullableEncoder, make_encoder};
use datafusion::arrow::record_batch::RecordBatch;

use super::cells::{Column, NESTED};
use super::{RowWriter, Sink, WriteError};

/// Writes rows as objects with these members.
pub(crate) struct JsonWriter {
    sink: Sink,
    schema: SchemaRef,
    /// What stands before each value: its name.
    names: Vec<String>,
    shape: Shape,
    /// Whether there was a row.
    is_begun: bool,
    /// Rows that are being made.
    rows: Vec<u8>,
    /// A text whose characters are being marked.
    value: Vec<u8>,
}

/// How objects follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Array,
    Lines,
}

/// The values of one column, by what writes them.
enum Values<'a> {
    /// Numbers and truth values, which are written as they are.
    Plain(Column<'a>),
    /// Text, and whether there is a character in it that has to be marked.
    Text(Column<'a>, bool),
    Other(NullableEncoder<'a>),
}

impl JsonWriter {
    pub(crate) fn array(sink: Sink, schema: SchemaRef) -> Self {
        Self::new(sink, schema, Shape::Array)
    }

    pub(crate) fn lines(sink: Sink, schema: SchemaRef) -> Self {
        Self::new(sink, schema, Shape::Lines)
    }

    fn new(sink: Sink, schema: SchemaRef, shape: Shape) -> Self {
        let name = |(at, field): (usize, &FieldRef)| {
            let mut name = Vec::from(if at == 0 { "{" } else { "," });
            push_text(&mut name, field.name());
            name.push(b':');
            String::from_utf8_lossy(&name).into_owned()
        };
        let names = schema.fields().iter().enumerate().map(name).collect();
        Self { sink, schema, names, shape, is_begun: false, rows: Vec::new(), value: Vec::new() }
    }

    /// What stands between the row that comes and what was written before.
    fn separate(&mut self) {
        match (self.shape, self.is_begun) {
            (Shape::Array, false) => self.rows.push(b'['),
            (Shape::Array, true) => self.rows.push(b','),
            (Shape::Lines, _) => {}
        }
        self.is_begun = true;
    }
}

impl RowWriter for JsonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = SchemaRef::clone(&self.schema);
        let columns = schema.fields().iter().zip(batch.columns());
        let mut columns = columns.map(|(field, array)| Values::new(field, array)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            self.separate();
            for (name, values) in self.names.iter().zip(&mut columns) {
                self.rows.extend_from_slice(name.as_bytes());
                values.write(row, &mut self.rows, &mut self.value)?;
            }
            if columns.is_empty() {
                self.rows.push(b'{');
            }
            self.rows.push(b'}');
            if self.shape == Shape::Lines {
                self.rows.push(b'\n');
            }
            self.sink.write_full(&mut self.rows)?;
        }
        self.sink.write_all(&self.rows)?;
        self.rows.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        if self.shape == Shape::Array {
            self.sink.write_all(if self.is_begun { b"]\n" } else { b"[]\n" })?;
        }
        self.sink.flush()?;
        Ok(None)
    }
}

impl<'a> Values<'a> {
    fn new(field: &'a FieldRef, array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let column = || Column::new(field, array);
        Ok(match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32 | DataType::Timestamp(..) => {
                let column = column()?;
                let may_be_marked = column.may_have(is_marked);
                Self::Text(column, may_be_marked)
            }
            DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::Decimal128(..) => Self::Plain(column()?),
            _ => Self::Other(make_encoder(field, array.as_ref(), &NESTED)?),
        })
    }

    fn write(&mut self, row: usize, out: &mut Vec<u8>, scratch: &mut Vec<u8>) -> Result<(), ArrowError> {
        let is_null = match self {
            Self::Plain(column) | Self::Text(column, _) => column.is_null(row),
            Self::Other(encoder) => encoder.is_null(row),
        };
        if is_null {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match self {
            Self::Plain(column) => column.append(row, out)?,
            Self::Text(column, false) => {
                out.push(b'"');
                column.append(row, out)?;
                out.push(b'"');
            }
            Self::Text(column, true) => push_text(out, column.text(row, scratch)?),
            Self::Other(encoder) => encoder.encode(row, out),
        }
        Ok(())
    }
}

/// What is marked in a text (RFC 8259, 7): the quote, the backslash and what steers.
fn is_marked(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Text in quotes.
fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut begin = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !is_marked(byte) {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[begin..at]);
        begin = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[begin..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_marked() {
        let cases = [
            ("", "\"\""),
            ("plain ü 日本", "\"plain ü 日本\""),
            ("\"a\\b/", r#""\"a\\b/""#),
            ("\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}x", "\"\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}x\""),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            push_text(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?}");
        }
    }
}
