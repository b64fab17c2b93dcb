//! A full scan of many pages: memory must not grow with their number.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::measure::{Usage, median};

const PAGE_SIZE: u64 = 100;
const RUNS: usize = 3;

/// A simulator in a process of its own; stopped when dropped.
pub(crate) struct Sim {
    child: Child,
    pub(crate) url: String,
}

impl Sim {
    /// With these flags beside its port.
    pub(crate) fn start(folder: &Path, flags: &[&str]) -> Result<Self> {
        let mut child = Command::new(folder.join("tidegate-sim"))
            .args(["--shape", "odata", "--port", "0"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let stdout = child.stdout.take().ok_or("the simulator has no output")?;
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the scans' figures.
pub(crate) fn run(folder: &Path) -> Result<()> {
    println!("scan of Accounts, 7 of its columns, {PAGE_SIZE} rows a page; median of {RUNS} runs");
    println!("{:>8} {:>9} {:>12} {:>12} {:>10} {:>10}", "pages", "rows", "peak MB", "curl MB", "CPU/curl", "wall/curl");
    for pages in [1_000, 10_000] {
        let (rows, page) = ((pages * PAGE_SIZE).to_string(), PAGE_SIZE.to_string());
        let sim = Sim::start(folder, &["--rows", &rows, "--page-size", &page])?;
        let scan = tidegate(folder, &sim.url)?;
        let curl = curl(&sim.url, pages)?;
        println!(
            "{pages:>8} {:>9} {:>12.1} {:>12.1} {:>10.2} {:>10.2}",
            pages * PAGE_SIZE,
            megabytes(&scan),
            megabytes(&curl),
            scan.cpu / curl.cpu,
            scan.wall / curl.wall
        );
    }
    Ok(())
}

fn megabytes(usage: &Usage) -> f64 {
    usage.peak_kib as f64 * 1024.0 / 1e6
}

fn tidegate(folder: &Path, url: &str) -> Result<Usage> {
    let sql = format!(
        "CREATE CONNECTION erp USING odata OPTIONS (url '{url}');
         SELECT id, name, region, status, revenue, employees, createdat FROM erp.accounts"
    );
    let program = folder.join("tidegate").display().to_string();
    let arguments = ["--state", ":memory:", "--format", "csv", "-c", &sql];
    median(RUNS, &[vec![program], arguments.map(str::to_owned).to_vec()].concat())
}

/// Fetches the same pages with the same `$select`, on one connection.
fn curl(url: &str, pages: u64) -> Result<Usage> {
    let mut config = String::from("silent\nfail\n");
    for page in 0..pages {
        let query = "$select=Id,Name,Region,Status,Revenue,Employees,CreatedAt";
        let skip = page * PAGE_SIZE;
        writeln!(config, "url = \"{url}Accounts?{query}&$top={PAGE_SIZE}&$skip={skip}\"\noutput = \"/dev/null\"")?;
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), config)?;
    median(RUNS, &["curl".to_owned(), "--config".to_owned(), file.path().display().to_string()])
}
