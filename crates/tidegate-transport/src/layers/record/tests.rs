//! What becomes of a recording that cannot be written, and of answers that nobody reads to the end.

use super::*;
use crate::testing::{Scripted, answer, get};

/// A recorder whose file refuses every write.
fn full_disk(folder: &Path) -> Recorder {
    let path = folder.join("run.jsonl");
    std::fs::write(&path, "").unwrap();
    let read_only = File::open(&path).unwrap();
    Recorder { path, file: Mutex::new(Some(read_only)) }
}

#[tokio::test]
async fn a_lost_exchange_fails_the_request_and_stops_those_that_follow() {
    let folder = tempfile::tempdir().unwrap();
    let inner = Scripted::new([answer(200, &[], "hello")]);
    let record = Record::new(inner.clone(), Arc::new(full_disk(folder.path())));

    let response = record.send(get("http://a.example/")).await.unwrap();
    let lost = response.body.collect(9).await.unwrap_err();
    assert_eq!((lost.kind(), lost.sent()), (ErrorKind::File, Sent::Maybe));
    assert!(lost.to_string().contains("make room on its disk"), "{lost}");

    let refused = record.send(get("http://a.example/")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.sent()), (ErrorKind::File, Sent::No));
    assert!(refused.to_string().contains("is incomplete; start again"), "{refused}");
    assert_eq!(inner.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_dropped_is_kept_as_far_as_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let record = Record::create(Scripted::new([answer(200, &[], "hello")]), &path).unwrap();
    let mut chunks = record.send(get("http://a.example/")).await.unwrap().body.into_stream();
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    let text = std::fs::read_to_string(&path).unwrap();
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_cancelled_request_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let record = Record::create(Scripted::new([Err(Error::cancelled(Sent::Maybe))]), &path).unwrap();
    assert!(record.send(get("http://a.example/")).await.unwrap_err().is_cancelled());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
}
