//! The side of a join that may be asked for by keys: a remote table under operators that take each row for itself.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, PhysicalExpr, ReplaceChildrenOptions};
use tidegate_spec::ColumnType;

use crate::pushdown::keeps_values;
use crate::scan::{ApiScanExec, Asking, Field, UnaskedExec};

/// A side that is looked up.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// As it was planned: its one leaf reads the table.
    plan: Arc<dyn ExecutionPlan>,
    asking: Arc<Asking>,
    /// The scan of all that the query wants; `None` for a table that lacks a filter.
    scan: Option<Arc<ApiScanExec>>,
    keys: Vec<KeyOf>,
}

/// What one pair of a join's keys is for the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyOf {
    /// Which pair.
    pub(super) pair: usize,
    pub(super) of: Target,
}

/// What a key is a value of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// A column of the table, by its place.
    Column(usize, ColumnType),
    /// The partition.
    Partition,
}

impl Side {
    /// The side that `plan` is, if its table could be asked by some of these expressions.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>, keys: &[Arc<dyn PhysicalExpr>]) -> Option<Self> {
        let leaf = leaf(plan)?;
        let (asking, scan) = if let Some(scan) = leaf.downcast_ref::<ApiScanExec>() {
            (scan.asking(), Some(Arc::new(scan.clone())))
        } else {
            (leaf.downcast_ref::<UnaskedExec>()?.asking(), None)
        };
        if leaf.fetch().is_some() {
            return None;
        }
        let mut found: Vec<KeyOf> = Vec::new();
        for (pair, key) in keys.iter().enumerate() {
            let Some(of) = target(plan, asking, key) else { continue };
            // A column that is compared with two values has the first of them, or no match.
            if !found.iter().any(|known| known.of == of) {
                found.push(KeyOf { pair, of });
            }
        }
        let columns: Vec<usize> = found.iter().filter_map(|key| key.of.column()).collect();
        let by_partition = columns.len() < found.len();
        let takes_keys = asking.takes_keys(&columns, by_partition);
        let asking = Arc::clone(asking);
        takes_keys.then(|| Self { plan: Arc::clone(plan), asking, scan, keys: found })
    }

    pub(super) fn asking(&self) -> &Arc<Asking> {
        &self.asking
    }

    /// The scan of all that the query wants; `None` for a table that lacks a filter.
    pub(super) fn scan(&self) -> Option<&Arc<ApiScanExec>> {
        self.scan.as_ref()
    }

    /// Whether no scan takes fewer calls: one in each partition.
    pub(super) fn is_least(&self, calls: u64) -> bool {
        calls <= self.asking.partitions().len().max(1) as u64
    }

    pub(super) fn keys(&self) -> &[KeyOf] {
        &self.keys
    }

    /// Whether the columns of the keys hold the table's own key, so that each is of one row at most.
    pub(super) fn is_by_own_key(&self) -> bool {
        let own = &self.asking.table().key;
        !own.is_empty() && own.iter().all(|column| self.keys.iter().any(|key| key.of.column() == Some(*column)))
    }

    /// The names of the keys' columns.
    pub(super) fn key_names(&self) -> Vec<&str> {
        self.keys.iter().map(|key| self.asking.field_name(key.of.field())).collect()
    }

    /// The side with its table read by `leaf`, which returns the same columns.
    ///
    /// # Errors
    /// What an operator above it refuses.
    pub(super) fn over(&self, leaf: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        over(&self.plan, leaf)
    }
}

impl Target {
    pub(super) fn column(&self) -> Option<usize> {
        match self {
            Self::Column(column, _) => Some(*column),
            Self::Partition => None,
        }
    }

    fn field(&self) -> Field {
        match self {
            Self::Column(column, _) => Field::Column(*column),
            Self::Partition => Field::Partition,
        }
    }
}

/// The input of an operator that makes at most one row of each, whatever the others are.
fn input(plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        return filter.fetch().is_none().then(|| filter.input());
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return Some(projection.input());
    }
    plan.downcast_ref::<CooperativeExec>().map(CooperativeExec::input)
}

fn leaf(mut plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    while let Some(below) = input(plan) {
        plan = below;
    }
    plan.children().is_empty().then_some(plan)
}

fn over(plan: &Arc<dyn ExecutionPlan>, leaf: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    match input(plan) {
        Some(below) => replaced(plan, over(below, leaf)?),
        None => Ok(leaf),
    }
}

fn replaced(plan: &Arc<dyn ExecutionPlan>, below: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(plan).replace_children(vec![below], options)
}

/// What the expression over the rows of `plan` is of the table; `None` unless it has the values of one column.
fn target(plan: &Arc<dyn ExecutionPlan>, asking: &Asking, key: &Arc<dyn PhysicalExpr>) -> Option<Target> {
    let (column, cast) = traced(plan, key, None)?;
    let keeps = |of: &ColumnType| cast.as_ref().is_none_or(|cast| keeps_values(of, cast));
    match asking.field(column)? {
        Field::Column(column) => {
            let of = asking.table().columns.get(column)?.data_type.clone();
            keeps(&of).then_some(Target::Column(column, of))
        }
        Field::Partition => keeps(&ColumnType::Text).then_some(Target::Partition),
    }
}

/// The leaf's column that the expression is, and what it is cast to.
fn traced(
    plan: &Arc<dyn ExecutionPlan>,
    key: &Arc<dyn PhysicalExpr>,
    cast: Option<DataType>,
) -> Option<(usize, Option<DataType>)> {
    if let Some(expr) = key.downcast_ref::<CastExpr>() {
        // Of several casts each would have to keep the values of the one before.
        return if cast.is_none() { traced(plan, expr.expr(), Some(expr.cast_type().clone())) } else { None };
    }
    let column = key.downcast_ref::<Column>()?.index();
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return traced(projection.input(), &projection.expr().get(column)?.expr, cast);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let place = match filter.projection() {
            Some(projection) => *projection.get(column)?,
            None => column,
        };
        let below: Arc<dyn PhysicalExpr> = Arc::new(Column::new("", place));
        return traced(filter.input(), &below, cast);
    }
    match input(plan) {
        Some(below) => traced(below, key, cast),
        None => Some((column, cast)),
    }
}
