//! Partitions that a table of the API lists: when it is read, and what is refused.

use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{ConnectionDef, ErrorKind};
use tidegate_state::State;
use tidegate_transport::Clock;

use super::support::{Divided, Known, THREE};

#[tokio::test]
async fn a_list_is_read_when_it_is_first_needed_and_then_kept() {
    let state = Arc::new(State::in_memory());
    let fixture = Divided::with(Known::Listed(Arc::clone(&state)), THREE, |def| def);
    assert_eq!(fixture.rows("SELECT table_name FROM system.tables ORDER BY 1").await, ["divisions", "orders", "users"]);
    fixture.rows("SELECT column_name FROM information_schema.columns").await;
    assert_eq!(fixture.rows("SELECT id FROM eol.users").await, ["1", "2"]);
    assert_eq!(fixture.requests(), ["users"], "only what is partitioned needs partitions");
    let plan = fixture.rows("EXPLAIN SELECT id FROM eol.orders").await.join("\n");
    assert!(plan.contains("partitions=3 of 3 [101, 102, 103]"), "{plan}");
    assert_eq!(fixture.requests(), ["divisions"], "a list is a name, and EXPLAIN resolves names");
    assert_eq!(fixture.sorted("SELECT id FROM eol.orders").await.len(), 6);
    assert!(!fixture.requests().contains(&"divisions".to_owned()));
    let second = Divided::with(Known::Listed(state), THREE, |def| def);
    assert_eq!(second.rows("SELECT id FROM eol.orders LIMIT 1").await, ["5"]);
    assert_eq!(second.requests(), ["101/orders?$top=1"], "the state folder has it");
    second.service.listed.lock().expect("no panic").remove(0);
    second.clock.sleep(Duration::from_secs(601)).await;
    assert_eq!(second.rows("SELECT id FROM eol.orders LIMIT 1").await, ["2"]);
    assert_eq!(second.requests(), ["102/orders?$top=1", "divisions"], "an old list is read again");
}

#[tokio::test]
async fn the_table_that_lists_and_tables_of_all_are_read_once() {
    let fixture = Divided::listed(THREE);
    let rows = fixture.rows("SELECT * FROM eol.divisions").await;
    assert_eq!(rows, ["101|Division 101", "102|Division 102", "103|Division 103"]);
    assert_eq!(fixture.rows("SELECT * FROM eol.users").await, ["1", "2"]);
    assert_eq!(fixture.requests(), ["divisions", "users"]);
    assert!(fixture.service.partitions().is_empty());
    let error = fixture.error("SELECT _partition FROM eol.users").await.1;
    assert!(error.contains("there is no column _partition"), "{error}");
}

#[tokio::test]
async fn use_needs_the_list() {
    let fixture = Divided::listed(THREE);
    fixture.rows("USE 102@eol").await;
    assert_eq!(fixture.requests(), ["divisions"]);
    assert_eq!(fixture.sorted("SELECT id FROM eol.orders").await, ["2", "6"]);
    fixture.rows("USE SELECT code, 'eol' FROM eol.divisions WHERE name LIKE '%3'").await;
    assert_eq!(fixture.rows("SELECT id FROM eol.orders").await, ["4"]);
    let (kind, error) = fixture.error("USE 999@eol").await;
    assert!(kind == ErrorKind::Name && error.contains("eol has no partition 999; there are: 101, 102, 103"), "{error}");
}

#[tokio::test]
async fn a_selected_partition_that_is_gone_is_an_error() {
    let fixture = Divided::listed(THREE);
    fixture.rows("USE 101@eol").await;
    fixture.service.listed.lock().expect("no panic").remove(0);
    fixture.clock.sleep(Duration::from_secs(601)).await;
    let error = fixture.error("SELECT id FROM eol.orders").await.1;
    assert!(error.contains("the selected partition 101 does not exist; there are: 102, 103"), "{error}");
    let other = Divided::with(Known::Listed(Arc::new(State::in_memory())), THREE, |def| ConnectionDef {
        default_partitions: Some(vec!["7".to_owned()]),
        ..def
    });
    assert!(other.error("SELECT id FROM eol.orders").await.1.contains("partition 7 does not exist"));
}

#[tokio::test]
async fn lists_that_cannot_be_used_are_refused() {
    let cases = [
        (r#"{"code": 1, "name": "a"}, {"code": 1, "name": "b"}"#, "eol.divisions: the partition 1 is listed twice"),
        (
            r#"{"code": 1, "name": "a"}, {"code": null, "name": "b"}"#,
            "eol.divisions: row 2 lists a partition without a code",
        ),
        (r#"{"code": "x"}"#, "the partitions of eol cannot be listed"),
    ];
    for (rows, part) in cases {
        let fixture = Divided::listed(THREE);
        *fixture.service.listed.lock().expect("no panic") = vec![rows.to_owned()];
        let error = fixture.error("SELECT id FROM eol.orders").await.1;
        assert!(error.contains(part), "{rows}: {error}");
        assert_eq!(fixture.requests(), ["divisions"], "{rows}");
    }
    let fixture = Divided::listed(&[]);
    assert_eq!(fixture.rows("SELECT id FROM eol.orders").await, Vec::<String>::new());
    let warnings = fixture.warnings().await;
    assert!(warnings[0].contains("eol.divisions lists no partitions"), "{warnings:?}");
}

#[tokio::test]
async fn system_tables_and_refresh_learn_the_list() {
    let fixture = Divided::listed(THREE);
    fixture.rows("SELECT name FROM system.connections").await;
    assert_eq!(fixture.requests(), Vec::<String>::new());
    let partitions = "SELECT code, name, is_selected FROM system.partitions ORDER BY code";
    let expected = ["101|Division 101|true", "102|Division 102|true", "103|Division 103|true"];
    assert_eq!(fixture.rows(partitions).await, expected);
    assert_eq!(fixture.requests(), ["divisions"]);
    fixture.rows("USE 101, 103@eol").await;
    let refreshed = fixture.rows("REFRESH QUOTAS eol").await;
    assert!(refreshed.iter().all(|row| row.starts_with("eol|10") && row.contains("|1|asked")), "{refreshed:?}");
    assert_eq!(fixture.requests(), ["101/orders?$top=1", "103/orders?$top=1"]);
    let down = Divided::listed(THREE);
    down.service.listed.lock().expect("no panic").push("nonsense".to_owned());
    assert_eq!(down.rows(partitions).await, Vec::<String>::new());
    let warnings = down.rows("SELECT connection, message FROM system.warnings").await;
    assert!(warnings.iter().any(|row| row.starts_with("eol|its partitions could not be listed")), "{warnings:?}");
}
