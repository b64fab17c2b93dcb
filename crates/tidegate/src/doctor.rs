//! Looks one connection over: can it be reached, does it let us in, does its clock agree, what do its headers say.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use http::{HeaderMap, Method};
use tidegate_engine::{Connection, Partitions};
use tidegate_remote::{BadValue, ScanRequest, Source, partition};
use tidegate_spec::{ColumnSource, Endpoint, EndpointKind, Model, Table};
use tidegate_transport::{Purpose, Request, Response, Statement};

use crate::{Engine, Result};

/// Above this the server's clock or ours is off enough to matter for tokens and quota windows.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What: `reach`, `login`, `metadata` or `tables`, `clock`, `limits`.
    pub name: &'static str,
    /// How it stands.
    pub state: CheckState,
    /// What was found, and what to do if it is not well.
    pub finding: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Well.
    Ok,
    /// Worth knowing.
    Note,
    /// Not well.
    Failed,
}

impl Engine {
    /// Looks a connection over, with two calls at most: its base URL, and `$metadata` or a page of
    /// a table.
    ///
    /// # Errors
    /// When there is no connection of this name. What is wrong with the connection is in the checks.
    pub async fn doctor(&self, name: &str) -> Result<Vec<Check>> {
        let connection = self.inner.connection(name).ok_or_else(|| self.no_connection(name))?;
        let source = match source(&connection) {
            Ok(source) => source,
            Err(error) => return Ok(vec![failed("reach", error.to_string())]),
        };
        let sent_at = self.clock.now();
        let response = match root(&source).await {
            Ok(response) => response,
            Err(error) => return Ok(vec![failed("reach", error.to_string())]),
        };
        let took = self.clock.now().duration_since(sent_at).unwrap_or_default();
        let mut checks = vec![ok("reach", format!("{} answered in {} ms", source.base, took.as_millis()))];
        checks.push(login(&connection, &response));
        checks.push(clock(&response.headers, sent_at + took / 2));
        checks.push(limits(&response.headers));
        checks.push(metadata(&connection, source).await);
        Ok(checks)
    }
}

/// What is asked: of a connection that names its partitions, the first of them that is selected.
fn source(connection: &Connection) -> std::result::Result<Source, tidegate_remote::ErrorKind> {
    let source = connection.source(&Arc::from("doctor"), &Arc::new(Statement::new(0)));
    let Partitions::Named(partitions) = &connection.partitions else { return Ok(source) };
    let selected = connection.def.default_partitions.iter().flatten().next();
    match selected.or(partitions.first().map(|partition| &partition.code)) {
        Some(code) => source.with_partition(code),
        None => Ok(source),
    }
}

/// Asks the base URL.
async fn root(source: &Source) -> tidegate_transport::Result<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
    let operation = source.operation(None, "service root", Purpose::Metadata, None);
    let (url, body) = (source.base.clone(), bytes::Bytes::new());
    source.transport.send(Request { method: Method::GET, url, headers, body, operation }).await
}

fn login(connection: &Connection, response: &Response) -> Check {
    let status = response.status;
    let is_service = matches!(connection.connector, tidegate_engine::Connector::OData(_));
    match status.as_u16() {
        401 | 403 => failed(
            "login",
            format!("the server answered {status}: check the credentials of connection {}", connection.def.name),
        ),
        400.. if is_service => failed("login", format!("the service root answered {status}: check the url")),
        400.. => note("login", format!("the base URL answered {status}, which says nothing: see the tables")),
        _ => ok("login", format!("the base URL answered {status}")),
    }
}

fn clock(headers: &HeaderMap, here: SystemTime) -> Check {
    let date = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
    let Some(there) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return note("clock", "the server sends no Date header: its clock cannot be compared".to_owned());
    };
    let (ahead, apart) = match here.duration_since(there) {
        Ok(apart) => ("ahead of", apart),
        Err(error) => ("behind", error.duration()),
    };
    let finding = format!("this machine's clock is {} s {ahead} the server's", apart.as_secs());
    if apart > CLOCK_TOLERANCE {
        failed("clock", format!("{finding}: set one of them right"))
    } else {
        ok("clock", finding)
    }
}

fn limits(headers: &HeaderMap) -> Check {
    let said: Vec<_> = headers
        .iter()
        .filter(|(name, _)| {
            name.as_str().contains("ratelimit") || name.as_str().contains("rate-limit") || *name == "retry-after"
        })
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("(not text)")))
        .collect();
    if said.is_empty() {
        note("limits", "the server's headers say nothing of limits".to_owned())
    } else {
        ok("limits", said.join(", "))
    }
}

async fn metadata(connection: &Connection, source: Source) -> Check {
    let options = match &connection.connector {
        tidegate_engine::Connector::OData(options) => options,
        tidegate_engine::Connector::Manifest(model) => return first_page(source, model).await,
        _ => return note("metadata", "this connector does not describe itself".to_owned()),
    };
    let description = match tidegate_remote::discover::odata_metadata(&source, None).await {
        Ok(Some(description)) => description,
        Ok(None) => return failed("metadata", "the server answered 'not modified' to a first request".to_owned()),
        Err(error) => return failed("metadata", error.to_string()),
    };
    match tidegate_spec::odata::parse(&description.document, options) {
        Ok(model) => ok("metadata", format!("{} tables", model.tables.len())),
        Err(error) => failed("metadata", error.to_string()),
    }
}

/// Asks for the first page of the first table that can be listed without a filter.
async fn first_page(source: Source, model: &Model) -> Check {
    let listed = |table: &Table| {
        let is_list = |endpoint: &Endpoint| {
            endpoint.kind == EndpointKind::List
                && endpoint.filters.required().next().is_none()
                && endpoint.columns.is_none()
                && (source.partition.is_some() || !partition::in_endpoint(endpoint))
        };
        Some((Arc::new(table.clone()), table.endpoints.iter().position(is_list)?))
    };
    let tables = model.tables.len();
    let Some((table, endpoint)) = model.tables.iter().find_map(listed) else {
        return note("tables", format!("{tables} tables, none of which can be listed without a filter"));
    };
    let name = table.name.clone();
    let request = ScanRequest {
        columns: (0..table.columns.len()).filter(|&at| table.columns[at].source == ColumnSource::Row).collect(),
        table,
        endpoint,
        filter: None,
        sort: Vec::new(),
        fetch: Some(1),
        skip: 0,
        on_bad_value: BadValue::Fail,
    };
    match tidegate_remote::scan(source, request).next().await {
        Some(Ok(page)) => {
            ok("tables", format!("{tables} tables; the first page of {name} has {} rows", page.batch.num_rows()))
        }
        Some(Err(error)) => failed("tables", error.to_string()),
        None => note("tables", format!("{tables} tables; {name} answered with no page")),
    }
}

fn ok(name: &'static str, finding: String) -> Check {
    Check { name, state: CheckState::Ok, finding }
}

fn note(name: &'static str, finding: String) -> Check {
    Check { name, state: CheckState::Note, finding }
}

fn failed(name: &'static str, finding: String) -> Check {
    Check { name, state: CheckState::Failed, finding }
}
