//! The program's flags about quotas.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tidegate_sim::{Cost, Counts, Dialect, OtherClient, Quota, ResetForm, Rule, Throttled};

/// What is counted, how it is told, and who else spends it.
#[derive(Debug, Args)]
pub(crate) struct QuotaFlags {
    /// WINDOW=LIMIT[,OPTION…], in each division. WINDOW: minute, day, a number of seconds (`3`, `0.5`),
    /// bucket (LIMIT is CAPACITY/PER_SECOND), concurrent. OPTION: sliding, first-call (windows begin at
    /// multiples of their length else), zone=MINUTES (ahead of UTC, for day), points, shared (by all
    /// divisions), counts-refused, name=NAME, dialect=DIALECT. Repeatable.
    #[arg(long = "quota", value_name = "QUOTA", value_parser = quota)]
    quotas: Vec<Told>,
    /// How answers tell of quotas that do not say so: none, classic[:PREFIX[:RESET]], draft6, draft7,
    /// draft8, used-of-limit:HEADER[:LABEL], pairs:HEADER. RESET: epoch-ms, epoch-s, epoch-s-up,
    /// epoch-float, delta, delta-float, delta-ms, iso, http-date, none. [default: classic]
    #[arg(long, value_parser = dialect)]
    dialect: Option<DialectArg>,
    /// What an answer looks like that a quota refuses.
    #[arg(long, value_enum, default_value = "429")]
    throttled: ThrottledArg,
    /// Send Retry-After when a quota is spent.
    #[arg(long)]
    pub(crate) quota_retry_after: bool,
    /// Another client that spends: [DIVISION=]CALLS a second. Repeatable.
    #[arg(long = "other", value_name = "CLIENT", value_parser = other)]
    others: Vec<OtherClient>,
    /// Points of a call: ASKED, or ASKED/PER_KIB of the answer, where the rest is given back.
    #[arg(long, value_parser = cost)]
    cost: Option<(u64, u64)>,
    /// Header that tells what a call has cost.
    #[arg(long, value_name = "NAME")]
    cost_header: Option<String>,
    /// Tell the cost in `extensions.cost` of the body.
    #[arg(long)]
    cost_in_body: bool,
}

/// A quota, and whether it says how it is told.
#[derive(Debug, Clone)]
struct Told {
    quota: Quota,
    dialect: Option<DialectArg>,
    /// The names that `classic` begins with if it gives none.
    prefix: String,
}

#[derive(Debug, Clone)]
enum DialectArg {
    Classic(Option<String>, Option<ResetForm>),
    Other(Dialect),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ThrottledArg {
    /// Status 429.
    #[value(name = "429")]
    TooManyRequests,
    /// Status 403 with a code in the body.
    #[value(name = "403")]
    Forbidden,
    /// Status 200 with errors in the body.
    #[value(name = "200")]
    Inside,
}

impl QuotaFlags {
    pub(crate) fn quotas(&self) -> Vec<Quota> {
        let default = DialectArg::Classic(None, Some(ResetForm::default()));
        let told = self.quotas.iter().map(|told| {
            let dialect = told.dialect.as_ref().or(self.dialect.as_ref()).unwrap_or(&default);
            told.quota.clone().told(match dialect {
                DialectArg::Other(dialect) => dialect.clone(),
                DialectArg::Classic(prefix, reset) => {
                    let prefix = prefix.clone().unwrap_or_else(|| told.prefix.clone());
                    Dialect::Classic { prefix, reset: *reset, used: false }
                }
            })
        });
        told.collect()
    }

    pub(crate) fn cost(&self) -> Cost {
        let (asked, per_kib) = self.cost.unwrap_or((1, 0));
        Cost { asked, per_kib, header: self.cost_header.clone(), in_body: self.cost_in_body }
    }

    pub(crate) fn throttled(&self) -> Throttled {
        match self.throttled {
            ThrottledArg::TooManyRequests => Throttled::TooManyRequests,
            ThrottledArg::Forbidden => Throttled::Forbidden,
            ThrottledArg::Inside => Throttled::Inside,
        }
    }

    pub(crate) fn others(&self) -> Vec<OtherClient> {
        self.others.clone()
    }
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(&str, &str), String> {
    text.split_once('=').ok_or_else(|| format!("'{text}' should be NAME=VALUE"))
}

/// Any number.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = Duration::try_from_secs_f64(number(text)?).ok().filter(|length| *length >= Duration::from_millis(1));
    seconds.ok_or_else(|| format!("'{text}' is no length of a window in seconds"))
}

fn quota(text: &str) -> Result<Told, String> {
    let mut parts = text.split(',');
    let (window, limit) = pair(parts.next().unwrap_or_default())?;
    let (mut name, mut rule, prefix) = match window {
        "minute" => {
            let rule = Rule::Aligned { limit: number(limit)?, window: Duration::from_secs(60) };
            ("minutely".to_owned(), rule, "X-RateLimit-Minutely".to_owned())
        }
        "day" => {
            let rule = Rule::Day { limit: number(limit)?, offset_minutes: 0 };
            ("daily".to_owned(), rule, "X-RateLimit".to_owned())
        }
        "bucket" => {
            let (capacity, per_second) = limit.split_once('/').ok_or("bucket takes CAPACITY/PER_SECOND")?;
            let rule = Rule::Bucket { capacity: number(capacity)?, per_second: number(per_second)? };
            (window.to_owned(), rule, "X-RateLimit-Bucket".to_owned())
        }
        "concurrent" => {
            let rule = Rule::Concurrent { limit: number(limit)? };
            (window.to_owned(), rule, "X-RateLimit-Concurrent".to_owned())
        }
        length => {
            let rule = Rule::Aligned { limit: number(limit)?, window: seconds(length)? };
            (format!("{length}s"), rule, format!("X-RateLimit-{length}s"))
        }
    };
    let (mut counts, mut is_shared, mut counts_refused, mut told) = (Counts::Calls, false, false, None);
    for part in parts {
        match part.split_once('=').unwrap_or((part, "")) {
            ("sliding", "") => rule = windowed(rule, |limit, window| Rule::Sliding { limit, window })?,
            ("first-call", "") => rule = windowed(rule, |limit, window| Rule::FirstCall { limit, window })?,
            ("zone", minutes) => match &mut rule {
                Rule::Day { offset_minutes, .. } => *offset_minutes = number(minutes)?,
                _ => return Err("zone goes with day".to_owned()),
            },
            ("points", "") => counts = Counts::Points,
            ("shared", "") => is_shared = true,
            ("counts-refused", "") => counts_refused = true,
            ("name", given) => name = given.to_owned(),
            ("dialect", given) => told = Some(dialect(given)?),
            _ => return Err(format!("unknown '{part}' in a quota")),
        }
    }
    let quota = Quota { counts, is_shared, counts_refused, ..Quota::new(&name, rule) };
    Ok(Told { quota, dialect: told, prefix })
}

fn windowed(rule: Rule, make: impl Fn(u64, Duration) -> Rule) -> Result<Rule, String> {
    match rule {
        Rule::Aligned { limit, window } => Ok(make(limit, window)),
        _ => Err("sliding and first-call go with a number of seconds or minute".to_owned()),
    }
}

fn dialect(text: &str) -> Result<DialectArg, String> {
    let mut parts = text.splitn(3, ':');
    let (name, first, second) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let header = || first.map(str::to_owned).ok_or_else(|| format!("{name} takes {name}:HEADER"));
    Ok(DialectArg::Other(match name {
        "none" => Dialect::Silent,
        "draft6" => Dialect::Draft6,
        "draft7" => Dialect::Draft7,
        "draft8" => Dialect::Draft8,
        "used-of-limit" => Dialect::UsedOfLimit { header: header()?, label: second.map(str::to_owned) },
        "pairs" => Dialect::Pairs { header: header()? },
        "classic" => {
            let prefix = first.filter(|prefix| !prefix.is_empty()).map(str::to_owned);
            return Ok(DialectArg::Classic(prefix, second.map_or(Ok(Some(ResetForm::default())), reset)?));
        }
        _ => return Err(format!("unknown dialect '{name}'")),
    }))
}

fn reset(text: &str) -> Result<Option<ResetForm>, String> {
    Ok(Some(match text {
        "epoch-ms" => ResetForm::EpochMs,
        "epoch-s" => ResetForm::EpochSeconds,
        "epoch-s-up" => ResetForm::EpochSecondsUp,
        "epoch-float" => ResetForm::EpochFloat,
        "delta" => ResetForm::DeltaSeconds,
        "delta-float" => ResetForm::DeltaFloat,
        "delta-ms" => ResetForm::DeltaMs,
        "iso" => ResetForm::Iso8601,
        "http-date" => ResetForm::HttpDate,
        "none" => return Ok(None),
        _ => return Err(format!("unknown form of a reset '{text}'")),
    }))
}

fn other(text: &str) -> Result<OtherClient, String> {
    let (division, per_second) = text.split_once('=').unwrap_or(("0", text));
    let per_second = number(per_second)?;
    if per_second <= 0.0 {
        return Err(format!("'{text}' calls never"));
    }
    Ok(OtherClient { division: number(division)?, per_second })
}

fn cost(text: &str) -> Result<(u64, u64), String> {
    let (asked, per_kib) = text.split_once('/').unwrap_or((text, "0"));
    Ok((number(asked)?, number(per_kib)?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        flags: QuotaFlags,
    }

    fn quotas(arguments: &[&str]) -> Result<Vec<Quota>, String> {
        let arguments = std::iter::once(&"sim").chain(arguments);
        Only::try_parse_from(arguments).map(|only| only.flags.quotas()).map_err(|error| error.to_string())
    }

    #[test]
    fn quotas_are_read() {
        let window = Duration::from_secs(3);
        let classic = |prefix: &str| Dialect::classic(prefix, ResetForm::EpochMs);
        let named = |name: &str, rule, dialect| Quota::new(name, rule).told(dialect);
        let cases: [(&[&str], Quota); 8] = [
            (&["--quota", "minute=60"], Quota::minute(60)),
            (&["--quota", "day=5000"], Quota::day(5000)),
            (&["--quota", "3=30"], named("3s", Rule::Aligned { limit: 30, window }, classic("X-RateLimit-3s"))),
            (
                &["--quota", "3=30,first-call,name=burst", "--dialect", "draft8"],
                named("burst", Rule::FirstCall { limit: 30, window }, Dialect::Draft8),
            ),
            (
                &["--quota", "3=30,sliding,dialect=none", "--dialect", "draft8"],
                named("3s", Rule::Sliding { limit: 30, window }, Dialect::Silent),
            ),
            (
                &["--quota", "bucket=40/2,points,shared,dialect=used-of-limit:X-Calls"],
                named(
                    "bucket",
                    Rule::Bucket { capacity: 40.0, per_second: 2.0 },
                    Dialect::UsedOfLimit { header: "X-Calls".into(), label: None },
                )
                .of_points()
                .shared(),
            ),
            (
                &["--quota", "day=9,zone=-300,dialect=classic:X-Left:iso"],
                named(
                    "daily",
                    Rule::Day { limit: 9, offset_minutes: -300 },
                    Dialect::classic("X-Left", ResetForm::Iso8601),
                ),
            ),
            (
                &["--quota", "concurrent=4", "--dialect", "classic::none"],
                named(
                    "concurrent",
                    Rule::Concurrent { limit: 4 },
                    Dialect::Classic { prefix: "X-RateLimit-Concurrent".into(), reset: None, used: false },
                ),
            ),
        ];
        for (arguments, quota) in cases {
            assert_eq!(quotas(arguments), Ok(vec![quota]), "{arguments:?}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (quota, expected) in [
            ("30", "should be NAME=VALUE"),
            ("soon=30", "'soon' is no number"),
            ("0=30", "no length of a window"),
            ("bucket=4", "CAPACITY/PER_SECOND"),
            ("day=4,sliding", "go with a number of seconds"),
            ("3=30,dialect=draft9", "unknown dialect 'draft9'"),
            ("3=30,dialect=classic:X:soon", "unknown form of a reset 'soon'"),
            ("3=30,fast", "unknown 'fast'"),
        ] {
            let error = quotas(&["--quota", quota]).unwrap_err();
            assert!(error.contains(expected), "{quota}: {error}");
        }
    }
}
