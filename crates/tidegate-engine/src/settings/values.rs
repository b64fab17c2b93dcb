//! Values of settings, from text and back. What is expected stands for an error.

use std::sync::Arc;
use std::time::Duration;

use tidegate_mutation::OnError;

use super::ConfirmCalls;

/// Most writes under way at once that can be asked for: more only waits in the sockets' queues.
const MOST_CONCURRENT: usize = 256;

/// A word, and what it stands for.
pub(super) type Word<T> = (&'static str, T);

/// What a word stands for, in any case.
pub(super) fn keyword<T: Copy>(words: &[Word<T>], value: &str) -> Option<T> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value.trim())).map(|(_, meaning)| *meaning)
}

/// The word that stands for this.
pub(super) fn word_of<T: PartialEq>(words: &[Word<T>], meaning: T) -> Option<String> {
    words.iter().find(|(_, known)| *known == meaning).map(|(word, _)| (*word).to_owned())
}

pub(super) fn boolean(value: &str) -> Result<bool, &'static str> {
    match value.to_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("true or false"),
    }
}

/// A number of calls; nothing and `none` are no bound.
pub(super) fn number_or_none(value: &str) -> Result<Option<u64>, &'static str> {
    let value = value.trim();
    if is_none(value) {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| "a number of calls, or none")
}

fn is_none(value: &str) -> bool {
    value.is_empty() || value.eq_ignore_ascii_case("none")
}

pub(super) fn duration(value: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "a duration such as '90s', '10m' or '2h'";
    let value = value.trim();
    let split = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..split].parse().map_err(|_| EXPECTED)?;
    let seconds = match value[split..].trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(EXPECTED),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(EXPECTED)
}

/// `stop`, `continue` or `continue(n)`.
pub(super) fn on_error(value: &str) -> Result<OnError, &'static str> {
    const EXPECTED: &str = "stop, continue, or continue(n) with the number of rows that may fail";
    let value = value.trim().to_lowercase();
    match value.as_str() {
        "stop" => return Ok(OnError::Stop),
        "continue" => return Ok(OnError::Continue(u64::MAX)),
        _ => {}
    }
    let number = value.strip_prefix("continue").and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
    number.and_then(|number| number.trim().parse().ok()).map(OnError::Continue).ok_or(EXPECTED)
}

/// As [`on_error`] reads it.
pub(super) fn on_error_text(on_error: OnError) -> String {
    match on_error {
        OnError::Stop => "stop".to_owned(),
        OnError::Continue(u64::MAX) => "continue".to_owned(),
        OnError::Continue(rows) => format!("continue({rows})"),
    }
}

/// A number of calls, `auto` or `off`.
pub(super) fn confirm(value: &str) -> Result<ConfirmCalls, &'static str> {
    match value.trim().to_lowercase().as_str() {
        "auto" => Ok(ConfirmCalls::Auto),
        "off" | "none" => Ok(ConfirmCalls::Off),
        number => number.parse().map(ConfirmCalls::Above).map_err(|_| "a number of calls, auto, or off"),
    }
}

/// As [`confirm`] reads it.
pub(super) fn confirm_text(confirm: ConfirmCalls) -> String {
    match confirm {
        ConfirmCalls::Auto => "auto".to_owned(),
        ConfirmCalls::Off => "off".to_owned(),
        ConfirmCalls::Above(calls) => calls.to_string(),
    }
}

pub(super) fn concurrency(value: &str) -> Result<usize, &'static str> {
    let number = value.trim().parse().ok().filter(|number| (1..=MOST_CONCURRENT).contains(number));
    number.ok_or("a number from 1 to 256")
}

/// A duration in the largest unit that says it whole.
pub(crate) fn duration_text(duration: Duration) -> String {
    if duration.subsec_nanos() > 0 {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs();
    let units = [(86400, "d"), (3600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// `daily=500, minutely=5`: units by name of a quota. Nothing and `none` are no reserve.
pub(super) fn reserve(value: &str) -> Result<Arc<[(String, u64)]>, &'static str> {
    const EXPECTED: &str = "names of quotas with what is to be left of them, such as 'daily=500, minutely=5', or none";
    if is_none(value.trim()) {
        return Ok(Arc::new([]));
    }
    let mut reserves: Vec<(String, u64)> = Vec::new();
    for part in value.split(',') {
        let (name, units) = part.split_once('=').ok_or(EXPECTED)?;
        let name = name.trim();
        let units = units.trim().parse().map_err(|_| EXPECTED)?;
        if name.is_empty() {
            return Err(EXPECTED);
        }
        if reserves.iter().any(|(known, _)| known == name) {
            return Err("one reserve for each quota");
        }
        reserves.push((name.to_owned(), units));
    }
    Ok(reserves.into())
}

/// As [`reserve`] reads it; `None` when there is none.
pub(super) fn reserve_text(reserves: &[(String, u64)]) -> Option<String> {
    let parts: Vec<String> = reserves.iter().map(|(name, units)| format!("{name}={units}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_are_read_and_written() {
        let cases = [
            ("daily=500", Some("daily=500")),
            (" daily = 500 ,minutely=5", Some("daily=500, minutely=5")),
            ("", None),
            ("NONE", None),
        ];
        for (text, expected) in cases {
            let read = reserve(text).unwrap();
            assert_eq!(reserve_text(&read).as_deref(), expected, "{text}");
        }
        assert_eq!(*reserve("daily=500, a b=0").unwrap(), [("daily".to_owned(), 500), ("a b".to_owned(), 0)]);
        for text in ["daily", "daily=", "=5", "daily=-1", "daily=1.5", "daily=5,", "daily=5, daily=6"] {
            assert!(reserve(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        let cases = [
            ("90s", Some("90s")),
            ("120", Some("2m")),
            ("2 h", Some("2h")),
            ("0", Some("0s")),
            ("48h", Some("2d")),
            ("soon", None),
            ("1.5m", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).ok().map(duration_text).as_deref(), expected, "{text}");
        }
        assert_eq!(duration_text(Duration::from_millis(1500)), "1500ms");
    }

    #[test]
    fn what_a_failed_row_means() {
        let cases = [
            ("stop", Some("stop")),
            ("Continue", Some("continue")),
            ("continue(5)", Some("continue(5)")),
            (" CONTINUE ( 0 ) ", Some("continue(0)")),
            ("continue()", None),
            ("continue(-1)", None),
            ("continue(5", None),
            ("go on", None),
        ];
        for (text, expected) in cases {
            assert_eq!(on_error(text).ok().map(on_error_text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn at_least_one_write_at_a_time() {
        let cases = [("1", Some(1)), (" 256 ", Some(256)), ("0", None), ("257", None), ("", None)];
        for (text, expected) in cases {
            assert_eq!(concurrency(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_of_calls_or_none() {
        let cases = [("7", Ok(Some(7))), ("none", Ok(None)), ("", Ok(None)), ("0", Ok(Some(0)))];
        for (text, expected) in cases {
            assert_eq!(number_or_none(text), expected, "{text}");
        }
        for text in ["-1", "1.5", "many"] {
            assert!(number_or_none(text).is_err(), "{text}");
        }
    }
}
