//! DataFusion's configuration of a session.

use datafusion::execution::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use crate::catalog::{CATALOG, MAIN};
use crate::scan;

/// What every session starts with: what scans rely on, and the session's own catalog.
pub(super) fn base() -> SessionConfig {
    scan::session_config().with_default_catalog_and_schema(CATALOG, MAIN).with_create_default_catalog_and_schema(false)
}

/// Adds the rules that place the operators of remote tables.
pub(super) fn with_rules(builder: SessionStateBuilder) -> SessionStateBuilder {
    builder.with_physical_optimizer_rules(scan::optimizer_rules(PhysicalOptimizer::new().rules))
}
