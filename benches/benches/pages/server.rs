//! An HTTP/1.1 server of as little work as can be: its thread is in the process that is measured.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use bytes::Bytes;
use url::Url;

/// Answers with these pages until the process ends; the base of their URLs.
pub(crate) fn start(answers: &'static [Bytes]) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answers));
        }
    });
    Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
}

/// Answers request after request until the client goes away. Requests have no bodies.
fn serve(mut stream: TcpStream, answers: &[Bytes]) {
    stream.set_nodelay(true).unwrap();
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = asked.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&asked[..end]).into_owned();
            let target = head.split(' ').nth(1).unwrap_or_default();
            let query = target.split_once('?').map_or("", |(_, query)| query);
            let body = &answers[super::asked(query)];
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let mut answer = head.into_bytes();
            answer.extend_from_slice(body);
            if stream.write_all(&answer).is_err() {
                return;
            }
            asked.drain(..end + 4);
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => asked.extend_from_slice(&buffer[..read]),
        }
    }
}
