//! Formats of results, a file each. Rows are written as they arrive; nothing here knows statements or calls.
//!
//! Values: NULL is `NULL` in a table and empty in csv and markdown, where an empty text is `""` in csv. Times are
//! ISO 8601. In json, 64-bit integers and decimals are numbers with all their digits, and nulls are written.
//! Nested values are JSON text where the format has none of its own.

mod cells;
mod csv;
mod explain;
mod ipc;
mod json;
mod markdown;
mod parquet;
mod sink;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;

use clap::ValueEnum;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

pub(crate) use sink::Sink;

/// Said when a binary format would go to a terminal.
pub(crate) const NOT_FOR_TERMINALS: &str =
    "this format is not for a terminal: write it to a file with `> FILE`, or use another --format";

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for reading
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One array of objects a line, for each statement that returns rows
    Json,
    /// One object a line
    Ndjson,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
    /// A Markdown table
    Markdown,
}

impl Format {
    /// What the user most likely wants there.
    pub(crate) fn default_for(is_terminal: bool) -> Self {
        if is_terminal { Self::Table } else { Self::Csv }
    }

    /// Bytes rather than text: of no use on a terminal, and one file holds one result.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// Writes the rows of one statement.
pub(crate) trait RowWriter: Send {
    /// Writes some rows; they may stay in the sink until that is flushed.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError>;

    /// Writes what is left, and what ends the format. Says how the rows were shortened, if they were.
    fn finish(self: Box<Self>) -> Result<Option<String>, WriteError>;
}

/// Why rows could not be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Whoever read them has gone: `| head`.
    ReaderGone,
    /// A full disk, and the like.
    Io(std::io::Error),
    /// The format cannot hold them.
    Format(String),
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::ReaderGone } else { Self::Io(error) }
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => error.into(),
            other => Self::Format(other.to_string()),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReaderGone => f.write_str("the reader of the results has gone"),
            Self::Io(error) => write!(f, "cannot write the results: {error}"),
            Self::Format(message) => f.write_str(message),
        }
    }
}

/// Prints rows that are already there to standard output.
pub(crate) fn print(format: Option<Format>, rows: &RecordBatch) -> Result<(), WriteError> {
    let is_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or_else(|| Format::default_for(is_terminal));
    if format.is_binary() && is_terminal {
        return Err(WriteError::Format(NOT_FOR_TERMINALS.to_owned()));
    }
    // What is printed here is to be read whole: no width, no cut.
    let mut writer = writer(format, false, &rows.schema(), &Sink::stdout(), None)?;
    writer.write(rows)?;
    writer.finish().map(drop)
}

/// Opens the writer of a result. `width` is that of the terminal, if it is one; `is_plan` marks the result of an
/// EXPLAIN, which a table shows as text.
pub(crate) fn writer(
    format: Format,
    is_plan: bool,
    schema: &SchemaRef,
    sink: &Sink,
    width: Option<usize>,
) -> Result<Box<dyn RowWriter>, WriteError> {
    let sink = sink.clone();
    Ok(match format {
        Format::Table if is_plan => Box::new(explain::PlanWriter::new(sink)),
        Format::Table => Box::new(table::TableWriter::new(sink, schema, width)),
        Format::Csv => Box::new(csv::CsvWriter::new(sink, schema)?),
        Format::Json => Box::new(json::JsonWriter::array(sink, distinct(schema))),
        Format::Ndjson => Box::new(json::JsonWriter::lines(sink, distinct(schema))),
        Format::Parquet => Box::new(parquet::ParquetWriter::new(sink, distinct(schema))?),
        Format::Arrow => Box::new(ipc::IpcWriter::new(sink, distinct(schema))?),
        Format::Markdown => Box::new(markdown::MarkdownWriter::new(sink, schema)?),
    })
}

/// The schema with no column name twice, as after a join: `id`, `id` becomes `id`, `id_1`. Readers of these formats
/// find values by name, and of two with one name they would drop one.
fn distinct(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    if taken.len() == schema.fields().len() {
        return Arc::clone(schema);
    }
    let mut seen = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let mut name = field.name().clone();
        let mut number = 0;
        while !seen.insert(name.clone()) {
            number += 1;
            let other = format!("{}_{number}", field.name());
            if taken.insert(other.clone()) {
                name = other;
            }
        }
        Field::clone(field).with_name(name)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows under the column names of `schema`.
fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
}
