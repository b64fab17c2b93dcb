//! What is under way at once, and what must not be.

use tidegate_spec::{Exactness, Table};
use tidegate_transport::Spending;

use super::rest::{issues, items, members};
use super::support::Fixture;

/// Rows of a team, in pages of three that tell the total.
const ROWS: usize = 60;

fn parameter<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.split(['?', '&']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn team(request: &str) -> (u16, String) {
    let (team, page) = (parameter(request, "team").expect("a team"), parameter(request, "page").expect("a page"));
    let page: usize = page.parse().expect("a number");
    let row = |id: usize| format!(r#"{{"id": {id}, "team": "{team}"}}"#);
    let rows: Vec<String> = (page * 3 - 3..page * 3).take_while(|id| *id < ROWS).map(row).collect();
    (200, format!(r#"{{"items": [{}], "total": {ROWS}}}"#, rows.join(", ")))
}

fn bounded(max_calls: u64) -> Spending {
    Spending { max_calls: Some(max_calls), ..Spending::default() }
}

fn fixture(table: Table, answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Fixture {
    Fixture::answering(table, Spending::default(), answer)
}

fn row_count(table: &str) -> usize {
    table.lines().filter(|line| line.starts_with("| ")).count() - 1
}

#[tokio::test]
async fn pages_are_under_way_where_the_reader_needs_them_all() {
    let cases = [
        ("SELECT id FROM members WHERE team = 'a'", ROWS, 20, 8),
        ("SELECT id FROM members WHERE team = 'a' ORDER BY id", ROWS, 20, 8),
        ("SELECT id FROM members WHERE team = 'a' ORDER BY id % 10 LIMIT 3", 3, 20, 8),
        ("SELECT count(*) FROM members WHERE team = 'a' AND id % 2 = 0", 1, 20, 8),
        ("SELECT l.id FROM members l JOIN members r ON l.id = r.id + 1 WHERE l.team = 'a' AND r.team = 'b'", 59, 40, 8),
        // No more than the limit needs.
        ("SELECT id FROM members WHERE team = 'a' LIMIT 10", 10, 4, 2),
        ("SELECT id FROM members WHERE team = 'a' LIMIT 3", 3, 1, 1),
        // Whoever stops may stop anywhere.
        ("SELECT DISTINCT id % 5 FROM members WHERE team = 'a' LIMIT 2", 2, 1, 1),
        ("SELECT id FROM members WHERE team = 'a' UNION ALL SELECT id FROM members WHERE team = 'b' LIMIT 8", 8, 3, 1),
        // Segments first, then their pages.
        ("SELECT id FROM members WHERE team IN ('a', 'b', 'c')", 3 * ROWS, 60, 6),
        ("SELECT id FROM members WHERE team IN ('a', 'b', 'c') LIMIT 4", 4, 2, 1),
    ];
    for (sql, rows, calls, at_once) in cases {
        let fixture = fixture(members(Exactness::Exact), team);
        let table = fixture.rows(sql).await.expect("rows");
        assert_eq!(row_count(&table), rows, "{sql}");
        let mut asked = fixture.requests();
        assert_eq!((asked.len(), fixture.most_under_way()), (calls, at_once), "{sql}: {asked:?}");
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), calls, "{sql}: asked twice");
    }
}

#[tokio::test]
async fn parents_are_asked_at_once_unless_a_limit_may_not_need_them() {
    let of_parent = |request: &str| {
        let number = request.split('/').nth(2).expect("a repository").trim_start_matches('r').to_owned();
        (200, items(&[&format!(r#"{{"number": {number}, "state": "open"}}"#)]))
    };
    let repos: Vec<String> = (0..20).map(|repo| format!("'r{repo}'")).collect();
    let sql = format!("SELECT number, repo FROM issues WHERE owner = 'a' AND repo IN ({})", repos.join(", "));
    let all = fixture(issues(), of_parent);
    assert_eq!(row_count(&all.rows(&sql).await.expect("rows")), 20);
    assert_eq!(all.most_under_way(), 8);
    let mut asked = all.requests();
    let mut expected: Vec<String> = (0..20).map(|repo| format!("repos/a/r{repo}/issues?page=1")).collect();
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);

    let few = fixture(issues(), of_parent);
    assert_eq!(row_count(&few.rows(&format!("{sql} LIMIT 5")).await.expect("rows")), 5);
    assert_eq!((few.requests().len(), few.most_under_way()), (5, 1));
}

#[tokio::test]
async fn a_bound_is_spent_to_the_last_call_and_no_further() {
    for team_filter in ["= 'a'", "IN ('a', 'b', 'c')"] {
        for bound in [1, 2, 5, 11] {
            let fixture = Fixture::answering(members(Exactness::Exact), bounded(bound), team);
            let sql = format!("SELECT id FROM members WHERE team {team_filter}");
            let error = fixture.rows(&sql).await.expect_err("more calls than allowed").to_string();
            assert!(error.contains(&format!("more calls than the {bound} that tidegate.max_calls allows")), "{error}");
            assert_eq!(fixture.requests().len() as u64, bound, "{sql}: {:?}", fixture.requests());
            assert_eq!(fixture.answered() as u64, bound, "{sql}: a call that was paid for was given up");
        }
    }
}

#[tokio::test]
async fn the_first_failure_ends_all_that_is_under_way() {
    let broken = |request: &str| match parameter(request, "page") {
        Some("7") => (500, "{}".to_owned()),
        _ => team(request),
    };
    for (filter, most) in [("= 'a'", 6 + 8), ("IN ('a', 'b', 'c')", 3 * (6 + 2))] {
        let fixture = fixture(members(Exactness::Exact), broken);
        let error = fixture.rows(&format!("SELECT id FROM members WHERE team {filter}")).await;
        let error = error.expect_err("a page that failed").to_string();
        assert!(error.contains("crm.members, page 7") && error.contains("500"), "{error}");
        assert!(fixture.requests().len() <= most, "{:?}", fixture.requests());
    }
}
