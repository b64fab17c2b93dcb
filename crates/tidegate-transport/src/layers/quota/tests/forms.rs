//! The six forms of a window's end, and numbers.

use std::time::{Duration, SystemTime};

use super::super::figure::{leading, number, used_of_limit};
use super::super::time::{guess, read, server_time};
use super::*;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Seconds to the end of a window, as late as it may be; `None` when it is over.
fn latest(form: TimeForm, text: &str, window: Option<u64>) -> Result<Option<f64>, ()> {
    let reset = read(form, text, now()).map_err(drop)?;
    let left = reset.latest(window.map(Duration::from_secs));
    Ok(left.map(|left| (left.as_secs_f64() * 1e3).round() / 1e3))
}

#[test]
fn the_end_of_a_window_is_read_in_six_forms() {
    use TimeForm::*;
    for (form, text, seconds) in [
        // Whole seconds may have been rounded down.
        (EpochSeconds, "784111877", Ok(Some(101.0))),
        (EpochSeconds, "784111877.25", Ok(Some(100.25))),
        (EpochSeconds, "784111777", Ok(Some(1.0))),
        (EpochSeconds, "784111776", Ok(None)),
        (EpochSeconds, "784111000", Ok(None)),
        (EpochSeconds, "12", Err(())),
        (EpochSeconds, "784111877000", Err(())),
        (EpochSeconds, "-784111877", Err(())),
        (EpochMillis, "784111877250", Ok(Some(100.25))),
        (EpochMillis, "784111877", Err(())),
        (Seconds, "30", Ok(Some(31.0))),
        (Seconds, "30.5", Ok(Some(30.5))),
        (Seconds, "0", Ok(Some(1.0))),
        (Seconds, " \"30\" ", Ok(Some(31.0))),
        (Seconds, "-1", Err(())),
        (Seconds, "784111877", Err(())),
        (Seconds, "soon", Err(())),
        (Seconds, "NaN", Err(())),
        (Seconds, "inf", Err(())),
        (Seconds, "1e3", Err(())),
        (Seconds, "", Err(())),
        (Millis, "1500", Ok(Some(1.5))),
        (Millis, "0", Ok(None)),
        (Iso8601, "1994-11-06T08:51:17Z", Ok(Some(101.0))),
        (Iso8601, "1994-11-06T09:51:17.5+01:00", Ok(Some(100.5))),
        (Iso8601, "1994-11-06T08:51:17", Ok(Some(101.0))),
        // Without seconds up to a minute may be missing.
        (Iso8601, "1994-11-06T08:50Z", Ok(Some(83.0))),
        (Iso8601, "1994-11-06T09:50+01:00", Ok(Some(83.0))),
        (Iso8601, "1994-11-06", Err(())),
        (Iso8601, "2094-11-06T08:51:17Z", Err(())),
        (Iso8601, "100", Err(())),
        (HttpDate, "Sun, 06 Nov 1994 08:51:17 GMT", Ok(Some(101.0))),
        (HttpDate, "Sun, 06 Nov 1994 08:00:00 GMT", Ok(None)),
        (HttpDate, "Thu, 01 Jan 1970 00:00:00 GMT", Err(())),
        (HttpDate, "1994-11-06T08:51:17Z", Err(())),
    ] {
        assert_eq!(latest(form, text, None), seconds, "{form:?} {text}");
    }
}

#[test]
fn a_window_does_not_last_longer_than_it_is_long_unless_the_server_says_so() {
    for (text, window, seconds) in [("3", 3, 3.0), ("2", 3, 3.0), ("1", 3, 2.0), ("2.5", 3, 2.5), ("4", 3, 4.0)] {
        assert_eq!(latest(TimeForm::Seconds, text, Some(window)), Ok(Some(seconds)), "{text} of {window}");
    }
}

#[test]
fn an_undeclared_end_is_read_where_it_can_mean_one_thing_only() {
    for (text, seconds) in [
        ("30", Some(31.0)),
        ("0.75", Some(0.75)),
        ("3456000", Some(3_456_001.0)),
        ("3456001", None),
        ("784111877", Some(101.0)),
        ("784111877.5", Some(100.5)),
        ("784111877500", Some(100.5)),
        ("784111700", None),
        ("784000000", None),
        ("788000000", None),
        ("784111877500000", None),
        ("1994-11-06T08:51:17Z", Some(101.0)),
        ("Sun, 06 Nov 1994 08:51:17 GMT", Some(101.0)),
        ("1995-11-06T08:51:17Z", None),
        ("-30", None),
        ("30s", None),
        ("", None),
    ] {
        let left = guess(text, now()).and_then(|reset| reset.latest(None));
        assert_eq!(left.map(|left| (left.as_secs_f64() * 1e3).round() / 1e3), seconds, "{text}");
    }
}

#[test]
fn the_servers_clock_counts_where_it_tells_it() {
    for (date, seconds) in
        [("Sun, 06 Nov 1994 08:49:37 GMT", NOW), ("Sun, 06 Nov 1994 09:49:37 GMT", NOW + 3600), ("yesterday", NOW)]
    {
        let time = server_time(&header_map(&[("date", date)]), now());
        assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), "{date}");
    }
    assert_eq!(server_time(&HeaderMap::new(), now()), now());
}

#[test]
fn numbers_are_plain() {
    for (text, read) in [
        ("100", Some(100.0)),
        ("-1", Some(-1.0)),
        ("1.5", Some(1.5)),
        ("1.", Some(1.0)),
        (".5", None),
        ("1,000", None),
        ("0x10", None),
        ("1e3", None),
        ("inf", None),
        ("1.2.3", None),
        ("9999999999999999", None),
        ("", None),
    ] {
        assert_eq!(number(text), read, "{text}");
    }
    for (text, read) in [("100, 100;w=60", Some(100.0)), ("\"7\"", Some(7.0)), ("7;w=60", Some(7.0)), ("w=60", None)] {
        assert_eq!(leading(text), read, "{text}");
    }
    for (text, read) in [
        ("18/15000", Some((18.0, 15000.0))),
        ("api-usage=18/15000", Some((18.0, 15000.0))),
        ("api-usage=18/15000; per-app-api-usage=17/250(appName=sample)", Some((18.0, 15000.0))),
        ("per-app-api-usage=17/250(appName=sample)", Some((17.0, 250.0))),
        (" 32 / 40 ", Some((32.0, 40.0))),
        ("18", None),
        ("/", None),
        ("a/b", None),
    ] {
        assert_eq!(used_of_limit(text), read, "{text}");
    }
}
