//! SAP CAP in a process of its own (`tests/real/cap/start.sh`), and its own log of requests.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use percent_encoding::percent_decode_str;
use url::Url;

/// A running server; its process ends with it.
pub(crate) struct Cap {
    child: Child,
    root: Url,
}

impl Cap {
    /// Starts the server, installing it first if need be.
    pub(crate) fn start() -> Self {
        Self::run("cap.log", &[])
    }

    /// The same behind a rate limiter that tells of its limit in these headers: 10 requests in 2 s.
    pub(crate) fn start_limited(headers: &str) -> Self {
        Self::run(&format!("cap-{headers}.log"), &[("CAP_LIMITER", headers)])
    }

    /// One of its own for a test that counts requests.
    pub(crate) fn start_to_measure() -> Self {
        Self::run("cap-access.log", &[])
    }

    /// Another one, for tests that change its data.
    pub(crate) fn start_to_write() -> Self {
        Self::run("cap-writes.log", &[])
    }

    fn run(log: &str, variables: &[(&str, &str)]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/cap/start.sh");
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(log);
        let mut command = Command::new(script);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let root = Url::parse(line.trim()).unwrap_or_else(|_| {
            panic!("start.sh printed no service root:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        Self { child, root }
    }

    /// URL of a service: `sales`, `secure` or `token`.
    pub(crate) fn service(&self, name: &str) -> String {
        self.root.as_str().replace("/sales", &format!("/{name}"))
    }

    /// Statuses of all requests so far, in the order of their arrival.
    pub(crate) fn statuses(&self) -> Vec<u64> {
        let entries: Vec<serde_json::Value> = serde_json::from_str(&self.call("GET", "/log")).unwrap();
        entries.iter().map(|entry| entry["status"].as_u64().unwrap()).collect()
    }

    /// Data requests (all but `$metadata`) since the last call, with their queries decoded.
    pub(crate) fn data_requests(&self) -> Vec<String> {
        let entries: Vec<serde_json::Value> = serde_json::from_str(&self.call("GET", "/log")).unwrap();
        self.call("DELETE", "/log");
        let paths = entries.iter().map(|entry| {
            assert_eq!(entry["method"], "GET", "only GET is ever sent: {entry}");
            percent_decode_str(entry["path"].as_str().unwrap()).decode_utf8().unwrap().into_owned()
        });
        paths.filter(|path| !path.contains("$metadata")).collect()
    }

    /// What really changed since the last call, in order: `event` (`CREATE`, `UPDATE`, `DELETE`), `entity`, `key`, `data`.
    pub(crate) fn effects(&self) -> Vec<serde_json::Value> {
        let effects = serde_json::from_str(&self.call("GET", "/effects")).unwrap();
        self.call("DELETE", "/effects");
        effects
    }

    /// The body of a plain HTTP/1.0 exchange.
    fn call(&self, method: &str, path: &str) -> String {
        let address = self.root.socket_addrs(|| None).unwrap();
        let mut stream = TcpStream::connect(&*address).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").expect("a response has a head").1.to_owned()
    }
}

impl Drop for Cap {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
