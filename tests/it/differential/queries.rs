//! Random queries: joins, semi and anti joins, groups, orders, limits, sets. 2,000 of them, over five services.
//!
//! Each has a seed of its own, which is printed when it fails. `DIFFERENTIAL_SEEDS="V4:17,V2:18"` runs these alone, and
//! `DIFFERENTIAL_QUERIES=20000` more of them. Seeds in `fixtures/differential_seeds.txt` are run first.

use std::collections::BTreeMap;
use std::path::Path;

use futures::future::join_all;
use tidegate::{ConnectionDef, Engine, Session};
use tidegate_sim::{Apply, Collation, Config, ODataOptions, Shape, Sim};
use tidegate_tests::queries::{Edge, Queries, Query, Table};
use tidegate_tests::run::run;

const SEED: u64 = 20_261_122;
const QUERIES: u64 = 2_000;
const KNOWN: &str = include_str!("../../fixtures/differential_seeds.txt");

/// A service, and tables with their keys and required filters.
struct Case {
    name: &'static str,
    shape: Shape,
    collation: Collation,
    apply: Apply,
    options: &'static [(&'static str, &'static str)],
    tables: &'static [(&'static str, &'static [&'static str], Option<&'static str>)],
    edges: &'static [Edge],
}

const fn edge(left: usize, right: usize, on: &'static [(&'static str, &'static str)]) -> Edge {
    Edge { left, right, on }
}

const SALES: &[(&str, &[&str], Option<&str>)] = &[
    ("accounts", &["id"], None),
    ("contacts", &["id"], None),
    ("products", &["id"], None),
    ("orders", &["id"], None),
    ("orderlines", &["orderid", "lineno"], None),
    ("nulls", &["id"], None),
];

/// Keys, keys with NULLs and duplicates, keys of two columns, of other types, and texts.
const SALES_EDGES: &[Edge] = &[
    edge(3, 0, &[("accountid", "id")]),
    edge(1, 0, &[("accountid", "id")]),
    edge(4, 3, &[("orderid", "id")]),
    edge(4, 2, &[("productid", "id")]),
    edge(4, 4, &[("orderid", "orderid"), ("lineno", "lineno")]),
    edge(1, 3, &[("accountid", "accountid")]),
    edge(5, 2, &[("medium", "id")]),
    edge(5, 2, &[("small", "id")]),
    edge(5, 3, &[("large", "id")]),
    edge(5, 5, &[("medium", "small")]),
    edge(0, 2, &[("priority", "id")]),
    edge(2, 3, &[("stock", "id")]),
    edge(5, 5, &[("text", "text")]),
    edge(1, 1, &[("firstname", "firstname"), ("lastname", "lastname")]),
    edge(0, 3, &[("status", "status")]),
];

const PLACES: &[(&str, &[&str], Option<&str>)] = &[
    ("items", &["id"], None),
    ("single_items", &["id"], None),
    ("posted_items", &["id"], None),
    ("keyed_items", &["id"], Some("id IN (1, 2, 3, 50, 77)")),
    ("sites", &["code"], None),
    ("bins", &["site", "number"], Some("site IN ('S001', 'S003')")),
    ("movements", &["id"], Some("site IN ('S001', 'S002', 'S003')")),
];

const PLACES_EDGES: &[Edge] = &[
    edge(5, 4, &[("site", "code")]),
    edge(6, 4, &[("site", "code")]),
    edge(5, 0, &[("item_id", "id")]),
    edge(6, 1, &[("item_id", "id")]),
    edge(5, 2, &[("item_id", "id")]),
    edge(6, 3, &[("item_id", "id")]),
    edge(0, 1, &[("stock", "id")]),
    edge(5, 6, &[("site", "site"), ("item_id", "item_id")]),
    edge(1, 2, &[("status", "status"), ("id", "id")]),
];

const V4: Case = Case {
    name: "V4",
    shape: Shape::ODataV4,
    collation: Collation::Binary,
    apply: Apply::Declared,
    options: &[],
    tables: SALES,
    edges: SALES_EDGES,
};

const CASES: [Case; 5] = [
    V4,
    Case { name: "trusted", apply: Apply::Declared, options: &[("text", "binary")], ..V4 },
    Case { name: "folding", collation: Collation::CaseInsensitive, ..V4 },
    Case { name: "V2", shape: Shape::ODataV2, ..V4 },
    Case { name: "rest", shape: Shape::Rest, tables: PLACES, edges: PLACES_EDGES, ..V4 },
];

/// A service with one session that pushes down, and one that does not.
struct Subject {
    name: &'static str,
    _sim: Sim,
    on: Session,
    off: Session,
    queries: Queries,
}

impl Subject {
    async fn start(case: &Case) -> Self {
        let odata = ODataOptions { collation: case.collation, apply: case.apply, ..ODataOptions::default() };
        let sizes = [("Products", 20), ("Nulls", 40), ("bins", 6), ("movements", 9)];
        let sizes = sizes.map(|(name, rows)| (name.to_owned(), rows)).into();
        let config = Config { shape: case.shape, rows: 50, sizes, page_size: 40, odata, ..Config::default() };
        let sim = Sim::start(config).await.unwrap();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/access.yaml");
        let def = match case.shape {
            Shape::Rest => ConnectionDef::new("erp", manifest.to_str().unwrap(), BTreeMap::new()),
            _ => ConnectionDef::odata("erp", ""),
        };
        let def = def.with("url", sim.url().as_str());
        let def = case.options.iter().fold(def, |def, (option, value)| def.with(option, value));
        let engine = Engine::builder().connection(def).jitter_seed(1).build().unwrap();
        let (on, off) = (engine.session("on"), engine.session("off"));
        run(&off, "SET tidegate.pushdown = false").await.unwrap();
        let mut tables = Vec::new();
        for (name, key, required) in case.tables {
            let filter = required.map_or(String::new(), |filter| format!(" WHERE {filter}"));
            let all = run(&off, &format!("SELECT * FROM erp.{name}{filter}")).await.unwrap();
            tables.push(Table { required: *required, ..Table::new(&format!("erp.{name}"), key, &all.batches) });
        }
        Self { name: case.name, _sim: sim, on, off, queries: Queries { tables, edges: case.edges.to_vec() } }
    }

    /// What is wrong with the rows of a query; `None` if nothing is. `Ok(false)` if it fails on both sides.
    async fn check(&self, seed: u64) -> Result<bool, String> {
        let query = self.queries.of(seed);
        let told = |what: String| format!("{}:{seed} {what}\n  {}", self.name, query.sql);
        let (on, off) = match (run(&self.on, &query.sql).await, run(&self.off, &query.sql).await) {
            (Err(_), Err(_)) => return Ok(false),
            (Err(error), Ok(_)) => return Err(told(format!("fails with pushdown alone: {error}"))),
            (Ok(_), Err(error)) => return Err(told(format!("fails without pushdown alone: {error}"))),
            (Ok(on), Ok(off)) => (on, off),
        };
        let is_same = match &query {
            Query { is_ordered: true, .. } => on.rows() == off.rows(),
            Query { whole: None, .. } => on.sorted_rows() == off.sorted_rows(),
            Query { whole: Some(whole), .. } => {
                let all = run(&self.off, whole).await.map_err(|error| told(error.to_string()))?.sorted_rows();
                on.rows().len() == off.rows().len() && is_part(&on.sorted_rows(), &all)
            }
        };
        match is_same {
            true => Ok(true),
            false => Err(told(format!("with pushdown\n    {:?}\n  without\n    {:?}", on.rows(), off.rows()))),
        }
    }

    async fn run(&self, seeds: Vec<u64>) -> Report {
        let mut report = Report::default();
        for seed in seeds {
            match self.check(seed).await {
                Ok(true) => report.equal += 1,
                Ok(false) => report.refused.push(format!("{}:{seed} {}", self.name, self.queries.of(seed).sql)),
                Err(what) => report.wrong.push(what),
            }
            *report.kinds.entry(self.queries.of(seed).kind).or_default() += 1;
        }
        report
    }
}

#[derive(Debug, Default)]
struct Report {
    equal: usize,
    /// Queries that fail on both sides.
    refused: Vec<String>,
    wrong: Vec<String>,
    kinds: BTreeMap<&'static str, usize>,
}

/// Whether sorted rows are among other sorted rows, each as often as it is there.
fn is_part(some: &[Vec<String>], all: &[Vec<String>]) -> bool {
    let mut all = all.iter();
    some.iter().all(|row| all.by_ref().any(|other| other == row))
}

/// Seeds of a text: `V4:17`, separated by blanks, commas and lines; `#` begins a comment.
fn seeds(text: &str, case: &str) -> Vec<u64> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words = lines.flat_map(|line| line.split([',', ' '])).filter_map(|word| word.trim().split_once(':'));
    words.filter(|(name, _)| *name == case).map(|(_, seed)| seed.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_queries_do_not_depend_on_pushdown() {
    let only = std::env::var("DIFFERENTIAL_SEEDS").ok();
    let count = std::env::var("DIFFERENTIAL_QUERIES").map_or(QUERIES, |count| count.parse().unwrap());
    let cases = CASES.iter().enumerate().map(|(place, case)| {
        let new = || (0..count / 5).map(move |n| SEED + place as u64 * 1_000_000 + n);
        let seeds = only
            .as_ref()
            .map_or_else(|| seeds(KNOWN, case.name).into_iter().chain(new()).collect(), |only| seeds(only, case.name));
        tokio::spawn(async move {
            let subject = Subject::start(case).await;
            subject.run(seeds).await
        })
    });
    let reports: Vec<Report> = join_all(cases).await.into_iter().map(Result::unwrap).collect();
    let wrong: Vec<&str> = reports.iter().flat_map(|report| &report.wrong).map(String::as_str).collect();
    let refused: Vec<&str> = reports.iter().flat_map(|report| &report.refused).map(String::as_str).collect();
    let equal: usize = reports.iter().map(|report| report.equal).sum();
    assert!(
        wrong.is_empty(),
        "{} of {} queries; keep CASE:SEED of each in tests/fixtures/differential_seeds.txt:\n{}",
        wrong.len(),
        equal + wrong.len() + refused.len(),
        wrong.join("\n")
    );
    // A query that both refuse compares nothing: there must be few of them.
    assert!(refused.len() * 50 <= equal + 1, "{} are refused:\n{}", refused.len(), refused.join("\n"));
    if only.is_none() {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        reports.iter().flat_map(|report| &report.kinds).for_each(|(kind, n)| *kinds.entry(kind).or_default() += n);
        assert!(kinds.len() == 8 && kinds.values().all(|n| *n as u64 * 50 > count), "every kind often: {kinds:?}");
    }
}
