//! Shapes of queries with lookups: chains, several connections, limits, bounds, partitions.

use tidegate_engine::ErrorKind;
use tidegate_spec::manifest::Manifest;
use tidegate_spec::{ColumnType, Endpoint, Operator};

use super::support::{Raw, Stored, World, by, list, rows, table};

const TEXT: ColumnType = ColumnType::Text;
const INT: ColumnType = ColumnType::Int64;

/// Accounts with an owner among users, users with a team, teams with a lead among users; all found by lists of keys.
fn firm() -> World {
    let keyed = |name: &str, columns: &[(&str, ColumnType)], rows| {
        let list = columns.iter().enumerate().fold(list(name), |endpoint, (place, (column, _))| {
            by(endpoint, (place, column.trim_matches('?')), Operator::In)
        });
        Stored { table: table(name, columns, vec![list]), rows }
    };
    let accounts = &[&["1", "\"u1\"", "\"open\""], &["2", "\"U1\"", "\"open\""], &["3", "\"u2\"", "\"shut\""]];
    let accounts: Vec<&[&str]> = accounts.iter().map(|row| row.as_slice()).collect();
    let users: &[&[&str]] = &[&["\"u1\"", "\"t1\""], &["\"U1\"", "\"t2\""], &["\"u2\"", "null"]];
    let teams: &[&[&str]] = &[&["\"t1\"", "\"u2\""], &["\"t2\"", "\"u1\""], &["\"t3\"", "\"u1\""]];
    World::new(vec![
        ("crm", vec![keyed("accounts", &[("id", INT), ("owner?", TEXT), ("state", TEXT)], rows(&accounts))]),
        (
            "folding",
            vec![
                keyed("users", &[("login", TEXT), ("team?", TEXT)], rows(users)),
                keyed("teams", &[("name", TEXT), ("lead", TEXT)], rows(teams)),
            ],
        ),
    ])
}

#[tokio::test]
async fn chains_ask_each_table_for_the_keys_of_the_one_before() {
    let firm = firm();
    let sql = "SELECT a.id, u.login, t.name, l.login FROM crm.accounts a JOIN folding.users u ON u.login = a.owner \
               JOIN folding.teams t ON t.name = u.team JOIN folding.users l ON l.login = t.lead WHERE a.state = 'open'";
    let sent = &[
        "crm/accounts?state=open",
        "folding/users?login=u1,U1",
        "folding/teams?name=t1,t2",
        "folding/users?login=u2,u1",
    ];
    firm.check(sql, &["1|u1|t1|u2", "2|U1|t2|u1"], sent).await;
    let using = "SELECT x.login, y.team FROM folding.users x JOIN (SELECT login, team FROM folding.users) y USING (login) \
                 WHERE x.team = 't1'";
    firm.check(using, &["u1|t1"], &["folding/users?team=t1", "folding/users?login=u1"]).await;
}

#[tokio::test]
async fn what_else_is_compared_is_compared_here() {
    let firm = firm();
    let inner =
        "SELECT a.id, t.name FROM crm.accounts a JOIN folding.teams t ON t.lead = a.owner AND t.name > 't' || a.id";
    firm.check(inner, &["1|t2", "1|t3"], &["crm/accounts", "folding/teams?lead=u1,U1,u2"]).await;
    let left =
        "SELECT a.id, t.name FROM crm.accounts a LEFT JOIN folding.teams t ON t.lead = a.owner AND a.state = 'shut'";
    firm.check(left, &["1|", "2|", "3|t1"], &["crm/accounts", "folding/teams?lead=u1,U1,u2"]).await;
    let none = "SELECT id FROM crm.accounts WHERE owner NOT IN (SELECT lead FROM folding.teams)";
    firm.check(none, &["2"], &["crm/accounts", "folding/teams"]).await;
}

/// Numbers from 1 to 1,000, in lists of 100 or by lists of keys.
fn numbers() -> World {
    let columns = [("n", INT), ("word", TEXT)];
    let list = by(by(list("numbers"), (0, "n"), Operator::In), (1, "word"), Operator::In);
    let list = Endpoint { max_url_length: 2_000, ..list };
    let word = |n: usize| format!("\"{}{n}\"", "w".repeat(200));
    let rows = (1..=1_000).map(|n| vec![n.to_string(), word(n)]).collect();
    World::new(vec![("api", vec![Stored { table: table("numbers", &columns, vec![list]), rows }])])
}

#[tokio::test]
async fn a_limit_ends_the_lookups() {
    let api = numbers();
    api.rows("CREATE TABLE t AS SELECT value + 1 AS n FROM range(900)").await;
    let ids = |from: usize, to: usize| (from..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for (sql, count, sent) in [
        ("SELECT t.n, x.word FROM t JOIN api.numbers x ON x.n = t.n LIMIT 5", 5, vec![ids(1, 15)]),
        ("SELECT n FROM t WHERE EXISTS (SELECT 1 FROM api.numbers x WHERE x.n = t.n) LIMIT 5", 5, vec![ids(1, 5)]),
        ("SELECT t.n, x.word FROM t LEFT JOIN api.numbers x ON x.n = t.n LIMIT 3", 3, vec![ids(1, 3)]),
        ("SELECT t.n FROM t JOIN api.numbers x ON x.n = t.n LIMIT 20", 20, vec![ids(1, 15), ids(16, 30)]),
        ("SELECT t.n FROM t JOIN api.numbers x ON x.n = t.n LIMIT 0", 0, vec![]),
    ] {
        assert_eq!(api.rows(sql).await.len(), count, "{sql}");
        let sent: Vec<String> = sent.iter().map(|ids| format!("api/numbers?n={ids}")).collect();
        assert_eq!(api.requests(), sent, "{sql}");
    }
}

#[tokio::test]
async fn keys_that_are_too_long_for_one_url_are_divided() {
    let api = numbers();
    api.rows("CREATE TABLE t AS SELECT concat(repeat('w', 200), value) AS word FROM range(9)").await;
    let sql = "SELECT count(*) FROM t JOIN api.numbers x ON x.word = t.word";
    assert_eq!(api.rows(sql).await, ["8"]);
    let requests = api.requests();
    assert!((2..9).contains(&requests.len()), "{}", requests.len());
    assert!(requests.iter().all(|request| request.len() < 2_000));
}

#[tokio::test]
async fn a_bound_and_an_error_end_the_query() {
    let api = numbers();
    api.rows("CREATE TABLE t AS SELECT value + 1 AS n FROM range(40)").await;
    let sql = "SELECT count(*) FROM t JOIN api.numbers x ON x.n = t.n";
    api.rows("SET tidegate.max_calls = 0").await;
    let error = api.try_rows(sql).await.expect_err("a bound");
    assert_eq!((error.kind(), api.requests().len()), (ErrorKind::CallBound, 0), "{error}");
    api.rows("RESET tidegate.max_calls").await;
    api.refused.lock().expect("no panic").push("numbers".to_owned());
    let error = api.try_rows(sql).await.expect_err("a refusal").to_string();
    assert!(error.contains("403") && error.contains("api.numbers"), "{error}");
    // Those that were under way with the refused one.
    assert!((1..=3).contains(&api.requests().len()));
}

#[tokio::test]
async fn partitions_are_asked_for_all_keys_or_for_their_own() {
    let columns = [("id", INT), ("user_id", INT)];
    let orders: &[&[&str]] = &[&["1", "7", "101"], &["2", "7", "102"], &["3", "8", "102"]];
    let users: &[&[&str]] = &[&["7", "70", "101"], &["7", "71", "102"], &["8", "80", "102"], &["7", "72", "103"]];
    let by_id = |name: &str| by(list(name), (0, "id"), Operator::In);
    let stored = |name: &str, values| Stored { table: table(name, &columns, vec![by_id(name)]), rows: rows(values) };
    let world = World::new(vec![("divided", vec![stored("orders", orders), stored("users", users)])]);
    let each = ["divided/101/orders", "divided/102/orders", "divided/103/orders"];
    let own = "SELECT o.id, u.user_id FROM divided.orders o JOIN divided.users u ON u.id = o.user_id \
               AND u._partition = o._partition";
    let sent = [each.as_slice(), &["divided/101/users?id=7", "divided/102/users?id=7,8"]].concat();
    world.check(own, &["1|70", "2|71", "3|80"], &sent).await;
    let all = "SELECT o.id, u.user_id FROM divided.orders o JOIN divided.users u ON u.id = o.user_id";
    let asked = ["101", "102", "103"].map(|code| format!("divided/{code}/users?id=7,8"));
    let sent: Vec<&str> = each.iter().copied().chain(asked.iter().map(String::as_str)).collect();
    let expected = ["1|70", "1|71", "1|72", "2|70", "2|71", "2|72", "3|80"];
    world.check(all, &expected, &sent).await;
}

#[tokio::test]
async fn github_lists_the_repositories_once_and_the_issues_of_each() {
    let text = include_str!("../../../../../connectors/github/manifest.yaml");
    let manifest = Manifest::parse(text, "manifest.yaml").expect("a manifest");
    let options = [("token".to_owned(), "t".to_owned()), ("api_version".to_owned(), "2022-11-28".to_owned())];
    let model = manifest.compile(&options.into()).expect("a model");
    let of = |name: &str, rows: Vec<String>| {
        let found = model.tables.iter().find(|table| table.name == name).expect("a table");
        Raw { table: found.clone(), body: format!("[{}]", rows.join(", ")) }
    };
    let repository = |name: &str| {
        format!(
            r#"{{"name": "{name}", "owner": {{"login": "x"}}, "id": 1, "node_id": "n", "full_name": "x/{name}",
                "private": false, "fork": false, "html_url": "h"}}"#
        )
    };
    let issue = r#"{"number": 5, "id": 1, "node_id": "n", "title": "t", "state": "open", "labels": [], "comments": 0,
                   "locked": false, "html_url": "h", "created_at": "2024-01-01T00:00:00Z",
                   "updated_at": "2024-01-01T00:00:00Z"}"#;
    let tables = vec![of("repositories", vec![repository("a"), repository("b")]), of("issues", vec![issue.to_owned()])];
    let world = World::raw("github", tables);
    let sql = "SELECT r.name, i.number FROM github.repositories r JOIN github.issues i ON i.owner = r.owner \
               AND i.repo = r.name WHERE r.org = 'x' AND i.state = 'open'";
    assert_eq!(world.sorted(sql).await, ["a|5", "b|5"]);
    let sent = [
        "github/orgs/x/repos?type=all&sort=created&direction=asc&per_page=100",
        "github/repos/x/a/issues?sort=created&direction=asc&state=open&per_page=100",
        "github/repos/x/b/issues?sort=created&direction=asc&state=open&per_page=100",
    ];
    assert_eq!(world.requests(), sent);
}
