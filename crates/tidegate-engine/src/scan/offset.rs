//! OFFSET: rows at the front that an API leaves out, in place of sending them to be dropped here.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

use super::ApiScanExec;

/// A limit that leaves out rows becomes one that its scan keeps.
#[derive(Debug)]
pub(super) struct OffsetByApi;

impl PhysicalOptimizerRule for OffsetByApi {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|plan| {
            Ok(match kept_by_scan(&plan)? {
                Some(scan) => Transformed::yes(scan),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_offset_by_api"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn kept_by_scan(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() else { return Ok(None) };
    match limit.fetch() {
        Some(fetch) if limit.skip() > 0 && fetch > 0 => skipping(limit.input(), limit.skip(), fetch),
        _ => Ok(None),
    }
}

/// The input without its first `skip` rows, and with `fetch` of the others.
fn skipping(input: &Arc<dyn ExecutionPlan>, skip: usize, fetch: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = input.downcast_ref::<ApiScanExec>() {
        // A tighter fetch came from a limit further in.
        let is_own = scan.fetch().is_none_or(|rows| rows == skip.saturating_add(fetch));
        let skipping = is_own.then(|| scan.skipping(skip, fetch)).flatten();
        return Ok(skipping.map(|scan| Arc::new(scan) as Arc<dyn ExecutionPlan>));
    }
    let is_one_to_one =
        input.downcast_ref::<ProjectionExec>().is_some() || input.downcast_ref::<CooperativeExec>().is_some();
    let [child] = input.children()[..] else { return Ok(None) };
    if !is_one_to_one {
        return Ok(None);
    }
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let Some(child) = skipping(child, skip, fetch)? else { return Ok(None) };
    Ok(Some(Arc::clone(input).replace_children(vec![child], options)?))
}
