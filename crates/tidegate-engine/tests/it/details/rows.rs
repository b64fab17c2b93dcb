//! Rows and calls of one table.

use tidegate_engine::ErrorKind;

use super::support::Fixture;

#[tokio::test]
async fn only_rows_of_the_result_are_asked_for() {
    let fixture = Fixture::new();
    // A limit stops the list, and the order is pushed below.
    fixture
        .check(
            "SELECT number, body FROM hub.issues ORDER BY created DESC LIMIT 2",
            &["10|body 10", "3|body 3"],
            &["issues?sort=-created&page=1&size=4", "issues/10?fields=body", "issues/3?fields=body"],
        )
        .await;
    // Filters that are pushed, and that are evaluated here, come first; an offset too.
    fixture
        .check(
            "SELECT number, upper(body) FROM hub.issues WHERE state = 'closed' AND number % 4 = 0",
            &["8|BODY 8"],
            &["issues?state=closed&page=1&size=4", "issues/8?fields=body"],
        )
        .await;
    fixture
        .check(
            "SELECT title, comments + 1 AS n FROM hub.issues WHERE state = 'closed' ORDER BY title DESC LIMIT 1 OFFSET 1",
            &["issue 5|3"],
            &["issues?state=closed&page=1&size=4", "issues/5?fields=counts"],
        )
        .await;
    // A sort by something else than the API has, over a computed column.
    fixture
        .check(
            "SELECT number * 2 AS twice, body FROM hub.issues WHERE state = 'closed' ORDER BY twice DESC LIMIT 1",
            &["16|body 8"],
            &["issues?state=closed&page=1&size=4", "issues/8?fields=body"],
        )
        .await;
    // Columns that nobody uses cost nothing.
    fixture
        .check(
            "SELECT number FROM hub.issues WHERE state = 'closed' LIMIT 1",
            &["2"],
            &["issues?state=closed&page=1&size=4"],
        )
        .await;
    let counted = "SELECT count(*) FROM (SELECT number, body FROM hub.issues WHERE state = 'closed')";
    fixture.check(counted, &["3"], &["issues?state=closed&page=1&size=4"]).await;
}

#[tokio::test]
async fn filters_on_details_come_after_all_others() {
    let fixture = Fixture::new();
    fixture
        .check(
            "SELECT number FROM hub.issues WHERE comments = 2 AND state = 'closed' AND created < 50",
            &["2", "8"],
            &["issues?state=closed&page=1&size=4", "issues/2?fields=counts", "issues/8?fields=counts"],
        )
        .await;
    // Both columns of a detail take one call; the rest of a row's is asked for where it passes.
    fixture
        .check(
            "SELECT body, comment FROM hub.issues WHERE comments = 2 AND state = 'closed' ORDER BY created",
            &["body 8|comment id=7", "body 2|", "body 5|"],
            &[
                "issues?state=closed&page=1&size=4",
                "issues/2?fields=body,counts",
                "issues/5?fields=body,counts",
                "issues/8?fields=body,counts",
                "comments?id=7",
                "comments?id=404",
            ],
        )
        .await;
    // An OR with a detail in it is about the detail.
    fixture
        .check(
            "SELECT number FROM hub.issues WHERE state = 'closed' AND (number = 2 OR body = 'body 8')",
            &["2", "8"],
            &[
                "issues?state=closed&page=1&size=4",
                "issues/2?fields=body",
                "issues/5?fields=body",
                "issues/8?fields=body",
            ],
        )
        .await;
    fixture
        .check(
            "SELECT comments, count(*) FROM hub.issues WHERE state = 'closed' GROUP BY comments",
            &["2|3"],
            &[
                "issues?state=closed&page=1&size=4",
                "issues/2?fields=counts",
                "issues/5?fields=counts",
                "issues/8?fields=counts",
            ],
        )
        .await;
}

#[tokio::test]
async fn what_may_end_early_is_asked_for_one_by_one_at_first() {
    let fixture = Fixture::new();
    let sql = "SELECT number FROM hub.issues WHERE body >= 'body' LIMIT 1";
    fixture.check(sql, &["1"], &["issues?page=1&size=4", "issues/1?fields=body"]).await;
}

#[tokio::test]
async fn each_question_is_asked_once() {
    let fixture = Fixture::new();
    fixture
        .check(
            "SELECT number, comment FROM hub.issues",
            &[
                "1|comment id=7",
                "2|",
                "3|comment id=7",
                "4|comment id=8",
                "5|",
                "6|",
                "7|comment id=9",
                "8|comment id=7",
                "9|comment id=8",
                "10|",
            ],
            &[
                "issues?page=1&size=4",
                "comments?id=7",
                "comments?id=8",
                "issues?page=2&size=4",
                "comments?id=404",
                "comments?id=9",
                "issues?page=3&size=4",
            ],
        )
        .await;
}

#[tokio::test]
async fn calls_run_side_by_side_and_rows_keep_their_order() {
    let fixture = Fixture::new();
    let rows = fixture.rows("SELECT number, body FROM hub.issues ORDER BY number").await;
    let expected: Vec<String> = (1..=10).map(|number| format!("{number}|body {number}")).collect();
    assert_eq!(rows, expected);
    assert_eq!(fixture.hub.most_active(), 8);
}

#[tokio::test]
async fn what_fails_names_the_row() {
    let fixture = Fixture::new();
    fixture.hub.refused.lock().expect("no panic").insert(5, 500);
    let (kind, message) = fixture.error("SELECT body FROM hub.issues WHERE state = 'closed'").await;
    assert_eq!(kind, ErrorKind::Remote);
    let expected = "hub.issues, full of number 5 (https://hub.example/v1/issues/5?fields=body): the server answered 500 \
                    Internal Server Error: no such luck";
    assert_eq!(message, expected);
    fixture.hub.refused.lock().expect("no panic").insert(5, 404);
    let message = fixture.error("SELECT body FROM hub.issues WHERE number = 5").await.1;
    assert!(message.starts_with("hub.issues, full of number 5 (") && message.contains("404 Not Found"), "{message}");
    // Rows that are not asked for do not fail.
    assert_eq!(fixture.rows("SELECT body FROM hub.issues WHERE number = 4").await, ["body 4"]);
}

#[tokio::test]
async fn a_bound_holds_for_details_too() {
    let fixture = Fixture::new();
    fixture.rows("SET tidegate.max_calls = 3").await;
    assert_eq!(fixture.rows("SELECT number, body FROM hub.issues LIMIT 2").await.len(), 2);
    assert_eq!(fixture.hub.take().len(), 3);
}

#[tokio::test]
async fn parents_and_partitions_are_those_of_the_row() {
    let fixture = Fixture::new();
    fixture
        .check(
            "SELECT text FROM hub.notes WHERE issue IN (4, 5) AND id = 2 ORDER BY issue",
            &["note 4.2", "note 5.2"],
            &["notes/4", "notes/5", "notes/4/2", "notes/5/2"],
        )
        .await;
    let divided = Fixture::divided();
    divided
        .check(
            "SELECT _partition, body FROM hub.issues WHERE number = 3 ORDER BY 1",
            &["p1|body 3p1", "p2|body 3p2"],
            &["p1/issue/3", "p2/issue/3", "p1/issues/3?fields=body", "p2/issues/3?fields=body"],
        )
        .await;
    divided
        .check(
            "SELECT body FROM hub.issues WHERE _partition = 'p2' AND number = 3",
            &["body 3p2"],
            &["p2/issue/3", "p2/issues/3?fields=body"],
        )
        .await;
}

#[tokio::test]
async fn plans_show_what_a_row_costs() {
    let fixture = Fixture::new();
    let plan = fixture.rows("EXPLAIN SELECT body FROM hub.issues ORDER BY created LIMIT 5").await.join("\n");
    assert_eq!(fixture.hub.take(), Vec::<String>::new());
    let detail = plan.find("DetailExec: hub.issues, endpoint=full, by=[number], columns=[body], calls=1 a row");
    let scan = plan.find("ApiScanExec: hub.issues, endpoint=list");
    assert!(detail.is_some() && detail < scan && plan.contains("fetch=5"), "{plan}");
    let columns = "SELECT column_name, source FROM system.columns WHERE table_name = 'issues' AND source = 'detail'";
    let expected = ["body|detail", "comments|detail", "comment|detail", "views|detail"];
    assert_eq!(fixture.rows(columns).await, expected);
}

#[tokio::test]
async fn calls_for_details_are_foreseen() {
    let fixture = Fixture::new();
    let calls = "EXPLAIN CALLS SELECT number, body FROM hub.issues ORDER BY created LIMIT 3";
    let lines = fixture.rows(calls).await.join("\n");
    assert!(lines.contains("|full|detail|"), "{lines}");
    assert!(lines.contains("body costs a call for each row"), "{lines}");
    assert_eq!(fixture.hub.take(), Vec::<String>::new());
    for (sql, expected) in [
        ("SELECT number, body FROM hub.issues ORDER BY created LIMIT 3", "1/4/"),
        ("SELECT body FROM hub.issues WHERE number = 3", "1/2/2"),
        ("SELECT number FROM hub.issues LIMIT 3", "1"),
        ("SELECT count(body) FROM hub.issues WHERE number IN (1, 2)", "2/4/4"),
        ("SELECT body FROM hub.issues WHERE number IN (1, 2, 3, 4)", "4/8/8"),
    ] {
        let prepared = fixture.session.prepare(sql).await.expect(sql);
        let predicted = prepared.predict(&[]).await.expect(sql).expect("a prediction").predicted.calls().to_string();
        assert!(predicted.starts_with(expected), "{sql}: {predicted}");
    }
}
