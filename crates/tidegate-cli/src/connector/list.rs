//! `tidegate connector list`: a row for each connector.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, UInt64Array};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use tidegate::{ConnectorInfo, ConnectorKind, Error};

use super::{print, texts};
use crate::args::Options;
use crate::open;

pub(super) fn run(options: &Options) -> Result<(), Error> {
    print(options, table(&open::engine(options)?.connectors()))
}

fn table(connectors: &[ConnectorInfo]) -> Result<RecordBatch, ArrowError> {
    let from: Vec<String> = connectors.iter().map(from).collect();
    let takes: Vec<String> = connectors.iter().map(takes).collect();
    let tables = connectors.iter().map(|connector| connector.tables.map(|tables| tables as u64));
    let tables: ArrayRef = Arc::new(tables.collect::<UInt64Array>());
    RecordBatch::try_from_iter([
        ("connector", texts(connectors.iter().map(|connector| connector.name.as_str()))),
        ("from", texts(from.iter().map(String::as_str))),
        ("tables", tables),
        ("ready", texts(connectors.iter().map(|connector| connector.ready.as_deref().unwrap_or_default()))),
        ("options", texts(takes.iter().map(String::as_str))),
        ("description", texts(connectors.iter().map(|connector| connector.description.as_str()))),
    ])
}

fn from(connector: &ConnectorInfo) -> String {
    match &connector.kind {
        ConnectorKind::BuiltIn => "built in".to_owned(),
        ConnectorKind::Bundled => "bundled".to_owned(),
        ConnectorKind::File(path) => path.display().to_string(),
    }
}

fn takes(connector: &ConnectorInfo) -> String {
    connector.options.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}
