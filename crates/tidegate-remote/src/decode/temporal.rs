//! Dates, times and points in time from the forms in which APIs write them, byte by byte.
//!
//! Fractions finer than a microsecond are cut off. A calendar without a year limit is not attempted: years have
//! four to six digits.

use tidegate_spec::TimestampFormat;

use super::decimal;
use super::value::Value;

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;

/// Days since 1970 of `YYYY-MM-DD`, or of a point in time at midnight (`T00:00:00`, `/Date(ms)/`), which is
/// how OData V2 writes dates.
pub(super) fn date(text: &str) -> Option<i32> {
    if let Some(millis) = microsoft(text) {
        let micros = millis.checked_mul(1_000)?;
        return (micros % DAY == 0).then(|| i32::try_from(micros / DAY).ok())?;
    }
    let mut cursor = Cursor(text.as_bytes());
    let days = cursor.date()?;
    if !cursor.0.is_empty() {
        let (micros, _) = cursor.clock_and_offset()?;
        if micros != 0 {
            return None;
        }
    }
    i32::try_from(days).ok()
}

/// Microseconds since midnight of `HH:MM[:SS[.fraction]]` or a duration under a day (`PT13H20M`: OData V2).
pub(super) fn time(text: &str) -> Option<i64> {
    let mut cursor = Cursor(text.as_bytes());
    let micros = if text.starts_with('P') { cursor.duration()? } else { cursor.clock()? };
    (cursor.0.is_empty() && micros < DAY).then_some(micros)
}

/// Microseconds since 1970: UTC for an instant, the clock's reading for a local time.
///
/// Text without an offset is taken as UTC. For a local time an offset is dropped, not applied.
pub(super) fn timestamp(value: Value<'_>, format: TimestampFormat, instant: bool) -> Option<i64> {
    match format {
        TimestampFormat::EpochSeconds => epoch(value.digits()?, 1_000_000),
        TimestampFormat::EpochMillis => epoch(value.digits()?, 1_000_000_000),
        TimestampFormat::MicrosoftJson => {
            let text = value.text()?;
            match microsoft(text) {
                Some(millis) => millis.checked_mul(1_000),
                None => iso(text, instant),
            }
        }
        _ => iso(value.text()?, instant),
    }
}

/// A count since 1970 with up to twelve digits of fraction; `divisor` is a microsecond in its 10^-12.
fn epoch(text: &str, divisor: i128) -> Option<i64> {
    i64::try_from(decimal::parse(text, 38, 12)?.div_euclid(divisor)).ok()
}

fn iso(text: &str, instant: bool) -> Option<i64> {
    if let Some(micros) = usual(text) {
        return Some(micros);
    }
    let mut cursor = Cursor(text.as_bytes());
    let days = cursor.date()?;
    let (micros, offset) = if cursor.0.is_empty() { (0, 0) } else { cursor.clock_and_offset()? };
    let local = days.checked_mul(DAY)?.checked_add(micros)?;
    local.checked_sub(if instant { offset } else { 0 })
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction][Z]`, which most points in time are, at its fixed places; `None` leaves it to the
/// cursor.
fn usual(text: &str) -> Option<i64> {
    let (head, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let &[y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2] = head else {
        return None;
    };
    let digits = [y1, y2, y3, y4, o1, o2, d1, d2, h1, h2, m1, m2, s1, s2];
    if digits.iter().fold(false, |bad, byte| bad | (byte.wrapping_sub(b'0') > 9)) {
        return None;
    }
    let two = |tens: u8, units: u8| i64::from(tens - b'0') * 10 + i64::from(units - b'0');
    let (year, month, day) = (two(y1, y2) * 100 + two(y3, y4), two(o1, o2), two(d1, d2));
    let (hours, minutes, seconds) = (two(h1, h2), two(m1, m2), two(s1, s2));
    let fits = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !fits || hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let mut cursor = Cursor(rest);
    let fraction = if cursor.take(b'.') { cursor.fraction()? } else { 0 };
    if !matches!(cursor.0, b"" | b"Z") {
        return None;
    }
    let days = days_from_civil(year, month, day);
    Some(days * DAY + ((hours * 60 + minutes) * 60 + seconds) * MICROS + fraction)
}

/// Milliseconds of `/Date(ms)/` or `/Date(ms+hhmm)/`. They count from 1970 in UTC whatever the offset says,
/// which only tells the writer's zone.
///
/// <https://learn.microsoft.com/en-us/dotnet/framework/wcf/feature-details/stand-alone-json-serialization>
fn microsoft(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let digits = inner.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inner.len(), |at| at + 1);
    let (millis, offset) = inner.split_at(digits);
    let known = offset.is_empty() || (offset.len() == 5 && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit()));
    known.then(|| millis.parse().ok())?
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// What is left to read.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn take(&mut self, wanted: u8) -> bool {
        match self.0 {
            [byte, rest @ ..] if *byte == wanted => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn two_digits(&mut self) -> Option<i64> {
        let [tens @ b'0'..=b'9', units @ b'0'..=b'9', rest @ ..] = self.0 else { return None };
        self.0 = rest;
        Some(i64::from(tens - b'0') * 10 + i64::from(units - b'0'))
    }

    fn digit(&mut self) -> Option<i64> {
        let [byte @ b'0'..=b'9', rest @ ..] = self.0 else { return None };
        self.0 = rest;
        Some(i64::from(byte - b'0'))
    }

    fn date(&mut self) -> Option<i64> {
        let before_zero = self.take(b'-');
        let mut year = self.two_digits()? * 100 + self.two_digits()?;
        for _ in 0..2 {
            if let Some(digit) = self.digit() {
                year = year * 10 + digit;
            }
        }
        let year = if before_zero { -year } else { year };
        let month = self.take(b'-').then(|| self.two_digits())??;
        let day = self.take(b'-').then(|| self.two_digits())??;
        let fits = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        fits.then(|| days_from_civil(year, month, day))
    }

    fn clock(&mut self) -> Option<i64> {
        let hours = self.two_digits()?;
        let minutes = self.take(b':').then(|| self.two_digits())??;
        let mut seconds = 0;
        let mut fraction = 0;
        if self.take(b':') {
            seconds = self.two_digits()?;
            if self.take(b'.') {
                fraction = self.fraction()?;
            }
        }
        let fits = hours < 24 && minutes < 60 && seconds < 60;
        fits.then_some(((hours * 60 + minutes) * 60 + seconds) * MICROS + fraction)
    }

    /// At least one digit; what is finer than a microsecond is passed over.
    fn fraction(&mut self) -> Option<i64> {
        let mut value = 0;
        let mut unit = MICROS / 10;
        value += self.digit()? * unit;
        while let Some(digit) = self.digit() {
            unit /= 10;
            value += digit * unit;
        }
        Some(value)
    }

    /// `T` or a space, a clock, and an offset in microseconds; nothing may follow.
    fn clock_and_offset(&mut self) -> Option<(i64, i64)> {
        let separated = self.take(b'T') || self.take(b' ') || self.take(b't');
        let micros = separated.then(|| self.clock())??;
        let offset = self.offset()?;
        self.0.is_empty().then_some((micros, offset))
    }

    /// Nothing, `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.take(b'Z') || self.take(b'z') {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else if self.take(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.two_digits()?;
        let colon = self.take(b':');
        let minutes = if colon || !self.0.is_empty() { self.two_digits()? } else { 0 };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60 * MICROS)
    }

    /// `P[nD][T[nH][nM][n[.n]S]]`, without years and months.
    fn duration(&mut self) -> Option<i64> {
        const UNITS: [(u8, bool, i64); 4] =
            [(b'D', false, DAY), (b'H', true, 3_600 * MICROS), (b'M', true, 60 * MICROS), (b'S', true, MICROS)];
        self.take(b'P');
        let mut units = UNITS.iter();
        let (mut micros, mut in_time, mut any) = (0_i64, false, false);
        while !self.0.is_empty() {
            in_time |= self.take(b'T');
            let mut number = self.digit()?;
            while let Some(digit) = self.digit() {
                number = number.checked_mul(10)?.checked_add(digit)?;
            }
            let fraction = if self.take(b'.') { Some(self.fraction()?) } else { None };
            let (letter, _, unit) =
                units.find(|(letter, time, _)| *time == in_time && self.0.first() == Some(letter))?;
            self.take(*letter);
            if fraction.is_some() && *letter != b'S' {
                return None;
            }
            micros = micros.checked_add(number.checked_mul(*unit)?)?.checked_add(fraction.unwrap_or(0))?;
            any = true;
        }
        any.then_some(micros)
    }
}
