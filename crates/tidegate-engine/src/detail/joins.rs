//! How details are lifted above joins: those of either side, as far as the join does not read them.
//!
//! A row that a join repeats asks once. On a side that an outer join fills with NULL, the parameters are NULL too, and so
//! are the details: nothing is asked for such rows. An expression over details is computed below there, since it need not
//! be NULL.

use std::sync::Arc;

use datafusion::common::{JoinSide, JoinType, Result};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};

use super::lifted::{Expr, Lifted, Part, renumbered};
use super::operators::{columns_of, lift, with_children};

type Plan = Arc<dyn ExecutionPlan>;

/// What a join reads of its sides, and what it hands on.
struct Join<'p> {
    plan: &'p Plan,
    sides: (&'p Plan, &'p Plan),
    on: Vec<(Expr, Expr)>,
    filter: Option<&'p JoinFilter>,
    kind: JoinType,
    /// Places of its columns among all that the join makes.
    projection: Option<&'p [usize]>,
}

/// The same over the sides without their details.
struct Rebuilt {
    sides: Vec<Plan>,
    on: Vec<(Expr, Expr)>,
    filter: Option<JoinFilter>,
}

pub(super) fn hash(plan: &Plan, join: &HashJoinExec, may_stop: bool) -> Result<Part> {
    let parts = Join {
        plan,
        sides: (join.left(), join.right()),
        on: join.on().to_vec(),
        filter: join.filter(),
        kind: *join.join_type(),
        projection: join.projection.as_deref(),
    };
    parts.lifted(may_stop, |Rebuilt { sides, on, filter }| {
        let builder = join.builder().with_new_children(sides)?.with_on(on).with_filter(filter).with_projection(None);
        builder.recompute_properties().reset_state().build_exec()
    })
}

pub(super) fn nested_loop(plan: &Plan, join: &NestedLoopJoinExec, may_stop: bool) -> Result<Part> {
    let parts = Join {
        plan,
        sides: (join.left(), join.right()),
        on: Vec::new(),
        filter: join.filter(),
        kind: *join.join_type(),
        projection: join.projection().as_deref(),
    };
    parts.lifted(may_stop, |Rebuilt { mut sides, filter, .. }| {
        let (right, left) = (sides.pop(), sides.pop());
        let (Some(left), Some(right)) = (left, right) else { return Ok(Arc::clone(plan)) };
        Ok(Arc::new(NestedLoopJoinExec::try_new(left, right, filter, join.join_type(), None)?))
    })
}

pub(super) fn cross(plan: &Plan, join: &CrossJoinExec, may_stop: bool) -> Result<Part> {
    let (sides, kind) = ((join.left(), join.right()), JoinType::Inner);
    let parts = Join { plan, sides, on: Vec::new(), filter: None, kind, projection: None };
    parts.lifted(may_stop, |Rebuilt { mut sides, .. }| {
        let (right, left) = (sides.pop(), sides.pop());
        let (Some(left), Some(right)) = (left, right) else { return Ok(Arc::clone(plan)) };
        Ok(Arc::new(CrossJoinExec::new(left, right)))
    })
}

impl Join<'_> {
    fn lifted(self, may_stop: bool, rebuild: impl FnOnce(Rebuilt) -> Result<Plan>) -> Result<Part> {
        // The left side is read whole before the first row of the right one.
        let (left, right) = (lift(self.sides.0, false)?, lift(self.sides.1, may_stop)?);
        let (mut left, mut right) = match (left, right) {
            (Part::Whole(left), Part::Whole(right)) => {
                return with_children(self.plan, vec![left, right]).map(Part::Whole);
            }
            (left, right) => (left.opened(), right.opened()),
        };
        let (left_on, right_on): (Vec<Expr>, Vec<Expr>) = self.on.iter().cloned().unzip();
        fixed(&mut left, self.filter, JoinSide::Left, false)?;
        fixed(&mut right, self.filter, JoinSide::Right, may_stop)?;
        if matches!(self.kind, JoinType::Right | JoinType::Full) {
            fix_computed(&mut left, false)?;
        }
        if matches!(self.kind, JoinType::Left | JoinType::Full) {
            fix_computed(&mut right, may_stop)?;
        }
        let on = left.plain(&left_on, false)?.into_iter().zip(right.plain(&right_on, may_stop)?).collect();
        let filter = self.filter.map(|filter| moved(filter, &left, &right));
        let sides = vec![Arc::clone(&left.plan), Arc::clone(&right.plan)];
        let joined = rebuild(Rebuilt { sides, on, filter })?;
        Ok(Part::Lifted(self.over(joined, left, right)?))
    }

    /// What the join hands on, over the plan that it has become.
    fn over(&self, joined: Plan, left: Lifted, right: Lifted) -> Result<Lifted> {
        use JoinType::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi};
        let width = joined.schema().fields().len();
        let (left_width, right_width) = (left.width(), right.width());
        let mut lifted = Lifted { plan: joined, pending: Vec::new(), columns: Vec::new(), schema: self.plan.schema() };
        let all = columns_of(&lifted.plan);
        let (of_left, of_right) = match self.kind {
            Inner | Left | Right | Full => (Some(0), Some(left_width)),
            LeftSemi | LeftAnti | LeftMark => (Some(0), None),
            RightSemi | RightAnti | RightMark => (None, Some(0)),
        };
        for (side, start) in [(left, of_left), (right, of_right)] {
            let Some(start) = start else { continue };
            let (own, before) = (side.width(), lifted.names().len());
            let place = |of: usize| if of < own { start + of } else { before + of - own };
            let pending = side.pending.iter().cloned().map(|mut pending| {
                pending.from_row = pending.from_row.map(place);
                pending
            });
            lifted.pending.extend(pending);
            let names = lifted.names();
            for expr in &side.columns {
                lifted.columns.push(renumbered(expr, place, &names)?);
            }
        }
        // A mark stands behind the columns of the one side.
        match self.kind {
            LeftMark => lifted.columns.extend(all.get(left_width..width).unwrap_or_default().iter().cloned()),
            RightMark => lifted.columns.extend(all.get(right_width..width).unwrap_or_default().iter().cloned()),
            _ => {}
        }
        if let Some(kept) = self.projection {
            lifted.columns = kept.iter().filter_map(|&place| lifted.columns.get(place)).cloned().collect();
        }
        Ok(lifted)
    }
}

/// Has what the filter reads of a side be columns of its plan.
fn fixed(side: &mut Lifted, filter: Option<&JoinFilter>, which: JoinSide, may_stop: bool) -> Result<()> {
    let indices = filter.map(JoinFilter::column_indices).unwrap_or_default();
    let read: Vec<usize> = indices.iter().filter(|one| one.side == which).map(|one| one.index).collect();
    side.fix(&read, may_stop)
}

/// Computes below what is no column by itself.
fn fix_computed(side: &mut Lifted, may_stop: bool) -> Result<()> {
    let is_computed = |place: &usize| side.columns[*place].downcast_ref::<Column>().is_none();
    let computed: Vec<usize> = (0..side.columns.len()).filter(is_computed).collect();
    side.fix(&computed, may_stop)
}

/// The filter over the plans of the two sides.
fn moved(filter: &JoinFilter, left: &Lifted, right: &Lifted) -> JoinFilter {
    let place = |one: &ColumnIndex| {
        let side = match one.side {
            JoinSide::Left => left,
            JoinSide::Right => right,
            JoinSide::None => return one.clone(),
        };
        let column = side.columns.get(one.index).and_then(|column| column.downcast_ref::<Column>());
        ColumnIndex { index: column.map_or(one.index, Column::index), side: one.side }
    };
    let indices = filter.column_indices().iter().map(place).collect();
    JoinFilter::new(Arc::clone(filter.expression()), indices, Arc::clone(filter.schema()))
}
