//! A connection as the engine sees it: a name, a way to send requests, and how it describes itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_remote::Source;
use tidegate_spec::manifest::Quota;
use tidegate_spec::{Model, odata};
use tidegate_transport::{Blanks, Metering, Statement, Transport};
use url::Url;

use crate::Result;

/// A connection as it was asked for, before any credential is looked up. This is what may be kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionDef {
    /// Name: the SQL schema.
    pub name: String,
    /// Connector: `odata`, or the name of a manifest.
    pub connector: String,
    /// Options by name.
    pub options: BTreeMap<String, OptionValue>,
    /// Its partitions, if the connection names them itself.
    pub partitions: Option<Vec<Partition>>,
    /// Codes of the partitions that are selected without USE; all when `None`.
    pub default_partitions: Option<Vec<String>>,
    /// Quotas beside those of the connector; one of the same name replaces the connector's.
    pub quotas: Vec<Quota>,
}

/// An account, tenant, division, organisation or shop that a connection reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// What `{partition}` stands for, and what SQL names it by.
    pub code: String,
    /// What people know it by.
    pub name: Option<String>,
}

/// Where a connection's partitions are known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partitions {
    /// It has none.
    None,
    /// They are named.
    Named(Arc<[Partition]>),
    /// A table of the connection lists them; none of its requests needs a partition.
    Listed(tidegate_spec::manifest::Partitions),
}

/// The value of an option.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionValue {
    /// Written down.
    Text(String),
    /// The value of an environment variable, looked up when the connection is opened.
    Env(String),
}

impl Debug for OptionValue {
    /// A literal may be a password: only the name of a variable is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Env(name) => write!(f, "Env({name})"),
        }
    }
}

/// Opens connections: the facade, which alone puts layers in order and looks up credentials.
pub trait Connect: Send + Sync + Debug {
    /// Checks the options and builds the layers. Sends nothing.
    ///
    /// # Errors
    /// An unknown connector or option, a missing or malformed one, an environment variable that is not set.
    fn open(&self, def: &ConnectionDef) -> Result<Connection>;

    /// The connection of this name that is there without having been made. None by default.
    fn offered(&self, _name: &str) -> Option<ConnectionDef> {
        None
    }

    /// Names of those that are listed beside the ones that were made: their credentials are at hand. None by default.
    fn offered_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is needed for a connection of this name to be offered, as an advice. None by default.
    fn advice(&self, _name: &str) -> Option<String> {
        None
    }
}

/// An open connection. Sharing it shares its sockets.
#[derive(Debug, Clone)]
pub struct Connection {
    /// What it was made from.
    pub def: ConnectionDef,
    /// Base URL, ending in `/`, without user information.
    pub base: Url,
    /// Outermost layer.
    pub transport: Arc<dyn Transport>,
    /// How it describes itself.
    pub connector: Connector,
    /// Identifies origin, path and credential without telling the credential: the key of what is cached.
    pub fingerprint: String,
    /// What must not be shown of its server's answers.
    pub blanks: Blanks,
    /// Whether mutations are allowed.
    pub writes: bool,
    /// Its partitions.
    pub partitions: Partitions,
    /// What its calls come out of.
    pub metering: Arc<Metering>,
}

/// How a connection describes itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Connector {
    /// Reads `$metadata`.
    OData(odata::Options),
    /// Is told: a manifest, compiled with the connection's options when it was opened.
    Manifest(Arc<Model>),
}

impl Connection {
    /// A source whose calls are paid for by `statement`.
    #[must_use]
    pub fn source(&self, principal: &Arc<str>, statement: &Arc<Statement>) -> Source {
        Source {
            transport: Arc::clone(&self.transport),
            base: self.base.clone(),
            principal: Arc::clone(principal),
            connection: Arc::from(self.def.name.as_str()),
            partition: None,
            statement: Arc::clone(statement),
            fresh: false,
            tally: None,
            blanks: self.blanks.clone(),
        }
    }
}

impl ConnectionDef {
    /// A connection with these options, and with the partitions and quotas of its connector.
    #[must_use]
    pub fn new(name: &str, connector: &str, options: BTreeMap<String, OptionValue>) -> Self {
        Self {
            name: name.to_owned(),
            connector: connector.to_owned(),
            options,
            partitions: None,
            default_partitions: None,
            quotas: Vec::new(),
        }
    }

    /// An `odata` connection without credentials.
    #[must_use]
    pub fn odata(name: &str, url: &str) -> Self {
        let options = BTreeMap::from([("url".to_owned(), OptionValue::Text(url.to_owned()))]);
        Self::new(name, "odata", options)
    }

    /// The same with one more option, or another value for it.
    #[must_use]
    pub fn with(mut self, option: &str, value: &str) -> Self {
        self.options.insert(option.to_owned(), OptionValue::Text(value.to_owned()));
        self
    }
}
