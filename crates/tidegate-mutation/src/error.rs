//! Why a mutation could not be carried on. What an API answers is no error here: it is a row's outcome.

/// The journal does not work, or does not say what it should. Nothing was sent after it was noticed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal cannot be read or written.
    #[error("{0}")]
    Journal(#[from] tidegate_state::Error),
    /// Changes of rows cannot be written.
    #[error("{0}")]
    Write(#[from] crate::WriteError),
    /// The journal's thread has gone.
    #[error("the journal stopped working: {0}")]
    Stopped(String),
    /// There is no such mutation.
    #[error("the journal has no mutation {0}")]
    Missing(String),
    /// A row of the journal does not say what it should.
    #[error("row {ordinal} of the mutation cannot be read from the journal: {why}; the row was not sent")]
    Row {
        /// Its place in the mutation.
        ordinal: u64,
        /// What is wrong with it.
        why: String,
    },
}
