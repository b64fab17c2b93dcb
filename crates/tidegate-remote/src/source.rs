//! Where requests go and on whose behalf: everything about a scan that is not data.

use std::sync::Arc;

use tidegate_transport::{Blanks, BodyMode, Operation, Purpose, Repeat, Statement, Transport};
use url::Url;

use crate::Tally;

/// A connection as a scan sees it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The connection's outermost layer.
    pub transport: Arc<dyn Transport>,
    /// Base URL, ending in `/`; endpoint paths are relative to it. A query in it goes with every request.
    pub base: Url,
    /// On whose behalf.
    pub principal: Arc<str>,
    /// Connection, as named in SQL.
    pub connection: Arc<str>,
    /// Partition, if the connection has any.
    pub partition: Option<Arc<str>>,
    /// The statement that pays.
    pub statement: Arc<Statement>,
    /// Whether answers have to come from the server now.
    pub fresh: bool,
    /// Who is told how many rows there are.
    pub tally: Option<Arc<dyn Tally>>,
    /// What must not be shown of answers.
    pub blanks: Blanks,
}

impl Source {
    /// An operation of this source.
    #[must_use]
    pub fn operation(&self, table: Option<&str>, endpoint: &str, purpose: Purpose, page: Option<u64>) -> Operation {
        self.operation_at(table.map(Arc::from), Arc::from(endpoint), purpose, page)
    }

    /// The same with names that many operations share.
    pub(crate) fn operation_at(
        &self,
        table: Option<Arc<str>>,
        endpoint: Arc<str>,
        purpose: Purpose,
        page: Option<u64>,
    ) -> Operation {
        Operation {
            principal: Arc::clone(&self.principal),
            connection: Arc::clone(&self.connection),
            partition: self.partition.clone(),
            table,
            endpoint,
            purpose,
            repeat: Repeat::Safe,
            page,
            attempt: 1,
            quota_wait: std::time::Duration::ZERO,
            body: BodyMode::default(),
            keeps: false,
            reuse: true,
            fresh: self.fresh,
            cache: None,
            statement: Arc::clone(&self.statement),
        }
    }
}
