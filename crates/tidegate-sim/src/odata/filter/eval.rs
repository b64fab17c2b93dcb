//! Evaluation with the null rules of the URL conventions:
//! `eq` and `ne` treat null as a value; the other comparisons with a null are false (in V4, `ge`
//! and `le` of two nulls are true, since null equals itself); `and`, `or` and `not` have three
//! values in V4; functions of null are null. A row is returned if its filter is true.

use std::cmp::Ordering;

use crate::config::Collation;
use crate::data::changes::Data;
use crate::data::civil::{self, DAY, SECOND};
use crate::data::decimal::Decimal;
use crate::data::schema::EntitySet;
use crate::data::value::Value;

use super::ast::{Cmp, Dialect, Expr, Func};

/// One row to evaluate against.
pub(crate) struct Row<'a> {
    pub(crate) data: Data<'a>,
    pub(crate) set: &'a EntitySet,
    pub(crate) row: u64,
    pub(crate) collation: Collation,
    pub(crate) dialect: Dialect,
}

impl Row<'_> {
    /// Whether the filter keeps this row.
    pub(crate) fn keeps(&self, filter: &Expr) -> bool {
        matches!(self.eval(filter, None), Value::Bool(true))
    }

    /// Value of an expression; `item` is the value of the lambda variable.
    pub(crate) fn eval(&self, expr: &Expr, item: Option<&str>) -> Value {
        match expr {
            Expr::Lit(value) => value.clone(),
            Expr::Item => item.map_or(Value::Null, |s| Value::Str(s.to_owned())),
            Expr::Prop { column, field, .. } => self.property(*column, *field),
            Expr::Cmp(op, l, r) => Value::Bool(self.compare(*op, &self.eval(l, item), &self.eval(r, item))),
            Expr::And(l, r) => self.logic(false, l, r, item),
            Expr::Or(l, r) => self.logic(true, l, r, item),
            Expr::Not(inner) => match self.eval(inner, item) {
                Value::Bool(b) => Value::Bool(!b),
                _ => Value::Null,
            },
            Expr::In(left, list) => {
                let left = self.eval(left, item);
                Value::Bool(list.iter().any(|v| self.compare(Cmp::Eq, &left, v)))
            }
            Expr::Call(func, args) => {
                let args: Vec<Value> = args.iter().map(|a| self.eval(a, item)).collect();
                self.call(*func, &args)
            }
            Expr::Lambda { column, all, body } => self.lambda(*column, *all, body.as_deref()),
        }
    }

    fn property(&self, column: usize, field: Option<usize>) -> Value {
        let value = self.data.value(self.set, self.row, column);
        match (value, field, self.dialect) {
            (Value::Complex(mut fields), Some(i), _) if i < fields.len() => fields.swap_remove(i),
            (_, Some(_), _) => Value::Null,
            // In V2 a date is an Edm.DateTime and an enumeration is its number.
            (Value::Date(d), None, Dialect::V2) => Value::Stamp(i128::from(d) * DAY),
            (Value::Enum(n), None, Dialect::V2) => Value::Int(n),
            (value, None, _) => value,
        }
    }

    /// `and` and `or`: `decisive` is the value that settles the result whatever the other side is.
    fn logic(&self, decisive: bool, l: &Expr, r: &Expr, item: Option<&str>) -> Value {
        let truth = |e: &Expr| match (self.eval(e, item), self.dialect) {
            (Value::Bool(b), _) => Some(b),
            (_, Dialect::V2) => Some(false),
            (_, Dialect::V4) => None,
        };
        let left = truth(l);
        if left == Some(decisive) {
            return Value::Bool(decisive);
        }
        match (left, truth(r)) {
            (_, Some(b)) if b == decisive => Value::Bool(b),
            (Some(_), Some(b)) => Value::Bool(b),
            _ => Value::Null,
        }
    }

    fn lambda(&self, column: usize, all: bool, body: Option<&Expr>) -> Value {
        let Value::List(items) = self.property(column, None) else { return Value::Bool(all) };
        let Some(body) = body else { return Value::Bool(!items.is_empty()) };
        let holds = |i: &String| matches!(self.eval(body, Some(i)), Value::Bool(true));
        Value::Bool(if all { items.iter().all(holds) } else { items.iter().any(holds) })
    }

    fn compare(&self, op: Cmp, l: &Value, r: &Value) -> bool {
        if l.is_null() || r.is_null() {
            let both = l.is_null() && r.is_null();
            return match op {
                Cmp::Eq => both,
                Cmp::Ne => !both,
                Cmp::Ge | Cmp::Le => both && self.dialect == Dialect::V4,
                Cmp::Gt | Cmp::Lt => false,
            };
        }
        // `None`: not ordered, as NaN is with everything.
        let order = order(l, r, self.collation);
        match op {
            Cmp::Eq => order == Some(Ordering::Equal),
            Cmp::Ne => order != Some(Ordering::Equal),
            Cmp::Gt => order == Some(Ordering::Greater),
            Cmp::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Cmp::Lt => order == Some(Ordering::Less),
            Cmp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }

    fn call(&self, func: Func, args: &[Value]) -> Value {
        if args.iter().any(Value::is_null) {
            return Value::Null;
        }
        match args {
            [Value::Str(a)] => text(func, a),
            [Value::Str(a), Value::Str(b)] => self.search(func, a, b),
            [Value::Str(a), Value::Int(from), rest @ ..] => substring(a, *from, rest.first()),
            [number @ (Value::Int(_) | Value::Dec(_) | Value::Double(_))] => rounded(func, number),
            [moment] => part(func, moment),
            _ => Value::Null,
        }
    }

    fn search(&self, func: Func, a: &str, b: &str) -> Value {
        if func == Func::Concat {
            return Value::Str(format!("{a}{b}"));
        }
        let (a, b) = (self.collation.fold(a), self.collation.fold(b));
        Value::Bool(match func {
            Func::Contains => a.contains(&*b),
            Func::StartsWith => a.starts_with(&*b),
            Func::EndsWith => a.ends_with(&*b),
            Func::SubstringOf => b.contains(&*a),
            _ => {
                let at = a.find(&*b).map_or(-1, |at| a[..at].chars().count() as i64);
                return Value::Int(at);
            }
        })
    }
}

fn text(func: Func, a: &str) -> Value {
    match func {
        Func::ToLower => Value::Str(a.to_lowercase()),
        Func::ToUpper => Value::Str(a.to_uppercase()),
        Func::Trim => Value::Str(a.trim().to_owned()),
        _ => Value::Int(a.chars().count() as i64),
    }
}

fn substring(a: &str, from: i64, length: Option<&Value>) -> Value {
    let from = usize::try_from(from).unwrap_or(0);
    let length = match length {
        Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(0),
        _ => usize::MAX,
    };
    Value::Str(a.chars().skip(from).take(length).collect())
}

fn part(func: Func, moment: &Value) -> Value {
    let (day, nanos) = match moment {
        Value::Date(d) => (*d, 0),
        Value::Time(t) => (0, *t),
        Value::Stamp(s) => (s.div_euclid(DAY) as i64, s.rem_euclid(DAY)),
        _ => return Value::Null,
    };
    let (y, m, d) = civil::date(day);
    match func {
        Func::Year => Value::Int(y),
        Func::Month => Value::Int(m),
        Func::Day => Value::Int(d),
        Func::Hour => Value::Int((nanos / SECOND / 3600) as i64),
        Func::Minute => Value::Int((nanos / SECOND / 60 % 60) as i64),
        Func::Second => Value::Int((nanos / SECOND % 60) as i64),
        Func::Date => Value::Date(day),
        _ => Value::Time(nanos),
    }
}

/// `round` goes away from zero at a half, as OData says.
fn rounded(func: Func, number: &Value) -> Value {
    match number {
        Value::Double(d) => Value::Double(match func {
            Func::Floor => d.floor(),
            Func::Ceiling => d.ceil(),
            _ => d.round(),
        }),
        Value::Dec(d) => {
            let one = 10i128.pow(u32::from(d.scale));
            let (down, rest) = (d.units.div_euclid(one), d.units.rem_euclid(one));
            let up = match func {
                Func::Floor => false,
                Func::Ceiling => rest > 0,
                _ => rest * 2 > one || (rest * 2 == one && d.units > 0),
            };
            Value::Dec(Decimal::new(down + i128::from(up), 0))
        }
        other => other.clone(),
    }
}

/// Order of two values that are not null, by numeric promotion where the types differ: a double
/// makes both doubles, else a decimal makes both decimals. `None` if they have no order.
pub(crate) fn order(l: &Value, r: &Value, collation: Collation) -> Option<Ordering> {
    Some(match (l, r) {
        (Value::Str(a), Value::Str(b)) => collation.compare(a, b),
        (Value::Int(a), Value::Int(b)) | (Value::Enum(a), Value::Enum(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Guid(a), Value::Guid(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) | (Value::Stamp(a), Value::Stamp(b)) => a.cmp(b),
        (Value::Double(_), _) | (_, Value::Double(_)) => return double(l)?.partial_cmp(&double(r)?),
        _ => decimal(l)?.compare(decimal(r)?),
    })
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(d) => Some(*d),
        Value::Int(i) => Some(*i as f64),
        Value::Dec(d) => Some(d.to_f64()),
        _ => None,
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Dec(d) => Some(*d),
        Value::Int(i) => Some(Decimal::new(i128::from(*i), 0)),
        _ => None,
    }
}

/// Order for `$orderby`: null before everything else, as the protocol says.
pub(crate) fn order_nulls_low(l: &Value, r: &Value, collation: Collation) -> Ordering {
    match (l.is_null(), r.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => order(l, r, collation).unwrap_or(Ordering::Equal),
    }
}
