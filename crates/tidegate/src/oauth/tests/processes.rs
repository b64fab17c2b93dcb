//! Several processes that need the same token at once: one of them asks for it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate_transport::{Http, HttpOptions, SystemClock};

use super::*;

const FOLDER: &str = "TIDEGATE_TEST_OAUTH_FOLDER";
const ENDPOINT: &str = "TIDEGATE_TEST_OAUTH_ENDPOINT";
const PROCESSES: usize = 4;

fn live(endpoint: &str, state: State) -> Arc<dyn TokenSource> {
    let config = OAuthConfig { token_url: url(endpoint), ..config(Grant::RefreshToken) };
    let network = Arc::new(Http::new(HttpOptions::default()));
    token_source(config, "crm", &parts(network, state, Arc::new(SystemClock::default()))).unwrap()
}

/// A token endpoint that takes each refresh token once, and its time.
fn serve() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.windows(13).any(|found| found == b"refresh_token") || !request.contains(&b'0') {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            // The others come meanwhile.
            std::thread::sleep(Duration::from_millis(150));
            let expected = format!("refresh-{}", number - 1);
            let is_known = String::from_utf8_lossy(&request).contains(&expected);
            let (status, body) = if is_known {
                pair(u32::try_from(number).unwrap()).unwrap()
            } else {
                (400, r#"{"error":"invalid_grant"}"#.into())
            };
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (format!("http://{address}/token"), asked)
}

/// The other process of the next test; without its variables it does nothing.
#[tokio::test]
async fn child() {
    if let (Some(folder), Ok(endpoint)) = (std::env::var_os(FOLDER), std::env::var(ENDPOINT)) {
        let source = live(&endpoint, State::in_folder(folder.as_ref()));
        assert_eq!(token(&source).await.unwrap(), "access-1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_processes_asks() {
    let folder = tempfile::TempDir::new().unwrap();
    let (endpoint, asked) = serve();
    let name = format!("{}::child", module_path!().split_once("::").unwrap().1);
    let children: Vec<_> = (1..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &name, "--nocapture"])
                .env(FOLDER, folder.path())
                .env(ENDPOINT, &endpoint)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // Two more of this process, each with a handle of its own on the folder.
    let sources = [0, 1].map(|_| live(&endpoint, State::in_folder(folder.path())));
    let (first, second) = tokio::join!(token(&sources[0]), token(&sources[1]));
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("access-1", "access-1"));
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
