//! The whole tables, as snapshots: what is safe is seen here at a glance.

use std::fmt::Write as _;

use super::*;

const KINDS: [WriteKind; 3] = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
const DOUBTS: [Doubt; 3] = [Doubt::None, Doubt::Keyed, Doubt::Open];
const AFTER: [After; 4] = [After::Again, After::Failed, After::Split, After::Stale];
const WHYS: [Why; 5] = [Why::Quota, Why::CallBound, Why::Cancelled, Why::Connection, Why::Row];

fn verdicts() -> Vec<Verdict> {
    let mut all = vec![
        Verdict::Applied,
        Verdict::Accepted,
        Verdict::Refused,
        Verdict::RefusedTogether,
        Verdict::Stale,
        Verdict::Absent,
        Verdict::Doubtful,
    ];
    all.extend(WHYS.map(Verdict::NotSent));
    all
}

fn step(kind: WriteKind, verdict: Verdict, doubt: Doubt, shared: bool) -> Step {
    decide(Case { kind, verdict, doubt, shared, status: Some(400) })
}

/// One line a verdict, with what is the same for all kinds, or shared or not, told once.
fn table() -> String {
    let mut text = String::new();
    for verdict in verdicts() {
        for doubt in DOUBTS {
            let mut cells: Vec<String> = Vec::new();
            for kind in KINDS {
                let [alone, shared] = [false, true].map(|shared| format!("{:?}", step(kind, verdict, doubt, shared)));
                cells.push(if alone == shared { alone } else { format!("{alone} / {shared}") });
            }
            let cells = if cells.iter().all(|cell| *cell == cells[0]) { cells[0].clone() } else { cells.join(", ") };
            writeln!(text, "{verdict:?} {doubt:?}: {cells}").unwrap();
        }
    }
    text
}

/// Insert, update, delete where they differ; alone / shared where that differs.
#[test]
fn every_answer_has_its_next_step() {
    insta::assert_snapshot!(table(), @"
    Applied None: Applied
    Applied Keyed: Applied
    Applied Open: Applied
    Accepted None: Accepted
    Accepted Keyed: Accepted
    Accepted Open: Accepted
    Refused None: Failed
    Refused Keyed: Failed
    Refused Open: Clear(Failed)
    RefusedTogether None: Failed / Split
    RefusedTogether Keyed: Failed / Split
    RefusedTogether Open: Clear(Failed) / Clear(Split)
    Stale None: Failed, Stale, Stale
    Stale Keyed: Failed, Clear(Stale), Clear(Stale)
    Stale Open: Clear(Failed), Clear(Stale), Clear(Stale)
    Absent None: Failed, Gone, Gone
    Absent Keyed: Failed, Unknown, Applied
    Absent Open: Clear(Failed), Unknown, Applied
    Doubtful None: Clear(Again)
    Doubtful Keyed: Clear(Again)
    Doubtful Open: Clear(Again)
    NotSent(Quota) None: Return(Quota)
    NotSent(Quota) Keyed: Leave(Quota)
    NotSent(Quota) Open: Leave(Quota)
    NotSent(CallBound) None: Return(CallBound)
    NotSent(CallBound) Keyed: Leave(CallBound)
    NotSent(CallBound) Open: Leave(CallBound)
    NotSent(Cancelled) None: Return(Cancelled)
    NotSent(Cancelled) Keyed: Leave(Cancelled)
    NotSent(Cancelled) Open: Leave(Cancelled)
    NotSent(Connection) None: Return(Connection)
    NotSent(Connection) Keyed: Leave(Connection)
    NotSent(Connection) Open: Leave(Connection)
    NotSent(Row) None: Failed
    NotSent(Row) Keyed: Clear(Failed)
    NotSent(Row) Open: Clear(Failed)
    ");
}

/// However a row came into doubt, no path sends it again before something told that it was not done.
#[test]
fn doubt_is_never_forgotten() {
    for (kind, verdict) in KINDS.into_iter().flat_map(|kind| verdicts().into_iter().map(move |verdict| (kind, verdict)))
    {
        for shared in [false, true] {
            let open = step(kind, verdict, Doubt::Open, shared);
            let forgets = matches!(open, Step::Return(_) | Step::Split | Step::Stale | Step::Failed | Step::Gone);
            assert!(!forgets, "{kind:?} {verdict:?} shared {shared}: {open:?}");
            let keyed = step(kind, verdict, Doubt::Keyed, shared);
            assert!(!matches!(keyed, Step::Return(_) | Step::Stale), "{kind:?} {verdict:?} shared {shared}: {keyed:?}");
        }
    }
}

/// A door that is shut now says nothing of who went through it before.
#[test]
fn only_a_refusal_of_what_a_row_says_speaks_for_an_earlier_request() {
    let refused = |status, doubt| {
        decide(Case { kind: WriteKind::Insert, verdict: Verdict::Refused, doubt, shared: false, status })
    };
    for (status, expected) in [
        (Some(400), Step::Failed),
        (Some(402), Step::Failed),
        (Some(422), Step::Failed),
        (Some(403), Step::Clear(After::Failed)),
        (Some(404), Step::Clear(After::Failed)),
        (Some(409), Step::Clear(After::Failed)),
        (None, Step::Clear(After::Failed)),
    ] {
        assert_eq!(refused(status, Doubt::Keyed), expected, "{status:?}");
        assert_eq!(refused(status, Doubt::None), Step::Failed, "{status:?}");
    }
}

#[test]
fn a_row_is_cleared_up_by_the_cheapest_means_that_tell() {
    let mut text = String::new();
    for after in AFTER {
        for bits in 0..8 {
            let means = Means { key: bits & 1 > 0, version: bits & 2 > 0, read: bits & 4 > 0 };
            let Means { key, version, read } = means;
            let has = [(key, "key"), (version, "version"), (read, "read")].into_iter().filter(|(has, _)| *has);
            let names: Vec<&str> = has.map(|(_, name)| name).collect();
            writeln!(text, "{after:?} [{}]: {:?}", names.join(" "), clearing(after, means)).unwrap();
        }
    }
    insta::assert_snapshot!(text, @"
    Again []: Impossible
    Again [key]: Repeat
    Again [version]: Compare
    Again [key version]: Repeat
    Again [read]: Read
    Again [key read]: Repeat
    Again [version read]: Compare
    Again [key version read]: Repeat
    Failed []: Impossible
    Failed [key]: Impossible
    Failed [version]: Impossible
    Failed [key version]: Impossible
    Failed [read]: Read
    Failed [key read]: Read
    Failed [version read]: Read
    Failed [key version read]: Read
    Split []: Impossible
    Split [key]: Impossible
    Split [version]: Impossible
    Split [key version]: Impossible
    Split [read]: Read
    Split [key read]: Read
    Split [version read]: Read
    Split [key version read]: Read
    Stale []: Impossible
    Stale [key]: Impossible
    Stale [version]: Impossible
    Stale [key version]: Impossible
    Stale [read]: Read
    Stale [key read]: Read
    Stale [version read]: Read
    Stale [key version read]: Read
    ");
}
