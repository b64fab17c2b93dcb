//! Details in the reads of changes: strict, fresh, and never written.

use super::support::Fixture;

#[tokio::test]
async fn a_change_reads_details_as_they_are_now() {
    let fixture = Fixture::new();
    fixture
        .rows("UPDATE hub.issues SET title = body || '!' WHERE state = 'closed' AND comments = 2 AND created < 30")
        .await;
    let asked = fixture.hub.take();
    let expected = ["issues?state=closed&page=1&size=4 fresh", "issues/8?fields=body,counts fresh", "PATCH issues/8"];
    assert_eq!(asked, expected);
    assert_eq!(fixture.rows("SELECT title FROM hub.issues WHERE number = 8").await, ["body 8!"]);
}

#[tokio::test]
async fn what_a_change_must_not_do_is_refused() {
    let fixture = Fixture::new();
    let cases = [
        (
            "UPDATE hub.issues SET body = 'x' WHERE number = 1",
            "hub.issues.body cannot be written by UPDATE; these can: title",
        ),
        ("UPDATE hub.issues SET title = 'x' WHERE views > 3", "the answers of lagging, which alone has views, may lag"),
    ];
    for (sql, expected) in cases {
        let message = fixture.error(sql).await.1;
        assert!(message.contains(expected), "{sql}: {message}");
        assert_eq!(fixture.hub.take(), Vec::<String>::new(), "{sql}");
    }
    assert_eq!(fixture.rows("SELECT views FROM hub.issues WHERE number = 4").await, ["40"]);
}
