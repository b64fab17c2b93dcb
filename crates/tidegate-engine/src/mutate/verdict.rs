//! What is said of a mutation that was not all done: counts, why, and what to do next.

use tidegate_mutation::Counts;

use super::summary::{MutationEnd, MutationPhase, MutationSummary};
use crate::{Error, ErrorKind};

/// The error that a mutation's statement ends with, after its rows; `None` when all was done. `failed` is the kind of one
/// that something of ours ended, `first` why the first row was not done that was not.
pub(crate) fn verdict(summary: &MutationSummary, failed: ErrorKind, first: Option<&str>) -> Option<Error> {
    let MutationPhase::Ended(end) = &summary.phase else { return None };
    if summary.is_complete() {
        return None;
    }
    let (kind, why) = match end {
        MutationEnd::Done | MutationEnd::Planned => (ErrorKind::MutationIncomplete, None),
        MutationEnd::Failures(why) | MutationEnd::Connection(why) => {
            (ErrorKind::MutationIncomplete, Some(why.as_str()))
        }
        MutationEnd::Stopped(why) => (ErrorKind::MutationStopped, Some(why.as_str())),
        MutationEnd::Cancelled => (ErrorKind::Cancelled, Some("it was cancelled")),
        MutationEnd::Failed(why) => (failed, Some(why.as_str())),
    };
    let mut sentences = vec![format!("mutation {}: {}", summary.id, counted(&summary.counts))];
    sentences.extend(why.map(str::to_owned));
    if *end == MutationEnd::Done {
        sentences.extend(first.map(|first| format!("the first of these: {first}")));
    }
    sentences.extend(
        summary
            .failed_partitions
            .iter()
            .take(MOST_PARTITIONS)
            .map(|(code, why)| format!("partition {code} was left out: {why}")),
    );
    let more = summary.failed_partitions.len().saturating_sub(MOST_PARTITIONS);
    if more > 0 {
        sentences.push(format!("{more} more partitions were left out"));
    }
    sentences.extend(advice(summary));
    Some(Error::new(kind, sentences.join("; ")))
}

/// Partitions that a message names.
const MOST_PARTITIONS: usize = 5;

/// `60 of 100 rows were applied, 3 failed, 37 are left`
fn counted(counts: &Counts) -> String {
    let rows = if counts.selected == 1 { "row was" } else { "rows were" };
    let mut text = format!("{} of {} {rows} applied", counts.applied, counts.selected);
    let are = |number: u64, one: &str, many: &str| match number {
        0 => String::new(),
        1 => format!(", 1 {one}"),
        number => format!(", {number} {many}"),
    };
    text += &are(counts.accepted, "was accepted for later", "were accepted for later");
    text += &are(counts.failed, "failed", "failed");
    text += &are(counts.skipped, "was skipped", "were skipped");
    text += &are(counts.unknown, "is unknown", "are unknown");
    text += &are(counts.left, "is left", "are left");
    text
}

fn advice(summary: &MutationSummary) -> Vec<String> {
    let Counts { failed, skipped, unknown, left, .. } = summary.counts;
    let id = &summary.id;
    let mut advice = Vec::new();
    if failed + skipped + unknown > 0 {
        advice.push(format!(
            "SELECT * FROM system.mutation_rows WHERE mutation_id = '{id}' AND outcome IN ('failed', 'skipped', 'unknown') \
             says why"
        ));
    }
    let goes_on = match (left > 0, failed > 0, unknown > 0) {
        (true, false, _) => "goes on with what is left",
        (true, true, _) => "goes on with what is left, and tries those that failed again",
        (false, true, _) => "tries those that failed again",
        (false, false, true) => "looks again at those that are unknown, where the API can tell",
        (false, false, false) => "",
    };
    if !goes_on.is_empty() {
        advice.push(format!("RESUME MUTATION '{id}' {goes_on}"));
    }
    if !summary.failed_partitions.is_empty() {
        advice.push("run the statement again for the partitions that were left out".to_owned());
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(end: MutationEnd, counts: Counts) -> MutationSummary {
        let phase = MutationPhase::Ended(end);
        MutationSummary { id: "a1".to_owned(), counts, calls: 7, phase, failed_partitions: Vec::new() }
    }

    fn told(summary: MutationSummary) -> Option<Error> {
        verdict(&summary, ErrorKind::Local, Some("no such country"))
    }

    #[test]
    fn only_what_is_all_done_is_no_error() {
        let counts = Counts { selected: 3, applied: 2, accepted: 1, ..Counts::default() };
        assert!(told(summary(MutationEnd::Done, counts)).is_none());
        assert!(told(summary(MutationEnd::Planned, Counts { selected: 3, left: 3, ..counts })).is_none());
        assert!(told(summary(MutationEnd::Done, Counts::default())).is_none());
        let mut partial = summary(MutationEnd::Done, counts);
        partial.failed_partitions.push(("102".to_owned(), "no answer".to_owned()));
        let error = told(partial).expect("a partition was left out");
        assert_eq!(error.kind(), ErrorKind::MutationIncomplete);
        assert!(error.to_string().contains("partition 102 was left out: no answer"), "{error}");
    }

    #[test]
    fn says_how_far_it_came_and_how_to_go_on() {
        let stopped = MutationEnd::Stopped("daily is spent".to_owned());
        let counts = |failed, skipped, unknown, left| Counts {
            selected: 10,
            applied: 10 - failed - skipped - unknown - left,
            failed,
            skipped,
            unknown,
            left,
            ..Counts::default()
        };
        let cases = [
            (stopped, counts(0, 0, 0, 4), ErrorKind::MutationStopped, "RESUME MUTATION 'a1' goes on with what is left"),
            (MutationEnd::Done, counts(1, 0, 0, 0), ErrorKind::MutationIncomplete, "tries those that failed again"),
            (MutationEnd::Done, counts(0, 2, 0, 0), ErrorKind::MutationIncomplete, "2 were skipped"),
            (MutationEnd::Done, counts(0, 0, 1, 0), ErrorKind::MutationIncomplete, "looks again at those"),
            (MutationEnd::Cancelled, counts(0, 0, 0, 9), ErrorKind::Cancelled, "1 of 10 rows were applied, 9 are left"),
        ];
        for (end, counts, kind, part) in cases {
            let error = told(summary(end, counts)).expect(part);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
        let skipped = told(summary(MutationEnd::Done, counts(0, 2, 0, 0))).unwrap().to_string();
        assert!(!skipped.contains("RESUME"), "{skipped}");
    }
}
