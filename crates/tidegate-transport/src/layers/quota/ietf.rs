//! The `RateLimit` header fields of draft-ietf-httpapi-ratelimit-headers, which changed their form twice:
//!
//! * up to draft 6: `RateLimit-Limit: 100, 100;w=60`, `RateLimit-Remaining: 5`, `RateLimit-Reset: 30`;
//! * draft 7: `RateLimit: limit=100, remaining=5, reset=30` and `RateLimit-Policy: 100;w=60`;
//! * from draft 8 on: `RateLimit: "burst";r=5;t=30` and `RateLimit-Policy: "burst";q=100;w=60`.
//!
//! They are structured fields (RFC 9651): what does not parse as one is no such field, and says nothing.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parser};

use super::figure::{self, Round, leading, lines, units};
use super::read::Told;
use super::time::{self, Reset};
use crate::TimeForm;

/// Name of a quota that has none.
pub(super) const UNNAMED: &str = "rate_limit";

/// Figures that stand alone in a header: those of drafts up to 6, and what GitLab has beside them.
const SINGLE: [&str; 4] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-observed"];

/// Whether a header may be of this kind: its name begins so in all drafts.
pub(super) fn is_one(name: &HeaderName) -> bool {
    name.as_str().starts_with("ratelimit")
}

/// What is known of a quota but for what is left of it.
#[derive(Debug, Clone, PartialEq)]
struct Policy {
    name: Option<String>,
    limit: u64,
    window: Option<Duration>,
}

/// What these headers say. `is_declared` tells of headers that are read for a declared quota.
pub(super) fn read(
    headers: &HeaderMap,
    now: std::time::SystemTime,
    is_declared: &dyn Fn(&HeaderName) -> bool,
) -> Vec<Told> {
    let own = |name: &'static str| Some(HeaderName::from_static(name)).filter(|name| !is_declared(name));
    if let (Some(figures), Some(policies)) = (own("ratelimit"), own("ratelimit-policy")) {
        let policies = read_policies(headers, &policies);
        let named = named(headers, &figures, &policies);
        if !named.is_empty() {
            return named;
        }
        let unnamed: Vec<Told> = lines(headers, &figures).filter_map(dictionary).collect();
        if !unnamed.is_empty() {
            return identify(unnamed, &policies);
        }
    }
    if SINGLE.into_iter().all(|name| own(name).is_some()) { single(headers, now) } else { Vec::new() }
}

/// From draft 8 on: figures and policies are joined by name.
fn named(headers: &HeaderMap, figures: &HeaderName, policies: &[Policy]) -> Vec<Told> {
    let items = list(headers, figures);
    let mut all: Vec<Told> = items.iter().filter_map(|item| figure_of(item, policies)).collect();
    if all.is_empty() && !policies.iter().any(|policy| policy.name.is_some()) {
        return Vec::new();
    }
    // A name may stand for several counters (`pk`): the tightest is the one to heed.
    all.sort_by(|a, b| (&a.name, a.remaining).cmp(&(&b.name, b.remaining)));
    all.dedup_by(|later, first| later.name == first.name);
    for policy in policies {
        let Some(name) = &policy.name else { continue };
        if all.iter().all(|told| told.name != *name) {
            let limit = Some(policy.limit);
            all.push(Told { name: name.clone(), limit, window: policy.window, ..Told::default() });
        }
    }
    all
}

fn figure_of(item: &Item, policies: &[Policy]) -> Option<Told> {
    let name = name_of(&item.bare_item)?;
    let policy = policies.iter().find(|policy| policy.name.as_ref() == Some(&name));
    Some(Told {
        limit: policy.map(|policy| policy.limit),
        remaining: Some(parameter(item, "r", Round::Down)?),
        used: None,
        reset: item.params.get("t").and_then(reset),
        window: policy.and_then(|policy| policy.window),
        name,
    })
}

/// Draft 7: one line is one quota.
fn dictionary(line: &str) -> Option<Told> {
    let dictionary: Dictionary = Parser::new(line).parse().ok()?;
    let value = |key: &str| match dictionary.get(key) {
        Some(ListEntry::Item(item)) => Some(&item.bare_item),
        _ => None,
    };
    Some(Told {
        name: UNNAMED.to_owned(),
        limit: value("limit").and_then(number).map(|limit| units(limit, Round::Down)),
        remaining: Some(units(value("remaining").and_then(number)?, Round::Down)),
        used: None,
        reset: value("reset").and_then(reset),
        window: None,
    })
}

/// Up to draft 6. GitLab writes the reset as seconds since 1970 and adds what was spent, and a name.
fn single(headers: &HeaderMap, now: std::time::SystemTime) -> Vec<Told> {
    let line = |name: &'static str| lines(headers, &HeaderName::from_static(name)).next();
    let figure = |name: &'static str, round: Round| line(name).and_then(leading).map(|number| units(number, round));
    let remaining = figure("ratelimit-remaining", Round::Down);
    let used = figure("ratelimit-observed", Round::Up);
    if remaining.is_none() && used.is_none() {
        return Vec::new();
    }
    let told = Told {
        name: line("ratelimit-name").unwrap_or(UNNAMED).to_owned(),
        limit: figure("ratelimit-limit", Round::Down),
        remaining,
        used,
        reset: line("ratelimit-reset").and_then(|text| time::guess(text, now)),
        window: None,
    };
    let mut policies = read_policies(headers, &HeaderName::from_static("ratelimit-policy"));
    policies.extend(read_policies(headers, &HeaderName::from_static("ratelimit-limit")));
    // The limit itself stands before the policies, and says nothing of a window.
    policies.retain(|policy| policy.name.is_none() && policy.window.is_some());
    policies.dedup();
    identify(vec![told], &policies)
}

/// Finds the policies of figures that have no names by their limits. Of several policies each gets a name by its window,
/// so that figures which tell now of one and now of another are not taken for those of one quota.
fn identify(mut all: Vec<Told>, policies: &[Policy]) -> Vec<Told> {
    for told in &mut all {
        let mut fitting = policies.iter().filter(|policy| Some(policy.limit) == told.limit);
        let (Some(policy), None) = (fitting.next(), fitting.next()) else { continue };
        told.window = policy.window;
        if let (true, Some(window)) = (policies.len() > 1 && told.name == UNNAMED, policy.window) {
            told.name = by_window(window);
        }
    }
    if policies.len() > 1 {
        for policy in policies {
            let Some(window) = policy.window else { continue };
            if all.iter().all(|told| told.window != Some(window)) {
                let limit = Some(policy.limit);
                all.push(Told { name: by_window(window), limit, window: Some(window), ..Told::default() });
            }
        }
    }
    all
}

fn by_window(window: Duration) -> String {
    format!("{UNNAMED}_{}s", window.as_secs())
}

fn read_policies(headers: &HeaderMap, name: &HeaderName) -> Vec<Policy> {
    list(headers, name).iter().filter_map(policy).collect()
}

fn policy(item: &Item) -> Option<Policy> {
    // What is not counted in requests (`qu`) is nothing that is counted here.
    let is_requests = |unit: &BareItem| name_of(unit).is_some_and(|unit| unit == "requests");
    if item.params.get("qu").is_some_and(|unit| !is_requests(unit)) {
        return None;
    }
    let window = item.params.get("w").and_then(number).filter(|seconds| *seconds > 0.0);
    let window = window.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let name = name_of(&item.bare_item);
    let limit = match &name {
        Some(_) => parameter(item, "q", Round::Down)?,
        None => units(number(&item.bare_item)?, Round::Down),
    };
    Some(Policy { name, limit, window })
}

/// The items of a field: of all its lines together, as the standard has it. One line that is broken breaks all.
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<Item> {
    let text = lines(headers, name).collect::<Vec<_>>().join(", ");
    let entries: List = Parser::new(&text).parse().unwrap_or_default();
    let items = entries.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    });
    items.collect()
}

fn parameter(item: &Item, key: &str, round: Round) -> Option<u64> {
    item.params.get(key).and_then(number).map(|number| units(number, round))
}

/// A name: a string by the standard, a token by some servers.
fn name_of(item: &BareItem) -> Option<String> {
    let text = item.as_string().map(|text| text.as_str());
    text.or_else(|| item.as_token().map(|token| token.as_str())).map(str::to_owned)
}

fn number(item: &BareItem) -> Option<f64> {
    figure::number(&text(item)?)
}

fn reset(item: &BareItem) -> Option<Reset> {
    // The only form that the standard has is a time from now, so that the time does not matter.
    time::read(TimeForm::Seconds, &text(item)?, std::time::SystemTime::UNIX_EPOCH).ok()
}

fn text(item: &BareItem) -> Option<String> {
    let integer = item.as_integer().map(|number| i64::from(number).to_string());
    integer.or_else(|| item.as_decimal().map(|number| number.to_string()))
}
