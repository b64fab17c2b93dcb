//! Which columns a scan reads, and where in a page those stand that tell rows apart.

use arrow::record_batch::RecordBatch;
use tidegate_spec::{ColumnSource, EndpointKind, Paging, Table};

use super::cell;
use crate::decode::equal;
use crate::{ErrorKind, ScanRequest};

/// Columns of a page: those wanted, then what the scan itself looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Indices into the table's columns.
    pub(super) columns: Vec<usize>,
    /// Where the key's columns stand in a page; empty when nothing tells rows apart.
    pub(super) key: Vec<usize>,
    /// Whether pages have to be told apart: there may be several.
    pub(super) is_guarded: bool,
    /// Where the column stands after whose last value the next page begins.
    pub(super) keyset: Option<usize>,
    /// Where the column stands by which a scan goes on past a ceiling.
    pub(super) slice: Option<usize>,
}

impl Layout {
    /// Columns of the key tell pages apart. Without a key only whole rows do, so all columns are read.
    pub(super) fn new(request: &ScanRequest) -> Result<Self, ErrorKind> {
        let endpoint = request.endpoint()?;
        let one_page = endpoint.paging == Paging::Single && endpoint.window.is_none();
        let is_guarded = endpoint.kind != EndpointKind::Get && !one_page;
        let mut columns = request.columns.clone();
        let mut add = |column: usize| {
            columns.iter().position(|&known| known == column).unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            })
        };
        let key: Vec<usize> = if is_guarded { key(request)?.into_iter().map(&mut add).collect() } else { Vec::new() };
        if is_guarded && key.is_empty() {
            let rows = |column: &usize| is_read(request, *column);
            (0..request.table.columns.len()).filter(rows).filter(|&column| endpoint.returns(column)).for_each(
                |column| {
                    add(column);
                },
            );
        }
        let keyset = match endpoint.paging {
            Paging::Keyset { column, .. } if is_guarded => Some(add(column)),
            _ => None,
        };
        let slice = endpoint.ceiling.and_then(|ceiling| ceiling.slice_by).filter(|_| is_guarded).map(add);
        Ok(Self { columns, key, is_guarded, keyset, slice })
    }

    /// The values that a keyset's column has in the first row of a page and in the last, as text.
    pub(super) fn keyset_of(&self, page: &RecordBatch, table: &Table) -> (Option<String>, Option<String>) {
        let text = |row: usize| {
            let at = self.keyset?;
            let column = table.columns.get(*self.columns.get(at)?)?;
            cell::text(&cell::scalar(page.column(at), row)?, &column.data_type)
        };
        (text(0), page.num_rows().checked_sub(1).and_then(text))
    }
}

/// The first so many columns of a page: those that are wanted.
pub(super) fn wanted(page: RecordBatch, many: usize) -> Result<RecordBatch, ErrorKind> {
    if page.num_columns() <= many {
        return Ok(page);
    }
    let wanted: Vec<usize> = (0..many).collect();
    page.project(&wanted).map_err(|error| ErrorKind::Body(error.to_string()))
}

/// Columns that tell rows of this scan apart. Those whose value the request says are the same in all of them; if it
/// does not say one, the others are not enough.
fn key(request: &ScanRequest) -> Result<Vec<usize>, ErrorKind> {
    let endpoint = request.endpoint()?;
    let (read, said): (Vec<usize>, Vec<usize>) =
        request.table.key.iter().partition(|&&column| is_read(request, column));
    let is_said = |column: &usize| request.filter.as_ref().is_some_and(|filter| equal(filter, *column).is_some());
    let is_whole = read.iter().all(|&column| endpoint.returns(column)) && said.iter().all(is_said);
    Ok(if is_whole { read } else { Vec::new() })
}

fn is_read(request: &ScanRequest, column: usize) -> bool {
    request.table.columns.get(column).is_some_and(|column| column.source == ColumnSource::Row)
}
