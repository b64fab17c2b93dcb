//! Groups as they are asked for, and what their answers become.

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use futures::StreamExt;
use tidegate_spec::Aggregate::{self, Count, Max, Min, Sum};
use tidegate_spec::{AggregateForm, AggregateLanguage, Aggregation, Named, NamesAt, ODataVersion, Paging, Place};

use super::groups;
use crate::test_support::{ACTIVE, ID, NAME, REVENUE, Reply, Script, request, table};
use crate::{CompareOp, ErrorKind, Predicate, Scalar, ScanRequest, scan};

fn aggregation(language: AggregateLanguage) -> Aggregation {
    let values = vec![Count, Sum(ID), Sum(REVENUE), Min(REVENUE), Max(REVENUE), Min(ID)];
    Aggregation { language, groups: vec![NAME, ACTIVE], values, filters: true }
}

/// Accounts whose endpoint is changed.
fn accounts(version: ODataVersion, change: impl FnOnce(&mut tidegate_spec::Endpoint)) -> ScanRequest {
    let mut table = table(version);
    table.endpoints[0].aggregate = Some(aggregation(AggregateLanguage::Apply));
    change(&mut table.endpoints[0]);
    request(table)
}

fn with_filter(filter: Predicate) -> ScanRequest {
    ScanRequest { filter: Some(filter), ..accounts(ODataVersion::V4, |_| {}) }
}

fn named(name: &str) -> Predicate {
    Predicate::Compare { column: NAME, op: CompareOp::Eq, value: Scalar::Text(name.to_owned()) }
}

/// What is asked for, and what the answer becomes.
async fn check(
    rows: &ScanRequest,
    by: &[usize],
    values: &[Aggregate],
    answers: &[&str],
    asked: &[&str],
    expected: &str,
) {
    let script = Script::replies(answers.iter().map(|answer| Reply::new(200, *answer)));
    let pages: Vec<_> = scan(script.source(), groups(rows, by, values).unwrap()).collect().await;
    let batches: Vec<_> = pages.into_iter().map(|page| page.unwrap().batch).collect();
    assert_eq!(script.asked(), asked);
    assert_eq!(pretty_format_batches(&batches).unwrap().to_string(), expected.trim());
}

#[tokio::test]
async fn groups_come_in_pages() {
    check(
        &accounts(ODataVersion::V4, |_| {}),
        &[NAME, ACTIVE],
        &[Count, Sum(REVENUE), Min(ID)],
        &[
            r#"{"value": [{"Name": "a", "Active": true, "agg0": 2, "agg1": 10.5, "agg2": 1}],
                "@odata.nextLink": "Accounts?$skiptoken=1"}"#,
            r#"{"value": [{"Name": null, "Active": null, "agg0": "1", "agg1": null, "agg2": 3}]}"#,
        ],
        &[
            "Accounts?$apply=groupby((Name,Active),aggregate($count as agg0,Revenue with sum as agg1,ID with min as agg2))",
            "Accounts?$skiptoken=1",
        ],
        "
+------+--------+----------+--------------+---------+
| name | active | count(*) | sum(revenue) | min(id) |
+------+--------+----------+--------------+---------+
| a    | true   | 2        | 10.50        | 1       |
|      |        | 1        |              | 3       |
+------+--------+----------+--------------+---------+",
    )
    .await;
}

#[tokio::test]
async fn filters_are_applied_before_groups_are_made() {
    check(
        &with_filter(Predicate::And(vec![named("it's"), Predicate::IsNull { column: REVENUE, negated: true }])),
        &[],
        &[Count, Max(REVENUE)],
        &[r#"{"value": [{"agg0": 3, "agg1": 7}]}"#],
        &["Accounts?$apply=filter(Name eq 'it''s' and Revenue ne null)/aggregate($count as agg0,Revenue with max as agg1)"],
        "
+----------+--------------+
| count(*) | max(revenue) |
+----------+--------------+
| 3        | 7.00         |
+----------+--------------+",
    )
    .await;
    check(
        &with_filter(named("a")),
        &[ACTIVE],
        &[],
        &[r#"{"value": [{"Active": false}]}"#],
        &["Accounts?$apply=filter(Name eq 'a')/groupby((Active))"],
        "
+--------+
| active |
+--------+
| false  |
+--------+",
    )
    .await;
}

#[test]
fn what_is_not_declared_is_refused() {
    let long = named(&"x".repeat(5_000));
    let cases = [
        (accounts(ODataVersion::V4, |endpoint| endpoint.aggregate = None), vec![], vec![Count], "makes no groups"),
        (accounts(ODataVersion::V4, |_| {}), vec![ID], vec![Count], "does not group by"),
        (accounts(ODataVersion::V4, |_| {}), vec![NAME], vec![Max(ID)], "does not compute"),
        (accounts(ODataVersion::V2, |_| {}), vec![NAME], vec![Count], "has no $apply"),
        (accounts(ODataVersion::V4, |_| {}), vec![], vec![], "no group and no value"),
        (with_filter(long), vec![NAME], vec![], "no URL of that length"),
        (with_filter(named("{partition}")), vec![NAME], vec![], "{partition}"),
        (
            ScanRequest {
                filter: Some(named("a")),
                ..accounts(ODataVersion::V4, |endpoint| {
                    endpoint.aggregate.as_mut().unwrap().filters = false;
                })
            },
            vec![NAME],
            vec![],
            "filtered rows",
        ),
    ];
    for (rows, by, values, expected) in cases {
        match groups(&rows, &by, &values) {
            Err(ErrorKind::Unsupported(message)) => assert!(message.contains(expected), "{message}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_service_that_ignores_apply_is_found_out() {
    let script = Script::replies([Reply::new(200, r#"{"value": [{"ID": 1, "Name": "a", "Revenue": 5}]}"#)]);
    let request = groups(&accounts(ODataVersion::V4, |_| {}), &[NAME], &[Count, Max(REVENUE)]).unwrap();
    let pages: Vec<_> = scan(script.source(), request).collect().await;
    let error = pages[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("count(*)"), "{error}");
}

#[test]
fn names_of_values_are_no_properties() {
    let mut rows = accounts(ODataVersion::V4, |_| {});
    Arc::make_mut(&mut rows.table).columns[NAME].path = vec!["agg1".to_owned()];
    let request = groups(&rows, &[], &[Count]).unwrap();
    let apply = &request.table.endpoints[0].constants[0].1;
    assert_eq!(apply, "aggregate($count as aggg0)");
}

/// A report with names of its own.
fn report() -> ScanRequest {
    let named = |ask: &str, path: &[&str]| Named {
        ask: ask.to_owned(),
        path: path.iter().map(|&step| step.to_owned()).collect(),
    };
    let at = |name: &str| Some(NamesAt { place: Place::Query(name.to_owned()), separator: ",".to_owned() });
    let form = AggregateForm {
        path: "reports/accounts".to_owned(),
        rows: vec![vec!["groups".to_owned()]],
        paging: Paging::Single,
        groups_at: at("by"),
        values_at: at("metrics"),
        groups: vec![(NAME, named("name", &["key", "name"])), (ACTIVE, named("is_active", &["key", "active"]))],
        values: vec![(Count, named("n", &["n"])), (Sum(REVENUE), named("revenue:sum", &["revenue", "sum"]))],
    };
    accounts(ODataVersion::V4, |endpoint| {
        let mut aggregation = aggregation(AggregateLanguage::Form(Box::new(form)));
        aggregation.values = vec![Count, Sum(REVENUE)];
        endpoint.aggregate = Some(aggregation);
    })
}

#[tokio::test]
async fn a_request_of_its_own_names_groups_and_values() {
    check(
        &report(),
        &[ACTIVE, NAME],
        &[Sum(REVENUE), Count],
        &[r#"{"groups": [{"key": {"name": "a", "active": true}, "n": 2, "revenue": {"sum": "3.5"}}]}"#],
        &["reports/accounts?by=name,is_active&metrics=n,revenue:sum"],
        "
+--------+------+--------------+----------+
| active | name | sum(revenue) | count(*) |
+--------+------+--------------+----------+
| true   | a    | 3.50         | 2        |
+--------+------+--------------+----------+",
    )
    .await;
    check(
        &report(),
        &[],
        &[Count],
        &[r#"{"groups": {"n": 2}}"#],
        &["reports/accounts?metrics=n"],
        "
+----------+
| count(*) |
+----------+
| 2        |
+----------+",
    )
    .await;
}
