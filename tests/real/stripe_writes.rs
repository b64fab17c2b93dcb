//! localstripe is written to, with connections that break: each change is made once, by its idempotency key.
//!
//! `stripe/serve.py` adds the keys, which localstripe does not know. It keeps `''` where Stripe has null.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;
use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

use crate::mutated::mutate;
use crate::proxy::{Fault, Proxy};
use crate::served::{Served, decoded};

const KEY: &str = "sk_test_tidegate";

struct Stripe {
    served: Served,
    proxy: Proxy,
    session: Session,
}

impl Stripe {
    fn start() -> Self {
        let served = Served::start("stripe");
        let proxy = Proxy::start(&served.at("/"));
        let def = ConnectionDef::new("api", "stripe", BTreeMap::new());
        let def = def.with("url", proxy.url()).with("api_key", KEY).with("writes", "true");
        let session = Engine::builder().connection(def).build().unwrap().session("test");
        Self { served, proxy, session }
    }

    /// Writes that the server has seen since the last call.
    fn writes(&self) -> Vec<Json> {
        let entries = serde_json::from_value(self.served.call("GET", "/writes", &[], None)).unwrap();
        self.served.call("DELETE", "/writes", &[], None);
        entries
    }

    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        run(&self.session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe_is_written_to() {
    let stripe = Stripe::start();
    tokio::time::timeout(Duration::from_secs(600), async {
        rows_are_made_changed_and_removed(&stripe).await;
        keys_make_it_once(&stripe).await;
        refusals_are_told(&stripe).await;
    })
    .await
    .expect("the tests end in time");
}

async fn rows_are_made_changed_and_removed(stripe: &Stripe) {
    let sql = "INSERT INTO api.customers (email, name, metadata, address)
               SELECT 'c' || value || '@example.com', 'Ünï & Co ' || value, '{\"n\": \"x\"}', '{\"city\": \"Delft\"}'
               FROM generate_series(1, 30) RETURNING id, email";
    let done = mutate(&stripe.session, sql).await;
    done.assert_applied(30);
    let writes = stripe.writes();
    let keys: BTreeSet<_> = writes.iter().map(|write| write["key"].as_str().expect("each has a key")).collect();
    assert_eq!((writes.len(), keys.len()), (30, 30));
    let body = decoded(writes[0]["body"].as_str().unwrap());
    for part in ["email=c", "name=Ünï & Co ", "metadata[n]=x", "address[city]=Delft"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(writes.iter().all(|write| write["path"] == "/v1/customers" && write["status"] == 200));
    let kept =
        stripe.rows("SELECT count(*), count(DISTINCT email) FROM api.customers WHERE name LIKE 'Ünï & Co %'").await;
    assert_eq!(kept, [["30", "30"]]);
    assert!(done.rows.len() == 30 && done.rows.iter().all(|row| row[0].starts_with("cus_")), "{:?}", done.rows);

    let sql = "UPDATE api.customers SET description = upper(email), phone = NULL WHERE email LIKE 'c1%' LIMIT 7";
    mutate(&stripe.session, sql).await.assert_applied(7);
    let writes = stripe.writes();
    assert_eq!(writes.len(), 7);
    for write in &writes {
        let body = decoded(write["body"].as_str().unwrap());
        assert!(body.contains("description=C1") && body.contains("phone=") && !body.contains("name"), "{write}");
        assert!(
            write["path"].as_str().unwrap().starts_with("/v1/customers/cus_") && write["key"].is_string(),
            "{write}"
        );
    }
    let found = stripe.rows("SELECT count(*) FROM api.customers WHERE description = upper(email)").await;
    assert_eq!(found, [["7"]]);

    mutate(&stripe.session, "DELETE FROM api.customers WHERE description IS NOT NULL LIMIT 5").await.assert_applied(5);
    let writes = stripe.writes();
    assert!(writes.len() == 5 && writes.iter().all(|write| write["method"] == "DELETE"), "{writes:?}");
    assert_eq!(stripe.rows("SELECT count(*) FROM api.customers").await, [["25"]]);
}

/// Of seven writes one fails in each of four ways.
fn faulty(number: usize) -> Option<Fault> {
    [None, Some(Fault::CutBefore), Some(Fault::CutAfter), None, Some(Fault::Unavailable), Some(Fault::Torn), None]
        [number % 7]
}

async fn keys_make_it_once(stripe: &Stripe) {
    let insert = "INSERT INTO api.customers (email, name)
                  SELECT 'once' || value || '@example.com', 'Once' FROM generate_series(1, 40)";
    for (sql, rows) in [
        (insert, 40),
        ("UPDATE api.customers SET name = 'Once more' WHERE name = 'Once' LIMIT 30", 30),
        ("DELETE FROM api.customers WHERE name LIKE 'Once%'", 40),
    ] {
        stripe.proxy.seen();
        stripe.proxy.set_faults(faulty);
        let done = mutate(&stripe.session, sql).await;
        stripe.proxy.set_faults(|_| None);
        done.assert_applied(rows);
        let seen = stripe.proxy.seen();
        let faults = seen.iter().filter(|seen| seen.fault.is_some()).count();
        assert!(faults >= 10, "{sql}: {faults} faults");
        // What the server did, less what it was asked for again.
        let writes = stripe.writes();
        let done = writes.iter().filter(|write| write["status"] == 200 && write["replayed"] == false).count();
        assert_eq!(done as u64, rows, "{sql}: {writes:?}");
        if !sql.starts_with("DELETE") {
            assert!(writes.iter().any(|write| write["replayed"] == true), "a lost answer is asked for again: {sql}");
            let keys: BTreeSet<_> = writes.iter().map(|write| write["key"].as_str().unwrap()).collect();
            assert_eq!(keys.len() as u64, rows, "{sql}: a repeat has the key of the first");
        }
    }
    assert_eq!(stripe.rows("SELECT count(*) FROM api.customers WHERE name LIKE 'Once%'").await, [["0"]]);
}

async fn refusals_are_told(stripe: &Stripe) {
    // localstripe knows no such parameter; Stripe does.
    let sql = "UPDATE api.customers SET tax_exempt = 'exempt' LIMIT 2";
    let done = mutate(&stripe.session, sql).await;
    assert_eq!((done.summary.counts.failed, done.summary.counts.applied), (2, 0), "{done:?}");
    let sql = format!("SELECT error FROM system.mutation_rows WHERE mutation_id = '{}'", done.summary.id);
    let errors = stripe.rows(&sql).await.concat();
    assert!(errors.len() == 2 && errors.iter().all(|error| error.contains("400")), "{errors:?}");
    let refused = stripe.session.prepare("UPDATE api.prices SET currency = 'eur' LIMIT 1").await;
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("currency"), "{error}");
}
