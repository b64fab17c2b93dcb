//! Filters that an endpoint cannot be asked without: by value, by several values, and when they are missing.

use tidegate_spec::Exactness;

use super::rest::{fixture, issues, items, members, without_pushdown};

const ONE: &str = r#"{"number": 1, "state": "open"}"#;
const TWO: &str = r#"{"number": 2, "state": "closed"}"#;

fn numbers(table: &str) -> Vec<&str> {
    table.lines().skip(3).filter_map(|line| line.split('|').nth(1)).map(str::trim).collect()
}

#[tokio::test]
async fn a_value_in_the_path_is_the_columns_value() {
    let sql = "SELECT number, owner, repo FROM issues WHERE owner = 'a' AND repo = 'x y' AND state = 'open'";
    let one = fixture(issues(), vec![items(&[ONE])]);
    let plan = one.explain(sql).await;
    let expected = "ApiScanExec: crm.issues, endpoint=list, pushed=[owner = 'a' AND repo = 'x y' AND state = 'open'], \
                    residual=[], verified=[owner = 'a' AND repo = 'x y' AND state = 'open']";
    assert!(plan.contains(expected) && plan.contains("calls=1 a page"), "{plan}");
    assert!(!plan.contains("requests="), "{plan}");
    let rows = one.rows(sql).await.expect("rows");
    assert!(rows.contains("| 1      | a     | x y  |"), "{rows}");
    assert_eq!(one.requests(), ["repos/a/x%20y/issues?state=open&page=1"]);
}

#[tokio::test]
async fn several_values_are_asked_for_one_after_the_other() {
    let sql = "SELECT number, owner, repo FROM issues WHERE owner IN ('a', 'b', 'a') AND repo IN ('x', 'y')";
    let four = fixture(issues(), vec![items(&[ONE]), items(&[]), items(&[TWO]), items(&[ONE])]);
    let plan = four.explain(sql).await;
    let expected = "pushed=[owner IN ('a', 'b') AND repo IN ('x', 'y')], residual=[]";
    assert!(plan.contains(expected) && plan.contains("requests=4, calls=1 a page"), "{plan}");
    let rows = four.rows(sql).await.expect("rows");
    assert_eq!(numbers(&rows), ["1", "2", "1"], "{rows}");
    let parents = ["a/x", "a/y", "b/x", "b/y"].map(|parent| format!("repos/{parent}/issues?page=1"));
    assert_eq!(four.requests(), parents);
}

#[tokio::test]
async fn a_full_limit_asks_no_further_value() {
    for (limit, requests) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        let answers = vec![items(&[ONE]), items(&[TWO]), items(&[ONE]), items(&[TWO])];
        let values = fixture(issues(), answers);
        let sql = format!("SELECT number FROM issues WHERE owner = 'a' AND repo IN ('x', 'y', 'z', 'w') LIMIT {limit}");
        assert_eq!(numbers(&values.rows(&sql).await.expect("rows")).len(), limit);
        assert_eq!(values.requests().len(), requests, "LIMIT {limit}");
    }
}

#[tokio::test]
async fn a_missing_filter_is_named_with_an_example() {
    const END: &str = ". So do a join and IN (SELECT …) that compare these columns with others by =";
    const EXAMPLE: &str = "SELECT … FROM crm.issues WHERE owner = '…' AND repo = '…'";
    let vain = |filter: &str| {
        format!(
            ". {filter} does not count: the filter must hold for every row (not under OR), and compare the column itself \
             (no cast, no function) with literals"
        )
    };
    let both = format!(
        "crm.issues needs a filter on owner and repo (=, IN): {EXAMPLE}; or one on owner and repo and number (=, IN)"
    );
    let repo = format!("crm.issues needs a filter on repo (=, IN): {EXAMPLE}; or one on repo and number (=, IN)");
    let cases = [
        ("SELECT number FROM issues", format!("{both}{END}")),
        ("SELECT number FROM issues WHERE state = 'open'", format!("{both}{END}")),
        ("SELECT number FROM issues WHERE owner = 'a'", format!("{repo}{END}")),
        (
            "SELECT number FROM issues WHERE owner = 'a' AND lower(repo) = 'x'",
            format!("{repo}{}{END}", vain("lower(repo) = 'x'")),
        ),
        (
            "SELECT number FROM issues WHERE owner = 'a' AND (repo = 'x' OR number = 1)",
            format!("{repo}{}{END}", vain("repo = 'x' OR number = 1")),
        ),
        (
            "SELECT number FROM issues WHERE owner = 'a' AND repo = ''",
            format!("{repo}. repo = '' does not do: the API takes no such value{END}"),
        ),
        ("SELECT count(*) FROM issues WHERE owner = 'a'", format!("{repo}{END}")),
    ];
    for (sql, expected) in cases {
        for refusal in
            [fixture(issues(), vec![]).refusal(sql).await, without_pushdown(issues(), vec![]).refusal(sql).await]
        {
            assert_eq!(refusal, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn without_pushdown_only_what_is_required_is_asked_for() {
    let sql = "SELECT number FROM issues WHERE owner IN ('a', 'b') AND repo = 'x' AND state = 'open' AND number > 0";
    let local = without_pushdown(issues(), vec![items(&[ONE, TWO]), items(&[TWO])]);
    let plan = local.explain(sql).await;
    let expected = "pushed=[owner IN ('a', 'b') AND repo = 'x'], \
                    residual=[(owner = 'a' OR owner = 'b') AND repo = 'x' AND state = 'open' AND number > 0]";
    assert!(plan.contains(expected), "{plan}");
    assert_eq!(numbers(&local.rows(sql).await.expect("rows")), ["1"]);
    assert_eq!(local.requests(), ["repos/a/x/issues?page=1", "repos/b/x/issues?page=1"]);
}

const BOTH: [&str; 2] = [r#"{"id": 1, "team": "A"}"#, r#"{"id": 2, "team": "a"}"#];

#[tokio::test]
async fn a_server_that_folds_case_delivers_no_row_twice() {
    let sql = "SELECT id FROM members WHERE team IN ('a', 'A')";
    for (exactness, notices) in [(Exactness::Superset, 0), (Exactness::Exact, 1)] {
        let folding = fixture(members(exactness), vec![items(&BOTH), items(&BOTH)]);
        assert_eq!(numbers(&folding.rows(sql).await.expect("rows")), ["2", "1"]);
        assert_eq!(folding.requests(), ["members?team=a&page=1", "members?team=A&page=1"]);
        assert_eq!(folding.notices().len(), notices, "{:?}", folding.notices());
    }
}

#[tokio::test]
async fn counts_of_several_requests_are_added_up() {
    let told = |total: u64| format!(r#"{{"items": [], "total": {total}}}"#);
    let sql = "SELECT count(*) AS n FROM members WHERE team IN ('a', 'b')";
    let counted = fixture(members(Exactness::Exact), vec![told(3), told(4)]);
    let plan = counted.explain(sql).await;
    assert!(
        plan.contains("ApiCountExec: crm.members, endpoint=list, pushed=[team IN ('a', 'b')], requests=2, calls=2"),
        "{plan}"
    );
    let rows = counted.rows(sql).await.expect("a count");
    assert!(rows.contains("| 7 |"), "{rows}");
    assert_eq!(counted.requests().len(), 2);
    let folded = fixture(members(Exactness::Superset), vec![]).explain(sql).await;
    assert!(!folded.contains("ApiCountExec"), "{folded}");
}

#[tokio::test]
async fn an_order_is_asked_for_where_there_is_one_request() {
    let cases = [
        ("team = 'a' ORDER BY id", true),
        ("team = 'a' ORDER BY id DESC LIMIT 2", true),
        ("team IN ('a', 'b') ORDER BY id", false),
        ("team = 'a' ORDER BY id DESC, team", false),
    ];
    for (rest, is_pushed) in cases {
        let sql = format!("SELECT id, team FROM members WHERE {rest}");
        let plan = fixture(members(Exactness::Exact), vec![]).explain(&sql).await;
        assert_eq!(!plan.contains("SortExec"), is_pushed, "{rest}: {plan}");
    }
    let sorted = fixture(members(Exactness::Exact), vec![items(&[BOTH[1]])]);
    sorted.rows("SELECT id FROM members WHERE team = 'a' ORDER BY id DESC").await.expect("rows");
    assert_eq!(sorted.requests(), ["members?team=a&sort=-id&page=1"]);
}
