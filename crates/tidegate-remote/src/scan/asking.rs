//! What the requests of one scan have in common, made once whatever the number of its pages: what they are sent for, and
//! how they are written.

use std::sync::Arc;

use tidegate_spec::{Paging, Place};
use tidegate_transport::{Operation, Purpose};

use super::layout::Layout;
use crate::render::{self, Outgoing, Range};
use crate::{ErrorKind, ScanRequest, Source};

/// What the requests of one scan are sent for.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    table: Arc<str>,
    endpoint: Arc<str>,
    /// Whether pages that were answered at different times belong together.
    pub(super) is_stable: bool,
}

impl Asking {
    pub(super) fn new(request: &ScanRequest) -> Result<Self, ErrorKind> {
        let endpoint = request.endpoint()?;
        Ok(Self {
            table: request.table.name.as_str().into(),
            endpoint: endpoint.name.as_str().into(),
            is_stable: endpoint.stable || endpoint.paging == Paging::Single,
        })
    }

    /// What the request for the page with this number is sent for. `anew` is whether nothing stored is of use.
    pub(super) fn operation(&self, source: &Source, page: u64, anew: bool) -> Operation {
        let (table, endpoint) = (Some(Arc::clone(&self.table)), Arc::clone(&self.endpoint));
        Operation {
            keeps: self.is_stable,
            reuse: self.is_stable || (page == 1 && !anew),
            ..source.operation_at(table, endpoint, Purpose::Read, Some(page))
        }
    }
}

/// The request for a page. Whole rows are what was asked for, and more; a URL that is too long is no answer at all.
pub(super) fn write(
    source: &Source,
    request: &ScanRequest,
    layout: &Layout,
    range: Range,
    page: &[(Place, String)],
) -> Result<Outgoing, ErrorKind> {
    let write = |columns: &[usize]| render::rows(&source.base, request, columns, range, page);
    let narrow = write(&layout.columns)?;
    let is_long = narrow.url.as_str().len() > request.endpoint()?.max_url_length;
    if is_long { write(&[]) } else { Ok(narrow) }
}
