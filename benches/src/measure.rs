//! What a finished process used.

use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What the operating system counted for a process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// Time by the clock, in seconds.
    pub(crate) wall: f64,
    /// Largest resident set, in KiB.
    pub(crate) peak_kib: i64,
    /// Whether it ended well.
    pub(crate) ok: bool,
}

/// Runs a command in a process of its own accounting, several times; the median by CPU.
pub(crate) fn median(runs: usize, command: &[String]) -> Result<Usage> {
    let mut usages = (0..runs).map(|_| once(command)).collect::<Result<Vec<_>>>()?;
    usages.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    let middle = usages.get(usages.len() / 2).copied().ok_or("no run")?;
    match usages.iter().all(|usage| usage.ok) {
        true => Ok(middle),
        false => Err(format!("{} failed", command.join(" ")).into()),
    }
}

fn once(command: &[String]) -> Result<Usage> {
    // The children's accounting of a process is a maximum over all of them, so each run gets a process.
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg("--")
        .args(command)
        .stderr(Stdio::inherit())
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs one command, without its output, and prints its [`Usage`].
pub(crate) fn one(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let start = std::time::Instant::now();
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let usage = Usage { cpu, wall, peak_kib: usage.max_rss(), ok: status.success() };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&usage)?)?;
    Ok(())
}
