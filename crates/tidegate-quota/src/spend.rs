//! What was spent, by day and purpose: the books that outlive windows.
//!
//! Each day and key is an entry of the store, changed in the same update that grants a call.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, Slot};

/// What the entries' keys begin with.
pub(crate) const PREFIX: &str = "spend|";

const DAY: u64 = 24 * 60 * 60;

/// What a call's cost is booked on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpendKey {
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition, if it has any.
    pub partition: Option<Arc<str>>,
    /// Table, if the call was for one.
    pub table: Option<Arc<str>>,
    /// Label of the session.
    pub label: Option<Arc<str>>,
}

/// What was spent on one key in one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// Day (UTC), in days since 1970.
    pub day: i64,
    /// On what.
    pub key: SpendKey,
    /// HTTP attempts.
    pub calls: u64,
    /// Points: of each call the most that one of its quotas counted for it, which is 1 where none counts points.
    pub points: u64,
}

/// A change of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entered {
    pub(crate) calls: i64,
    pub(crate) points: i64,
}

/// The value of an entry.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sum {
    #[serde(default)]
    calls: u64,
    #[serde(default)]
    points: u64,
}

/// The fields of a key as they stand in that of its entry.
type Fields = (String, String, Option<String>, Option<String>, Option<String>);

impl Spend {
    /// The same without calls that were not made: of those that no quota counts, each is a point.
    pub(crate) fn without(self, calls: u64) -> Self {
        Self { calls: self.calls.saturating_sub(calls), points: self.points.saturating_sub(calls), ..self }
    }
}

impl SpendKey {
    /// Key of its entry for the day of `wall`: the day in six digits, so that keys sort by it, and the fields as JSON.
    pub(crate) fn entry(&self, wall: SystemTime) -> Result<String> {
        let Self { principal, connection, partition, table, label } = self;
        let fields = (&**principal, &**connection, partition.as_deref(), table.as_deref(), label.as_deref());
        let fields = serde_json::to_string(&fields).map_err(|source| Error::entry(PREFIX, source))?;
        Ok(format!("{}{fields}", day_prefix(day(wall))))
    }
}

/// What the keys of a day begin with.
pub(crate) fn day_prefix(day: i64) -> String {
    format!("{PREFIX}{day:06}|")
}

/// Days since 1970 (UTC); 0 before.
pub(crate) fn day(wall: SystemTime) -> i64 {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / DAY).unwrap_or(i64::MAX)
}

/// Enters a change into an entry.
pub(crate) fn enter(slot: &mut Slot, entered: Entered) -> Result<()> {
    let mut sum: Sum = match &slot.value {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|source| Error::entry(&slot.key, source))?,
        None => Sum::default(),
    };
    sum.calls = sum.calls.saturating_add_signed(entered.calls);
    sum.points = sum.points.saturating_add_signed(entered.points);
    slot.value = Some(serde_json::to_vec(&sum).map_err(|source| Error::entry(&slot.key, source))?);
    slot.is_changed = true;
    Ok(())
}

/// Reads an entry; `None` for one whose key is of another version of Tidegate.
pub(crate) fn read(key: &str, value: &[u8]) -> Result<Option<Spend>> {
    let Some((day, fields)) = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('|')) else { return Ok(None) };
    let fields: Option<Fields> = serde_json::from_str(fields).ok();
    let (Ok(day), Some((principal, connection, partition, table, label))) = (day.parse(), fields) else {
        return Ok(None);
    };
    let sum: Sum = serde_json::from_slice(value).map_err(|source| Error::entry(key, source))?;
    let optional = |field: Option<String>| field.map(Into::into);
    let key = SpendKey {
        principal: principal.into(),
        connection: connection.into(),
        partition: optional(partition),
        table: optional(table),
        label: optional(label),
    };
    Ok(Some(Spend { day, key, calls: sum.calls, points: sum.points }))
}
