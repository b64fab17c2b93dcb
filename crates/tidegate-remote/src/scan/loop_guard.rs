//! Notices a server that does not move on.
//!
//! Three signs, each with its reason:
//! * **The same request again.** A next link that was followed before leads in a circle. Pages may be asked for in
//!   a header or in the body, so that all of a request is compared, not its URL alone.
//! * **The first row's key again.** A key stands once in a result, so a page that begins like an earlier one was
//!   sent before, under whatever token. Rows that a concurrent insert pushed onto the next page cannot cause
//!   this unless a whole page of them was inserted meanwhile; the result would be wrong then, too.
//! * **Many pages without a new row.** Empty pages with a next link are legal, and a table without a key may
//!   hold equal rows: both are borne for a while.
//!
//! Pages are never compared by the wanted columns alone: a thousand times `EMEA` twice in a row is a legal scan
//! of a narrow projection.

use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use tidegate_transport::redact_url;

use super::seen::{Seen, hash};
use crate::ErrorKind;
use crate::render::Outgoing;

/// Empty pages in a row that are borne.
const MAX_EMPTY: u32 = 1000;

/// Equal pages in a row that are borne of a table without a key.
const MAX_EQUAL: u32 = 100;

/// Remembers what one sequence of requests asked for and received.
#[derive(Debug)]
pub(super) struct LoopGuard {
    /// Where the key's columns stand in a page; empty when the table has none.
    key: Vec<usize>,
    requests: Seen,
    first_keys: Seen,
    empty_in_a_row: u32,
    /// What the page before began with.
    before: Option<Beginning>,
    equal_in_a_row: u32,
    /// Makes one text of the key's columns; there once it was needed.
    keys: Option<RowConverter>,
}

/// What tells a page from others.
#[derive(Debug, PartialEq)]
enum Beginning {
    /// The hash of its first row's key.
    Key(u64),
    /// All of it, where there is no key.
    Page(RecordBatch),
}

impl LoopGuard {
    pub(super) fn new(key: Vec<usize>) -> Self {
        Self {
            key,
            requests: Seen::default(),
            first_keys: Seen::default(),
            empty_in_a_row: 0,
            before: None,
            equal_in_a_row: 0,
            keys: None,
        }
    }

    /// Before a request; `followed` is whether the server named its URL.
    pub(super) fn asking(&mut self, request: &Outgoing, followed: bool) -> Result<(), ErrorKind> {
        let mut hasher = DefaultHasher::new();
        (request.method.as_str(), request.url.as_str(), &request.body).hash(&mut hasher);
        for (name, value) in &request.headers {
            (name.as_str(), value.as_bytes()).hash(&mut hasher);
        }
        if self.requests.is_new(&hasher.finish()) {
            return Ok(());
        }
        let url = redact_url(&request.url);
        Err(ErrorKind::Loop(if followed {
            format!("the server goes round in a circle: its next link leads back to {url}")
        } else {
            format!("the server does not move on: the next page would be asked for as an earlier one was ({url})")
        }))
    }

    /// Whether a page is the one before again: it begins with the same key or, without a key, has the same rows.
    pub(super) fn is_repeated(&mut self, page: &RecordBatch) -> Result<bool, ErrorKind> {
        Ok(page.num_rows() > 0 && self.before.is_some() && self.beginning(page)? == self.before)
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
        let this = self.beginning(page)?;
        let is_equal = this == self.before;
        let first = if let Some(Beginning::Key(first)) = &this { Some(*first) } else { None };
        self.before = this;
        match first {
            Some(first) => self.first_key(first),
            None if self.key.is_empty() => self.whole_page(is_equal),
            None => Ok(()),
        }
    }

    /// The first row's key, or all rows without a key. A key that came as null says nothing.
    fn beginning(&mut self, page: &RecordBatch) -> Result<Option<Beginning>, ErrorKind> {
        if self.key.is_empty() {
            return Ok(Some(Beginning::Page(page.clone())));
        }
        let key: Vec<ArrayRef> = self.key.iter().map(|&column| page.column(column).slice(0, 1)).collect();
        if key.iter().any(|value| value.is_null(0)) {
            return Ok(None);
        }
        let failed = |error| ErrorKind::Body(format!("pages of these columns cannot be told apart: {error}"));
        let keys = match &self.keys {
            Some(keys) => keys,
            None => {
                let fields = key.iter().map(|column| SortField::new(column.data_type().clone())).collect();
                self.keys.insert(RowConverter::new(fields).map_err(failed)?)
            }
        };
        let rows = keys.convert_columns(&key).map_err(failed)?;
        Ok(Some(Beginning::Key(hash(rows.row(0).as_ref()))))
    }

    fn first_key(&mut self, first: u64) -> Result<(), ErrorKind> {
        if self.first_keys.is_new(&first) {
            return Ok(());
        }
        let message = "the server repeats itself: this page begins with the same row as an earlier one \
                       (if its rows changed meanwhile, run the query again)";
        Err(ErrorKind::Loop(message.to_owned()))
    }

    fn whole_page(&mut self, is_equal: bool) -> Result<(), ErrorKind> {
        self.equal_in_a_row = if is_equal { self.equal_in_a_row + 1 } else { 1 };
        if self.equal_in_a_row < MAX_EQUAL {
            return Ok(());
        }
        let message = format!("the server repeats itself: {MAX_EQUAL} pages in a row had the same rows");
        Err(ErrorKind::Loop(message))
    }
}

#[cfg(test)]
mod tests;
