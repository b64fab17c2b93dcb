//! The README's SQL runs as it is written, on the simulator in place of the host that it names.

use tidegate::config::Config as Settings;
use tidegate::{Engine, Session};
use tidegate_sim::{Auth, Config, Sim};
use tidegate_tests::run::run;

const README: &str = include_str!("../../README.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_works() {
    let config = Config { rows: 3_000, auth: Auth::Bearer("from the environment".to_owned()), ..Config::default() };
    let sim = Sim::start(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let variable = |name: &str| (name == "ERP_TOKEN").then(|| "from the environment".to_owned());
    let engine = Engine::builder().working_dir(folder.path()).environment(variable).build().unwrap();
    let session = engine.session("reader");

    let tour = README.split("```sql").nth(1).and_then(|rest| rest.split("```").next()).expect("the README has a tour");
    let tour = tour.replace("https://host/odata/v4/sales", sim.url().as_str());
    let statements = Session::split(&tour).unwrap();
    assert!(statements.len() > 6, "{statements:?}");
    for sql in statements {
        if sql.contains("'targets.parquet'") {
            let make = "COPY (SELECT name AS account, 100 AS target FROM erp.accounts LIMIT 3) TO 'targets.parquet'";
            run(&session, make).await.unwrap();
        }
        sim.clear_requests();
        let outcome = run(&session, &sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
        if sql.contains("LIMIT 2") {
            let data = sim.requests().iter().filter(|request| !request.path.ends_with("$metadata")).count();
            assert_eq!((data, outcome.rows().len()), (1, 2), "{sql}");
            let plan = run(&session, &format!("EXPLAIN {sql}")).await.unwrap().rows().concat().join("\n");
            let shown = README.split("```text").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
            for part in shown.trim().split('…') {
                assert!(plan.contains(part), "the README shows {part:?}, the plan is\n{plan}");
            }
        }
    }
    assert!(folder.path().join("orders.parquet").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_of_quotas_works() {
    let sim = Sim::start(Config { rows: 30, divisions: 102, ..Config::default() }).await.unwrap();
    let root = sim.url().as_str().trim_end_matches("/1/").to_owned();
    let block = |kind: &str, has: &str| {
        let fence = format!("```{kind}\n");
        let mut blocks = README.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
        blocks.find(|block| block.contains(has)).expect("the README has a tour of quotas").to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.toml");
    std::fs::write(&file, block("toml", "quotas").replace("https://host/api/v1", &root)).unwrap();
    let settings = Settings::read(&file).unwrap();
    let engine = Engine::builder().working_dir(folder.path()).connections(settings.connections).build().unwrap();
    let session = engine.session("reader");

    let mut shown = Vec::new();
    for sql in Session::split(&block("sql", "USE all@eol")).unwrap() {
        let outcome = run(&session, &sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
        shown.push((sql, outcome.rows().concat().join(" ")));
    }
    let of = |table: &str| &shown.iter().find(|(sql, _)| sql.contains(table)).unwrap().1;
    assert!(of("GROUP BY").starts_with("101 "), "{shown:?}");
    assert!(of("system.partitions").starts_with("101 Amsterdam 49"), "{shown:?}");
    assert!(of("system.quotas").contains("daily"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_of_changes_works() {
    let sim = Sim::start(Config { rows: 3_000, ..Config::default() }).await.unwrap();
    let engine = Engine::builder().working_dir(tempfile::tempdir().unwrap().path()).build().unwrap();
    let session = engine.session("writer");
    let tour = README.split("```sql\n").filter_map(|rest| rest.split("```").next());
    let tour = tour.filter(|block| block.contains("CREATE CONNECTION crm")).collect::<String>();
    let tour = tour.replace("https://host/odata/v4/sales", sim.url().as_str());
    let mut effects = Vec::new();
    for sql in Session::split(&tour).unwrap() {
        let outcome = run(&session, &sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
        effects.push(sim.effects().len());
        if sql.contains("RETURNING") {
            assert!(outcome.rows().iter().all(|row| row[1..] == ["Closed", "applied"]), "{:?}", outcome.rows());
        }
        if sql.contains("system.mutations") {
            assert_eq!(outcome.rows().len(), 3, "{:?}", outcome.rows());
        }
    }
    let (updated, deleted) = (effects[2], effects[4] - effects[3]);
    assert!(effects[1] == 0 && (1..=100).contains(&updated) && (1..=50).contains(&deleted), "{effects:?}");
    assert_eq!(effects[3], updated + 1);
}
