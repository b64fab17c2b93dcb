//! A scan of partitions returns what UNION ALL of its single partitions returns, over the simulated API.

use crate::sim::SimFixture;

const DIVISIONS: u32 = 4;

const CONDITIONS: &[&str] = &[
    "true",
    "_partition <> '2'",
    "_partition IN ('1', '4')",
    "name LIKE 'A%'",
    "_partition = '3' AND employees IS NOT NULL",
    "_partition = '1' OR length(name) > 12",
    "(_partition = '1' AND sequence < 9007199254741030) OR (_partition > '2' AND sequence > 9007199254741050)",
    "sequence BETWEEN 9007199254741000 AND 9007199254741021",
    "_partition LIKE '%4' OR employees > 500",
    "NOT (_partition = '2' AND sequence > 9007199254741000)",
    "CAST(_partition AS INT) % 2 = 0 AND region = 'EMEA'",
    "_partition = 2",
];

/// Orders that leave nothing open.
const WHOLE: &[&str] = &[
    "ORDER BY sequence, _partition",
    "ORDER BY employees DESC NULLS FIRST, sequence DESC, _partition DESC",
    "ORDER BY _partition, sequence",
];

/// Orders by the first column alone, which each partition can be asked for.
const PUSHED: &[&str] = &["sequence", "sequence DESC", "employees", "employees DESC NULLS FIRST"];

const LIMITS: &[&str] = &["", "LIMIT 7", "LIMIT 5 OFFSET 20"];

struct Both {
    fixture: SimFixture,
}

impl Both {
    /// Both tables, the scanned one and that of its partitions read one by one.
    async fn rows(&self, columns: &str, tail: &str) -> (Vec<String>, Vec<String>) {
        let of = |table: &str| format!("SELECT {columns} FROM {table} {tail}");
        (self.fixture.rows(&of("sim.accounts")).await, self.fixture.rows(&of("whole")).await)
    }

    async fn check(&self, columns: &str, tail: &str, is_sorted: bool) {
        let (mut found, mut expected) = self.rows(columns, tail).await;
        if !is_sorted {
            found.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(found, expected, "{columns} {tail}");
    }
}

#[tokio::test]
async fn a_partitioned_scan_is_the_union_of_its_partitions() {
    const COLUMNS: &str = "sequence, employees, name, _partition";
    let fixture = SimFixture::divided(DIVISIONS).await;
    let one = |code: u32| format!("SELECT * FROM sim.accounts WHERE _partition = '{code}'");
    let parts: Vec<String> = (1..=DIVISIONS).map(one).collect();
    fixture.rows(&format!("CREATE TABLE whole AS {}", parts.join(" UNION ALL "))).await;
    assert_eq!(fixture.rows("SELECT count(*) FROM whole").await, ["240"]);
    let both = Both { fixture };
    for condition in CONDITIONS {
        for limit in LIMITS {
            for order in WHOLE {
                both.check(COLUMNS, &format!("WHERE {condition} {order} {limit}"), true).await;
            }
            for key in PUSHED {
                let column = key.split(' ').next().expect("a column");
                both.check(column, &format!("WHERE {condition} ORDER BY {key} {limit}"), true).await;
            }
            // Which rows come is left open, and how many is not.
            let (found, expected) = both.rows(COLUMNS, &format!("WHERE {condition} {limit}")).await;
            assert_eq!(found.len(), expected.len(), "{condition} {limit}");
            let all = both.rows(COLUMNS, &format!("WHERE {condition}")).await.1;
            assert!(found.iter().all(|row| all.contains(row)), "{condition} {limit}");
        }
        both.check(COLUMNS, &format!("WHERE {condition}"), false).await;
        let rows = both.rows("count(*)", &format!("WHERE {condition}")).await.1;
        assert_ne!(rows, ["0"], "{condition} says something");
        both.check("_partition, count(*), min(sequence)", &format!("WHERE {condition} GROUP BY 1"), false).await;
        both.check("count(*), count(employees), max(_partition)", &format!("WHERE {condition}"), true).await;
    }
}
