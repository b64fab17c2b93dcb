//! SAP CAP with only its URL: typed tables, pushdown, paging, logins, and 500 random filters.

use std::time::Duration;

use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::predicates::Predicates;
use tidegate_tests::run::run;

use crate::cap_server::Cap;

/// Random WHERE clauses per table; the seed is printed when one fails.
const RANDOM_FILTERS: [(&str, u64); 4] = [("accounts", 40), ("orders", 30), ("products", 220), ("nulls", 220)];
const SEED: u64 = 20_261_121;

fn session(cap: &Cap, options: &[(&str, &str)]) -> Session {
    let def = ConnectionDef::odata("cap", &cap.service("sales"));
    let def = options.iter().fold(def, |def, (option, value)| def.with(option, value));
    Engine::builder().connection(def).build().unwrap().session("test")
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows()
}

/// One server for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_cap() {
    let cap = Cap::start();
    tokio::time::timeout(Duration::from_secs(900), async {
        tables_are_typed(&cap).await;
        a_filtered_top_two_is_one_call(&cap).await;
        a_full_read_takes_a_call_a_page(&cap).await;
        values_survive(&cap).await;
        counts_are_asked_for(&cap).await;
        logins_work_and_are_refused_clearly(&cap).await;
        mistakes_are_named(&cap).await;
        random_filters_agree(&cap, &[]).await;
        random_filters_agree(&cap, &[("text", "binary")]).await;
    })
    .await
    .expect("the tests end in time");
}

async fn tables_are_typed(cap: &Cap) {
    let session = session(cap, &[]);
    let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'cap' ORDER BY 1";
    let tables = rows(&session, sql).await.concat();
    for table in ["accounts", "orders", "orderitems", "products", "nulls"] {
        assert!(tables.contains(&table.to_owned()), "{tables:?}");
    }
    let sql = "SELECT column_name, data_type FROM information_schema.columns
               WHERE table_schema = 'cap' AND table_name = 'accounts'";
    let columns = rows(&session, sql).await;
    for (column, data_type) in [
        ("name", "Utf8"),
        ("revenue", "Decimal128(15, 2)"),
        ("employees", "Int32"),
        ("rating", "Float64"),
        ("active", "Boolean"),
        ("founded", "Date32"),
    ] {
        assert!(columns.contains(&vec![column.to_owned(), data_type.to_owned()]), "{column}: {columns:?}");
    }
    assert_eq!(cap.data_requests(), Vec::<String>::new(), "names alone cost no data call");
}

async fn a_filtered_top_two_is_one_call(cap: &Cap) {
    let session = session(cap, &[]);
    let sql = "SELECT name, revenue FROM cap.accounts WHERE region = 'EMEA' AND name LIKE 'Acme 1%'
               ORDER BY revenue DESC LIMIT 2";
    let found = rows(&session, sql).await;
    assert_eq!(found, [["Acme 12021", "9993392.53"], ["Acme 16587", "9982135.73"]]);
    let requests = cap.data_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    for part in ["region eq 'EMEA'", "startswith(name,'Acme 1')", "$orderby=revenue desc", "$top=20"] {
        assert!(requests[0].contains(part), "{part}: {requests:?}");
    }
}

async fn a_full_read_takes_a_call_a_page(cap: &Cap) {
    let session = session(cap, &[]);
    for (table, rows, pages) in [("accounts", 20_000, 20), ("orders", 24_500, 25)] {
        let sql = format!("SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM cap.{table})");
        assert_eq!(self::rows(&session, &sql).await, [[rows.to_string(), rows.to_string()]]);
        let requests = cap.data_requests();
        assert_eq!(requests.len(), pages, "{table}: {:?}", requests.last());
    }
    let few = rows(&session, "SELECT name FROM cap.accounts LIMIT 5").await;
    assert_eq!((few.len(), cap.data_requests().len()), (5, 1));
}

async fn values_survive(cap: &Cap) {
    let session = session(cap, &[]);
    let sql = "SELECT revenue, founded, createdat, rating, id FROM cap.accounts WHERE name = 'Acme 12021'";
    let found = rows(&session, sql).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0], "9993392.53", "decimals come as JSON strings");
    assert_eq!(cap.data_requests().len(), 1);

    let quoted = rows(&session, "SELECT notes FROM cap.accounts WHERE notes LIKE '%''%' LIMIT 1").await;
    let literal = quoted[0][0].replace('\'', "''");
    let again = rows(&session, &format!("SELECT notes FROM cap.accounts WHERE notes = '{literal}' LIMIT 1")).await;
    assert_eq!(again, quoted, "a quote in a literal finds its row");
    cap.data_requests();
}

async fn counts_are_asked_for(cap: &Cap) {
    let session = session(cap, &[]);
    assert_eq!(rows(&session, "SELECT count(*) FROM cap.accounts").await, [["20000"]]);
    let by_hand = rows(&session, "SELECT count(DISTINCT id) FROM cap.accounts WHERE employees > 500").await;
    cap.data_requests();
    assert_eq!(rows(&session, "SELECT count(*) FROM cap.accounts WHERE employees > 500").await, by_hand);
    assert_eq!(cap.data_requests().len(), 1, "a count with an exact filter is one call");
}

async fn logins_work_and_are_refused_clearly(cap: &Cap) {
    let connect = |name: &'static str, options: &[(&str, &str)]| {
        let def = ConnectionDef::odata("cap", &cap.service(name));
        let def = options.iter().fold(def, |def, (option, value)| def.with(option, value));
        Engine::builder().connection(def).build().unwrap().session("test")
    };
    let basic = connect("secure", &[("user", "reader"), ("password", "tide & gate")]);
    assert_eq!(rows(&basic, "SELECT count(*) FROM cap.accounts").await, [["20000"]]);
    let bearer = connect("token", &[("token", "tidegate-test-token")]);
    assert_eq!(rows(&bearer, "SELECT count(*) FROM cap.products").await, [["400"]]);
    for refused in [connect("secure", &[("user", "reader"), ("password", "hunter22")]), connect("token", &[])] {
        let error = run(&refused, "SELECT count(*) FROM cap.products").await.unwrap_err().to_string();
        assert!(error.contains("401") && error.contains("cap") && error.contains("credentials"), "{error}");
        assert!(!error.contains("hunter22"), "{error}");
    }
    cap.data_requests();
}

async fn mistakes_are_named(cap: &Cap) {
    let session = session(cap, &[]);
    let cases = [
        ("SELECT nmae FROM cap.accounts", "name"),
        ("SELECT name FROM cap.acounts", "cap.accounts"),
        ("SELECT * FROM cap.inbox", "inbox"),
    ];
    for (sql, hint) in cases {
        let error = run(&session, sql).await.unwrap_err().to_string();
        assert!(error.contains(hint), "{sql}: {error}");
    }
    assert_eq!(cap.data_requests(), Vec::<String>::new());
}

/// The rows of each random filter equal those that DataFusion finds in a local copy of the table, and, for the
/// small tables, those of the same statement with pushdown off.
async fn random_filters_agree(cap: &Cap, options: &[(&str, &str)]) {
    let session = session(cap, options);
    let mut pushed = 0;
    for (table, filters) in RANDOM_FILTERS {
        let all = run(&session, &format!("SELECT * FROM cap.{table}")).await.unwrap();
        rows(&session, &format!("CREATE TABLE main.{table} AS SELECT * FROM cap.{table}")).await;
        let mut predicates = Predicates::new(SEED, &all.batches);
        // The key alone tells which rows they are, and is cheap to compare.
        let key = if table == "products" { "sku, variant" } else { "id" };
        cap.data_requests();
        for number in 0..filters {
            let predicate = predicates.next_predicate();
            let what = format!("{table}, {options:?}, seed {SEED}, filter {number}: {predicate}");
            let select = |schema: &str| format!("SELECT {key} FROM {schema}.{table} WHERE {predicate}");
            let remote = run(&session, &select("cap")).await.unwrap_or_else(|error| panic!("{what}\n{error}"));
            let local = run(&session, &select("main")).await.unwrap_or_else(|error| panic!("{what}\n{error}"));
            assert!(remote.sorted_rows() == local.sorted_rows(), "{what}\n{:?}", cap.data_requests());
            pushed += cap.data_requests().iter().filter(|request| request.contains("$filter")).count();
        }
        if matches!(table, "products" | "nulls") {
            pushdown_off_agrees(&session, table, Predicates::new(SEED + 1, &all.batches)).await;
        }
    }
    assert!(pushed > 200, "most filters reach the server, at least in part: {pushed}");
}

async fn pushdown_off_agrees(session: &Session, table: &str, mut predicates: Predicates) {
    for _ in 0..20 {
        let sql = format!("SELECT * FROM cap.{table} WHERE {}", predicates.next_predicate());
        let on = run(session, &sql).await.unwrap().sorted_rows();
        rows(session, "SET tidegate.pushdown = false").await;
        let off = run(session, &sql).await.unwrap().sorted_rows();
        rows(session, "SET tidegate.pushdown = true").await;
        assert!(on == off, "{sql}");
    }
}
