//! From a scan's request in terms of the typed model to one HTTP request, whatever the endpoint's language.
//!
//! ```text
//! constants, filters, order, columns, page ──> Draft: what stands at which place ──> path, query, headers, body
//! ```
//!
//! [`way`] says how one comparison is told, [`value`] and [`time`] how its value is written, [`form`], [`text`] and
//! [`item`] put these into a place of their own, a text of terms, or a list of items; [`crate::odata`] has the words
//! of OData. Nothing is widened, cut or left out here: what cannot be written is an error, and
//! [`crate::pushdown`] asks the same functions before it pushes anything. It sends nothing.

mod body;
mod draft;
pub(crate) mod form;
pub(crate) mod item;
pub(crate) mod path;
mod sort;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod time;
mod value;
pub(crate) mod way;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidegate_spec::{
    ColumnSource, Count, Dialect, Endpoint, ListStyle, ODataVersion, Paging, Place, Projection, Table,
};
use url::Url;

use crate::odata::query::{self, QueryOptions};
use crate::{ErrorKind, Predicate, ScanRequest};
use draft::{Draft, Kind};
use form::Written;

pub(crate) use query::Range;

/// A request as it leaves, but for what the connection's layers add.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The request for a page of rows. `columns` are those that the response has to carry; `range` is OData's window, and
/// `page` holds what paging writes at its places: a number, size or token.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when something cannot be written: a filter that was not made by
/// [`crate::pushdown`] for this endpoint, a placeholder of the path without a value, a header that is none.
pub(crate) fn rows(
    base: &Url,
    request: &ScanRequest,
    columns: &[usize],
    range: Range,
    page: &[(Place, String)],
) -> Result<Outgoing, ErrorKind> {
    let endpoint = request.endpoint()?;
    let mut draft = start(endpoint);
    let rest = say_filters(&mut draft, &request.table, endpoint, request.filter.as_ref())?;
    match odata_version(endpoint) {
        Some(version) => {
            let sort = if endpoint.sorting.is_none() { request.sort.clone() } else { Vec::new() };
            let said = ScanRequest { filter: all(rest), sort, ..request.clone() };
            say_options(&mut draft, query::rows(&said, version, columns, range)?);
        }
        None if range.skip.is_some() || range.top.is_some() => {
            return Err(ErrorKind::Unsupported(format!("endpoint {} has no $top and $skip", endpoint.name)));
        }
        None if !request.sort.is_empty() && endpoint.sorting.is_none() => {
            return Err(ErrorKind::Unsupported(format!("endpoint {} does not sort", endpoint.name)));
        }
        None => say_language(&mut draft, &request.table, endpoint, &rest)?,
    }
    say_fields(&mut draft, &request.table, endpoint, columns);
    if let Some(sorting) = endpoint.sorting.as_ref().filter(|_| !request.sort.is_empty()) {
        for (place, text) in sort::render(sorting, &request.sort)? {
            draft.text(Kind::Query, place, text);
        }
    }
    for (place, text) in page {
        draft.say(Kind::Page, place.clone(), page_value(&request.table, endpoint, place, text));
    }
    draft.finish(base, endpoint)
}

/// The request for the number of matching rows, and for as few of the rows as can be.
///
/// # Errors
/// As [`rows`], and when the endpoint does not count.
pub(crate) fn count(base: &Url, request: &ScanRequest) -> Result<Outgoing, ErrorKind> {
    let endpoint = request.endpoint()?;
    match (endpoint.count, odata_version(endpoint)) {
        (Some(Count::Inline), Some(version)) => {
            let mut draft = start(endpoint);
            let rest = say_filters(&mut draft, &request.table, endpoint, request.filter.as_ref())?;
            let said = ScanRequest { filter: all(rest), ..request.clone() };
            say_options(&mut draft, query::count(&said, version)?);
            draft.finish(base, endpoint)
        }
        (Some(Count::Told), _) => {
            let size = endpoint.page_size.as_ref().and_then(|size| size.place.clone());
            let page: Vec<_> = size.map(|place| (place, "1".to_owned())).into_iter().collect();
            let unsorted = ScanRequest { sort: Vec::new(), ..request.clone() };
            rows(base, &unsorted, &[], Range::default(), &page)
        }
        _ => Err(ErrorKind::Unsupported(format!("endpoint {} does not count", endpoint.name))),
    }
}

/// Bytes that a filter takes in a URL, percent-encoded.
///
/// # Errors
/// As [`rows`].
pub(crate) fn url_length(table: &Table, endpoint: &Endpoint, filter: &Predicate) -> Result<usize, ErrorKind> {
    use crate::odata::url::{encode, encode_name};
    let parameter = |name: &str, text: &str| encode_name(name).len() + encode(text).len() + 2;
    let at = |place: &Place, written: &Written| match (place, written) {
        (Place::Path(_), Written::Text(text)) => path::encode(text).len(),
        (Place::Query(name), Written::Text(text)) => parameter(name, text),
        (Place::Query(name), Written::Repeated(texts)) => texts.iter().map(|text| parameter(name, text)).sum(),
        _ => 0,
    };
    let (forms, rest) = divide(table, endpoint, Some(filter))?;
    let forms: usize = forms.iter().map(|(place, written)| at(place, written)).sum();
    let rest_length = match (odata_version(endpoint), &endpoint.filters.dialect) {
        _ if rest.is_empty() => 0,
        (Some(version), _) => {
            let filter = all(rest);
            let text = filter.map(|filter| crate::odata::filter::render(table, version, &filter)).transpose()?;
            text.map_or(0, |text| encode(&text).len())
        }
        (None, Some(Dialect::Text(dialect))) => {
            let text = text::render(table, &endpoint.filters, &rest)?.unwrap_or_default();
            if matches!(dialect.place, Place::Query(_)) { encode(&text).len() } else { 0 }
        }
        _ => 0,
    };
    Ok(forms + rest_length)
}

/// Headers of the language, and what is sent with every request.
fn start(endpoint: &Endpoint) -> Draft {
    let headers = odata_version(endpoint).map(query::headers).unwrap_or_default();
    let mut draft = Draft::with_headers(headers);
    for (place, text) in &endpoint.constants {
        draft.text(Kind::Constant, place.clone(), text);
    }
    draft
}

/// Forms as they are written at their places, and the filters that are left for the endpoint's language.
type Divided<'a> = (Vec<(&'a Place, Written)>, Vec<&'a Predicate>);

fn divide<'a>(table: &Table, endpoint: &'a Endpoint, filter: Option<&'a Predicate>) -> Result<Divided<'a>, ErrorKind> {
    let mut forms = Vec::new();
    let mut rest = Vec::new();
    for conjunct in way::conjuncts(filter) {
        match way::form_of(&endpoint.filters, conjunct) {
            None => rest.push(conjunct),
            Some(form) => {
                let written = form::write(table, form, conjunct);
                forms.push((&form.place, written.ok_or_else(|| text::unsayable(table, conjunct))?));
            }
        }
    }
    Ok((forms, rest))
}

fn say_filters<'a>(
    draft: &mut Draft,
    table: &Table,
    endpoint: &'a Endpoint,
    filter: Option<&'a Predicate>,
) -> Result<Vec<&'a Predicate>, ErrorKind> {
    let (forms, rest) = divide(table, endpoint, filter)?;
    for (place, written) in forms {
        draft.say(Kind::Query, place.clone(), written);
    }
    Ok(rest)
}

/// Filters in a language other than OData's.
fn say_language(draft: &mut Draft, table: &Table, endpoint: &Endpoint, rest: &[&Predicate]) -> Result<(), ErrorKind> {
    match &endpoint.filters.dialect {
        Some(Dialect::Text(dialect)) => {
            if let Some(text) = text::render(table, &endpoint.filters, rest)? {
                draft.text(Kind::Query, dialect.place.clone(), text);
            }
        }
        Some(Dialect::Items(items)) if !rest.is_empty() => {
            draft.add_items(&items.at, item::render(table, &endpoint.filters, rest)?);
        }
        _ => {
            if let Some(filter) = rest.first() {
                return Err(text::unsayable(table, filter));
            }
        }
    }
    Ok(())
}

fn say_options(draft: &mut Draft, options: QueryOptions) {
    for (name, text) in options {
        draft.text(Kind::Query, Place::Query(name.to_owned()), text);
    }
}

fn say_fields(draft: &mut Draft, table: &Table, endpoint: &Endpoint, columns: &[usize]) {
    let Projection::Fields { place, style } = &endpoint.projection else { return };
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    let of_row = columns.iter().filter_map(|&column| table.columns.get(column));
    for column in of_row.filter(|column| column.source == ColumnSource::Row) {
        if let Some(name) = column.path.first().filter(|name| !names.contains(name)) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return;
    }
    let written = match style {
        ListStyle::Joined(separator) => Written::Text(names.join(separator)),
        ListStyle::Repeated => Written::Repeated(names),
        ListStyle::Array => Written::Json(names.into()),
    };
    draft.say(Kind::Query, place.clone(), written);
}

/// A size, number or offset of a page is a number in a body, and so is the last row's value of a column of numbers.
/// A token is the text that it was.
fn page_value(table: &Table, endpoint: &Endpoint, place: &Place, text: &str) -> Written {
    let is_size = endpoint.page_size.as_ref().is_some_and(|size| size.place.as_ref() == Some(place));
    let is_number = match &endpoint.paging {
        Paging::Page { place: of, .. } | Paging::Offset { place: of, .. } => of == place,
        Paging::Keyset { place: of, column, .. } => {
            use tidegate_spec::ColumnType::{Decimal, Int16, Int32, Int64};
            let data_type = table.columns.get(*column).map(|column| &column.data_type);
            of == place && matches!(data_type, Some(Int16 | Int32 | Int64 | Decimal { .. }))
        }
        _ => false,
    };
    let number = matches!(place, Place::Body(_)) && (is_size || is_number);
    number.then(|| value::number(text)).flatten().map_or_else(|| Written::Text(text.to_owned()), Written::Json)
}

/// The version of OData that the endpoint is asked in. One without filters that still takes OData's options is asked
/// in the version that everybody speaks.
fn odata_version(endpoint: &Endpoint) -> Option<ODataVersion> {
    let takes_options =
        endpoint.window.is_some() || endpoint.projection == Projection::Select || endpoint.count == Some(Count::Inline);
    match &endpoint.filters.dialect {
        Some(Dialect::OData(version)) => Some(*version),
        None if takes_options => Some(ODataVersion::V4),
        _ => None,
    }
}

fn all(parts: Vec<&Predicate>) -> Option<Predicate> {
    match parts.as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        several => Some(Predicate::And(several.iter().map(|&part| part.clone()).collect())),
    }
}
