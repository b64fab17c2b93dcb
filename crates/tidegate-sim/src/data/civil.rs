//! Proleptic Gregorian dates as day numbers, and back, with the text forms that OData uses.
//!
//! Day 0 is 1970-01-01. Years 1 to 9999, as `Edm.Date` in practice.

/// Nanoseconds in a second.
pub(crate) const SECOND: i128 = 1_000_000_000;
/// Nanoseconds in a day.
pub(crate) const DAY: i128 = 86_400 * SECOND;

/// Days since 1970-01-01 of a date, or `None` if there is no such date.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last, so a month's offset is a linear formula.
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468)
}

/// Year, month and day of a day number.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

/// `2024-02-29`.
pub(crate) fn date_text(days_since: i64) -> String {
    let (y, m, d) = date(days_since);
    format!("{y:04}-{m:02}-{d:02}")
}

/// `09:30:00.250` from nanoseconds since midnight; the fraction is milliseconds, left out if zero.
pub(crate) fn time_text(nanos: i128) -> String {
    let s = nanos / SECOND;
    let ms = nanos % SECOND / 1_000_000;
    let mut out = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if ms != 0 {
        out.push_str(&format!(".{ms:03}"));
    }
    out
}

/// `2024-02-29T09:30:00.250Z` from nanoseconds since 1970.
pub(crate) fn stamp_text(nanos: i128) -> String {
    let day = nanos.div_euclid(DAY);
    format!("{}T{}Z", date_text(day as i64), time_text(nanos.rem_euclid(DAY)))
}

/// `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    days(digits(&text[0..4])?, digits(&text[5..7])?, digits(&text[8..10])?)
}

/// `hh:mm[:ss[.fffffffff]]` as nanoseconds since midnight; at most nine digits of fraction.
pub(crate) fn parse_time(text: &str) -> Option<i128> {
    let b = text.as_bytes();
    if !text.is_ascii() || b.len() < 5 || b[2] != b':' {
        return None;
    }
    let (h, m) = (digits(&text[0..2])?, digits(&text[3..5])?);
    let (mut s, mut fraction) = (0, 0i128);
    if b.len() > 5 {
        if b[5] != b':' || b.len() < 8 {
            return None;
        }
        s = digits(&text[6..8])?;
        if b.len() > 8 {
            let f = text[8..].strip_prefix('.')?;
            if f.is_empty() || f.len() > 9 {
                return None;
            }
            fraction = i128::from(digits(f)?) * 10i128.pow(9 - f.len() as u32);
        }
    }
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    Some(i128::from(h * 3600 + m * 60 + s) * SECOND + fraction)
}

/// `YYYY-MM-DDThh:mm[:ss[.f]](Z|±hh:mm)` as nanoseconds since 1970. With `zoned` false the offset
/// must be missing instead (`datetime'…'` of OData V2).
pub(crate) fn parse_stamp(text: &str, zoned: bool) -> Option<i128> {
    let (day, rest) = text.split_once(['T', 't'])?;
    let day = i128::from(parse_date(day)?) * DAY;
    if !zoned {
        return Some(day + parse_time(rest)?);
    }
    if let Some(time) = rest.strip_suffix(['Z', 'z']) {
        return Some(day + parse_time(time)?);
    }
    let at = rest.rfind(['+', '-'])?;
    let offset = parse_time(&rest[at + 1..]).filter(|_| rest.len() - at == 6)?;
    let local = day + parse_time(&rest[..at])?;
    Some(if rest[at..].starts_with('+') { local - offset } else { local + offset })
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        for day in (-719_162..2_932_896).step_by(37) {
            let (y, m, d) = date(day);
            assert_eq!(days(y, m, d), Some(day), "{y}-{m}-{d}");
        }
        assert_eq!(days(2024, 2, 29), Some(19_782));
        assert_eq!(days(2023, 2, 29), None);
    }

    #[test]
    fn stamps_are_instants() {
        let utc = parse_stamp("2024-02-29T10:00:00Z", true);
        assert_eq!(utc, parse_stamp("2024-02-29T12:00:00.000+02:00", true));
        assert_eq!(utc, parse_stamp("2024-02-29T05:30-04:30", true));
        assert_eq!(parse_stamp("2024-02-29T10:00:00", true), None);
        assert_eq!(stamp_text(utc.unwrap() + 7_000_000), "2024-02-29T10:00:00.007Z");
        assert_eq!(parse_stamp("1969-12-31T23:59:59.5Z", true), Some(-500_000_000));
    }
}
