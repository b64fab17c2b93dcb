//! `tidegate doctor NAME`: the checks of a connection as a result.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use tidegate::Error;
use tidegate::doctor::{Check, CheckState};

use crate::args::Options;
use crate::exit::Exit;
use crate::{messages, open, output};

/// Looks the connection over and prints what was found; fails if something is not well.
pub(crate) async fn run(options: &Options, connection: &str) -> Exit {
    let checks = match checks(options, connection).await {
        Ok(checks) => checks,
        Err(error) => {
            messages::failure(&messages::describe(&error));
            return Exit::Failed;
        }
    };
    let is_well = checks.iter().all(|check| check.state != CheckState::Failed);
    let printed =
        table(&checks).map_err(output::WriteError::from).and_then(|rows| output::print(options.format, &rows));
    match printed {
        Ok(()) | Err(output::WriteError::ReaderGone) if is_well => Exit::Done,
        Ok(()) | Err(output::WriteError::ReaderGone) => Exit::Failed,
        Err(error) => {
            messages::failure(&error.to_string());
            Exit::Failed
        }
    }
}

async fn checks(options: &Options, connection: &str) -> Result<Vec<Check>, Error> {
    open::configured(options)?.doctor(connection).await
}

fn table(checks: &[Check]) -> Result<RecordBatch, ArrowError> {
    let column = |text: fn(&Check) -> &str| -> ArrayRef {
        Arc::new(checks.iter().map(|check| Some(text(check))).collect::<StringArray>())
    };
    RecordBatch::try_from_iter([
        ("check", column(|check| check.name)),
        ("state", column(|check| state(check.state))),
        ("finding", column(|check| check.finding.as_str())),
    ])
}

fn state(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Note => "note",
        CheckState::Failed => "failed",
    }
}
