//! Why the ledger cannot answer.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The ledger could not be read or written. Says what, where, and what to do. Being refused is not an error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a message that says what was wrong, where, and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<tidegate_state::Error> for Error {
    fn from(error: tidegate_state::Error) -> Self {
        Self::new(error.to_string()).with_source(error)
    }
}
