//! One row of a mutation, with its values as the journal keeps them.

use std::time::SystemTime;

use tidegate_remote::write::{Cells, RowWrite};
use tidegate_spec::WriteKind;
use tidegate_state::{RowRecord, RowStart, RowState};

use crate::Error;

/// One row of a mutation. Values are by the SQL name of their column.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the mutation, from 0.
    pub ordinal: u64,
    /// Partition, if the connection has any.
    pub partition: Option<String>,
    /// What becomes of it.
    pub kind: WriteKind,
    /// Its key; empty for an INSERT whose key the API makes, until it was made.
    pub key: Cells,
    /// Values before the change, of all columns that were read.
    pub old: Cells,
    /// Values to be written.
    pub new: Cells,
    /// Its version, where the table has one.
    pub version: Option<String>,
    /// What became of it.
    pub state: RowState,
    /// Requests that carried it.
    pub attempts: u32,
    /// Number of the last request that carried it.
    pub request: Option<u64>,
    /// Key under which the API does it once.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request's method, URL and body.
    pub digest: Option<String>,
    /// When it was first sent under this key.
    pub sent_at: Option<SystemTime>,
    /// HTTP status of its answer.
    pub status: Option<u16>,
    /// Why it failed, was skipped, or is unknown.
    pub error: Option<String>,
    /// What the API said the row is now.
    pub returned: Cells,
}

impl Row {
    /// A row that is selected and has no values yet.
    #[must_use]
    pub fn selected(ordinal: u64, partition: Option<String>, kind: WriteKind) -> Self {
        Self {
            ordinal,
            partition,
            kind,
            key: Cells::new(),
            old: Cells::new(),
            new: Cells::new(),
            version: None,
            state: RowState::Selected,
            attempts: 0,
            request: None,
            idempotency_key: None,
            digest: None,
            sent_at: None,
            status: None,
            error: None,
            returned: Cells::new(),
        }
    }

    /// The row that the journal keeps as `record`.
    ///
    /// # Errors
    /// When its kind or one of its values cannot be read.
    pub fn of(record: RowRecord) -> Result<Self, Error> {
        let start = record.start;
        let ordinal = start.ordinal;
        let cells = |name, text: Option<String>| cells(name, text.as_deref(), ordinal);
        Ok(Self {
            kind: kind(&start.kind, ordinal)?,
            key: cells("key", start.key)?,
            old: cells("old values", start.old)?,
            new: cells("new values", start.new)?,
            version: start.version,
            state: record.state,
            attempts: record.attempts,
            request: record.request,
            idempotency_key: record.idempotency_key,
            digest: record.digest,
            sent_at: record.sent_at,
            status: record.status,
            error: record.error,
            returned: cells("returned values", record.returned)?,
            ..Self::selected(ordinal, start.partition, WriteKind::Update)
        })
    }

    /// As the journal keeps what was selected.
    #[must_use]
    pub fn start(&self) -> RowStart {
        RowStart {
            ordinal: self.ordinal,
            partition: self.partition.clone(),
            kind: self.kind.name().to_owned(),
            key: text(&self.key),
            old: text(&self.old),
            new: text(&self.new),
            version: self.version.clone(),
            undoes: None,
        }
    }

    /// As a request carries it. `row_key` traces it, and where the API has keys by row it is that key.
    pub(crate) fn write(&self, row_key: String) -> RowWrite {
        RowWrite {
            kind: self.kind,
            key: self.key.clone(),
            old: self.old.clone(),
            new: self.new.clone(),
            version: self.version.clone(),
            row_key,
        }
    }
}

/// As the journal keeps values: `None` for none.
pub(crate) fn text(cells: &Cells) -> Option<String> {
    let members = cells.iter().map(|(name, cell)| (name.clone(), cell.clone())).collect();
    (!cells.is_empty()).then(|| serde_json::Value::Object(members).to_string())
}

fn cells(name: &str, text: Option<&str>, ordinal: u64) -> Result<Cells, Error> {
    let Some(text) = text else { return Ok(Cells::new()) };
    // The text may hold values of the user's: only where it is wrong is told.
    serde_json::from_str(text).map_err(|error| Error::Row {
        ordinal,
        why: format!("its {name} cannot be read as JSON (column {} of the text)", error.column()),
    })
}

fn kind(name: &str, ordinal: u64) -> Result<WriteKind, Error> {
    [WriteKind::Insert, WriteKind::Update, WriteKind::Delete]
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| Error::Row { ordinal, why: format!("its kind is {name:?}, not insert, update or delete") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(kind: &str, key: Option<&str>) -> RowRecord {
        let row = Row::selected(7, Some("12".to_owned()), WriteKind::Insert);
        let start = RowStart { kind: kind.to_owned(), key: key.map(str::to_owned), ..row.start() };
        RowRecord {
            start,
            state: RowState::Sent,
            attempts: 2,
            request: Some(3),
            idempotency_key: Some("k".to_owned()),
            digest: Some("d".to_owned()),
            sent_at: Some(SystemTime::UNIX_EPOCH),
            status: Some(503),
            error: Some("no".to_owned()),
            returned: Some(r#"{"id": 4}"#.to_owned()),
            ended_at: None,
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        for kind in [WriteKind::Insert, WriteKind::Update, WriteKind::Delete] {
            let mut row = Row::selected(7, None, kind);
            row.key.insert("id".to_owned(), json!(4));
            row.new.insert("name".to_owned(), json!(null));
            row.version = Some("v1".to_owned());
            let read = Row::of(RowRecord { start: row.start(), ..record("insert", None) }).unwrap();
            assert_eq!(read.start(), row.start());
            assert_eq!((read.kind, &read.key, &read.old, &read.new), (kind, &row.key, &row.old, &row.new));
            assert_eq!(read.returned["id"], json!(4));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_values() {
        let message = |kind, key| Row::of(record(kind, key)).unwrap_err().to_string();
        assert_eq!(
            message("upsert", None),
            "row 7 of the mutation cannot be read from the journal: its kind is \"upsert\", not insert, update or delete; \
             the row was not sent"
        );
        assert_eq!(
            message("update", Some("{\"id\": secret")),
            "row 7 of the mutation cannot be read from the journal: its key cannot be read as JSON (column 8 of the text); \
             the row was not sent"
        );
    }
}
