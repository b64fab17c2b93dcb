//! A part of a plan whose details are still to be asked for.
//!
//! Its rows are those of `plan`. Behind the plan's columns one has to think those of the pending details: each column of
//! the operator that it stands for is an expression over both. What does not read a pending column can be done before.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::DetailExec;
use super::ask::DetailAsk;
use super::exec::FromRow;

pub(super) type Expr = Arc<dyn PhysicalExpr>;

/// A part of a plan, as far as it was gone through.
pub(super) enum Part {
    /// Nothing is pending in it.
    Whole(Arc<dyn ExecutionPlan>),
    /// Something is.
    Lifted(Lifted),
}

/// A part of a plan without the details that are still to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Lifted {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) pending: Vec<Pending>,
    /// Each column of the operator, over the plan's columns and behind them those of the pending details.
    pub(super) columns: Vec<Expr>,
    /// The operator's schema.
    pub(super) schema: SchemaRef,
}

/// A detail that is still to be asked for.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) ask: Arc<DetailAsk>,
    /// Over the plan's columns.
    pub(super) from_row: FromRow,
}

impl Part {
    /// The part with all of its details.
    pub(super) fn closed(self, may_stop: bool) -> Result<Arc<dyn ExecutionPlan>> {
        match self {
            Self::Whole(plan) => Ok(plan),
            Self::Lifted(lifted) => lifted.closed(may_stop),
        }
    }

    /// The part as if something were pending.
    pub(super) fn opened(self) -> Lifted {
        match self {
            Self::Whole(plan) => Lifted::new(plan),
            Self::Lifted(lifted) => lifted,
        }
    }
}

impl Lifted {
    /// A plan in which nothing is pending.
    pub(super) fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        let schema = plan.schema();
        let columns = (0..schema.fields().len()).map(|place| column(&schema, place)).collect();
        Self { plan, pending: Vec::new(), columns, schema }
    }

    /// Number of the plan's columns.
    pub(super) fn width(&self) -> usize {
        self.plan.schema().fields().len()
    }

    /// An expression over the operator's columns as one over the plan's and the pending ones.
    pub(super) fn resolved(&self, expr: &Expr) -> Result<Expr> {
        let resolve = |part: Expr| {
            let found = part.downcast_ref::<Column>().and_then(|column| self.columns.get(column.index()));
            Ok(match found {
                Some(column) => Transformed::yes(Arc::clone(column)),
                None => Transformed::no(part),
            })
        };
        // Columns have no parts: what takes the place of one is not gone through again.
        Arc::clone(expr).transform_up(resolve).data()
    }

    /// Whether a resolved expression reads no pending column.
    pub(super) fn is_plain(&self, resolved: &Expr) -> bool {
        let width = self.width();
        collect_columns(resolved).iter().all(|column| column.index() < width)
    }

    /// Expressions over the operator's columns as ones over the plan's, for which the details that they read are asked.
    pub(super) fn plain(&mut self, exprs: &[Expr], may_stop: bool) -> Result<Vec<Expr>> {
        let resolved = exprs.iter().map(|expr| self.resolved(expr)).collect::<Result<Vec<_>>>()?;
        if !self.ask_for(&resolved, may_stop)? {
            return Ok(resolved);
        }
        exprs.iter().map(|expr| self.resolved(expr)).collect()
    }

    /// Has the operator's columns at these places be columns of the plan, and none computed or pending.
    pub(super) fn fix(&mut self, places: &[usize], may_stop: bool) -> Result<()> {
        let wanted: Vec<Expr> = places.iter().filter_map(|&place| self.columns.get(place)).map(Arc::clone).collect();
        self.ask_for(&wanted, may_stop)?;
        let computed: Vec<usize> =
            places.iter().copied().filter(|&place| self.columns[place].downcast_ref::<Column>().is_none()).collect();
        let exprs: Vec<(Expr, String)> = computed
            .iter()
            .map(|&place| (Arc::clone(&self.columns[place]), self.schema.field(place).name().clone()))
            .collect();
        for (place, added) in computed.into_iter().zip(self.compute(exprs)?) {
            self.columns[place] = added;
        }
        Ok(())
    }

    /// Computes expressions over the plan's columns behind these: the new columns.
    pub(super) fn compute(&mut self, exprs: Vec<(Expr, String)>) -> Result<Vec<Expr>> {
        let (width, added) = (self.width(), exprs.len());
        if added == 0 {
            return Ok(Vec::new());
        }
        let schema = self.plan.schema();
        let own =
            (0..width).map(|place| ProjectionExpr::new(column(&schema, place), schema.field(place).name().clone()));
        let all: Vec<ProjectionExpr> =
            own.chain(exprs.into_iter().map(|(expr, name)| ProjectionExpr::new(expr, name))).collect();
        self.plan = Arc::new(ProjectionExec::try_new(all, Arc::clone(&self.plan))?);
        self.renumber(|place| if place < width { place } else { place + added })?;
        let schema = self.plan.schema();
        Ok((width..width + added).map(|place| column(&schema, place)).collect())
    }

    /// Asks for the details that these resolved expressions read; whether there were any.
    fn ask_for(&mut self, resolved: &[Expr], may_stop: bool) -> Result<bool> {
        let width = self.width();
        let mut of_place = Vec::new();
        for (pending, detail) in self.pending.iter().enumerate() {
            of_place.extend(std::iter::repeat_n(pending, detail.ask.schema().fields().len()));
        }
        let read = resolved.iter().flat_map(collect_columns).map(|column| column.index());
        let mut chosen: Vec<usize> =
            read.filter_map(|place| of_place.get(place.checked_sub(width)?).copied()).collect();
        chosen.sort_unstable();
        chosen.dedup();
        self.ask(&chosen, may_stop)?;
        Ok(!chosen.is_empty())
    }

    /// Asks for these of the pending details.
    fn ask(&mut self, chosen: &[usize], may_stop: bool) -> Result<()> {
        let width = self.width();
        let (mut starts, mut start) = (Vec::with_capacity(self.pending.len()), width);
        for pending in &self.pending {
            starts.push(start);
            start += pending.ask.schema().fields().len();
        }
        let is_chosen = |pending: &usize| chosen.contains(pending);
        let (first, last): (Vec<usize>, Vec<usize>) = (0..self.pending.len()).partition(is_chosen);
        // Where each virtual column will stand: the chosen ones come first.
        let mut places: Vec<usize> = (0..start).collect();
        let mut next = width;
        for &pending in first.iter().chain(&last) {
            let count = self.pending[pending].ask.schema().fields().len();
            for at in 0..count {
                places[starts[pending] + at] = next;
                next += 1;
            }
        }
        for &pending in &first {
            let Pending { ask, from_row } = self.pending[pending].clone();
            self.plan = Arc::new(DetailExec::try_new(Arc::clone(&self.plan), ask, from_row, may_stop)?);
        }
        self.pending = last.into_iter().map(|pending| self.pending[pending].clone()).collect();
        self.renumber(|place| places.get(place).copied().unwrap_or(place))
    }

    /// Gives every virtual column another place.
    fn renumber(&mut self, place: impl Fn(usize) -> usize) -> Result<()> {
        let names = self.names();
        self.columns = self.columns.iter().map(|expr| renumbered(expr, &place, &names)).collect::<Result<_>>()?;
        Ok(())
    }

    /// Names of the plan's columns and the pending ones.
    pub(super) fn names(&self) -> Vec<String> {
        let schema = self.plan.schema();
        let of_plan = schema.fields().iter();
        let pending = self.pending.iter().flat_map(|pending| pending.ask.schema().fields());
        of_plan.chain(pending).map(|field| field.name().clone()).collect()
    }

    /// The operator's columns with all details that they need, in its schema.
    pub(super) fn closed(mut self, may_stop: bool) -> Result<Arc<dyn ExecutionPlan>> {
        self.ask_for(&self.columns.clone(), may_stop)?;
        let is_same =
            |(place, expr): (usize, &Expr)| expr.downcast_ref::<Column>().is_some_and(|column| column.index() == place);
        if self.plan.schema() == self.schema && self.columns.iter().enumerate().all(is_same) {
            return Ok(self.plan);
        }
        let exprs = self.columns.iter().zip(self.schema.fields());
        let exprs: Vec<ProjectionExpr> =
            exprs.map(|(expr, field)| ProjectionExpr::new(Arc::clone(expr), field.name().clone())).collect();
        Ok(Arc::new(ProjectionExec::try_new_with_schema_metadata(exprs, self.plan, &self.schema)?))
    }
}

/// The column at a place of a schema.
pub(super) fn column(schema: &SchemaRef, place: usize) -> Expr {
    Arc::new(Column::new(schema.field(place).name(), place))
}

/// The expression with every column at another place; `names` are those of the new places.
pub(super) fn renumbered(expr: &Expr, place: impl Fn(usize) -> usize, names: &[String]) -> Result<Expr> {
    let moved = |part: Expr| {
        let Some(known) = part.downcast_ref::<Column>() else { return Ok(Transformed::no(part)) };
        let index = place(known.index());
        let name = names.get(index).map_or_else(|| known.name(), String::as_str);
        Ok(Transformed::yes(Arc::new(Column::new(name, index)) as Expr))
    };
    Arc::clone(expr).transform_up(moved).data()
}
