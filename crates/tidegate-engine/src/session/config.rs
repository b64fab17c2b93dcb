//! DataFusion's configuration of a session.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::optimizer::{Analyzer, Optimizer, OptimizerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::lists::{Apart, AsWritten};
use super::literals::WrittenLiterals;
use super::moments::FineMoments;
use crate::catalog::{CATALOG, MAIN};
use crate::lookup::OneValueByKey;
use crate::scan;

type Rules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;

/// What every session starts with: what scans rely on, and the session's own catalog.
pub(super) fn base() -> SessionConfig {
    scan::session_config().with_default_catalog_and_schema(CATALOG, MAIN).with_create_default_catalog_and_schema(false)
}

/// Adds the rules for expressions, and those that place the operators of remote tables.
pub(super) fn with_rules(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut analyzer = Analyzer::new().rules;
    analyzer.insert(0, Arc::new(WrittenLiterals));
    builder
        .with_analyzer_rules(analyzer)
        .with_optimizer_rules(logical_rules(Optimizer::new().rules))
        .with_physical_optimizer_rules(scan::optimizer_rules(PhysicalOptimizer::new().rules))
}

/// DataFusion's rules with ours at their places: around the simplification of expressions, and where filters are.
fn logical_rules(rules: Rules) -> Rules {
    let mut all = Rules::with_capacity(rules.len() + 4);
    for rule in rules {
        match rule.name() {
            "simplify_expressions" => {
                all.push(Arc::new(FineMoments));
                all.push(Arc::new(Apart));
                all.push(rule);
                all.push(Arc::new(AsWritten));
            }
            "push_down_filter" => {
                all.push(rule);
                all.push(Arc::new(OneValueByKey));
            }
            _ => all.push(rule),
        }
    }
    all
}
