//! SAP CAP's own log of requests against the least that each query takes.
//!
//! Pages have 1,000 rows (products 100). CAP groups (`$apply`) without saying so in `$metadata`, and compares text byte by
//! byte: both are told by options of the connection. Its lists have neither `ETag` nor `Last-Modified` nor
//! `Cache-Control`, so that nothing of them can be asked about instead of asked for.
//!
//! Rows are those of the same query over local copies.

use std::time::Duration;

use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

use crate::cap_server::Cap;

/// An account with an order, and with items in it.
const ACCOUNT: &str = "'733af22d-04ea-495f-9d6b-9c3043ff00e8'";

/// Why, SQL with `{a}` for the account above, and the least number of calls.
const CASES: &[(&str, &str, usize)] = &[
    ("a key has one row", "SELECT amount FROM cap.orders WHERE id = 7", 1),
    ("a key of two columns", "SELECT title FROM cap.products WHERE sku = 'P-0000' AND variant = 'a/b'", 1),
    ("a list of keys is one filter", "SELECT sum(quantity) FROM cap.orders WHERE id IN (1, 500, 999, 24500)", 1),
    (
        "40 keys known here are one filter; a scan would take 25",
        "SELECT count(*), sum(o.quantity) FROM (SELECT v * 600 AS id FROM (SELECT unnest(range(1, 41)) AS v)) w
         JOIN cap.orders o ON o.id = w.id",
        1,
    ),
    (
        "a left join by 3 keys, one that nobody has",
        "SELECT w.id, o.amount FROM (VALUES (1), (7), (99999)) AS w(id) LEFT JOIN cap.orders o ON o.id = w.id",
        1,
    ),
    (
        "3 orders, then their accounts",
        "SELECT o.id, a.name FROM cap.orders o JOIN cap.accounts a ON a.id = o.account_id WHERE o.id IN (1, 2, 3)",
        2,
    ),
    (
        "an account, its orders, their items",
        "SELECT a.name, o.id, i.pos FROM cap.accounts a JOIN cap.orders o ON o.account_id = a.id
         JOIN cap.orderitems i ON i.order_id = o.id WHERE a.id = {a}",
        3,
    ),
    (
        "a semi join: two accounts by name, then their orders",
        "SELECT a.name FROM cap.accounts a WHERE a.name IN ('Acme 12021', 'Acme 16587')
         AND EXISTS (SELECT 1 FROM cap.orders o WHERE o.account_id = a.id)",
        2,
    ),
    (
        "an anti join likewise",
        "SELECT a.name FROM cap.accounts a WHERE a.name IN ('Acme 12021', 'Acme 16587')
         AND NOT EXISTS (SELECT 1 FROM cap.orders o WHERE o.account_id = a.id)",
        2,
    ),
    (
        "IN (SELECT …): the accounts, then the orders that have one of them",
        "SELECT id FROM cap.orders WHERE account_id IN (SELECT id FROM cap.accounts WHERE name IN ('Acme 12021', 'Acme 16587'))",
        2,
    ),
    ("the service sorts", "SELECT id, amount FROM cap.orders ORDER BY amount DESC, id LIMIT 5", 1),
    ("the service sorts text", "SELECT name FROM cap.accounts WHERE region = 'EMEA' ORDER BY name LIMIT 3", 1),
    ("and leaves out what comes before", "SELECT id FROM cap.orders ORDER BY id LIMIT 5 OFFSET 12000", 1),
    ("any five behind 20,000", "SELECT count(*) FROM (SELECT id FROM cap.orders LIMIT 5 OFFSET 20000)", 1),
    ("any five", "SELECT count(*) FROM (SELECT id FROM cap.orders LIMIT 5)", 1),
    ("the greatest is the first by it", "SELECT max(serial) FROM cap.orders", 1),
    ("and the least, which may be NULL", "SELECT min(employees) FROM cap.accounts WHERE active", 1),
    ("the service counts", "SELECT count(*) FROM cap.orders", 1),
    ("with a filter too", "SELECT count(*) FROM cap.accounts WHERE employees > 500 AND active", 1),
    ("groups are a call", "SELECT priority, count(*) FROM cap.orders GROUP BY priority", 1),
    ("of those that pass", "SELECT region, count(*) FROM cap.accounts WHERE active GROUP BY region", 1),
    ("sums of integers", "SELECT priority, sum(quantity), max(orderdate) FROM cap.orders GROUP BY priority", 1),
    ("distinct values are groups", "SELECT DISTINCT region, status FROM cap.accounts", 1),
    ("a contradiction", "SELECT id FROM cap.orders WHERE id = 1 AND id = 2", 0),
    ("a range without inside", "SELECT id FROM cap.orders WHERE quantity > 9 AND quantity < 3", 0),
    (
        "two tables, two calls",
        "SELECT id FROM cap.orders WHERE id = 1 UNION ALL SELECT id FROM cap.nulls WHERE id = 2",
        2,
    ),
    ("pages of a whole table", "SELECT count(*), count(upper(note)) FROM (SELECT * FROM cap.orders)", 25),
];

fn session(cap: &Cap) -> Session {
    let def = ConnectionDef::odata("cap", &cap.service("sales")).with("apply", "always").with("text", "binary");
    Engine::builder().connection(def).build().unwrap().session("test")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_cap_is_asked_as_seldom_as_can_be() {
    let cap = Cap::start_to_measure();
    tokio::time::timeout(Duration::from_secs(600), check(&cap)).await.expect("the tests end in time");
}

async fn check(cap: &Cap) {
    let session = session(cap);
    for table in ["accounts", "orders", "orderitems", "products", "nulls"] {
        run(&session, &format!("CREATE TABLE main.own_{table} AS SELECT * FROM cap.{table}")).await.unwrap();
    }
    cap.data_requests();
    let mut wrong = Vec::new();
    for (why, sql, least) in CASES {
        let sql = sql.replace("{a}", ACCOUNT);
        let remote = run(&session, &sql).await.map(|outcome| outcome.sorted_rows());
        let requests = cap.data_requests();
        let local = run(&session, &sql.replace("cap.", "main.own_")).await.unwrap().sorted_rows();
        let remote = match remote {
            Ok(rows) => rows,
            Err(error) => {
                wrong.push(format!("{why}: {error}\n  {sql}"));
                continue;
            }
        };
        if remote != local {
            wrong.push(format!("{why}: other rows: {remote:?} and {local:?}\n  {sql}\n  {requests:?}"));
        }
        if requests.len() != *least {
            let some: Vec<_> = requests.iter().take(4).collect();
            wrong.push(format!("{why}: {} calls in place of {least}\n  {sql}\n  {some:?}", requests.len()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}
