//! Scans of plain pages by the program, and curl fetching the same ones.

use std::path::Path;
use std::time::Duration;

use super::connect::{self, COLUMNS, CONNECT, PAGE_SIZE};
use super::{Bench, words};
use crate::contest::{Contender, Taken, alternate};
use crate::curl::{self, Way};
use crate::report::{Outcome, Verdict};
use crate::sim::Sim;
use crate::{Result, rows};

/// What is scanned, and what it may take.
pub(super) struct Scan {
    pub(super) table: &'static str,
    pub(super) columns: &'static [&'static str],
    /// Of all partitions together.
    pub(super) pages: u64,
    /// Partitions; 0 if there are none.
    pub(super) divisions: u64,
    pub(super) fields: u16,
    pub(super) is_compressed: bool,
    pub(super) latency: Duration,
    pub(super) format: &'static str,
    /// How curl fetches the pages.
    pub(super) way: Way,
    /// At most so many times curl's CPU.
    pub(super) cpu: Option<f64>,
    /// At most so many MB.
    pub(super) peak: Option<f64>,
    /// The scenario whose peak must not be exceeded by more than [`SAME`].
    pub(super) same_peak_as: Option<&'static str>,
}

/// What the allocator's luck may add to a peak.
const SAME: f64 = 1.1;
/// What a scan may take of the least time that its calls need.
const OVER_IDEAL: f64 = 1.1;

impl Scan {
    pub(super) const OF_THINGS: Self = Self {
        table: "things",
        columns: COLUMNS,
        pages: 1_000,
        divisions: 0,
        fields: 12,
        is_compressed: false,
        latency: Duration::ZERO,
        format: "csv",
        way: Way::InTurn,
        cpu: None,
        peak: None,
        same_peak_as: None,
    };

    pub(super) fn run(&self, bench: &Bench, folder: &Path, before: &[Outcome]) -> Result<Outcome> {
        let pages = bench.of(self.pages);
        let ids = pages * PAGE_SIZE / self.divisions.max(1);
        std::fs::write(folder.join("things.yaml"), connect::wide(self.fields)?)?;
        let sim = Sim::start(&bench.programs.sim, &self.flags(ids))?;
        let sql = self.sql(&sim)?;
        let tidegate = |format| {
            let state = folder.join("state").display().to_string();
            words(&bench.programs.tidegate, &["--state", &state, "--format", format, "-c", &sql])
        };
        // It also warms what is on disk, as for anybody who runs the program twice.
        rows::check(folder, &tidegate("csv"), ids, u32::try_from(self.divisions.max(1))?)?;
        let urls = self.urls(&sim, ids)?;
        let curl = curl::fetch(folder, "pages.curl", &urls, self.way)?;
        let name = if matches!(self.way, Way::AtOnce(_)) { "curl, 8 at once" } else { "curl" };
        let both = [Contender::new("tidegate", tidegate(self.format)), Contender::new(name, curl)];
        let runs = bench.runs_of(self.pages > 1_000 || !self.latency.is_zero());
        let taken = alternate(folder, Some(&sim), &both, runs)?;
        let [ours, base] = taken.as_slice() else { return Err("a program is missing".into()) };
        if base.calls.median() as u64 != pages {
            return Err(format!("curl fetched {} pages, not {pages}", base.calls.median()).into());
        }
        let mut verdicts = self.verdicts(ours, base, before);
        verdicts.extend(self.ideal(pages).map(|ideal| {
            Verdict::new(
                format!("wall ≤ {OVER_IDEAL} × {:.2} s, which the calls take", ideal),
                ours.wall.median() / ideal,
                OVER_IDEAL,
            )
        }));
        let note = format!(
            "{:.1} bytes a row in {} fields, {} of them used",
            base.bytes.median() / (pages * PAGE_SIZE) as f64,
            self.fields,
            self.columns.len()
        );
        Ok(Outcome { taken, verdicts, note: Some(note), ..Outcome::default() })
    }

    fn flags(&self, ids: u64) -> Vec<String> {
        let mut flags = format!(
            "--shape plain --totals --rows {ids} --page-size {PAGE_SIZE} --fields {} --divisions {} --latency-ms {}",
            self.fields,
            self.divisions,
            self.latency.as_millis()
        );
        // Pages are made before they are measured, unless they would fill the memory.
        if self.pages <= 1_000 {
            flags.push_str(" --prepared");
        }
        if self.is_compressed {
            flags.push_str(" --gzip");
        }
        flags.split(' ').map(str::to_owned).collect()
    }

    /// The root of the service, with a place for the partition.
    fn root(&self, sim: &Sim) -> Result<String> {
        match self.divisions {
            0 => Ok(sim.url.clone()),
            _ => Ok(format!("{}api/v1/{{partition}}/", sim.origin()?)),
        }
    }

    fn sql(&self, sim: &Sim) -> Result<String> {
        let partitions = match self.divisions {
            0 => String::new(),
            last => {
                let codes: Vec<String> = (1..=last).map(|code| code.to_string()).collect();
                format!(", partitions '{}'", codes.join(","))
            }
        };
        let (columns, table) = (self.columns.join(", "), self.table);
        Ok(format!("{CONNECT}'{}'{partitions}); SELECT {columns} FROM api.{table}", self.root(sim)?))
    }

    /// All pages, as the program asks for them.
    fn urls(&self, sim: &Sim, ids: u64) -> Result<Vec<String>> {
        let root = self.root(sim)?;
        let partitions = (1..=self.divisions.max(1)).map(|code| root.replace("{partition}", &code.to_string()));
        let page = |page: u64| match self.table {
            "feed" if page == 0 => format!("feed?limit={PAGE_SIZE}"),
            "feed" => format!("feed?cursor=after-{:x}&limit={PAGE_SIZE}", page * PAGE_SIZE),
            table => format!("{table}?page={}&per_page={PAGE_SIZE}", page + 1),
        };
        Ok(partitions
            .flat_map(|root| (0..ids / PAGE_SIZE).map(move |number| format!("{root}{}", page(number))))
            .collect())
    }

    /// Seconds that the calls take by themselves.
    fn ideal(&self, pages: u64) -> Option<f64> {
        let at_once = if let Way::AtOnce(most) = self.way { most } else { 1 };
        (!self.latency.is_zero()).then(|| pages as f64 * self.latency.as_secs_f64() / at_once as f64)
    }

    fn verdicts(&self, ours: &Taken, base: &Taken, before: &[Outcome]) -> Vec<Verdict> {
        let cpu = self
            .cpu
            .map(|most| Verdict::new(format!("CPU ≤ {most:.1} × curl's"), ours.cpu.over(&base.cpu).median(), most));
        let peak = ours.peak.median() / 1e6;
        let most = self.peak.map(|most| Verdict::new(format!("peak ≤ {most} MB"), peak, most));
        let same = self.same_peak_as.and_then(|other| {
            let other = before.iter().find(|outcome| outcome.name == other)?;
            let says = format!("the peak of {}, ± 10 %", other.name);
            Some(Verdict::new(says, ours.peak.median() / other.taken.first()?.peak.median(), SAME))
        });
        [cpu, most, same].into_iter().flatten().collect()
    }
}
