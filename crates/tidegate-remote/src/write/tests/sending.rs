//! What is asked of the transport, and what becomes of rows when it fails.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::Method;
use serde_json::json;
use tidegate_spec::{Table, WriteKind};
use tidegate_transport::{
    Blanks, Credentials, Error, ErrorKind, Purpose, Repeat, Request, Response, Secret, Sent, TestClock, Transport,
};

use crate::Source;
use crate::test_support::{Reply, Script};
use crate::write::testing::{contacts, customers, delete, invoices, row, shared, update};
use crate::write::{RowOutcome, RowWrite, Verdict, Way, Why, compose, send};

fn clock() -> TestClock {
    TestClock::new(SystemTime::UNIX_EPOCH)
}

async fn sent(source: &Source, table: Table, way: Way, rows: &[RowWrite], clock: &TestClock) -> Vec<RowOutcome> {
    let composed = compose(source, &table, rows[0].kind, way, rows, Some("key-1")).unwrap();
    send(source, &shared(table), composed, rows, clock).await
}

fn gone(id: &str) -> RowWrite {
    row(WriteKind::Delete, 1, json!({ "id": id }), json!({}), json!({}))
}

#[tokio::test]
async fn a_change_is_a_change_to_the_layers_below() {
    for (table, row, repeat) in [(contacts(), delete(5), Repeat::Unsafe), (customers(), gone("c"), Repeat::Safe)] {
        let script = Script::replies([Reply::new(204, "")]);
        let outcomes = sent(&script.source(), table, Way::Single, &[row], &clock()).await;
        assert_eq!(outcomes[0].verdict, Verdict::Applied);
        let requests = script.requests();
        let operation = &requests[0].operation;
        assert_eq!((requests[0].method.clone(), operation.purpose), (Method::DELETE, Purpose::Write));
        assert_eq!((operation.endpoint.as_ref(), operation.repeat), ("delete", repeat));
    }
}

#[derive(Debug)]
struct Failing(Mutex<Option<Error>>);

#[async_trait]
impl Transport for Failing {
    async fn send(&self, _: Request) -> tidegate_transport::Result<Response> {
        Err(self.0.lock().unwrap().take().unwrap())
    }
}

#[tokio::test]
async fn without_an_answer() {
    for (kind, was_sent, verdict) in [
        (ErrorKind::QuotaExhausted, Sent::No, Verdict::NotSent(Why::Quota)),
        (ErrorKind::CallBound, Sent::No, Verdict::NotSent(Why::CallBound)),
        (ErrorKind::Cancelled, Sent::No, Verdict::NotSent(Why::Cancelled)),
        (ErrorKind::Connect, Sent::No, Verdict::NotSent(Why::Connection)),
        (ErrorKind::Credentials, Sent::No, Verdict::NotSent(Why::Connection)),
        (ErrorKind::OriginRefused, Sent::No, Verdict::NotSent(Why::Connection)),
        (ErrorKind::Invalid, Sent::No, Verdict::NotSent(Why::Row)),
        (ErrorKind::QuotaExhausted, Sent::Maybe, Verdict::Doubtful),
        (ErrorKind::Cancelled, Sent::Maybe, Verdict::Doubtful),
        (ErrorKind::Timeout, Sent::Maybe, Verdict::Doubtful),
        (ErrorKind::Broken, Sent::Maybe, Verdict::Doubtful),
        (ErrorKind::TooLarge, Sent::Maybe, Verdict::Doubtful),
        (ErrorKind::Redirect, Sent::Maybe, Verdict::Doubtful),
    ] {
        let blanks = Blanks::new(&[Credentials::Bearer(Secret::new("s3cret"))]);
        let transport = Arc::new(Failing(Mutex::new(Some(Error::new(kind, was_sent, "it said s3cret")))));
        let source = Source { transport, blanks, ..Script::replies([]).source() };
        let rows = [update(1, json!({"name": "x"})), update(2, json!({"name": "y"}))];
        for outcome in sent(&source, contacts(), Way::Batch, &rows, &clock()).await {
            assert_eq!(outcome.verdict, verdict, "{kind:?} {was_sent:?}");
            assert_eq!(outcome.message.as_deref(), Some("it said ***"));
            // The next one of the two has the same.
            assert_eq!(outcome.status, None);
        }
    }
}

/// Sent twice by the layers below, and answered in the end.
#[derive(Debug)]
struct Twice(u16);

#[async_trait]
impl Transport for Twice {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        request.operation.statement.count_call(false);
        request.operation.statement.count_call(true);
        Ok(Response {
            status: http::StatusCode::from_u16(self.0).unwrap(),
            headers: http::HeaderMap::new(),
            url: request.url,
            body: tidegate_transport::Body::from(bytes::Bytes::new()),
        })
    }
}

/// The earlier attempt may have been what made the row another, or took it away.
#[tokio::test]
async fn a_refusal_after_a_repeat_says_nothing_of_the_attempt_before() {
    for (status, verdict) in [
        (204, Verdict::Applied),
        (404, Verdict::Doubtful),
        (412, Verdict::Doubtful),
        (403, Verdict::Doubtful),
        (422, Verdict::Refused),
        (429, Verdict::NotSent(Why::Quota)),
    ] {
        let source = Source { transport: Arc::new(Twice(status)), ..Script::replies([]).source() };
        let outcomes = sent(&source, customers(), Way::Single, &[gone("c")], &clock()).await;
        assert_eq!(outcomes[0].verdict, verdict, "{status}");
    }
}

#[tokio::test]
async fn a_statement_that_was_cancelled_sends_nothing() {
    let script = Script::replies([]);
    let source = script.source();
    source.statement.cancellation().cancel();
    let outcomes = sent(&source, contacts(), Way::Single, &[delete(1)], &clock()).await;
    assert_eq!(outcomes[0].verdict, Verdict::NotSent(Why::Cancelled));
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_is_blanked() {
    let script = Script::replies([Reply::new(400, r#"{"message":"token s3cret/x is bad"}"#)]);
    let blanks = Blanks::new(&[Credentials::Bearer(Secret::new("s3cret/x"))]);
    let source = Source { blanks, ..script.source() };
    let outcomes = sent(&source, contacts(), Way::Single, &[delete(1)], &clock()).await;
    assert_eq!(outcomes[0].message.as_deref(), Some("the server answered 400 Bad Request: token *** is bad"));
}

#[tokio::test]
async fn what_the_api_says_it_has_not_done_is_sent_again_a_few_times() {
    let mut table = contacts();
    table.writes.delete.as_mut().unwrap().single.as_mut().unwrap().answer.not_done = vec![503];
    let busy = || Reply::new(503, "busy");
    let waits = |seconds: &'static str| Reply { headers: vec![("retry-after", seconds)], ..busy() };
    for (replies, verdict, calls, slept) in [
        (vec![busy(), waits("7"), Reply::new(204, "")], Verdict::Applied, 3, vec![500, 7_000]),
        (
            vec![busy(), busy(), busy(), busy(), busy(), Reply::new(204, "")],
            Verdict::Refused,
            5,
            vec![500, 1_000, 2_000, 4_000],
        ),
        (vec![waits("600")], Verdict::Refused, 1, vec![]),
        (vec![Reply::new(502, "")], Verdict::Doubtful, 1, vec![]),
    ] {
        let (script, clock) = (Script::replies(replies), clock());
        let outcomes = sent(&script.source(), table.clone(), Way::Single, &[delete(1)], &clock).await;
        assert_eq!((outcomes[0].verdict, script.requests().len()), (verdict, calls));
        let slept: Vec<Duration> = slept.into_iter().map(Duration::from_millis).collect();
        assert_eq!(clock.sleeps(), slept);
    }
}

#[tokio::test]
async fn a_job_is_looked_at_until_it_ends() {
    let begun = || Reply::new(202, r#"{"job":"a/1"}"#);
    let state = |state: &str, more: &str| Reply::new(200, format!(r#"{{"state":"{state}"{more}}}"#));
    let open = "Doubtful";
    for (replies, calls, expected) in [
        (vec![begun(), state("busy", ""), state("done", r#","count":2"#)], 3, "Applied"),
        (vec![begun(), state("done", r#","count":1"#)], 2, open),
        (vec![begun(), state("done", r#","error":{"text":"bad"}"#)], 2, "RefusedTogether"),
        (vec![begun(), state("failed", r#","message":"bad""#)], 2, "RefusedTogether"),
        (vec![begun(), state("busy", ""), state("busy", ""), state("busy", "")], 4, open),
        (vec![begun(), Reply::new(500, "")], 2, open),
        (vec![begun(), Reply::new(200, "<html>")], 4, open),
        (vec![Reply::new(200, "{}")], 1, open),
        (vec![Reply::new(200, "")], 1, open),
        (vec![Reply::new(400, r#"{"error":{"text":"bad"}}"#)], 1, "RefusedTogether"),
        (vec![Reply::new(500, r#"{"job":"a/1"}"#)], 1, open),
    ] {
        let said = format!("{replies:?}");
        let again = replies.last().cloned().unwrap();
        let script = Script::new(move |n, _| replies.get(n - 1).cloned().unwrap_or_else(|| again.clone()));
        let clock = clock();
        let outcomes = sent(&script.source(), invoices(), Way::Batch, &[gone("a"), gone("b")], &clock).await;
        for outcome in &outcomes {
            assert_eq!(format!("{:?}", outcome.verdict), expected, "{said}\n{outcomes:?}");
        }
        assert_eq!((outcomes.len(), script.requests().len()), (2, calls), "{said}");
        assert_eq!(clock.sleeps(), vec![Duration::from_secs(2); calls - 1]);
        let looks: Vec<_> =
            script.requests()[1..].iter().map(|request| (request.method.clone(), request.url.clone())).collect();
        let job = url::Url::parse("https://api.test/odata/jobs/a%2F1").unwrap();
        assert!(looks.iter().all(|look| *look == (Method::GET, job.clone())), "{looks:?}");
    }
}

/// Of rows that are made one by one, some may have been made before the job failed.
#[tokio::test]
async fn a_job_that_failed_may_have_made_some_rows() {
    let job = invoices().writes.delete.unwrap().batch.unwrap().job;
    let mut crm = contacts();
    crm.writes.insert.as_mut().unwrap().batch.as_mut().unwrap().job = job;
    let rows = [1, 2].map(|number| crate::write::testing::insert(number, json!({"email": "x"})));
    let replies = [Reply::new(202, r#"{"job":"a"}"#), Reply::new(200, r#"{"state":"failed"}"#)];
    for outcome in sent(&Script::replies(replies).source(), crm, Way::Batch, &rows, &clock()).await {
        assert_eq!(outcome.verdict, Verdict::Doubtful);
    }
}

#[tokio::test]
async fn a_job_may_be_at_a_url_but_not_at_any() {
    let mut table = invoices();
    table.writes.delete.as_mut().unwrap().batch.as_mut().unwrap().job.as_mut().unwrap().path = None;
    for (named, asked) in
        [("/jobs/7", Some("https://api.test/jobs/7")), ("file:///etc/passwd", None), ("http://[", None)]
    {
        let begun = Reply::new(202, json!({ "job": named }).to_string());
        let script = Script::replies([begun, Reply::new(200, r#"{"state":"done","count":1}"#)]);
        let outcomes = sent(&script.source(), table.clone(), Way::Batch, &[gone("a")], &clock()).await;
        let second = script.requests().get(1).map(|request| request.url.to_string());
        assert_eq!(second.as_deref(), asked);
        let verdict = if asked.is_some() { Verdict::Applied } else { Verdict::Doubtful };
        assert_eq!(outcomes[0].verdict, verdict, "{outcomes:?}");
    }
}

/// Mutations run in tasks of their own.
#[test]
fn sending_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (source, clock, rows) = (Script::replies([]).source(), clock(), [delete(1)]);
    let table = contacts();
    let composed = compose(&source, &table, WriteKind::Delete, Way::Single, &rows, None).unwrap();
    let table = shared(table);
    is_send(&send(&source, &table, composed, &rows, &clock));
    is_send(&crate::write::read_rows(&source, &table, &[], &[]));
}
