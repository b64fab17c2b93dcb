//! Partitions that fail: what becomes of the others, and what is said.

use tidegate_engine::ErrorKind;

use super::support::{Divided, Fault, THREE};

#[tokio::test]
async fn a_failed_partition_fails_the_select_when_the_others_are_read() {
    let fixture = Divided::new(THREE);
    fixture.fail("101", 403, 1);
    fixture.fail("103", 403, 1);
    let (kind, error) = fixture.error("SELECT id FROM eol.orders").await;
    assert_eq!(kind, ErrorKind::Remote);
    let expected = "eol.orders: 2 of 3 partitions failed: 101, 103: the server answered 403 Forbidden: \
                    no access to the partition";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("page 1, https://eol.example/v1/101/orders"), "{error}");
    assert!(error.ends_with("SET tidegate.partial_results = 'warn' goes on without them"), "{error}");
    assert_eq!(fixture.requests(), ["101/orders?$count=true", "102/orders?$count=true", "103/orders?$count=true"]);
}

#[tokio::test]
async fn an_order_names_all_that_failed_too() {
    let fixture = Divided::new(THREE);
    fixture.fail("101", 403, 1);
    fixture.fail("103", 403, 1);
    let error = fixture.error("SELECT id FROM eol.orders ORDER BY id").await.1;
    assert!(error.starts_with("eol.orders: 2 of 3 partitions failed: 101, 103: the server answered 403"), "{error}");
}

#[tokio::test]
async fn every_cause_is_told() {
    let fixture = Divided::new(THREE);
    fixture.fail("101", 403, 1);
    fixture.fail("102", 500, 1);
    let error = fixture.error("SELECT count(*) FROM eol.orders").await.1;
    for part in ["2 of 3 partitions failed", "101: the server answered 403", "102: the server answered 500"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let codes: Vec<String> = (0..40).map(|code| format!("d{code:02}")).collect();
    let many: Vec<(&str, &[i64])> = codes.iter().map(|code| (code.as_str(), &[1][..])).collect();
    let fixture = Divided::new(&many);
    for (place, code) in codes.iter().enumerate() {
        fixture.fail(code, if place < 20 { 403 } else { 400 + u16::try_from(place).expect("small") }, 1);
    }
    let error = fixture.error("SELECT id FROM eol.orders").await.1;
    assert!(error.contains("40 of 40 partitions failed: d00, d01"), "{error}");
    assert!(
        error.contains("d11 and 8 more: the server answered 403") && error.contains("; and 11 more causes"),
        "{error}"
    );
}

#[tokio::test]
async fn one_partition_fails_as_it_is() {
    let fixture = Divided::new(THREE);
    fixture.fail("101", 403, 2);
    let error = fixture.error("SELECT id FROM eol.orders WHERE _partition = '101'").await.1;
    assert!(error.starts_with("eol.orders, partition 101, page 2 (https://"), "{error}");
}

#[tokio::test]
async fn a_limit_and_an_order_fail_at_once() {
    let cases: [(&str, &[&str]); 2] = [
        ("SELECT id FROM eol.orders LIMIT 4", &["101/orders?$top=4", "101/orders?skip=2"]),
        (
            "SELECT id FROM eol.orders WHERE _partition = '101' ORDER BY id LIMIT 3",
            &["101/orders?$orderby=id&$top=20", "101/orders?$orderby=id&skip=2"],
        ),
    ];
    for (sql, requests) in cases {
        let fixture = Divided::new(THREE);
        fixture.fail("101", 403, 2);
        let error = fixture.error(sql).await.1;
        assert!(error.starts_with("eol.orders, partition 101, page 2"), "{sql}: {error}");
        assert_eq!(fixture.requests(), requests, "{sql}");
    }
}

#[tokio::test]
async fn partial_results_go_on_without_what_failed_and_say_so() {
    let cases: [(&str, &[&str]); 4] = [
        ("SELECT id FROM eol.orders", &["2", "4", "6"]),
        ("SELECT id FROM eol.orders ORDER BY id", &["2", "4", "6"]),
        ("SELECT id FROM eol.orders LIMIT 2", &["2", "6"]),
        ("SELECT count(*) FROM eol.orders", &["3"]),
    ];
    for (sql, expected) in cases {
        let fixture = Divided::new(THREE);
        fixture.fail("101", 403, 1);
        fixture.rows("SET tidegate.partial_results = 'warn'").await;
        let mut rows = fixture.rows(sql).await;
        rows.sort_unstable();
        assert_eq!(rows, expected, "{sql}");
        let warnings = fixture.warnings().await;
        let expected = "1 of 3 partitions failed and are missing in the result: 101: the server answered 403";
        assert!(warnings.len() == 1 && warnings[0].contains(expected), "{sql}: {warnings:?}");
        let state = fixture
            .rows("SELECT state FROM system.statements WHERE sql LIKE 'SELECT%eol.orders%' AND state <> 'running'")
            .await;
        assert_eq!(state, ["partial"], "{sql}");
    }
    let fixture = Divided::new(THREE);
    fixture.fail("101", 403, 2);
    fixture.rows("SET tidegate.partial_results = 'warn'").await;
    assert_eq!(fixture.sorted("SELECT id FROM eol.orders").await, ["1", "2", "4", "5", "6"]);
    let warnings = fixture.warnings().await;
    assert!(warnings[0].ends_with("2 of their rows had come before"), "{warnings:?}");
}

#[tokio::test]
async fn a_bound_of_the_statement_ends_all_partitions() {
    let fixture = Divided::new(THREE);
    fixture.service.faults.lock().expect("no panic").insert("101".to_owned(), Fault::Bound);
    for setting in ["fail", "warn"] {
        fixture.rows(&format!("SET tidegate.partial_results = '{setting}'")).await;
        let (kind, error) = fixture.error("SELECT id FROM eol.orders").await;
        assert_eq!(kind, ErrorKind::CallBound, "{error}");
    }
}

#[tokio::test]
async fn a_result_of_no_partition_is_none() {
    let fixture = Divided::new(THREE);
    for (code, _) in THREE {
        fixture.fail(code, 403, 1);
    }
    fixture.rows("SET tidegate.partial_results = 'warn'").await;
    let error = fixture.error("SELECT count(*) FROM eol.orders").await.1;
    assert!(error.contains("3 of 3 partitions failed") && error.ends_with("none is left to go on with"), "{error}");
    let error = fixture.error("USE all@eol EXCEPT 101, 102, 103").await.1;
    assert!(error.contains("EXCEPT leaves no partition of eol"), "{error}");
}
