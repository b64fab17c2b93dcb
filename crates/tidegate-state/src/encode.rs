//! Times and numbers as the database keeps them: a time is whole microseconds since 1970 UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970, cut off below the microsecond; beyond `i64` the nearest that fits.
pub(crate) fn to_micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => saturate(since.as_micros()),
        Err(before) => saturate(before.duration().as_micros()).saturating_neg(),
    }
}

/// The inverse. A value that the system's clock cannot hold (before 1601 on Windows) becomes 1970.
pub(crate) fn from_micros(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    let time = if micros >= 0 { UNIX_EPOCH.checked_add(distance) } else { UNIX_EPOCH.checked_sub(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// A number that SQLite can hold; beyond `i64` the largest.
pub(crate) fn saturate<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// The inverse, for columns in which only [`saturate`] writes; a negative number there becomes 0.
pub(crate) fn unsigned(value: i64) -> u64 {
    value.max(0).unsigned_abs()
}
