//! `system.cache`: the answers in the state folder that may be used again, one row each.
//!
//! Answers in memory alone are not listed: those of `--state :memory:`, and those that are never written to the disk. Only
//! the answers of the session's principal are: URLs hold the values of filters.

use tidegate_state::{CacheLine, ErrorKind};

use super::rows::Value;
use super::tables::Rows;
use crate::Error;
use crate::session::Shared;

/// Answers listed at most, the last used first.
const MOST_ANSWERS: u32 = 100_000;

pub(super) fn cache(shared: &Shared) -> Rows {
    let engine = shared.engine();
    let Some(cache) = &engine.parts().cache else { return Ok(Vec::new()) };
    let lines = match cache.lines(shared.principal(), MOST_ANSWERS) {
        // It was replaced by an empty one.
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Newer) => {
            engine.warn(None, error.to_string());
            Vec::new()
        }
        lines => lines.map_err(Error::from)?,
    };
    let row = |line: CacheLine| -> Vec<Value> {
        vec![
            line.label.connection.into(),
            line.label.table.into(),
            line.label.url.into(),
            line.bytes.into(),
            line.stored_at.into(),
            line.used_at.into(),
            line.label.fresh_until.into(),
            line.hits.into(),
        ]
    };
    Ok(lines.into_iter().map(row).collect())
}
