//! Columns that expressions may name. One too many is read in vain; none is missing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, SelectItem, visit_expressions};
use tidegate_spec::Table;

use crate::sql::name;

/// Columns of the table that the items may name, sorted.
pub(super) fn named_columns(table: &Table, items: &[SelectItem]) -> Vec<usize> {
    let mut columns = BTreeSet::new();
    for item in items {
        let expr = match item {
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                return (0..table.columns.len()).collect();
            }
            SelectItem::UnnamedExpr(expr)
            | SelectItem::ExprWithAlias { expr, .. }
            | SelectItem::ExprWithAliases { expr, .. } => expr,
        };
        let mut add = |ident: &Ident| columns.extend(table.column_index(&name(ident)));
        let _walked = visit_expressions(expr, |expr| {
            match expr {
                Expr::Identifier(ident) => add(ident),
                // Of a struct's member, or behind the table's name.
                Expr::CompoundIdentifier(parts) => parts.iter().for_each(&mut add),
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
    }
    columns.into_iter().collect()
}
