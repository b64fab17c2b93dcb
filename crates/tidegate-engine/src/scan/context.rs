//! What a scan operator looks up when it runs: it holds only data itself.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use tidegate_remote::Source;
use tidegate_transport::Statement;

use crate::Connection;

/// Connections by name, and the statement that pays. Put into the `SessionConfig` of each execution as an
/// extension, found by operators in their `TaskContext`.
#[derive(Debug)]
pub struct ScanContext {
    /// Connections by the name in SQL.
    pub connections: HashMap<String, Arc<Connection>>,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// The statement that pays.
    pub statement: Arc<Statement>,
}

impl ScanContext {
    /// The source of this connection in this task.
    ///
    /// # Errors
    /// When the task has no scan context, or the connection was dropped since planning.
    pub fn source(task: &TaskContext, connection: &str) -> Result<Source> {
        let context = task
            .session_config()
            .get_extension::<Self>()
            .ok_or_else(|| DataFusionError::Internal("a scan was run outside a tidegate session".to_owned()))?;
        let connection = context
            .connections
            .get(connection)
            .ok_or_else(|| DataFusionError::Plan(format!("connection {connection} was dropped")))?;
        Ok(connection.source(&context.principal, &context.statement))
    }
}
