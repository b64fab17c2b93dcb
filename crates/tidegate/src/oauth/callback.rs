//! Waits for the browser to come back: a small HTTP server for one page.
//!
//! Browsers open connections that they do not use, and ask for icons: each connection is served by itself, and all but
//! the redirect get 404.

use std::time::Duration;

use tidegate_transport::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::answer::plain;
use super::login::CALLBACK;

/// Most connections served at once.
const MOST_CONNECTIONS: usize = 16;

/// Largest head of a request that is read.
const LARGEST_HEAD: usize = 16 * 1024;

/// How long a browser may take to ask once it is connected.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a login went, as the browser tells.
type Outcome = Result<Secret, String>;

/// The code that the browser brings back; otherwise why there is none.
pub(super) async fn wait(listener: &TcpListener, state: &str) -> Outcome {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                let (stream, _) = accepted.map_err(|error| format!("cannot take the browser's answer: {error}"))?;
                let state = state.to_owned();
                connections.spawn(async move {
                    tokio::time::timeout(PATIENCE, serve(stream, &state)).await.ok().flatten()
                });
            }
            Some(served) = connections.join_next() => {
                if let Ok(Some(outcome)) = served {
                    return outcome;
                }
            }
        }
    }
}

/// Answers one request; `None` when it has nothing to do with the login.
async fn serve(mut stream: TcpStream, state: &str) -> Option<Outcome> {
    let target = target(&read_head(&mut stream).await?)?;
    let outcome = outcome(&target, state);
    let (status, text) = match &outcome {
        None => ("404 Not Found", "There is nothing here.".to_owned()),
        Some(Ok(_)) => ("200 OK", "You are logged in. You can close this page and go back to tidegate.".to_owned()),
        Some(Err(why)) => ("400 Bad Request", format!("The login did not work: {why}.")),
    };
    // The outcome counts whether the browser waits for its page or not.
    let _ = stream.write_all(page(status, &text).as_bytes()).await;
    let _ = stream.shutdown().await;
    outcome
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&chunk[..read]);
        if head.len() > LARGEST_HEAD {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// What a GET asks for.
fn target(head: &str) -> Option<Url> {
    let path = head.strip_prefix("GET ")?.split(' ').next().filter(|path| path.starts_with('/'))?;
    Url::parse(&format!("http://localhost{path}")).ok()
}

/// What the redirect says (RFC 6749, 4.1.2); `None` for another page.
fn outcome(target: &Url, state: &str) -> Option<Outcome> {
    let parameter = |wanted: &str| target.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value);
    if target.path() != CALLBACK {
        return None;
    }
    if parameter("state").is_none_or(|given| given != state) {
        return Some(Err("the browser brings the answer to another login (its state differs); start again".to_owned()));
    }
    if let Some(error) = parameter("error") {
        let words = parameter("error_description").map(|words| format!(": {}", plain(&words, &[]))).unwrap_or_default();
        let meaning = if error == "access_denied" {
            "it was refused there, by you or by the server"
        } else {
            "the server refused it"
        };
        return Some(Err(format!("{meaning} ({}{words})", plain(&error, &[]))));
    }
    match parameter("code").filter(|code| !code.is_empty()) {
        Some(code) => Some(Ok(Secret::new(code))),
        None => Some(Err("the server sent the browser back without a code".to_owned())),
    }
}

fn page(status: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tidegate</title><p>{text}</p></html>\n"
    );
    // The address bar holds the code: nothing may be loaded, and nobody told where this came from.
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
