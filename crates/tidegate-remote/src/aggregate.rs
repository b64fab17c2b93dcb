//! Groups of a table's rows as the scan of another table: the same machine reads their pages.
//!
//! A request for groups is written from the scan of the rows that they are made of. Its answer has a column for each
//! column that is grouped by, and one for each value.

use std::sync::Arc;

use tidegate_spec::{
    Aggregate, AggregateForm, AggregateLanguage, Aggregation, Column, ColumnSource, ColumnType, Dialect, Endpoint,
    EndpointKind, Envelope, Filters, NamesAt, ODataVersion, Place, Projection, Table,
};

use crate::odata::apply;
use crate::odata::url::encode;
use crate::{ErrorKind, ScanRequest, partition};

/// Most digits of a decimal.
const WIDEST: u8 = 38;

/// The scan that reads the groups of the rows which `rows` asks for: first the columns that are grouped by, then the
/// values. Without columns to group by there is one group; a service may then send none for no rows.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the endpoint does not make these groups, computes another value, or cannot be asked
/// for those of filtered rows; when the request would be longer than the endpoint takes.
pub fn groups(rows: &ScanRequest, by: &[usize], values: &[Aggregate]) -> Result<ScanRequest, ErrorKind> {
    let endpoint = rows.endpoint()?;
    let aggregation = declared(endpoint, by, values, rows.filter.is_some())?;
    let mut table = Table::clone(&rows.table);
    let names = names(&table, aggregation, values)?;
    for (aggregate, path) in &names {
        let column = value_column(&rows.table, *aggregate, path.clone())?;
        table.columns.push(column);
    }
    let first = rows.table.columns.len();
    let columns: Vec<usize> = by.iter().copied().chain(first..first + names.len()).collect();
    let of_groups = match &aggregation.language {
        AggregateLanguage::Apply => applied(rows, endpoint, by, &names)?,
        AggregateLanguage::Form(form) => {
            for (column, named) in &form.groups {
                if let Some(column) = table.columns.get_mut(*column) {
                    column.path.clone_from(&named.path);
                }
            }
            formed(endpoint, form, by, values)?
        }
    };
    let is_applied = aggregation.language == AggregateLanguage::Apply;
    table.endpoints = vec![Endpoint { columns: Some(columns.clone()), ..of_groups }];
    table.key = by.to_vec();
    Ok(ScanRequest {
        table: Arc::new(table),
        endpoint: 0,
        columns,
        // `$apply` has it.
        filter: rows.filter.clone().filter(|_| !is_applied),
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: rows.on_bad_value,
    })
}

/// The endpoint's declaration, if it has all of this.
fn declared<'a>(
    endpoint: &'a Endpoint,
    by: &[usize],
    values: &[Aggregate],
    filtered: bool,
) -> Result<&'a Aggregation, ErrorKind> {
    let refused = |what: String| ErrorKind::Unsupported(format!("endpoint {} {what}", endpoint.name));
    let aggregation = endpoint.aggregate.as_ref().ok_or_else(|| refused("makes no groups".to_owned()))?;
    if let Some(column) = by.iter().find(|column| !aggregation.groups.contains(column)) {
        return Err(refused(format!("does not group by column number {column}")));
    }
    if let Some(value) = values.iter().find(|value| !aggregation.computes(**value)) {
        return Err(refused(format!("does not compute {value:?}")));
    }
    if filtered && !aggregation.filters {
        return Err(refused("makes no groups of filtered rows".to_owned()));
    }
    Ok(aggregation)
}

/// Where each value stands in a group.
fn names(
    table: &Table,
    aggregation: &Aggregation,
    values: &[Aggregate],
) -> Result<Vec<(Aggregate, Vec<String>)>, ErrorKind> {
    match &aggregation.language {
        AggregateLanguage::Apply => {
            // A name that is no property's; services take letters and digits.
            let mut prefix = "agg".to_owned();
            while table.columns.iter().any(|column| column.path.iter().any(|step| step.starts_with(&prefix))) {
                prefix.push('g');
            }
            let name = |(place, value): (usize, &Aggregate)| (*value, vec![format!("{prefix}{place}")]);
            Ok(values.iter().enumerate().map(name).collect())
        }
        AggregateLanguage::Form(form) => {
            let path = |value: &Aggregate| {
                let named = form.values.iter().find(|(known, _)| known == value);
                let missing = || ErrorKind::Unsupported(format!("the endpoint has no name for {value:?}"));
                Ok((*value, named.ok_or_else(missing)?.1.path.clone()))
            };
            values.iter().map(path).collect()
        }
    }
}

/// The column of a value.
fn value_column(table: &Table, aggregate: Aggregate, path: Vec<String>) -> Result<Column, ErrorKind> {
    let missing = |column| ErrorKind::Unsupported(format!("table {} has no column number {column}", table.name));
    let of = aggregate.column().map(|column| table.columns.get(column).ok_or_else(|| missing(column))).transpose()?;
    let data_type = match (aggregate, of.map(|column| &column.data_type)) {
        (Aggregate::Sum(_), Some(ColumnType::Decimal { scale, .. })) => {
            ColumnType::Decimal { precision: WIDEST, scale: *scale }
        }
        (Aggregate::Min(_) | Aggregate::Max(_), Some(data_type)) => data_type.clone(),
        _ => ColumnType::Int64,
    };
    let name = format!("{}({})", aggregate.function(), of.map_or("*", |column| column.name.as_str()));
    let nullable = aggregate != Aggregate::Count;
    Ok(Column { name, path, data_type, nullable, description: None, source: ColumnSource::Row })
}

/// The endpoint asked by `$apply`.
fn applied(
    rows: &ScanRequest,
    endpoint: &Endpoint,
    by: &[usize],
    values: &[(Aggregate, Vec<String>)],
) -> Result<Endpoint, ErrorKind> {
    let version = match endpoint.filters.dialect {
        Some(Dialect::OData(version)) if version >= ODataVersion::V4 => version,
        _ => return Err(ErrorKind::Unsupported(format!("endpoint {} has no $apply", endpoint.name))),
    };
    let values: Vec<(Aggregate, String)> = values.iter().map(|(value, path)| (*value, path.join("/"))).collect();
    let text = apply::render(rows, version, by, &values)?;
    // What stands for a partition's code in a constant would be replaced by it.
    if partition::has_template(&text) {
        return Err(ErrorKind::Unsupported("the filter has {partition} in it".to_owned()));
    }
    if endpoint.path.len() + encode(&text).len() + "?$apply=".len() > endpoint.max_url_length {
        return Err(ErrorKind::Unsupported(format!("endpoint {} takes no URL of that length", endpoint.name)));
    }
    let place = Place::Query("$apply".to_owned());
    Ok(Endpoint {
        constants: endpoint.constants.iter().cloned().chain([(place, text)]).collect(),
        filters: Filters { dialect: Some(Dialect::OData(version)), ..Filters::default() },
        ..plain(endpoint)
    })
}

/// The endpoint asked by a request of its own.
fn formed(
    endpoint: &Endpoint,
    form: &AggregateForm,
    by: &[usize],
    values: &[Aggregate],
) -> Result<Endpoint, ErrorKind> {
    let group_names: Vec<&str> =
        form.groups.iter().filter(|(column, _)| by.contains(column)).map(|(_, named)| named.ask.as_str()).collect();
    let value_names: Vec<&str> =
        form.values.iter().filter(|(value, _)| values.contains(value)).map(|(_, named)| named.ask.as_str()).collect();
    let said = |at: &Option<NamesAt>, names: &[&str]| {
        let at = at.as_ref().filter(|_| !names.is_empty())?;
        Some((at.place.clone(), names.join(&at.separator)))
    };
    let names = said(&form.groups_at, &group_names).into_iter().chain(said(&form.values_at, &value_names));
    if form.groups_at.is_none() && !by.is_empty() {
        return Err(ErrorKind::Unsupported(format!("endpoint {} does not group", endpoint.name)));
    }
    let plain = plain(endpoint);
    Ok(Endpoint {
        path: form.path.clone(),
        constants: endpoint.constants.iter().cloned().chain(names).collect(),
        // One object is the one group.
        kind: if by.is_empty() { EndpointKind::Get } else { EndpointKind::List },
        envelope: Envelope { rows: form.rows.clone(), ..plain.envelope.clone() },
        paging: form.paging.clone(),
        filters: endpoint.filters.clone(),
        page_size: endpoint.page_size.clone().filter(|_| form.paging != tidegate_spec::Paging::Single),
        ..plain
    })
}

/// The endpoint without what concerns its rows alone.
fn plain(endpoint: &Endpoint) -> Endpoint {
    Endpoint {
        kind: EndpointKind::List,
        envelope: Envelope { count: Vec::new(), count_header: None, ..endpoint.envelope.clone() },
        page_size: None,
        window: None,
        filters: Filters::default(),
        sort: Vec::new(),
        sorting: None,
        projection: Projection::Whole,
        count: None,
        aggregate: None,
        ceiling: None,
        ..endpoint.clone()
    }
}

#[cfg(test)]
mod tests;
