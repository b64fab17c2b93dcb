//! `tidegate connector list`: the connectors and their options as a result.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

use crate::args::Options;
use crate::exit::Exit;
use crate::{messages, output};

/// Prints a row for each option of each connector.
pub(crate) fn list(options: &Options) -> Exit {
    match table().map_err(output::WriteError::from).and_then(|rows| output::print(options.format, &rows)) {
        Ok(()) | Err(output::WriteError::ReaderGone) => Exit::Done,
        Err(error) => {
            messages::failure(&error.to_string());
            Exit::Failed
        }
    }
}

fn table() -> Result<RecordBatch, ArrowError> {
    let rows: Vec<_> = tidegate::connectors()
        .flat_map(|(connector, options)| options.iter().map(move |(option, takes)| [connector, *option, *takes]))
        .collect();
    let column = |at: usize| -> ArrayRef { Arc::new(rows.iter().map(|row| Some(row[at])).collect::<StringArray>()) };
    RecordBatch::try_from_iter([("connector", column(0)), ("option", column(1)), ("takes", column(2))])
}
