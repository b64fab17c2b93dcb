//! What a status says of rows. `tests` holds the whole table as a snapshot.

use tidegate_spec::{Answer, WriteKind};

use super::{Verdict, Why};

/// What was asked, as far as a status depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) kind: WriteKind,
    /// Rows of the request.
    pub(super) rows: usize,
    /// Whether it stands for one row, by its key: what is missing is then that row.
    pub(super) is_single: bool,
    /// Whether all of it happens or nothing.
    pub(super) is_atomic: bool,
    /// Whether it stands under a key, so that layers below may have sent it several times.
    pub(super) is_keyed: bool,
    /// Whether it was sent before.
    pub(super) is_again: bool,
}

/// What a status says of the rows; `None` for a success, of which the body tells more.
///
/// * 401, 407, 429: nobody looked at it.
/// * 408, 425, and 500 and above: it may have been done, unless the API says that it then does nothing. 501 is "no such
///   method".
/// * 409 to a request that stands under a key and was sent before: the earlier one may be under way.
/// * other statuses refuse it.
pub(super) fn of_status(status: u16, answer: &Answer, asked: Asked) -> Option<Verdict> {
    let any = |declared: &[u16], usual: &[u16]| {
        if declared.is_empty() { usual.contains(&status) } else { declared.contains(&status) }
    };
    let is_change = asked.kind != WriteKind::Insert;
    Some(match status {
        200..=299 => return None,
        401 | 407 => Verdict::NotSent(Why::Connection),
        429 => Verdict::NotSent(Why::Quota),
        _ if is_change && asked.rows == 1 && any(&answer.stale, &[412]) => Verdict::Stale,
        _ if is_change && asked.is_single && any(&answer.absent, &[404, 410]) => Verdict::Absent,
        408 | 425 => Verdict::Doubtful,
        409 if asked.is_keyed && asked.is_again => Verdict::Doubtful,
        _ if is_of_no_row(status) => Verdict::Refused,
        // Under a key an earlier attempt may have been done, whatever the last one says of itself.
        500.. if answer.not_done.contains(&status) && !asked.is_keyed => Verdict::Refused,
        500.. => Verdict::Doubtful,
        _ if is_before_rows(status) => refused(asked),
        _ => refused_for_rows(asked),
    })
}

/// A refusal of what was not looked at row by row.
fn refused(asked: Asked) -> Verdict {
    if asked.rows > 1 { Verdict::RefusedTogether } else { Verdict::Refused }
}

/// A refusal for what a row says. Of a batch that is not all or nothing the rows before may have been done: what is written
/// twice is the same, unless it makes rows.
pub(super) fn refused_for_rows(asked: Asked) -> Verdict {
    match (asked.rows, asked.is_atomic, asked.kind) {
        (2.., false, WriteKind::Insert) => Verdict::Doubtful,
        _ => refused(asked),
    }
}

/// Statuses that would be the same for each row by itself: redirects, and refusals of the method, the form or the host.
fn is_of_no_row(status: u16) -> bool {
    matches!(status, 100..=199 | 300..=399 | 405 | 406 | 411 | 415 | 417 | 421 | 426 | 501)
}

/// Statuses by which a server refuses a request before it looks at its rows one by one: rights, path, size.
fn is_before_rows(status: u16) -> bool {
    matches!(status, 402..=404 | 413 | 414 | 416 | 428 | 431 | 451)
}

/// What the status of one item of a batch says of its row; `None` for a success.
pub(super) fn of_item(status: u16, kind: WriteKind) -> Option<Verdict> {
    let asked = Asked { kind, rows: 1, is_single: true, is_atomic: false, is_keyed: false, is_again: false };
    of_status(status, &Answer::default(), asked).map(|verdict| match verdict {
        // The request as a whole was not refused: it is this row that may not be written.
        Verdict::NotSent(Why::Connection) => Verdict::Refused,
        other => other,
    })
}

/// Whether an API's words mean that a request under the same key is still under way.
pub(super) fn is_under_way(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]).to_ascii_lowercase();
    ["in progress", "in-progress", "in_progress", "idempoten", "concurrent"].iter().any(|word| text.contains(word))
}
