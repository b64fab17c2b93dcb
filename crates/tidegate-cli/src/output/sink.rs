//! Standard output, shared between the writers of one statement after the other.
//!
//! What is written leaves when there is much of it, and when its owner flushes: a writer does so at its end, and who
//! feeds it whenever the next rows are not there yet.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const BUFFER: usize = 64 * 1024;

/// Where results go. Clones write to one place.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Mutex<BufWriter<Box<dyn Write + Send>>>>);

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }

    pub(crate) fn new(inner: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(BufWriter::with_capacity(BUFFER, Box::new(inner)))))
    }

    /// Writes what is being made, once it is long, and empties it.
    pub(super) fn write_full(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        if bytes.len() >= BUFFER {
            self.write_all(bytes)?;
            bytes.clear();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<Box<dyn Write + Send>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}
