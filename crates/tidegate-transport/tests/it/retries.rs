//! Retries over real connections: what is sent again, what it costs, and when it ends.

use std::time::Duration;

use tidegate_transport::Statement;

use crate::server::{Reply, Server, ok, reply};
use crate::stack::{Options, Stack};

#[tokio::test]
async fn troubles_pass() {
    let server = Server::script(vec![
        reply(503, &[("retry-after", "7")], b"busy"),
        reply(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:50 GMT")], b""),
        Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234".to_vec()),
        ok("whole"),
    ])
    .await;
    let stack = Stack::new(&server.url);
    assert_eq!(stack.get(server.url.clone()).await.unwrap(), (200, "whole".into()));
    // The first wait is that of the retry layer, the second that of the ledger.
    let logged = stack.log.snapshot();
    let waits: Vec<Duration> = logged.iter().map(|record| record.quota_wait).collect();
    assert_eq!(stack.clock.sleeps()[0], Duration::from_secs(7));
    assert!(waits[2] >= Duration::from_secs(6) && waits[2] < Duration::from_secs(7), "{waits:?}");
    assert_eq!((waits[0], waits[1], waits[3]), Default::default());
    let counts = stack.statement.counts();
    assert_eq!((counts.calls, counts.retries, counts.bytes), (4, 3, 4 + 4 + 5));
    let logged: Vec<_> = logged.iter().map(|record| (record.attempt, record.error.is_some())).collect();
    assert_eq!(logged, [(1, false), (2, false), (3, true), (4, false)]);
}

#[tokio::test]
async fn the_budget_is_the_statements() {
    let server = Server::start(|_, _| reply(503, &[], b"busy")).await;
    let options = Options { statement: Statement::with_retry_budget(1, 6), ..Options::default() };
    let stack = Stack::with(&server.url, options);
    for _ in 0..4 {
        assert_eq!(stack.get(server.url.clone()).await.unwrap(), (503, "busy".into()));
    }
    // 5 attempts, then 3 until the budget of 6 is spent, then one each.
    assert_eq!(server.seen().len(), 5 + 3 + 1 + 1);
    assert_eq!(stack.statement.counts().retries, 6);
}
