//! System tables: their columns, and that they are read when they are scanned.

use std::time::{Duration, SystemTime};

use tidegate_state::{CacheLabel, CachedAnswer};

use crate::script::{Fixture, drain};

#[tokio::test]
async fn every_system_table_can_be_read() {
    let fixture = Fixture::erp();
    fixture.rows("SELECT * FROM erp.accounts").await;
    let names = [
        "cache",
        "columns",
        "connections",
        "endpoints",
        "partitions",
        "quotas",
        "mutation_rows",
        "mutations",
        "requests",
        "settings",
        "spend",
        "statements",
        "tables",
        "warnings",
    ];
    for name in names {
        fixture.rows(&format!("SELECT * FROM system.{name}")).await;
    }
    assert_eq!(
        fixture.rows("SELECT name, connector, writes, tables FROM system.connections").await,
        ["erp|odata|false|2"]
    );
    let columns = "SELECT column_name, api_name, data_type, nullable, key_ordinal FROM system.columns \
                   WHERE table_name = 'accounts' ORDER BY ordinal";
    let expected = ["id|ID|integer|false|1", "name|Name|text|true|", "revenue|Revenue|decimal(15, 2)|true|"];
    assert_eq!(fixture.rows(columns).await, expected);
    let pushed = fixture
        .rows("SELECT pushed_exactly, pushed_and_rechecked FROM system.columns WHERE column_name = 'name'")
        .await;
    assert!(pushed[0].contains('='), "{pushed:?}");
    let endpoints =
        fixture.rows("SELECT table_name, kind, path FROM system.endpoints WHERE kind = 'list' ORDER BY 1").await;
    assert_eq!(endpoints, ["accounts|list|Accounts", "orders|list|Orders"]);
}

#[tokio::test]
async fn system_tables_are_live() {
    let fixture = Fixture::erp();
    let prepared = fixture.session.prepare("SELECT count(*) FROM system.connections").await.expect("a query");
    fixture.add("crm");
    let rows = drain(prepared.execute(vec![]).await.expect("a stream")).await.expect("rows");
    assert_eq!(rows, ["2"]);
    assert_eq!(fixture.rows("SELECT state FROM system.statements WHERE state = 'running'").await, ["running"]);
}

#[tokio::test]
async fn a_session_sees_what_its_own_principal_did() {
    let fixture = crate::sim::SimFixture::new(tidegate_sim::ODataOptions::default()).await;
    fixture.rows("SELECT code FROM sim.accounts WHERE employees > 4711").await;
    let own = ["SELECT sql FROM system.statements WHERE sql LIKE '%4711%'", "SELECT url FROM system.requests"];
    let other = fixture.engine.session("other");
    for sql in own {
        assert!(!fixture.rows(sql).await.is_empty(), "{sql}");
        let rows = drain(other.prepare(sql).await.expect("a query").execute(vec![]).await.expect("a stream")).await;
        let rows = rows.expect("rows");
        assert!(!rows.iter().any(|row| row.to_lowercase().contains("accounts")), "{rows:?}");
    }
    let again = fixture.engine.session("analyst");
    let rows = drain(again.prepare(own[1]).await.expect("a query").execute(vec![]).await.expect("a stream")).await;
    assert!(!rows.expect("rows").is_empty(), "a second session of the same principal");
}

#[tokio::test]
async fn a_principal_sees_its_own_stored_answers() {
    let fixture = Fixture::erp();
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    for (key, principal) in [(1, "analyst"), (2, "other")] {
        let label = CacheLabel {
            scope: "f00d".to_owned(),
            connection: "erp".to_owned(),
            principal: principal.to_owned(),
            table: Some("accounts".to_owned()),
            url: format!("https://erp.example/odata/Accounts?of={principal}"),
            fresh_until: (key == 2).then(|| at(60)),
        };
        let answer = CachedAnswer { meta: vec![1; 4], body: vec![2; 96], asked_at: at(0), stored_at: at(1) };
        fixture.cache.put(&[key; 32], label, answer).expect("it is queued");
    }
    fixture.cache.touch(&[[1; 32]], at(2)).expect("it is queued");
    let columns = "connection, table_name, url, bytes, stored_at, used_at, fresh_until, hits";
    let rows = fixture.rows(&format!("SELECT {columns} FROM system.cache")).await;
    let expected = "erp|accounts|https://erp.example/odata/Accounts?of=analyst|100|2023-11-14T22:13:21Z|\
                    2023-11-14T22:13:22Z||1";
    assert_eq!(rows, [expected]);
}
