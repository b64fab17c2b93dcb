//! Full scans, windows, early stops and counts.

use std::collections::HashSet;

use arrow::array::AsArray;
use futures::StreamExt;
use tidegate_remote::{Scalar, ScanRequest, SortKey, count, scan};
use tidegate_sim::{Config, NextLinks, ODataOptions, Shape, Sim};
use tidegate_spec::ODataVersion::{self, V2, V4};

use crate::support::{ACTIVE, ID, NAME, REVENUE, config, filtered, read, request, source};

async fn check_full_scan(config: Config, version: ODataVersion, calls: usize) {
    let rows = config.rows as usize;
    let sim = Sim::start(config).await.unwrap();
    let batch = read(&sim, request(version, &[NAME, ID])).await.unwrap();
    let ids: HashSet<_> = batch.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!((batch.num_rows(), ids.len()), (rows, rows));
    assert_eq!(sim.request_count(), calls);
    assert!(sim.requests().iter().all(|request| request.status == Some(200)));
    sim.stop().await;
}

#[tokio::test]
async fn reads_every_row_once_in_as_many_calls_as_pages() {
    for next_links in [NextLinks::Absolute, NextLinks::Relative, NextLinks::PathAbsolute] {
        for (shape, version) in [(Shape::ODataV4, V4), (Shape::ODataV2, V2)] {
            let odata = ODataOptions { next_links, ..ODataOptions::default() };
            check_full_scan(Config { odata, ..config(shape) }, version, 5).await;
        }
    }
}

#[tokio::test]
async fn narrow_and_empty_projections() {
    let sim = Sim::start(config(Shape::ODataV4)).await.unwrap();
    let batch = read(&sim, request(V4, &[ACTIVE])).await.unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (230, 1));
    assert_eq!(sim.requests()[0].option("$select"), Some("Active,Id"));
    sim.stop().await;
}

#[tokio::test]
async fn top_is_one_call_and_more_is_read_on() {
    let sim = Sim::start(config(Shape::ODataV4)).await.unwrap();
    let top = ScanRequest {
        fetch: Some(10),
        sort: vec![SortKey { column: REVENUE, descending: true }],
        ..request(V4, &[REVENUE, ID])
    };
    let mut pages = scan(source(&sim), top.clone());
    assert_eq!(pages.next().await.unwrap().unwrap().batch.num_rows(), 10);
    assert_eq!(sim.request_count(), 1);
    let logged = &sim.requests()[0];
    assert_eq!((logged.option("$top"), logged.option("$orderby")), (Some("10"), Some("Revenue desc")));

    sim.clear_requests();
    let batch = read(&sim, top).await.unwrap();
    assert_eq!(batch.num_rows(), 230);
    let ids: HashSet<_> = batch.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids.len(), 230);
    assert_eq!(sim.requests()[1].option("$skip"), Some("10"));
    // 10 rows, then 220 in pages of 50.
    assert_eq!(sim.request_count(), 6);
    sim.stop().await;
}

#[tokio::test]
async fn counts() {
    for (shape, version) in [(Shape::ODataV4, V4), (Shape::ODataV2, V2)] {
        let sim = Sim::start(config(shape)).await.unwrap();
        assert_eq!(count(source(&sim), request(version, &[])).await.unwrap(), 230);
        let active = tidegate_remote::Predicate::Compare {
            column: ACTIVE,
            op: tidegate_remote::CompareOp::Eq,
            value: Scalar::Bool(true),
        };
        let request = filtered(version, &[ACTIVE], &active);
        let counted = count(source(&sim), request.clone()).await.unwrap();
        assert_eq!(sim.request_count(), 2);
        assert_eq!(counted, read(&sim, request).await.unwrap().num_rows() as u64);
        sim.stop().await;
    }
}
