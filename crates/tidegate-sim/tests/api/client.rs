//! A client that sends one request per connection and returns what came, complete or not.

use serde_json::Value;
use tidegate_sim::Sim;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if the connection closed without an answer.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, v)| v.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// Whether as many bytes came as were announced.
    pub(crate) fn complete(&self) -> bool {
        self.header("content-length").is_some_and(|n| n == self.body.len().to_string())
    }
}

/// Sends a request to a path (or a URL of this server) and reads until the server closes.
pub(crate) async fn send(sim: &Sim, method: &str, target: &str, headers: &[&str]) -> Answer {
    send_body(sim, method, target, headers, "").await
}

/// The same below the service root with a JSON body.
pub(crate) async fn write(sim: &Sim, method: &str, rest: &str, headers: &[&str], body: &str) -> Answer {
    let headers = [headers, &["Content-Type: application/json"]].concat();
    send_body(sim, method, &format!("{}{}", sim.url().path(), encode(rest)), &headers, body).await
}

/// The same with a body.
pub(crate) async fn send_body(sim: &Sim, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let port = sim.url().port().unwrap();
    let origin = format!("http://127.0.0.1:{port}");
    let path = target.strip_prefix(&origin).unwrap_or(target);
    let extra: String = headers.iter().map(|h| format!("{h}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{length}{extra}\r\n");
    let text = head + body;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    // A connection that is cut may end with a reset: what came before counts.
    let _ = stream.read_to_end(&mut raw).await;
    parse(&raw)
}

/// `GET` below the service root; `query` is percent-encoded here where it must be.
pub(crate) async fn get(sim: &Sim, rest: &str) -> Answer {
    send(sim, "GET", &format!("{}{}", sim.url().path(), encode(rest)), &[]).await
}

pub(crate) fn encode(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20").replace('"', "%22").replace('\\', "%5C")
}

fn parse(raw: &[u8]) -> Answer {
    let Some(end) = raw.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Answer { status: 0, headers: Vec::new(), body: Vec::new() };
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
    Answer { status, headers: headers.collect(), body: raw[end + 4..].to_vec() }
}
