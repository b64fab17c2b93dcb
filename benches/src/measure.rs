//! What a finished process used.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use crate::Result;

/// What the operating system counted for a process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// Time by the clock, in seconds.
    pub(crate) wall: f64,
    /// Largest resident set, in bytes.
    pub(crate) peak: u64,
    /// Whether it ended well.
    pub(crate) ok: bool,
}

/// Runs a command in a folder, without its output. It is an error if the command does not end well.
pub(crate) fn once(folder: &Path, command: &[String]) -> Result<Usage> {
    // The children's accounting of a process is a maximum over all of them, so each run gets a process.
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .arg("--")
        .args(command)
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()?;
    let usage: Usage = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{} could not be measured: {error}", shown(command)))?;
    if usage.ok { Ok(usage) } else { Err(format!("{} failed", shown(command)).into()) }
}

/// A command as a person reads it.
pub(crate) fn shown(command: &[String]) -> String {
    command.join(" ").chars().take(300).collect()
}

/// Runs one command, without its output, and prints its [`Usage`].
pub(crate) fn one(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    // Linux and the BSDs count it in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = u64::try_from(usage.max_rss())? * unit;
    let usage = Usage { cpu, wall, peak, ok: status.success() };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&usage)?)?;
    Ok(())
}

/// A time of the operating system's, in seconds.
pub(crate) fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
