//! DataFusion's configuration of a session.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::optimizer::Analyzer;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::literals::WrittenLiterals;
use crate::catalog::{CATALOG, MAIN};
use crate::scan;

/// What every session starts with: what scans rely on, and the session's own catalog.
pub(super) fn base() -> SessionConfig {
    scan::session_config().with_default_catalog_and_schema(CATALOG, MAIN).with_create_default_catalog_and_schema(false)
}

/// Adds the rule for literals, and those that place the operators of remote tables.
pub(super) fn with_rules(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut analyzer = Analyzer::new().rules;
    analyzer.insert(0, Arc::new(WrittenLiterals));
    builder
        .with_analyzer_rules(analyzer)
        .with_physical_optimizer_rules(scan::optimizer_rules(PhysicalOptimizer::new().rules))
}
