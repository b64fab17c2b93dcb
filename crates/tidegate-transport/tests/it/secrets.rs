//! No `Debug` of anything shows a credential.

use tidegate_transport::{Credentials, Secret};

use crate::server::{Server, reply};
use crate::stack::{Options, Stack};

#[tokio::test]
async fn debug_shows_no_secret() {
    let server = Server::start(|_, _| reply(200, &[("set-cookie", "sid=s3cret")], b"s3cret")).await;
    let credentials = Credentials::Basic { user: "me".into(), password: Secret::new("s3cret") };
    let encoded = "bWU6czNjcmV0";
    assert!(credentials.secrets().iter().any(|secret| secret.expose() == encoded));
    let mut shown = format!("{credentials:?}");
    let stack = Stack::with(&server.url, Options { credentials, ..Options::default() });
    let mut request = stack.request(server.at("/?access_token=s3cret"));
    request.headers.insert("x-api-key", "s3cret".parse().unwrap());
    request.body = "s3cret".into();
    shown += &format!("{request:?} {:?}", stack.transport);
    let response = stack.send(request).await.unwrap();
    shown += &format!("{response:?} {:?} {:?} {:?}", stack.transport, stack.log, stack.statement);
    assert!(server.seen()[0].header("authorization").unwrap().contains(encoded));
    for secret in ["s3cret", encoded] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("access_token=***"), "{shown}");
}
