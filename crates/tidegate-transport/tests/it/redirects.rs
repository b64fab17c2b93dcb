//! Redirects, and above all what reaches another origin.

use tidegate_transport::{Credentials, ErrorKind, Secret};

use crate::server::{Server, ok, reply};
use crate::stack::{Options, Stack};

#[tokio::test]
async fn a_redirect_is_followed_and_counted() {
    let server = Server::script(vec![reply(302, &[("location", "items?page=2")], b""), ok("{}")]).await;
    let stack = Stack::new(&server.url);
    let response = stack.send(stack.request(server.at("/v1/old"))).await.unwrap();
    assert_eq!(response.url, server.at("/v1/items?page=2"));
    assert_eq!((response.status.as_u16(), stack.statement.counts().calls), (200, 2));
    let logged: Vec<_> = stack.log.snapshot().iter().map(|record| (record.status, record.attempt)).collect();
    assert_eq!(logged, [(Some(302), 1), (Some(200), 1)]);
}

/// Sends a signed request that the own server redirects to another one; says what the other one received.
async fn elsewhere(allow: bool) -> (Result<u16, ErrorKind>, Vec<crate::server::Received>) {
    let other = Server::start(|_, _| ok("{}")).await;
    let location = other.at("/file").to_string();
    let own = Server::start(move |_, _| reply(307, &[("location", &location)], b"")).await;
    let options = Options {
        credentials: Credentials::Bearer(Secret::new("tok-s3cret")),
        allowed: if allow { vec![other.url.origin()] } else { Vec::new() },
        ..Options::default()
    };
    let stack = Stack::with(&own.url, options);
    let mut request = stack.request(own.at("/start"));
    request.headers.insert("x-api-key", "key-s3cret".parse().unwrap());
    request.headers.insert("cookie", "sid=cookie-s3cret".parse().unwrap());
    let result = stack.send(request).await;
    let own_seen = own.seen();
    assert_eq!(own_seen[0].header("authorization"), Some("Bearer tok-s3cret"));
    assert_eq!(own_seen[0].header("x-api-key"), Some("key-s3cret"));
    (result.map(|response| response.status.as_u16()).map_err(|error| error.kind()), other.seen())
}

#[tokio::test]
async fn another_origin_is_not_called_unless_it_was_allowed() {
    let (result, received) = elsewhere(false).await;
    assert_eq!(result, Err(ErrorKind::OriginRefused));
    assert!(received.is_empty());
}

#[tokio::test]
async fn no_credential_reaches_another_origin() {
    let (result, received) = elsewhere(true).await;
    assert_eq!(result, Ok(200));
    assert_eq!(received.len(), 1);
    assert!(!received[0].raw.contains("s3cret"), "{}", received[0].raw);
    assert_eq!(received[0].header("authorization"), None);
}
