//! What users read of quotas: why a call was not sent, what a server refused, which figures make no sense.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tidegate_quota::{Because, Call, MeterView, Never, Refusal, ScopeView, Throttling, Wait};

use super::read::Complaint;
use crate::spending::{OnExhausted, Spending};
use crate::{Error, ErrorKind, Operation, Response, Sent};

// Who asks says where: connection, partition and page stand before these messages.

/// The statement may send no more calls.
pub(super) fn bound(operation: &Operation) -> Error {
    let most = operation.statement.bounds().max_calls.unwrap_or_default();
    let message = format!(
        "this statement needs more calls than the {most} that tidegate.max_calls allows, and nothing more was sent: \
         raise tidegate.max_calls, or let the statement read less"
    );
    Error::new(ErrorKind::CallBound, Sent::No, message)
}

/// The ledger could not book the call.
pub(super) fn unbooked(error: tidegate_quota::Error) -> Error {
    let message = format!("a call is not sent, because it cannot be booked: {error}");
    Error::new(ErrorKind::File, Sent::No, message).with_source(error)
}

/// The ledger could not book what became of a call.
pub(super) fn unsettled(operation: &Operation, error: &tidegate_quota::Error) -> String {
    format!(
        "what became of a call to {} cannot be booked: {error}; it counts as under way until its time is over",
        place(operation)
    )
}

/// A quota has no room. `views` show what is left, as far as the ledger knows.
pub(super) fn refused(operation: &Operation, call: &Call, refusal: &Refusal, views: &[ScopeView]) -> Error {
    let bounds = operation.statement.bounds();
    let message = match refusal {
        Refusal::Wait(wait) => {
            let view = view(views, &wait.scope, &wait.quota);
            format!("{}; {}", what(wait, view, call), advice(wait, bounds))
        }
        Refusal::Never(Never { quota, limit, needs, .. }) => {
            let less = match call.reserved(quota) {
                units @ 1.. => format!(" beside the {units} that tidegate.quota_reserve keeps; lower it"),
                0 => "; ask for less at a time".to_owned(),
            };
            format!("a call needs {needs} of quota {quota}, which never has more than {limit}{less}")
        }
    };
    Error::new(ErrorKind::QuotaExhausted, Sent::No, message)
}

/// Which quota has no room, and until when.
fn what(wait: &Wait, view: Option<&MeterView>, call: &Call) -> String {
    let quota = &wait.quota;
    let left = match view.and_then(|view| Some((view.remaining?, view.limit?))) {
        Some((remaining, limit)) => format!("{remaining} of {limit} left"),
        None => "what is left is not known".to_owned(),
    };
    let opens = until(wait.until.or(view.and_then(|view| view.resets_at)), wait.after);
    match wait.because {
        Because::Spent => format!("quota {quota} is spent ({left}); it has room {opens}"),
        Because::Reserve => {
            let units = call.reserved(quota);
            format!(
                "quota {quota} is spent but for the {units} that tidegate.quota_reserve keeps ({left}); it has room {opens}"
            )
        }
        Because::Blocked => {
            format!("the server refuses calls for the time being; it takes them {opens}")
        }
        Because::Concurrency => format!("quota {quota} has as many calls under way as it allows"),
        Because::Queue => format!("other calls wait for quota {quota} before this one; it has room {opens}"),
    }
}

fn advice(wait: &Wait, bounds: &Spending) -> String {
    let lower = if wait.because == Because::Reserve { ", or lower tidegate.quota_reserve" } else { "" };
    match bounds.on_exhausted {
        OnExhausted::Wait => format!(
            "that is more than tidegate.max_wait ({}) allows to wait: raise it, or come back then{lower}",
            span(bounds.max_wait)
        ),
        OnExhausted::Stop | OnExhausted::Fail => {
            format!("come back then, or let the statement wait: SET tidegate.on_quota_exhausted = 'wait'{lower}")
        }
    }
}

fn view<'a>(views: &'a [ScopeView], scope: &tidegate_quota::ScopeKey, quota: &str) -> Option<&'a MeterView> {
    let scope = views.iter().find(|view| view.key == *scope)?;
    scope.meters.iter().find(|meter| *meter.name == *quota)
}

/// A call that the server refused by surprise.
pub(super) fn throttled(
    operation: &Operation,
    response: &Response,
    throttling: &Throttling,
    now: SystemTime,
) -> String {
    let quota = throttling.quota.as_ref().map_or_else(String::new, |quota| format!(" (quota {quota})"));
    let waits = match throttling.wait {
        Some(wait) => {
            let opens = until(now.checked_add(wait), Some(wait));
            format!("all who share its quotas wait until it takes them again, {opens}")
        }
        None => "it does not say for how long, so that all who share its quotas wait a little, and longer each time"
            .to_owned(),
    };
    let (place, status, says) = (place(operation), response.status.as_u16(), says(response));
    format!("{place}: the server refused a call as one too many, with status {status}{quota}{says}; {waits}")
}

/// What an answer gives as its reason: headers that say so, else the beginning of a short body.
fn says(response: &Response) -> String {
    const REASONS: [&str; 5] =
        ["retry-after", "ratelimit-reason", "stripe-rate-limited-reason", "x-rate-limit-problem", "x-ratelimit-scope"];
    let shown = |name: &&str| {
        let text = response.headers.get(*name)?.to_str().ok()?;
        Some(format!("{name}: {}", text.chars().take(80).collect::<String>()))
    };
    let mut parts: Vec<String> = REASONS.iter().filter_map(shown).collect();
    // The body of a success may hold data; that of a refusal has lost the connection's secrets in the auth layer.
    let body = response.body.whole().filter(|_| !response.status.is_success()).map_or(&[][..], |body| &body[..]);
    let body = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let line: String =
        body.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(160).collect();
    parts.extend((!line.is_empty()).then(|| format!("body: {line}")));
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

/// Figures that make no sense, and so are left out.
pub(super) fn absurd(operation: &Operation, complaint: &Complaint) -> String {
    let Complaint { place: stands, text } = complaint;
    let connection = &operation.connection;
    format!(
        "connection {connection}: {stands} says {text:?}, which makes no sense as a figure of a quota and is left out"
    )
}

/// More quotas than are kept for one connection.
pub(super) fn too_many_names(operation: &Operation, most: usize) -> String {
    let connection = &operation.connection;
    format!(
        "connection {connection}: the server names more than {most} quotas; further ones are left out, declare those that matter"
    )
}

fn place(operation: &Operation) -> String {
    match &operation.partition {
        Some(partition) => format!("connection {}, partition {partition}", operation.connection),
        None => format!("connection {}", operation.connection),
    }
}

/// A point in time, and how far it is.
fn until(at: Option<SystemTime>, after: Option<Duration>) -> String {
    let at = at.map(|at| DateTime::<Utc>::from(at).format("%Y-%m-%d %H:%M:%S UTC"));
    match (at, after) {
        (Some(at), Some(after)) => format!("at {at} (in {})", span(after)),
        (Some(at), None) => format!("at {at}"),
        (None, Some(after)) => format!("in {}", span(after)),
        (None, None) => "when those end that are under way".to_owned(),
    }
}

/// A length of time in words, rounded up.
fn span(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}
