//! The columns that are wanted of a table, divided into those of its rows and those that take a call for each.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use tidegate_spec::Table;

use super::ask::{DetailAsk, Manner};
use super::exec::{DetailExec, FromRow};
use super::lifted::column;

/// Columns, as places in a table's schema.
#[derive(Debug)]
pub(crate) struct Division {
    wanted: Vec<usize>,
    /// Those that the rows have, with what details take from the row.
    of_rows: Vec<usize>,
    /// Index of each detail, and what is wanted of it.
    details: Vec<(usize, Vec<usize>)>,
    /// Where the partition's code stands, if the rows are of several.
    partition: Option<usize>,
}

impl Division {
    /// The columns that are wanted of the table; `partition` is the place behind its own columns of the partition's code,
    /// where rows have one.
    pub(crate) fn new(table: &Table, wanted: &[usize], partition: Option<usize>) -> Self {
        let mut of_rows: Vec<usize> =
            wanted.iter().copied().filter(|&place| table.detail_of(place).is_none()).collect();
        let mut details = Vec::new();
        for (detail, declared) in table.details.iter().enumerate() {
            let columns: Vec<usize> = wanted.iter().copied().filter(|place| declared.columns.contains(place)).collect();
            if columns.is_empty() {
                continue;
            }
            for place in declared.parameters.iter().copied().chain(partition) {
                if !of_rows.contains(&place) {
                    of_rows.push(place);
                }
            }
            details.push((detail, columns));
        }
        Self { wanted: wanted.to_vec(), of_rows, details, partition }
    }

    /// What the scan has to return.
    pub(crate) fn of_rows(&self) -> &[usize] {
        &self.of_rows
    }

    /// Whether no detail is wanted.
    pub(crate) fn is_plain(&self) -> bool {
        self.details.is_empty()
    }

    /// The wanted columns over a plan that returns those of the rows.
    ///
    /// # Errors
    /// A detail that must not be asked.
    pub(crate) fn over(
        &self,
        mut plan: Arc<dyn ExecutionPlan>,
        connection: &Arc<str>,
        table: &Arc<Table>,
        (schema, manner): (&SchemaRef, Manner),
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut places = self.of_rows.clone();
        let at = |places: &[usize], wanted: usize| places.iter().position(|place| *place == wanted);
        for (detail, columns) in &self.details {
            let declared = table.details.get(*detail).map(|declared| declared.parameters.as_slice());
            let from_row = FromRow {
                parameters: declared.unwrap_or_default().iter().filter_map(|&of| at(&places, of)).collect(),
                partition: self.partition.and_then(|of| at(&places, of)),
            };
            let ask = DetailAsk::new(connection, table, *detail, columns.clone(), manner)?;
            plan = Arc::new(DetailExec::try_new(plan, Arc::new(ask), from_row, false)?);
            places.extend(columns);
        }
        if places == self.wanted {
            return Ok(plan);
        }
        let below = plan.schema();
        let expr = |&wanted: &usize| {
            let name = schema.field(wanted).name().clone();
            at(&places, wanted).map(|place| ProjectionExpr::new(column(&below, place), name))
        };
        let exprs: Vec<ProjectionExpr> = self.wanted.iter().filter_map(expr).collect();
        Ok(Arc::new(ProjectionExec::try_new(exprs, plan)?))
    }
}
