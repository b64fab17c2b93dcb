//! Random WHERE clauses, and random queries, give the same rows with pushdown on and off.

mod queries;

use tidegate::{ConnectionDef, Engine, Session};
use tidegate_sim::{Collation, Config, NextLinks, ODataOptions, Shape, Sim};
use tidegate_tests::predicates::Predicates;
use tidegate_tests::run::run;

const SEED: u64 = 20_261_121;

struct Case {
    name: &'static str,
    shape: Shape,
    collation: Collation,
    options: &'static [(&'static str, &'static str)],
    /// Random WHERE clauses per table.
    filters: [(&'static str, usize); 2],
}

const CASES: &[Case] = &[
    Case {
        name: "V4",
        shape: Shape::ODataV4,
        collation: Collation::Binary,
        options: &[],
        filters: [("accounts", 150), ("nulls", 150)],
    },
    Case {
        name: "V4, text trusted",
        shape: Shape::ODataV4,
        collation: Collation::Binary,
        options: &[("text", "binary")],
        filters: [("accounts", 100), ("nulls", 100)],
    },
    Case {
        name: "V4, a service that folds case",
        shape: Shape::ODataV4,
        collation: Collation::CaseInsensitive,
        options: &[],
        filters: [("accounts", 100), ("nulls", 100)],
    },
    Case {
        name: "V2",
        shape: Shape::ODataV2,
        collation: Collation::Binary,
        options: &[],
        filters: [("accounts", 60), ("nulls", 60)],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_do_not_depend_on_pushdown() {
    for case in CASES {
        check(case).await;
    }
}

async fn check(case: &Case) {
    let odata = ODataOptions { collation: case.collation, next_links: NextLinks::Relative, ..ODataOptions::default() };
    let config = Config { shape: case.shape, rows: 400, page_size: 150, odata, ..Config::default() };
    let sim = Sim::start(config).await.unwrap();
    let def = ConnectionDef::odata("erp", sim.url().as_str());
    let def = case.options.iter().fold(def, |def, (option, value)| def.with(option, value));
    let session = Engine::builder().connection(def).build().unwrap().session("test");
    let mut pushed = 0;
    for (table, filters) in case.filters {
        let all = run(&session, &format!("SELECT * FROM erp.{table}")).await.unwrap();
        let mut predicates = Predicates::new(SEED, &all.batches);
        for number in 0..filters {
            sim.clear_requests();
            let predicate = predicates.next_predicate();
            let what = format!("{}, {table}, seed {SEED}, filter {number}: {predicate}", case.name);
            let sql = format!("SELECT * FROM erp.{table} WHERE {predicate}");
            let on = rows(&session, true, &sql, &what).await;
            let requests = sim.requests();
            let asked: Vec<_> = requests.iter().filter_map(|request| request.option("$filter")).collect();
            let off = rows(&session, false, &sql, &what).await;
            assert!(on == off, "{what}\nasked for {asked:?}\non:  {} rows\noff: {} rows", on.len(), off.len());
            pushed += usize::from(!asked.is_empty());
        }
    }
    assert!(pushed > 40, "{}: most filters reach the service, at least in part: {pushed}", case.name);
}

async fn rows(session: &Session, pushdown: bool, sql: &str, what: &str) -> Vec<Vec<String>> {
    run(session, &format!("SET tidegate.pushdown = {pushdown}")).await.unwrap();
    run(session, sql).await.unwrap_or_else(|error| panic!("{what}\n{error}")).sorted_rows()
}
