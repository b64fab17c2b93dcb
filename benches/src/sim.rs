//! A simulator in a process of its own, and what it counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::Result;

/// A simulated API; stopped when dropped.
pub(crate) struct Sim {
    child: Child,
    /// Root of the service, with a slash at its end.
    pub(crate) url: String,
}

/// What the simulator has counted since its start.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Counts {
    /// Requests that came.
    #[serde(rename = "count")]
    pub(crate) calls: u64,
    /// Rows that were changed.
    pub(crate) effects: u64,
    /// Length of all bodies that it answered.
    pub(crate) bytes: u64,
}

impl Sim {
    /// With these flags beside its port.
    pub(crate) fn start(program: &Path, flags: &[String]) -> Result<Self> {
        let mut child = Command::new(program).args(["--port", "0"]).args(flags).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        // From here on it is stopped whatever happens.
        let mut sim = Self { child, url: String::new() };
        BufReader::new(stdout.ok_or("the simulator has no output")?).read_line(&mut sim.url)?;
        sim.url.truncate(sim.url.trim_end().len());
        if sim.url.is_empty() { Err("the simulator did not start".into()) } else { Ok(sim) }
    }

    /// `127.0.0.1:PORT`.
    fn authority(&self) -> Result<&str> {
        let rest = self.url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        rest.ok_or_else(|| format!("'{}' is no URL of a simulator", self.url).into())
    }

    /// `http://127.0.0.1:PORT/`.
    pub(crate) fn origin(&self) -> Result<String> {
        Ok(format!("http://{}/", self.authority()?))
    }

    /// What came so far. Asking is not counted.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let authority = self.authority()?;
        let mut stream = TcpStream::connect(authority)?;
        write!(stream, "GET /_requests HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("the simulator's counts are no answer")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // One that has ended already cannot be stopped, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
