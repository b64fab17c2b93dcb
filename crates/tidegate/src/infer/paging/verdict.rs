//! What trying a candidate has shown.

use super::Candidate;
use crate::infer::Sample;
use crate::infer::json::Json;
use crate::infer::page::Page;

/// What trying a candidate has shown.
#[derive(Debug)]
pub(in crate::infer) enum Verdict<'s> {
    /// It was not tried, or the try says nothing: a server that was busy, a token that may not.
    Untried,
    /// The next page begins with another row.
    Moved(Page<'s>),
    /// The next page has no rows.
    Ended,
    /// The next page begins with the same row: the parameter is passed over.
    Repeated,
    /// The next page was refused, or has no rows where the first has them.
    Refused(u16),
}

/// Of all candidates the one that the further samples speak for most, and what they say.
pub(in crate::infer) fn verdict<'s>(
    page: &Page<'_>,
    candidates: Vec<Candidate>,
    further: &'s [Sample],
) -> Option<(Candidate, Verdict<'s>)> {
    let judged = candidates.into_iter().map(|candidate| {
        let asked = further.iter().find(|sample| candidate.next.as_ref() == Some(&sample.url));
        let verdict = asked.map_or(Verdict::Untried, |sample| judge(page, sample));
        (candidate, verdict)
    });
    let rank = |verdict: &Verdict<'_>| match verdict {
        Verdict::Moved(_) => 0,
        Verdict::Ended => 1,
        _ => 2,
    };
    judged.min_by_key(|(_, verdict)| rank(verdict))
}

fn judge<'s>(page: &Page<'_>, sample: &'s Sample) -> Verdict<'s> {
    let status = sample.status.as_u16();
    if matches!(status, 401 | 403 | 429 | 500..) {
        return Verdict::Untried;
    }
    let Some(next) = page.further(sample) else { return Verdict::Refused(status) };
    match (page.rows().first(), next.rows().first()) {
        (_, None) => Verdict::Ended,
        (Some(before), Some(first)) if is_same(before, first) => Verdict::Repeated,
        _ => Verdict::Moved(next),
    }
}

/// Whether two rows are the same, by their id if they have one: other members may change from moment to moment.
fn is_same(one: &Json, other: &Json) -> bool {
    let id = |row: &Json| ["id", "uuid", "key"].iter().find_map(|name| row.get(name).cloned());
    match (id(one), id(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
