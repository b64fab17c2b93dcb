//! What the figures were measured on, and with.

use std::fs::read_to_string;
use std::process::Command;
use std::time::SystemTime;

use crate::Result;

/// The machine and the versions: a Markdown list. It is an error if there is no curl, which everything is compared to.
pub(crate) fn described() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let lines = [
        format!("Date: {}.", httpdate::fmt_http_date(SystemTime::now())),
        format!("Commit: {}.", commit()),
        format!("Processor: {}, {cores} cores of it.", processor()),
        format!("Memory: {}. System: {}.", memory(), system()),
        format!("Versions: {}; {}.", first_line("rustc", &["--version"])?, curl()?),
    ];
    Ok(lines.map(|line| format!("- {line}\n")).concat())
}

fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("unknown").trim().to_owned())
}

/// Name and version alone: the rest of the line is a list of libraries.
fn curl() -> Result<String> {
    let line = first_line("curl", &["--version"])?;
    Ok(line.split(' ').take(2).collect::<Vec<_>>().join(" "))
}

/// Short, and whether files differ from it.
fn commit() -> String {
    first_line("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|_| "unknown".to_owned())
}

/// The value of a line `NAME: value`.
fn value(file: &str, name: &str) -> Option<String> {
    let text = read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once([':', '='])?.1.trim().trim_matches('"').to_owned())
}

fn processor() -> String {
    value("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory() -> String {
    let kib = value("/proc/meminfo", "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{:.0} GB", kib * 1024.0 / 1e9))
}

fn system() -> String {
    let name = value("/etc/os-release", "PRETTY_NAME").unwrap_or_else(|| std::env::consts::OS.to_owned());
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{name}, kernel {}", kernel.trim())
}
