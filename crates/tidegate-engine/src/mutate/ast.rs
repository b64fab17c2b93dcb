//! Small pieces of SQL, put together. Pieces of the statement itself are taken over as they are.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, TableFactor,
    TableWithJoins,
};
use datafusion::sql::sqlparser::parser::Parser;

use crate::sql::DIALECT;
use crate::{Error, ErrorKind, Result};

/// A query of ours, from its text.
pub(super) fn query(sql: &str) -> Result<Query> {
    let parsed = Parser::new(&DIALECT).try_with_sql(sql).and_then(|mut parser| parser.parse_query());
    parsed.map(|query| *query).map_err(|error| impossible(&error.to_string()))
}

/// A piece of a statement that is not as it was written here.
fn impossible(what: &str) -> Error {
    Error::new(ErrorKind::Query, format!("the selection cannot be put together: {what}"))
}

/// `SELECT items FROM from WHERE condition`; without a condition where that is `None`.
pub(super) fn select(items: Vec<SelectItem>, from: Vec<TableWithJoins>, condition: Option<Expr>) -> Result<Query> {
    let mut query = query("SELECT 1")?;
    let select = body(&mut query)?;
    select.projection = items;
    select.from = from;
    select.selection = condition;
    Ok(query)
}

fn body(query: &mut Query) -> Result<&mut Select> {
    match query.body.as_mut() {
        SetExpr::Select(select) => Ok(select),
        _ => Err(impossible("it is no SELECT")),
    }
}

/// A table by its name, in FROM.
pub(super) fn table(name: &ObjectName) -> Result<TableFactor> {
    let mut factor = first(query("SELECT 1 FROM t")?)?.relation;
    match &mut factor {
        TableFactor::Table { name: own, .. } => *own = name.clone(),
        _ => return Err(impossible("it has no table")),
    }
    Ok(factor)
}

fn first(mut query: Query) -> Result<TableWithJoins> {
    body(&mut query)?.from.pop().ok_or_else(|| impossible("it has no FROM"))
}

/// A table of FROM without joins.
pub(super) fn alone(relation: TableFactor) -> TableWithJoins {
    TableWithJoins { relation, joins: Vec::new() }
}

/// `left LEFT JOIN right ON condition`, or a FULL JOIN.
pub(super) fn outer_join(left: TableFactor, right: TableFactor, on: Expr, is_full: bool) -> Result<TableWithJoins> {
    let mut joined = first(query("SELECT 1 FROM l LEFT JOIN r ON TRUE")?)?;
    joined.relation = left;
    for join in &mut joined.joins {
        join.relation = right.clone();
        let constraint = JoinConstraint::On(on.clone());
        join.join_operator =
            if is_full { JoinOperator::FullOuter(constraint) } else { JoinOperator::LeftOuter(constraint) };
    }
    Ok(joined)
}

/// `(SELECT *, TRUE AS mark FROM table) AS name`
pub(super) fn marked(table: TableFactor, name: &Ident, mark: &str) -> Result<TableFactor> {
    let mut factor = first(query(&format!("SELECT 1 FROM (SELECT *, TRUE AS \"{mark}\" FROM t) AS a"))?)?.relation;
    match &mut factor {
        TableFactor::Derived { subquery, alias: Some(alias), .. } => {
            body(subquery)?.from = vec![alone(table)];
            alias.name = name.clone();
        }
        _ => return Err(impossible("it has no subquery")),
    }
    Ok(factor)
}

/// An expression of ours, from its text.
pub(super) fn expr(sql: &str) -> Result<Expr> {
    let parsed = Parser::new(&DIALECT).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|error| impossible(&error.to_string()))
}

/// `expr AS "name"`
pub(super) fn named(expr: Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: quoted(name) }
}

/// A name that is taken as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// `(expr)`
pub(super) fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// All of them, each in brackets.
pub(super) fn all(conditions: Vec<Expr>) -> Option<Expr> {
    joined(conditions, datafusion::sql::sqlparser::ast::BinaryOperator::And)
}

/// Any of them, each in brackets.
pub(super) fn any(conditions: Vec<Expr>) -> Option<Expr> {
    joined(conditions, datafusion::sql::sqlparser::ast::BinaryOperator::Or)
}

fn joined(conditions: Vec<Expr>, op: datafusion::sql::sqlparser::ast::BinaryOperator) -> Option<Expr> {
    let nested = conditions.into_iter().map(nested);
    nested.reduce(|left, right| Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) })
}

/// `CASE WHEN condition THEN result … END`
pub(super) fn case(branches: Vec<(Expr, Expr)>) -> Result<Expr> {
    let mut case = expr("CASE WHEN TRUE THEN 1 END")?;
    let Expr::Case { conditions, .. } = &mut case else { return Err(impossible("it is no CASE")) };
    *conditions = branches
        .into_iter()
        .map(|(condition, result)| datafusion::sql::sqlparser::ast::CaseWhen { condition, result })
        .collect();
    Ok(case)
}
