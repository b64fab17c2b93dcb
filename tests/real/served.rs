//! A server in a process of its own, started by a script that prints its URL and ends when its input does.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use percent_encoding::percent_decode_str;
use url::Url;

/// A running server; its process ends with it.
pub(crate) struct Served {
    child: Child,
    url: Url,
}

impl Served {
    /// Runs `real/{name}/start.sh`, which installs the server first if need be.
    pub(crate) fn start(name: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real").join(name).join("start.sh");
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"));
        let mut command = Command::new(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = Url::parse(line.trim()).unwrap_or_else(|_| {
            panic!("{name}/start.sh printed no URL:\n{}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        Self { child, url }
    }

    /// URL of this path.
    pub(crate) fn at(&self, path: &str) -> String {
        self.url.join(path).unwrap().to_string()
    }

    /// What `/log` has since the last call.
    pub(crate) fn log(&self) -> Vec<serde_json::Value> {
        let entries = serde_json::from_value(self.call("GET", "/log", &[], None)).unwrap();
        self.call("DELETE", "/log", &[], None);
        entries
    }

    /// The JSON body of a plain HTTP/1.0 exchange; with a form it is a POST of that.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[&str], form: Option<&str>) -> serde_json::Value {
        let address = self.url.socket_addrs(|| None).unwrap();
        let mut stream = TcpStream::connect(&*address).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\n").unwrap();
        for header in headers {
            write!(stream, "{header}\r\n").unwrap();
        }
        let form = form.unwrap_or_default();
        write!(stream, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n", form.len())
            .unwrap();
        stream.write_all(form.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a response has a head");
        assert!(head.split(' ').nth(1) == Some("200"), "{method} {path} {form}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A URL with its percent encoding undone and `+` read as a blank, as servers read a query.
pub(crate) fn decoded(path: &str) -> String {
    percent_decode_str(&path.replace('+', " ")).decode_utf8().unwrap().into_owned()
}
