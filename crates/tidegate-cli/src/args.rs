//! The command line: what may be given, and what of it excludes what.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use url::Url;

use crate::input::Input;
use crate::output::Format;

const AFTER_HELP: &str = "\
Without a command: a shell on a terminal, else the statements of standard input.
Results go to standard output, everything else to standard error.

What calls cost is kept in mind across runs: SELECT * FROM system.quotas shows what is left,
SET tidegate.max_calls, tidegate.quota_reserve and tidegate.on_quota_exhausted bound a statement.

State is kept in --state, else $TIDEGATE_STATE, else $XDG_STATE_HOME/tidegate, else ~/.local/state/tidegate.

Exit codes: 0 done; 1 an error, or a mutation that did not change all its rows; 2 wrong usage; 3 a mutation stopped early \
by a bound or a quota, as asked; 130 stopped by Ctrl-C.";

/// The command line, read.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) options: Options,
    pub(crate) job: Job,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Job {
    Script(Input),
    Shell,
    Demo,
    Doctor(String),
    Trust(Option<PathBuf>),
    Connector(ConnectorCommand),
    Login { name: String, no_open: bool },
}

/// SQL over metered remote APIs: tables you can query and join, with every call counted.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Raw {
    #[command(flatten)]
    options: Options,

    /// Run these statements, separated by `;`; stop at the first that fails
    #[arg(short = 'c', long = "command", value_name = "SQL", allow_hyphen_values = true, conflicts_with = "file")]
    sql: Vec<String>,

    /// Run the statements of a file; `-` is standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<RawCommand>,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Take connections from this file rather than from a trusted tidegate.toml here or above
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Keep state in this folder; `:memory:` keeps it until the program ends
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,

    /// Refuse every mutation: sets tidegate.read_only
    #[arg(long, global = true)]
    pub(crate) read_only: bool,

    /// How results are written [default: table on a terminal, csv in a pipe]
    #[arg(long, value_enum, value_name = "FORMAT", global = true)]
    pub(crate) format: Option<Format>,

    /// Keep every exchange with an API in this file, without secrets
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,

    /// Answer from a recording, without the network
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RawCommand {
    /// Type statements, with history and completion
    Shell,
    /// Take a tour over a simulated API: needs no account and no network
    Demo,
    /// Look a connection over: reach, login, clock, limits
    Doctor {
        /// Name of the connection
        name: String,
    },
    /// Trust a tidegate.toml with its present content
    Trust {
        /// The file [default: tidegate.toml here, or the nearest above]
        file: Option<PathBuf>,
    },
    /// Connectors: the kinds of API that can be connected to
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Log a connection in with a browser
    Login {
        /// Name of the connection
        name: String,
        /// Show the URL, and open no browser
        #[arg(long)]
        no_open: bool,
    },
}

/// What to do about connectors.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConnectorCommand {
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

impl Args {
    /// Reads the command line; ends the program for `--help`, `--version` and wrong usage.
    pub(crate) fn read() -> Self {
        let raw = Raw::try_parse().unwrap_or_else(|error| hinted(error).exit());
        match raw.job() {
            Ok(job) => Self { options: raw.options, job },
            Err(message) => Raw::command().error(ErrorKind::ArgumentConflict, message).exit(),
        }
    }
}

/// Statements that are given as they are would be taken for a command; the error then says how to give them.
fn hinted(mut error: clap::Error) -> clap::Error {
    let given = error.get(ContextKind::InvalidSubcommand);
    let is_statement = matches!(given, Some(ContextValue::String(given)) if given.contains(char::is_whitespace));
    if is_statement {
        let tip = StyledStr::from("statements are given with -c: tidegate -c 'SELECT …'");
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

impl Raw {
    fn job(&self) -> Result<Job, &'static str> {
        let is_terminal = std::io::stdin().is_terminal();
        let input = match &self.file {
            _ if !self.sql.is_empty() => Some(Input::Text(self.sql.join(";\n"))),
            Some(file) if file.as_os_str() == "-" => Some(Input::Stdin),
            Some(file) => Some(Input::File(file.clone())),
            None => None,
        };
        match (&self.command, input) {
            (Some(_), Some(_)) => Err("-c and -f cannot be combined with a command"),
            (Some(RawCommand::Shell), None) if !is_terminal => {
                Err("the shell needs a terminal; without `shell` the statements of standard input are run")
            }
            (Some(command), None) => Ok(command.job()),
            (None, Some(input)) => Ok(Job::Script(input)),
            (None, None) if is_terminal => Ok(Job::Shell),
            (None, None) => Ok(Job::Script(Input::Stdin)),
        }
    }
}

impl RawCommand {
    fn job(&self) -> Job {
        match self {
            Self::Shell => Job::Shell,
            Self::Demo => Job::Demo,
            Self::Doctor { name } => Job::Doctor(name.clone()),
            Self::Trust { file } => Job::Trust(file.clone()),
            Self::Connector(command) => Job::Connector(command.clone()),
            Self::Login { name, no_open } => Job::Login { name: name.clone(), no_open: *no_open },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Raw::command().debug_assert();
    }

    #[test]
    fn several_texts_become_one_script() {
        let raw = Raw::try_parse_from(["tidegate", "-c", "SELECT 1", "-c", "-- two\nSELECT 2"]).unwrap();
        let Ok(Job::Script(Input::Text(text))) = raw.job() else { panic!("a script: {raw:?}") };
        assert_eq!(text, "SELECT 1;\n-- two\nSELECT 2");
    }
}
