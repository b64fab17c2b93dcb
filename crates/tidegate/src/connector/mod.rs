//! Connectors: which there are, where a name leads, and how one opens a connection.
//!
//! `odata` is built in. Every other one is a manifest: bundled with the program, in the user's folder of connectors, or
//! a file that the connection names. A manifest is read when a connection first wants it.

mod bundled;
mod describe;
mod hosts;
mod manifest;
mod odata;
mod registry;
mod signing;

use tidegate_engine::{Connector, Partitions};
use tidegate_transport::{Credentials, MeteredQuota, Throttle};
use url::{Origin, Url};

use crate::oauth::TokenMetering;

pub use describe::{ColumnInfo, columns, endpoints};
pub(crate) use registry::Registry;
pub use registry::read as read_manifest;
pub use registry::{ConnectorInfo, ConnectorKind, describe, is_path};

/// The built-in connector that discovers its tables.
pub(crate) const ODATA: &str = "odata";

/// What a connection's layers are made of, read from its options.
#[derive(Debug)]
pub(crate) struct Access {
    /// Base URL, ending in `/`, without user information.
    pub(crate) base: Url,
    /// What signs requests, all of it.
    pub(crate) credentials: Vec<Credentials>,
    /// Whether a token among them is renewed, or would be if this were no replay.
    pub(crate) is_renewed: bool,
    /// Other origins that next links and redirects may lead to.
    pub(crate) allow_origins: Vec<Origin>,
    /// What being throttled looks like, besides 429.
    pub(crate) throttles: Vec<Throttle>,
    /// Whether mutations are allowed.
    pub(crate) writes: bool,
    /// How it describes itself.
    pub(crate) connector: Connector,
    /// Name of the connector itself, however the connection names it.
    pub(crate) provider: String,
    /// What it reaches.
    pub(crate) partitions: Partitions,
    /// Codes of the partitions that are selected without USE.
    pub(crate) default_partitions: Option<Vec<String>>,
    /// What its calls come out of.
    pub(crate) quotas: Vec<MeteredQuota>,
    /// Quotas of its requests for tokens, told when they are known.
    pub(crate) token_metering: TokenMetering,
}
