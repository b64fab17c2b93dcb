//! What is measured, as data. How is said in a file for each kind.

mod connect;
mod first_row;
mod scan;
mod size;
mod start;
mod update;

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::Result;
use crate::curl::Way;
use crate::programs::Programs;
use crate::report::Outcome;
pub(crate) use connect::{COLUMNS, CONNECT, MANIFEST, PAGE_SIZE};
use scan::Scan;
use start::Start;
use update::Update;

/// Time of an answer where latency is simulated.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);

/// One thing that is measured.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// A line for people.
    pub(crate) what: &'static str,
    task: Task,
}

enum Task {
    Scan(Scan),
    FirstRow,
    Update(Update),
    Start(Start),
    Size,
}

/// What every scenario needs.
pub(crate) struct Bench {
    pub(crate) programs: Programs,
    /// How often each program is run.
    pub(crate) runs: usize,
    /// A tenth of the pages and rows.
    pub(crate) is_quick: bool,
}

impl Bench {
    /// So many, or a tenth.
    fn of(&self, number: u64) -> u64 {
        if self.is_quick { number / 10 } else { number }
    }

    /// A run that takes long is repeated three times at most.
    fn runs_of(&self, is_long: bool) -> usize {
        if is_long { self.runs.min(3) } else { self.runs }
    }
}

/// In the order in which they are run and shown.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "scan-1000",
        what: "1,000 pages of 100 rows, 7 of 12 fields, CSV; a total of just 100,000 is not believed, which is a call more",
        task: Task::Scan(Scan { cpu: Some(2.0), peak: Some(80.0), ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "scan-10000",
        what: "10,000 such pages",
        task: Task::Scan(Scan { pages: 10_000, same_peak_as: Some("scan-1000"), ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "arrow",
        what: "1,000 such pages, written as an Arrow stream",
        task: Task::Scan(Scan { format: "arrow", ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "wide",
        what: "200 pages of 100 rows with 200 fields, 5 of them used",
        task: Task::Scan(Scan { pages: 200, fields: 200, columns: connect::FEW, ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "gzip",
        what: "1,000 pages, compressed; curl inflates them",
        task: Task::Scan(Scan { is_compressed: true, way: Way::Inflated, ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "partitions",
        what: "10 partitions with 100 pages each",
        task: Task::Scan(Scan { divisions: 10, ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "latency-numbers",
        what: "400 pages by number with a known total, 50 ms a call, 8 at once",
        task: Task::Scan(Scan { pages: 400, way: Way::AtOnce(8), latency: LATENCY, ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "latency-cursor",
        what: "100 pages behind a cursor, 50 ms a call",
        task: Task::Scan(Scan { table: "feed", pages: 100, latency: LATENCY, ..Scan::OF_THINGS }),
    },
    Scenario {
        name: "first-row",
        what: "from execute to the first row of 20 pages, 50 ms a call, connection warm; curl: one page on a warm connection",
        task: Task::FirstRow,
    },
    Scenario {
        name: "update-single",
        what: "UPDATE of 50,000 rows, one by one",
        task: Task::Update(Update { batch: None }),
    },
    Scenario {
        name: "update-batch",
        what: "UPDATE of 50,000 rows, 100 a request",
        task: Task::Update(Update { batch: Some(100) }),
    },
    Scenario {
        name: "start-help",
        what: "tidegate --help; curl --version",
        task: Task::Start(Start { arguments: &["--help"], says: "Usage:", cpu: None }),
    },
    Scenario {
        name: "start-select",
        what: "SELECT 1; curl --version",
        task: Task::Start(Start { arguments: &["-c", "SELECT 1 AS one"], says: "one\n1\n", cpu: Some(0.030) }),
    },
    Scenario { name: "size", what: "the program's file", task: Task::Size },
];

impl Scenario {
    /// Measures it in a folder of its own. `before` is what was measured so far.
    ///
    /// It is an error if a program fails, or its result is not what it should be.
    pub(crate) fn run(&self, bench: &Bench, before: &[Outcome]) -> Result<Outcome> {
        let folder = folder()?;
        let mut outcome = match &self.task {
            Task::Scan(scan) => scan.run(bench, folder.path(), before),
            Task::FirstRow => first_row::run(bench, folder.path()),
            Task::Update(update) => update.run(bench, folder.path()),
            Task::Start(start) => start.run(bench, folder.path()),
            Task::Size => size::run(bench),
        }?;
        outcome.name = self.name;
        outcome.what = self.what.to_owned();
        folder.close()?;
        Ok(outcome)
    }
}

/// A folder in which programs are run: it has the manifest, and nothing else.
pub(crate) fn folder() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("things.yaml"), MANIFEST)?;
    Ok(folder)
}

/// The words of a command.
pub(crate) fn words(program: &Path, arguments: &[&str]) -> Vec<String> {
    let program = program.display().to_string();
    std::iter::once(program).chain(arguments.iter().map(|argument| (*argument).to_owned())).collect()
}
