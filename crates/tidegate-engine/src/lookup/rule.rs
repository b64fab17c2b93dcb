//! Where a hash join becomes a lookup join.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinSide, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::LookupJoinExec;
use super::join::Join;
use super::side::Side;
use crate::scan::ApiScanExec;

/// Hash joins with a remote table become lookup joins, where the table could be asked by the keys.
///
/// Placed behind the rule that chooses the kinds of joins, and before those that place sorts, limits and filters around
/// them.
#[derive(Debug)]
pub(crate) struct LookupJoins;

impl PhysicalOptimizerRule for LookupJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let looked_up = plan.downcast_ref::<HashJoinExec>().and_then(lookup_join);
            Ok(match looked_up {
                Some(join) => Transformed::yes(Arc::new(join) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "tidegate_lookup_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What is said for looking a side up, the more the better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    /// It cannot be read otherwise.
    must: bool,
    /// Calls that the driving side takes, fewer being better.
    driving_calls: std::cmp::Reverse<u64>,
    /// Each key is of one row at most.
    by_own_key: bool,
    is_right: bool,
}

fn lookup_join(join: &HashJoinExec) -> Option<LookupJoinExec> {
    let sides = [JoinSide::Right, JoinSide::Left].into_iter().filter(|side| Join::allows(join, *side));
    let candidates = sides.filter_map(|looked_up| {
        let (plan, driving) = match looked_up {
            JoinSide::Left => (join.left(), join.right()),
            _ => (join.right(), join.left()),
        };
        let side = Side::of(plan, &keys_of(join, looked_up))?;
        let merit = Merit {
            must: side.scan().is_none(),
            driving_calls: std::cmp::Reverse(expected_calls(driving)),
            by_own_key: side.is_by_own_key(),
            is_right: looked_up == JoinSide::Right,
        };
        Some((merit, side, looked_up))
    });
    let (_, side, looked_up) = candidates.max_by(|(one, ..), (other, ..)| one.cmp(other))?;
    let planned = join.builder().build().ok()?;
    Some(LookupJoinExec::new(Join::new(planned, looked_up), side))
}

/// The side's keys, in the order of the join's pairs.
fn keys_of(join: &HashJoinExec, side: JoinSide) -> Vec<Arc<dyn PhysicalExpr>> {
    let key = |(left, right): &(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)| {
        Arc::clone(if side == JoinSide::Left { left } else { right })
    };
    join.on().iter().map(key).collect()
}

/// Calls that reading all of a plan is expected to take.
fn expected_calls(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let own = plan.downcast_ref::<ApiScanExec>().map_or(0, ApiScanExec::expected_calls);
    plan.children().into_iter().map(expected_calls).fold(own, u64::saturating_add)
}
