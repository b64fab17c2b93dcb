//! Rows of several partitions, and what is asked of which.

use super::support::{Divided, THREE};

const ALL: [&str; 4] =
    ["101/orders?$count=true", "101/orders?skip=2", "102/orders?$count=true", "103/orders?$count=true"];

#[tokio::test]
async fn all_partitions_are_read_and_tell_which_they_are() {
    let fixture = Divided::new(THREE);
    let rows = fixture.sorted("SELECT * FROM eol.orders").await;
    assert_eq!(rows, ["1|odd|101", "2|even|102", "3|odd|101", "4|even|103", "5|odd|101", "6|even|102"]);
    assert_eq!(fixture.requests(), ALL);
    assert_eq!(fixture.service.partitions().into_iter().collect::<Vec<_>>(), ["101", "102", "103"]);
}

#[tokio::test]
async fn the_partition_is_a_column_like_others() {
    let cases: [(&str, &[&str]); 9] = [
        (
            "SELECT _partition, count(*) AS n FROM eol.orders GROUP BY _partition ORDER BY 1",
            &["101|3", "102|2", "103|1"],
        ),
        ("SELECT _partition FROM eol.orders ORDER BY _partition DESC, id", &["103", "102", "102", "101", "101", "101"]),
        ("SELECT DISTINCT _partition AS p FROM eol.orders ORDER BY p LIMIT 2", &["101", "102"]),
        ("SELECT max(_partition), count(_partition) FROM eol.orders", &["103|6"]),
        ("SELECT _partition, id FROM eol.orders WHERE _partition = '102' ORDER BY id DESC", &["102|6", "102|2"]),
        (
            "SELECT a.id, b.id FROM eol.orders a JOIN eol.orders b ON a._partition = b._partition AND a.id < b.id \
             ORDER BY 1, 2",
            &["1|3", "1|5", "2|6", "3|5"],
        ),
        (
            "SELECT o.id, t.label FROM eol.orders o JOIN (VALUES ('102', 'x')) AS t(code, label) ON o._partition = t.code \
             ORDER BY 1",
            &["2|x", "6|x"],
        ),
        ("SELECT _partition || '-' || id FROM eol.orders WHERE id > 4 ORDER BY 1", &["101-5", "102-6"]),
        ("SELECT id FROM eol.orders WHERE _partition < '102' AND id > 1 ORDER BY id", &["3", "5"]),
    ];
    let fixture = Divided::new(THREE);
    for (sql, expected) in cases {
        assert_eq!(fixture.rows(sql).await, expected, "{sql}");
    }
    let described = fixture.rows("DESCRIBE eol.orders").await;
    assert_eq!(described.last().map(String::as_str), Some("_partition|text|false"), "{described:?}");
}

/// Conditions, and the partitions that are asked for them.
#[tokio::test]
async fn filters_on_the_partition_prune() {
    let cases: [(&str, &[&str]); 19] = [
        ("_partition = '102'", &["102"]),
        ("(_partition = '101' AND id > 2) OR (_partition = '103' AND region = 'odd')", &["101", "103"]),
        ("_partition = '101' OR id > 3", &["101", "102", "103"]),
        ("NOT (_partition = '101' OR id > 3)", &["102", "103"]),
        ("_partition IN ('101', '102') AND (id > 3 OR _partition <> '101') IS TRUE", &["101", "102"]),
        ("(_partition = '102' OR region = 'x') AND _partition <> '103' AND id > 0", &["101", "102"]),
        ("'102' = _partition", &["102"]),
        ("_partition <> '102'", &["101", "103"]),
        ("_partition IN ('103', '101', 'x')", &["101", "103"]),
        ("_partition NOT IN ('103')", &["101", "102"]),
        ("_partition = '101' OR _partition = '103'", &["101", "103"]),
        ("NOT (_partition = '101' OR _partition = '103')", &["102"]),
        ("_partition LIKE '%2'", &["102"]),
        ("_partition BETWEEN '102' AND '103' AND _partition <> '103'", &["102"]),
        ("right(_partition, 1) = '3'", &["103"]),
        ("_partition = 'gone'", &[]),
        ("_partition = NULL", &[]),
        ("_partition IS NOT NULL AND region IS NOT NULL", &["101", "102", "103"]),
        ("_partition = '101' AND id < 0", &["101"]),
    ];
    for (condition, expected) in cases {
        let fixture = Divided::new(THREE);
        let sql = format!("SELECT id, _partition FROM eol.orders WHERE {condition}");
        let plan = fixture.rows(&format!("EXPLAIN {sql}")).await;
        assert_eq!(fixture.requests(), Vec::<String>::new(), "{condition}: planning sends nothing");
        let rows = fixture.rows(&sql).await;
        let asked: Vec<String> = fixture.service.partitions().into_iter().collect();
        assert_eq!(asked, expected, "{condition}: {plan:?}");
        if !expected.is_empty() {
            let shown = format!("partitions={} of 3 [{}]", expected.len(), expected.join(", "));
            assert!(plan.join("\n").contains(&shown), "{condition}: {plan:?}");
        }
        assert!(rows.iter().all(|row| expected.iter().any(|code| row.ends_with(code))), "{condition}: {rows:?}");
    }
}

#[tokio::test]
async fn conditions_on_partition_and_rows_together_are_evaluated_for_each_row() {
    let fixture = Divided::new(THREE);
    let sql = "SELECT id FROM eol.orders WHERE (_partition = '101' AND id > 2) OR (_partition = '102' AND id < 3)";
    assert_eq!(fixture.sorted(sql).await, ["2", "3", "5"]);
    let sql = "SELECT count(*) FROM eol.orders WHERE _partition || id = '1015' OR id = 4";
    assert_eq!(fixture.rows(sql).await, ["2"]);
}

#[tokio::test]
async fn a_limit_opens_partitions_in_order_and_only_as_needed() {
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("SELECT id FROM eol.orders LIMIT 1", &["5"], &["101/orders?$top=1"]),
        ("SELECT id FROM eol.orders LIMIT 3", &["5", "1", "3"], &["101/orders?$top=3", "101/orders?skip=2"]),
        (
            "SELECT id, _partition FROM eol.orders LIMIT 4",
            &["5|101", "1|101", "3|101", "2|102"],
            &["101/orders?$top=4", "101/orders?skip=2", "102/orders?$top=1"],
        ),
        ("SELECT id FROM eol.orders LIMIT 0", &[], &[]),
        (
            "SELECT id FROM eol.orders LIMIT 1 OFFSET 3",
            &["2"],
            &["101/orders?$top=4", "101/orders?skip=2", "102/orders?$top=1"],
        ),
    ];
    for (sql, rows, requests) in cases {
        let fixture = Divided::new(THREE);
        assert_eq!(fixture.rows(sql).await, rows, "{sql}");
        assert_eq!(fixture.service.take_requests(), requests, "{sql}");
    }
}

#[tokio::test]
async fn an_order_is_asked_of_each_partition_and_merged() {
    let fixture = Divided::new(THREE);
    let sql = "SELECT id, _partition FROM eol.orders ORDER BY id DESC LIMIT 3";
    let plan = fixture.rows(&format!("EXPLAIN {sql}")).await.join("\n");
    assert!(!plan.contains("SortExec") && plan.contains("fetch=3"), "{plan}");
    assert_eq!(fixture.rows(sql).await, ["6|102", "5|101", "4|103"]);
    let first = ["101", "102", "103"].map(|code| format!("{code}/orders?$orderby=id desc&$top=20"));
    let requests = fixture.requests();
    assert_eq!(requests, first, "only rows that may come first are read");
    assert_eq!(fixture.rows("SELECT id FROM eol.orders ORDER BY id").await, ["1", "2", "3", "4", "5", "6"]);
    fixture.requests();
    for (sql, rows) in [
        ("SELECT id, _partition FROM eol.orders ORDER BY id DESC, _partition LIMIT 2", ["6|102", "5|101"]),
        ("SELECT _partition, id FROM eol.orders ORDER BY _partition DESC, id LIMIT 2", ["103|4", "102|2"]),
    ] {
        assert_eq!(fixture.rows(sql).await, rows, "{sql}");
        assert_eq!(fixture.requests().len(), 3, "{sql}");
    }
    assert_eq!(fixture.rows("SELECT id FROM eol.orders ORDER BY id LIMIT 2 OFFSET 3").await, ["4", "5"]);
}

#[tokio::test]
async fn a_count_is_the_sum_of_the_partitions_counts() {
    let fixture = Divided::new(THREE);
    assert_eq!(fixture.rows("SELECT count(*) FROM eol.orders").await, ["6"]);
    let counts = ["101", "102", "103"].map(|code| format!("{code}/orders?$count=true&$top=0"));
    assert_eq!(fixture.requests(), counts);
    assert_eq!(fixture.rows("SELECT count(*) FROM eol.orders WHERE _partition <> '102' AND id = 3").await, ["1"]);
    assert_eq!(
        fixture.requests(),
        ["101/orders?$filter=id eq 3&$count=true&$top=0", "103/orders?$filter=id eq 3&$count=true&$top=0"]
    );
    let plan = fixture.rows("EXPLAIN SELECT count(*) FROM eol.orders").await.join("\n");
    assert!(plan.contains("partitions=3 of 3 [101, 102, 103], calls=3"), "{plan}");
    assert_eq!(fixture.rows("SELECT count(*) FROM eol.orders WHERE _partition = 'none'").await, ["0"]);
}

#[tokio::test]
async fn without_pushdown_the_rows_are_the_same() {
    let cases = [
        "SELECT * FROM eol.orders WHERE id > 1 ORDER BY id",
        "SELECT id, _partition FROM eol.orders WHERE _partition IN ('101', '103') ORDER BY id DESC LIMIT 3",
        "SELECT count(*) FROM eol.orders",
    ];
    let fixture = Divided::new(THREE);
    for sql in cases {
        let pushed = fixture.rows(sql).await;
        fixture.rows("SET tidegate.pushdown = false").await;
        assert_eq!(fixture.rows(sql).await, pushed, "{sql}");
        fixture.rows("RESET tidegate.pushdown").await;
    }
}

#[tokio::test]
async fn a_join_and_a_view_read_the_selection_of_now() {
    let fixture = Divided::new(THREE);
    fixture.rows("CREATE VIEW v AS SELECT id, _partition FROM eol.orders").await;
    fixture.rows("USE 103@eol").await;
    assert_eq!(fixture.rows("SELECT * FROM v").await, ["4|103"]);
    fixture.rows("USE 102@eol").await;
    assert_eq!(fixture.sorted("SELECT * FROM v").await, ["2|102", "6|102"]);
}

#[tokio::test]
async fn a_column_of_the_api_keeps_its_name() {
    let fixture = Divided::new(THREE);
    let rows = fixture.sorted("SELECT * FROM eol.own WHERE _partition IS NULL AND id < 4").await;
    assert_eq!(rows, ["1|", "2|", "3|"]);
    assert_eq!(fixture.service.partitions().len(), 3, "it does not choose partitions");
    let warnings = fixture.warnings().await;
    assert!(warnings[0].contains("eol.own: the API has a column _partition of its own"), "{warnings:?}");
    fixture.rows("USE 103@eol").await;
    assert_eq!(fixture.rows("SELECT id FROM eol.own").await, ["4"]);
}
