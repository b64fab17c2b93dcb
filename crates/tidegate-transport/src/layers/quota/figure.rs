//! Numbers as APIs write them, and where they stand in a response.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};

use crate::FigurePlace;

/// What is there makes no sense as what it is to be: a text that is no number, a window that ends in years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absurd;

/// More than this is no figure of a quota.
const LARGEST: f64 = 1e15;

/// Which way a fraction of a unit goes: so that nothing is left that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// What is left, and limits.
    Down,
    /// What was spent.
    Up,
}

/// A plain decimal number: digits, perhaps a sign and a fraction, and nothing else.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_plain = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = if is_plain { text.parse().ok()? } else { return None };
    (number.abs() < LARGEST).then_some(number)
}

/// Units that a number stands for. Less than none is left when a server says so of what was overspent: that is none.
pub(super) fn units(number: f64, round: Round) -> u64 {
    let number = number.max(0.0);
    // Below 10^15, which `number` sees to.
    (if round == Round::Up { number.ceil() } else { number.floor() }) as u64
}

/// The first number of a header: what follows a comma or a semicolon are policies (`100, 100;w=60`).
pub(super) fn leading(text: &str) -> Option<f64> {
    number(text.split([',', ';']).next()?.trim().trim_matches('"'))
}

/// Spent and limit: `18/15000`, `api-usage=18/15000`, `api-usage=18/15000; per-app-api-usage=1/250(app=x)`.
pub(super) fn used_of_limit(text: &str) -> Option<(f64, f64)> {
    text.split([',', ';']).find_map(|part| {
        let (used, limit) = part.split_once('/')?;
        let (used, limit) = (used.rsplit('=').next()?, limit.trim());
        let end = limit.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(limit.len());
        Some((number(used.trim())?, number(&limit[..end])?))
    })
}

/// What is written at a place of a response. `body` holds the values of the places in it.
pub(super) fn at<'a>(place: &FigurePlace, headers: &'a HeaderMap, body: &'a Values<'_>) -> Option<&'a str> {
    match place {
        FigurePlace::Header(name) => lines(headers, name).next(),
        FigurePlace::Pair(name, key) => lines(headers, name).find_map(|line| pair(line, key)),
        FigurePlace::Body(path) => body.get(path.as_slice()).map(String::as_str),
    }
}

/// The values found in a body, by the members that lead to them.
pub(super) type Values<'a> = HashMap<&'a [String], String>;

/// The lines of a header that are texts.
pub(super) fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).map(str::trim)
}

/// The value of a pair in `total=100; remaining=99`. What stands in parentheses belongs to the pair before it.
fn pair<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split([',', ';']).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then(|| value.trim().trim_matches('"'))
    })
}
