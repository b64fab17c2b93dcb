//! `express-rate-limit` with only what it tells: no call is refused after the first reply that states the limit, in each
//! of its sets of headers, for one scan, several at once, and several partitions; and the same before SAP CAP.
//!
//! `limiter/README.md` says how it counts and rounds.

use std::time::Duration;

use tidegate::{ConnectionDef, Engine, Partition, Session};
use tidegate_tests::run::run;

use crate::cap_server::Cap;
use crate::served::Served;

/// As in `limiter/server.mjs`.
const ROWS: &str = "400";
/// Pages of ten rows, and the empty one after them.
const CALLS: usize = 41;
const LIMITERS: [&str; 6] = ["legacy", "draft-6", "draft-7", "draft-8", "both", "odd"];

/// Eight waits for the calls of two scans, each told as up to four seconds; and as much again, since other tests take their
/// share of the machine. That no time is wasted is tested elsewhere.
const MOST: Duration = Duration::from_secs(80);

const SCAN: &str = "SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM api.things)";

const MANIFEST: &str = "
connector: things
tables:
  things:
    key: id
    columns: { id: int, name: text }
    list:
      path: things
      rows: things
      page_size: { parameter: per_page, max: 10 }
      paging: { page: page, short: last }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn express_rate_limit() {
    let served = Served::start("limiter");
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("things.yaml");
    std::fs::write(&manifest, MANIFEST).unwrap();
    let session = |path: &str, partitions: &[&str]| {
        let def = ConnectionDef::new("api", manifest.to_str().unwrap(), Default::default());
        let mut def = def.with("url", &format!("{}{path}", served.at("/")));
        let partition = |code: &&str| Partition { code: (*code).to_owned(), name: None };
        def.partitions = (!partitions.is_empty()).then(|| partitions.iter().map(partition).collect());
        Engine::builder().connection(def).build().unwrap().session("test")
    };
    // The limiters know nothing of each other, and the servers are waited for most of the time: all at once.
    let one = LIMITERS.map(|limiter| one_scan(session(&format!("{limiter}/"), &[])));
    timed("one scan", futures::future::join_all(one)).await;
    refused_none(&served, "one scan", LIMITERS.len() * CALLS);

    let at_once = LIMITERS.map(|limiter| scans_at_once(session(&format!("{limiter}/"), &[])));
    timed("scans at once", futures::future::join_all(at_once)).await;
    refused_none(&served, "scans at once", LIMITERS.len() * 2 * CALLS);

    let partitions =
        LIMITERS.map(|limiter| partitions(session(&format!("{limiter}/{{partition}}/"), &["a", "b", "c"])));
    timed("partitions", futures::future::join_all(partitions)).await;
    refused_none(&served, "partitions", LIMITERS.len() * 3 * CALLS);
}

async fn timed(what: &str, work: impl Future) {
    assert!(tokio::time::timeout(MOST, work).await.is_ok(), "{what}: it takes more than {MOST:?}");
}

async fn one_scan(session: Session) {
    without_cache(&session).await;
    assert_eq!(run(&session, SCAN).await.unwrap().rows(), [[ROWS, ROWS]]);
}

/// Express sends tags, and equal requests would be one: here each is to be counted.
async fn without_cache(session: &Session) {
    run(session, "SET tidegate.http_cache = false").await.unwrap();
}

async fn scans_at_once(session: Session) {
    without_cache(&session).await;
    let (one, other) = tokio::join!(run(&session, SCAN), run(&session, SCAN));
    for outcome in [one, other] {
        assert_eq!(outcome.unwrap().rows(), [[ROWS, ROWS]]);
    }
}

async fn partitions(session: Session) {
    without_cache(&session).await;
    let sql = "SELECT _partition, count(*), count(DISTINCT id) FROM api.things GROUP BY 1 ORDER BY 1";
    assert_eq!(run(&session, sql).await.unwrap().rows(), ["a", "b", "c"].map(|code| [code, ROWS, ROWS]));
}

/// The server's own word: so many calls, and no 429.
fn refused_none(served: &Served, what: &str, calls: usize) {
    let log = served.log();
    let refused: Vec<_> = log.iter().filter(|entry| entry["status"] != 200).collect();
    assert!(refused.is_empty(), "{what}: {} of {} refused, such as {:?}", refused.len(), log.len(), &refused[..1]);
    assert_eq!(log.len(), calls, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn express_rate_limit_before_sap_cap() {
    for headers in ["legacy", "draft-6", "draft-7", "draft-8"] {
        let cap = Cap::start_limited(headers);
        let engine = Engine::builder().connection(ConnectionDef::odata("cap", &cap.service("sales"))).build().unwrap();
        let session = engine.session("test");
        let read = async {
            for (table, rows) in [("accounts", "20000"), ("orders", "24500")] {
                let sql = format!("SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM cap.{table})");
                assert_eq!(run(&session, &sql).await.unwrap().rows(), [[rows, rows]], "{headers}");
            }
        };
        timed(headers, read).await;
        let statuses = cap.statuses();
        assert!(statuses.len() >= 45 && statuses.iter().all(|status| *status == 200), "{headers}: {statuses:?}");
    }
}
