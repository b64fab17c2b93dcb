//! Rows of the system tables about what APIs offer: tables, columns and endpoints.

use tidegate_spec::{
    Column, ColumnSource, Dialect, Endpoint, EndpointKind, Exactness, Method, Operator, Paging, Projection, Table,
    Window, WriteKind,
};

use super::rows::Value;
use super::tables::Rows;
use super::types::sql_type;
use crate::mutate::describe;
use crate::session::Shared;

/// One row per table that is known, and whatever of it `rows` makes.
fn per_table(shared: &Shared, rows: impl Fn(&str, &Table) -> Vec<Vec<Value>>) -> Rows {
    let mut all = Vec::new();
    for (name, connection) in shared.connections() {
        if let Some(known) = shared.engine().models().known(&connection) {
            all.extend(known.tables.iter().flat_map(|table| rows(&name, table)));
        }
    }
    Ok(all)
}

pub(super) fn tables(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        vec![vec![
            connection.into(),
            table.name.as_str().into(),
            table.api_name.as_str().into(),
            table.columns.len().into(),
            table.endpoints.len().into(),
            table.description.as_deref().into(),
        ]]
    })
}

pub(super) fn columns(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        let column = |(at, column): (usize, &Column)| {
            let key = table.key.iter().position(|key| *key == at).map(|position| position + 1);
            let operators = operators(table, at);
            vec![
                connection.into(),
                table.name.as_str().into(),
                column.name.as_str().into(),
                column.path.join("/").into(),
                (at + 1).into(),
                sql_type(&tidegate_remote::arrow_types::data_type(&column.data_type)).into(),
                column.nullable.into(),
                key.into(),
                pushed(table, at, Exactness::Exact).into(),
                pushed(table, at, Exactness::Superset).into(),
                table.endpoints.iter().any(|endpoint| endpoint.sort.iter().any(|sort| sort.column == at)).into(),
                column.description.as_deref().into(),
                match column.source {
                    ColumnSource::Row | ColumnSource::Annotation => "row",
                    ColumnSource::Request => "request",
                    ColumnSource::Detail => "detail",
                }
                .into(),
                listed(operators.iter().map(|(operator, exactness)| with_exactness(*operator, *exactness))).into(),
                required_by(table, at).into(),
            ]
        };
        table.columns.iter().enumerate().map(column).collect()
    })
}

/// Operators that an endpoint evaluates this exactly on a column; `None` when there are none.
fn pushed(table: &Table, column: usize, wanted: Exactness) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for endpoint in &table.endpoints {
        let operators = endpoint.filters.column(column).into_iter().flat_map(|filter| &filter.operators);
        for (operator, exactness) in operators {
            if *exactness == wanted && !names.contains(&operator.sql()) {
                names.push(operator.sql());
            }
        }
    }
    listed(names)
}

/// Operators that some endpoint evaluates on a column, as exactly as the most exact one does.
fn operators(table: &Table, column: usize) -> Vec<(Operator, Exactness)> {
    let mut known: Vec<(Operator, Exactness)> = Vec::new();
    let filters = table.endpoints.iter().filter_map(|endpoint| endpoint.filters.column(column));
    for (operator, exactness) in filters.flat_map(|filter| &filter.operators) {
        match known.iter_mut().find(|(known, _)| known == operator) {
            Some((_, best)) => *best = (*best).max(*exactness),
            None => known.push((*operator, *exactness)),
        }
    }
    known
}

fn with_exactness(operator: Operator, exactness: Exactness) -> String {
    let how = match exactness {
        Exactness::Exact => "exact",
        Exactness::Superset => "rechecked",
    };
    format!("{} {how}", operator.sql())
}

/// Endpoints that cannot be asked without a filter on the column; `None` when there are none.
fn required_by(table: &Table, column: usize) -> Option<String> {
    let needs = |endpoint: &&Endpoint| endpoint.filters.required().any(|filter| filter.column == column);
    listed(table.endpoints.iter().filter(needs).map(|endpoint| &endpoint.name))
}

pub(super) fn endpoints(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        let name = |column: usize| table.columns.get(column).map(|column| column.name.as_str());
        let endpoint = |endpoint: &Endpoint| {
            vec![
                connection.into(),
                table.name.as_str().into(),
                endpoint.name.as_str().into(),
                kind(endpoint.kind).into(),
                endpoint.path.as_str().into(),
                endpoint.filters.dialect.as_ref().map(Dialect::name).into(),
                endpoint.sort.len().into(),
                paging(&endpoint.paging).into(),
                endpoint.window.map(window).into(),
                projection(&endpoint.projection).into(),
                endpoint.count.map(|count| format!("{count:?}").to_lowercase()).into(),
                endpoint.max_url_length.into(),
                match endpoint.method {
                    Method::Get => "GET",
                    Method::Post => "POST",
                }
                .into(),
                endpoint.page_size.as_ref().map(|size| size.max).into(),
                listed(endpoint.filters.required().filter_map(|filter| name(filter.column))).into(),
                endpoint
                    .columns
                    .as_ref()
                    .and_then(|columns| listed(columns.iter().filter_map(|&column| name(column))))
                    .into(),
                endpoint.ceiling.map(|ceiling| ceiling.rows).into(),
                endpoint.ceiling.and_then(|ceiling| name(ceiling.slice_by?)).into(),
                endpoint.stable.into(),
                (if endpoint.eventual { "eventual" } else { "strong" }).into(),
            ]
        };
        let kinds = [WriteKind::Insert, WriteKind::Update, WriteKind::Delete];
        let writes = kinds.into_iter().filter_map(|kind| written(connection, table, kind));
        table.endpoints.iter().map(endpoint).chain(writes).collect()
    })
}

/// A write as one of the endpoints: where it goes for one row, or with several if there is nothing else.
fn written(connection: &str, table: &Table, kind: WriteKind) -> Option<Vec<Value>> {
    let write = table.writes.get(kind)?;
    let of_single = write.single.as_ref().map(|single| (&single.path, single.method));
    let (path, method) = of_single.or(write.batch.as_ref().map(|batch| (&batch.path, batch.method)))?;
    let name = |column: usize| table.columns.get(column).map(|column| column.name.as_str());
    let required = write.columns.iter().filter(|column| column.required).filter_map(|column| name(column.column));
    let columns = write.columns.iter().filter_map(|column| name(column.column));
    let mut row = vec![
        connection.into(),
        table.name.as_str().into(),
        kind.name().into(),
        kind.name().into(),
        path.as_str().into(),
    ];
    // Filters, order, paging and counts belong to reading.
    row.resize(METHOD, Value::Null);
    row.extend([
        describe::method(method).into(),
        write.batch.as_ref().map(|batch| batch.max).into(),
        listed(required).into(),
        listed(columns).into(),
    ]);
    Some(row)
}

/// Place of the column `method` in `system.endpoints`.
const METHOD: usize = 12;

/// As manifests name it.
fn kind(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::List => "list",
        EndpointKind::Get => "get",
        EndpointKind::GetMany => "get_many",
        EndpointKind::Search => "search",
        _ => "other",
    }
}

fn paging(paging: &Paging) -> &'static str {
    match paging {
        Paging::Single => "single",
        Paging::NextUrl => "next_url",
        Paging::LinkHeader => "link",
        Paging::Page { .. } => "page",
        Paging::Offset { .. } => "offset",
        Paging::Cursor { .. } => "cursor",
        Paging::Keyset { .. } => "keyset",
        _ => "other",
    }
}

fn window(window: Window) -> String {
    format!("{window:?}").to_lowercase()
}

fn projection(projection: &Projection) -> &'static str {
    match projection {
        Projection::Whole => "whole",
        Projection::Select => "select",
        Projection::Fields { .. } => "fields",
        _ => "other",
    }
}

/// The names with commas between them; `None` when there are none.
fn listed(names: impl IntoIterator<Item = impl AsRef<str>>) -> Option<String> {
    let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
