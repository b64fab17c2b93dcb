//! An update of many rows, with the journal on disk and in memory; curl reads the same pages and sends the same requests,
//! one after the other.
//!
//! The simulator has no quotas and no latency, so that all of the time is the program's, the simulator's and the disk's.

use std::fmt::Write as _;
use std::path::Path;

use super::{Bench, words};
use crate::Result;
use crate::contest::{Contender, Job, Taken, alternate};
use crate::curl::{self, Write};
use crate::report::Outcome;
use crate::sim::Sim;

const ROWS: u64 = 50_000;
/// Rows of a page that is read.
const READ: u64 = 1_000;

/// How rows are sent.
pub(super) struct Update {
    /// Rows of a request; one by one without it.
    pub(super) batch: Option<u64>,
}

impl Update {
    pub(super) fn run(&self, bench: &Bench, folder: &Path) -> Result<Outcome> {
        let rows = bench.of(ROWS);
        let flags = format!("--shape odata --rows 1000 --size Products={rows} --page-size {READ}");
        let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
        let sim = Sim::start(&bench.programs.sim, &flags)?;
        let sql = self.sql(&sim);
        let program = &bench.programs.tidegate;
        let tidegate = |state: &str| words(program, &["--state", state, "--format", "csv", "-c", &sql]);
        let on_disk = || {
            let state = tempfile::tempdir_in(folder)?;
            let path = state.path().display().to_string();
            Ok(Job { command: tidegate(&path), state: Some(state) })
        };
        let all = [
            Contender::anew("tidegate", on_disk),
            Contender::new("curl", self.curl(folder, &sim, rows)?),
            Contender::new("tidegate, state in memory", tidegate(":memory:")),
        ];
        let taken = alternate(folder, Some(&sim), &all, bench.runs_of(true))?;
        if let Some(wrong) = taken.iter().find(|taken| taken.effects.shown(0) != rows.to_string()) {
            return Err(format!("{} changed {} rows, not {rows}", wrong.name, wrong.effects.shown(0)).into());
        }
        let note = note(&taken, rows);
        Ok(Outcome { taken, note, ..Outcome::default() })
    }

    fn sql(&self, sim: &Sim) -> String {
        let batch = self.batch.map(|rows| format!(", batch 'json', batch_size '{rows}'")).unwrap_or_default();
        let url = &sim.url;
        format!(
            "CREATE CONNECTION erp USING odata OPTIONS (url '{url}', writes 'true'{batch}); UPDATE erp.products SET stock = 7"
        )
    }

    fn curl(&self, folder: &Path, sim: &Sim, rows: u64) -> Result<Vec<String>> {
        let url = &sim.url;
        let pages: Vec<String> =
            (0..rows.div_ceil(READ)).map(|page| format!("{url}Products?$top={READ}&$skip={}", page * READ)).collect();
        let body = r#"{"Stock":7}"#;
        let mut writes = Vec::new();
        match self.batch {
            None => writes.extend((1..=rows).map(|id| Write {
                method: "PATCH",
                url: format!("{url}Products({id})"),
                body: body.to_owned(),
            })),
            Some(batch) => {
                for first in (1..=rows).step_by(usize::try_from(batch)?) {
                    let mut requests = String::new();
                    for id in first..(first + batch).min(rows + 1) {
                        let comma = if requests.is_empty() { "" } else { "," };
                        write!(
                            requests,
                            r#"{comma}{{"id":"{id}","method":"PATCH","url":"Products({id})","headers":{{"content-type":"application/json"}},"body":{body}}}"#
                        )?;
                    }
                    let body = format!("{{\"requests\":[{requests}]}}");
                    writes.push(Write { method: "POST", url: format!("{url}$batch"), body });
                }
            }
        }
        curl::send(folder, "writes.curl", &pages, &writes)
    }
}

/// The pace, and how much of the time is the disk's.
fn note(taken: &[Taken], rows: u64) -> Option<String> {
    let [ours, _, in_memory] = taken else { return None };
    let (wall, without) = (ours.wall.median(), in_memory.wall.median());
    Some(format!(
        "{:.0} rows a second; the disk takes {:.0} % of the time",
        rows as f64 / wall,
        (wall - without) / wall * 100.0
    ))
}
