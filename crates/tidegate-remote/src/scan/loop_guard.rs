//! Notices a server that does not move on.
//!
//! Three signs, each with its reason:
//! * **The same URL again.** A next link that was followed before leads in a circle.
//! * **The first row's key again.** A key stands once in a result, so a page that begins like an earlier one was
//!   sent before, under whatever token. Rows that a concurrent insert pushed onto the next page cannot cause
//!   this unless a whole page of them was inserted meanwhile; the result would be wrong then, too.
//! * **Many pages without a new row.** Empty pages with a next link are legal, and a table without a key may
//!   hold equal rows: both are borne for a while.
//!
//! Pages are never compared by the wanted columns alone: a thousand times `EMEA` twice in a row is a legal scan
//! of a narrow projection.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use tidegate_transport::redact_url;
use url::Url;

use crate::ErrorKind;

/// Empty pages in a row that are borne.
const MAX_EMPTY: u32 = 1000;

/// Equal pages in a row that are borne of a table without a key.
const MAX_EQUAL: u32 = 100;

/// Hashes kept of each kind: 8 bytes each. When they are used up they start afresh, and a circle is noticed one
/// round later.
const MAX_KEPT: usize = 100_000;

/// Remembers what one scan asked for and received.
#[derive(Debug)]
pub(super) struct LoopGuard {
    /// Where the key's columns stand in a page; empty when the table has none.
    key: Vec<usize>,
    urls: HashSet<u64>,
    first_keys: HashSet<u64>,
    empty_in_a_row: u32,
    last_page: Option<u64>,
    equal_in_a_row: u32,
}

impl LoopGuard {
    pub(super) fn new(key: Vec<usize>) -> Self {
        Self {
            key,
            urls: HashSet::new(),
            first_keys: HashSet::new(),
            empty_in_a_row: 0,
            last_page: None,
            equal_in_a_row: 0,
        }
    }

    /// Before a request.
    pub(super) fn asking(&mut self, url: &Url) -> Result<(), ErrorKind> {
        if remember(&mut self.urls, hash(url.as_str())) {
            return Ok(());
        }
        let url = redact_url(url);
        Err(ErrorKind::Loop(format!("the server goes round in a circle: its next link leads back to {url}")))
    }

    /// After a page was decoded.
    pub(super) fn received(&mut self, page: &RecordBatch) -> Result<(), ErrorKind> {
        if page.num_rows() == 0 {
            self.empty_in_a_row += 1;
            if self.empty_in_a_row < MAX_EMPTY {
                return Ok(());
            }
            let message =
                format!("the server sent {MAX_EMPTY} pages without rows in a row, and still names a next one");
            return Err(ErrorKind::Loop(message));
        }
        self.empty_in_a_row = 0;
        if self.key.is_empty() { self.whole_page(page) } else { self.first_key(page) }
    }

    fn first_key(&mut self, page: &RecordBatch) -> Result<(), ErrorKind> {
        let key: Vec<ArrayRef> = self.key.iter().map(|&column| page.column(column).slice(0, 1)).collect();
        // A key that came as null says nothing.
        if key.iter().any(|value| value.is_null(0)) {
            return Ok(());
        }
        if remember(&mut self.first_keys, hash(rows(&key)?.row(0).as_ref())) {
            return Ok(());
        }
        let message = "the server repeats itself: this page begins with the same row as an earlier one \
                       (if its rows changed meanwhile, run the query again)";
        Err(ErrorKind::Loop(message.to_owned()))
    }

    fn whole_page(&mut self, page: &RecordBatch) -> Result<(), ErrorKind> {
        let rows = rows(page.columns())?;
        let mut hasher = DefaultHasher::new();
        rows.iter().for_each(|row| row.as_ref().hash(&mut hasher));
        let this = Some(hasher.finish());
        self.equal_in_a_row = if this == self.last_page { self.equal_in_a_row + 1 } else { 1 };
        self.last_page = this;
        if self.equal_in_a_row < MAX_EQUAL {
            return Ok(());
        }
        let message = format!("the server repeats itself: {MAX_EQUAL} pages in a row had the same rows");
        Err(ErrorKind::Loop(message))
    }
}

/// False when it was there already.
fn remember(seen: &mut HashSet<u64>, value: u64) -> bool {
    if seen.contains(&value) {
        return false;
    }
    if seen.len() >= MAX_KEPT {
        seen.clear();
    }
    seen.insert(value)
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn rows(columns: &[ArrayRef]) -> Result<Rows, ErrorKind> {
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    RowConverter::new(fields)
        .and_then(|converter| converter.convert_columns(columns))
        .map_err(|error| ErrorKind::Body(format!("pages of these columns cannot be told apart: {error}")))
}

#[cfg(test)]
mod tests;
