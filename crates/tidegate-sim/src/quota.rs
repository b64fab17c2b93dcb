//! Call quotas over fixed windows, with the headers that announce them.
//!
//! A window begins at a multiple of its length since 1970. A refused call is not counted.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Clock;

/// How a header tells when the window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetForm {
    /// Milliseconds since 1970, as Exact Online.
    #[default]
    EpochMs,
    /// Seconds since 1970.
    EpochSeconds,
    /// Seconds from now.
    DeltaSeconds,
}

/// At most `limit` calls in each window.
#[derive(Debug, Clone)]
pub struct Quota {
    /// Calls per window.
    pub limit: u64,
    /// Length of the window; at least a millisecond.
    pub window: Duration,
    /// Headers `{prefix}-Limit`, `-Remaining` and `-Reset`; none without a prefix.
    pub prefix: Option<String>,
    /// Form of `-Reset`.
    pub reset: ResetForm,
}

impl Quota {
    /// `limit` calls a minute, announced as `X-RateLimit-Minutely-*`.
    pub fn minute(limit: u64) -> Self {
        Self::new(limit, 60, "X-RateLimit-Minutely")
    }

    /// `limit` calls a day, announced as `X-RateLimit-*`.
    pub fn day(limit: u64) -> Self {
        Self::new(limit, 86_400, "X-RateLimit")
    }

    fn new(limit: u64, seconds: u64, prefix: &str) -> Self {
        Self { limit, window: Duration::from_secs(seconds), prefix: Some(prefix.to_owned()), reset: ResetForm::EpochMs }
    }
}

/// Counters of all quotas.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Start of the window and calls in it, by division and index of the quota.
    used: HashMap<(u32, usize), (u64, u64)>,
}

/// What the quotas say to one call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) headers: Vec<(String, String)>,
    /// Time until the call may be repeated, if it is refused.
    pub(crate) refused: Option<Duration>,
}

impl Counters {
    /// Counts a call of a division, unless a quota is spent.
    pub(crate) fn call(&mut self, quotas: &[Quota], division: u32, clock: &Clock) -> Verdict {
        let now = clock.epoch_ms();
        let mut windows = Vec::with_capacity(quotas.len());
        let mut refused = None;
        for (i, quota) in quotas.iter().enumerate() {
            let length = (quota.window.as_millis() as u64).max(1);
            let start = now - now % length;
            let entry = self.used.entry((division, i)).or_insert((start, 0));
            if entry.0 != start {
                *entry = (start, 0);
            }
            let end = start + length;
            if entry.1 >= quota.limit {
                let wait = Duration::from_millis(end - now);
                refused = Some(refused.map_or(wait, |w: Duration| w.max(wait)));
            }
            windows.push(end);
        }
        let mut headers = Vec::new();
        for (i, (quota, end)) in quotas.iter().zip(windows).enumerate() {
            let Some((_, used)) = self.used.get_mut(&(division, i)) else { continue };
            *used += u64::from(refused.is_none());
            let Some(prefix) = &quota.prefix else { continue };
            let reset = match quota.reset {
                ResetForm::EpochMs => end,
                ResetForm::EpochSeconds => end / 1000,
                ResetForm::DeltaSeconds => (end - now).div_ceil(1000),
            };
            headers.push((format!("{prefix}-Limit"), quota.limit.to_string()));
            headers.push((format!("{prefix}-Remaining"), (quota.limit - *used).to_string()));
            headers.push((format!("{prefix}-Reset"), reset.to_string()));
        }
        Verdict { headers, refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn windows_roll_and_divisions_are_apart() {
        let manual = ManualClock::at(120_500);
        let clock = Clock::Manual(manual.clone());
        let quotas = [Quota::day(3), Quota::minute(2)];
        let mut counters = Counters::default();
        let mut call = |division| counters.call(&quotas, division, &clock);
        assert!(call(1).refused.is_none());
        let second = call(1);
        assert_eq!(second.headers[1], ("X-RateLimit-Remaining".into(), "1".into()));
        assert_eq!(second.headers[4], ("X-RateLimit-Minutely-Remaining".into(), "0".into()));
        assert_eq!(second.headers[5], ("X-RateLimit-Minutely-Reset".into(), "180000".into()));
        assert_eq!(call(1).refused, Some(Duration::from_millis(59_500)));
        assert!(call(2).refused.is_none());
        manual.advance(Duration::from_secs(60));
        assert!(call(1).refused.is_none(), "the refused call was not counted");
        assert_eq!(call(1).refused, Some(Duration::from_millis(86_400_000 - 180_500)));
    }
}
