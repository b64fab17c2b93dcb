//! Rows that come twice where one page ends and the next begins.
//!
//! Where pages are told apart by a number or an offset, rows that are added in front while a scan runs push others onto
//! the next page, where they come again. A key stands once in a result, so that the second is dropped. Where a page begins
//! after the last key, none can come again: one that does shows that the server keeps another order, and rows would be
//! missed.

use std::collections::HashSet;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::row::{Row, RowConverter, Rows, SortField};
use tidegate_spec::Paging;

use crate::ErrorKind;

/// The keys of the page before.
#[derive(Debug)]
pub(super) struct Border {
    /// Where the key's columns stand in a page.
    key: Vec<usize>,
    keys: Option<RowConverter>,
    before: Option<Rows>,
    /// Whether a row that comes again is an error.
    is_ordered: bool,
}

impl Border {
    /// What a scan in pages of this style must look for; `None` when pages cannot overlap, or nothing tells their rows
    /// apart.
    pub(super) fn new(paging: &Paging, key: &[usize]) -> Option<Self> {
        let is_ordered = match paging {
            Paging::Page { .. } | Paging::Offset { .. } => false,
            Paging::Keyset { .. } => true,
            _ => return None,
        };
        let new = Self { key: key.to_vec(), keys: None, before: None, is_ordered };
        (!key.is_empty()).then_some(new)
    }

    /// The rows of a page that the one before did not have.
    pub(super) fn take(&mut self, page: RecordBatch) -> Result<RecordBatch, ErrorKind> {
        let failed = |error| ErrorKind::Body(format!("pages of these columns cannot be told apart: {error}"));
        let columns: Vec<ArrayRef> = self.key.iter().map(|&at| ArrayRef::clone(page.column(at))).collect();
        let keys = match &self.keys {
            Some(keys) => keys,
            None => {
                let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
                self.keys.insert(RowConverter::new(fields).map_err(failed)?)
            }
        };
        let rows = keys.convert_columns(&columns).map_err(failed)?;
        let is_new =
            self.before.as_ref().filter(|before| may_share(before, &rows)).map(|before| are_new(before, &rows));
        self.before = Some(rows);
        match is_new.map(|is_new| (is_new.false_count(), is_new)) {
            None | Some((0, _)) => Ok(page),
            Some((repeated, _)) if self.is_ordered => Err(ErrorKind::Loop(format!(
                "{repeated} rows of the page before came again, although each page begins after the last key: the server \
                 keeps another order, and rows would be missed; check the endpoint's `keyset`"
            ))),
            Some((_, is_new)) => filter_record_batch(&page, &is_new).map_err(failed),
        }
    }
}

/// Whether two pages can have a row in common: those that come in the order of their keys, as most do, have none, and are
/// not looked at row by row.
fn may_share(before: &Rows, rows: &Rows) -> bool {
    match (ends(before), ends(rows)) {
        (Some((first, last)), Some((least, most))) => least <= last && first <= most,
        _ => false,
    }
}

/// The least and the greatest of them.
fn ends(rows: &Rows) -> Option<(Row<'_>, Row<'_>)> {
    Some((rows.iter().min()?, rows.iter().max()?))
}

fn are_new(before: &Rows, rows: &Rows) -> BooleanArray {
    let before: HashSet<Row<'_>> = before.iter().collect();
    rows.iter().map(|row| Some(!before.contains(&row))).collect()
}
