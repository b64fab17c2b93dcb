//! Whether rows at the front can be left to the API.
//!
//! A reader that wants the rows behind the first thousand need not be sent those. Rows are left out where a request names
//! their number; and whole pages of them where pages have numbers and the API is declared to keep to the page size that
//! is asked for (`short: last`): elsewhere a page number stands for as many rows as the server makes of it. All requests
//! of a scan go on from there as they go on from page to page, so that an order which is kept between pages is kept here.

use tidegate_spec::{Paging, PastEnd, ShortPage, Window};

use crate::ScanRequest;

/// Rows that come with one call whether they are wanted or not, where the size of pages is not known. Nearly every
/// service sends as many.
const ONE_PAGE: u64 = 50;

/// Whether the API can leave out `rows` rows in front of the `wanted` ones of this request, and a call is saved by it.
///
/// It cannot where an answer past the last row is no empty page, where it stops at a ceiling, and for a service that may
/// not keep to `$skip` unless a key tells rows apart.
#[must_use]
pub fn can_skip(request: &ScanRequest, rows: u64, wanted: u64) -> bool {
    let Ok(endpoint) = request.endpoint() else { return false };
    let largest = endpoint.page_size.as_ref().map(|size| size.max);
    let one_page = largest.unwrap_or(ONE_PAGE);
    if endpoint.ceiling.is_some() || rows.saturating_add(wanted) <= one_page {
        return false;
    }
    match &endpoint.paging {
        Paging::Offset { end, .. } => end.past == PastEnd::Empty,
        Paging::Page { end, .. } => {
            let is_chosen = endpoint.page_size.as_ref().is_some_and(|size| size.place.is_some());
            is_chosen && end.past == PastEnd::Empty && end.short == ShortPage::Last
        }
        Paging::NextUrl | Paging::Single => endpoint.window == Some(Window::TopSkip) && !request.table.key.is_empty(),
        _ => false,
    }
}
