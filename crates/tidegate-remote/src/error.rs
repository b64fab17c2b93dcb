//! Why a scan ended, and where.

use std::fmt;

use tidegate_transport::Blanks;

/// A failure of a scan, with its place.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct Error {
    /// Where it happened.
    pub place: Place,
    /// What happened; carries its source.
    #[source]
    pub kind: ErrorKind,
}

/// Where in a scan something happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Connection, as named in SQL.
    pub connection: String,
    /// Table, as named in SQL; `None` for the API's description of itself.
    pub table: Option<String>,
    /// Partition.
    pub partition: Option<String>,
    /// The row that a request for one row alone was about: the request's name, and what it took from the row.
    pub row: Option<String>,
    /// Page number from 1.
    pub page: Option<u64>,
    /// URL asked for, without secrets.
    pub url: String,
}

/// The value of [`ErrorKind::BadValue`] where a row lacks the column.
pub const MISSING: &str = "a missing member";

/// What happened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No response.
    #[error("{0}")]
    Transport(#[from] tidegate_transport::Error),
    /// A status other than success. The message is the server's own, cut to a line.
    #[error("the server answered {}{}", status_text(*.status), message_suffix(.message.as_deref()))]
    Status {
        /// HTTP status.
        status: http::StatusCode,
        /// What the server said.
        message: Option<String>,
    },
    /// The body is not what the endpoint promises.
    #[error("{0}")]
    Body(String),
    /// A value does not fit its column.
    #[error(
        "column {column}, row {row}: {value} is not {expected}; SET tidegate.on_bad_value = 'null' reads it as NULL"
    )]
    BadValue {
        /// Column, as named in SQL.
        column: String,
        /// Row of the page, from 1.
        row: u64,
        /// The value as the server sent it, cut to a line.
        value: String,
        /// The type expected, with its article.
        expected: String,
    },
    /// The server does not move on.
    #[error("{0}")]
    Loop(String),
    /// A filter, order or value that cannot be written in the API's language.
    #[error("{0}")]
    Unsupported(String),
}

/// The status with the name that it has, if it has one.
fn status_text(status: http::StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

fn message_suffix(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(": {message}"))
}

impl Error {
    /// The same without secrets: servers repeat them at times, as values, cursors and links.
    pub(crate) fn blanked(mut self, blanks: &Blanks) -> Self {
        self.place.url = blanks.apply(self.place.url);
        self.place.row = self.place.row.map(|row| blanks.apply(row));
        self.kind = match self.kind {
            ErrorKind::Status { status, message } => {
                ErrorKind::Status { status, message: message.map(|text| blanks.apply(text)) }
            }
            ErrorKind::Body(text) => ErrorKind::Body(blanks.apply(text)),
            ErrorKind::BadValue { column, row, value, expected } => {
                ErrorKind::BadValue { column, row, value: blanks.apply(value), expected }
            }
            ErrorKind::Loop(text) => ErrorKind::Loop(blanks.apply(text)),
            other => other,
        };
        self
    }

    /// Whether the user gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(&self.kind, ErrorKind::Transport(error) if error.is_cancelled())
    }

    /// Whether the server refused the credentials.
    #[must_use]
    pub fn is_refused_login(&self) -> bool {
        matches!(&self.kind, ErrorKind::Status { status, .. } if matches!(status.as_u16(), 401 | 403))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.connection)?;
        if let Some(table) = &self.table {
            write!(f, ".{table}")?;
        }
        if let Some(partition) = &self.partition {
            write!(f, ", partition {partition}")?;
        }
        if let Some(row) = &self.row {
            write!(f, ", {row}")?;
        }
        if let Some(page) = self.page {
            write!(f, ", page {page}")?;
        }
        if !self.url.is_empty() {
            write!(f, " ({})", self.url)?;
        }
        Ok(())
    }
}
