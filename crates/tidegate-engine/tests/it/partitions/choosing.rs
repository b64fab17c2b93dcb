//! USE: which partitions are selected, for which session, and what is refused.

use std::collections::BTreeSet;

use tidegate_engine::{ConnectionDef, ErrorKind};

use super::support::{Divided, Known, THREE};

impl Divided {
    async fn selected(&self) -> Vec<String> {
        let codes: BTreeSet<String> = self.rows("SELECT _partition FROM eol.orders").await.into_iter().collect();
        codes.into_iter().collect()
    }
}

#[tokio::test]
async fn every_form_selects() {
    let cases: [(&str, &[&str]); 17] = [
        ("USE all@eol", &["101", "102", "103"]),
        ("USE all", &["101", "102", "103"]),
        ("USE all@eol EXCEPT 102", &["101", "103"]),
        ("USE all EXCEPT 102, '103'", &["101"]),
        ("USE all@eol EXCEPT 101@eol, 102", &["103"]),
        ("USE 101, 103@eol", &["101", "103"]),
        ("USE 101@eol, 103@EOL", &["101", "103"]),
        ("USE 102", &["102"]),
        ("USE '102'", &["102"]),
        ("USE \"102\"@\"eol\"", &["102"]),
        ("USE default@eol", &["101", "102", "103"]),
        ("USE default", &["101", "102", "103"]),
        ("USE SELECT '102', 'eol'", &["102"]),
        ("USE SELECT 103", &["103"]),
        ("USE SELECT DISTINCT _partition, 'eol' FROM eol.orders WHERE id > 4", &["101", "102"]),
        ("USE WITH t AS (SELECT 101 AS a) SELECT a, 'EOL' FROM t", &["101"]),
        ("USE all@eol, 101@eol", &["101", "102", "103"]),
    ];
    for (sql, expected) in cases {
        let fixture = Divided::new(THREE);
        fixture.rows(sql).await;
        assert_eq!(fixture.selected().await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_selection_belongs_to_its_session_and_stays_until_the_next() {
    let fixture = Divided::new(THREE);
    fixture.rows("USE 101@eol").await;
    let other = fixture.engine.session("analyst");
    let prepared = other.prepare("SELECT count(*) FROM eol.orders").await.expect("a query");
    let rows = crate::script::drain(prepared.execute(Vec::new()).await.expect("a stream")).await.expect("rows");
    assert_eq!(rows, ["6"]);
    assert_eq!(fixture.selected().await, ["101"]);
    fixture.rows("USE eol").await;
    assert_eq!(fixture.sorted("SELECT id FROM orders").await, ["1", "3", "5"]);
    fixture.rows("USE 102").await;
    assert_eq!(fixture.selected().await, ["102"]);
    fixture.rows("USE default").await;
    assert_eq!(fixture.selected().await.len(), 3);
}

#[tokio::test]
async fn configuration_selects_without_use() {
    let some = |codes: &'static [&'static str]| {
        let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
        Divided::with(Known::Named, THREE, move |def| ConnectionDef { default_partitions: Some(codes.clone()), ..def })
    };
    let fixture = some(&["103", "101"]);
    assert_eq!(fixture.selected().await, ["101", "103"]);
    fixture.rows("USE all@eol").await;
    assert_eq!(fixture.selected().await.len(), 3);
    fixture.rows("USE default@eol").await;
    assert_eq!(fixture.selected().await, ["101", "103"]);
    assert_eq!(fixture.rows("SELECT id FROM eol.orders WHERE _partition = '102'").await, Vec::<String>::new());
    let (kind, error) = some(&["101", "999"]).error("SELECT id FROM eol.orders").await;
    assert_eq!(kind, ErrorKind::Name);
    assert!(error.contains("partition 999 does not exist; there are: 101, 102, 103"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_selected_changes_nothing() {
    let cases = [
        ("USE 1O2@eol", "syntax"),
        ("USE 112@eol", "eol has no partition 112; did you mean 102?"),
        ("USE 'zz'", "eol has no partition zz; there are: 101, 102, 103"),
        ("USE 101@eol, 999@eol", "eol has no partition 999"),
        ("USE all@eol EXCEPT 999", "eol has no partition 999"),
        ("USE all@erp", "there is no connection erp"),
        ("USE 101@eol EXCEPT 102", "EXCEPT leaves partitions out of"),
        ("USE all@eol EXCEPT all", "EXCEPT takes codes"),
        ("USE default@eol, 101@eol", "default@eol stands alone"),
        ("USE SELECT '101', 'eol' WHERE false", "USE SELECT returned no partition"),
        ("USE SELECT NULL, 'eol'", "USE SELECT returned NULL"),
        ("USE SELECT 1, 2, 3", "SELECT code, 'eol' FROM"),
        ("USE SELECT '101', 'erp'", "there is no connection erp"),
        ("USE SELECT '999', 'eol'", "eol has no partition 999"),
    ];
    let fixture = Divided::new(THREE);
    fixture.rows("USE 102@eol").await;
    for (sql, part) in cases {
        let error = fixture.error(sql).await.1;
        assert!(part == "syntax" || error.contains(part), "{sql}: {error}");
        assert_eq!(fixture.selected().await, ["102"], "{sql}");
    }
    let error = Divided::new(THREE).error("USE erp").await.1;
    assert!(error.contains("there is no connection erp"), "{error}");
}

#[tokio::test]
async fn a_connection_without_partitions_has_none_to_choose() {
    let fixture = Divided::with(Known::Named, &[], |def| ConnectionDef { partitions: None, ..def });
    let error = fixture.error("USE all@eol").await.1;
    assert!(error.contains("eol has no partitions to choose; USE eol makes it the default"), "{error}");
    let error = fixture.error("USE 5").await.1;
    assert!(error.contains("no connection has partitions"), "{error}");
}
