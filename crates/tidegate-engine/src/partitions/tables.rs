//! Which tables of a connection have partitions.

use tidegate_remote::{Error as RemoteError, Place, Source, partition};
use tidegate_spec::Table;

use crate::{Connection, Partitions};

/// The column with the code of the partition that a row is from.
pub(crate) const COLUMN: &str = "_partition";

/// How a table stands to its connection's partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its requests are the same for all partitions: it is read once.
    Shared,
    /// It is read once in each partition, and has the column [`COLUMN`].
    Partitioned,
    /// The same, but the API has a column of that name: the partition cannot be told nor asked for.
    Hidden,
}

/// How the table stands to the connection's partitions. The table that lists them is none of their own, nor is one
/// whose requests never need a partition.
pub(crate) fn role(connection: &Connection, table: &Table) -> Role {
    let is_list = matches!(&connection.partitions, Partitions::Listed(list) if list.table == table.name);
    let details = || table.details.iter().map(|detail| &detail.endpoint);
    let needs =
        || base_needs_partition(connection) || table.endpoints.iter().chain(details()).any(partition::in_endpoint);
    if connection.partitions == Partitions::None || is_list || !needs() {
        Role::Shared
    } else if table.column_index(COLUMN).is_some() {
        Role::Hidden
    } else {
        Role::Partitioned
    }
}

/// What a user should know of a table whose partition cannot be told.
pub(crate) fn hidden(connection: &str, table: &Table) -> String {
    format!(
        "{connection}.{}: the API has a column {COLUMN} of its own, so that the partition of a row cannot be told; USE \
         chooses partitions",
        table.name
    )
}

/// Whether rows of the table are read in each partition.
pub(crate) fn is_partitioned(connection: &Connection, table: &Table) -> bool {
    role(connection, table) != Role::Shared
}

/// A source whose requests go to one partition.
///
/// # Errors
/// A code that cannot stand where the connection has `{partition}`.
pub(crate) fn source_of(source: &Source, code: &str) -> Result<Source, Box<RemoteError>> {
    source.with_partition(code).map_err(|kind| {
        let place =
            Place { connection: source.connection.to_string(), partition: Some(code.to_owned()), ..Place::default() };
        Box::new(RemoteError { place, kind })
    })
}

/// Whether every request of the connection needs a partition.
pub(crate) fn base_needs_partition(connection: &Connection) -> bool {
    partition::in_base(&connection.base)
}
