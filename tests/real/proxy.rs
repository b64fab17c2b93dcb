//! A proxy before a server: it notes every request, and makes some of them fail as networks do.
//!
//! One request a connection, so that a fault hits no other.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use url::Url;

/// What becomes of a request that is not simply passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ends before the server sees anything.
    CutBefore,
    /// The server does it, and the connection ends before its answer.
    CutAfter,
    /// The server does it, and the status of its answer comes with half of the body.
    Torn,
    /// Status 503, and the server sees nothing.
    Unavailable,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) body: String,
    pub(crate) fault: Option<Fault>,
}

impl Seen {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// Which fault the n-th write meets, from 0.
pub(crate) type Faults = fn(usize) -> Option<Fault>;

/// A running proxy; it ends when dropped.
pub(crate) struct Proxy {
    url: Url,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    faults: Mutex<Faults>,
    writes: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    has_ended: AtomicBool,
}

impl Proxy {
    /// A proxy before the server of this URL, without faults.
    pub(crate) fn start(target: &str) -> Self {
        let mut url = Url::parse(target).unwrap();
        let target = url.socket_addrs(|| None).unwrap()[0];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let shared = Arc::new(Shared {
            target,
            faults: Mutex::new(|_| None),
            writes: AtomicUsize::new(0),
            seen: Mutex::default(),
            has_ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if serving.has_ended.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || drop(client.and_then(|client| serving.serve(client))));
            }
        });
        Self { url, shared }
    }

    /// The server's URL, by way of the proxy.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// From now on these faults, counted from the next write.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.shared.writes.store(0, Ordering::Relaxed);
        *self.shared.faults.lock().unwrap() = faults;
    }

    /// All requests since the last call, in the order of their arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        // It looks when somebody comes.
        let _ = TcpStream::connect(&*self.url.socket_addrs(|| None).unwrap());
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(mut seen) = read(&mut client)? else { return Ok(()) };
        if seen.is_write() {
            let faults = *self.faults.lock().unwrap();
            seen.fault = faults(self.writes.fetch_add(1, Ordering::Relaxed));
        }
        self.seen.lock().unwrap().push(seen.clone());
        match seen.fault {
            Some(Fault::CutBefore) => return client.shutdown(Shutdown::Both),
            Some(Fault::Unavailable) => {
                return client
                    .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
            _ => {}
        }
        let answer = self.pass_on(&seen)?;
        match seen.fault {
            Some(Fault::CutAfter) => client.shutdown(Shutdown::Both),
            Some(Fault::Torn) => client.write_all(&answer[..answer.len() - body_length(&answer).div_ceil(2)]),
            _ => client.write_all(&answer),
        }
    }

    fn pass_on(&self, seen: &Seen) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(self.target)?;
        let mut lines = seen.head.split("\r\n");
        let mut head = format!("{}\r\n", lines.next().unwrap_or_default());
        for line in lines.filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:")) {
            head.push_str(line);
            head.push_str("\r\n");
        }
        write!(server, "{head}Connection: close\r\n\r\n{}", seen.body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Bytes behind the head.
fn body_length(answer: &[u8]) -> usize {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| answer.len() - end - 4)
}

/// One request; `None` when there is none.
fn read(client: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let count = client.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..count]);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut words = head.split(' ').map(str::to_owned);
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let seen = Seen { method, path, head, body: String::new(), fault: None };
            let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).unwrap();
                return Ok(Some(Seen { body, ..seen }));
            }
        }
        if count == 0 {
            return Ok(None);
        }
    }
}
