//! Many rows in one request: as few as there can be, and a bad row fails alone.

use serde_json::json;
use tidegate_sim::{EffectKind, Unwanted};

use crate::subject::{self, ATOMIC, Api, BY_ID, IN_ORDER, JOB, ODATA_BATCH, SAME, Subject};

const BATCHES: [Api; 6] = [ODATA_BATCH, BY_ID, IN_ORDER, ATOMIC, JOB, SAME];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_few_calls_as_there_can_be() {
    for api in BATCHES {
        for rows in [1, 99, 100, 101, 1_000] {
            let subject = Subject::start(api, 1_100).await;
            let sql = format!("UPDATE {{t}} SET stock = 7 ORDER BY id LIMIT {rows}");
            let what = format!("{}: {rows} rows", api.name);
            subject.change(&sql).await.all_applied(rows, &what);
            let effects = subject.effects();
            subject::once(&effects, EffectKind::Update, &what);
            assert_eq!(effects.len() as u64, rows, "{what}");
            // One row takes the way of one row where there is one.
            assert_eq!(subject.writes() as u64, rows.div_ceil(api.batch as u64), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_and_inserts_share_requests_too() {
    for api in [ODATA_BATCH, BY_ID, IN_ORDER, SAME] {
        let subject = Subject::start(api, 500).await;
        subject.change("DELETE FROM {t} WHERE id <= 250").await.all_applied(250, api.name);
        assert_eq!((subject.writes(), subject.sim.rows(0, api.set).len()), (3, 250), "{}", api.name);
    }
    for api in [BY_ID, IN_ORDER, ATOMIC] {
        let subject = Subject::start(api, 10).await;
        let sql = "INSERT INTO {t} (name, stock) SELECT 'row ' || value, value FROM generate_series(1, 250)";
        subject.change(sql).await.all_applied(250, api.name);
        assert_eq!((subject.writes(), subject.sim.rows(0, api.set).len()), (3, 260), "{}", api.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_fails_alone() {
    for api in [ODATA_BATCH, BY_ID, IN_ORDER, ATOMIC, JOB] {
        let mut config = api.config(300);
        let (table, column) = (api.set.to_owned(), api.column("stock"));
        config.unwanted = vec![Unwanted { table, column, value: json!(666), status: 422 }];
        let subject = Subject::with(api, config).await;
        let sql = "UPDATE {t} SET stock = CASE WHEN id = 117 THEN 666 ELSE 7 END WHERE id <= 250";
        let done = subject.change(sql).await;
        let counts = ["selected", "applied", "failed"].map(|name| done.count(name));
        assert_eq!(counts, [250, 249, 1], "{}: {done:?}", api.name);
        assert!(done.error.is_some(), "{}", api.name);
        let effects = subject.effects();
        subject::once(&effects, EffectKind::Update, api.name);
        assert_eq!((effects.len(), effects.contains_key("117")), (249, false), "{}", api.name);
        let failed = &subject.outcomes(done.id()).await["failed"];
        assert_eq!(failed.iter().map(String::as_str).collect::<Vec<_>>(), [r#"{"id":117}"#], "{}", api.name);
    }
}
