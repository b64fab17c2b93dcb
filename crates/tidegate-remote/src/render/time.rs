//! Points in time as requests write them.
//!
//! Every form has a grain: what is not a multiple of it cannot be written. [`crate::pushdown`] widens a comparison to
//! the grain before it is written, so that nothing is cut here.

use chrono::{DateTime, Datelike};
use tidegate_spec::{ColumnType, TimeForm, TimestampFormat};

const MILLI: i64 = 1000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// How a point in time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// ISO 8601 with a fraction only where there is one.
    Iso,
    /// `/Date(ms)/`.
    Microsoft,
    /// As declared for the filter.
    As(TimeForm),
}

/// How a filter on a column of this type writes its value; `None` for a column without points in time.
pub(crate) fn stamp(column: &ColumnType, form: Option<TimeForm>) -> Option<Stamp> {
    match (column, form) {
        (ColumnType::Timestamp { .. } | ColumnType::Date, Some(form)) => Some(Stamp::As(form)),
        (ColumnType::Timestamp { format, .. }, None) => Some(match format {
            TimestampFormat::MicrosoftJson => Stamp::Microsoft,
            TimestampFormat::EpochSeconds => Stamp::As(TimeForm::EpochSeconds),
            TimestampFormat::EpochMillis => Stamp::As(TimeForm::EpochMillis),
            _ => Stamp::Iso,
        }),
        _ => None,
    }
}

impl Stamp {
    /// What it writes is a multiple of this, in microseconds. Services read milliseconds; some no more.
    pub(crate) fn grain(self) -> i64 {
        match self {
            Self::Iso | Self::Microsoft | Self::As(TimeForm::Millis | TimeForm::EpochMillis) => MILLI,
            Self::As(TimeForm::Seconds | TimeForm::EpochSeconds) => SECOND,
            Self::As(TimeForm::Date) => DAY,
        }
    }

    /// Whether it is a bare number.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::As(TimeForm::EpochSeconds | TimeForm::EpochMillis))
    }

    /// The text for a number of microseconds since 1970; `None` when it is no multiple of the grain, or in a year that
    /// has no form of four digits. Local time has no `Z`: the service takes it in its own zone.
    pub(super) fn write(self, micros: i64, instant: bool) -> Option<String> {
        let time = DateTime::from_timestamp_micros(micros).filter(|time| (1..=9999).contains(&time.year()))?;
        if micros.rem_euclid(self.grain()) != 0 {
            return None;
        }
        let zone = if instant { "Z" } else { "" };
        let clock = time.format("%Y-%m-%dT%H:%M:%S");
        let millis = micros.rem_euclid(SECOND) / MILLI;
        Some(match self {
            Self::Iso if millis != 0 => format!("{clock}.{millis:03}{zone}"),
            Self::Iso | Self::As(TimeForm::Seconds) => format!("{clock}{zone}"),
            Self::Microsoft => format!("/Date({})/", micros / MILLI),
            Self::As(TimeForm::Millis) => format!("{clock}.{millis:03}{zone}"),
            Self::As(TimeForm::Date) => time.format("%Y-%m-%d").to_string(),
            Self::As(TimeForm::EpochSeconds) => (micros / SECOND).to_string(),
            Self::As(TimeForm::EpochMillis) => (micros / MILLI).to_string(),
        })
    }
}

/// Whether the form has fewer digits than the column's own values. A service that takes such a literal may compare
/// whole days or seconds, and then knows no row "after" a day before the next one.
pub(crate) fn is_coarse(column: &ColumnType, form: Option<TimeForm>) -> bool {
    let ColumnType::Timestamp { .. } = column else { return false };
    let grain = |form| stamp(column, form).map(Stamp::grain);
    form.is_some() && grain(form) > grain(None)
}

/// Midnight of a day, in microseconds.
pub(super) fn midnight(days: i32) -> i64 {
    i64::from(days) * DAY
}
