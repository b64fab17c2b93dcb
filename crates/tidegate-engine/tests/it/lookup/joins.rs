//! Kinds of joins, and kinds of keys.

use tidegate_spec::{ColumnType, Operator};

use super::support::{Stored, World, by, get, list, rows, table, under};

/// Users, asked for one by one or by a few ids; orders, with a user or none; repositories and their issues.
fn hub() -> World {
    World::new(vec![("hub", vec![users(1_000), orders(), repos(), issues()])])
}

fn users(count: usize) -> Stored {
    let columns = [("id", ColumnType::Int64), ("login", ColumnType::Text), ("team?", ColumnType::Text)];
    let list = by(by(list("users"), (0, "id"), Operator::In), (1, "login"), Operator::In);
    let endpoints = vec![list, under(get("users/{id}"), (0, "id"))];
    let row = |id: usize| vec![id.to_string(), format!("\"user{id}\""), format!("\"team{}\"", id % 3)];
    Stored { table: table("users", &columns, endpoints), rows: (1..=count).map(row).collect() }
}

fn orders() -> Stored {
    let columns = [("id", ColumnType::Int64), ("user_id?", ColumnType::Int32), ("region?", ColumnType::Text)];
    let values: &[&[&str]] = &[
        &["1", "7", "\"north\""],
        &["2", "8", "\"north\""],
        &["3", "7", "\"south\""],
        &["4", "null", "\"south\""],
        &["5", "5000", "null"],
    ];
    let list = by(list("orders"), (1, "user_id"), Operator::In);
    Stored { table: table("orders", &columns, vec![by(list, (2, "region"), Operator::Eq)]), rows: rows(values) }
}

fn repos() -> Stored {
    let columns = [("name", ColumnType::Text), ("owner", ColumnType::Text), ("stars", ColumnType::Int64)];
    let values: &[&[&str]] = &[&["\"x\"", "\"a\"", "1"], &["\"y\"", "\"a\"", "2"], &["\"x\"", "\"b\"", "3"]];
    let list = by(list("repos"), (1, "owner"), Operator::Eq);
    Stored { table: table("repos", &columns, vec![list]), rows: rows(values) }
}

fn issues() -> Stored {
    let columns = [
        ("number", ColumnType::Int64),
        ("@owner", ColumnType::Text),
        ("@repo", ColumnType::Text),
        ("state", ColumnType::Text),
    ];
    let list = under(under(list("repos/{owner}/{repo}/issues"), (1, "owner")), (2, "repo"));
    let values: &[&[&str]] = &[
        &["1", "\"a\"", "\"x\"", "\"open\""],
        &["2", "\"a\"", "\"x\"", "\"closed\""],
        &["1", "\"b\"", "\"x\"", "\"open\""],
        &["9", "\"c\"", "\"z\"", "\"open\""],
    ];
    Stored { table: table("issues", &columns, vec![by(list, (3, "state"), Operator::Eq)]), rows: rows(values) }
}

#[tokio::test]
async fn each_kind_of_join_asks_for_the_distinct_keys() {
    let hub = hub();
    let keys = &["hub/orders", "hub/users?id=7,8,5000"];
    hub.check(
        "SELECT o.id, u.login FROM hub.orders o JOIN hub.users u ON u.id = o.user_id",
        &["1|user7", "2|user8", "3|user7"],
        keys,
    )
    .await;
    hub.check(
        "SELECT o.id, u.login FROM hub.orders o LEFT JOIN hub.users u ON u.id = o.user_id",
        &["1|user7", "2|user8", "3|user7", "4|", "5|"],
        keys,
    )
    .await;
    hub.check(
        "SELECT o.id, u.login FROM hub.users u RIGHT JOIN hub.orders o ON u.id = o.user_id",
        &["1|user7", "2|user8", "3|user7", "4|", "5|"],
        keys,
    )
    .await;
    hub.check("SELECT login FROM hub.users WHERE id IN (SELECT user_id FROM hub.orders)", &["user7", "user8"], keys)
        .await;
    hub.check(
        "SELECT id FROM hub.orders o WHERE EXISTS (SELECT 1 FROM hub.users u WHERE u.id = o.user_id)",
        &["1", "2", "3"],
        keys,
    )
    .await;
    hub.check(
        "SELECT id FROM hub.orders o WHERE NOT EXISTS (SELECT 1 FROM hub.users u WHERE u.id = o.user_id)",
        &["4", "5"],
        keys,
    )
    .await;
}

#[tokio::test]
async fn keys_are_the_filter_that_a_table_needs() {
    let hub = hub();
    let sql = "SELECT r.owner, r.name, i.number FROM hub.repos r JOIN hub.issues i ON i.owner = r.owner AND i.repo = r.name \
               WHERE r.owner IN ('a', 'b') AND i.state = 'open'";
    let sent = &[
        "hub/repos",
        "hub/repos/a/x/issues?state=open",
        "hub/repos/a/y/issues?state=open",
        "hub/repos/b/x/issues?state=open",
    ];
    hub.check(sql, &["a|x|1", "b|x|1"], sent).await;
    let plan = hub.explain(sql).await;
    assert!(plan.contains("LookupJoinExec") && plan.contains("lookup=hub.issues, keys=[owner, repo]"), "{plan}");
    assert!(plan.contains("always lookups"), "{plan}");
}

#[tokio::test]
async fn nothing_is_looked_up_without_keys() {
    let hub = hub();
    let no_rows = "(SELECT * FROM hub.orders WHERE region = 'east')";
    for (sql, rows) in [
        (format!("SELECT o.id, u.login FROM {no_rows} o JOIN hub.users u ON u.id = o.user_id"), &[][..]),
        (format!("SELECT o.id, u.login FROM {no_rows} o LEFT JOIN hub.users u ON u.id = o.user_id"), &[]),
        (format!("SELECT u.id FROM hub.users u WHERE id IN (SELECT user_id FROM {no_rows})"), &[]),
    ] {
        hub.check(&sql, rows, &["hub/orders?region=east"]).await;
    }
    let nulls = "SELECT o.id, u.login FROM (SELECT * FROM hub.orders WHERE user_id IS NULL) o LEFT JOIN hub.users u \
                 ON u.id = o.user_id";
    hub.check(nulls, &["4|"], &["hub/orders"]).await;
}

#[tokio::test]
async fn keys_of_other_types_lose_no_rows() {
    let hub = hub();
    let values = |values: &str| format!("(SELECT * FROM (VALUES {values}) AS v(k))");
    for (values, condition, rows, requests) in [
        (values("(7), (1001), (7)"), "u.id = v.k", &["user7", "user7"][..], &["hub/users?id=7,1001"][..]),
        (values("(7.0), (7.5)"), "u.id = v.k", &["user7"], &["hub/users/7"]),
        (values("('7'), ('007')"), "u.id = arrow_cast(v.k, 'Int64')", &["user7", "user7"], &["hub/users/7"]),
        (values("('7')"), "CAST(u.id AS VARCHAR) = v.k", &["user7"], &[][..]),
    ] {
        let sql = format!("SELECT u.login FROM {values} v JOIN hub.users u ON {condition}");
        if requests.is_empty() {
            let plan = hub.explain(&sql).await;
            assert!(!plan.contains("LookupJoinExec"), "{plan}");
            continue;
        }
        hub.check(&sql, rows, requests).await;
    }
    let narrow = "SELECT o.id FROM (VALUES (7), (5000000000)) AS v(k) JOIN hub.orders o ON o.user_id = v.k";
    hub.check(narrow, &["1", "3"], &["hub/orders?user_id=7"]).await;
    let text = "SELECT o.id FROM (VALUES ('7')) AS v(k) JOIN hub.orders o ON CAST(o.user_id AS VARCHAR) = v.k";
    hub.check(text, &["1", "3"], &["hub/orders"]).await;
}

#[tokio::test]
async fn many_rows_of_few_keys_take_batches_of_keys() {
    let hub = hub();
    hub.rows("CREATE TABLE visits AS SELECT value % 40 + 1 AS user_id, value AS visit FROM range(20000)").await;
    let sql = "SELECT count(*), count(DISTINCT login) FROM visits v JOIN hub.users u ON u.id = v.user_id";
    let ids = |from: usize, to: usize| {
        let ids: Vec<String> = (from..=to).map(|id| id.to_string()).collect();
        format!("hub/users?id={}", ids.join(","))
    };
    let batches = [ids(1, 15), ids(16, 30), ids(31, 40)];
    hub.check(sql, &["20000|40"], &batches.each_ref().map(String::as_str)).await;
    let analysed = hub.rows(&format!("EXPLAIN ANALYZE {sql}")).await.join("\n");
    assert!(
        ["keys=40", "lookups=3", "scans=0", "calls=3"].iter().all(|figure| analysed.contains(figure)),
        "{analysed}"
    );
}

#[tokio::test]
async fn a_scan_is_made_where_it_is_cheaper() {
    let hub = World::new(vec![("hub", vec![users(250)])]);
    hub.rows("CREATE TABLE visits AS SELECT value + 1 AS user_id FROM range(5000)").await;
    let sql = "SELECT count(*), sum(u.id) FROM visits v JOIN hub.users u ON u.id = v.user_id";
    hub.check(sql, &["250|31375"], &["hub/users", "hub/users?page=2", "hub/users?page=3"]).await;
    let few = "SELECT count(*), sum(u.id) FROM visits v JOIN hub.users u ON u.id = v.user_id WHERE v.user_id < 3";
    hub.check(few, &["2|3"], &["hub/users?id=1,2"]).await;
}
