//! An OData service with a description in each partition: it is asked of one.

use crate::sim::SimFixture;

#[tokio::test]
async fn one_partition_describes_all() {
    let fixture = SimFixture::divided(3).await;
    fixture.rows("USE 2, 3@sim").await;
    fixture.rows("EXPLAIN SELECT code FROM sim.accounts").await;
    let paths: Vec<String> = fixture.sim.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/v1/2/$metadata"]);
    fixture.sim.clear_requests();
    fixture.rows("USE 1@sim").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM sim.accounts").await, ["60"]);
    let paths: Vec<String> = fixture.sim.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/v1/1/Accounts"], "it is the same for all");
}

#[tokio::test]
async fn a_partition_that_refuses_leaves_it_to_the_next() {
    let fixture = SimFixture::with_codes(2, &["9", "2"]).await;
    fixture.rows("EXPLAIN SELECT code FROM sim.accounts").await;
    let paths: Vec<String> = fixture.sim.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/v1/9/$metadata", "/api/v1/2/$metadata"]);
    let error = fixture.try_rows("SELECT code FROM sim.accounts").await.expect_err("no division 9").to_string();
    assert!(error.contains("1 of 2 partitions failed: 9: the server answered 404"), "{error}");
    fixture.rows("SET tidegate.partial_results = 'warn'").await;
    assert_eq!(fixture.rows("SELECT count(*) FROM sim.accounts").await, ["60"]);
    let nowhere = SimFixture::with_codes(2, &["7", "8", "9", "2"]).await;
    let error = nowhere.try_rows("SELECT code FROM sim.accounts").await.expect_err("three tries").to_string();
    assert!(error.contains("partition 7") && error.contains("404"), "{error}");
}
