//! The walk over an expression: what must hold of a row for it to be TRUE, or to be FALSE.

use datafusion::logical_expr::expr::{InList, Like, ScalarFunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar};
use tidegate_spec::{ColumnType, Table};

use super::condition::{Condition, Rows, in_list};
use super::like::{like, matching};
use super::literal::{Value, preserves, text, value};

/// What of an expression can be said as a predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// Satisfied by every row for which the expression is TRUE. `None` says nothing about the rows.
    pub predicate: Option<Predicate>,
    /// Whether it is satisfied by no other row.
    pub whole: bool,
    /// Whether the expression is TRUE for no row at all.
    pub never: bool,
}

/// The strongest predicate that this crate can make of an expression over the table's columns.
#[must_use]
pub fn convert(table: &Table, expr: &Expr) -> Pushed {
    let Condition { rows, whole } = Converter { table }.condition(expr, true);
    match rows {
        Rows::None => Pushed { predicate: None, whole, never: true },
        Rows::All => Pushed { predicate: None, whole, never: false },
        Rows::Where(predicate) => Pushed { predicate: Some(predicate), whole, never: false },
    }
}

struct Converter<'a> {
    table: &'a Table,
}

impl Converter<'_> {
    /// Rows for which `expr` is TRUE (`want`) or FALSE (not `want`). NULL is neither.
    fn condition(&self, expr: &Expr, want: bool) -> Condition {
        match expr {
            Expr::Alias(alias) => self.condition(&alias.expr, want),
            Expr::Not(inner) => self.condition(inner, !want),
            Expr::Literal(ScalarValue::Boolean(value), _) => Condition::constant(*value == Some(want)),
            Expr::Column(_) => self.flag(expr, want),
            Expr::BinaryExpr(binary) => self.binary(binary, want),
            Expr::Between(between) => self.between(between, want),
            Expr::InList(list) => self.in_list(list, want),
            Expr::Like(pattern) => self.like(pattern, want),
            Expr::IsNull(inner) => self.is_null(inner, want),
            Expr::IsNotNull(inner) => self.is_null(inner, !want),
            Expr::IsUnknown(inner) => self.is_null(inner, want),
            Expr::IsNotUnknown(inner) => self.is_null(inner, !want),
            Expr::IsTrue(inner) => self.is_truth(inner, true, want),
            Expr::IsFalse(inner) => self.is_truth(inner, false, want),
            Expr::IsNotTrue(inner) => self.is_truth(inner, true, !want),
            Expr::IsNotFalse(inner) => self.is_truth(inner, false, !want),
            Expr::ScalarFunction(call) => self.function(call, want),
            _ => Condition::UNKNOWN,
        }
    }

    fn binary(&self, binary: &BinaryExpr, want: bool) -> Condition {
        let BinaryExpr { left, op, right } = binary;
        match (op, want) {
            (Operator::And, true) | (Operator::Or, false) => {
                self.condition(left, want).and(self.condition(right, want))
            }
            (Operator::Or, true) | (Operator::And, false) => self.condition(left, want).or(self.condition(right, want)),
            _ => match (left.as_ref(), right.as_ref()) {
                (_, Expr::Literal(literal, _)) => self.comparison(left, *op, literal, want),
                (Expr::Literal(literal, _), _) => {
                    op.swap().map_or(Condition::UNKNOWN, |op| self.comparison(right, op, literal, want))
                }
                _ => Condition::UNKNOWN,
            },
        }
    }

    fn comparison(&self, operand: &Expr, op: Operator, literal: &ScalarValue, want: bool) -> Condition {
        match (op, literal.is_null()) {
            (Operator::IsNotDistinctFrom, true) => return self.is_null(operand, want),
            (Operator::IsDistinctFrom, true) => return self.is_null(operand, !want),
            (Operator::IsNotDistinctFrom, false) => return self.same_as(operand, literal, want),
            (Operator::IsDistinctFrom, false) => return self.same_as(operand, literal, !want),
            _ => {}
        }
        let wanted = if want { Some(op) } else { op.negate() };
        let Some(op) = wanted.and_then(compare_op) else { return Condition::UNKNOWN };
        if literal.is_null() {
            return Condition::constant(false);
        }
        match operand {
            Expr::ScalarFunction(call) if matches!(call.name(), "strpos" | "position" | "instr") => {
                self.position(call, op, literal)
            }
            _ => self.compare(operand, op, literal),
        }
    }

    /// `operand op literal` is TRUE; the literal is not NULL.
    fn compare(&self, operand: &Expr, op: CompareOp, literal: &ScalarValue) -> Condition {
        let Some((column, data_type)) = self.column(operand) else { return Condition::UNKNOWN };
        if *data_type == ColumnType::Bool && !matches!(op, CompareOp::Eq | CompareOp::NotEq) {
            return Condition::UNKNOWN;
        }
        match value(data_type, literal) {
            Value::Exact(Scalar::Float(value)) if value == 0.0 => compare_zero(column, op, value.is_sign_negative()),
            Value::Exact(value) => Condition::exact(Predicate::Compare { column, op, value }),
            Value::Above(value) => match op {
                CompareOp::Eq => Condition::constant(false),
                CompareOp::NotEq => Condition::exact(Predicate::IsNull { column, negated: true }),
                CompareOp::Lt | CompareOp::LtEq => {
                    Condition::exact(Predicate::Compare { column, op: CompareOp::LtEq, value })
                }
                CompareOp::Gt | CompareOp::GtEq => {
                    Condition::exact(Predicate::Compare { column, op: CompareOp::Gt, value })
                }
            },
            Value::Below => match op {
                CompareOp::Eq | CompareOp::Lt | CompareOp::LtEq => Condition::constant(false),
                CompareOp::NotEq | CompareOp::Gt | CompareOp::GtEq => {
                    Condition::exact(Predicate::IsNull { column, negated: true })
                }
            },
            Value::Other => match op {
                CompareOp::Eq => Condition::constant(false),
                CompareOp::NotEq => Condition::exact(Predicate::IsNull { column, negated: true }),
                _ => Condition::UNKNOWN,
            },
            Value::Unknown => Condition::UNKNOWN,
        }
    }

    /// `operand IS [NOT] DISTINCT FROM literal`, which is never NULL; the literal is not NULL either.
    fn same_as(&self, operand: &Expr, literal: &ScalarValue, same: bool) -> Condition {
        if same {
            self.compare(operand, CompareOp::Eq, literal)
        } else {
            self.compare(operand, CompareOp::NotEq, literal).or(self.is_null(operand, true))
        }
    }

    fn between(&self, between: &Between, want: bool) -> Condition {
        let (Expr::Literal(low, _), Expr::Literal(high, _)) = (between.low.as_ref(), between.high.as_ref()) else {
            return Condition::UNKNOWN;
        };
        let want = want != between.negated;
        let low = self.comparison(&between.expr, Operator::GtEq, low, want);
        let high = self.comparison(&between.expr, Operator::LtEq, high, want);
        if want { low.and(high) } else { low.or(high) }
    }

    /// A NULL in the list makes NOT IN never TRUE, and leaves IN as it is without.
    fn in_list(&self, list: &InList, want: bool) -> Condition {
        let negated = list.negated == want;
        let Some((column, data_type)) = self.column(&list.expr) else { return Condition::UNKNOWN };
        let (mut values, mut whole) = (Vec::with_capacity(list.list.len()), true);
        for item in &list.list {
            let Expr::Literal(literal, _) = item else { return Condition::UNKNOWN };
            if literal.is_null() && negated {
                return Condition::constant(false);
            }
            if literal.is_null() {
                continue;
            }
            match value(data_type, literal) {
                // Zero has two forms, which are different for the local evaluation.
                Value::Exact(Scalar::Float(0.0)) => {
                    whole = false;
                    if !negated {
                        values.push(Scalar::Float(0.0));
                    }
                }
                Value::Exact(value) => values.push(value),
                Value::Above(_) | Value::Below | Value::Other => {}
                Value::Unknown if negated => whole = false,
                Value::Unknown => return Condition::UNKNOWN,
            }
        }
        let rows = match (values.is_empty(), negated) {
            (true, false) => return Condition::constant(false),
            (true, true) => Predicate::IsNull { column, negated: true },
            (false, _) => in_list(column, values, negated),
        };
        Condition { rows: Rows::Where(rows), whole }
    }

    fn like(&self, pattern: &Like, want: bool) -> Condition {
        let Like { negated, expr, pattern, escape_char, case_insensitive } = pattern;
        if *case_insensitive || escape_char.is_some_and(|escape| escape != '\\') {
            return Condition::UNKNOWN;
        }
        match (self.text_column(expr), literal_text(pattern)) {
            (Some(column), Some(pattern)) => like(column, &pattern, *negated == want),
            _ => Condition::UNKNOWN,
        }
    }

    fn is_null(&self, operand: &Expr, want: bool) -> Condition {
        match self.any_column(operand) {
            Some(column) => Condition::exact(Predicate::IsNull { column, negated: !want }),
            None => Condition::UNKNOWN,
        }
    }

    /// `operand IS truth` (`want`) or `operand IS NOT truth`, which NULL satisfies too.
    fn is_truth(&self, operand: &Expr, truth: bool, want: bool) -> Condition {
        if want {
            self.condition(operand, truth)
        } else if matches!(operand, Expr::Column(_)) {
            self.condition(operand, !truth).or(self.is_null(operand, true))
        } else {
            Condition::UNKNOWN
        }
    }

    fn flag(&self, operand: &Expr, want: bool) -> Condition {
        self.compare(operand, CompareOp::Eq, &ScalarValue::Boolean(Some(want)))
    }

    fn function(&self, call: &ScalarFunction, want: bool) -> Condition {
        let kind = match call.name() {
            "starts_with" => LikeKind::StartsWith,
            "ends_with" => LikeKind::EndsWith,
            "contains" => LikeKind::Contains,
            _ => return Condition::UNKNOWN,
        };
        match self.text_arguments(call) {
            Some((column, text)) => matching(column, kind, text, !want),
            None => Condition::UNKNOWN,
        }
    }

    /// `strpos(column, text) op number`, where the comparison only asks whether the text was found.
    fn position(&self, call: &ScalarFunction, op: CompareOp, literal: &ScalarValue) -> Condition {
        let number = match literal {
            ScalarValue::Int32(Some(number)) => i64::from(*number),
            ScalarValue::Int64(Some(number)) => *number,
            _ => return Condition::UNKNOWN,
        };
        let found = match (op, number) {
            (CompareOp::Gt | CompareOp::NotEq, 0) | (CompareOp::GtEq, 1) => true,
            (CompareOp::Eq | CompareOp::LtEq, 0) | (CompareOp::Lt, 1) => false,
            _ => return Condition::UNKNOWN,
        };
        match self.text_arguments(call) {
            Some((column, text)) => matching(column, LikeKind::Contains, text, !found),
            None => Condition::UNKNOWN,
        }
    }

    fn text_arguments(&self, call: &ScalarFunction) -> Option<(usize, String)> {
        let [subject, part] = call.args.as_slice() else { return None };
        Some((self.text_column(subject)?, literal_text(part)?))
    }

    fn text_column(&self, operand: &Expr) -> Option<usize> {
        let (column, data_type) = self.column(operand)?;
        (*data_type == ColumnType::Text).then_some(column)
    }

    /// The column behind casts that keep its values.
    fn column(&self, operand: &Expr) -> Option<(usize, &ColumnType)> {
        let (inner, target) = match operand {
            Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
            _ => {
                let column = self.any_column(operand)?;
                return Some((column, &self.table.columns.get(column)?.data_type));
            }
        };
        let (column, data_type) = self.column(inner)?;
        preserves(data_type, target).then_some((column, data_type))
    }

    fn any_column(&self, operand: &Expr) -> Option<usize> {
        match operand {
            Expr::Column(column) => self.table.column_index(&column.name),
            Expr::Alias(alias) => self.any_column(&alias.expr),
            _ => None,
        }
    }
}

/// The two zeros of a float are one to an API, and to the local evaluation minus zero is the lower one.
fn compare_zero(column: usize, op: CompareOp, minus: bool) -> Condition {
    let op = match (op, minus) {
        (CompareOp::NotEq, _) => return Condition::weaker(Predicate::IsNull { column, negated: true }),
        (CompareOp::Lt, false) => CompareOp::LtEq,
        (CompareOp::Gt, true) => CompareOp::GtEq,
        (CompareOp::Gt | CompareOp::LtEq, false) | (CompareOp::Lt | CompareOp::GtEq, true) => {
            return Condition::exact(Predicate::Compare { column, op, value: Scalar::Float(0.0) });
        }
        (op, _) => op,
    };
    Condition::weaker(Predicate::Compare { column, op, value: Scalar::Float(0.0) })
}

fn compare_op(op: Operator) -> Option<CompareOp> {
    Some(match op {
        Operator::Eq => CompareOp::Eq,
        Operator::NotEq => CompareOp::NotEq,
        Operator::Lt => CompareOp::Lt,
        Operator::LtEq => CompareOp::LtEq,
        Operator::Gt => CompareOp::Gt,
        Operator::GtEq => CompareOp::GtEq,
        _ => return None,
    })
}

fn literal_text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(literal, _) => match text(literal)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}
