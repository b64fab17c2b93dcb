//! What is wrong with a quota by itself.

use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::manifest::document::{Amount, Quota, QuotaScope, QuotaUnit, Reported, ReportedForm};
use crate::manifest::problem::{quoted, suggestion};
use crate::manifest::template;

use super::{FigurePlace, QuotaFigures, QuotaLimit, QuotaProblem, QuotaWindow, is_header};

/// The pacing that every connection has is shown under this name.
const PACING: &str = "concurrency";

/// A quota that is being checked.
pub(super) struct Reader<'q> {
    pub(super) quota: &'q Quota,
    pub(super) problems: Vec<QuotaProblem>,
}

/// Ends of longer windows could not be shown as dates.
const LONGEST_WINDOW: Duration = Duration::from_secs(3_660 * 24 * 60 * 60);

impl Reader<'_> {
    pub(super) fn say(&mut self, at: &[&'static str], message: impl Into<String>) {
        self.problems.push(QuotaProblem { at: at.to_vec(), missing: None, message: message.into() });
    }

    fn miss(&mut self, member: &'static str, message: &str) {
        let message = format!("{member:?} is missing{message}");
        self.problems.push(QuotaProblem { at: Vec::new(), missing: Some(member), message });
    }

    pub(super) fn name(&mut self) {
        let name = &self.quota.name;
        if !template::is_lower_name(name) {
            let message = format!(
                "{} is no name of a quota: expected lower-case letters, digits and `_`, a letter first, at most 63",
                quoted(name)
            );
            self.say(&["name"], message);
        } else if name == PACING {
            self.say(&["name"], format!("{PACING:?} is the name of Tidegate's own pacing; expected another one"));
        }
    }

    pub(super) fn limit(&mut self) -> Option<QuotaLimit> {
        let Quota { window, limit, concurrent, bucket, .. } = self.quota;
        match (window, concurrent, bucket) {
            (None, Some(at_once), None) if limit.is_none() => {
                if *at_once == 0 {
                    self.say(&["concurrent"], "found 0; expected at least 1");
                }
                self.windowless("calls at once have");
                Some(QuotaLimit::Concurrent(*at_once))
            }
            (_, Some(_), None) => {
                self.say(&[], "`concurrent` stands in place of `window` and `limit`");
                None
            }
            (None, None, Some(bucket)) if limit.is_none() => {
                if bucket.capacity == 0 {
                    self.say(&["bucket", "capacity"], "found 0; expected at least 1");
                }
                self.windowless("a bucket has");
                Some(QuotaLimit::Bucket(*bucket))
            }
            (_, _, Some(_)) => {
                self.say(&[], "`bucket` stands in place of `window`, `limit` and `concurrent`");
                None
            }
            (None, None, None) => {
                self.miss("window", ", such as `window: 1h`; or `concurrent` for calls at once, or `bucket`");
                None
            }
            (Some(window), None, None) => self.window_limit(window),
        }
    }

    fn window_limit(&mut self, window: &str) -> Option<QuotaLimit> {
        let Quota { limit, reported_limit, remaining, used_of_limit, .. } = self.quota;
        let is_told = reported_limit.is_some() || remaining.is_some() || used_of_limit.is_some();
        match limit {
            None if !is_told => self.miss("limit", ": most in a window"),
            Some(Amount::Number(0)) => self.say(&["limit"], "found 0; expected at least 1"),
            _ => {}
        }
        Some(QuotaLimit::Window { limit: number(limit.as_ref()), window: self.window(window)? })
    }

    fn window(&mut self, window: &str) -> Option<QuotaWindow> {
        let zone = self.zone();
        if matches!(window, "day" | "month") {
            if self.quota.starts.is_some() {
                self.say(&["starts"], format!("a calendar {window} starts at midnight; leave `starts` out"));
            }
            let zone = zone?;
            return Some(if window == "day" { QuotaWindow::Day(zone) } else { QuotaWindow::Month(zone) });
        }
        if self.quota.zone.is_some() {
            self.say(&["zone"], "a time zone is for `window: day` and `window: month` alone");
        }
        let Some(length) = template::duration(window) else {
            let message = format!(
                "{} is no length of time; expected a whole number and ms, s, m, h or d, such as 60s; or day or month",
                quoted(window)
            );
            self.say(&["window"], message);
            return None;
        };
        if length > LONGEST_WINDOW {
            self.say(&["window"], format!("{} is longer than ten years, the longest that is taken", quoted(window)));
            return None;
        }
        Some(QuotaWindow::Length(length, self.quota.starts.unwrap_or_default()))
    }

    fn zone(&mut self) -> Option<Tz> {
        let Some(name) = &self.quota.zone else { return Some(Tz::UTC) };
        let zone = name.parse().ok();
        if zone.is_none() {
            let hint = suggestion(name, TZ_VARIANTS.iter().map(|zone| zone.name()));
            // There are hundreds, which nobody reads in a message.
            let hint =
                if hint.contains("did you mean") { hint.as_str() } else { "; expected such as Europe/Amsterdam" };
            self.say(&["zone"], format!("{} is no time zone{hint}", quoted(name)));
        }
        zone
    }

    /// Says what is there that only a window has.
    fn windowless(&mut self, what: &str) {
        let Quota { zone, starts, reset, .. } = self.quota;
        for (member, is_given) in [("zone", zone.is_some()), ("starts", starts.is_some()), ("reset", reset.is_some())] {
            if is_given {
                self.say(&[member], format!("{what} no window; leave `{member}` out"));
            }
        }
    }

    pub(super) fn unit(&mut self, limit: Option<&QuotaLimit>) {
        let unit = self.quota.of.unwrap_or_default();
        match limit {
            Some(QuotaLimit::Concurrent(_)) if unit != QuotaUnit::Calls => {
                self.say(&["of"], "`concurrent` is of calls alone");
            }
            Some(QuotaLimit::Bucket(_)) if matches!(unit, QuotaUnit::Errors | QuotaUnit::TokenRequests) => {
                self.say(&["of"], "a bucket is of calls or points");
            }
            _ => {}
        }
        if unit == QuotaUnit::TokenRequests
            && (self.quota.only.is_some() || self.quota.operations.is_some() || self.quota.each_endpoint.is_some())
        {
            self.say(&["of"], "requests for tokens are of no table; leave `only`, `for` and `each_endpoint` out");
        }
        if unit == QuotaUnit::TokenRequests && self.quota.per == Some(QuotaScope::Partition) {
            self.say(&["per"], "requests for tokens are of no partition; expected credential or connection");
        }
    }

    pub(super) fn free_statuses(&mut self, limit: Option<&QuotaLimit>) {
        let Some(statuses) = &self.quota.free_statuses else { return };
        if let Some(status) = statuses.iter().find(|status| !(200..=599).contains(*status)) {
            self.say(&["free_statuses"], format!("{status} is no status of a response; expected 200 to 599"));
        }
        if matches!(limit, Some(QuotaLimit::Concurrent(_))) {
            self.say(&["free_statuses"], "a call takes its place among those at once whatever its response");
        }
    }

    pub(super) fn figures(&mut self) -> QuotaFigures {
        let quota = self.quota;
        if let (Some(Amount::Reported(_)), Some(_)) = (&quota.limit, &quota.reported_limit) {
            self.say(&["reported_limit"], "`limit` says already where a response has it");
        }
        if let (Some(Amount::Reported(_)), Some(_)) = (&quota.cost, &quota.reported_cost) {
            self.say(&["reported_cost"], "`cost` says already where a response has it");
        }
        if quota.per_second.is_some() && quota.bucket.is_none() {
            self.say(&["per_second"], "`per_second` is for a `bucket` alone");
        }
        if quota.reported_cost.is_some() && quota.of != Some(QuotaUnit::Points) {
            self.say(&["reported_cost"], "a cost is for `of: points` alone");
        }
        QuotaFigures {
            limit: self
                .amount("limit", quota.limit.as_ref())
                .or_else(|| self.figure("reported_limit", quota.reported_limit.as_ref())),
            remaining: self.figure("remaining", quota.remaining.as_ref()),
            used: self.figure("used", quota.used.as_ref()),
            used_of_limit: self.figure("used_of_limit", quota.used_of_limit.as_ref()),
            reset: self.reset(),
            cost: self
                .amount("cost", quota.cost.as_ref())
                .or_else(|| self.figure("reported_cost", quota.reported_cost.as_ref())),
            per_second: self.figure("per_second", quota.per_second.as_ref()),
        }
    }

    fn amount(&mut self, member: &'static str, amount: Option<&Amount>) -> Option<FigurePlace> {
        match amount {
            Some(Amount::Reported(reported)) => self.figure(member, Some(reported)),
            _ => None,
        }
    }

    fn figure(&mut self, member: &'static str, reported: Option<&Reported>) -> Option<FigurePlace> {
        let reported = reported?;
        if reported.form.is_some() {
            self.say(&[member, "as"], "`as` is for `reset` alone; this is a number");
        }
        self.place(member, reported)
    }

    fn reset(&mut self) -> Option<(FigurePlace, ReportedForm)> {
        let reset = self.quota.reset.as_ref()?;
        if reset.form.is_none() {
            self.say(&["reset"], "\"as\" is missing: how the time is written, such as `as: epoch_s`");
        }
        self.place("reset", reset).zip(reset.form)
    }

    fn place(&mut self, member: &'static str, reported: &Reported) -> Option<FigurePlace> {
        match (&reported.header, &reported.pair, &reported.body) {
            (Some(header), pair, None) => {
                if !is_header(header) {
                    self.say(&[member, "header"], format!("{} is no name of a header", quoted(header)));
                }
                Some(match pair {
                    Some(pair) => FigurePlace::Pair(header.clone(), pair.clone()),
                    None => FigurePlace::Header(header.clone()),
                })
            }
            (None, None, Some(body)) => match template::steps(body) {
                Ok(steps) if !steps.is_empty() => Some(FigurePlace::Body(steps)),
                Ok(_) => {
                    self.say(&[member, "body"], "a member of the body has no name; expected its steps, joined by `.`");
                    None
                }
                Err(message) => {
                    self.say(&[member, "body"], message);
                    None
                }
            },
            (None, Some(_), _) => {
                self.say(&[member], "`pair` is the name within a `header` of pairs");
                None
            }
            (None, None, None) => {
                self.say(&[member], "nothing says where it is; expected header or body");
                None
            }
            (Some(_), _, Some(_)) => {
                self.say(&[member], "found header and body; expected one");
                None
            }
        }
    }
}

/// The number, if it is one.
pub(super) fn number(amount: Option<&Amount>) -> Option<u64> {
    match amount {
        Some(Amount::Number(number)) => Some(*number),
        _ => None,
    }
}
