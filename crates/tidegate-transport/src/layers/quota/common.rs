//! `X-RateLimit-…`: no standard, but so common that they are read undeclared, as far as they can mean one thing only.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};

use super::figure::{Round, lines, number, units};
use super::ietf::UNNAMED;
use super::read::Told;
use super::time;
use crate::TimeForm;

/// How the names begin.
const PREFIXES: [&str; 2] = ["x-ratelimit", "x-rate-limit"];

/// Whether a header may be of this kind.
pub(super) fn is_one(name: &HeaderName) -> bool {
    PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// What these headers say; `None` when they say nothing, or not the same in all of their lines.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Told> {
    PREFIXES.into_iter().find_map(|prefix| Set { headers, prefix }.read(now))
}

struct Set<'a> {
    headers: &'a HeaderMap,
    prefix: &'static str,
}

impl Set<'_> {
    fn read(&self, now: SystemTime) -> Option<Told> {
        let remaining = self.units("-remaining", Round::Down);
        let used = self.units("-used", Round::Up);
        // Zendesk leaves the last part of the limit's name out.
        let limit = self.units("-limit", Round::Down).or_else(|| self.units("", Round::Down));
        // A limit alone, of a window that nobody knows, allows nothing to be told.
        if remaining.is_none() && (used.is_none() || limit.is_none()) {
            return None;
        }
        let after = self.text("-reset-after").and_then(|text| time::read(TimeForm::Seconds, text, now).ok());
        let name = ["-resource", "-name", "-bucket"].into_iter().find_map(|part| self.text(part));
        let period = self.text("-period").and_then(number).filter(|seconds| *seconds > 0.0);
        Some(Told {
            name: name.unwrap_or(UNNAMED).to_owned(),
            limit,
            remaining,
            used,
            reset: after.or_else(|| time::guess(self.text("-reset")?, now)),
            window: period.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }

    fn units(&self, part: &str, round: Round) -> Option<u64> {
        self.text(part).and_then(number).map(|number| units(number, round))
    }

    /// The text of a header; `None` when it has several lines that differ.
    fn text(&self, part: &str) -> Option<&str> {
        let is_it = |name: &&HeaderName| name.as_str().strip_prefix(self.prefix) == Some(part);
        let name = self.headers.keys().find(is_it)?;
        let mut all = lines(self.headers, name);
        let first = all.next()?;
        all.all(|line| line == first).then_some(first)
    }
}
