//! The headers in which answers tell of quotas.
//!
//! Sources: [IETF draft 6](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06) (three
//! headers), [draft 7](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07) (one dictionary),
//! [draft 8 and later](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers) (lists of items with
//! parameters, RFC 9651), and what vendors document.

use std::time::{Duration, UNIX_EPOCH};

use super::Quota;
use super::meter::Figures;
use crate::data::civil;

const SECOND: u64 = 1_000_000;

/// In which headers answers tell of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dialect {
    /// In none.
    #[default]
    Silent,
    /// `{prefix}-Limit`, `-Remaining`, perhaps `-Used`, and `-Reset` in this form.
    Classic {
        /// Beginning of the names, such as `X-RateLimit`.
        prefix: String,
        /// Form of `-Reset`; without one there is no such header.
        reset: Option<ResetForm>,
        /// Whether `-Used` is sent.
        used: bool,
    },
    /// `RateLimit-Limit`, `-Remaining`, `-Reset` of the tightest quota, and `RateLimit-Policy: 10;w=3`.
    Draft6,
    /// `RateLimit: limit=10, remaining=9, reset=3` of the tightest quota, and `RateLimit-Policy: 10;w=3`.
    Draft7,
    /// `RateLimit: "name";r=9;t=3` and `RateLimit-Policy: "name";q=10;w=3`, with an item for each quota.
    Draft8,
    /// `18/15000`, with a label `api-usage=18/15000`.
    UsedOfLimit {
        /// Name of the header.
        header: String,
        /// What stands before it.
        label: Option<String>,
    },
    /// `total=100; remaining=99; resets=41`.
    Pairs {
        /// Name of the header.
        header: String,
    },
}

/// How a header tells when the window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetForm {
    /// Milliseconds since 1970, as Exact Online.
    #[default]
    EpochMs,
    /// Seconds since 1970, rounded down: up to a second before the end.
    EpochSeconds,
    /// Seconds since 1970, rounded up, as express-rate-limit.
    EpochSecondsUp,
    /// Seconds since 1970 with a fraction, as Discord.
    EpochFloat,
    /// Seconds from now, rounded up.
    DeltaSeconds,
    /// Seconds from now with a fraction.
    DeltaFloat,
    /// Milliseconds from now, rounded up.
    DeltaMs,
    /// `2026-05-31T23:59:59.250Z`.
    Iso8601,
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, rounded down to seconds.
    HttpDate,
}

impl Dialect {
    /// `{prefix}-Limit`, `-Remaining` and `-Reset`.
    pub fn classic(prefix: &str, reset: ResetForm) -> Self {
        Self::Classic { prefix: prefix.to_owned(), reset: Some(reset), used: false }
    }
}

impl ResetForm {
    fn write(self, at: u64, now: u64) -> String {
        let delta = at.saturating_sub(now);
        match self {
            Self::EpochMs => (at / 1_000).to_string(),
            Self::EpochSeconds => (at / SECOND).to_string(),
            Self::EpochSecondsUp => at.div_ceil(SECOND).to_string(),
            Self::EpochFloat => format!("{}.{:03}", at / SECOND, at % SECOND / 1_000),
            Self::DeltaSeconds => delta.div_ceil(SECOND).to_string(),
            Self::DeltaFloat => format!("{}.{:03}", delta / SECOND, delta % SECOND / 1_000),
            Self::DeltaMs => delta.div_ceil(1_000).to_string(),
            Self::Iso8601 => civil::stamp_text(i128::from(at / 1_000) * 1_000_000),
            Self::HttpDate => httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_micros(at)),
        }
    }
}

/// The headers that tell of these quotas.
pub(crate) fn headers(quotas: &[(&Quota, Figures)], now: u64) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (quota, figures) in quotas {
        headers.extend(own(quota, *figures, now));
    }
    let of = |dialect: &Dialect| quotas.iter().filter(|(quota, _)| quota.dialect == *dialect).collect::<Vec<_>>();
    let policies = |quotas: &[&(&Quota, Figures)]| {
        let each = quotas.iter().map(|(quota, figures)| format!("{};w={}", figures.limit, seconds(quota)));
        each.collect::<Vec<_>>().join(", ")
    };
    let six = of(&Dialect::Draft6);
    if let Some((_, tightest)) = six.iter().min_by_key(|(_, figures)| left(figures)) {
        let reset = ResetForm::DeltaSeconds.write(tightest.resets_at, now);
        headers.push(("RateLimit-Limit".to_owned(), tightest.limit.to_string()));
        headers.push(("RateLimit-Remaining".to_owned(), left(tightest).to_string()));
        headers.push(("RateLimit-Reset".to_owned(), reset));
        headers.push(("RateLimit-Policy".to_owned(), policies(&six)));
    }
    let seven = of(&Dialect::Draft7);
    if let Some((_, tightest)) = seven.iter().min_by_key(|(_, figures)| left(figures)) {
        let reset = ResetForm::DeltaSeconds.write(tightest.resets_at, now);
        let value = format!("limit={}, remaining={}, reset={reset}", tightest.limit, left(tightest));
        headers.push(("RateLimit".to_owned(), value));
        headers.push(("RateLimit-Policy".to_owned(), policies(&seven)));
    }
    let eight = of(&Dialect::Draft8);
    if !eight.is_empty() {
        let now_of = eight.iter().map(|(quota, figures)| {
            let reset = ResetForm::DeltaSeconds.write(figures.resets_at, now);
            format!("\"{}\";r={};t={reset}", quota.name, left(figures))
        });
        headers.push(("RateLimit".to_owned(), now_of.collect::<Vec<_>>().join(", ")));
        let policy = |(quota, figures): &&(&Quota, Figures)| {
            format!("\"{}\";q={};w={}", quota.name, figures.limit, seconds(quota))
        };
        headers.push(("RateLimit-Policy".to_owned(), eight.iter().map(policy).collect::<Vec<_>>().join(", ")));
    }
    headers
}

/// The headers that a quota does not share with others.
fn own(quota: &Quota, figures: Figures, now: u64) -> Vec<(String, String)> {
    match &quota.dialect {
        Dialect::Classic { prefix, reset, used } => {
            let used = used.then(|| (format!("{prefix}-Used"), figures.used.to_string()));
            let reset = reset.map(|form| (format!("{prefix}-Reset"), form.write(figures.resets_at, now)));
            let limit = (format!("{prefix}-Limit"), figures.limit.to_string());
            let remaining = (format!("{prefix}-Remaining"), left(&figures).to_string());
            [limit, remaining].into_iter().chain(used).chain(reset).collect()
        }
        Dialect::UsedOfLimit { header, label } => {
            let label = label.as_ref().map_or_else(String::new, |label| format!("{label}="));
            vec![(header.clone(), format!("{label}{}/{}", figures.used, figures.limit))]
        }
        Dialect::Pairs { header } => {
            let reset = ResetForm::DeltaSeconds.write(figures.resets_at, now);
            let value = format!("total={}; remaining={}; resets={reset}", figures.limit, left(&figures));
            vec![(header.clone(), value)]
        }
        Dialect::Silent | Dialect::Draft6 | Dialect::Draft7 | Dialect::Draft8 => Vec::new(),
    }
}

fn left(figures: &Figures) -> u64 {
    figures.limit.saturating_sub(figures.used)
}

/// Length of the window in whole seconds, at least one.
fn seconds(quota: &Quota) -> u64 {
    quota.rule.length().div_ceil(SECOND).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;

    #[test]
    fn resets_are_written_as_they_say() {
        let (at, now) = (1_700_000_002_250_000, 1_700_000_000_000_000);
        let cases = [
            (ResetForm::EpochMs, "1700000002250"),
            (ResetForm::EpochSeconds, "1700000002"),
            (ResetForm::EpochSecondsUp, "1700000003"),
            (ResetForm::EpochFloat, "1700000002.250"),
            (ResetForm::DeltaSeconds, "3"),
            (ResetForm::DeltaFloat, "2.250"),
            (ResetForm::DeltaMs, "2250"),
            (ResetForm::Iso8601, "2023-11-14T22:13:22.250Z"),
            (ResetForm::HttpDate, "Tue, 14 Nov 2023 22:13:22 GMT"),
        ];
        for (form, text) in cases {
            assert_eq!(form.write(at, now), text, "{form:?}");
        }
    }

    #[test]
    fn dialects_are_written_as_they_say() {
        let window = Duration::from_secs(3);
        let burst = Quota::new("burst", Rule::Aligned { limit: 10, window });
        let daily = Quota::new("daily", Rule::Day { limit: 500, offset_minutes: 0 });
        let figures = [
            Figures { limit: 10, used: 1, resets_at: 2_500_000 },
            Figures { limit: 500, used: 500, resets_at: 9_000_000 },
        ];
        let cases: [(Dialect, &[(&str, &str)]); 6] = [
            (Dialect::Silent, &[]),
            (
                Dialect::Draft6,
                &[
                    ("RateLimit-Limit", "500"),
                    ("RateLimit-Remaining", "0"),
                    ("RateLimit-Reset", "9"),
                    ("RateLimit-Policy", "10;w=3, 500;w=86400"),
                ],
            ),
            (
                Dialect::Draft7,
                &[("RateLimit", "limit=500, remaining=0, reset=9"), ("RateLimit-Policy", "10;w=3, 500;w=86400")],
            ),
            (
                Dialect::Draft8,
                &[
                    ("RateLimit", "\"burst\";r=9;t=3, \"daily\";r=0;t=9"),
                    ("RateLimit-Policy", "\"burst\";q=10;w=3, \"daily\";q=500;w=86400"),
                ],
            ),
            (
                Dialect::UsedOfLimit { header: "Info".into(), label: Some("api-usage".into()) },
                &[("Info", "api-usage=1/10"), ("Info", "api-usage=500/500")],
            ),
            (
                Dialect::Pairs { header: "Limits".into() },
                &[("Limits", "total=10; remaining=9; resets=3"), ("Limits", "total=500; remaining=0; resets=9")],
            ),
        ];
        for (dialect, expected) in cases {
            let (burst, daily) = (burst.clone().told(dialect.clone()), daily.clone().told(dialect));
            let told = headers(&[(&burst, figures[0]), (&daily, figures[1])], 0);
            let told: Vec<_> = told.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(told, expected);
        }
    }
}
