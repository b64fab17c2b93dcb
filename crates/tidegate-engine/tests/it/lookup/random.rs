//! Random tables, joins and keys: the rows are those of the same query without pushdown.

use tidegate_spec::{ColumnType, Operator};

use super::support::{Rows, Stored, World, by, get, list, table, under};

/// Worlds, each with some queries.
const WORLDS: u64 = 20;

/// A generator that is the same everywhere (Steele, Lea and Flood, `SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let place = self.below(of.len() as u64);
        of[usize::try_from(place).expect("small")]
    }

    fn rows(&mut self, most: u64) -> Rows {
        let count = self.below(most);
        (1..=count)
            .map(|id| {
                let text = self.one(&["null", "\"a\"", "\"A\"", "\"b\"", "\"B\"", "\"c d\"", "\"e\""]).to_owned();
                let number = self.one(&["null", "1", "2", "3", "40000"]).to_owned();
                vec![id.to_string(), text, number]
            })
            .collect()
    }

    /// A table that is found by some of its columns.
    fn table(&mut self, name: &str, most: u64) -> Stored {
        let columns = [("id", ColumnType::Int64), ("k?", ColumnType::Text), ("n?", ColumnType::Int32)];
        let mut endpoint = list(name);
        for (place, (column, _)) in columns.iter().enumerate() {
            match self.below(3) {
                0 => endpoint = by(endpoint, (place, column.trim_matches('?')), Operator::In),
                1 => endpoint = by(endpoint, (place, column.trim_matches('?')), Operator::Eq),
                _ => {}
            }
        }
        let one = under(get(&format!("{name}/{{id}}")), (0, "id"));
        let endpoints = if self.below(2) == 0 { vec![endpoint, one] } else { vec![endpoint] };
        Stored { table: table(name, &columns, endpoints), rows: self.rows(most) }
    }

    fn query(&mut self) -> String {
        let keys = ["x.k = y.k", "x.n = y.n", "x.id = y.id", "x.k = y.k AND x.n = y.n", "x.n = y.id", "x.id = y.n"];
        let rest = ["", "", " AND x.id <= y.id", " AND y.k <> 'A'", " AND x.n > 1"];
        let condition = format!("{}{}", self.one(&keys), self.one(&rest));
        let (x, y) = (self.one(&["api.s", "folding.t"]), self.one(&["folding.t", "folding.u", "api.s"]));
        let filter = self.one(&["", "", " WHERE x.n < 3", " WHERE x.k = 'a'"]);
        match self.below(8) {
            0 => format!("SELECT x.* FROM {x} x WHERE EXISTS (SELECT 1 FROM {y} y WHERE {condition})"),
            1 => format!("SELECT x.* FROM {x} x WHERE NOT EXISTS (SELECT 1 FROM {y} y WHERE {condition})"),
            2 => format!("SELECT x.* FROM {x} x WHERE x.k IN (SELECT y.k FROM {y} y WHERE y.n > 1)"),
            3 => format!("SELECT x.* FROM {x} x WHERE x.n NOT IN (SELECT y.n FROM {y} y WHERE y.n > 1)"),
            4 => format!("SELECT x.id, y.* FROM {x} x LEFT JOIN {y} y ON {condition}{filter}"),
            5 => format!("SELECT x.id, y.* FROM {x} x RIGHT JOIN {y} y ON {condition}{filter}"),
            6 => format!("SELECT x.id, y.* FROM {x} x FULL JOIN {y} y ON {condition}{filter}"),
            _ => format!("SELECT x.*, y.k, y.n FROM {x} x JOIN {y} y ON {condition}{filter}"),
        }
    }
}

#[tokio::test]
async fn rows_are_those_without_pushdown() {
    let mut looked_up = 0;
    for seed in 0..WORLDS {
        let mut random = Random(seed);
        let folding = vec![random.table("t", 30), random.table("u", 400)];
        let world = World::new(vec![("api", vec![random.table("s", 20)]), ("folding", folding)]);
        for _ in 0..8 {
            let sql = random.query();
            looked_up += usize::from(world.explain(&sql).await.contains("LookupJoinExec"));
            let found = world.sorted(&sql).await;
            world.rows("SET tidegate.pushdown = false").await;
            let plain = world.sorted(&sql).await;
            world.rows("SET tidegate.pushdown = true").await;
            world.requests();
            assert_eq!(found, plain, "seed {seed}: {sql}");
        }
    }
    assert!(looked_up > 70, "{looked_up} of the queries could be looked up");
}
