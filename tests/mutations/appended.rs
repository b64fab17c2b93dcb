//! Entries that are added to a stream: each once by its request id, whatever goes wrong.

use std::collections::BTreeMap;

use tidegate_sim::{Fault, Match, RetryAfter, What};

use crate::subject::{ENTRIES, Subject, UNTRACED};

const INSERT: &str = "INSERT INTO {t} (stream, level, message) \
                      SELECT CASE WHEN value % 3 = 0 THEN 'a' ELSE 'b' END, 1 + value % 5, 'm' || value \
                      FROM generate_series(1, 10000)";

fn every(n: u64, what: What) -> Fault {
    Fault::new(Match::All(vec![Match::Writes, Match::Every(n)]), what)
}

/// How often each message was written.
fn written(subject: &Subject) -> BTreeMap<String, usize> {
    let mut written = BTreeMap::new();
    for effect in subject.sim.effects() {
        *written.entry(effect.values["message"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_entries_survive_faults() {
    let subject = Subject::start(ENTRIES, 0).await;
    subject.faults(vec![
        every(5, What::CutAfter),
        every(7, What::Status { code: 503, retry_after: RetryAfter::None }),
        every(8, What::CutBefore),
        every(11, What::FailAfter(500)),
    ]);
    let done = subject.change(INSERT).await;
    let counts = ["selected", "accepted", "failed", "unknown"].map(|name| done.count(name));
    assert_eq!((counts, done.error.as_deref()), ([10_000, 10_000, 0, 0], None));
    let written = written(&subject);
    assert_eq!(written.len(), 10_000);
    assert!(written.values().all(|times| *times == 1));
    let levels = subject.run("SELECT sum(count) FROM t.levels WHERE stream IN ('a', 'b')").await.unwrap();
    assert_eq!(levels.rows(), [["10000"]]);

    let undone = subject.run(&format!("UNDO MUTATION '{}'", done.id())).await;
    assert!(undone.is_err(), "what has no identity cannot be taken back");
    let read = subject.run("SELECT * FROM {t}").await;
    assert!(read.is_err(), "it cannot be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_request_ids_what_is_doubtful_is_not_sent_again() {
    let subject = Subject::start(UNTRACED, 0).await;
    subject.faults(vec![every(10, What::CutAfter), every(13, What::CutBefore)]);
    let sql = "INSERT INTO {t} (stream, level, message) SELECT 's', 1, 'm' || value FROM generate_series(1, 200)";
    let done = subject.change(sql).await;
    let written = written(&subject);
    assert!(written.values().all(|times| *times == 1), "{done:?}");
    let (accepted, unknown) = (done.count("accepted"), done.count("unknown"));
    assert!(unknown > 0 && accepted + unknown == 200, "{done:?}");
    assert!((accepted..=accepted + unknown).contains(&(written.len() as u64)), "{} written, {done:?}", written.len());
    let unknowns = "SELECT count(*) FROM system.mutation_rows WHERE outcome = 'unknown'";
    assert_eq!(subject.run(unknowns).await.unwrap().rows(), [[unknown.to_string()]]);
}
