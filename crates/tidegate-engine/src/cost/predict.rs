//! The walk over a physical plan, bottom-up.
//!
//! Operators of our own say themselves what they take, by [`Predict`]; what DataFusion's make of that is in
//! [`operators`](super::operators).

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use super::operators;
use super::{Costs, Predicted};
use crate::detail::DetailExec;
use crate::lookup::LookupJoinExec;
use crate::scan::{ApiCountExec, ApiGroupsExec, ApiScanExec, OneRowExec, UnaskedExec};

/// An operator of our own that asks an API for something, or changes how far its inputs are read.
pub(crate) trait Predict {
    /// What running it takes, where its inputs take `inputs`. Their asks belong into the result.
    fn predict(&self, costs: &Costs, inputs: &[Predicted]) -> Predicted;

    /// What predicting the input at `place` goes by: most of all how far it is read. By default to its end, unless the
    /// operator's own reader may stop.
    fn input(&self, _place: usize, costs: &Costs) -> Costs {
        costs.reading(costs.until.of_others())
    }
}

/// What running `plan` is predicted to take. Sends nothing.
pub(crate) fn predict(plan: &Arc<dyn ExecutionPlan>, costs: &Costs) -> Predicted {
    let Some(own) = own(plan.as_ref()) else { return operators::predict(plan, costs) };
    let input = |(place, child)| predict(child, &own.input(place, costs));
    let inputs: Vec<Predicted> = plan.children().into_iter().enumerate().map(input).collect();
    own.predict(costs, &inputs)
}

/// The operator, if it is one of ours that has something to say.
fn own(plan: &dyn ExecutionPlan) -> Option<&dyn Predict> {
    fn of<T: Predict + ExecutionPlan>(plan: &dyn ExecutionPlan) -> Option<&dyn Predict> {
        plan.downcast_ref::<T>().map(|own| own as &dyn Predict)
    }
    let operators = [
        of::<ApiScanExec>,
        of::<ApiCountExec>,
        of::<ApiGroupsExec>,
        of::<OneRowExec>,
        of::<UnaskedExec>,
        of::<LookupJoinExec>,
        of::<DetailExec>,
    ];
    operators.into_iter().find_map(|of| of(plan))
}
