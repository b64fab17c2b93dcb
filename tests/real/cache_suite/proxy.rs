//! A proxy that puts the cache between the suite's client and its server: HTTP/1.1 on this side, one request a connection,
//! and the transport's layers behind it.
//!
//! Each test of the suite is a scope, since requests that change something mark a whole scope as written. The number that
//! the suite gives each request goes around the cache: no API's client numbers its requests, and the cache would take them
//! for different ones.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tidegate_transport::{
    BodyMode, Cache, Caching, Collect, Http, HttpCache, HttpOptions, Operation, Purpose, Repeat, Request, RequestLog,
    Response, Result, Statement, SystemClock, Transport,
};
use url::Url;

/// The number of a request within its test, and its test: only the suite needs them.
const OF_THE_SUITE: [&str; 3] = ["req-num", "test-id", "test-name"];

/// What is said of a connection, and not of the message.
const HOP_BY_HOP: [&str; 5] = ["connection", "content-length", "host", "keep-alive", "transfer-encoding"];

/// A running proxy; it ends when dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    has_ended: Arc<AtomicBool>,
}

struct Shared {
    target: Url,
    runtime: tokio::runtime::Runtime,
    network: Arc<dyn Transport>,
    cache: Arc<HttpCache>,
    numbers: Arc<Numbers>,
    has_ended: Arc<AtomicBool>,
}

/// What the suite adds to requests, by URL: those of one test come one after the other.
#[derive(Debug, Default)]
struct Numbers(Mutex<HashMap<String, HeaderMap>>);

/// Puts what the suite has added back.
#[derive(Debug)]
struct Numbered {
    inner: Arc<dyn Transport>,
    numbers: Arc<Numbers>,
}

#[async_trait]
impl Transport for Numbered {
    async fn send(&self, mut request: Request) -> Result<Response> {
        let numbers = self.numbers.0.lock().unwrap().get(request.url.as_str()).cloned();
        request.headers.extend(numbers.unwrap_or_default());
        self.inner.send(request).await
    }
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub(super) fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let has_ended = Arc::<AtomicBool>::default();
        let numbers = Arc::<Numbers>::default();
        let collected = Collect::new(Arc::new(Http::new(HttpOptions::default())));
        let network = Arc::new(Numbered { inner: Arc::new(collected), numbers: numbers.clone() });
        let (clock, log) = (Arc::new(SystemClock::default()), Arc::new(RequestLog::new(0)));
        let shared = Arc::new(Shared {
            target: Url::parse(target).unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
            network,
            cache: Arc::new(HttpCache::new(clock, log)),
            numbers,
            has_ended: has_ended.clone(),
        });
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.has_ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                std::thread::spawn(move || drop(client.and_then(|client| shared.serve(client))));
            }
        });
        Self { address, has_ended }
    }

    /// Where it answers.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
        // It looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some((method, path, headers, body)) = read(&mut client)? else { return Ok(()) };
        let request = self.request(&method, &path, headers, body);
        let has_body = request.method != Method::HEAD;
        let scope = path.split(['/', '?']).nth(2).unwrap_or_default().to_owned();
        let cache = Cache::new(self.network.clone(), self.cache.clone(), &scope);
        let answer = self.runtime.block_on(async {
            let response = cache.send(request).await?;
            let body = response.body.collect(1 << 20).await?;
            Ok::<_, tidegate_transport::Error>((response.status, response.headers, body))
        });
        // No answer: what a gateway says then (RFC 9110, 15.6.5).
        let (status, headers, body) = answer.unwrap_or((StatusCode::GATEWAY_TIMEOUT, HeaderMap::new(), Bytes::new()));
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
        if has_body && !matches!(status.as_u16(), 204 | 304) {
            head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        for (name, value) in headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str())) {
            head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend_from_slice(b"\r\n");
        client.write_all(&head)?;
        if has_body { client.write_all(&body) } else { Ok(()) }
    }

    fn request(&self, method: &str, path: &str, mut headers: HeaderMap, body: Bytes) -> Request {
        let url = self.target.join(path).unwrap();
        let taken =
            OF_THE_SUITE.iter().filter_map(|name| Some((HeaderName::from_static(name), headers.remove(*name)?)));
        let taken = taken.collect();
        self.numbers.0.lock().unwrap().insert(url.to_string(), taken);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let is_read = matches!(method, Method::GET | Method::HEAD) || path.starts_with("/config");
        let caching = Caching { is_on: true, memory: true, ..Caching::OFF };
        let operation = Operation {
            principal: "suite".into(),
            connection: "suite".into(),
            partition: None,
            table: None,
            endpoint: "test".into(),
            purpose: if is_read { Purpose::Read } else { Purpose::Write },
            repeat: if is_read { Repeat::Safe } else { Repeat::Unsafe },
            page: None,
            attempt: 1,
            quota_wait: Duration::ZERO,
            body: BodyMode::default(),
            keeps: false,
            reuse: true,
            fresh: false,
            cache: None,
            statement: Arc::new(Statement::new(1).caching(caching)),
        };
        Request { method, url, headers, body, operation }
    }
}

/// Method, path, headers and body.
type Message = (String, String, HeaderMap, Bytes);

/// One request; `None` when there is none.
fn read(client: &mut TcpStream) -> std::io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let fields = lines.filter_map(|line| line.split_once(':'));
        let field = |(name, value): (&str, &str)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields.filter_map(field) {
            headers.append(name, value);
        }
        let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let is_chunked = headers.contains_key("transfer-encoding");
        assert!(!is_chunked, "node-fetch tells the length of the texts that the suite sends");
        if bytes.len() >= end + 4 + length {
            for name in HOP_BY_HOP {
                headers.remove(name);
            }
            return Ok(Some((method, path, headers, Bytes::from(bytes[end + 4..end + 4 + length].to_vec()))));
        }
    }
}
