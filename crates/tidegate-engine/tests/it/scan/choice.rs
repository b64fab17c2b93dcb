//! Which of a table's endpoints is asked.

use super::rest::{fixture, issues, items, users, without_pushdown};
use super::support::Fixture;

/// The endpoint that is asked, and how often.
async fn check(fixture: Fixture, sql: &str, endpoint: &str, requests: usize) {
    let plan = fixture.explain(sql).await;
    assert!(plan.contains(&format!("endpoint={endpoint},")), "{sql}: not {endpoint} in\n{plan}");
    let shown = plan.contains(&format!("requests={requests}"));
    assert_eq!(shown, requests > 1, "{sql}: not {requests} requests in\n{plan}");
}

#[tokio::test]
async fn the_fewest_calls_win() {
    let parent = "owner = 'a' AND repo = 'x'";
    let cases = [
        (format!("SELECT number FROM issues WHERE {parent}"), "list", 1),
        (format!("SELECT number FROM issues WHERE {parent} AND number = 5"), "get", 1),
        (format!("SELECT number FROM issues WHERE {parent} AND number IN (5, 6, 7)"), "get", 3),
        (format!("SELECT number FROM issues WHERE {parent} AND number IN (1,2,3,4,5,6,7,8,9,10,11)"), "list", 1),
        (format!("SELECT number FROM issues WHERE {parent} AND number > 5"), "list", 1),
        (format!("SELECT number FROM issues WHERE {parent} AND number IN (5, 6, 7) AND state = 'open'"), "list", 1),
    ];
    for (sql, endpoint, requests) in cases {
        check(fixture(issues(), vec![]), &sql, endpoint, requests).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_lacks_a_column_is_not_asked() {
    let cases = [
        ("SELECT id, login FROM users", "list", 1),
        ("SELECT id, name FROM users WHERE id = 1", "many", 1),
        ("SELECT id, name FROM users WHERE id IN (1, 2)", "many", 1),
        ("SELECT id, name FROM users WHERE id IN (1, 2, 3)", "many", 2),
        ("SELECT id FROM users WHERE name = 'Ann'", "search", 1),
        ("SELECT count(*) FROM users", "list", 1),
        ("SELECT id FROM users LIMIT 2", "list", 1),
    ];
    for (sql, endpoint, requests) in cases {
        check(fixture(users(), vec![]), sql, endpoint, requests).await;
    }
    check(without_pushdown(users(), vec![]), "SELECT id FROM users", "list", 1).await;
    let refusal = fixture(users(), vec![]).refusal("SELECT name FROM users").await;
    let expected = "crm.users needs a filter on id (=, IN): SELECT … FROM crm.users WHERE id = 1; or one on name (=, IN). So do a join and IN (SELECT …) that compare these columns with others by =";
    assert_eq!(refusal, expected);
}

#[tokio::test]
async fn columns_that_no_endpoint_returns_together_are_an_error() {
    let mut table = users();
    table.endpoints.truncate(1);
    let refusal = fixture(table, vec![]).refusal("SELECT name, login FROM users").await;
    assert_eq!(
        refusal,
        "crm.users: no endpoint returns login, name together. Of these list returns login: name fewer columns, or join \
         two queries by the key"
    );
}

#[tokio::test]
async fn keys_are_asked_for_as_many_at_once_as_the_api_takes() {
    let row = |id: i64| format!(r#"{{"id": {id}, "login": "l{id}", "name": null}}"#);
    let rows = [row(1), row(2), row(3)];
    let users = fixture(users(), vec![items(&[&rows[0], &rows[1]]), items(&[&rows[2]])]);
    let got = users.rows("SELECT id, name FROM users WHERE id IN (1, 2, 3)").await.expect("rows");
    assert_eq!(got.lines().count(), 7, "{got}");
    assert_eq!(users.requests(), ["users/many?ids=1,2", "users/many?ids=3"]);
}

#[tokio::test]
async fn one_object_is_one_row() {
    let get = fixture(issues(), vec![r#"{"number": 5, "state": "open"}"#.to_owned()]);
    let sql = "SELECT owner, number, state FROM issues WHERE owner = 'a' AND repo = 'x' AND number = 5";
    let rows = get.rows(sql).await.expect("a row");
    assert!(rows.contains("| a     | 5      | open  |"), "{rows}");
    assert_eq!(get.requests(), ["repos/a/x/issues/5"]);
}
