//! What an answer means for the rows of its request: outcomes are kept, the others are sorted by what comes next.

use std::collections::BTreeMap;

use tidegate_remote::write::{Cells, RowOutcome, Verdict};
use tidegate_spec::WriteKind;
use tidegate_state::RowState;

use crate::book::Ending;
use crate::clear::Unclear;
use crate::decide::{After, Case, Step, decide};
use crate::group::split;
use crate::item::{Doubted, Item, Parcel, Ready, Said};
use crate::run::Run;
use crate::wire::{Halt, key_columns, not_before};

/// Rows of an answer that have no outcome yet, by what comes next.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// To be sent.
    pub(crate) ready: Vec<Ready>,
    /// To be cleared up, or selected anew.
    pub(crate) unclear: Unclear,
    /// Why nothing more is to be sent.
    pub(crate) halt: Option<Halt>,
}

/// Sorts the open rows of an answered request.
pub(crate) fn sort(run: &Run<'_>, mut parcel: Parcel, outcomes: Vec<RowOutcome>) -> Sorted {
    let mut sorted = Sorted::default();
    let (mut split_up, mut doubts) = (Vec::new(), BTreeMap::<After, Vec<(usize, Item)>>::new());
    let shared = parcel.writes.len() > 1;
    note_health(run, &outcomes);
    let mut outcomes: Vec<Option<RowOutcome>> = outcomes.into_iter().map(Some).collect();
    for (place, mut item) in std::mem::take(&mut parcel.open) {
        let outcome = outcomes.get_mut(place).and_then(Option::take).unwrap_or_else(untold);
        item.said = Said::of(&outcome);
        let (kind, verdict, status) = (item.row.kind, outcome.verdict, outcome.status);
        let case = Case { kind, verdict, doubt: parcel.doubt(&item), shared, status };
        match decide(case) {
            Step::Applied => done(run, &item, RowState::Applied, outcome),
            Step::Accepted => done(run, &item, RowState::Accepted, outcome),
            Step::Failed => run.failed(&item.row, &item.said),
            Step::Gone => run.end(&item.row, Ending::without(RowState::Skipped, outcome.status, gone(item.row.kind))),
            Step::Unknown => run.end(&item.row, Ending::without(RowState::Unknown, outcome.status, never_told())),
            Step::Stale => sorted.unclear.stale.push(item),
            Step::Split => split_up.push(item),
            // In doubt, the journal keeps it as sent: only this attempt was none.
            Step::Return(why) | Step::Leave(why) => {
                run.book.returned([&item]);
                sorted.halt = Some(Halt { why, said: item.said.sentence() });
            }
            Step::Clear(after) => doubts.entry(after).or_default().push((place, item)),
        }
    }
    if !split_up.is_empty() {
        // All of them were refused: they are no longer in doubt.
        run.book.returned(split_up.iter().filter(|item| !item.in_doubt));
        let items = split_up.into_iter().map(|item| Item { in_doubt: false, ..item.renewed() }).collect();
        sorted.ready = split(&run.job.table, items).into_iter().map(Ready::New).collect();
    }
    for (after, open) in doubts {
        sorted.unclear.doubted.push(in_doubt(run, &parcel, after, open));
    }
    sorted
}

/// Rows of a request that have to be cleared up.
fn in_doubt(run: &Run<'_>, parcel: &Parcel, after: After, mut open: Vec<(usize, Item)>) -> Doubted {
    open.iter_mut().for_each(|(_, item)| item.in_doubt = true);
    let repeats = open.iter().map(|(_, item)| item.repeats).max().unwrap_or(0);
    let not_before = not_before(run.job.clock.as_ref(), repeats);
    Doubted { parcel: Parcel { open, ..parcel.clone() }, after, not_before }
}

/// Tells the brake whether the server still answers in a way that tells.
fn note_health(run: &Run<'_>, outcomes: &[RowOutcome]) {
    let doubtful = outcomes.iter().find(|outcome| outcome.verdict == Verdict::Doubtful);
    match doubtful {
        Some(outcome) => run.brake.doubtful(&Said::of(outcome).sentence()),
        None if outcomes.iter().any(|outcome| !matches!(outcome.verdict, Verdict::NotSent(_))) => run.brake.told(),
        None => {}
    }
}

fn done(run: &Run<'_>, item: &Item, state: RowState, outcome: RowOutcome) {
    let key = if item.row.kind == WriteKind::Insert { key_columns(&run.job.table) } else { Vec::new() };
    run.end(&item.row, Ending::told(state, outcome, &key));
}

fn gone(kind: WriteKind) -> String {
    let text = if kind == WriteKind::Delete { "the row was deleted already" } else { "the row is gone" };
    text.to_owned()
}

fn never_told() -> String {
    "the row is gone, and nothing tells whether it was changed before".to_owned()
}

/// For a row that an answer leaves out.
fn untold() -> RowOutcome {
    RowOutcome { verdict: Verdict::Doubtful, status: None, message: None, row: Cells::new(), version: None }
}
