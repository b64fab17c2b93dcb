//! System query options and headers of one request.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use tidegate_spec::{ColumnSource, ColumnType, ODataVersion, Projection, Table};

use super::filter::{self, column_of};
use super::is_before_v4;
use crate::{ErrorKind, Predicate, ScanRequest};

/// Which rows of the result a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Range {
    /// Rows to leave out at the front.
    pub(crate) skip: Option<u64>,
    /// Most rows wanted.
    pub(crate) top: Option<u64>,
    /// Whether the response is to tell how many rows match.
    pub(crate) total: bool,
}

/// Name and value of each query option, before percent-encoding.
pub(crate) type QueryOptions = Vec<(&'static str, String)>;

/// The options that ask for rows. `columns` are those that the response has to carry.
pub(crate) fn rows(
    request: &ScanRequest,
    version: ODataVersion,
    columns: &[usize],
    range: Range,
) -> Result<QueryOptions, ErrorKind> {
    let mut options = QueryOptions::new();
    let endpoint = request.endpoint()?;
    if endpoint.projection == Projection::Select {
        options.extend(select(&request.table, version, columns)?.map(|names| ("$select", names)));
    }
    options.extend(filter_option(request, version)?);
    if !request.sort.is_empty() {
        options.push(("$orderby", order_by(request)?));
    }
    options.extend(range.skip.map(|rows| ("$skip", rows.to_string())));
    options.extend(range.top.map(|rows| ("$top", rows.to_string())));
    options.extend(range.total.then(|| total_option(version)));
    Ok(options)
}

/// The options that ask for the number of matching rows and for none of the rows.
pub(crate) fn count(request: &ScanRequest, version: ODataVersion) -> Result<QueryOptions, ErrorKind> {
    let mut options: QueryOptions = filter_option(request, version)?.into_iter().collect();
    options.push(total_option(version));
    options.push(("$top", "0".to_owned()));
    Ok(options)
}

fn total_option(version: ODataVersion) -> (&'static str, String) {
    if is_before_v4(version) { ("$inlinecount", "allpages".to_owned()) } else { ("$count", "true".to_owned()) }
}

fn filter_option(request: &ScanRequest, version: ODataVersion) -> Result<Option<(&'static str, String)>, ErrorKind> {
    let write = |predicate: &Predicate| filter::render(&request.table, version, predicate);
    Ok(request.filter.as_ref().map(write).transpose()?.map(|text| ("$filter", text)))
}

/// `$select` is sent even when all columns are wanted: entities have properties that are no column, and some
/// services refuse requests without it. `None` when no column is wanted, since an empty list is an error.
fn select(table: &Table, version: ODataVersion, columns: &[usize]) -> Result<Option<String>, ErrorKind> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for &column in columns {
        let column = column_of(table, column)?;
        // What is said about an entity comes with it, and is no property that could be selected.
        if column.source == ColumnSource::Annotation {
            continue;
        }
        let path = &column.path;
        // Before version 4 a member of a complex property cannot be selected alone.
        let name = if is_before_v4(version) { path.first().cloned().unwrap_or_default() } else { path.join("/") };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok((!names.is_empty()).then(|| names.join(",")))
}

fn order_by(request: &ScanRequest) -> Result<String, ErrorKind> {
    let key = |key: &crate::SortKey| {
        let name = column_of(&request.table, key.column)?.path.join("/");
        Ok(if key.descending { format!("{name} desc") } else { name })
    };
    Ok(request.sort.iter().map(key).collect::<Result<Vec<_>, ErrorKind>>()?.join(","))
}

/// The headers of a data request.
///
/// `Accept` names the bare media type: some services answer 400 or 406 to parameters such as
/// `IEEE754Compatible=true`, and numbers are decoded from their digits anyway.
pub(crate) fn headers(version: ODataVersion) -> HeaderMap {
    let (name, newest) = match version {
        ODataVersion::V2 => ("maxdataserviceversion", "2.0"),
        ODataVersion::V3 => ("maxdataserviceversion", "3.0"),
        ODataVersion::V4 => ("odata-maxversion", "4.0"),
        ODataVersion::V401 => ("odata-maxversion", "4.01"),
    };
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (HeaderName::from_static(name), HeaderValue::from_static(newest)),
    ])
}

/// Whether a column's values can stand in a filter at all.
pub(crate) fn is_comparable(column: &ColumnType) -> bool {
    !matches!(column, ColumnType::Binary | ColumnType::Json | ColumnType::List(_) | ColumnType::Struct(_))
}

#[cfg(test)]
mod tests;
