//! `tidegate connector …`: the kinds of API that can be connected to, and what helps with writing one.

mod check;
mod list;
mod new;
mod show;

use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use tidegate::Error;

use crate::args::{ConnectorCommand, Options};
use crate::exit::Exit;
use crate::{messages, output};

/// Carries it out.
pub(crate) async fn run(options: &Options, command: &ConnectorCommand) -> Exit {
    let done = match command {
        ConnectorCommand::List => list::run(options),
        ConnectorCommand::Show { connector } => show::run(options, connector),
        ConnectorCommand::Check { file } => return check::run(file),
        ConnectorCommand::New { url, name, token_env, output } => {
            new::run(options, url, name.as_deref(), token_env.as_deref(), output.as_deref()).await
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            messages::failure(&messages::describe(&error));
            Exit::Failed
        }
    }
}

fn print(options: &Options, rows: Result<RecordBatch, ArrowError>) -> Result<(), Error> {
    let printed = rows.map_err(output::WriteError::from).and_then(|rows| output::print(options.format, &rows));
    match printed {
        Ok(()) | Err(output::WriteError::ReaderGone) => Ok(()),
        Err(error) => Err(Error::new(tidegate::ErrorKind::Local, error.to_string())),
    }
}

/// A column of texts.
fn texts<'a>(values: impl Iterator<Item = &'a str>) -> datafusion::arrow::array::ArrayRef {
    std::sync::Arc::new(values.map(Some).collect::<datafusion::arrow::array::StringArray>())
}
