//! What is counted and logged, however an attempt ends.

use super::*;
use crate::testing::{Scripted, answer, clock, failure, request, statement};
use crate::{Collect, ErrorKind, Fault, FaultScript, FaultStep, Repeat, StatementCounts};

const URL: &str = "http://me:pw@a.example/Accounts?api_key=s3cret";

/// Sends one request through observe; `then` does something with the response.
async fn check(inner: Arc<dyn Transport>, attempt: u32, collect: bool) -> (RequestRecord, StatementCounts) {
    let (log, statement) = (Arc::new(RequestLog::new(10)), statement());
    let mut asked = request(URL, Repeat::Safe, &statement);
    asked.operation.attempt = attempt;
    let observe: Arc<dyn Transport> = Arc::new(Observe::new(inner, Arc::clone(&log), clock()));
    let stack = if collect { Arc::new(Collect::new(observe)) } else { observe };
    let result = stack.send(asked).await;
    if !collect && result.is_ok() {
        assert!(log.snapshot().is_empty(), "the body has not ended yet");
    }
    drop(result);
    let records = log.snapshot();
    assert_eq!(records.len(), 1, "logged once");
    (records[0].clone(), statement.counts())
}

fn five_bytes() -> Arc<Scripted> {
    Scripted::new([answer(200, &[], "hello")])
}

#[tokio::test]
async fn a_whole_body() {
    let (record, counts) = check(five_bytes(), 1, true).await;
    assert_eq!((record.status, record.bytes, record.error, record.attempt), (Some(200), 5, None, 1));
    assert_eq!((record.method.as_str(), record.url.as_str()), ("GET", "http://a.example/Accounts?api_key=***"));
    assert_eq!((&*record.connection, record.table.as_deref(), record.page), ("crm", Some("accounts"), Some(1)));
    assert_eq!((counts.calls, counts.retries, counts.bytes), (1, 0, 5));
}

#[tokio::test]
async fn a_body_that_is_cut() {
    let inner = Fault::new(five_bytes(), FaultScript::steps(vec![FaultStep::CutBody(2)]));
    let (record, counts) = check(Arc::new(inner), 3, true).await;
    assert_eq!((record.status, record.bytes, record.attempt), (Some(200), 2, 3));
    assert_eq!(record.error.as_deref(), Some("a fault on purpose, within the body"));
    assert_eq!((counts.calls, counts.retries, counts.bytes), (1, 1, 2));
}

#[tokio::test]
async fn a_body_that_nobody_reads() {
    let (record, counts) = check(five_bytes(), 1, false).await;
    assert_eq!((record.status, record.bytes), (Some(200), 0));
    assert_eq!(record.error.as_deref(), Some("the statement stopped before the answer was complete"));
    assert_eq!(counts.calls, 1);
}

#[tokio::test]
async fn no_answer() {
    let (record, counts) = check(Scripted::new([failure(ErrorKind::Connect, Sent::No)]), 1, true).await;
    assert_eq!((record.status, record.error.as_deref()), (None, Some("a scripted Connect")));
    assert_eq!(counts.calls, 1);
}

#[tokio::test]
async fn nothing_is_counted_after_cancellation() {
    let (log, statement) = (Arc::new(RequestLog::new(10)), statement());
    statement.cancellation().cancel();
    let observe = Observe::new(Scripted::new([]), Arc::clone(&log), clock());
    let error = observe.send(request(URL, Repeat::Safe, &statement)).await.unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(statement.counts(), StatementCounts::default());
    assert!(log.snapshot().is_empty());
}
