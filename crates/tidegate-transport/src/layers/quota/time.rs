//! The six ways in which APIs write when a window ends, turned into the time that is left.
//!
//! Points in time are read on the server's own clock, its `Date` header, where there is one. Who writes whole seconds
//! may have rounded down: [`Reset::latest`] is as late as the end may be.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDateTime, Utc};
use http::HeaderMap;

use super::figure::{Absurd, number};
use crate::TimeForm;

const DAY: f64 = 24.0 * 60.0 * 60.0;

/// Longer waits than this are no waits but mistakes, such as a point in time given in seconds.
const ABSURD: f64 = 366.0 * DAY;

/// Windows that end later are not believed where nothing says how the end is written.
const GUESSED: f64 = 40.0 * DAY;

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reset {
    /// Seconds until then as they are written; below zero for the past.
    seconds: f64,
    /// Seconds that may have been lost to rounding.
    rounding: f64,
}

impl Reset {
    /// Time to the end, as late as it may be; `None` when it is over. A window does not last longer than it is long,
    /// so that `window` bounds what is added for rounding, though not what the server says.
    pub(super) fn latest(self, window: Option<Duration>) -> Option<Duration> {
        let late = self.seconds + self.rounding;
        let late = window.map_or(late, |window| late.min(window.as_secs_f64().max(self.seconds)));
        Duration::try_from_secs_f64(late).ok().filter(|left| !left.is_zero())
    }
}

/// What time it is for the server: what it says, else the local time.
pub(super) fn server_time(headers: &HeaderMap, local: SystemTime) -> SystemTime {
    let date = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(local)
}

/// Reads the end of a window that is written in this form. `now` is the server's time.
pub(super) fn read(form: TimeForm, text: &str, now: SystemTime) -> Result<Reset, Absurd> {
    let text = text.trim().trim_matches('"');
    let written = |scale: f64| number(text).map(|number| number / scale).ok_or(Absurd);
    let whole = if text.contains('.') { 0.0 } else { 1.0 };
    let reset = match form {
        TimeForm::EpochSeconds => Reset { seconds: written(1.0)? - epoch(now), rounding: whole },
        TimeForm::EpochMillis => Reset { seconds: written(1000.0)? - epoch(now), rounding: 0.0 },
        TimeForm::Seconds => Reset { seconds: from_now(written(1.0)?)?, rounding: whole },
        TimeForm::Millis => Reset { seconds: from_now(written(1000.0)?)?, rounding: 0.0 },
        TimeForm::Iso8601 => {
            let (at, rounding) = iso8601(text).ok_or(Absurd)?;
            Reset { seconds: at - epoch(now), rounding }
        }
        TimeForm::HttpDate => {
            let at = httpdate::parse_http_date(text).map_err(|_| Absurd)?;
            Reset { seconds: epoch(at) - epoch(now), rounding: 1.0 }
        }
    };
    // A day in the past is a clock or a window that has ended, and nothing to wait for.
    if (-DAY..=ABSURD).contains(&reset.seconds) { Ok(reset) } else { Err(Absurd) }
}

/// Reads the end of a window that is written in a form nobody declared. A number is a time from now below 40 days, else
/// seconds or milliseconds since 1970, if that is between yesterday and 40 days from now: these ranges are far apart.
pub(super) fn guess(text: &str, now: SystemTime) -> Option<Reset> {
    let text = text.trim().trim_matches('"');
    let forms: &[TimeForm] = match number(text) {
        Some(number) if (0.0..=GUESSED).contains(&number) => &[TimeForm::Seconds],
        Some(_) => &[TimeForm::EpochSeconds, TimeForm::EpochMillis],
        None => &[TimeForm::Iso8601, TimeForm::HttpDate],
    };
    let read = forms.iter().find_map(|form| read(*form, text, now).ok());
    read.filter(|reset| reset.seconds <= GUESSED)
}

fn from_now(seconds: f64) -> Result<f64, Absurd> {
    if seconds < 0.0 { Err(Absurd) } else { Ok(seconds) }
}

/// Seconds since 1970.
fn epoch(at: SystemTime) -> f64 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// Seconds since 1970, and those that may have been lost to rounding: some leave the seconds out (`2026-05-31T10:05Z`),
/// some the zone, which is then UTC.
fn iso8601(text: &str) -> Option<(f64, f64)> {
    let minutes = ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%dT%H:%M%#z"];
    let minutes = || minutes.iter().find_map(|format| DateTime::parse_from_str(text, format).ok());
    let naive = |format: &str| NaiveDateTime::parse_from_str(text, format).ok().map(|at| at.and_utc());
    let bare = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let bare_minutes = || NaiveDateTime::parse_from_str(bare, "%Y-%m-%dT%H:%M").ok().map(|at| at.and_utc());
    let seconds = |at: DateTime<Utc>| at.timestamp_micros() as f64 / 1e6;
    let to_seconds = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    if let Some(at) = to_seconds.or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f")) {
        return Some((seconds(at), if text.contains('.') { 0.0 } else { 1.0 }));
    }
    let at = minutes().map(|at| at.to_utc()).or_else(bare_minutes)?;
    Some((seconds(at), 60.0))
}
