//! Requests for groups.

use super::*;
use crate::{Aggregate, AggregateLanguage, Aggregation, Place};

/// A manifest whose list has this `aggregate`.
fn manifest(aggregate: &str) -> String {
    format!(
        "connector: test\nurl: https://api.example/\ntables:\n  orders:\n    key: id\n    columns:\n      id: int!\n      \
         shop: {{ from: request }}\n      status: text\n      region: {{ type: text, path: place.region }}\n      \
         total: decimal(10,2)\n      ratio: float\n    list:\n      path: shops/{{shop}}/orders\n      rows: orders\n      \
         filters: {{ status: {{ '=': status }} }}\n      aggregate: {aggregate}\n"
    )
}

fn compiled(aggregate: &str) -> Aggregation {
    let manifest = parsed(&manifest(aggregate));
    let mut model = manifest.compile(&BTreeMap::new()).unwrap_or_else(|problems| panic!("{}", lines(&problems)));
    model.tables.remove(0).endpoints.remove(0).aggregate.unwrap()
}

#[test]
fn groups_and_values_have_names() {
    let aggregation = compiled(
        "{ path: 'shops/{shop}/summary', rows: groups, group_by: { in: by, columns: [status, region] }, \
         values: { in: { header: metrics }, separator: ' ' }, count: n, \
         sum: { total: { ask: 'total:sum', member: total.sum } }, min: { id: first, ratio: least } }",
    );
    assert_eq!(aggregation.groups, [2, 3]);
    assert_eq!(aggregation.values, [Aggregate::Count, Aggregate::Sum(4), Aggregate::Min(0), Aggregate::Min(5)]);
    assert!(aggregation.filters);
    let AggregateLanguage::Form(form) = aggregation.language else { panic!("no form") };
    assert_eq!((form.path.as_str(), form.rows), ("shops/{shop}/summary", vec![vec!["groups".to_owned()]]));
    assert_eq!(form.groups_at.map(|at| (at.place, at.separator)), Some((Place::Query("by".into()), ",".into())));
    assert_eq!(form.values_at.map(|at| (at.place, at.separator)), Some((Place::Header("metrics".into()), " ".into())));
    let name = |(ask, path): (&str, &[&str])| crate::Named {
        ask: ask.to_owned(),
        path: path.iter().map(|&step| step.to_owned()).collect(),
    };
    let groups: Vec<_> = form.groups.into_iter().map(|(_, named)| named).collect();
    assert_eq!(groups, [("status", &["status"][..]), ("place.region", &["place", "region"])].map(name));
    let values: Vec<_> = form.values.into_iter().map(|(_, named)| named).collect();
    let expected = [("n", &["n"][..]), ("total:sum", &["total", "sum"]), ("first", &["first"]), ("least", &["least"])];
    assert_eq!(values, expected.map(name));
}

#[test]
fn a_total_alone_needs_no_groups() {
    let aggregation = compiled("{ count: n, filters: false }");
    assert_eq!((aggregation.groups.len(), aggregation.values.len(), aggregation.filters), (0, 1, false));
    let AggregateLanguage::Form(form) = aggregation.language else { panic!("no form") };
    assert_eq!((form.path.as_str(), form.rows), ("shops/{shop}/orders", vec![vec!["orders".to_owned()]]));
}

#[test]
fn mistakes_are_said_where_they_stand() {
    let cases = [
        ("{ }", "aggregate", "count"),
        ("{ count: n, sum: { ratio: x } }", "aggregate.sum.ratio", "exactly"),
        ("{ count: n, sum: { status: x } }", "aggregate.sum.status", "exactly"),
        ("{ count: n, max: { nothing: x } }", "aggregate.max.nothing", "no column"),
        ("{ count: n, group_by: { in: by, columns: [shop] } }", "aggregate.group_by.columns.0", "cannot be grouped"),
        (
            "{ count: n, group_by: { in: by, columns: [status, status] } }",
            "aggregate.group_by.columns.1",
            "cannot be grouped",
        ),
        ("{ count: n, path: '{status}/summary' }", "aggregate.path", "own path"),
        ("{ count: n, group_by: { in: status, columns: [region] } }", "aggregate.group_by", "both written"),
        ("{ count: n, paging: { keyset: after, column: id } }", "aggregate.paging", "another way"),
        ("{ count: n, paging: { next_url: next } }", "aggregate.paging", "as the endpoint's rows are"),
    ];
    for (aggregate, path, message) in cases {
        let text = manifest(aggregate);
        let problems = Manifest::parse(&text, "test.yaml").err().unwrap_or_default();
        let path = format!("tables.orders.list.{path}");
        let found = problems.iter().any(|problem| problem.path == path && problem.message.contains(message));
        assert!(found, "expected {path}: {message}, found\n{}in\n{text}", lines(&problems));
    }
}
