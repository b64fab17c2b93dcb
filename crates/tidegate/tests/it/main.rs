//! The engine as a program embeds it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod caching;
mod connectors;
mod flow;
mod mutations;
mod quotas;

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use tidegate::transport::{Http, HttpOptions};
use tidegate::{Builder, ConnectionDef, Engine, Error, OptionValue};
use tidegate_sim::{Config, Sim};

const SQL: &str = "SELECT id FROM crm.products";

async fn sim() -> Sim {
    Sim::start(Config { rows: 20, ..Config::default() }).await.unwrap()
}

fn crm(url: impl std::fmt::Display) -> Builder {
    Engine::builder().connection(ConnectionDef::odata("crm", &url.to_string()))
}

/// How many rows, and how many calls.
async fn cost(engine: &Engine, sql: &str) -> Result<(usize, u64), Error> {
    let execution = engine.session("me").prepare(sql).await?.execute(vec![]).await?;
    let batches: Vec<_> = execution.stream.try_collect().await.map_err(Error::from)?;
    Ok((batches.iter().map(|batch| batch.num_rows()).sum(), execution.summary.counts().calls))
}

#[tokio::test]
async fn rows_come_and_calls_are_counted() {
    let sim = sim().await;
    let engine = crm(sim.url()).build().unwrap();
    let (rows, calls) = cost(&engine, SQL).await.unwrap();
    assert!(rows > 0 && calls > 0, "{rows} rows, {calls} calls");
    sim.stop().await;
}

#[tokio::test]
async fn a_network_of_ones_own_is_recorded_and_a_replay_does_without() {
    let (sim, folder) = (sim().await, tempfile::tempdir().unwrap());
    let (url, tape) = (sim.url().to_string(), folder.path().join("tape"));
    let network = || Arc::new(Http::new(HttpOptions::default()));
    let recorded = cost(&crm(&url).record(&tape).network(network()).build().unwrap(), SQL).await.unwrap();
    sim.stop().await;
    let replayed = cost(&crm(&url).network(network()).replay(&tape).build().unwrap(), SQL).await.unwrap();
    assert_eq!(replayed, recorded);
}

#[tokio::test]
async fn what_cannot_be_built_says_why() {
    let def = |options: &[(&str, &str)]| {
        let mut def = ConnectionDef::odata("crm", "https://host/odata");
        for (name, value) in options {
            def = def.with(name, value);
        }
        def
    };
    let mut unset = def(&[]);
    unset.options.insert("token".to_owned(), OptionValue::Env("CRM_TOKEN".to_owned()));
    let mut unknown = def(&[]);
    unknown.connector = "odta".to_owned();
    let with = |def| Engine::builder().environment(|_| None).connection(def);
    let cases = [
        (with(def(&[("url", "host/s3cret")])), "connection crm: option url must begin with https://"),
        (with(def(&[("url", "ftp://host")])), "connection crm: option url must begin with https://"),
        (with(def(&[("url", "https://u:s3cret@ho st")])), "connection crm: option url is not a URL: "),
        (with(def(&[("pasword", "s3cret")])), "connection crm: there is no option pasword; odata takes"),
        (with(def(&[("password", "s3cret")])), "connection crm: option password needs option user"),
        (with(def(&[("user", "u"), ("token", "s3cret")])), "connection crm: give either token, or user and password"),
        (with(def(&[("writes", "yes")])), "connection crm: option writes takes 'true' or 'false', not 'yes'"),
        (with(def(&[("etags", "all")])), "connection crm: option etags takes 'declared' or 'true', not 'all'"),
        (with(def(&[("batch", "xml")])), "connection crm: option batch takes 'json' or 'none', not 'xml'"),
        (with(def(&[("batch_size", "5")])), "connection crm: option batch_size needs option batch: batch 'json'"),
        (
            with(def(&[("batch", "json"), ("batch_size", "0")])),
            "connection crm: option batch_size takes 1 to 1000, not '0'",
        ),
        (with(def(&[("allow_origins", "b.example")])), "connection crm: option allow_origins: 'b.example' is not an"),
        (with(unset), "connection crm: option token: the environment variable CRM_TOKEN is not set"),
        (with(unknown), "connection crm: there is no connector odta; there are: odata"),
        (with(def(&[])).connection(def(&[])), "there is a connection crm already"),
        (with(def(&[])).replay(Path::new("missing")), "cannot read the recording missing"),
        (with(def(&[])).record(Path::new("missing/tape")), "cannot create the recording missing/tape"),
    ];
    for (builder, expected) in cases {
        let message = builder.build().unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}
