//! The baseline: curl, which fetches the same pages and throws them away.

use std::fmt::Write as _;
use std::path::Path;

use crate::Result;

/// How it fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// One after the other, on one connection.
    InTurn,
    /// The same, and inflated.
    Inflated,
    /// So many at once, each on a connection that is kept.
    AtOnce(usize),
}

/// A command that fetches these URLs. Its configuration is kept in the folder under this name.
pub(crate) fn fetch(folder: &Path, name: &str, urls: &[String], way: Way) -> Result<Vec<String>> {
    // `silent` alone leaves the progress of what is fetched at once.
    let mut config = String::from("silent\nno-progress-meter\nfail\n");
    match way {
        Way::InTurn => {}
        Way::Inflated => config.push_str("compressed\n"),
        Way::AtOnce(most) => writeln!(config, "parallel\nparallel-max = {most}")?,
    }
    for url in urls {
        writeln!(config, "url = \"{url}\"\noutput = \"/dev/null\"")?;
    }
    command(folder, name, &config)
}

/// A request that changes something.
pub(crate) struct Write {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    /// JSON.
    pub(crate) body: String,
}

/// A command that fetches these URLs and then sends these requests, one after the other on one connection.
pub(crate) fn send(folder: &Path, name: &str, urls: &[String], writes: &[Write]) -> Result<Vec<String>> {
    let mut config = String::new();
    for url in urls {
        writeln!(config, "silent\nfail\nurl = \"{url}\"\noutput = \"/dev/null\"\nnext")?;
    }
    for Write { method, url, body } in writes {
        let body = body.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(config, "silent\nfail\nrequest = {method}\nheader = \"Content-Type: application/json\"")?;
        writeln!(config, "data = \"{body}\"\nurl = \"{url}\"\noutput = \"/dev/null\"\nnext")?;
    }
    // A `next` wants another request behind it.
    command(folder, name, config.trim_end().trim_end_matches("next"))
}

fn command(folder: &Path, name: &str, config: &str) -> Result<Vec<String>> {
    let file = folder.join(name);
    std::fs::write(&file, config)?;
    Ok(vec!["curl".to_owned(), "--config".to_owned(), file.display().to_string()])
}
