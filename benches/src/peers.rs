//! What users would pick instead, on the first scenario's pages. Each is installed from PyPI, and does what its own
//! documentation shows: `benches/peers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contest::{Contender, Taken, alternate};
use crate::report::aligned;
use crate::scenario::{Bench, COLUMNS, CONNECT, PAGE_SIZE, folder, words};
use crate::sim::Sim;
use crate::{Result, curl, rows};

/// A line for people.
pub(crate) const WHAT: &str = "1,000 pages of 100 rows, 7 of 12 fields, by what users would pick instead";

const PAGES: u64 = 1_000;

const REQUIREMENTS: &str = include_str!("../peers/requirements.txt");

/// A script, and what it is called with beside the URL, the number of pages and the file for the rows.
struct Peer {
    name: &'static str,
    script: &'static str,
    text: &'static str,
    way: &'static [&'static str],
}

const DUCKDB: &str = include_str!("../peers/scan_duckdb.py");

const ALL: &[Peer] = &[
    Peer {
        name: "dlt, rest_api into DuckDB",
        script: "scan_dlt.py",
        text: include_str!("../peers/scan_dlt.py"),
        way: &[],
    },
    Peer { name: "duckdb, read_json", script: "scan_duckdb.py", text: DUCKDB, way: &[] },
    Peer { name: "duckdb, read_json, force_download", script: "scan_duckdb.py", text: DUCKDB, way: &["whole"] },
    Peer {
        name: "httpx, json, pyarrow",
        script: "scan_python.py",
        text: include_str!("../peers/scan_python.py"),
        way: &[],
    },
];

/// Installs the peers where that was not done, measures them, and returns the table.
pub(crate) fn run(bench: &Bench) -> Result<String> {
    let python = install()?;
    let folder = folder()?;
    let pages = if bench.is_quick { PAGES / 10 } else { PAGES };
    let ids = pages * PAGE_SIZE;
    let flags = format!("--shape plain --totals --prepared --rows {ids} --page-size {PAGE_SIZE}");
    let sim = Sim::start(&bench.programs.sim, &flags.split(' ').map(str::to_owned).collect::<Vec<_>>())?;

    let sql = format!("{CONNECT}'{}'); SELECT {} FROM api.things", sim.url, COLUMNS.join(", "));
    let state = folder.path().join("state").display().to_string();
    let tidegate = words(&bench.programs.tidegate, &["--state", &state, "--format", "csv", "-c", &sql]);
    rows::check(folder.path(), &tidegate, ids, 1)?;
    let url = |page| format!("{}things?page={page}&per_page={PAGE_SIZE}", sim.url);
    let urls: Vec<String> = (1..=pages).map(url).collect();
    let curl = curl::fetch(folder.path(), "pages.curl", &urls, curl::Way::InTurn)?;
    let mut all = vec![Contender::new("tidegate", tidegate), Contender::new("curl", curl)];
    for peer in ALL {
        std::fs::write(folder.path().join(peer.script), peer.text)?;
        let command = |output: &str| {
            let pages = pages.to_string();
            words(&python, &[&[peer.script, &sim.url, &pages, output], peer.way].concat())
        };
        check(folder.path(), &command("rows.csv"), ids).map_err(|error| format!("{}: {error}", peer.name))?;
        all.push(Contender::new(peer.name, command("/dev/null")));
    }
    let taken = alternate(folder.path(), Some(&sim), &all, bench.runs.min(3))?;
    folder.close()?;
    Ok(format!(
        "{WHAT}; rows are written as CSV and thrown away, dlt keeps them in a file.\n\n{}\n{}",
        table(&taken)?,
        versions()
    ))
}

fn check(folder: &Path, command: &[String], ids: u64) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let output = Command::new(program).args(arguments).current_dir(folder).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    rows::check_file(&folder.join("rows.csv"), ids, 1)
}

/// A Python that has the peers: in a folder beside the programs, made anew when what is required has changed.
fn install() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent).ok_or("this program has no folder")?;
    let (folder, python) = (target.join("peers"), target.join("peers").join("bin").join("python"));
    let installed = folder.join("requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(python);
    }
    std::fs::create_dir_all(&folder)?;
    let wanted = folder.join("wanted.txt");
    std::fs::write(&wanted, REQUIREMENTS)?;
    let (folder, file) = (folder.display().to_string(), wanted.display().to_string());
    succeed(Command::new("python3").args(["-m", "venv", "--clear", &folder]))?;
    std::fs::write(&wanted, REQUIREMENTS)?;
    succeed(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        &file,
    ]))?;
    std::fs::rename(wanted, installed)?;
    Ok(python)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed", command.get_program().display()).into()) }
}

fn table(taken: &[Taken]) -> Result<String> {
    let [ours, base, peers @ ..] = taken else { return Err("a program is missing".into()) };
    let heading =
        ["program", "CPU ms", "wall ms", "peak MB", "calls", "CPU / curl", "CPU / tidegate", "peak / tidegate", ""];
    let mut lines = vec![heading.map(str::to_owned)];
    for one in [ours, base].into_iter().chain(peers) {
        let (cpu, peak) = (one.cpu.over(&ours.cpu), one.peak.over(&ours.peak));
        let met = match (cpu.median() > 1.0, peak.median() > 1.0) {
            _ if std::ptr::eq(one, ours) || std::ptr::eq(one, base) => "",
            (true, true) => "slower and larger",
            (false, true) => "**not slower**",
            (true, false) => "**not larger**",
            (false, false) => "**neither slower nor larger**",
        };
        lines.push([
            one.name.clone(),
            one.cpu.times(1e3).shown(0),
            one.wall.times(1e3).shown(0),
            one.peak.times(1e-6).shown(1),
            one.calls.shown(0),
            one.cpu.over(&base.cpu).shown(2),
            cpu.shown(2),
            peak.shown(2),
            met.to_owned(),
        ]);
    }
    Ok(aligned(&lines))
}

/// What is required, in one line.
fn versions() -> String {
    let pinned: Vec<_> =
        REQUIREMENTS.lines().filter(|line| line.contains("==")).map(|line| line.replace("==", " ")).collect();
    format!("Versions: {}.\n", pinned.join(", "))
}
