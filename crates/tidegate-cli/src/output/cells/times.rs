//! Days and points in time as ISO 8601, of the years 0 to 9999.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};

const DAY: i64 = 86_400;
/// Days of four centuries, after which the calendar is the same again.
const ERA: i64 = 146_097;
/// Days from the first of March of the year 0 to the first of January 1970.
const BEFORE_1970: i64 = 719_468;

/// Points in time of one column, whose zone is UTC or none.
pub(super) struct Times<'a> {
    values: &'a [i64],
    /// So many units are a second.
    units: i64,
    is_utc: bool,
}

impl<'a> Times<'a> {
    /// `None` for what is no point in time, and for other zones.
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        let DataType::Timestamp(unit, zone) = array.data_type() else { return None };
        let is_utc = match zone.as_deref() {
            None => false,
            Some("UTC" | "+00:00") => true,
            Some(_) => return None,
        };
        let (values, units): (&[i64], i64) = match unit {
            TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().values(), 1),
            TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().values(), 1_000),
            TimeUnit::Microsecond => (array.as_primitive::<TimestampMicrosecondType>().values(), 1_000_000),
            TimeUnit::Nanosecond => (array.as_primitive::<TimestampNanosecondType>().values(), 1_000_000_000),
        };
        Some(Self { values, units, is_utc })
    }

    /// Appends a point in time, with as many digits of a second as it has: none, three, six or nine. False, with nothing
    /// written, for one of another year.
    pub(super) fn write(&self, row: usize, out: &mut String) -> bool {
        let Some(value) = self.values.get(row) else { return false };
        let (seconds, fraction) = (value.div_euclid(self.units), value.rem_euclid(self.units));
        let Some((year, month, day)) = civil(seconds.div_euclid(DAY)) else { return false };
        let seconds = seconds.rem_euclid(DAY);
        let mut text = *b"0000-00-00T00:00:00.000000000";
        write_date(&mut text, year, month, day);
        pair(&mut text[11..13], seconds / 3_600);
        pair(&mut text[14..16], seconds / 60 % 60);
        pair(&mut text[17..19], seconds % 60);
        let end = write_fraction(&mut text, fraction * (1_000_000_000 / self.units));
        push(out, &text[..end]);
        if self.is_utc {
            out.push('Z');
        }
        true
    }
}

/// Appends a day, counted from 1970. False, with nothing written, for one of another year.
pub(super) fn date(days: i64, out: &mut String) -> bool {
    let Some((year, month, day)) = civil(days) else { return false };
    let mut text = *b"0000-00-00";
    write_date(&mut text, year, month, day);
    push(out, &text);
    true
}

/// Year, month and day; `None` for a year that is not written in four digits.
///
/// Years are taken to begin in March: the day that some of them have more is the last one then, and the months before it
/// have 31 and 30 days in turn, five of them 153.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_add(BEFORE_1970)?;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    // Without the days that leap years have more: one each four years, none each hundred, and one each four hundred.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    (0..=9_999).contains(&year).then_some((year, month, day))
}

fn write_date(text: &mut [u8], year: i64, month: i64, day: i64) {
    pair(&mut text[0..2], year / 100);
    pair(&mut text[2..4], year % 100);
    pair(&mut text[5..7], month);
    pair(&mut text[8..10], day);
}

/// Writes the billionths of a second, and returns where the text ends.
fn write_fraction(text: &mut [u8], nanos: i64) -> usize {
    let (digits, end) = match nanos {
        0 => return 19,
        nanos if nanos % 1_000_000 == 0 => (nanos / 1_000_000, 23),
        nanos if nanos % 1_000 == 0 => (nanos / 1_000, 26),
        nanos => (nanos, 29),
    };
    let mut left = digits;
    for digit in text[20..end].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    end
}

/// A number below 100 in two digits.
fn pair(text: &mut [u8], value: i64) {
    text[0] = b'0' + (value / 10) as u8;
    text[1] = b'0' + (value % 10) as u8;
}

/// Digits and signs are ASCII.
fn push(out: &mut String, text: &[u8]) {
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}
