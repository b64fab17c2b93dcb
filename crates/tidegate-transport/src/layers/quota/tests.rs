//! What answers say of quotas, as tables; what the layer does with it, over a scripted transport and a ledger in memory.

mod declared;
mod forms;
mod headers;
mod layer;
mod outlays;
mod properties;
mod throttles;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidegate_quota::{Clock, Ledger, Limit, MemoryStore, Observation, Quota, Settlement, Unit, Window};

use super::call::Outlay;
use super::read::{Answered, Complaint, Reading, read};
use super::throttle::{Throttle, ThrottledBody};
use crate::testing::{clock, request, statement};
use crate::{FigurePlace, Figures, MeteredQuota, Metering, Operation, Operations, Per, Purpose, Repeat, TimeForm};

/// Headers of an answer.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// Seconds since 1970 at which the clocks of these tests stand: Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: u64 = 784_111_777;

/// An operation of connection `crm`, table `accounts`, endpoint `Accounts`.
fn operation(partition: Option<&str>, purpose: Purpose) -> Operation {
    let operation = request("http://a.example/", Repeat::Safe, &statement()).operation;
    Operation { partition: partition.map(Into::into), purpose, ..operation }
}

fn metering(quotas: Vec<MeteredQuota>, throttles: Vec<Throttle>) -> Metering {
    let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), clock()));
    Metering { quotas, throttles, ..Metering::new(ledger, "key", "crm") }
}

/// A declared quota of calls in a sliding window.
fn quota(name: &str, seconds: u64, figures: &[(&str, &str)]) -> MeteredQuota {
    let window = Window::Sliding(Duration::from_secs(seconds));
    let limit = Limit::Window { limit: None, window };
    let figures = placed(figures);
    MeteredQuota {
        quota: Arc::new(Quota { name: name.into(), unit: Unit::Calls, limit, is_reported: true }),
        per: Per::Credential,
        only: Vec::new(),
        operations: Operations::All,
        each_endpoint: false,
        free: Vec::new(),
        cost: 1,
        figures,
    }
}

fn per(per: Per, metered: MeteredQuota) -> MeteredQuota {
    MeteredQuota { per, ..metered }
}

fn of(unit: Unit, limit: Limit, metered: MeteredQuota) -> MeteredQuota {
    let quota = Quota { unit, limit, ..metered.quota.as_ref().clone() };
    MeteredQuota { quota: Arc::new(quota), ..metered }
}

/// Figures by name and place: `header`, `header#pair`, `$member.member`; the end of a window as `reset seconds` and so on.
fn placed(figures: &[(&str, &str)]) -> Figures {
    let mut placed = Figures::default();
    for (name, at) in figures {
        let header = |name: &str| HeaderName::try_from(name).unwrap();
        let at = match (at.strip_prefix('$'), at.split_once('#')) {
            (Some(path), _) => FigurePlace::Body(path.split('.').map(str::to_owned).collect()),
            (None, Some((name, key))) => FigurePlace::Pair(header(name), key.to_owned()),
            (None, None) => FigurePlace::Header(header(at)),
        };
        let place = match *name {
            "limit" => &mut placed.limit,
            "remaining" => &mut placed.remaining,
            "used" => &mut placed.used,
            "used/limit" => &mut placed.used_of_limit,
            "cost" => &mut placed.cost,
            "rate" => &mut placed.per_second,
            reset => {
                let form = match reset.strip_prefix("reset ") {
                    Some("epoch s") => TimeForm::EpochSeconds,
                    Some("epoch ms") => TimeForm::EpochMillis,
                    Some("seconds") => TimeForm::Seconds,
                    Some("ms") => TimeForm::Millis,
                    Some("iso") => TimeForm::Iso8601,
                    Some("date") => TimeForm::HttpDate,
                    _ => panic!("no figure: {reset}"),
                };
                placed.reset = Some((at, form));
                continue;
            }
        };
        *place = Some(at);
    }
    placed
}

fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    headers.iter().map(header).collect()
}

/// What an answer to a read says, in a partition or not.
fn reading(
    metering: &Metering,
    partition: Option<&str>,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> (Settlement, Vec<Complaint>) {
    let operation = operation(partition, Purpose::Read);
    let outlay = Outlay::new(metering, &operation);
    let headers = header_map(headers);
    let status = StatusCode::from_u16(status).unwrap();
    let answer = Answered::new(status, &headers, Some(body.as_bytes()), clock().now());
    let Reading { settlement, complaints } = read(metering, &outlay, &answer, true);
    (settlement, complaints)
}

/// An observation in one line, absent figures left out.
fn line(seen: &Observation) -> String {
    let scope = ["credential", "connection", "partition"][seen.scope];
    let mut line = format!("{scope} {}:", seen.quota);
    let units = [("limit", seen.limit), ("remaining", seen.remaining), ("used", seen.used)];
    for (name, units) in units {
        line += &units.map_or_else(String::new, |units| format!(" {name} {units}"));
    }
    let times = [("resets", seen.resets_in), ("window", seen.window)];
    for (name, time) in times {
        line += &time.map_or_else(String::new, |time| format!(" {name} {}", (time.as_secs_f64() * 1e3).round() / 1e3));
    }
    line += &seen.per_second.map_or_else(String::new, |rate| format!(" rate {rate}"));
    line
}

fn says(settlement: &Settlement) -> Vec<String> {
    settlement.observations.iter().map(line).collect()
}

fn throttle(status: u16) -> Throttle {
    Throttle { status: StatusCode::from_u16(status).ok(), headers: Vec::new(), body: None }
}

fn header(mut throttle: Throttle, name: &'static str, value: &str) -> Throttle {
    throttle.headers.push((HeaderName::from_static(name), value.to_owned()));
    throttle
}

fn body(mut throttle: Throttle, path: &str, contains: &str) -> Throttle {
    let path = path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect();
    throttle.body = Some(ThrottledBody { path, contains: Some(contains.to_owned()), equals: None });
    throttle
}
