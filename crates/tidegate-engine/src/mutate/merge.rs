//! The SELECT of the rows that a MERGE makes, changes and removes.
//!
//! The source is joined with the target, and each row takes the first WHEN that applies to it. A row of the target is
//! there when its key is; a row of the source always is, unless WHEN NOT MATCHED BY SOURCE asks for rows without one: then
//! the source gets a mark.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr,
    TableFactor, Value,
};
use tidegate_spec::WriteKind;

use super::ast;
use super::insert::{Named, named, width};
use super::layout::{Action, Items};
use super::select::{Selecting, assignments, old_columns, restorable, unsupported, version};
use super::target::Target;
use super::values::is_default;
use crate::{Error, ErrorKind, Result};

/// The mark of the source's rows.
const MARK: &str = "__there";
/// Which WHEN applies.
const CHOICE: &str = "__action";

/// The rows of a MERGE. `returned` are columns that RETURNING names.
///
/// # Errors
/// What cannot be written, and clauses that are not offered.
pub(super) fn merge(target: &Target, merge: &Merge, returned: &[usize]) -> Result<Selecting> {
    if merge.output.is_some() {
        return Err(unsupported("OUTPUT; write RETURNING"));
    }
    let by_source = |clause: &MergeClause| clause.clause_kind == MergeClauseKind::NotMatchedBySource;
    let presence = Presence::new(target, merge, merge.clauses.iter().any(by_source))?;
    let mut items = Items::of_rows(target)?;
    let (mut conditions, mut choices) = (Vec::new(), Vec::new());
    for (number, clause) in merge.clauses.iter().enumerate() {
        let condition = presence.condition(clause)?;
        add(&mut items, target, number, clause, &condition)?;
        choices.push((condition.clone(), Expr::value(Value::Number(number.to_string(), false))));
        conditions.push(condition);
    }
    items.old(returned.iter().copied().filter(|_| !target.table.key.is_empty()))?;
    let choice = items.add(ast::case(choices)?, CHOICE);
    items.layout.choice = Some(choice);
    let (items, layout) = items.finish();
    let source = match &presence.mark {
        Some(alias) => ast::marked(merge.source.clone(), alias, MARK)?,
        None => merge.source.clone(),
    };
    let joined = ast::outer_join(source, merge.table.clone(), merge.on.as_ref().clone(), presence.mark.is_some())?;
    let query = ast::select(items, vec![joined], ast::any(conditions))?;
    Ok(Selecting { query, layout, may_repeat: true })
}

/// Which of the two sides a row of the join has.
struct Presence {
    /// A column of the target that its rows have.
    target: Expr,
    /// Name of the source, where it is marked.
    mark: Option<Ident>,
}

impl Presence {
    fn new(target: &Target, merge: &Merge, is_marked: bool) -> Result<Self> {
        let Some(&key) = target.table.key.first() else {
            let message =
                format!("MERGE INTO {} is not offered: the table has no key to tell its rows by", target.place());
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let mark = is_marked.then(|| source_name(&merge.source)).transpose()?;
        Ok(Self { target: target.column(key)?, mark })
    }

    /// Whether the clause applies.
    fn condition(&self, clause: &MergeClause) -> Result<Expr> {
        let in_target = |is_there: bool| is_null(self.target.clone(), !is_there);
        let in_source = |is_there: bool| {
            let column = |name: &Ident| Expr::CompoundIdentifier(vec![name.clone(), ast::quoted(MARK)]);
            self.mark.as_ref().map(|name| is_null(column(name), !is_there))
        };
        let mut conditions = Vec::new();
        match clause.clause_kind {
            MergeClauseKind::Matched => {
                conditions.push(in_target(true));
                conditions.extend(in_source(true));
            }
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => {
                conditions.push(in_target(false));
                conditions.extend(in_source(true));
            }
            MergeClauseKind::NotMatchedBySource => {
                conditions.push(in_target(true));
                conditions.extend(in_source(false));
            }
        }
        conditions.extend(clause.predicate.clone());
        ast::all(conditions).ok_or_else(|| unsupported("WHEN without a condition"))
    }
}

fn is_null(expr: Expr, is_null: bool) -> Expr {
    if is_null { Expr::IsNull(Box::new(expr)) } else { Expr::IsNotNull(Box::new(expr)) }
}

fn source_name(source: &TableFactor) -> Result<Ident> {
    let name = match source {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident().cloned()),
        _ => None,
    };
    name.ok_or_else(|| {
        let message = "WHEN NOT MATCHED BY SOURCE needs a name for the source: USING (…) AS name";
        Error::new(ErrorKind::Syntax, message)
    })
}

/// Adds what a clause does with the rows that it applies to. The parser refuses an INSERT of rows that are there, and
/// changes of those that are not.
fn add(items: &mut Items<'_>, target: &Target, number: usize, clause: &MergeClause, applies: &Expr) -> Result<()> {
    let action = match &clause.action {
        MergeAction::Update(update) => changed(items, target, number, update, applies)?,
        MergeAction::Insert(insert) => inserted(items, target, number, insert, applies)?,
        MergeAction::Delete { .. } => {
            let write = target.write(WriteKind::Delete, &[])?;
            items.old(old_columns(&target.table, WriteKind::Delete, write))?;
            items.old(restorable(&target.table))?;
            Action { version: version(write), ..Action::new(WriteKind::Delete) }
        }
    };
    items.layout.actions.push(action);
    Ok(())
}

fn changed(
    items: &mut Items<'_>,
    target: &Target,
    number: usize,
    update: &MergeUpdateExpr,
    applies: &Expr,
) -> Result<Action> {
    if update.update_predicate.is_some() || update.delete_predicate.is_some() {
        return Err(unsupported("WHERE behind a clause of MERGE; write WHEN … AND condition"));
    }
    let assigned = assignments(target, &update.assignments)?;
    let columns: Vec<usize> = assigned.iter().map(|(column, _)| *column).collect();
    let write = target.write(WriteKind::Update, &columns)?;
    items.old(old_columns(&target.table, WriteKind::Update, write).into_iter().chain(columns))?;
    let mut action = Action { version: version(write), ..Action::new(WriteKind::Update) };
    for (column, value) in assigned {
        action.new.push(items.new_value(&prefix(number), column, guarded(applies, value)?));
    }
    Ok(action)
}

fn inserted(
    items: &mut Items<'_>,
    target: &Target,
    number: usize,
    insert: &MergeInsertExpr,
    applies: &Expr,
) -> Result<Action> {
    if insert.insert_predicate.is_some() {
        return Err(unsupported("WHERE behind a clause of MERGE; write WHEN … AND condition"));
    }
    let named = named(target, &insert.columns)?;
    let columns: Vec<usize> = named.iter().filter_map(Named::column).collect();
    target.write(WriteKind::Insert, &columns)?;
    let row = match &insert.kind {
        MergeInsertKind::Values(values) => match values.rows.as_slice() {
            [row] => &row.content,
            _ => return Err(Error::new(ErrorKind::Syntax, "INSERT of a MERGE takes the values of one row")),
        },
        MergeInsertKind::Row => return Err(unsupported("INSERT ROW; write VALUES (…)")),
    };
    if row.len() != named.len() {
        return Err(width(named.len(), &format!("VALUES has {}", row.len())));
    }
    let mut action = Action::new(WriteKind::Insert);
    for (one, value) in named.into_iter().zip(row) {
        if is_default(value) {
            let message = "INSERT of a MERGE takes no DEFAULT: leave the column out, and the API takes its own";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let value = guarded(applies, one.kept(target, value.clone()))?;
        match one {
            Named::Partition => action.into = Some(items.into(&prefix(number), value)),
            Named::Column(column) => action.new.push(items.new_value(&prefix(number), column, value)),
        }
    }
    Ok(action)
}

/// A value is computed only for rows that it is for: for others it may not even be possible.
fn guarded(applies: &Expr, value: Expr) -> Result<Expr> {
    ast::case(vec![(applies.clone(), value)])
}

fn prefix(number: usize) -> String {
    format!("{number}_")
}
