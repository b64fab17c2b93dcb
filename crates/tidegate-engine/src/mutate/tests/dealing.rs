//! Mutations over several partitions: which are read, and how their rows are dealt.

use std::collections::BTreeMap;

use super::support::{Fixture, account};

/// Rows by partition.
async fn dealt(fixture: &Fixture, sql: &str) -> BTreeMap<String, usize> {
    let mut dealt = BTreeMap::new();
    for row in fixture.selected(sql, Vec::new()).await.unwrap_or_else(|error| panic!("{sql}: {error}")) {
        let code = row.partition.as_deref().unwrap_or("none").to_owned();
        *dealt.entry(code).or_default() += 1;
    }
    dealt
}

fn counts(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs.iter().map(|(code, rows)| ((*code).to_owned(), *rows)).collect()
}

#[tokio::test]
async fn one_partition_needs_nothing() {
    let fixture = Fixture::new();
    fixture.choose(&["3"]);
    assert_eq!(dealt(&fixture, "UPDATE erp.accounts SET name = 'x' LIMIT 7").await, counts(&[("3", 7)]));
    assert_eq!(dealt(&fixture, "INSERT INTO erp.accounts (name) VALUES ('x')").await, counts(&[("3", 1)]));
}

#[tokio::test]
async fn a_filter_says_which() {
    let fixture = Fixture::new();
    for (filter, expected) in [
        ("_partition = '2'", counts(&[("2", 10)])),
        ("_partition IN ('2', '4') AND id < 3", counts(&[("2", 2), ("4", 2)])),
        ("(_partition = '1' OR (_partition = '2' AND id = 5)) AND id > 4", counts(&[("1", 6), ("2", 1)])),
        ("_partition = '9'", counts(&[])),
        ("_partition IN (SELECT '3')", counts(&[("3", 10)])),
    ] {
        let sql = format!("DELETE FROM erp.accounts WHERE {filter}");
        assert_eq!(dealt(&fixture, &sql).await, expected, "{sql}");
    }
    fixture.api.take_requests();
    dealt(&fixture, "DELETE FROM erp.accounts WHERE _partition = '2'").await;
    assert_eq!(fixture.api.take_requests(), ["2/accounts"]);
}

#[tokio::test]
async fn a_bound_holds_over_all_partitions() {
    let fixture = Fixture::new();
    fixture.choose(&["1", "2", "3", "4"]);
    for (rest, expected) in [
        ("LIMIT 10", counts(&[("1", 3), ("2", 3), ("3", 2), ("4", 2)])),
        ("LIMIT 2", counts(&[("1", 1), ("2", 1)])),
        ("LIMIT 2 PER PARTITION", counts(&[("1", 2), ("2", 2), ("3", 2), ("4", 2)])),
        ("LIMIT 1000", counts(&[("1", 10), ("2", 10), ("3", 10), ("4", 10)])),
        ("", counts(&[("1", 10), ("2", 10), ("3", 10), ("4", 10)])),
        ("ORDER BY id LIMIT 6", counts(&[("1", 2), ("2", 2), ("3", 1), ("4", 1)])),
        ("ORDER BY id LIMIT 3 PER PARTITION", counts(&[("1", 3), ("2", 3), ("3", 3), ("4", 3)])),
    ] {
        let sql = format!("UPDATE erp.accounts SET name = 'x' {rest}");
        fixture.api.take_requests();
        let found = dealt(&fixture, &sql).await;
        let mut read = fixture.api.take_requests();
        read.sort();
        let most = if rest == "LIMIT 2" { 2 } else { 4 };
        assert_eq!(read.len(), most, "{sql}: each partition is read once: {read:?}");
        assert_eq!(found.values().sum::<usize>(), expected.values().sum::<usize>(), "{sql}: {found:?}");
        if !rest.starts_with("ORDER BY id LIMIT 6") {
            assert_eq!(found, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn what_one_does_not_have_goes_to_the_others() {
    let fixture = Fixture::new();
    fixture.choose(&["1", "2", "3"]);
    fixture.api.put("1/accounts", [account(1, "P")]);
    fixture.api.put("2/accounts", []);
    assert_eq!(dealt(&fixture, "DELETE FROM erp.accounts LIMIT 9").await, counts(&[("1", 1), ("3", 8)]));
    fixture.api.take_requests();
    dealt(&fixture, "DELETE FROM erp.accounts LIMIT 1").await;
    assert_eq!(fixture.api.take_requests(), ["1/accounts"], "nothing is wanted of the others");
}

#[tokio::test]
async fn rows_of_a_join_are_counted_when_they_are_told_apart() {
    let fixture = Fixture::new();
    fixture.choose(&["1", "2"]);
    let sql = "UPDATE erp.accounts a SET name = 'x' FROM (VALUES (1), (1), (2)) AS s (i) WHERE a.id = s.i";
    assert_eq!(dealt(&fixture, sql).await, counts(&[("1", 2), ("2", 2)]));
    assert_eq!(dealt(&fixture, &format!("{sql} LIMIT 3")).await, counts(&[("1", 2), ("2", 1)]));
    assert_eq!(dealt(&fixture, &format!("{sql} LIMIT 1 PER PARTITION")).await, counts(&[("1", 1), ("2", 1)]));
}

#[tokio::test]
async fn a_partition_that_fails_does_not_hold_up_the_others() {
    let fixture = Fixture::new();
    fixture.choose(&["1", "2", "3"]);
    fixture.api.break_path("2/accounts");
    for sql in ["DELETE FROM erp.accounts", "DELETE FROM erp.accounts LIMIT 12"] {
        let rows = fixture.plan(sql).await.unwrap().rows(&fixture.state(), usize::MAX).await.unwrap();
        let failed: Vec<&str> = rows.failed.iter().map(|(code, _)| code.as_ref()).collect();
        assert_eq!((failed.as_slice(), rows.total), (&["2"][..], if sql.contains("LIMIT") { 12 } else { 20 }), "{sql}");
    }
    for code in ["1", "3"] {
        fixture.api.break_path(&format!("{code}/accounts"));
    }
    let error = fixture.error("DELETE FROM erp.accounts").await;
    assert!(error.contains("none of the 3 partitions could be read"), "{error}");
}

#[tokio::test]
async fn a_merge_is_one_join_over_all() {
    let fixture = Fixture::new();
    fixture.choose(&["1", "2"]);
    let sql = "MERGE INTO erp.accounts t USING (VALUES ('1', 3), ('2', 77)) AS s (p, i) ON t.id = s.i AND t._partition = s.p \
               WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (name, _partition) VALUES ('new', s.p)";
    assert_eq!(fixture.lines(sql).await, [r#"delete in 1 id=3"#, r#"insert in 2 -> name="new""#]);
    let error = fixture.error(&sql.replace("(name, _partition) VALUES ('new', s.p)", "(name) VALUES ('new')")).await;
    assert!(error.contains("name the column _partition"), "{error}");
}
