//! What a connector offers, for people: tables, columns, and what of a query each one takes to the API.

use std::collections::BTreeMap;

use tidegate_spec::{
    Column, ColumnSource, ColumnType, Endpoint, EndpointKind, Exactness, Idempotency, Manifest, Method, Model,
    Operator, Paging, Per, Table, TimestampFormat, Write, WriteKind, WriteMethod,
};

use super::registry::summary;
use crate::{Error, ErrorKind, Result};

/// One column of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Table.
    pub table: String,
    /// Column.
    pub column: String,
    /// Type, as a manifest writes it.
    pub data_type: String,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Endpoints and the operators that they take on it: `list: = >=; get: = (required)`. `exact` where no second look
    /// is needed.
    pub filters: String,
    /// Endpoints that sort by it.
    pub sorts: String,
    /// Writes that carry it: `insert (required), update`.
    pub writes: String,
    /// What the API's description says of it.
    pub description: String,
}

/// The columns of a manifest's tables, with what they push down. Options that are not set stand for themselves.
///
/// # Errors
/// When the manifest does not compile.
pub fn columns(manifest: &Manifest) -> Result<Vec<ColumnInfo>> {
    let of_table = |table: &Table| (0..table.columns.len()).map(|index| info(table, index)).collect::<Vec<_>>();
    Ok(model(manifest)?.tables.iter().flat_map(of_table).collect())
}

/// A line for each endpoint and each write of a manifest: what is asked, how pages follow each other, how many rows a
/// write takes, and what makes it safe to repeat.
///
/// # Errors
/// When the manifest does not compile.
pub fn endpoints(manifest: &Manifest) -> Result<Vec<String>> {
    let of_table = |table: &Table| {
        let reads = table.endpoints.iter().map(|endpoint| line(table, endpoint));
        reads.chain(table.writes.iter().map(|(kind, write)| write_line(table, kind, write))).collect::<Vec<_>>()
    };
    Ok(model(manifest)?.tables.iter().flat_map(of_table).collect())
}

fn model(manifest: &Manifest) -> Result<Model> {
    let required = manifest.options().into_iter().filter(|option| option.required);
    let values: BTreeMap<String, String> = required.map(|option| (option.name.clone(), option.name)).collect();
    manifest.compile(&values).map_err(|problems| Error::new(ErrorKind::Connection, summary(&problems)))
}

fn line(table: &Table, endpoint: &Endpoint) -> String {
    let method = match endpoint.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let mut line = format!("{}.{}: {method} {}", table.name, endpoint.name, endpoint.path);
    if endpoint.kind == EndpointKind::Get {
        line.push_str(", one row");
        return line;
    }
    line.push_str(match endpoint.paging {
        Paging::Single => ", one page",
        Paging::NextUrl => ", next URL in the body",
        Paging::LinkHeader => ", next URL in the Link header",
        Paging::Page { .. } => ", pages by number",
        Paging::Offset { .. } => ", pages by offset",
        Paging::Cursor { .. } => ", pages by cursor",
        Paging::Keyset { .. } => ", pages by the last key",
        _ => ", pages",
    });
    if let Some(size) = &endpoint.page_size {
        line.push_str(&format!(", {} rows a page", size.max));
    }
    if endpoint.count.is_some() {
        line.push_str(", tells the total");
    }
    if let Some(ceiling) = endpoint.ceiling {
        line.push_str(&format!(", stops at {} rows", ceiling.rows));
    }
    line
}

fn write_line(table: &Table, kind: WriteKind, write: &Write) -> String {
    let mut parts = Vec::new();
    if let Some(single) = &write.single {
        parts.push(format!("{} {}{}", method(single.method), single.path, key_of(single.idempotency.as_ref())));
    }
    if let Some(batch) = &write.batch {
        let key = key_of(batch.idempotency.as_ref());
        let job = if batch.job.is_some() { ", by a job" } else { "" };
        let all = if batch.atomic { ", all or nothing" } else { "" };
        parts.push(format!("{} {}, up to {} rows{all}{job}{key}", method(batch.method), batch.path, batch.max));
    }
    let mut line = format!("{}.{}: {}", table.name, kind.name(), parts.join("; or "));
    if let Some(version) = &write.version {
        line.push_str(&format!(", by version ({})", table.columns[version.column].name));
    }
    if write.append_only {
        line.push_str(", rows can only be added");
    }
    line
}

fn method(method: WriteMethod) -> &'static str {
    match method {
        WriteMethod::Post => "POST",
        WriteMethod::Put => "PUT",
        WriteMethod::Patch => "PATCH",
        WriteMethod::Delete => "DELETE",
    }
}

fn key_of(key: Option<&Idempotency>) -> &'static str {
    match key.map(|key| key.per) {
        None => "",
        Some(Per::Request) => ", once by a key",
        Some(Per::Row) => ", once by a key of each row",
    }
}

/// Writes that carry a column. What the API alone sets is named by none.
fn writes(table: &Table, index: usize) -> String {
    let carries = table.writes.iter().filter_map(|(kind, write)| {
        let column = write.columns.iter().find(|column| column.column == index)?;
        Some(format!("{}{}", kind.name(), if column.required { " (required)" } else { "" }))
    });
    carries.collect::<Vec<_>>().join(", ")
}

fn info(table: &Table, index: usize) -> ColumnInfo {
    let Column { name, data_type, nullable, description, source, .. } = &table.columns[index];
    let filters: Vec<String> = table.endpoints.iter().filter_map(|endpoint| filters(endpoint, index)).collect();
    let sorts = table.endpoints.iter().filter(|endpoint| endpoint.sort.iter().any(|sort| sort.column == index));
    let asked = (*source == ColumnSource::Request).then_some("the value asked for");
    let detail = table.detail_of(index).and_then(|detail| table.details.get(detail));
    let cost = detail.map(|detail| format!("costs a call for each row ({})", detail.endpoint.name));
    let said = description.as_deref().map(|text| text.trim().replace('\n', " "));
    ColumnInfo {
        table: table.name.clone(),
        column: name.clone(),
        data_type: type_name(data_type),
        key: table.key.contains(&index),
        nullable: *nullable,
        filters: filters.join("; "),
        sorts: sorts.map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>().join(", "),
        writes: writes(table, index),
        description: [said.or(asked.map(str::to_owned)), cost].into_iter().flatten().collect::<Vec<_>>().join("; "),
    }
}

fn filters(endpoint: &Endpoint, column: usize) -> Option<String> {
    let filter = endpoint.filters.column(column)?;
    let operator = |(operator, exactness): &(Operator, Exactness)| match exactness {
        Exactness::Exact => format!("{} (exact)", operator.sql()),
        Exactness::Superset => operator.sql().to_owned(),
    };
    let operators: Vec<String> = filter.operators.iter().map(operator).collect();
    let required = if filter.required { " required" } else { "" };
    Some(format!("{}: {}{required}", endpoint.name, operators.join(" ")))
}

fn type_name(data_type: &ColumnType) -> String {
    match data_type {
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Int16 => "int16".to_owned(),
        ColumnType::Int32 => "int32".to_owned(),
        ColumnType::Int64 => "int".to_owned(),
        ColumnType::Float32 => "float32".to_owned(),
        ColumnType::Float64 => "float".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::Timestamp { instant: false, .. } => "local_timestamp".to_owned(),
        ColumnType::Timestamp { format, .. } => match format {
            TimestampFormat::EpochSeconds => "timestamp(epoch_s)".to_owned(),
            TimestampFormat::EpochMillis => "timestamp(epoch_ms)".to_owned(),
            TimestampFormat::MicrosoftJson => "timestamp(ms_json)".to_owned(),
            _ => "timestamp".to_owned(),
        },
        ColumnType::Binary => "binary".to_owned(),
        ColumnType::Json => "json".to_owned(),
        ColumnType::List(items) => format!("list({})", type_name(items)),
        ColumnType::Struct(fields) => {
            let field = |field: &tidegate_spec::Field| format!("{}: {}", field.name, type_name(&field.data_type));
            format!("struct({{{}}})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
connector: crm
url: https://crm.example/
write_defaults: { idempotency: { header: Key, lifetime: 1h } }
tables:
  contacts:
    key: id
    columns: { id: int, name: text, etag: { from: annotation, path: etag } }
    list: { path: contacts }
    writes:
      insert: { post: contacts, required: [name] }
      update:
        patch: 'contacts/{id}'
        if_match: etag
        batch: { post: contacts/batch, max: 100, rows: '', atomic: true }
      delete: contacts/{id}
  events:
    columns: { name: text }
    writes:
      insert:
        append_only: true
        batch:
          { post: events, max: 500, rows: events, idempotency: { body: id, per: row, lifetime: 1d }, job: { at: url, state: s, done: [ok] } }
";

    #[test]
    fn writes_are_shown_with_what_they_take() {
        let manifest = Manifest::parse(MANIFEST, "crm.yaml").unwrap();
        assert_eq!(
            endpoints(&manifest).unwrap(),
            [
                "contacts.list: GET contacts, one page",
                "contacts.insert: POST contacts, once by a key",
                "contacts.update: PATCH contacts/{id}, once by a key; or POST contacts/batch, up to 100 rows, all or \
                 nothing, by version (etag)",
                "contacts.delete: DELETE contacts/{id}",
                "events.insert: POST events, up to 500 rows, by a job, once by a key of each row, rows can only be added",
            ]
        );
        let columns = columns(&manifest).unwrap();
        let writes: Vec<&str> = columns.iter().map(|column| column.writes.as_str()).collect();
        assert_eq!(writes, ["", "insert (required), update", "", "insert"]);
    }
}
