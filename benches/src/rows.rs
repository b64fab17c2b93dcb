//! Whether all rows of a result are there, and none twice.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::measure::shown;

/// Runs a command and holds the CSV that it writes to standard output against what is expected: ids from 1 to `ids` in the
/// first column, each so many times.
pub(crate) fn check(folder: &Path, command: &[String], ids: u64, times: u32) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let output = folder.join("rows.csv");
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&output)?)
        .status()?;
    if !status.success() {
        return Err(format!("{} failed", shown(command)).into());
    }
    check_file(&output, ids, times).map_err(|error| format!("{}: {error}", shown(command)))?;
    Ok(std::fs::remove_file(output)?)
}

/// The same of a file.
pub(crate) fn check_file(file: &Path, ids: u64, times: u32) -> Result<()> {
    let mut found = vec![0_u32; usize::try_from(ids)?];
    // The first line is the heading.
    for line in BufReader::new(File::open(file)?).lines().skip(1) {
        let line = line?;
        let id: u64 = line.split(',').next().unwrap_or_default().trim_matches('"').parse()?;
        let place = id.checked_sub(1).and_then(|place| found.get_mut(usize::try_from(place).ok()?));
        *place.ok_or_else(|| format!("there is no row {id}"))? += 1;
    }
    match found.iter().position(|found| *found != times) {
        None => Ok(()),
        Some(place) => Err(format!("row {} came {} times, not {times}", place + 1, found[place]).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_all_there_once() {
        let cases = [
            ("id,name\n1,a\n2,b\n", 2, 1, ""),
            ("id\n\"2\"\n1\n2\n1\n", 2, 2, ""),
            ("id\n1\n", 2, 1, "row 2 came 0 times, not 1"),
            ("id\n1\n2\n2\n", 2, 1, "row 2 came 2 times, not 1"),
            ("id\n1\n3\n", 2, 1, "there is no row 3"),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (text, ids, times, expected) in cases {
            let file = folder.path().join("rows.csv");
            std::fs::write(&file, text).unwrap();
            let message = check_file(&file, ids, times).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(message, expected, "{text}");
        }
    }
}
