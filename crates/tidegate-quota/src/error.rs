//! Why the ledger cannot answer.

use std::sync::Arc;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The ledger could not be read or written. Says what, where, and what to do. Being refused is not an error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The state folder, or a database in it, cannot be used.
    State(tidegate_state::ErrorKind),
    /// An entry of the ledger cannot be understood.
    Entry,
    /// The program is ending, or the runtime that the work was done on.
    Interrupted,
    /// Anything else.
    Other,
}

impl Error {
    /// An error with a message that says what was wrong, where, and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Other, message: message.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The entry of this key cannot be understood.
    pub(crate) fn entry(key: &str, source: serde_json::Error) -> Self {
        let message = format!(
            "the ledger's entry '{key}' cannot be understood ({source}): it is damaged, or of another version of \
             Tidegate; update Tidegate, or move ledger.db away from the state folder (what was spent is then forgotten)"
        );
        Self { kind: ErrorKind::Entry, ..Self::new(message) }.with_source(source)
    }

    /// Whoever did the work was ended.
    pub(crate) fn interrupted() -> Self {
        let message = "the ledger was interrupted: the program, or the runtime that it works on, is ending; try again";
        Self { kind: ErrorKind::Interrupted, ..Self::new(message) }
    }
}

impl From<tidegate_state::Error> for Error {
    fn from(error: tidegate_state::Error) -> Self {
        Self { kind: ErrorKind::State(error.kind()), ..Self::new(error.to_string()) }.with_source(error)
    }
}
