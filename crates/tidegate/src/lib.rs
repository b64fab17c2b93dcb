//! The embedded engine: build an [`Engine`], open a [`Session`], run SQL over APIs.
//!
//! This is the composition root: the only place where transport layers are put in order, credentials are
//! looked up, and configuration is read.
//!
//! ```no_run
//! # async fn run() -> Result<(), tidegate::Error> {
//! use futures::TryStreamExt;
//! use tidegate::{ConnectionDef, Engine};
//!
//! let engine = Engine::builder().connection(ConnectionDef::odata("erp", "https://host/odata/v4/sales")).build()?;
//! let session = engine.session("me");
//! let execution = session.prepare("SELECT name FROM erp.accounts LIMIT 5").await?.execute(vec![]).await?;
//! let batches: Vec<_> = execution.stream.try_collect().await?;
//! println!("{} rows for {} calls", batches.iter().map(|b| b.num_rows()).sum::<usize>(), execution.summary.counts().calls);
//! # Ok(())
//! # }
//! ```
//!
//! What calls come out of is declared by connectors and connections, and counted in a ledger in the state folder:
//!
//! ```
//! use tidegate::manifest::{Amount, Quota, QuotaScope};
//! use tidegate::{ConnectionDef, Engine, Partition};
//!
//! let mut eol = ConnectionDef::odata("eol", "https://host/api/v1/{partition}/");
//! eol.partitions = Some(vec![Partition { code: "101".to_owned(), name: Some("Amsterdam".to_owned()) }]);
//! eol.quotas.push(Quota {
//!     name: "daily".to_owned(),
//!     per: Some(QuotaScope::Partition),
//!     window: Some("day".to_owned()),
//!     limit: Some(Amount::Number(5_000)),
//!     ..Quota::default()
//! });
//! let engine = Engine::builder().connection(eol).build()?;
//! # Ok::<(), tidegate::Error>(())
//! ```

mod builder;
mod cache;
pub mod config;
mod connect;
mod connector;
pub mod doctor;
mod engine;
mod environment;
mod failure;
pub mod infer;
mod metering;
pub mod oauth;
mod options;
mod partitions;
mod quotas;

pub use builder::{Builder, StateLocation};
pub use connector::{ColumnInfo, ConnectorInfo, ConnectorKind, columns, describe, endpoints, is_path, read_manifest};
pub use engine::Engine;
pub use tidegate_engine::{
    Cancel, Completion, ConnectionDef, Error, ErrorKind, Execution, MutationCounts, MutationEnd, MutationPhase,
    MutationSummary, OnError, OptionValue, Partition, Prepared, Result, Session, Settings, StatementKind, Summary,
    redact_sql,
};
/// What manifests are: parsed, checked and described.
pub use tidegate_spec::manifest;
/// The seam to the network, for what [`Builder::network`] takes.
pub use tidegate_transport as transport;
pub use tidegate_transport::{Clock, StatementCounts, SystemClock, TestClock};
