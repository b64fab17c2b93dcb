//! Quotas and partitions of connections, as a program that embeds the engine declares them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use futures::TryStreamExt;
use http::{HeaderMap, StatusCode};
use tidegate::manifest::{Amount, Quota, QuotaScope};
use tidegate::transport::{Body, Request, Response, Result, Transport};
use tidegate::{Builder, ConnectionDef, Engine, Error, Partition, StateLocation, TestClock};

use super::cost;

/// A list that has no end: each page is one order and names the next.
const SHOP: &str = "
connector: shop
url: https://shop.example/v1/
options: { key: { secret: true } }
auth: [ { header: { name: X-Key, value: '{key}' } }, none ]
tables:
  orders:
    key: id
    columns: { id: int }
    list: { path: '{partition}/orders', rows: orders, paging: { cursor: after, next: next } }
  shops:
    key: code
    columns: { code: text, city: text }
    list: { path: shops }
";

/// The same, signed with a token that lives for an hour, of which three may be had in a day.
const SIGNED: &str = "
connector: shop
url: https://shop.example/v1/
options: { secret: { secret: true, required: true } }
auth:
  oauth2: { grant: client_credentials, token_url: 'https://shop.example/token', client_id: me, client_secret: '{secret}' }
quotas:
  - { name: tokens, of: token_requests, window: day, limit: 3 }
tables:
  orders:
    key: id
    columns: { id: int }
    list: { path: orders, rows: orders, paging: { cursor: after, next: next } }
";

/// Plays that API, and counts calls by path.
#[derive(Debug)]
struct Shop {
    calls: Mutex<BTreeMap<String, u64>>,
    /// The number of the last page.
    last: u64,
    /// What is answered first, and how.
    script: Mutex<Vec<(StatusCode, HeaderMap)>>,
}

impl Shop {
    fn new(last: u64) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), last, script: Mutex::default() })
    }

    fn calls(&self) -> u64 {
        self.calls.lock().unwrap().values().sum()
    }

    fn calls_by_path(&self) -> Vec<(String, u64)> {
        self.calls.lock().unwrap().clone().into_iter().collect()
    }
}

#[async_trait]
impl Transport for Shop {
    async fn send(&self, request: Request) -> Result<Response> {
        *self.calls.lock().unwrap().entry(request.url.path().to_owned()).or_default() += 1;
        let scripted = self.script.lock().unwrap().pop();
        if let Some((status, headers)) = scripted {
            return Ok(Response { status, headers, url: request.url, body: Body::from(bytes::Bytes::new()) });
        }
        let page = request.url.query_pairs().find(|(name, _)| name == "after");
        let page: u64 = page.map_or(1, |(_, page)| page.parse().unwrap());
        let body = match request.url.path() {
            "/token" => r#"{"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}"#.to_owned(),
            "/v1/shops" => r#"[{"code": "1", "city": "Gent"}, {"code": "2", "city": "Lier"}]"#.to_owned(),
            _ if page < self.last => format!(r#"{{"orders": [{{"id": {page}}}], "next": "{}"}}"#, page + 1),
            _ => format!(r#"{{"orders": [{{"id": {page}}}]}}"#),
        };
        let body = Body::from(bytes::Bytes::from(body));
        Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), url: request.url, body })
    }
}

/// The first of May 2026, in the morning.
fn morning() -> Arc<TestClock> {
    Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_777_622_400)))
}

fn engine(network: &Arc<Shop>, folder: &Path) -> Builder {
    std::fs::write(folder.join("shop.yaml"), SHOP).unwrap();
    Engine::builder().network(network.clone()).environment(|_| None).working_dir(folder).clock(morning())
}

fn quota(name: &str, per: QuotaScope, limit: u64) -> Quota {
    Quota {
        name: name.to_owned(),
        per: Some(per),
        window: Some("day".to_owned()),
        limit: Some(Amount::Number(limit)),
        ..Quota::default()
    }
}

fn shop(name: &str, partitions: u64, quotas: &[Quota]) -> ConnectionDef {
    let of = |code: u64| Partition { code: code.to_string(), name: None };
    ConnectionDef {
        partitions: Some((1..=partitions).map(of).collect()),
        quotas: quotas.to_vec(),
        ..ConnectionDef::new(name, "./shop.yaml", BTreeMap::new())
    }
}

/// Runs statements in one session; the error of the first that fails.
async fn run(engine: &Engine, statements: &[&str]) -> std::result::Result<u64, String> {
    let (session, mut rows) = (engine.session("me"), 0);
    for sql in statements {
        let execution = session.prepare(sql).await.map_err(|error| error.to_string())?;
        let execution = execution.execute(vec![]).await.map_err(|error| error.to_string())?;
        let batches: Vec<_> = execution.stream.try_collect().await.map_err(|error| Error::from(error).to_string())?;
        rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    }
    Ok(rows)
}

const STOP: &str = "SET tidegate.on_quota_exhausted = 'stop'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_partition_may_spend_less_the_reserve_is_spent_and_no_more() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(u64::MAX));
    let daily = quota("daily", QuotaScope::Partition, 5_000);
    let engine = engine(&network, folder.path()).connection(shop("eol", 10, &[daily])).build().unwrap();
    let reserve = "SET tidegate.quota_reserve = 'daily=500'";
    let error = run(&engine, &[reserve, STOP, "SELECT count(*) FROM eol.orders"]).await.unwrap_err();

    assert_eq!(network.calls(), 45_000, "{error}");
    let by_path = network.calls_by_path();
    assert!(by_path.len() == 10 && by_path.iter().all(|(_, calls)| *calls == 4_500), "{by_path:?}");
    for part in ["1, 2, 3, 4, 5, 6, 7, 8, 9, 10:", "quota daily", "500 of 5000 left", "2026-05-02 00:00:00 UTC"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }

    // What was left over is there for another statement.
    let spent = network.calls();
    let first = "SELECT id FROM eol.orders WHERE _partition = '1' LIMIT 300";
    run(&engine, &[STOP, first]).await.unwrap();
    assert_eq!(network.calls() - spent, 300);
}

#[tokio::test]
async fn who_signs_with_the_same_credential_shares_a_quota() {
    let daily = || quota("daily", QuotaScope::Credential, 10);
    let signed = |name: &str, key: &str| shop(name, 1, &[daily()]).with("key", key);
    let own = || shop("own", 1, &[quota("daily", QuotaScope::Connection, 10)]).with("key", "one");
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(6));
    let builder = engine(&network, folder.path());
    let defs = [signed("a", "one"), signed("b", "one"), signed("c", "other"), own()];
    let engine = builder.connections(defs).build().unwrap();
    run(&engine, &[STOP, "SELECT * FROM a.orders"]).await.unwrap();
    let refused = run(&engine, &[STOP, "SELECT * FROM b.orders"]).await.unwrap_err();
    assert!(refused.contains("daily") && network.calls() == 10, "{} calls, {refused}", network.calls());
    assert_eq!(run(&engine, &[STOP, "SELECT * FROM c.orders"]).await, Ok(6), "signed by another");
    assert_eq!(run(&engine, &[STOP, "SELECT * FROM own.orders"]).await, Ok(6), "a quota of the connection");
}

#[tokio::test]
async fn the_state_folder_knows_what_was_spent() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(6));
    let state = StateLocation::Folder(folder.path().join("state"));
    let open = |state: &StateLocation| {
        let def = shop("eol", 1, &[quota("daily", QuotaScope::Partition, 10)]);
        engine(&network, folder.path()).state(state.clone()).connection(def).build().unwrap()
    };
    let first = open(&state);
    run(&first, &[STOP, "SELECT * FROM eol.orders"]).await.unwrap();
    first.settle().await;
    drop(first);
    assert!(run(&open(&state), &[STOP, "SELECT * FROM eol.orders"]).await.unwrap_err().contains("daily"));
    assert_eq!(network.calls(), 10);
    assert_eq!(run(&open(&StateLocation::Memory), &[STOP, "SELECT * FROM eol.orders"]).await, Ok(6));
}

#[tokio::test]
async fn a_connections_quota_changes_its_connectors() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(6));
    let builder = engine(&network, folder.path());
    let declared =
        format!("{SHOP}quotas:\n  - {{ name: daily, window: day, limit: 3, per: partition, only: [orders] }}\n");
    std::fs::write(folder.path().join("shop.yaml"), declared).unwrap();
    let more = Quota { name: "daily".to_owned(), limit: Some(Amount::Number(6)), ..Quota::default() };
    let engine = builder.connection(shop("few", 2, &[])).connection(shop("more", 2, &[more])).build().unwrap();
    let refused = run(&engine, &[STOP, "SELECT * FROM few.orders"]).await.unwrap_err();
    assert!(refused.contains("daily") && network.calls() == 6, "{} calls, {refused}", network.calls());
}

#[tokio::test]
async fn partitions_are_named_by_the_connection_in_either_way() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(1));
    let codes = ConnectionDef::new("c", "./shop.yaml", BTreeMap::new()).with("partitions", "1, 2,3");
    let some = codes.clone().with("default_partitions", "2");
    let def = ConnectionDef { name: "d".to_owned(), ..some };
    let engine = engine(&network, folder.path()).connection(codes).connection(def).build().unwrap();
    assert_eq!(cost(&engine, "SELECT * FROM c.orders").await.unwrap(), (3, 3));
    assert_eq!(cost(&engine, "SELECT * FROM d.orders").await.unwrap(), (1, 1));
    assert_eq!(cost(&engine, "SELECT * FROM d.shops").await.unwrap().1, 1, "it needs no partition");
    let paths: BTreeSet<String> = network.calls_by_path().into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains("/v1/3/orders") && paths.contains("/v1/shops"), "{paths:?}");
}

#[tokio::test]
async fn partitions_are_listed_by_a_table() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(1));
    let builder = engine(&network, folder.path());
    let listed = format!("{SHOP}partitions: {{ table: shops, code: code, name: city }}\n");
    std::fs::write(folder.path().join("shop.yaml"), listed).unwrap();
    let def = |name: &str| ConnectionDef::new(name, "./shop.yaml", BTreeMap::new());
    let engine = builder.connection(def("l")).connection(def("n").with("partitions", "7")).build().unwrap();
    assert_eq!(cost(&engine, "SELECT * FROM l.orders").await.unwrap().0, 2);
    assert_eq!(cost(&engine, "SELECT * FROM n.orders").await.unwrap(), (1, 1), "those that it names go first");
}

#[test]
fn what_makes_no_sense_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let plain = || ConnectionDef::new("c", "./shop.yaml", BTreeMap::new());
    let odata = |url: &str| ConnectionDef::odata("c", url);
    let quotas = |quotas: &[Quota]| ConnectionDef { quotas: quotas.to_vec(), ..plain().with("partitions", "1") };
    let daily = || quota("daily", QuotaScope::Partition, 1);
    let cases = [
        (plain(), "its requests name a {partition}, and nothing says which there are"),
        (plain().with("partitions", ","), "option partitions is empty"),
        (plain().with("partitions", "1,2,1"), "option partitions: 1 stands there twice"),
        (plain().with("partitions", "1").with("default_partitions", "2"), "there is no partition 2; there are: 1"),
        (odata("https://host/odata").with("partitions", "1"), "write {partition} into its url"),
        (odata("https://host/odata").with("default_partitions", "1"), "the connection has no partitions"),
        (odata("https://host/{partition}/"), "nothing says which there are"),
        (odata("https://{partition}.host/").with("partitions", "1"), "has {partition} in its host"),
        (quotas(&[daily(), daily()]), "quota daily stands there twice"),
        (
            quotas(&[Quota { only: Some(vec!["order".to_owned()]), ..daily() }]),
            "only: there is no table or endpoint order",
        ),
        (quotas(&[Quota { window: None, ..daily() }]), "quota daily: \"window\" is missing"),
        (quotas(&[Quota { zone: Some("Mars".to_owned()), ..daily() }]), "quota daily: zone: \"Mars\" is no time zone"),
    ];
    for (def, expected) in cases {
        let message = engine(&Shop::new(1), folder.path()).connection(def).build().unwrap_err().to_string();
        assert!(message.starts_with("connection c: ") && message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_surprise_is_waited_for_and_warned_of_and_a_replay_waits_for_nothing() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(3));
    let tape = folder.path().join("tape");
    let wait = HeaderMap::from_iter([(http::header::RETRY_AFTER, http::HeaderValue::from_static("60"))]);
    network.script.lock().unwrap().push((StatusCode::TOO_MANY_REQUESTS, wait));
    let def = || shop("eol", 1, &[quota("daily", QuotaScope::Partition, 100)]);
    let recorded = engine(&network, folder.path()).record(&tape).connection(def()).build().unwrap();
    assert_eq!(cost(&recorded, "SELECT * FROM eol.orders").await.unwrap(), (3, 4));
    let warned = run(&recorded, &["SELECT * FROM system.warnings WHERE connection = 'eol'"]).await;
    assert_eq!(warned, Ok(1));
    drop(recorded);

    // With the machine's own clock.
    let replay = Engine::builder().environment(|_| None).working_dir(folder.path()).replay(&tape);
    let replayed = replay.connection(def()).build().unwrap();
    let replayed = tokio::time::timeout(Duration::from_secs(30), cost(&replayed, "SELECT * FROM eol.orders")).await;
    assert_eq!(replayed.unwrap().unwrap(), (3, 4));
}

#[tokio::test]
async fn requests_for_tokens_come_out_of_their_own_quota() {
    let (folder, network, clock) = (tempfile::tempdir().unwrap(), Shop::new(2), morning());
    let builder = engine(&network, folder.path()).clock(clock.clone());
    std::fs::write(folder.path().join("shop.yaml"), SIGNED).unwrap();
    let def = ConnectionDef::new("eol", "./shop.yaml", BTreeMap::new()).with("secret", "s3cret");
    let engine = builder.connection(def).build().unwrap();
    for _ in 0..3 {
        assert_eq!(run(&engine, &[STOP, "SELECT * FROM eol.orders"]).await, Ok(2));
        clock.advance(Duration::from_secs(3_600));
    }
    let refused = run(&engine, &[STOP, "SELECT * FROM eol.orders"]).await.unwrap_err();
    assert!(refused.contains("quota tokens") && !refused.contains("s3cret"), "{refused}");
    assert_eq!(network.calls_by_path(), [("/token".to_owned(), 3), ("/v1/orders".to_owned(), 6)]);
    clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(run(&engine, &[STOP, "SELECT * FROM eol.orders"]).await, Ok(2), "on the next day");
}

#[tokio::test]
async fn figures_are_asked_for_where_the_connector_says() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(1));
    let builder = engine(&network, folder.path());
    let quota = "{ name: daily, window: day, limit: 10, per: partition, remaining: { header: X-Left }, only: [orders, quota_check] }";
    let told = format!("{SHOP}quota_check: '{{partition}}/limits'\nquotas: [{quota}]\n");
    std::fs::write(folder.path().join("shop.yaml"), told).unwrap();
    let left = HeaderMap::from_iter([("x-left".parse().unwrap(), http::HeaderValue::from_static("7"))]);
    network.script.lock().unwrap().extend([(StatusCode::OK, left.clone()), (StatusCode::OK, left)]);
    let engine = builder.connection(shop("eol", 2, &[])).build().unwrap();
    run(&engine, &["REFRESH QUOTAS eol"]).await.unwrap();
    let known =
        "SELECT 1 FROM system.quotas WHERE name = 'daily' AND quota_limit = 10 AND remaining = 7 AND source = 'both'";
    assert_eq!(run(&engine, &[known]).await, Ok(2));
    let asked = [("/v1/1/limits".to_owned(), 1), ("/v1/2/limits".to_owned(), 1)];
    assert_eq!(network.calls_by_path(), asked);
}

#[tokio::test]
async fn the_doctor_asks_in_the_first_partition_that_is_selected() {
    let (folder, network) = (tempfile::tempdir().unwrap(), Shop::new(1));
    let def = ConnectionDef { default_partitions: Some(vec!["2".to_owned()]), ..shop("eol", 3, &[]) };
    let engine = engine(&network, folder.path()).connection(def).build().unwrap();
    let checks = engine.doctor("eol").await.unwrap();
    assert!(checks.iter().all(|check| check.state != tidegate::doctor::CheckState::Failed), "{checks:?}");
    assert_eq!(network.calls_by_path(), [("/v1/".to_owned(), 1), ("/v1/2/orders".to_owned(), 1)]);
}
