//! The built program, run in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder with a configuration and a state, on which several processes run.
#[derive(Debug)]
pub struct Home {
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// `None` if it was killed.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
}

impl Home {
    /// With this `tidegate.toml`.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("tidegate.toml"), config).expect("the folder is ours");
        Self { folder }
    }

    /// Starts the program on these statements; results are CSV. It ends with the returned value at the latest.
    pub fn start(&self, sql: &str) -> Running {
        self.start_with("csv", sql)
    }

    /// The same with results in this format.
    pub fn start_with(&self, format: &str, sql: &str) -> Running {
        let mut command = Command::new(program());
        let config = self.folder.path().join("tidegate.toml");
        command.arg("--config").arg(config).arg("--state").arg(self.folder.path().join("state"));
        command.args(["--format", format, "-c", sql]).current_dir(self.folder.path());
        command.env_clear().env("HOME", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(Some(command.spawn().expect("the program is there")))
    }

    /// Runs these statements to their end.
    #[must_use]
    pub fn run(&self, sql: &str) -> Ran {
        self.start(sql).wait()
    }
}

/// A process.
#[derive(Debug)]
pub struct Running(Option<Child>);

impl Running {
    /// Kills it, as a machine that fails does: it has no time for anything (`SIGKILL`).
    pub fn kill(mut self) -> Ran {
        let mut child = self.0.take().expect("it was started");
        child.kill().expect("a child");
        child.wait_with_output().expect("a child").into()
    }

    /// Its results are few, so that it never waits for somebody to read them.
    pub fn wait(mut self) -> Ran {
        self.0.take().expect("it was started").wait_with_output().expect("a child").into()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.0.as_mut().is_none_or(|child| child.try_wait().expect("a child").is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Rows of the last result in JSON, as objects by column; none if there was no result.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let last = self.out.lines().rev().find(|line| line.starts_with('['));
        last.map_or_else(Vec::new, |line| serde_json::from_str(line).expect("JSON"))
    }

    /// Cells of each row of the last result, without its head.
    pub fn rows(&self) -> Vec<Vec<String>> {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        let lines = self.out.lines().skip(1).filter(|line| !line.is_empty());
        lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }
}

/// The program that is built with the tests of the workspace.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("it runs");
    let folder = this.parent().and_then(Path::parent).expect("tests are built into deps/");
    let program = folder.join("tidegate").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is not there: build the workspace first", program.display());
    program
}
