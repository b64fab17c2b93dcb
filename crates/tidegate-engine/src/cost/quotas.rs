//! What of its quotas a statement is predicted to take: pure arithmetic over the ledger's figures.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate_quota::{Limit, MeterView, Unit};
use tidegate_transport::{MeteredQuota, Metering};

use super::Ask;
use crate::ConfirmCalls;

/// Of what is left of a quota a statement may take one part in so many without being asked about.
const ASKED_ABOVE: u64 = 10;

/// Shortest window whose quota is worth a question: calls above a shorter one wait for the next.
const WORTH_ASKING: Duration = Duration::from_secs(60 * 60);

/// What a statement is predicted to take of one quota.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaUse {
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Code of the partition whose quota it is; `None` for a quota of the connection or of its credential.
    pub partition: Option<Arc<str>>,
    /// Name of the quota.
    pub quota: Arc<str>,
    /// Units that it takes, as expected.
    pub need: u64,
    /// Units that are left; `None` where that is not known.
    pub left: Option<u64>,
    /// How long the quota makes it take; `None` where that is not known.
    pub wait: Option<Duration>,
    /// Length of the quota's window; `None` for buckets.
    pub window: Option<Duration>,
}

impl QuotaUse {
    /// Whether it takes more of what is left than `other` does. What is left of most quotas is known sooner or later;
    /// until then one that is known comes first.
    #[must_use]
    pub fn is_tighter(&self, other: &Self) -> bool {
        match (self.left, other.left) {
            (Some(own), Some(others)) => {
                u128::from(self.need) * u128::from(others.max(1)) > u128::from(other.need) * u128::from(own.max(1))
            }
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Its name, with the partition if it has one.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.partition {
            Some(code) => format!("{} ({code})", self.quota),
            None => self.quota.to_string(),
        }
    }
}

/// The one of which most is taken.
pub(crate) fn tightest<'a>(uses: impl IntoIterator<Item = &'a QuotaUse>) -> Option<&'a QuotaUse> {
    uses.into_iter().fold(None, |tightest, one| match tightest {
        Some(before) if !one.is_tighter(before) => Some(before),
        _ => Some(one),
    })
}

/// Units of this quota that so many calls of an ask take; `None` for a quota that they do not come out of, and for one
/// that bounds calls at once.
pub(crate) fn need(metering: &Metering, ask: &Ask, meter: &MeterView, calls: u64) -> Option<u64> {
    if !matches!(meter.unit, Unit::Calls | Unit::Points) {
        return None;
    }
    let declared = |metered: &&MeteredQuota| metered.quota.name == meter.name;
    let Some(declared) = metering.quotas.iter().find(declared) else {
        // One that the server has told of holds for every call.
        return Some(calls);
    };
    let comes_out = declared.covers(Some(&ask.table), &ask.endpoint, ask.how == super::WRITE);
    let is_rate = !matches!(declared.quota.limit, Limit::Concurrent { .. });
    let cost = if meter.unit == Unit::Points { declared.cost } else { 1 };
    (comes_out && is_rate).then(|| calls.saturating_mul(cost))
}

/// How long it takes until so many units could be spent, from now; `None` where the figures do not tell.
pub(crate) fn wait(meter: &MeterView, need: u64, now: SystemTime) -> Option<Duration> {
    let (left, limit) = (meter.remaining?, meter.limit?);
    let lacking = need.saturating_sub(left);
    if lacking == 0 {
        return Some(Duration::ZERO);
    }
    let ends = meter.resets_at.map(|at| at.duration_since(now).unwrap_or_default());
    match meter.window {
        Some(window) => {
            let windows = lacking.div_ceil(limit.max(1)) - 1;
            let more = window.checked_mul(u32::try_from(windows).ok()?)?;
            ends.unwrap_or(window).checked_add(more)
        }
        // A bucket is full then.
        None => {
            let filling = limit.checked_sub(left).filter(|filling| *filling > 0)?;
            let seconds = ends?.as_secs_f64() * lacking as f64 / filling as f64;
            Duration::try_from_secs_f64(seconds).ok()
        }
    }
}

/// Why a program should ask before it runs a statement of so many calls; `None` where it need not.
#[must_use]
pub fn reason_to_confirm(setting: ConfirmCalls, calls: u64, uses: &[QuotaUse]) -> Option<String> {
    let takes = format!("the statement is predicted to take {calls} {}", if calls == 1 { "call" } else { "calls" });
    match setting {
        ConfirmCalls::Off => None,
        ConfirmCalls::Above(most) => (calls > most).then(|| format!("{takes}, and tidegate.confirm_calls is {most}")),
        ConfirmCalls::Auto => {
            let is_long = |one: &&QuotaUse| one.window.is_some_and(|window| window >= WORTH_ASKING);
            let mut known = uses.iter().filter(|one| one.left.is_some()).filter(is_long).peekable();
            if known.peek().is_none() {
                return (calls > ConfirmCalls::UNKNOWN)
                    .then(|| format!("{takes}, and it is not known what is left of its quotas"));
            }
            let one = tightest(known)?;
            let left = one.left.unwrap_or_default();
            (one.need.saturating_mul(ASKED_ABOVE) > left)
                .then(|| format!("{takes}; {left} are left of the quota {} of {}", one.name(), one.connection))
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_quota::Source;

    use super::*;

    fn quota(need: u64, left: Option<u64>, window: u64) -> QuotaUse {
        QuotaUse {
            connection: "api".into(),
            partition: None,
            quota: format!("{need} of {left:?}").into(),
            need,
            left,
            wait: None,
            window: (window > 0).then(|| Duration::from_secs(window)),
        }
    }

    #[test]
    fn a_program_asks_where_much_is_taken_of_what_is_left() {
        const DAY: u64 = 86_400;
        let cases: &[(ConfirmCalls, u64, &[QuotaUse], Option<&str>)] = &[
            (ConfirmCalls::Auto, 200, &[], None),
            (ConfirmCalls::Auto, 201, &[], Some("201 calls, and it is not known what is left")),
            (ConfirmCalls::Auto, 201, &[quota(201, None, DAY)], Some("not known")),
            (ConfirmCalls::Auto, 201, &[quota(201, Some(5_000), DAY)], None),
            (ConfirmCalls::Auto, 10, &[quota(10, Some(100), DAY)], None),
            (ConfirmCalls::Auto, 11, &[quota(11, Some(100), DAY)], Some("11 calls; 100 are left of the quota")),
            (ConfirmCalls::Auto, 1, &[quota(1, Some(0), DAY)], Some("take 1 call; 0 are left")),
            (ConfirmCalls::Auto, 50, &[quota(50, Some(60), 60)], None),
            (ConfirmCalls::Auto, 201, &[quota(201, Some(60), 60)], Some("not known")),
            (ConfirmCalls::Auto, 11, &[quota(11, Some(60), 60), quota(11, Some(100), DAY)], Some("100 are left")),
            (ConfirmCalls::Above(5), 5, &[], None),
            (ConfirmCalls::Above(5), 6, &[quota(6, Some(5_000), DAY)], Some("tidegate.confirm_calls is 5")),
            (ConfirmCalls::Off, 1_000_000, &[quota(9, Some(1), DAY)], None),
        ];
        for (setting, calls, uses, expected) in cases {
            let reason = reason_to_confirm(*setting, *calls, uses);
            let said = reason.as_deref().zip(*expected).map(|(reason, part)| reason.contains(part));
            assert_eq!(
                (said, reason.is_some()),
                (expected.map(|_| true), expected.is_some()),
                "{reason:?} {expected:?}"
            );
        }
    }

    #[test]
    fn the_tightest_is_that_of_which_most_is_taken() {
        let (unknown, wide, tight) = (quota(5, None, 1), quota(5, Some(100), 1), quota(2, Some(10), 1));
        assert_eq!(tightest([&unknown, &wide, &tight]), Some(&tight));
        assert_eq!(tightest([&tight, &wide, &unknown]), Some(&tight));
        assert_eq!(tightest([&unknown]), Some(&unknown));
        assert_eq!(tightest([]), None);
    }

    #[test]
    fn waits_follow_from_windows_and_buckets() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let meter = |left: u64, resets: Option<u64>, window: Option<u64>| MeterView {
            name: "calls".into(),
            unit: Unit::Calls,
            limit: Some(60),
            used: None,
            remaining: Some(left),
            resets_at: resets.map(|seconds| now + Duration::from_secs(seconds)),
            window: window.map(Duration::from_secs),
            source: Source::Declared,
            in_flight: 0,
            waiting: 0,
            refused: 0,
            observed_at: None,
        };
        let cases = [
            (meter(60, None, Some(60)), 60, Some(0)),
            (meter(10, Some(20), Some(60)), 11, Some(20)),
            (meter(10, Some(20), Some(60)), 70, Some(20)),
            (meter(10, Some(20), Some(60)), 71, Some(80)),
            (meter(0, None, Some(60)), 1, Some(60)),
            (meter(30, Some(30), None), 40, Some(10)),
            (meter(60, None, None), 61, None),
        ];
        for (meter, need, expected) in cases {
            assert_eq!(wait(&meter, need, now), expected.map(Duration::from_secs), "{need} {meter:?}");
        }
    }
}
