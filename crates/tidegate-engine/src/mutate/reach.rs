//! The partitions that a mutation reaches.
//!
//! More than one is changed only by who says so: by USE, or by a filter on `_partition`. Neither the configuration nor
//! that a connection has grown by a partition says so.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan};

use super::layout::Layout;
use super::target::Target;
use crate::partitions::{self, COLUMN};
use crate::session::Run;
use crate::sql::{MutationKind, quote};
use crate::{Error, ErrorKind, Reach, Result, scan};

/// What decides which partitions are reached. Parameters may still be open.
#[derive(Debug, Clone)]
pub(super) struct Reaching {
    place: String,
    connection: String,
    kind: MutationKind,
    /// The partitions that are selected.
    selected: Reach,
    /// Whether USE has said so.
    is_chosen: bool,
    /// Whether each row tells its partition: an INSERT with the column.
    is_told: bool,
    /// Whether a row that is read tells it.
    is_seen: bool,
}

impl Reaching {
    /// What is selected of the target's partitions; `None` for one that has none.
    ///
    /// # Errors
    /// When the partitions are not known, or one that is selected does not exist.
    pub(super) fn of(run: &Run, target: &Target, kind: MutationKind, layout: &Layout) -> Result<Option<Self>> {
        if !target.is_partitioned {
            return Ok(None);
        }
        let selected = partitions::reach(run.shared(), &target.connection);
        selected.check()?;
        let connection = &target.connection.def.name;
        let mut inserts = layout.actions.iter().filter(|action| action.kind == tidegate_spec::WriteKind::Insert);
        Ok(Some(Self {
            place: target.place(),
            connection: connection.clone(),
            kind,
            selected,
            is_chosen: run.shared().has_selected(connection),
            is_told: inserts.all(|insert| insert.into.is_some()),
            is_seen: layout.partition.is_some() || kind == MutationKind::Insert,
        }))
    }

    /// The partitions that the plan reaches, in the connection's order.
    ///
    /// # Errors
    /// More than one that nobody asked for, or whose rows would not tell where they belong.
    pub(super) fn reached(
        &self,
        state: &SessionState,
        plan: &LogicalPlan,
        column: Option<usize>,
    ) -> Result<Vec<Arc<str>>> {
        let filters = column.map(|column| filters(plan, column)).unwrap_or_default();
        // Codes are looked at alone: no table stands before their column.
        let evaluable = filters.iter().filter(|filter| is_evaluable(filter)).cloned();
        let evaluable: Vec<Expr> = evaluable.map(unnormalize_col).collect();
        let reach = scan::pruned(state, &self.selected, &evaluable)?;
        let codes = reach.codes().to_vec();
        if codes.is_empty() && self.kind == MutationKind::Insert {
            let message = format!("INSERT into {}: no partition is selected; USE chooses one", self.place);
            return Err(Error::new(ErrorKind::Query, message));
        }
        if codes.len() > 1 {
            self.check_several(codes.len(), !filters.is_empty())?;
        }
        Ok(codes)
    }

    fn check_several(&self, reached: usize, is_filtered: bool) -> Result<()> {
        let (kind, place, name) = (self.kind, &self.place, quote(&self.connection));
        let message = if !self.is_told {
            format!(
                "{kind} into {place} reaches {reached} partitions: name the column {COLUMN} and give each row the code of \
                 its own, or choose one with USE …@{name}"
            )
        } else if !self.is_seen {
            format!(
                "{kind} of {place} reaches {reached} partitions, and its rows do not tell which they are of: choose one with \
                 USE …@{name}"
            )
        } else if self.kind != MutationKind::Insert && !self.is_chosen && !is_filtered {
            format!(
                "{kind} of {place} reaches {reached} partitions, and nothing says that it should: choose them with USE all@{name} \
                 or USE …@{name}, or write a filter on {COLUMN}"
            )
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Query, message))
    }
}

/// Conditions on the target's partition that every row meets. `column` is the place of the partition in the plan.
fn filters(plan: &LogicalPlan, column: usize) -> Vec<Expr> {
    let mut plan = plan;
    let mut partition = None;
    loop {
        match plan {
            LogicalPlan::Projection(projection) if partition.is_none() => {
                partition = projection.expr.get(column).and_then(|expr| match expr.clone().unalias() {
                    Expr::Column(column) if column.name == COLUMN => Some(column),
                    _ => None,
                });
            }
            LogicalPlan::Filter(filter) => {
                let Some(partition) = &partition else { return Vec::new() };
                let mut conditions = on_partition(split_conjunction(&filter.predicate), partition);
                if let LogicalPlan::Join(join) = filter.input.as_ref() {
                    conditions.extend(on_partition(joined_by(join), partition));
                }
                return conditions;
            }
            LogicalPlan::Join(join) => {
                let conditions = partition.as_ref().map(|partition| on_partition(joined_by(join), partition));
                return conditions.unwrap_or_default();
            }
            _ => {}
        }
        match plan.inputs().as_slice() {
            [input] => plan = input,
            _ => return Vec::new(),
        }
    }
}

/// What a row of the right side meets where it is joined; of a FULL JOIN all rows come.
fn joined_by(join: &Join) -> Vec<&Expr> {
    match join.join_type {
        JoinType::Left | JoinType::Inner => join.filter.iter().flat_map(split_conjunction).collect(),
        _ => Vec::new(),
    }
}

fn on_partition(conditions: Vec<&Expr>, partition: &datafusion::common::Column) -> Vec<Expr> {
    let reads = |condition: &&&Expr| {
        let columns = condition.column_refs();
        let mut named = columns.iter().filter(|column| column.name == COLUMN).peekable();
        named.peek().is_some() && named.all(|column| column.relation == partition.relation)
    };
    conditions.iter().filter(reads).map(|condition| (**condition).clone()).collect()
}

/// Whether it can be told of a code alone: it has no subquery and no open parameter.
fn is_evaluable(condition: &Expr) -> bool {
    let mut fits = true;
    let walked = condition.apply(|expr| {
        fits &= !matches!(
            expr,
            Expr::Placeholder(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        );
        Ok(if fits { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    fits && walked.is_ok()
}
