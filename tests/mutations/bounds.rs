//! What changes nothing, and what changes only rows that match.

use crate::subject::{Api, KEYED, MATCHED, ODATA, Subject};

/// Statements for which no row is there.
const NOTHING: &[&str] = &[
    "UPDATE {t} SET stock = 1 LIMIT 0",
    "UPDATE {t} SET stock = 1 WHERE stock >= 0 LIMIT 2 - 2",
    "UPDATE {t} SET stock = 1 WHERE 1 = 0",
    "UPDATE {t} SET stock = 1 WHERE stock > 10 AND stock < 5",
    "UPDATE {t} SET stock = 1 WHERE id IN (SELECT id FROM {t} WHERE 1 = 0)",
    "UPDATE {t} SET stock = 1 WHERE NULL",
    "UPDATE {t} SET stock = (SELECT max(x.stock) FROM {t} x) WHERE id < 0",
    "DELETE FROM {t} LIMIT 0",
    "DELETE FROM {t} WHERE false",
    "DELETE FROM {t} WHERE id = 3 AND id = 4",
    "DELETE FROM {t} WHERE id IN (SELECT id FROM {t} WHERE id < 0) LIMIT 10",
];

/// Of inserts, where there are some.
const NO_INSERTS: &[&str] =
    &["INSERT INTO {t} (name) SELECT 'x' WHERE 1 = 0", "INSERT INTO {t} (name) SELECT name FROM {t} LIMIT 0"];

async fn nothing_happens(api: Api, statements: &[&str]) {
    let subject = Subject::start(api, 60).await;
    for sql in statements {
        let done = subject.change(sql).await;
        assert_eq!((done.error.as_deref(), done.count("selected")), (None, 0), "{}: {sql}", api.name);
        assert_eq!(subject.writes(), 0, "{}: {sql}", api.name);
    }
    assert!(subject.effects().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rows_mean_no_changes() {
    for api in [ODATA, MATCHED] {
        nothing_happens(api, NOTHING).await;
    }
    nothing_happens(KEYED, NO_INSERTS).await;
}

/// Conditions that the APIs cannot evaluate, and the same over a row's stock and id.
type Condition = (&'static str, fn(i64, i64) -> bool);
const CONDITIONS: &[Condition] = &[
    ("stock % 7 = 3 AND length(name) > 3", |stock, _| stock % 7 == 3),
    ("sqrt(abs(stock)) < 12 OR id % 10 = 0", |stock, id| stock.abs() < 144 || id % 10 == 0),
    ("id IN (SELECT max(id) FROM {t})", |_, id| id == 300),
    ("stock >= 100 AND reverse(name) LIKE '%' AND id <> 8 AND NOT (stock > 800)", |stock, id| {
        (100..=800).contains(&stock) && id != 8
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_rows_that_match_are_changed() {
    for api in [ODATA, MATCHED, KEYED] {
        for (condition, holds) in CONDITIONS {
            for limit in [None, Some(5)] {
                let subject = Subject::start(api, 300).await;
                let matching = subject.keys(|row| holds(api.number(row, "stock"), api.number(row, "id")));
                let bound = limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
                let sql = format!("UPDATE {{t}} SET stock = stock + 1 WHERE {condition}{bound}");
                let rows = limit.unwrap_or(usize::MAX).min(matching.len());
                subject.change(&sql).await.all_applied(rows as u64, &format!("{}: {sql}", api.name));
                let effects = subject.effects();
                assert_eq!(effects.len(), rows, "{sql}");
                for row in &subject.before {
                    let Some(effect) = effects.get(&api.key(row)) else { continue };
                    assert!(matching.contains(&api.key(row)), "{sql}: {row}");
                    let stock = effect[0].values[api.column("stock")].as_i64();
                    assert_eq!((effect.len(), stock), (1, Some(api.number(row, "stock") + 1)), "{sql}: {row}");
                }
            }
        }
    }
}
