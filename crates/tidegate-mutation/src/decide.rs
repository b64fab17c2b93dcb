//! The rules of what comes after an answer, as pure tables. All that makes a mutation safe is decided here.
//!
//! A row is in *doubt* once a request that carried it may have been acted on without our knowing. From then on only
//! something that tells apart "done" and "not done" ends the doubt: the API's memory under a key, its comparison of the
//! row's version, or the row itself, read back. No path leads from a doubtful row to a request that could do it twice.

use tidegate_remote::write::{Verdict, Why};
use tidegate_spec::WriteKind;

/// Whether an earlier request that carried the row may have been acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// Surely not.
    None,
    /// It may, and this request was sent under the same idempotency key: its answer speaks for both.
    Keyed,
    /// It may, and this answer speaks only for itself.
    Open,
}

/// A row and the answer to the last request that carried it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) kind: WriteKind,
    pub(crate) verdict: Verdict,
    pub(crate) doubt: Doubt,
    /// Whether the request carried other rows too.
    pub(crate) shared: bool,
    /// HTTP status.
    pub(crate) status: Option<u16>,
}

/// What comes next for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is done.
    Applied,
    /// The API has taken it for later.
    Accepted,
    /// It is refused: nothing was changed.
    Failed,
    /// There is nothing to be changed.
    Gone,
    /// It was done or not, and nothing will tell.
    Unknown,
    /// Somebody else has changed it: it is selected anew, or skipped.
    Stale,
    /// It is sent again with fewer rows.
    Split,
    /// It has surely not left: it is selected again, and the lane stops.
    Return(Why),
    /// It stays as it is on disk, for a later run to clear up, and the lane stops.
    Leave(Why),
    /// It has to be found out whether it was done.
    Clear(After),
}

/// What comes after it was found out that a row was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum After {
    /// It is sent again.
    Again,
    /// It has failed: a later request was refused.
    Failed,
    /// It is sent with fewer rows: a later request was refused as a whole.
    Split,
    /// It is selected anew: somebody else has changed it.
    Stale,
}

impl Case {
    /// Its doubt, as far as this answer speaks for earlier requests. A refusal does so only if it comes from what remembers
    /// the keys: rights, paths and sizes are looked at before.
    fn trusted(self) -> Doubt {
        let is_refusal = matches!(self.verdict, Verdict::Refused | Verdict::RefusedTogether);
        match self.doubt {
            Doubt::Keyed if is_refusal && !matches!(self.status, Some(400 | 402 | 422)) => Doubt::Open,
            doubt => doubt,
        }
    }
}

/// What an answer means for a row.
pub(crate) fn decide(case: Case) -> Step {
    let Case { kind, verdict, shared, .. } = case;
    let doubt = case.trusted();
    match (verdict, doubt) {
        (Verdict::Applied, _) => Step::Applied,
        (Verdict::Accepted, _) => Step::Accepted,
        (Verdict::Refused, Doubt::Open) => Step::Clear(After::Failed),
        (Verdict::Refused, _) => Step::Failed,
        (Verdict::RefusedTogether, doubt) => refused_together(doubt, shared),
        (Verdict::Stale, doubt) => stale(kind, doubt),
        (Verdict::Absent, doubt) => absent(kind, doubt),
        (Verdict::Doubtful, _) => Step::Clear(After::Again),
        (Verdict::NotSent(Why::Row), Doubt::None) => Step::Failed,
        (Verdict::NotSent(Why::Row), _) => Step::Clear(After::Failed),
        (Verdict::NotSent(why), Doubt::None) => Step::Return(why),
        // "Not sent" is said of this request only: the earlier one may have been acted on.
        (Verdict::NotSent(why), _) => Step::Leave(why),
    }
}

fn refused_together(doubt: Doubt, shared: bool) -> Step {
    match (doubt, shared) {
        (Doubt::Open, true) => Step::Clear(After::Split),
        (Doubt::Open, false) => Step::Clear(After::Failed),
        (_, true) => Step::Split,
        (_, false) => Step::Failed,
    }
}

fn stale(kind: WriteKind, doubt: Doubt) -> Step {
    match (kind, doubt) {
        // There was no version to compare: an API that answers so has refused it.
        (WriteKind::Insert, Doubt::Open) => Step::Clear(After::Failed),
        (WriteKind::Insert, _) => Step::Failed,
        (_, Doubt::None) => Step::Stale,
        // The other who changed the row may have been ourselves. That holds under a key too: servers look at the version
        // before they look for the key (RFC 9110, 13.2.1, has no word on keys).
        (_, Doubt::Keyed | Doubt::Open) => Step::Clear(After::Stale),
    }
}

fn absent(kind: WriteKind, doubt: Doubt) -> Step {
    match (kind, doubt) {
        (WriteKind::Insert, Doubt::Open) => Step::Clear(After::Failed),
        (WriteKind::Insert, _) => Step::Failed,
        // It may have been changed before it went; a key does not help, as in `stale`.
        (WriteKind::Update, Doubt::Keyed | Doubt::Open) => Step::Unknown,
        (WriteKind::Delete, Doubt::Keyed | Doubt::Open) => Step::Applied,
        (WriteKind::Update | WriteKind::Delete, Doubt::None) => Step::Gone,
    }
}

/// What can tell whether a doubtful row was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// The same request can be sent again: its idempotency key lives, and it would have the same bytes.
    pub(crate) key: bool,
    /// The row has the version that it was sent with, and the API compares it.
    pub(crate) version: bool,
    /// The row can be read by its key.
    pub(crate) read: bool,
}

/// How a doubtful row is cleared up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clearing {
    /// It is sent again under the same key.
    Repeat,
    /// It is sent again with the same version.
    Compare,
    /// It is read back.
    Read,
    /// It cannot be.
    Impossible,
}

/// The cheapest way that tells. What was refused, or found stale, later is not sent again: only reading tells then.
pub(crate) fn clearing(after: After, means: Means) -> Clearing {
    match (after, means) {
        (After::Again, Means { key: true, .. }) => Clearing::Repeat,
        (After::Again, Means { version: true, .. }) => Clearing::Compare,
        (_, Means { read: true, .. }) => Clearing::Read,
        _ => Clearing::Impossible,
    }
}

#[cfg(test)]
mod tests;
