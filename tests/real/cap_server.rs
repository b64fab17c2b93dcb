//! SAP CAP in a process of its own (`tests/real/cap/start.sh`), and its own log of requests.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use percent_encoding::percent_decode_str;
use url::Url;

/// A running server; its process ends with it.
pub(crate) struct Cap {
    child: Child,
    root: Url,
    client: reqwest::Client,
}

impl Cap {
    /// Starts the server, installing it first if need be.
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/cap/start.sh");
        let mut command = Command::new(script);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let root = Url::parse(line.trim()).expect("start.sh prints the service root; its stderr says why not");
        Self { child, root, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// URL of a service: `sales`, `secure` or `token`.
    pub(crate) fn service(&self, name: &str) -> String {
        self.root.as_str().replace("/sales", &format!("/{name}"))
    }

    /// Data requests (all but `$metadata`) since the last call, with their queries decoded.
    pub(crate) async fn data_requests(&self) -> Vec<String> {
        let log = self.root.join("/log").unwrap();
        let text = self.client.get(log.clone()).send().await.unwrap().text().await.unwrap();
        self.client.delete(log).send().await.unwrap();
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let paths = entries.iter().map(|entry| {
            assert_eq!(entry["method"], "GET", "only GET is ever sent: {entry}");
            percent_decode_str(entry["path"].as_str().unwrap()).decode_utf8().unwrap().into_owned()
        });
        paths.filter(|path| !path.contains("$metadata")).collect()
    }
}

impl Drop for Cap {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
