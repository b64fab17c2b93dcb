//! The journal of mutations: how many rows a second pass through it, by the size of the groups in which they are committed.
//!
//! Each row is sent and ends: a commit keeps that the rows of one group are about to leave, and what became of those of the
//! group before, as a run does. A commit waits for the disk, whose own pace is measured beside it: a page appended and
//! synchronized. Groups stand for what callers hand over while one commit is written.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::resource::{UsageWho, getrusage};
use tidegate_state::{Journal, MutationStart, RowChange, RowStart, RowState};

use crate::Result;

const ROWS: u64 = 50_000;
/// The selection is kept in chunks of so many rows.
const CHUNK: u64 = 1_000;
const GROUPS: &[u64] = &[1, 8, 32, 100, 1_000];
/// Most commits of one measurement: small groups do with fewer rows.
const COMMITS: u64 = 5_000;
const SYNCS: u32 = 500;
const PAGE: usize = 4_096;

/// Prints what rows cost.
pub(crate) fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!(
        "journal: an update of up to {ROWS} rows; the disk takes {:.0} synchronized pages a second",
        syncs(folder.path())?
    );
    println!(
        "{:>8} {:>8} {:>8} {:>10} {:>10} {:>12} {:>12} {:>10}",
        "kept in", "group", "rows", "rows/s", "commits/s", "selected/s", "CPU us/row", "bytes/row"
    );
    for &group in GROUPS {
        measure(Some(tempfile::tempdir()?.path()), group)?;
    }
    measure(None, 100)
}

/// Pages that are appended and synchronized in a second.
fn syncs(folder: &Path) -> Result<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("pages"))?;
    let start = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[1; PAGE])?;
        file.sync_data()?;
    }
    Ok(f64::from(SYNCS) / start.elapsed().as_secs_f64())
}

fn measure(folder: Option<&Path>, group: u64) -> Result<()> {
    let journal = folder.map_or_else(Journal::in_memory, Journal::in_folder);
    let rows = ROWS.min(group * COMMITS);
    let id = "01890a5d-ac96-874b-b2a5-3a0f9c2d7e11";
    journal.create(&mutation(id))?;
    let start = Instant::now();
    for first in (0..rows).step_by(CHUNK as usize) {
        let chunk: Vec<_> = (first..rows.min(first + CHUNK)).map(row).collect();
        journal.add_rows(id, &chunk)?;
    }
    journal.seal(id, SystemTime::now(), false)?;
    let selecting = start.elapsed();

    let (start, used) = (Instant::now(), cpu()?);
    let mut commits = 0_u32;
    let mut before = 0..0;
    for first in (0..=rows).step_by(group as usize) {
        let now = first..rows.min(first + group);
        let mut changes: Vec<_> = before.map(ended).collect();
        changes.extend(now.clone().map(|ordinal| sending(ordinal, first / group)));
        journal.commit(id, &changes)?;
        commits += 1;
        before = now;
    }
    let (running, used) = (start.elapsed(), cpu()? - used);
    let per_second = |number: f64, time: Duration| number / time.as_secs_f64();
    let bytes = journal.prune(SystemTime::UNIX_EPOCH, u64::MAX)?.bytes;
    println!(
        "{:>8} {:>8} {:>8} {:>10.0} {:>10.0} {:>12.0} {:>12.1} {:>10}",
        if folder.is_some() { "disk" } else { "memory" },
        group,
        rows,
        per_second(rows as f64, running),
        per_second(commits.into(), running),
        per_second(rows as f64, selecting),
        used * 1e6 / rows as f64,
        bytes / rows
    );
    Ok(())
}

/// CPU of this process so far, in seconds.
fn cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn mutation(id: &str) -> MutationStart {
    MutationStart {
        id: id.to_owned(),
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
        started_at: SystemTime::now(),
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
        sent_at: SystemTime::now(),
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
        ended_at: SystemTime::now(),
    }
}
