//! Errors as users read them. This is the one place where errors of the layers below are mapped.

use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use url::Url;

/// An error of a statement or a connection.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong, as far as a caller may act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The statement's text.
    Syntax,
    /// A name that does not exist, or exists twice.
    Name,
    /// A connection's options or credentials.
    Connection,
    /// A setting's name or value.
    Setting,
    /// The remote API, or the way to it.
    Remote,
    /// Local files or the state folder.
    Local,
    /// A quota has no room, and the statement may not wait for it, or not that long.
    QuotaExhausted,
    /// The statement needs more calls than `tidegate.max_calls`.
    CallBound,
    /// A mutation ended early by a bound or a quota, as asked: what was done is valid, and it can be gone on with.
    MutationStopped,
    /// Not all of a mutation was done: rows failed, were skipped, are unknown or left, or partitions gave up.
    MutationIncomplete,
    /// The user gave up.
    Cancelled,
    /// Something that is not offered.
    Unsupported,
    /// Planning or running the query.
    Query,
}

impl Error {
    /// An error whose message says what was wrong, where, and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the user gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }
}

impl From<DataFusionError> for Error {
    /// Finds the error of ours, or of a layer below, that DataFusion and Arrow have wrapped; their own errors get
    /// a kind and lose the prefixes that only their developers need.
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(source) => from_any(source),
            DataFusionError::Shared(shared) => from_shared(shared),
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => Self::from(*inner),
            DataFusionError::Collection(errors) => errors
                .into_iter()
                .next()
                .map_or_else(|| Self::new(ErrorKind::Query, "the query failed for an unknown reason"), Self::from),
            DataFusionError::ArrowError(error, _) => from_arrow(*error),
            DataFusionError::ParquetError(error) => match *error {
                ParquetError::External(source) => from_any(source),
                error => Self::new(ErrorKind::Local, trim(&error.to_string())).with_source(error),
            },
            DataFusionError::SchemaError(error, _) => from_schema(&error),
            error => {
                let (kind, message) = describe(&error);
                Self::new(kind, message).with_source(error)
            }
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<tidegate_state::Error> for Error {
    fn from(error: tidegate_state::Error) -> Self {
        Self::new(ErrorKind::Local, error.to_string()).with_source(error)
    }
}

impl From<tidegate_mutation::Error> for Error {
    fn from(error: tidegate_mutation::Error) -> Self {
        Self::new(ErrorKind::Local, error.to_string()).with_source(error)
    }
}

impl From<tidegate_quota::Error> for Error {
    fn from(error: tidegate_quota::Error) -> Self {
        Self::new(ErrorKind::Local, error.to_string()).with_source(error)
    }
}

impl From<tidegate_remote::Error> for Error {
    fn from(error: tidegate_remote::Error) -> Self {
        if error.is_cancelled() {
            return Self::cancelled();
        }
        Self::new(remote_kind(&error), remote_message(&error)).with_source(error)
    }
}

impl From<tidegate_transport::Error> for Error {
    fn from(error: tidegate_transport::Error) -> Self {
        if error.is_cancelled() {
            return Self::cancelled();
        }
        Self::new(transport_kind(error.kind()), error.to_string()).with_source(error)
    }
}

impl Error {
    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "the statement was cancelled")
    }
}

fn from_any(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let source = match source.downcast::<Error>() {
        Ok(error) => return *error,
        Err(source) => source,
    };
    let source = match source.downcast::<DataFusionError>() {
        Ok(error) => return Error::from(*error),
        Err(source) => source,
    };
    let source = match source.downcast::<tidegate_remote::Error>() {
        Ok(error) => return Error::from(*error),
        Err(source) => source,
    };
    let source = match source.downcast::<tidegate_transport::Error>() {
        Ok(error) => return Error::from(*error),
        Err(source) => source,
    };
    match source.downcast::<ArrowError>() {
        Ok(error) => from_arrow(*error),
        Err(source) => Error::new(ErrorKind::Query, trim(&source.to_string())).with_source(source),
    }
}

/// A join hands one error to several readers, so that it cannot be taken out: its message and kind are copied.
fn from_shared(shared: Arc<DataFusionError>) -> Error {
    let shared = match Arc::try_unwrap(shared) {
        Ok(error) => return Error::from(error),
        Err(shared) => shared,
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(shared.as_ref());
    while let Some(error) = cause {
        let known = if let Some(error) = error.downcast_ref::<Error>() {
            Some((error.kind, error.message.clone()))
        } else if let Some(error) = error.downcast_ref::<tidegate_remote::Error>() {
            Some((remote_kind(error), remote_message(error)))
        } else {
            let error = error.downcast_ref::<tidegate_transport::Error>();
            error.map(|error| (transport_kind(error.kind()), error.to_string()))
        };
        if let Some((kind, message)) = known {
            return Error::new(kind, message).with_source(Box::new(shared) as Box<dyn std::error::Error + Send + Sync>);
        }
        cause = error.source();
    }
    let (kind, message) = describe(&shared);
    Error::new(kind, message).with_source(Box::new(shared) as Box<dyn std::error::Error + Send + Sync>)
}

/// The kind of one error for several failures: theirs if all have the same.
pub(crate) fn common_kind(kinds: impl IntoIterator<Item = ErrorKind>) -> ErrorKind {
    let mut kinds = kinds.into_iter();
    let first = kinds.next().unwrap_or(ErrorKind::Remote);
    if kinds.all(|kind| kind == first) { first } else { ErrorKind::Remote }
}

/// What a failed request means for a statement.
pub(crate) fn remote_kind(error: &tidegate_remote::Error) -> ErrorKind {
    match &error.kind {
        tidegate_remote::ErrorKind::Transport(error) => transport_kind(error.kind()),
        _ => ErrorKind::Remote,
    }
}

fn transport_kind(kind: tidegate_transport::ErrorKind) -> ErrorKind {
    match kind {
        tidegate_transport::ErrorKind::Cancelled => ErrorKind::Cancelled,
        tidegate_transport::ErrorKind::QuotaExhausted => ErrorKind::QuotaExhausted,
        tidegate_transport::ErrorKind::CallBound => ErrorKind::CallBound,
        _ => ErrorKind::Remote,
    }
}

/// A service that refuses a request may lack what it was asked for: the message names that, and how to do without.
fn remote_message(error: &tidegate_remote::Error) -> String {
    const OPTIONS: &[&str] = &["$filter", "$select", "$orderby", "$top", "$skip", "$count", "$inlinecount"];
    let refused = match &error.kind {
        tidegate_remote::ErrorKind::Status { status, .. } => matches!(status.as_u16(), 400 | 501),
        _ => false,
    };
    let url = Url::parse(&error.place.url).ok().filter(|_| refused && error.place.table.is_some());
    let names: Vec<String> = url.iter().flat_map(Url::query_pairs).map(|(name, _)| name.into_owned()).collect();
    let asked: Vec<&str> = OPTIONS.iter().copied().filter(|option| names.iter().any(|name| name == option)).collect();
    if asked.is_empty() {
        return error.to_string();
    }
    let asked = asked.join(", ");
    format!(
        "{error}; the request used {asked}: if the service refuses one of these, SET tidegate.pushdown = false asks for \
         whole rows and computes the rest here"
    )
}

fn from_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(source) => from_any(source),
        error => {
            let kind = match &error {
                ArrowError::IoError(..)
                | ArrowError::CsvError(_)
                | ArrowError::JsonError(_)
                | ArrowError::ParquetError(_) => ErrorKind::Local,
                _ => ErrorKind::Query,
            };
            Error::new(kind, trim(&error.to_string())).with_source(error)
        }
    }
}

fn from_schema(error: &SchemaError) -> Error {
    let message = match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            let nearest = crate::catalog::nearest(&field.name, known.iter().copied());
            match nearest {
                Some(nearest) => format!("there is no column {}; did you mean {nearest}?", field.flat_name()),
                None if known.is_empty() => format!("there is no column {}", field.flat_name()),
                None => format!("there is no column {}; there are: {}", field.flat_name(), listed(&known)),
            }
        }
        SchemaError::AmbiguousReference { field } => {
            format!("the column {} stands for several: write its table before it", field.name)
        }
        other => trim(&other.to_string()).to_owned(),
    };
    Error::new(ErrorKind::Name, message)
}

/// Names for a message: enough to help, not a screenful.
pub(crate) fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{shown} and {} more", names.len() - MOST) } else { shown }
}

fn describe(error: &DataFusionError) -> (ErrorKind, String) {
    let message = trim(&error.strip_backtrace()).to_owned();
    match error {
        DataFusionError::SQL(error, _) => (ErrorKind::Syntax, trim(&error.to_string()).to_owned()),
        DataFusionError::NotImplemented(_) => (ErrorKind::Unsupported, message),
        DataFusionError::Configuration(_) => (ErrorKind::Setting, message),
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => (ErrorKind::Local, message),
        DataFusionError::ResourcesExhausted(_) => (
            ErrorKind::Query,
            format!("the query needs more memory than it may use, and cannot spill to disk here: {message}"),
        ),
        _ => (ErrorKind::Query, message),
    }
}

/// The message without the prefixes of the layers that it came through.
fn trim(message: &str) -> &str {
    const PREFIXES: &[&str] = &[
        "Error during planning: ",
        "External error: ",
        "Execution error: ",
        "Arrow error: ",
        "Schema error: ",
        "Invalid argument error: ",
        "Compute error: ",
        "Parser error: ",
        "SQL error: ",
        "sql parser error: ",
        "This feature is not implemented: ",
        "Invalid or Unsupported Configuration: ",
        "Object Store error: ",
        "Resources exhausted: ",
        "Internal error: ",
        "IO error: ",
        "Parquet error: ",
    ];
    let mut message = message;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    let bug_report = message.find("\nThis issue was likely caused by a bug in DataFusion");
    bug_report.map_or(message, |at| &message[..at]).trim_end()
}
