//! From the answer to what became of each row.

use http::{HeaderMap, StatusCode};
use tidegate_spec::{Answer, BatchAnswer, Path};

use super::part::Part;
use super::parts::Context;
use super::verdict::{self, Asked};
use super::{Cells, RowOutcome, RowWrite, Verdict, items, told};
use crate::server_message;

/// An answer, or the part of one that speaks of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl RowOutcome {
    /// An outcome of which nothing more is told.
    pub(super) fn new(verdict: Verdict, status: Option<u16>, message: Option<String>) -> Self {
        Self { verdict, status, message, row: Cells::new(), version: None }
    }

    /// One that leaves it open whether the row was written.
    pub(super) fn doubtful(status: Option<u16>, why: impl Into<String>) -> Self {
        Self::new(Verdict::Doubtful, status, Some(why.into()))
    }
}

/// What became of a row that was written by a request of its own.
pub(super) fn of_single(
    context: &Context<'_>,
    answer: &Answer,
    asked: Asked,
    row: &RowWrite,
    said: Said<'_>,
) -> RowOutcome {
    let whole = whole(context, answer, asked, said);
    let (Verdict::Applied | Verdict::Accepted, Some(at)) = (whole.verdict, &answer.row) else {
        return whole;
    };
    let told = Part::of(said.body).and_then(|body| body.at(at)).map(|part| told::row(context.table, part));
    let told = told.unwrap_or_default();
    if told::is_another(context, &told, row) {
        return RowOutcome::doubtful(Some(said.status), "the server answers with a row of another key");
    }
    RowOutcome { version: told::version(context, &told, said.headers), row: told, ..whole }
}

/// What became of several rows.
pub(super) fn of_batch(
    context: &Context<'_>,
    answer: &BatchAnswer,
    asked: Asked,
    rows: &[RowWrite],
    said: Said<'_>,
) -> Vec<RowOutcome> {
    match answer {
        BatchAnswer::Whole { answer, affected } => {
            let mut outcome = whole(context, answer, asked, said);
            if let (Some(path), Verdict::Applied) = (affected, outcome.verdict) {
                outcome = affected_rows(outcome, path, rows.len(), said);
            }
            vec![outcome; rows.len()]
        }
        BatchAnswer::Items { .. } | BatchAnswer::ODataJson { .. } => {
            items::outcomes(context, answer, asked, rows, said)
        }
    }
}

/// What an answer says of all that was asked.
pub(super) fn whole(context: &Context<'_>, answer: &Answer, asked: Asked, said: Said<'_>) -> RowOutcome {
    let status = Some(said.status);
    if let Some(verdict) = verdict::of_status(said.status, answer, asked) {
        let is_open = said.status == 409 && asked.is_keyed && verdict::is_under_way(said.body);
        let verdict = if is_open { Verdict::Doubtful } else { verdict };
        return RowOutcome::new(verdict, status, Some(message(said, &answer.message)));
    }
    let done = if said.status == StatusCode::ACCEPTED.as_u16() { Verdict::Accepted } else { Verdict::Applied };
    let mut outcome = RowOutcome::new(done, status, None);
    if std::str::from_utf8(said.body).is_ok_and(server_message::is_html) {
        return RowOutcome::doubtful(
            status,
            format!("in place of an answer the server sent a web page: {}", message(said, &[])),
        );
    }
    let is_judged = !answer.failure.is_empty() || !answer.success.is_empty();
    let is_empty = said.body.iter().all(u8::is_ascii_whitespace);
    match Part::of(said.body) {
        Some(body) if is_judged && is_failure(body, &answer.failure, &answer.success) => {
            let verdict = verdict::refused_for_rows(asked);
            outcome = RowOutcome::new(verdict, status, Some(message(said, &answer.message)));
        }
        None if is_judged && !is_empty => {
            let why = format!(
                "the answer is not JSON, so that it cannot be told whether it is a refusal: {}",
                message(said, &[])
            );
            outcome = RowOutcome::doubtful(status, why);
        }
        _ => outcome.version = told::version(context, &Cells::new(), said.headers),
    }
    outcome
}

fn is_failure(body: Part<'_>, failure: &[Path], success: &[Path]) -> bool {
    failure.iter().any(|path| body.at(path).is_some_and(|part| !part.is_nothing()))
        || success.iter().any(|path| body.at(path).and_then(Part::truth) == Some(false))
}

/// An API that changed another number of rows than were sent has not said which.
fn affected_rows(outcome: RowOutcome, path: &Path, sent: usize, said: Said<'_>) -> RowOutcome {
    let told: Option<u64> = Part::of(said.body).and_then(|body| body.at(path)).and_then(Part::number);
    match told {
        Some(told) if told == sent as u64 => outcome,
        Some(told) => {
            let why = format!("the server says that it changed {told} rows, and {sent} were sent");
            RowOutcome::doubtful(Some(said.status), why)
        }
        None => RowOutcome::doubtful(Some(said.status), "the server does not say how many rows it changed"),
    }
}

/// What the server says of its refusal.
pub(super) fn message(said: Said<'_>, places: &[Path]) -> String {
    let declared = Part::of(said.body).filter(|_| !places.is_empty()).and_then(|body| body.first(places));
    let words = declared.and_then(words_of).or_else(|| server_message::extract(said.body));
    let reason = StatusCode::from_u16(said.status).ok().and_then(|status| status.canonical_reason());
    let status = reason.map_or_else(|| said.status.to_string(), |reason| format!("{} {reason}", said.status));
    match words {
        Some(words) => format!("the server answered {status}: {words}"),
        None => format!("the server answered {status}"),
    }
}

/// A value of an answer as words for the user.
pub(super) fn words_of(part: Part<'_>) -> Option<String> {
    match part.text() {
        Some(text) => server_message::one_line(&text),
        None => server_message::extract(part.raw().as_bytes()),
    }
}
