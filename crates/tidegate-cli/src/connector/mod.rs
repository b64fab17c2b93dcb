//! `tidegate connector …`: the kinds of API that can be connected to, and what helps with writing one.

mod check;
mod list;
mod new;
mod show;

use std::path::PathBuf;

use clap::Subcommand;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use tidegate::Error;
use url::Url;

use crate::args::Options;
use crate::exit::Exit;
use crate::{messages, output};

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Show the connectors: built in, bundled, and your own
    List,
    /// Show a connector's tables and columns, and which filters the API evaluates
    Show {
        /// Name of a connector, or the path of a manifest
        connector: String,
    },
    /// Read a manifest, and name everything that is wrong with it
    Check {
        /// Path of the manifest
        file: PathBuf,
    },
    /// Ask an API for samples, and write a manifest to begin with
    New {
        /// A list of the API, such as https://api.example.com/v1/orders?per_page=50
        #[arg(value_parser = web_url)]
        url: Url,
        /// Name of the connector [default: that of the file, else from the host]
        #[arg(long)]
        name: Option<String>,
        /// Environment variable with a bearer token to ask with
        #[arg(long, value_name = "VARIABLE")]
        token_env: Option<String>,
        /// Write the manifest here, and not over a file that is there [default: standard output]
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

fn web_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(url) if url.has_host() => Err(format!("{} is no scheme of the web; use https:// or http://", url.scheme())),
        Err(error) if text.starts_with("http") => Err(error.to_string()),
        _ => Err("a URL begins with https:// or http://".to_owned()),
    }
}

/// Carries it out.
pub(crate) async fn run(options: &Options, command: &Command) -> Exit {
    let done = match command {
        Command::List => list::run(options),
        Command::Show { connector } => show::run(options, connector),
        Command::Check { file } => return check::run(file),
        Command::New { url, name, token_env, output } => {
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
