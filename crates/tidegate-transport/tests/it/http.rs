//! What the network does to a request, and what we make of it.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use http::Method;
use tidegate_transport::{BodyMode, Error, ErrorKind, HttpOptions, Repeat, Sent, Statement};
use url::Url;

use crate::server::{Reply, Server, ok, reply};
use crate::stack::{Options, Stack};

#[tokio::test]
async fn requests_share_a_connection_and_are_never_probed() {
    let server = Server::start(|number, _| ok(&number.to_string())).await;
    let stack = Stack::new(&server.url);
    for number in 0..3 {
        assert_eq!(stack.get(server.at("/x?$filter=a%20eq%201")).await.unwrap(), (200, number.to_string()));
    }
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.connection == 0 && request.method == "GET"));
    assert!(seen.iter().all(|request| request.target == "/x?$filter=a%20eq%201"));
    let agent = concat!("tidegate/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen[0].header("user-agent"), Some(agent));
    assert_eq!(stack.statement.counts().calls, 3);
}

#[tokio::test]
async fn a_request_body_arrives_as_it_is() {
    let server = Server::start(|_, _| ok("{}")).await;
    let stack = Stack::new(&server.url);
    let mut request = stack.request(server.at("/search"));
    (request.method, request.body) = (Method::POST, "{\"q\":1}".into());
    request.headers.insert("content-type", "application/json".parse().unwrap());
    stack.send(request).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].body.as_str()), ("POST", "{\"q\":1}"));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A Zstandard frame (RFC 8878) of one raw block.
fn zstd(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let block = (u32::from(length) << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, length], &block[..3], text.as_bytes()].concat()
}

/// A Brotli stream (RFC 7932) of one uncompressed meta-block.
fn brotli(text: &str) -> Vec<u8> {
    let header = ((u32::try_from(text.len()).unwrap() - 1) << 4 | 1 << 20).to_le_bytes();
    [&header[..3], text.as_bytes(), &[3]].concat()
}

#[tokio::test]
async fn compressed_bodies_are_opened() {
    let text = "twenty thousand rows";
    for (encoding, bytes) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd(text)), ("br", brotli(text))] {
        let server = Server::script(vec![reply(200, &[("content-encoding", encoding)], &bytes)]).await;
        let stack = Stack::new(&server.url);
        assert_eq!(stack.get(server.url.clone()).await.unwrap(), (200, text.to_owned()), "{encoding}");
        assert!(server.seen()[0].header("accept-encoding").unwrap().contains(encoding));
        assert_eq!(stack.statement.counts().bytes, text.len() as u64, "{encoding}");
    }
}

#[tokio::test]
async fn an_empty_answer_may_claim_an_encoding() {
    let no_content = || Reply::Keep(b"HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n".to_vec());
    let server = Server::script(vec![no_content(), no_content()]).await;
    let stack = Stack::new(&server.url);
    for _ in 0..2 {
        assert_eq!(stack.get(server.url.clone()).await.unwrap(), (304, String::new()));
    }
}

#[tokio::test]
async fn a_gzip_bomb_stops_at_the_cap() {
    const CAP: u64 = 100_000;
    let bomb = gzip(&vec![0; 4_000_000]);
    let server = Server::script(vec![reply(200, &[("content-encoding", "gzip")], &bomb)]).await;
    let stack = Stack::new(&server.url);
    let mut request = stack.request(server.url.clone());
    request.operation.body = BodyMode::Collect { cap: CAP };
    let error = stack.send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("larger than 100000 bytes, which"), "{error}");
    let bytes = stack.statement.counts().bytes;
    assert!(bytes < 4 * CAP, "{bytes} bytes were unpacked");
    assert_eq!(server.seen().len(), 1, "not tried again");
}

/// The error of one request that is not repeated.
async fn failure(url: Url, http: HttpOptions) -> Error {
    let options = Options { http, statement: Statement::with_retry_budget(1, 0), ..Options::default() };
    let error = Stack::with(&url, options).get(url).await.unwrap_err();
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    error
}

#[tokio::test]
async fn answers_that_break_off() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n").into_bytes();
    let packed = gzip(b"a text that is long enough to be cut in two");
    let mut damaged = packed.clone();
    damaged[12] ^= 0xff;
    let encoded = |encoding: &str, bytes: &[u8]| reply(200, &[("content-encoding", encoding)], bytes);
    for (what, answer, words) in [
        ("closed before the answer", Reply::Close(Vec::new()), "should begin with https://"),
        ("within the head", Reply::Close(b"HTTP/1.1 200".to_vec()), "should begin with https://"),
        ("no HTTP", Reply::Close(b"SSH-2.0-x\r\n\r\n".to_vec()), "should begin with https://"),
        ("fewer bytes than announced", Reply::Close([head("content-length: 9"), b"1234".to_vec()].concat()), "broke"),
        (
            "chunks without end",
            Reply::Close([head("transfer-encoding: chunked"), b"2\r\nab\r\n".to_vec()].concat()),
            "broke",
        ),
        ("half of a gzip", encoded("gzip", &packed[..packed.len() / 2]), "could not be decompressed"),
        ("half of a zstd", encoded("zstd", &zstd("a text")[..9]), "could not be decompressed"),
        ("half of a brotli", encoded("br", &brotli("a text")[..5]), "could not be decompressed"),
        ("damaged gzip", encoded("gzip", &damaged), "could not be decompressed"),
        ("gzip that is none", encoded("gzip", b"{\"value\":[]}"), "could not be decompressed"),
    ] {
        let server = Server::script(vec![answer]).await;
        let error = failure(server.at("/?token=s3cret"), HttpOptions::default()).await;
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Broken, Sent::Maybe), "{what}: {error}");
        assert!(error.to_string().contains(words), "{what}: {error}");
        assert!(error.to_string().contains(&server.url.port().unwrap().to_string()), "{what}: {error}");
    }
}

#[tokio::test]
async fn servers_that_cannot_be_reached() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{closed}/?token=s3cret")).unwrap();
    let error = failure(url, HttpOptions::default()).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Connect, Sent::No), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot connect to {closed}: Connection refused")), "{text}");
    assert!(text.contains("check the url of connection crm"), "{text}");

    let direct = HttpOptions { proxy_from_environment: false, ..HttpOptions::default() };
    // A name that is too long is refused without asking the network.
    let host = format!("{}.invalid", "x".repeat(64));
    let url = Url::parse(&format!("http://{host}/?token=s3cret")).unwrap();
    let error = failure(url, direct).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Connect, Sent::No), "{error}");
    assert!(error.to_string().starts_with(&format!("the host of {host}:80 was not found")), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_others() {
    let server = Server::start(|_, _| ok("")).await;
    let mut url = server.url.clone();
    url.set_scheme("https").unwrap();
    let server = tokio::spawn(async move {
        // Answers the handshake, which holds no line break, with words.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
        });
        (address, task)
    });
    let (address, _task) = server.await.unwrap();
    url.set_port(Some(address.port())).unwrap();
    let error = failure(url, HttpOptions::default()).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Tls, Sent::No), "{error}");
    assert!(error.to_string().contains("should the url of connection crm begin with http:// ?"), "{error}");
}

#[tokio::test]
async fn silence_ends_in_time() {
    let quick = HttpOptions { read_timeout: Duration::from_millis(50), ..HttpOptions::default() };
    let short = HttpOptions { total_timeout: Some(Duration::from_millis(50)), ..HttpOptions::default() };
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234".to_vec();
    for (answer, http) in
        [(Reply::Hang(Vec::new()), quick.clone()), (Reply::Hang(begun.clone()), quick), (Reply::Hang(begun), short)]
    {
        let server = Server::script(vec![answer]).await;
        let error = failure(server.url.clone(), http).await;
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, Sent::Maybe), "{error}");
        assert!(error.to_string().contains("no answer from 127.0.0.1:"), "{error}");
    }
}

#[tokio::test]
async fn cancelling_stops_what_is_in_flight_and_all_that_follows() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234".to_vec();
    for answer in [Reply::Hang(Vec::new()), Reply::Hang(begun)] {
        let server = Server::script(vec![answer]).await;
        let stack = Stack::new(&server.url);
        let cancelling = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            stack.statement.cancellation().cancel();
        };
        let (result, ()) = tokio::join!(stack.get(server.url.clone()), cancelling);
        let error = result.unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        assert_eq!(error.sent(), Sent::Maybe);

        assert!(stack.get(server.url.clone()).await.unwrap_err().is_cancelled());
        assert_eq!(server.seen().len(), 1);
        assert_eq!((stack.statement.counts().calls, stack.log.snapshot().len()), (1, 1));
    }
}

#[tokio::test]
async fn cancelling_ends_a_body_that_is_being_streamed() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234".to_vec();
    let server = Server::script(vec![Reply::Hang(begun)]).await;
    let stack = Stack::new(&server.url);
    let mut request = stack.request(server.url.clone());
    request.operation.body = BodyMode::Stream;
    let mut chunks = stack.send(request).await.unwrap().body.into_stream();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "1234");
    stack.statement.cancellation().cancel();
    assert!(chunks.next().await.unwrap().unwrap_err().is_cancelled());
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn a_password_in_the_url_is_refused() {
    let server = Server::start(|_, _| ok("")).await;
    let mut url = server.url.clone();
    url.set_username("me").unwrap();
    url.set_password(Some("s3cret")).unwrap();
    let error = failure(url, HttpOptions::default()).await;
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
    assert!(!error.to_string().contains("s3cret") && server.seen().is_empty(), "{error}");
}

#[tokio::test]
async fn a_lost_answer_to_a_change_is_not_asked_for_again() {
    let server = Server::script(vec![Reply::Close(Vec::new())]).await;
    let stack = Stack::new(&server.url);
    let mut request = stack.request(server.url.clone());
    (request.method, request.operation.repeat) = (Method::POST, Repeat::Unsafe);
    assert_eq!(stack.send(request).await.unwrap_err().kind(), ErrorKind::Broken);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn making_one_needs_no_runtime() {
    let stack = Stack::new(&Url::parse("https://a.example/").unwrap());
    assert_eq!(Arc::strong_count(&stack.statement), 1);
}
