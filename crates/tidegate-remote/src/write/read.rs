//! Rows by their keys, in as few requests as the table's endpoints allow.
//!
//! What is read decides whether a write is sent again. So nothing is believed that is not plain: an endpoint that lags
//! behind is not asked, a row of another key is not taken, and an answer with one where there should be only rows of the
//! keys asked for is an error and not "there is no such row".

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt as _;
use http::StatusCode;
use tidegate_spec::{Column, ColumnSource, ColumnType, EndpointKind, Table};
use tidegate_transport::redact_url;

use super::{Cells, rows_of, wire};
use crate::pushdown::{Alternative, alternatives, constrains};
use crate::{BadValue, CompareOp, Error, ErrorKind, Place, Predicate, Result, Scalar, ScanRequest, Source, scan};

/// Most keys in one request: the most that is sure to be answered soon.
const MOST_KEYS: usize = 100;

/// The rows with these keys, in their order; `None` where there is no such row. Each has the key's columns and `columns`.
/// The cells of a key may have values of columns that are no part of it, where requests need them, such as a parent in
/// the path.
///
/// # Errors
/// When no endpoint finds rows by their key and returns these columns, when a request fails, and when an answer has rows
/// of other keys than were asked for.
pub async fn read_rows(
    source: &Source,
    table: &Arc<Table>,
    keys: &[Cells],
    columns: &[usize],
) -> Result<Vec<Option<Cells>>> {
    let failed = |kind| Error { place: place(source, table), kind };
    let wanted = wanted(table, columns);
    let distinct = Distinct::of(table, keys).map_err(failed)?;
    if distinct.keys.is_empty() {
        return Ok(Vec::new());
    }
    let none = || {
        let message = format!("no endpoint of table {} finds rows by their key and is never behind", table.name);
        failed(ErrorKind::Unsupported(message))
    };
    let asked = (0..table.endpoints.len())
        .filter_map(|endpoint| Some((endpoint, requests(table, endpoint, &wanted, &distinct.keys)?)))
        .min_by_key(|(_, requests)| requests.len());
    let (endpoint, requests) = asked.ok_or_else(none)?;
    let mut found: HashMap<String, Cells> = HashMap::new();
    for request in requests {
        let reader = Reader { source, table, endpoint, columns: &wanted };
        reader.read(request, &mut found).await?;
    }
    Ok(distinct.of_each.iter().map(|&index| found.get(&distinct.texts[index]).cloned()).collect())
}

/// Whether rows of the table can be read back by their key, with these columns.
#[must_use]
pub fn can_read_back(table: &Table, columns: &[usize]) -> bool {
    let wanted = wanted(table, columns);
    let sample = |column: &Column| Some((column.name.clone(), sample(&column.data_type)?));
    let of_key = table.key.iter().filter_map(|&index| table.columns.get(index));
    let Some(mut key) = of_key.map(sample).collect::<Option<Cells>>().filter(|key| !key.is_empty()) else {
        return false;
    };
    let of_requests = table.columns.iter().filter(|column| column.source == ColumnSource::Request);
    key.extend(of_requests.filter_map(sample));
    (0..table.endpoints.len()).any(|endpoint| requests(table, endpoint, &wanted, &[&key]).is_some())
}

/// A value that any endpoint takes which takes values of the type.
fn sample(data_type: &ColumnType) -> Option<super::Cell> {
    Some(match data_type {
        ColumnType::Bool => true.into(),
        ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => 1.into(),
        ColumnType::Decimal { .. } => "1".into(),
        ColumnType::Text => "a".into(),
        ColumnType::Uuid => "00000000-0000-4000-8000-000000000000".into(),
        ColumnType::Date => "2024-01-01".into(),
        ColumnType::Timestamp { instant, .. } => super::digits::timestamp(0, *instant)?.into(),
        _ => return None,
    })
}

/// The key's columns and those asked for, each once.
fn wanted(table: &Table, columns: &[usize]) -> Vec<usize> {
    let mut wanted = table.key.clone();
    wanted.extend(columns.iter().filter(|column| !table.key.contains(column)));
    let mut seen = Vec::new();
    wanted.retain(|column| {
        !seen.contains(column) && {
            seen.push(*column);
            true
        }
    });
    wanted
}

/// Keys, each once.
struct Distinct<'k> {
    keys: Vec<&'k Cells>,
    /// The text of each of `keys`.
    texts: Vec<String>,
    /// For each key that was asked for its place in `keys`.
    of_each: Vec<usize>,
}

impl<'k> Distinct<'k> {
    fn of(table: &Table, keys: &'k [Cells]) -> Result<Self, ErrorKind> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut distinct = Self { keys: Vec::new(), texts: Vec::new(), of_each: Vec::new() };
        for key in keys {
            let text = key_text(table, key)?;
            let place = *places.entry(text.clone()).or_insert_with(|| {
                distinct.keys.push(key);
                distinct.texts.push(text);
                distinct.keys.len() - 1
            });
            distinct.of_each.push(place);
        }
        Ok(distinct)
    }
}

/// The key as one text that is the same for the same key.
fn key_text(table: &Table, cells: &Cells) -> Result<String, ErrorKind> {
    let part = |&index: &usize| {
        let column = table.columns.get(index)?;
        let cell = cells.get(&column.name).filter(|cell| !cell.is_null())?;
        let is_uuid = matches!(column.data_type, ColumnType::Uuid);
        Some(if is_uuid { cell.to_string().to_ascii_lowercase() } else { cell.to_string() })
    };
    let parts: Option<Vec<String>> = table.key.iter().map(part).collect();
    let parts = parts.filter(|parts| !parts.is_empty());
    let missing =
        || ErrorKind::Unsupported(format!("a row of table {} cannot be read without its whole key", table.name));
    Ok(parts.ok_or_else(missing)?.join(","))
}

/// One scan, and the keys whose rows it returns.
struct Asked {
    filter: Option<Predicate>,
    /// Texts of keys.
    keys: Vec<String>,
    /// Whether only rows of these keys can come.
    is_exact: bool,
}

/// The scans of an endpoint that return the rows of these keys; `None` when it cannot be asked for them.
fn requests(table: &Table, endpoint: usize, wanted: &[usize], keys: &[&Cells]) -> Option<Vec<Asked>> {
    let declared = table.endpoints.get(endpoint)?;
    let returned = |&column: &usize| {
        let source = table.columns.get(column).map(|column| column.source);
        source == Some(ColumnSource::Request) || declared.returns(column)
    };
    if declared.eventual || declared.kind == EndpointKind::Search || !wanted.iter().all(returned) {
        return None;
    }
    let mut asked = Vec::new();
    let mut rest = keys;
    while !rest.is_empty() {
        let mut size = rest.len().min(MOST_KEYS);
        let taken = loop {
            match scans(table, endpoint, &rest[..size]) {
                Some(scans) => break scans,
                None if size == 1 => return None,
                None => size = size.div_ceil(2).min(size - 1),
            }
        };
        asked.extend(taken);
        rest = &rest[size..];
    }
    Some(asked)
}

/// The scans for these keys, if each of them asks for nothing but such.
fn scans(table: &Table, endpoint: usize, keys: &[&Cells]) -> Option<Vec<Asked>> {
    let filter = filter(table, keys)?;
    let texts = keys.iter().map(|key| key_text(table, key).ok()).collect::<Option<Vec<_>>>()?;
    let found: Vec<Alternative> = alternatives(table, endpoint, Some(&filter)).ok()?;
    let is_of_keys = |one: &Alternative| {
        let of_key = |&column: &usize| one.pushed.predicate.as_ref().is_some_and(|sent| constrains(sent, column));
        table.key.iter().all(of_key)
    };
    if !found.iter().all(is_of_keys) {
        return None;
    }
    let is_get = table.endpoints.get(endpoint)?.kind == EndpointKind::Get;
    if is_get && (keys.len() > 1 && found.len() != keys.len()) {
        return None;
    }
    let asked = found.into_iter().map(|one| {
        let of_it =
            |index: &usize| one.keys.iter().all(|(column, values)| in_values(table, *column, values, keys[*index]));
        let keys = (0..keys.len()).filter(of_it).map(|index| texts[index].clone()).collect();
        Asked { is_exact: is_get || one.pushed.exact, filter: one.pushed.predicate, keys }
    });
    Some(asked.collect())
}

fn in_values(table: &Table, column: usize, values: &[Scalar], key: &Cells) -> bool {
    let value = table.columns.get(column).and_then(|column| wire::scalar(&column.data_type, key.get(&column.name)?));
    value.is_some_and(|value| values.contains(&value))
}

/// The condition that a row has one of these keys.
fn filter(table: &Table, keys: &[&Cells]) -> Option<Predicate> {
    let is_input = |index: &usize| table.columns[*index].source == ColumnSource::Request && !table.key.contains(index);
    let mut columns: Vec<usize> = table.key.clone();
    columns.extend(
        (0..table.columns.len()).filter(is_input).filter(|&index| keys[0].contains_key(&table.columns[index].name)),
    );
    let value = |column: usize, key: &Cells| {
        let column = table.columns.get(column)?;
        wire::scalar(&column.data_type, key.get(&column.name)?)
    };
    // What is the same for all keys is said once, so that parents in the path are values and no list.
    let (mut shared, mut open) = (Vec::new(), Vec::new());
    for column in columns {
        let first = value(column, keys[0])?;
        if keys.iter().all(|key| value(column, key).as_ref() == Some(&first)) {
            shared.push(Predicate::Compare { column, op: CompareOp::Eq, value: first });
        } else {
            open.push(column);
        }
    }
    match open.as_slice() {
        [] => {}
        [column] => {
            let values = keys.iter().map(|key| value(*column, key)).collect::<Option<Vec<_>>>()?;
            shared.push(Predicate::In { column: *column, values, negated: false });
        }
        several => {
            let one = |key: &&Cells| {
                let parts = several
                    .iter()
                    .map(|&column| Some(Predicate::Compare { column, op: CompareOp::Eq, value: value(column, key)? }));
                parts.collect::<Option<Vec<_>>>().map(Predicate::And)
            };
            shared.push(Predicate::Or(keys.iter().map(one).collect::<Option<Vec<_>>>()?));
        }
    }
    if shared.len() > 1 { Some(Predicate::And(shared)) } else { shared.pop() }
}

fn place(source: &Source, table: &Table) -> Place {
    Place {
        connection: source.connection.to_string(),
        table: Some(table.name.clone()),
        partition: source.partition.as_deref().map(str::to_owned),
        row: None,
        page: None,
        url: redact_url(&source.base),
    }
}

struct Reader<'a> {
    source: &'a Source,
    table: &'a Arc<Table>,
    endpoint: usize,
    columns: &'a [usize],
}

impl Reader<'_> {
    async fn read(&self, asked: Asked, found: &mut HashMap<String, Cells>) -> Result<()> {
        let request = ScanRequest {
            table: Arc::clone(self.table),
            endpoint: self.endpoint,
            columns: self.columns.to_vec(),
            filter: asked.filter.clone(),
            sort: Vec::new(),
            fetch: None,
            skip: 0,
            on_bad_value: BadValue::Fail,
        };
        let mut pages = scan(self.source.clone(), request);
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(error) if self.is_no_row(&error) => return Ok(()),
                page => page?,
            };
            let named: Vec<(usize, &Column)> =
                self.columns.iter().enumerate().map(|(at, &column)| (at, &self.table.columns[column])).collect();
            for row in rows_of(&page.batch, &named).map_err(|kind| self.failed(kind))? {
                self.take(&asked, row, found).map_err(|kind| self.failed(kind))?;
            }
        }
        Ok(())
    }

    /// That a row is asked for by its key and not there is no failure.
    fn is_no_row(&self, error: &Error) -> bool {
        let is_get = self.table.endpoints.get(self.endpoint).is_some_and(|endpoint| endpoint.kind == EndpointKind::Get);
        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
        is_get && matches!(&error.kind, ErrorKind::Status { status, .. } if gone.contains(status))
    }

    fn take(&self, asked: &Asked, row: Cells, found: &mut HashMap<String, Cells>) -> Result<(), ErrorKind> {
        let key = key_text(self.table, &row)?;
        if !asked.keys.contains(&key) {
            if asked.is_exact {
                let message = "the server answers with a row of another key than it was asked for".to_owned();
                return Err(ErrorKind::Body(message));
            }
            return Ok(());
        }
        match found.insert(key, row.clone()) {
            Some(before) if before != row => {
                Err(ErrorKind::Body("the server answers with two rows of one key that differ".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, kind: ErrorKind) -> Error {
        Error { place: place(self.source, self.table), kind }.blanked(&self.source.blanks)
    }
}
