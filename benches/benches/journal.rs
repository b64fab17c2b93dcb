//! The journal of mutations: what a commit costs, by the size of the group of rows in it.
//!
//! A commit keeps that the rows of one group are about to leave, and what became of those of the group before, as a run
//! does. On disk it waits for the disk, whose own pace is measured beside it: a page appended and synchronized.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to say")]

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::time::SystemTime;

use divan::Bencher;
use divan::counter::ItemsCount;
use tidegate_state::{Journal, MutationStart, RowChange, RowStart, RowState};

/// Rows of a commit.
const GROUPS: [u64; 3] = [1, 8, 100];
/// Commits of one measurement: as many as there are rows for.
const COMMITS: u32 = 200;
/// The selection is kept in chunks of so many rows.
const CHUNK: usize = 1_000;
const PAGE: usize = 4_096;
const ID: &str = "01890a5d-ac96-874b-b2a5-3a0f9c2d7e11";

fn main() {
    divan::main();
}

#[divan::bench(args = GROUPS, sample_count = COMMITS, sample_size = 1)]
fn on_disk(bencher: Bencher<'_, '_>, group: u64) {
    let folder = tempfile::tempdir().unwrap();
    commits(bencher, &Journal::in_folder(folder.path()), group);
}

#[divan::bench(args = GROUPS, sample_count = COMMITS, sample_size = 1)]
fn in_memory(bencher: Bencher<'_, '_>, group: u64) {
    commits(bencher, &Journal::in_memory(), group);
}

/// What a commit waits for.
#[divan::bench(sample_count = COMMITS, sample_size = 1)]
fn synchronized_page(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(folder.path().join("pages")).unwrap();
    bencher.bench_local(|| {
        file.write_all(&[1; PAGE]).unwrap();
        file.sync_data().unwrap();
    });
}

fn commits(bencher: Bencher<'_, '_>, journal: &Journal, group: u64) {
    // One commit more than is counted warms what is below.
    let rows = group * u64::from(COMMITS + 2);
    journal.create(&mutation()).unwrap();
    for chunk in (0..rows).map(row).collect::<Vec<_>>().chunks(CHUNK) {
        journal.add_rows(ID, chunk).unwrap();
    }
    journal.seal(ID, SystemTime::UNIX_EPOCH, false).unwrap();
    let mut next = 0;
    let mut before = 0..0;
    let changes = || {
        let now = next..next + group;
        next += group;
        changes(std::mem::replace(&mut before, now.clone()), now)
    };
    let bencher = bencher.counter(ItemsCount::new(group)).with_inputs(changes);
    bencher.bench_local_values(|changes| journal.commit(ID, &changes).unwrap());
}

fn changes(before: Range<u64>, now: Range<u64>) -> Vec<RowChange> {
    let request = now.start;
    before.map(ended).chain(now.map(|ordinal| sending(ordinal, request))).collect()
}

fn mutation() -> MutationStart {
    MutationStart {
        id: ID.to_owned(),
        principal: "local".to_owned(),
        kind: "update".to_owned(),
        statement: "UPDATE accounts@erp SET city = upper(city)".to_owned(),
        settings: "{}".to_owned(),
        connection: "erp".to_owned(),
        table: "accounts".to_owned(),
        origin: "https://erp.example".to_owned(),
        fingerprint: "f00d".to_owned(),
        undo_of: None,
        is_planned: false,
        label: None,
        started_at: SystemTime::UNIX_EPOCH,
    }
}

fn row(ordinal: u64) -> RowStart {
    RowStart {
        ordinal,
        partition: None,
        kind: "update".to_owned(),
        key: Some(format!("{{\"id\":\"{ordinal:012}\"}}")),
        old: Some(format!("{{\"city\":\"Amsterdam {ordinal}\",\"_etag\":\"W/\\\"1\\\"\"}}")),
        new: Some(format!("{{\"city\":\"AMSTERDAM {ordinal}\"}}")),
        version: Some("W/\"1\"".to_owned()),
        undoes: None,
    }
}

fn sending(ordinal: u64, request: u64) -> RowChange {
    RowChange::Sending {
        ordinal,
        request,
        idempotency_key: Some(format!("01890a5d-ac96-874b-b2a5-{ordinal:012x}")),
        digest: Some(format!("{ordinal:064x}")),
        sent_at: SystemTime::UNIX_EPOCH,
    }
}

fn ended(ordinal: u64) -> RowChange {
    RowChange::Ended {
        ordinal,
        state: RowState::Applied,
        status: Some(204),
        error: None,
        returned: None,
        key: None,
        version: Some("W/\"2\"".to_owned()),
        ended_at: SystemTime::UNIX_EPOCH,
    }
}
