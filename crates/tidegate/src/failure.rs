//! Errors of local files and of the state folder, as the engine reports them.

use crate::{Error, ErrorKind};

pub(crate) fn local(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Local, error.to_string()).with_source(error)
}
