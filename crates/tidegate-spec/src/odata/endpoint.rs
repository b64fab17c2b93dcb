//! The endpoint that lists an entity set.

use super::aggregation::Applies;
use super::capabilities::Capabilities;
use super::types::Compared;
use super::{Options, Totals};
use crate::{
    Column, ColumnFilter, Count, Dialect, Endpoint, Envelope, Filters, NullOrder, ODataVersion, Paging, Path,
    Projection, SortColumn, Window,
};

/// Longest URL that OData services take without being set up for more: IIS, on which many run, refuses a query
/// string of more than 2,048 bytes.
const MAX_URL_LENGTH: usize = 2_000;

/// Name of the one endpoint of each table.
const LIST: &str = "list";

/// The endpoint of a set; `compared` has an entry for each column.
pub(super) fn endpoint(
    version: ODataVersion,
    options: &Options,
    set: &str,
    (capabilities, applies): (&Capabilities, Option<&Applies>),
    columns: &[Column],
    compared: &[Compared],
) -> Endpoint {
    let mut filters = Vec::new();
    let mut sort = Vec::new();
    for (index, (column, compared)) in columns.iter().zip(compared).enumerate() {
        let property = column.path.join("/");
        let operators = capabilities.operators(&property, *compared, options.text);
        if !operators.is_empty() {
            filters.push(ColumnFilter { column: index, operators, required: false });
        }
        if capabilities.sorts(&property, *compared, options.text) {
            sort.push(SortColumn { column: index, nulls: NullOrder::Lowest });
        }
    }
    let dialect = Some(Dialect::OData(version));
    Endpoint {
        envelope: envelope(version),
        paging: Paging::NextUrl,
        window: capabilities.window.then_some(Window::TopSkip),
        filters: Filters { dialect, or: capabilities.or(), columns: filters, ..Filters::default() },
        sort,
        projection: if capabilities.select { Projection::Select } else { Projection::Whole },
        count: (capabilities.count && options.totals == Totals::Trust).then_some(Count::Inline),
        aggregate: applies.map(|applies| applies.aggregation(columns, compared, options.text)),
        max_url_length: MAX_URL_LENGTH,
        ..Endpoint::new(LIST, percent_encode(set))
    }
}

/// Where things stand in a response (OData JSON Format 4.01, sections 4.5 and 13; "JSON Verbose Format" and "JSON
/// Light" of V2 and V3). A V3 service may answer in either of the older forms.
fn envelope(version: ODataVersion) -> Envelope {
    match version {
        ODataVersion::V4 | ODataVersion::V401 => Envelope {
            rows: paths(&[&["value"]]),
            next: paths(&[&["@odata.nextLink"], &["@nextLink"]]),
            count: paths(&[&["@odata.count"], &["@count"]]),
            ..Envelope::default()
        },
        ODataVersion::V3 => Envelope {
            rows: paths(&[&["value"], &["d", "results"], &["d"]]),
            next: paths(&[&["odata.nextLink"], &["d", "__next"]]),
            count: paths(&[&["odata.count"], &["d", "__count"]]),
            ..Envelope::default()
        },
        ODataVersion::V2 => Envelope {
            rows: paths(&[&["d", "results"], &["d"]]),
            next: paths(&[&["d", "__next"]]),
            count: paths(&[&["d", "__count"]]),
            ..Envelope::default()
        },
    }
}

fn paths(paths: &[&[&str]]) -> Vec<Path> {
    paths.iter().map(|path| path.iter().map(|&step| step.to_owned()).collect()).collect()
}

/// One segment of a path: all but RFC 3986's unreserved characters are encoded.
pub(super) fn percent_encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
