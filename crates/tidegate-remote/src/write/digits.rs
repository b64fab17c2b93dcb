//! Numbers and points in time in their canonical text, and back.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

const MICROS: i64 = 1_000_000;

/// `value / 10^scale` with all digits of the scale.
pub(super) fn decimal(value: i128, scale: i8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) if value == 0 => digits,
        Err(_) => format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs()))),
    }
}

/// Days since 1970 as `2024-05-31`; `None` beyond the calendar.
pub(super) fn date(days: i32) -> Option<String> {
    NaiveDate::from_epoch_days(days).map(|date| date.format("%Y-%m-%d").to_string())
}

/// The days of [`date`]'s text.
pub(super) fn days(text: &str) -> Option<i32> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.to_epoch_days())
}

/// Microseconds since midnight as `23:59:59.000000`.
pub(super) fn time(micros: i64) -> Option<String> {
    let seconds = u32::try_from(micros.div_euclid(MICROS)).ok()?;
    let nanos = u32::try_from(micros.rem_euclid(MICROS) * 1_000).ok()?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)?;
    Some(time.format("%H:%M:%S%.6f").to_string())
}

/// The microseconds of [`time`]'s text.
pub(super) fn time_micros(text: &str) -> Option<i64> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()?;
    Some(i64::from(time.num_seconds_from_midnight()) * MICROS + i64::from(time.nanosecond() / 1_000))
}

/// Microseconds since 1970 as `2024-05-31T23:59:59.000000`, with `Z` for an instant.
pub(super) fn timestamp(micros: i64, instant: bool) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    let zone = if instant { "Z" } else { "" };
    Some(format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.6f")))
}

/// The microseconds of [`timestamp`]'s text, of either kind.
pub(super) fn timestamp_micros(text: &str) -> Option<i64> {
    let local = text.strip_suffix('Z').unwrap_or(text);
    let time = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp_micros())
}

/// The last multiple of `grain` microseconds that is not later.
pub(super) fn cut(micros: i64, grain: i64) -> i64 {
    micros.checked_sub(micros.rem_euclid(grain)).unwrap_or(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back() {
        for micros in [0, -1, 1_700_000_000_123_456, -62_135_596_800_000_000, 253_402_300_800_000_000] {
            for instant in [true, false] {
                let text = timestamp(micros, instant).unwrap();
                assert_eq!(timestamp_micros(&text), Some(micros), "{text}");
                assert_eq!(text.ends_with('Z'), instant);
            }
        }
        for number in [0, -1, 19_876, -800_000, 3_000_000] {
            assert_eq!(days(&date(number).unwrap()), Some(number));
        }
        for micros in [0, 1, 86_399_999_999] {
            assert_eq!(time_micros(&time(micros).unwrap()), Some(micros));
        }
        assert_eq!((time(-1), time(86_400_000_000), timestamp(i64::MAX, true)), (None, None, None));
    }

    #[test]
    fn decimals_keep_all_digits() {
        for (value, scale, text) in [(1230, 2, "12.30"), (-5, 2, "-0.05"), (0, 3, "0.000"), (7, 0, "7"), (7, -2, "700")]
        {
            assert_eq!(decimal(value, scale), text);
        }
    }

    #[test]
    fn cut_goes_down_also_before_1970() {
        for (micros, grain, cut_to) in [(1_999, 1_000, 1_000), (-1, 1_000, -1_000), (5_000_000, 1_000_000, 5_000_000)] {
            assert_eq!(cut(micros, grain), cut_to);
        }
    }
}
