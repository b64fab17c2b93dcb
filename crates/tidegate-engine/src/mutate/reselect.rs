//! Selects rows anew by their keys, under the statement's own WHERE.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::Column as PlanColumn;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::physical_plan::collect;
use datafusion::scalar::ScalarValue;
use tidegate_mutation::{Reselect, Reselected};
use tidegate_remote::write::{Cell, Cells, array_of};
use tidegate_spec::Column;

use super::layout::PARTITION;
use super::plan::Selection;
use super::rows::Seen;
use crate::sql::MutationKind;
use crate::{Error, ErrorKind, Result, scan};

impl Selection {
    /// Selects rows of this statement anew; `None` for an INSERT, whose rows are none of the table.
    pub(crate) fn reselect(&self, state: SessionState) -> Option<Arc<dyn Reselect>> {
        (self.kind != MutationKind::Insert).then(|| Arc::new(Again { selection: self.clone(), state }) as _)
    }

    /// The rows with these keys in a partition.
    fn narrowed(&self, partition: Option<&str>, keys: &[Cells]) -> Result<LogicalPlan> {
        let output = self.body.schema().columns();
        let named = |place: usize| output.get(place).cloned().map(Expr::Column);
        let mut plan = LogicalPlanBuilder::from(self.body.clone());
        let values = self.key().map(|(column, place)| (named(place), column, scalars(column, keys)));
        let mut parts: Vec<(Expr, Vec<ScalarValue>)> = Vec::new();
        for (column, key, values) in values {
            let missing = || Error::new(ErrorKind::Query, format!("the selection lacks the key {}", key.name));
            parts.push((column.ok_or_else(missing)?, values?));
        }
        if let Some(condition) = among(parts, keys.len()) {
            plan = plan.filter(condition)?;
        }
        if let (Some(code), true) = (partition, self.layout.partition.is_some()) {
            plan = plan.filter(col(PlanColumn::from_name(PARTITION)).eq(lit(code)))?;
        }
        Ok(plan.build()?)
    }

    async fn again(&self, state: &SessionState, partition: Option<&str>, keys: &[Cells]) -> Result<Vec<Reselected>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let state = scan::strict(state);
        let physical = state.create_physical_plan(&self.narrowed(partition, keys)?).await?;
        let (meaning, mut seen) = (self.meaning(), Seen::default());
        let partition = partition.map(Arc::from);
        let mut rows = Vec::new();
        for batch in collect(physical, state.task_ctx()).await? {
            let found = meaning.rows(&batch, partition.as_ref(), &mut seen)?;
            rows.extend(found.into_iter().filter(|row| keys.contains(&row.key)));
        }
        let reselected =
            rows.into_iter().map(|row| Reselected { key: row.key, old: row.old, new: row.new, version: row.version });
        Ok(reselected.collect())
    }
}

/// The condition that a row has one of the keys: a list for a key of one column, else each key for itself.
fn among(parts: Vec<(Expr, Vec<ScalarValue>)>, keys: usize) -> Option<Expr> {
    let literal = |value: &ScalarValue| Expr::Literal(value.clone(), None);
    if let [(column, values)] = parts.as_slice() {
        return Some(column.clone().in_list(values.iter().map(literal).collect(), false));
    }
    let key = |number: usize| {
        let equal = parts.iter().filter_map(|(column, values)| Some(column.clone().eq(literal(values.get(number)?))));
        equal.reduce(Expr::and)
    };
    (0..keys).filter_map(key).reduce(Expr::or)
}

/// One part of the keys, as values of its column.
fn scalars(column: &Column, keys: &[Cells]) -> Result<Vec<ScalarValue>> {
    let cells: Vec<&Cell> = keys.iter().map(|key| key.get(&column.name).unwrap_or(&Cell::Null)).collect();
    let array = array_of(&column.data_type, &cells)
        .map_err(|error| Error::new(ErrorKind::Query, format!("{}: {error}", column.name)))?;
    (0..cells.len()).map(|row| Ok(ScalarValue::try_from_array(&array, row)?)).collect()
}

/// A selection that can be made again.
struct Again {
    selection: Selection,
    state: SessionState,
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("place", &self.selection.place()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Reselect for Again {
    async fn reselect(&self, partition: Option<&str>, keys: &[Cells]) -> std::result::Result<Vec<Reselected>, String> {
        self.selection.again(&self.state, partition, keys).await.map_err(|error| error.to_string())
    }
}
