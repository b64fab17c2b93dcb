//! Connections that a manifest describes: known without a call, shown in the system tables, refused with advice.

use std::time::Duration;

use tidegate_spec::Model;
use tidegate_transport::Clock;

use crate::scan::rest::{issues, users};
use crate::script::Fixture;

fn hub() -> Fixture {
    let fixture = Fixture::new();
    let notes = vec!["the export is left out".to_owned()];
    fixture.add_manifest("hub", Model { tables: vec![issues(), users()], notes, ..Model::default() });
    fixture
}

#[tokio::test]
async fn tables_are_known_without_a_call() {
    let fixture = hub();
    assert_eq!(fixture.rows("SELECT table_name FROM system.tables ORDER BY 1").await, ["issues", "users"]);
    fixture.clock.sleep(Duration::from_secs(100_000)).await;
    let plan = fixture.rows("EXPLAIN SELECT state FROM hub.issues WHERE owner = 'a' AND repo = 'x'").await.join("\n");
    assert!(plan.contains("hub.issues, endpoint=list"), "{plan}");
    let refused = fixture.error("SELECT * FROM hub.issues").await.1;
    assert!(refused.starts_with("hub.issues needs a filter on owner and repo (=, IN): SELECT"), "{refused}");
    assert!(fixture.error("SELECT * FROM hub.issue").await.1.contains("did you mean hub.issues?"));
    let warnings = fixture.rows("SELECT connection, message FROM system.warnings").await;
    assert_eq!(warnings, ["hub|the export is left out"]);
    assert_eq!(fixture.api("hub").take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn what_endpoints_take_is_shown() {
    let fixture = hub();
    let endpoints = "SELECT endpoint, kind, method, path, paging, page_size_max, required_filters, returns, ceiling, \
                     sliced_by, stable, consistency FROM system.endpoints WHERE table_name = 'users'";
    let expected = [
        "list|list|GET|users|page|3||id, login|||false|strong",
        "many|get_many|GET|users/many|single|3|id||||false|strong",
        "get|get|GET|users/{id}|single||id||||false|strong",
        "search|search|GET|search|page|3|name||||false|eventual",
    ];
    assert_eq!(fixture.rows(endpoints).await, expected);
    let columns = "SELECT column_name, source, operators, required_by FROM system.columns WHERE connection = 'hub'";
    let expected = [
        "owner|request|= exact|list, get",
        "repo|request|= exact|list, get",
        "number|row|= exact|get",
        "state|row|= exact|",
        "id|row|IN exact, = exact|many, get",
        "login|row||",
        "name|row|= rechecked|search",
    ];
    assert_eq!(fixture.rows(columns).await, expected);
}
