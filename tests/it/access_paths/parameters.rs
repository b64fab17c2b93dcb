//! Values that come when a statement is run: they are pushed like literals.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use tidegate::{ConnectionDef, Session};
use tidegate_sim::{Config, Shape, Sim};
use tidegate_tests::run::Outcome;

use super::{calls, fixture, session};

async fn run(session: &Session, sql: &str, params: Vec<ScalarValue>) -> Outcome {
    let prepared = session.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let execution = prepared.execute(params).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batches = execution.stream.try_collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    Outcome { batches, counts: execution.summary.counts() }
}

fn numbers(values: &[i64]) -> Vec<ScalarValue> {
    values.iter().map(|value| ScalarValue::Int64(Some(*value))).collect()
}

/// SQL, what its parameters are, the least calls, and how many rows.
type Case = (&'static str, &'static [i64], usize, usize);

async fn check(sim: &Sim, session: &Session, cases: &[Case]) {
    calls(sim);
    for (sql, params, wanted, rows) in cases {
        let outcome = run(session, sql, numbers(params)).await;
        assert_eq!((calls(sim), outcome.rows().len()), (*wanted, *rows), "{sql} {params:?}");
        assert_eq!(outcome.counts.calls, *wanted as u64, "{sql} {params:?}: as the statement counts them");
    }
}

#[tokio::test]
async fn parameters_are_pushed_as_literals_are() {
    let sim = Sim::start(Config { rows: 1_000, page_size: 100, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::odata("erp", ""));
    run(&session, "SELECT id FROM erp.orders WHERE id = 0", Vec::new()).await;
    check(
        &sim,
        &session,
        &[
            // A key has one row, whichever it is.
            ("SELECT status FROM erp.orders WHERE id = $1", &[7], 1, 1),
            ("SELECT status FROM erp.orders WHERE id = $1", &[8], 1, 1),
            // Three keys are one list, and one key twice is one key.
            ("SELECT status FROM erp.orders WHERE id IN ($1, $2, $3)", &[7, 8, 7], 1, 2),
            // 20 orders fit a page; so do their 40 lines.
            ("SELECT id FROM erp.orders WHERE id BETWEEN $1 AND $2", &[11, 30], 1, 20),
            ("SELECT l.lineno FROM erp.orders o JOIN erp.orderlines l ON l.orderid = o.id WHERE o.id = $1", &[9], 2, 2),
            // Nothing is both.
            ("SELECT id FROM erp.orders WHERE id = $1 AND id = $2", &[1, 2], 0, 0),
        ],
    )
    .await;
}

#[tokio::test]
async fn parameters_choose_endpoints() {
    let sim = Sim::start(Config { shape: Shape::Rest, rows: 500, page_size: 100, ..Config::default() }).await.unwrap();
    let session = session(&sim, ConnectionDef::new("erp", &fixture("access"), BTreeMap::new()));
    check(
        &sim,
        &session,
        &[
            ("SELECT name FROM erp.items WHERE id = $1", &[7], 1, 1),
            // A hundred ids are one list of ids.
            ("SELECT name FROM erp.items WHERE id IN ($1, $2, $3, $4)", &[7, 8, 9, 9_999], 1, 3),
            // Where there is no such list, a row is a call.
            ("SELECT name FROM erp.keyed_items WHERE id IN ($1, $2)", &[7, 8], 2, 2),
            // A page of the bins of one site has them all.
            ("SELECT number FROM erp.bins WHERE site = 'S00' || CAST($1 AS VARCHAR)", &[3], 1, 30),
        ],
    )
    .await;
}
