//! DataFusion's view of a session's names. Nothing here sends a call: what is not known yet is not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::sql::parser::Statement;

use super::{Known, MAIN, SYSTEM};
use crate::scan::ApiTable;
use crate::session::Shared;
use crate::system::SystemSchema;
use crate::{Connection, partitions};

/// The catalog of one session.
#[derive(Debug)]
pub(crate) struct SessionCatalog {
    shared: Arc<Shared>,
}

impl SessionCatalog {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl CatalogProvider for SessionCatalog {
    fn schema_names(&self) -> Vec<String> {
        let connections = self.shared.connections().into_keys();
        [MAIN.to_owned(), SYSTEM.to_owned()].into_iter().chain(connections).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            MAIN => Some(Arc::clone(self.shared.main()) as _),
            SYSTEM => Some(Arc::new(SystemSchema::new(Arc::clone(&self.shared)))),
            name => {
                let connection = self.shared.connection(name)?;
                let known = self.shared.engine().models().known(&connection);
                let is_default = self.shared.default_schema() == name;
                let fallback = is_default.then(|| Arc::clone(self.shared.main()));
                let shared = Arc::clone(&self.shared);
                Some(Arc::new(ApiSchema { shared, connection, known, fallback }))
            }
        }
    }
}

/// The tables of one connection.
#[derive(Debug)]
struct ApiSchema {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    known: Option<Arc<Known>>,
    /// Local tables, found after the connection's own while it is the default schema.
    fallback: Option<Arc<MainSchema>>,
}

#[async_trait]
impl SchemaProvider for ApiSchema {
    fn table_names(&self) -> Vec<String> {
        let tables = self.known.iter().flat_map(|known| known.tables.iter());
        tables.map(|table| table.name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.known.as_ref().and_then(|known| known.table(name)) {
            let on_bad_value = self.shared.settings().on_bad_value;
            let found = ApiTable::with_bad_values(Arc::clone(&self.connection), Arc::clone(table), on_bad_value);
            let found = if partitions::is_partitioned(&self.connection, table) {
                found.over(partitions::reach(&self.shared, &self.connection))
            } else {
                found
            };
            return Ok(Some(Arc::new(found)));
        }
        match &self.fallback {
            Some(main) => main.table(name).await,
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.known.as_ref().is_some_and(|known| known.table(name).is_some())
    }
}

/// Local tables and views, and the files that statements have named.
#[derive(Debug, Default)]
pub(crate) struct MainSchema {
    tables: MemorySchemaProvider,
    files: Mutex<HashMap<String, Arc<dyn TableProvider>>>,
    views: Mutex<HashMap<String, Definition>>,
}

/// What a view was made from. DataFusion keeps a plan over the tables of that moment; an API's tables may have
/// changed since, and so may the connection under the name.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// The CREATE VIEW.
    pub(crate) statement: Statement,
    /// The schema that its bare names meant.
    pub(crate) default_schema: String,
}

impl MainSchema {
    /// Keeps what a view was made from, for planning it anew.
    pub(crate) fn put_definition(&self, name: &str, definition: Definition) {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), definition);
    }

    /// What the view of this name was made from.
    pub(crate) fn definition(&self, name: &str) -> Option<Definition> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Puts a view planned anew in place of the old one.
    pub(crate) fn replace_view(&self, name: &str, view: Arc<dyn TableProvider>) -> Result<()> {
        self.tables.deregister_table(name)?;
        self.tables.register_table(name.to_owned(), view)?;
        Ok(())
    }

    /// Makes a file known under its path, as it is now.
    pub(crate) fn put_file(&self, path: &str, table: Arc<dyn TableProvider>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), table);
    }

    /// Whether a statement has named this file.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).contains_key(path)
    }
}

#[async_trait]
impl SchemaProvider for MainSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.tables.table(name).await? {
            return Ok(Some(table));
        }
        Ok(self.files.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        self.tables.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.tables.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.table_exist(name)
    }
}
