//! How a connection waits while another process writes: it looks again within a fraction of a millisecond.
//!
//! SQLite's own waits grow to 100 ms. Beside a process that writes without pause, who waits so long finds the lock taken
//! each time, until its patience ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::open::BUSY_TIMEOUT;

/// Shortest and longest pause before the write lock is looked after again, in microseconds.
const PAUSE: (u64, u64) = (20, 400);

/// Replaces SQLite's waits on this connection, for as long as `is_waiting` says.
pub(crate) fn look_often(connection: &mut Connection, is_waiting: Arc<AtomicBool>) -> rusqlite::Result<()> {
    let mut since = Instant::now();
    let mut random = u64::from(std::process::id()) ^ 0x9E37_79B9_7F4A_7C15;
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        if !is_waiting.load(Ordering::Relaxed) {
            return false;
        }
        random ^= u64::from(since.elapsed().subsec_nanos());
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(PAUSE.0 + random % (PAUSE.1 - PAUSE.0)));
        since.elapsed() < BUSY_TIMEOUT
    }))
}
