//! Mutations with all layers in place, and their journal in the state folder.

use futures::TryStreamExt;
use tidegate::{ConnectionDef, Engine, ErrorKind, StateLocation};
use tidegate_sim::{Config, EffectKind, Sim};

async fn run(engine: &Engine, settings: &[&str], sql: &str) -> Result<tidegate::MutationSummary, tidegate::Error> {
    let session = engine.session("me");
    for setting in settings {
        session.prepare(setting).await?.execute(vec![]).await?;
    }
    let execution = session.prepare(sql).await?.execute(vec![]).await?;
    let summary = execution.summary.clone();
    let ended = execution.stream.try_collect::<Vec<_>>().await.map_err(tidegate::Error::from);
    ended.map(|_| summary.mutation().unwrap())
}

#[tokio::test]
async fn one_process_begins_and_another_ends() {
    let (sim, folder) = (Sim::start(Config::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let url = sim.url().to_string();
    let built = || {
        let def = ConnectionDef::odata("crm", &url).with("writes", "true");
        Engine::builder().connection(def).state(StateLocation::Folder(folder.path().to_owned())).build().unwrap()
    };
    let sql = "UPDATE crm.products SET stock = 7 WHERE id <= 10";
    let error = run(&built(), &["SET tidegate.max_calls = 6"], sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MutationStopped, "{error}");
    let id = error.to_string().split(['\'']).nth(1).unwrap().to_owned();
    let (engine, all) = (built(), ["SET tidegate.max_calls = 1000"]);
    let summary = run(&engine, &all, &format!("RESUME MUTATION '{id}'")).await.unwrap();
    assert!(summary.is_complete() && summary.counts.applied == 10, "{summary:?}");
    let updates = sim.effects().iter().filter(|effect| effect.kind == EffectKind::Update).count();
    assert_eq!(updates, 10);
    engine.settle().await;
    sim.stop().await;
}

#[tokio::test]
async fn a_connection_says_whether_it_may_be_changed() {
    let sim = Sim::start(Config::default()).await.unwrap();
    let engine = Engine::builder().connection(ConnectionDef::odata("crm", sim.url().as_str())).build().unwrap();
    let error = run(&engine, &[], "DELETE FROM crm.products LIMIT 1").await.unwrap_err();
    assert!(error.to_string().contains("set writes = true in [connections.crm]"), "{error}");
    assert!(sim.effects().is_empty());
    sim.stop().await;
}
