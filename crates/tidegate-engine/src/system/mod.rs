//! The `system` schema: what the engine knows of itself, as tables.
//!
//! Every table is read when it is scanned, not when the query is planned, so that a prepared statement shows what
//! is then. Nothing here sends a call.

mod api;
mod cache;
mod counters;
mod mutations;
mod quotas;
pub(crate) mod rows;
mod tables;
mod types;
mod warnings;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, TryStreamExt, stream};

pub(crate) use counters::{Counters, scopes};
pub(crate) use types::sql_type;
pub(crate) use warnings::Warnings;

use crate::catalog::Target;
use crate::session::Shared;
use tables::{Reader, SystemTable, Wants};

/// Names of all system tables.
pub(crate) fn names() -> Vec<String> {
    tables::ALL.iter().map(|table| table.name.to_owned()).collect()
}

/// Names of the columns of a system table.
pub(crate) fn columns(table: &str) -> Option<Vec<String>> {
    let table = tables::ALL.iter().find(|known| known.name == table)?;
    Some(table.columns.iter().map(|(name, _)| (*name).to_owned()).collect())
}

/// Whether a query over this name wants to see all tables of all connections.
pub(crate) fn lists_tables(target: &Target) -> bool {
    match target {
        Target::InformationSchema(table) => matches!(table.as_str(), "tables" | "columns" | "views"),
        Target::System(table) => tables::ALL.iter().any(|known| known.name == table && known.wants == Wants::Tables),
        Target::Main(_) | Target::Connection { .. } => false,
    }
}

/// Whether a query over this name wants to see all partitions of all connections.
pub(crate) fn lists_partitions(target: &Target) -> bool {
    match target {
        Target::System(table) => {
            tables::ALL.iter().any(|known| known.name == table && known.wants == Wants::Partitions)
        }
        Target::InformationSchema(_) | Target::Main(_) | Target::Connection { .. } => false,
    }
}

/// The schema, as one session sees it.
#[derive(Debug)]
pub(crate) struct SystemSchema {
    shared: Arc<Shared>,
}

impl SystemSchema {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = tables::ALL.iter().find(|table| table.name == name) else { return Ok(None) };
        let schema = rows::schema(table.columns);
        let live = LiveTable { table, schema: Arc::clone(&schema), shared: Arc::clone(&self.shared) };
        Ok(Some(Arc::new(StreamingTable::try_new(schema, vec![Arc::new(live)])?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        tables::ALL.iter().any(|table| table.name == name)
    }
}

/// A system table that is read when it is executed.
#[derive(Debug)]
struct LiveTable {
    table: &'static SystemTable,
    schema: SchemaRef,
    shared: Arc<Shared>,
}

impl PartitionStream for LiveTable {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (table, schema, shared) = (self.table, Arc::clone(&self.schema), Arc::clone(&self.shared));
        let pages = async move {
            Ok::<_, DataFusionError>(match table.rows {
                Reader::Now(read) => stream::iter([read(&shared)]).boxed(),
                Reader::Ledger(read) => stream::iter([read(&shared).await]).boxed(),
                Reader::Journal(read) => read(&shared).map_err(DataFusionError::from).boxed(),
            })
        };
        let batches = stream::once(pages).try_flatten().and_then(move |rows| {
            let batch = rows::batch(&schema, &rows);
            async move { batch }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
