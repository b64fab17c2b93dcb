//! Commands of the shell itself, which begin with a backslash.

use clap::ValueEnum;

use super::Next;
use crate::input::Input;
use crate::messages;
use crate::output::Format;
use crate::run::Runner;

/// The commands, and what they do.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    ("\\?", "this list"),
    ("\\d", "tables; \\d NAME: the columns of a table"),
    ("\\dt", "tables; \\dt CONNECTION: those of one connection"),
    ("\\format", "how results are written: \\format table, csv, json, ndjson, markdown"),
    ("\\i", "run the statements of a file: \\i FILE"),
    ("\\l", "connections"),
    ("\\q", "quit; Ctrl-D, exit and quit do too"),
    ("\\timing", "show rows, calls and time after each statement, or not"),
];

const TABLES: &str = "SELECT table_schema AS connection, table_name AS name, table_type AS type \
    FROM information_schema.tables WHERE table_schema NOT IN ('information_schema', 'system')";

/// Runs a command, given without its backslash.
pub(crate) async fn run(runner: &mut Runner, command: &str) -> Next {
    let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let (name, argument) = (name.trim_end_matches(';'), argument.trim().trim_end_matches(';').trim());
    match (name, argument) {
        ("q", _) => return Next::End,
        ("?" | "h" | "help", _) => messages::say(&help()),
        ("timing", "" | "on" | "off") => {
            runner.closing = if argument.is_empty() { !runner.closing } else { argument == "on" };
            messages::say(if runner.closing { "timing is on" } else { "timing is off" });
        }
        ("format", _) => set_format(runner, argument),
        ("i", "") => messages::failure("\\i takes a file: \\i FILE"),
        ("i", file) => match Input::File(unquoted(file).into()).read() {
            Ok(text) => drop(runner.script(&text).await),
            Err(message) => messages::failure(&message),
        },
        _ => match sql(name, argument) {
            Some(sql) => drop(runner.script(&sql).await),
            None => messages::failure(&format!("there is no command \\{name}; \\? lists them")),
        },
    }
    Next::Line
}

/// The statement that a command stands for.
pub(crate) fn sql(name: &str, argument: &str) -> Option<String> {
    match (name, argument) {
        ("d" | "dt", "") => Some(format!("{TABLES} ORDER BY 1, 2")),
        ("d", table) => Some(format!("DESCRIBE {table}")),
        ("dt", connection) => {
            let connection = connection.replace('\'', "''");
            Some(format!("{TABLES} AND table_schema = '{connection}' ORDER BY 1, 2"))
        }
        ("l", _) => Some("SELECT * FROM system.connections".to_owned()),
        _ => None,
    }
}

fn set_format(runner: &mut Runner, argument: &str) {
    match Format::from_str(argument, true) {
        Ok(format) if format.is_binary() => messages::failure("this format is not for a shell: use COPY … TO 'FILE'"),
        Ok(format) => runner.format = format,
        Err(_) => messages::failure("\\format takes table, csv, json, ndjson or markdown"),
    }
}

fn unquoted(file: &str) -> &str {
    file.strip_prefix('\'').and_then(|file| file.strip_suffix('\'')).unwrap_or(file)
}

fn help() -> String {
    let mut text =
        "Statements end with ; and may span lines. Tab completes, Ctrl-C drops a line or stops a statement.".to_owned();
    for (name, what) in COMMANDS {
        text.push_str(&format!("\n  {name:<8} {what}"));
    }
    text
}
