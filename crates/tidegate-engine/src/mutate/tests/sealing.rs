//! What is in the journal when a selection is sealed, and when it is not.

use std::time::SystemTime;

use tidegate_state::{MutationStart, MutationState};

use super::support::{Fixture, account};

const ID: &str = "m-1";

fn begin(fixture: &Fixture) {
    let text = |text: &str| text.to_owned();
    let start = MutationStart {
        id: text(ID),
        principal: text("me"),
        kind: text("update"),
        statement: text("UPDATE …"),
        settings: text("{}"),
        connection: text("crm"),
        table: text("accounts"),
        origin: text("https://api.example"),
        fingerprint: text("crm"),
        undo_of: None,
        is_planned: false,
        label: None,
        started_at: SystemTime::UNIX_EPOCH,
    };
    fixture.journal.create(&start).unwrap();
}

#[tokio::test]
async fn all_rows_are_journalled_before_it_is_sealed() {
    let fixture = Fixture::new();
    fixture.api.put("accounts", (1..=2_500).map(|id| account(id, "P")));
    begin(&fixture);
    let selection = fixture.plan("UPDATE crm.accounts SET status = 'X' LIMIT 2100").await.unwrap();
    let sealed = selection.seal(&fixture.state(), &fixture.journal, ID, SystemTime::UNIX_EPOCH, false).await.unwrap();
    assert_eq!((sealed.rows, sealed.failed.len()), (2_100, 0));
    let record = fixture.journal.mutation(ID).unwrap().unwrap();
    assert_eq!((record.state, record.counts.selected), (MutationState::Sealed, 2_100));
    let rows = fixture.journal.rows(ID, Some(2_098), 10, None, None).unwrap();
    let start = &rows.first().unwrap().start;
    assert_eq!((rows.len(), start.ordinal, start.kind.as_str()), (1, 2_099, "update"));
    assert_eq!(start.key.as_deref(), Some(r#"{"id":2100}"#));
    assert_eq!(start.old.as_deref(), Some(r#"{"etag":"v2100","status":"P"}"#));
    assert_eq!((start.new.as_deref(), start.version.as_deref()), (Some(r#"{"status":"X"}"#), Some("v2100")));
}

#[tokio::test]
async fn nothing_is_sealed_when_a_row_cannot_be_written() {
    let fixture = Fixture::new();
    begin(&fixture);
    let selection = fixture.plan("UPDATE crm.accounts SET name = nullif(name, 'n5')").await.unwrap();
    selection.seal(&fixture.state(), &fixture.journal, ID, SystemTime::UNIX_EPOCH, false).await.unwrap_err();
    assert_eq!(fixture.journal.mutation(ID).unwrap().unwrap().state, MutationState::Selecting);
}

#[tokio::test]
async fn an_empty_selection_is_sealed_too() {
    let fixture = Fixture::new();
    begin(&fixture);
    let selection = fixture.plan("DELETE FROM crm.accounts WHERE 1 = 0").await.unwrap();
    selection.seal(&fixture.state(), &fixture.journal, ID, SystemTime::UNIX_EPOCH, true).await.unwrap();
    assert_eq!(fixture.journal.mutation(ID).unwrap().unwrap().state, MutationState::Planned);
    assert!(fixture.api.take_requests().is_empty());
}
