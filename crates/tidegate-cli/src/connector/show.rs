//! `tidegate connector show`: the columns as a result; how to connect, beside it.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use tidegate::{ColumnInfo, ConnectorInfo, Error};

use super::{print, texts};
use crate::args::Options;
use crate::{messages, open};

pub(super) fn run(options: &Options, name: &str) -> Result<(), Error> {
    let engine = open::engine(options)?;
    let connectors = engine.connectors();
    if let Some(discovers) = connectors.iter().find(|connector| connector.name == name && connector.tables.is_none()) {
        messages::say(&head(discovers));
        messages::say("its tables are discovered: make a connection, then SHOW TABLES FROM it");
        return Ok(());
    }
    let manifest = engine.manifest(name)?;
    messages::say(&head(&tidegate::describe(&manifest)));
    messages::say(&format!("endpoints:\n  {}", tidegate::endpoints(&manifest)?.join("\n  ")));
    print(options, table(&tidegate::columns(&manifest)?))
}

/// What it is, and the options with which a connection is made.
fn head(connector: &ConnectorInfo) -> String {
    let mut text = connector.name.clone();
    if !connector.description.is_empty() {
        text.push_str(": ");
        text.push_str(&connector.description);
    }
    text.push_str("\noptions of a connection:");
    for (name, takes) in &connector.options {
        text.push_str(&format!("\n  {name}: {takes}"));
    }
    text
}

fn table(columns: &[ColumnInfo]) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&ColumnInfo) -> &str| texts(columns.iter().map(of));
    let flag = |of: fn(&ColumnInfo) -> bool| -> ArrayRef {
        Arc::new(columns.iter().map(|column| Some(of(column))).collect::<BooleanArray>())
    };
    RecordBatch::try_from_iter([
        ("table", text(|column| &column.table)),
        ("column", text(|column| &column.column)),
        ("type", text(|column| &column.data_type)),
        ("key", flag(|column| column.key)),
        ("nullable", flag(|column| column.nullable)),
        ("filters", text(|column| &column.filters)),
        ("sorts", text(|column| &column.sorts)),
        ("writes", text(|column| &column.writes)),
        ("description", text(|column| &column.description)),
    ])
}
