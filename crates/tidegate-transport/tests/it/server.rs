//! A server that says exactly the bytes it is told to, and remembers what it received.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// One request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Which connection of the server's it came over, from 0.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    /// All of it, headers and body, for searching.
    pub(crate) raw: String,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.raw.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Send these bytes and keep the connection.
    Keep(Vec<u8>),
    /// Send these bytes and close it.
    Close(Vec<u8>),
    /// Send these bytes and leave the client waiting for more.
    Hang(Vec<u8>),
}

/// A complete response.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut head = format!("HTTP/1.1 {status} Some\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    Reply::Keep([head.as_bytes(), b"\r\n", body].concat())
}

pub(crate) fn ok(body: &str) -> Reply {
    reply(200, &[("content-type", "application/json")], body.as_bytes())
}

type Handler = dyn Fn(usize, &Received) -> Reply + Send + Sync;

/// Runs until it is dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers each request with what `handler` says; it gets the number of the request, from 0.
    pub(crate) async fn start(handler: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (Arc::clone(&seen), Arc::new(handler));
        let task = tokio::spawn(async move {
            let connections = AtomicUsize::new(0);
            while let Ok((stream, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, number, Arc::clone(&log), Arc::clone(&handler)));
            }
        });
        Self { url, seen, task }
    }

    /// Answers the k-th request with the k-th reply.
    pub(crate) async fn script(replies: Vec<Reply>) -> Self {
        Self::start(move |number, _| replies.get(number).expect("a request beyond the script").clone()).await
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, connection: usize, log: Arc<Mutex<Vec<Received>>>, handler: Arc<Handler>) {
    let mut stream = BufReader::new(stream);
    while let Some(received) = receive(&mut stream, connection).await {
        let reply = {
            let mut log = log.lock().unwrap();
            log.push(received.clone());
            handler(log.len() - 1, &received)
        };
        match reply {
            Reply::Keep(bytes) => stream.write_all(&bytes).await.unwrap(),
            Reply::Close(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Reply::Hang(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                // Ends when the client goes away.
                let _ = stream.read_u8().await;
                return;
            }
        }
    }
}

async fn receive(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut received = Received { connection, method, target, raw: head, body: String::new() };
    let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    received.body = String::from_utf8(body).unwrap();
    received.raw += &received.body;
    Some(received)
}
