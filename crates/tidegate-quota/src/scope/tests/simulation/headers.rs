//! Observations, as a connector would read them from headers of each style.

use std::time::Duration;

use super::mix::{Mix, Style};
use super::server::Report;
use crate::Observation;

impl Mix {
    pub(super) fn observe(&self, index: usize, report: &Report) -> Option<Observation> {
        const SECOND: i64 = 1_000_000;
        let limit = &self.limits[index];
        let (scope, quota) = limit.place();
        let up = |micros: i64| (micros + SECOND - 1).div_euclid(SECOND) * SECOND;
        let (tells_used, reset) = match limit.style {
            Style::Silent => return None,
            Style::Left => (false, None),
            Style::Used => (true, None),
            Style::Exact => (false, report.resets_in),
            Style::RoundedUp => (false, report.resets_in.map(up)),
            Style::RoundedDown => (true, report.resets_in.map(|micros| micros.div_euclid(SECOND) * SECOND + SECOND)),
            Style::Epoch => (false, report.resets_in.map(|micros| up(micros) + SECOND)),
        };
        let micros = |micros: i64| Duration::from_micros(u64::try_from(micros).expect("not before"));
        let used = report.used.min(report.limit);
        Some(Observation {
            scope,
            quota,
            limit: (!limit.hides_limit).then_some(report.limit),
            remaining: (!tells_used).then(|| report.limit - used),
            used: tells_used.then_some(used),
            resets_in: reset.map(micros),
            window: limit.tells_window.then(|| self.limits[index].window()).flatten(),
            per_second: None,
        })
    }
}
