//! Builds what is measured, as a user would build it, and runs the measurements.

use std::path::Path;
use std::process::Command;

use cargo_metadata::MetadataCommand;

use crate::Result;

/// One build of them all, so that they share their dependencies.
const BUILD: &[&str] = &[
    "build",
    "--release",
    "--locked",
    "--package=tidegate-cli",
    "--package=tidegate-sim",
    "--package=tidegate-benches",
    "--package=tidegate-first-row",
];

/// With these arguments for the measurements. Without `build`, programs that were built before are measured.
pub(crate) fn run(root: &Path, build: bool, arguments: &[String]) -> Result<()> {
    if build {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        succeed(Command::new(cargo).args(BUILD).current_dir(root), "the build")?;
    }
    let target = MetadataCommand::new().current_dir(root).no_deps().exec()?.target_directory;
    let program = target.join("release").join("tidegate-benches");
    if !program.is_file() {
        return Err("tidegate-benches was not built: leave --no-build out".into());
    }
    succeed(Command::new(program).args(arguments).current_dir(root), "a measurement")
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed").into()) }
}
