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
    pub(super) fn append(&self, row: usize, out: &mut Vec<u8>) -> bool {
        let Some(value) = self.values.get(row) else { return false };
        let (seconds, fraction) = (value.div_euclid(self.units), value.rem_euclid(self.units));
        let Some(date) = civil(seconds.div_euclid(DAY)) else { return false };
        let seconds = seconds.rem_euclid(DAY) as u32;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        write_date(&mut text, date);
        pair(&mut text, 11, seconds / 3_600);
        pair(&mut text, 14, seconds / 60 % 60);
        pair(&mut text, 17, seconds % 60);
        let end = write_fraction(&mut text, fraction as u32 * (1_000_000_000 / self.units as u32));
        if self.is_utc {
            text[end] = b'Z';
        }
        out.extend_from_slice(&text[..end + usize::from(self.is_utc)]);
        true
    }
}

/// Appends a day, counted from 1970. False, with nothing written, for one of another year.
pub(super) fn date(days: i64, out: &mut Vec<u8>) -> bool {
    let Some(date) = civil(days) else { return false };
    let mut text = *b"0000-00-00";
    write_date(&mut text, date);
    out.extend_from_slice(&text);
    true
}

/// Year, month and day; `None` for a year that is not written in four digits.
///
/// Years are taken to begin in March: the day that some of them have more is the last one then, and the months before it
/// have 31 and 30 days in turn, five of them 153.
fn civil(days: i64) -> Option<(u32, u32, u32)> {
    // The first of January of the year 0, and of 10000.
    if !(-719_528..2_932_897).contains(&days) {
        return None;
    }
    let days = u32::try_from(days + BEFORE_1970 + ERA).ok()?;
    let (era, day) = (days / ERA as u32, days % ERA as u32);
    // Without the days that leap years have more: one each four years, none each hundred, and one each four hundred.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    // Counted from four hundred years before.
    Some((era * 400 + year + later - 400, month, day))
}

fn write_date<const LENGTH: usize>(text: &mut [u8; LENGTH], (year, month, day): (u32, u32, u32)) {
    pair(text, 0, year / 100);
    pair(text, 2, year % 100);
    pair(text, 5, month);
    pair(text, 8, day);
}

/// Writes the billionths of a second, and returns where the text ends.
fn write_fraction(text: &mut [u8; 30], nanos: u32) -> usize {
    let (mut left, end) = match nanos {
        0 => return 19,
        nanos if nanos % 1_000_000 == 0 => (nanos / 1_000_000, 23),
        nanos if nanos % 1_000 == 0 => (nanos / 1_000, 26),
        nanos => (nanos, 29),
    };
    for digit in text[20..end].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    end
}

/// A number below 100 in two digits, from this place on.
fn pair<const LENGTH: usize>(text: &mut [u8; LENGTH], at: usize, value: u32) {
    text[at] = b'0' + (value / 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}
