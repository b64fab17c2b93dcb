//! The token server in a process of its own (`start.sh`), and what it says of each request.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use url::Url;

/// A running server; its process ends with it.
pub(crate) struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    root: Url,
}

impl Server {
    /// Starts the server, installing it first if need be.
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/oauth/start.sh");
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oauth.log");
        let mut command = Command::new(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let root = Url::parse(line.trim()).unwrap_or_else(|_| {
            panic!("start.sh printed no url:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        Self { child, lines, root }
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.root.join(path).unwrap()
    }

    /// The next token request: grant, where the client showed itself, status.
    pub(crate) fn token_request(&mut self) -> (String, String, u64) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no token request, but {line:?}"));
        let text = |member: &str| entry[member].as_str().unwrap().to_owned();
        (text("grant"), text("by"), entry["status"].as_u64().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
