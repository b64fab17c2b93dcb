//! The configuration of DataFusion that scans of remote tables rely on.

use datafusion::prelude::SessionConfig;

/// DataFusion's configuration as every session starts with it.
///
/// What it changes, and why:
/// * One partition, and no round-robin repartitioning: a repartitioning polls a scan ahead of its reader, and so
///   sends calls that a LIMIT above it does not need.
/// * NULL sorts last in both directions, as in `DuckDB`.
/// * No statistics are collected for local files: planning reads nothing that the query does not.
/// * `information_schema` is there.
#[must_use]
pub fn session_config() -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(true);
    let options = config.options_mut();
    options.optimizer.enable_round_robin_repartition = false;
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    options.execution.collect_statistics = false;
    config
}
