//! SQL over remote tables: the one crate that knows DataFusion.
//!
//! A row's way: `sql` parses a statement and rewrites Tidegate's own forms; `session` prepares and executes it;
//! `catalog` resolves names to tables, asking an API to describe itself if need be; `pushdown` turns
//! expressions into the typed predicates of `tidegate-remote`; `scan` is the operator that runs the pages,
//! rechecks what the API does inexactly, and counts; `detail` adds columns that take a call for each row; `system` shows all of it as tables. `mutate` turns UPDATE, DELETE,
//! INSERT and MERGE into rows that are journalled and sealed before `tidegate-mutation` sends the first of them.
//!
//! The crate reads no environment and opens no file or socket of its own: connections come from the
//! [`Connect`] that is handed in, and what lasts goes through the [`tidegate_state::State`] that is handed in.

pub mod catalog;
mod connection;
mod cost;
mod detail;
mod engine;
mod error;
mod lookup;
mod mutate;
mod partitions;
pub mod pushdown;
pub mod scan;
mod session;
mod settings;
mod sql;
mod system;

pub use connection::{Connect, Connection, ConnectionDef, Connector, OptionValue, Partition, Partitions};
pub use cost::{Ask, Basis, Estimate, Predicted, QuotaUse, reason_to_confirm};
pub use engine::{DEFAULT_MEMORY_LIMIT, Engine, EngineParts};
pub use error::{Error, ErrorKind};
pub use mutate::summary::{MutationEnd, MutationPhase, MutationSummary};
pub use partitions::Reach;
pub use session::{Cancel, Completion, Execution, Prediction, Prepared, Session, StatementKind, Summary};
pub use settings::{ConfirmCalls, PartialResults, Settings};
pub use sql::redact_sql;
pub use tidegate_mutation::{Counts as MutationCounts, OnError};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
