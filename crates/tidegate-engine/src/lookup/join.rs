//! The hash join that does the joining, in both of its directions.
//!
//! With lookups the driving rows are held anyway: they are the build side, so that looked up rows are joined as they come
//! and a reader that has enough asks for no more. With a scan the sides stand as they were planned.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{JoinSide, JoinType, NullEquality, Result};
use datafusion::physical_plan::joins::{HashJoinExec, HashJoinExecBuilder, JoinOn, PartitionMode};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

/// A hash join, one side of which is looked up.
#[derive(Debug, Clone)]
pub(super) struct Join {
    planned: Arc<HashJoinExec>,
    /// Which side is looked up.
    looked_up: JoinSide,
}

impl Join {
    pub(super) fn new(planned: HashJoinExec, looked_up: JoinSide) -> Self {
        Self { planned: Arc::new(planned), looked_up }
    }

    /// Whether a join can be answered by looking this side up by the keys of the other: its rows without a match must not
    /// be part of the result, NULL must match nothing.
    pub(super) fn allows(join: &HashJoinExec, looked_up: JoinSide) -> bool {
        let by_type = match join.join_type() {
            JoinType::Inner | JoinType::LeftSemi | JoinType::RightSemi => true,
            JoinType::Left | JoinType::LeftAnti => looked_up == JoinSide::Right,
            JoinType::Right | JoinType::RightAnti => looked_up == JoinSide::Left,
            JoinType::Full | JoinType::LeftMark | JoinType::RightMark => false,
        };
        by_type && !join.null_aware && join.null_equality() == NullEquality::NullEqualsNothing
    }

    /// The join as it was planned.
    pub(super) fn planned(&self) -> &HashJoinExec {
        &self.planned
    }

    pub(super) fn driving(&self) -> &Arc<dyn ExecutionPlan> {
        if self.looked_up == JoinSide::Left { self.planned.right() } else { self.planned.left() }
    }

    /// The same with another driving side.
    ///
    /// # Errors
    /// One that has other columns.
    pub(super) fn driven_by(&self, driving: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let looked_up = if self.looked_up == JoinSide::Left { self.planned.left() } else { self.planned.right() };
        let planned = self.as_planned(driving, Arc::clone(looked_up), self.planned.fetch())?;
        Ok(Self { planned: Arc::new(planned), looked_up: self.looked_up })
    }

    /// The driving side's keys, in the order of the join's pairs.
    pub(super) fn driving_keys(&self) -> Vec<Arc<dyn PhysicalExpr>> {
        let is_left = self.looked_up == JoinSide::Left;
        self.planned.on().iter().map(|(left, right)| Arc::clone(if is_left { right } else { left })).collect()
    }

    /// The type of the join with the driving side as its left.
    pub(super) fn join_type(&self) -> JoinType {
        let planned = self.planned.join_type();
        if self.looked_up == JoinSide::Left { planned.swap() } else { *planned }
    }

    /// Whether each driving row's part of the result is its own: then they can be taken a few at a time.
    pub(super) fn is_by_row(&self) -> bool {
        matches!(self.join_type(), JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti)
    }

    /// The join over these inputs, the driving side being the build side.
    ///
    /// # Errors
    /// Inputs that have other columns.
    pub(super) fn by_lookups(
        &self,
        driving: Arc<dyn ExecutionPlan>,
        looked_up: Arc<dyn ExecutionPlan>,
        fetch: Option<usize>,
    ) -> Result<HashJoinExec> {
        if self.looked_up == JoinSide::Right {
            return self.as_planned(driving, looked_up, fetch);
        }
        let planned = &self.planned;
        let on: JoinOn = planned.on().iter().map(|(left, right)| (Arc::clone(right), Arc::clone(left))).collect();
        HashJoinExecBuilder::new(driving, looked_up, on, self.join_type())
            .with_filter(planned.filter().map(|filter| filter.swap()))
            .with_projection(Some(self.swapped_output()))
            .with_null_equality(planned.null_equality())
            .with_partition_mode(PartitionMode::CollectLeft)
            .with_fetch(fetch)
            .build()
    }

    /// The join over these inputs as it was planned.
    ///
    /// # Errors
    /// Inputs that have other columns.
    pub(super) fn as_planned(
        &self,
        driving: Arc<dyn ExecutionPlan>,
        looked_up: Arc<dyn ExecutionPlan>,
        fetch: Option<usize>,
    ) -> Result<HashJoinExec> {
        let sides = if self.looked_up == JoinSide::Left { vec![looked_up, driving] } else { vec![driving, looked_up] };
        self.planned
            .builder()
            .reset_state()
            .with_partition_mode(PartitionMode::CollectLeft)
            .with_new_children(sides)?
            .recompute_properties()
            .with_fetch(fetch)
            .build()
    }

    /// The output's columns among those of the swapped join.
    fn swapped_output(&self) -> Vec<usize> {
        let planned = &self.planned;
        let left = planned.left().schema().fields().len();
        let right = planned.right().schema().fields().len();
        let is_of_both = planned.join_schema().fields().len() == left + right
            && matches!(planned.join_type(), JoinType::Inner | JoinType::Right);
        let swapped = |place: usize| match is_of_both {
            true if place < left => place + right,
            true => place - left,
            false => place,
        };
        match &planned.projection {
            Some(projection) => projection.iter().copied().map(swapped).collect(),
            None => (0..planned.join_schema().fields().len()).map(swapped).collect(),
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.planned.schema()
    }

    /// Type, keys, filter and projection, as DataFusion shows them.
    pub(super) fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let on: Vec<String> = self.planned.on().iter().map(|(left, right)| format!("({left}, {right})")).collect();
        write!(f, "join_type={}, on=[{}]", self.planned.join_type(), on.join(", "))?;
        if let Some(filter) = self.planned.filter() {
            write!(f, ", filter={}", filter.expression())?;
        }
        if let Some(projection) = &self.planned.projection {
            let schema = self.planned.join_schema();
            let names: Vec<String> =
                projection.iter().map(|&place| format!("{}@{place}", schema.field(place).name())).collect();
            write!(f, ", projection=[{}]", names.join(", "))?;
        }
        Ok(())
    }
}
