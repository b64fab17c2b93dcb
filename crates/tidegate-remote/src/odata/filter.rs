//! Predicates as `$filter` expressions.
//!
//! OData's `ne` is true for null (`null ne 5`), and services disagree about `not contains(null, 'x')`. SQL wants
//! neither row, so both are written with a guard, `(x ne 5 and x ne null)`, wherever the column can be null.

use tidegate_spec::{ODataVersion, Table};

use super::{is_before_v4, literal};
use crate::{CompareOp, ErrorKind, LikeKind, Predicate, Scalar};

/// The expression for a predicate, before percent-encoding.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the language has no literal for a value of a column's type.
pub fn render(table: &Table, version: ODataVersion, predicate: &Predicate) -> Result<String, ErrorKind> {
    Writer { table, version }.expression(predicate).map(|(text, _)| text)
}

/// How tightly an expression binds: only a [`Shape::Chain`] needs parentheses inside another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One comparison or function call.
    Leaf,
    /// Several, joined by `and` or `or`.
    Chain,
}

type Written = (String, Shape);

struct Writer<'a> {
    table: &'a Table,
    version: ODataVersion,
}

impl Writer<'_> {
    fn expression(&self, predicate: &Predicate) -> Result<Written, ErrorKind> {
        match predicate {
            Predicate::And(parts) => self.all(" and ", parts),
            Predicate::Or(parts) => self.all(" or ", parts),
            Predicate::Compare { column, op, value } => self.compare(*column, *op, value),
            Predicate::In { column, values, negated: false } => self.within(*column, values),
            Predicate::In { column, values, negated: true } => self.not_within(*column, values),
            Predicate::Like { column, kind, text, negated } => self.like(*column, *kind, text, *negated),
            Predicate::IsNull { column, negated } => {
                let op = if *negated { "ne" } else { "eq" };
                Ok((format!("{} {op} null", self.name(*column)?), Shape::Leaf))
            }
        }
    }

    fn all(&self, joint: &str, parts: &[Predicate]) -> Result<Written, ErrorKind> {
        let parts = parts.iter().map(|part| self.expression(part)).collect::<Result<Vec<_>, _>>()?;
        join(joint, parts)
    }

    fn compare(&self, column: usize, op: CompareOp, value: &Scalar) -> Result<Written, ErrorKind> {
        let text = format!("{} {} {}", self.name(column)?, keyword(op), self.literal(column, value)?);
        if op == CompareOp::NotEq { self.guarded(column, vec![text]) } else { Ok((text, Shape::Leaf)) }
    }

    fn within(&self, column: usize, values: &[Scalar]) -> Result<Written, ErrorKind> {
        if self.version < ODataVersion::V401 {
            let parts = values.iter().map(|value| self.compare(column, CompareOp::Eq, value));
            return join(" or ", parts.collect::<Result<Vec<_>, _>>()?);
        }
        let values = values.iter().map(|value| self.literal(column, value)).collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            return Err(ErrorKind::Unsupported("IN needs at least one value".to_owned()));
        }
        Ok((format!("{} in ({})", self.name(column)?, values.join(",")), Shape::Leaf))
    }

    fn not_within(&self, column: usize, values: &[Scalar]) -> Result<Written, ErrorKind> {
        let name = self.name(column)?;
        let parts = values.iter().map(|value| Ok(format!("{name} ne {}", self.literal(column, value)?)));
        self.guarded(column, parts.collect::<Result<Vec<_>, ErrorKind>>()?)
    }

    fn like(&self, column: usize, kind: LikeKind, text: &str, negated: bool) -> Result<Written, ErrorKind> {
        let name = self.name(column)?;
        let text = literal::quoted(text);
        let call = match kind {
            LikeKind::StartsWith => format!("startswith({name},{text})"),
            LikeKind::EndsWith => format!("endswith({name},{text})"),
            LikeKind::Contains if is_before_v4(self.version) => format!("substringof({text},{name})"),
            LikeKind::Contains => format!("contains({name},{text})"),
        };
        if negated { self.guarded(column, vec![format!("not {call}")]) } else { Ok((call, Shape::Leaf)) }
    }

    /// All of the conditions, and that the column is not null where it could be.
    fn guarded(&self, column: usize, mut conditions: Vec<String>) -> Result<Written, ErrorKind> {
        if self.column(column)?.nullable {
            conditions.push(format!("{} ne null", self.name(column)?));
        }
        join(" and ", conditions.into_iter().map(|condition| (condition, Shape::Leaf)).collect())
    }

    fn literal(&self, column: usize, value: &Scalar) -> Result<String, ErrorKind> {
        let column = self.column(column)?;
        literal::literal(self.version, &column.data_type, value).ok_or_else(|| {
            ErrorKind::Unsupported(format!("column {}: OData has no literal for {value:?}", column.name))
        })
    }

    fn name(&self, column: usize) -> Result<String, ErrorKind> {
        Ok(self.column(column)?.path.join("/"))
    }

    fn column(&self, column: usize) -> Result<&tidegate_spec::Column, ErrorKind> {
        column_of(self.table, column)
    }
}

/// The column at an index that came from outside.
pub(super) fn column_of(table: &Table, column: usize) -> Result<&tidegate_spec::Column, ErrorKind> {
    let missing = || ErrorKind::Unsupported(format!("table {} has no column number {column}", table.name));
    table.columns.get(column).ok_or_else(missing)
}

fn join(joint: &str, parts: Vec<Written>) -> Result<Written, ErrorKind> {
    let mut parts = parts;
    match parts.len() {
        // An empty list of conditions must not turn into "all rows".
        0 => Err(ErrorKind::Unsupported("a filter without conditions cannot be sent".to_owned())),
        1 => Ok(parts.remove(0)),
        _ => {
            let parts: Vec<_> = parts.into_iter().map(nested).collect();
            Ok((parts.join(joint), Shape::Chain))
        }
    }
}

fn nested((text, shape): Written) -> String {
    if shape == Shape::Chain { format!("({text})") } else { text }
}

fn keyword(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "eq",
        CompareOp::NotEq => "ne",
        CompareOp::Lt => "lt",
        CompareOp::LtEq => "le",
        CompareOp::Gt => "gt",
        CompareOp::GtEq => "ge",
    }
}

#[cfg(test)]
mod tests;
