//! Details above joins, unions, windows and subqueries.

use super::support::Fixture;

#[tokio::test]
async fn rows_that_a_join_drops_are_not_asked_for() {
    let fixture = Fixture::new();
    let inner = "SELECT i.number, a.team, i.body FROM hub.issues i JOIN hub.authors a ON a.name = i.author \
                 WHERE i.state = 'open' AND a.team = 'red' ORDER BY i.number LIMIT 2";
    let rows = fixture.rows(inner).await;
    assert_eq!(rows, ["1|red|body 1", "3|red|body 3"]);
    let asked = fixture.hub.take();
    let details: Vec<&String> = asked.iter().filter(|path| path.starts_with("issues/")).collect();
    assert_eq!(details, ["issues/1?fields=body", "issues/3?fields=body"], "{asked:?}");
}

/// Queries, and the details that each asks for.
const CASES: &[(&str, &[&str], &[i64])] = &[
    (
        "SELECT a.name, i.number, i.body FROM hub.authors a LEFT JOIN hub.issues i ON a.name = i.author AND i.created > 80 \
         ORDER BY 1",
        &["ann|3|body 3", "bob||", "eve||"],
        &[3],
    ),
    (
        "SELECT a.name, coalesce(b, 'none') FROM hub.authors a LEFT JOIN \
         (SELECT author, coalesce(body, 'nobody') AS b FROM hub.issues WHERE created > 80) i ON a.name = i.author ORDER BY 1",
        &["ann|body 3", "bob|none", "eve|none"],
        &[3, 10],
    ),
    (
        "SELECT number, body FROM hub.issues WHERE author IN (SELECT name FROM hub.authors WHERE team = 'blue') ORDER BY 1 DESC",
        &["8|body 8", "5|body 5", "2|body 2"],
        &[2, 5, 8],
    ),
    (
        "SELECT number, body FROM hub.issues WHERE author NOT IN (SELECT name FROM hub.authors) AND created > 50 ORDER BY 1",
        &["7|body 7", "10|body 10"],
        &[7, 10],
    ),
    (
        "SELECT x.number, x.body, y.body FROM hub.issues x JOIN hub.issues y ON y.number = x.number + 6 \
         WHERE x.number < 3 ORDER BY 1",
        &["1|body 1|body 7", "2|body 2|body 8"],
        &[1, 2, 7, 8],
    ),
    (
        "SELECT i.number, i.body FROM hub.issues i JOIN hub.authors a ON a.name < i.author AND a.team = 'blue' \
         WHERE i.state = 'open' ORDER BY i.created LIMIT 2",
        &["4|body 4", "7|body 7"],
        &[4, 7],
    ),
    (
        "SELECT i.number FROM hub.issues i JOIN hub.authors a ON i.body = 'body 4' AND a.name = i.author OR i.body = 'body 2' \
         AND a.name = i.author WHERE i.number < 5",
        &["2"],
        &[1, 2, 3, 4],
    ),
    (
        "SELECT body FROM (SELECT number, body FROM hub.issues WHERE number = 1 UNION ALL \
         SELECT number, comment FROM hub.issues WHERE number = 2) LIMIT 1",
        &["body 1"],
        &[1],
    ),
    (
        "SELECT number, body FROM (SELECT *, row_number() OVER (PARTITION BY author ORDER BY created DESC) AS r \
         FROM (SELECT number, author, created, body FROM hub.issues WHERE state = 'closed')) WHERE r = 1",
        &["5|body 5"],
        &[2, 5, 8],
    ),
    ("SELECT DISTINCT comments FROM hub.issues WHERE number < 4 ORDER BY 1", &["0", "1", "2"], &[1, 2, 3]),
    (
        "SELECT number, (SELECT max(body) FROM hub.issues WHERE number = 6) FROM hub.issues WHERE number = 1",
        &["1|body 6"],
        &[6],
    ),
    (
        "SELECT number, body, random() < 2 FROM hub.issues WHERE number < 5 ORDER BY random() * 0 + number LIMIT 1",
        &["1|body 1|true"],
        &[1],
    ),
];

#[tokio::test]
async fn operators_see_the_columns_that_they_read() {
    let fixture = Fixture::new();
    for (sql, rows, details) in CASES {
        fixture.hub.take();
        assert_eq!(fixture.rows(sql).await, *rows, "{sql}");
        let asked = fixture.hub.take();
        let of_details = asked.iter().filter_map(|path| path.strip_prefix("issues/")?.strip_suffix("?fields=body"));
        let mut found: Vec<i64> = of_details.map(|number| number.parse().expect("a number")).collect();
        found.extend(
            asked
                .iter()
                .filter_map(|path| path.strip_prefix("issues/")?.strip_suffix("?fields=counts"))
                .map(|number| number.parse::<i64>().expect("a number")),
        );
        found.sort_unstable();
        assert_eq!(found, *details, "{sql}: {asked:?}");
        fixture.rows("SET tidegate.pushdown = false").await;
        assert_eq!(fixture.rows(sql).await, *rows, "{sql} without pushdown");
        fixture.rows("SET tidegate.pushdown = true").await;
    }
}
