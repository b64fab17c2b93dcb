//! Fits a literal to the column that it is compared with.
//!
//! A service reads a literal in its column's type, and rounds or refuses one that does not fit: SAP CAP cuts a
//! timestamp after its milliseconds and answers 400 to a time of day with a fraction. So such a literal is
//! replaced by its neighbours that every service reads the same, and the comparison by one that lets more rows
//! pass: `x < 10:00:00.5` is asked for as `x <= 10:00:01`.

use tidegate_spec::ColumnType;

use crate::odata::literal::is_uuid;
use crate::{CompareOp, Scalar};

/// Comparisons to ask for in place of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    /// All of these hold for every row for which the comparison is true. Not empty.
    pub(super) conditions: Vec<(CompareOp, Scalar)>,
    /// Whether they mean the same.
    pub(super) exact: bool,
}

impl Fitted {
    fn one(op: CompareOp, value: Scalar, exact: bool) -> Option<Self> {
        Some(Self { conditions: vec![(op, value)], exact })
    }

    /// The value, if the comparison is still one for equality.
    pub(super) fn equal(self) -> Option<(Scalar, bool)> {
        let exact = self.exact;
        self.only(CompareOp::Eq).map(|value| (value, exact))
    }

    /// The value, if the comparison is still one with this operator.
    pub(super) fn only(mut self, op: CompareOp) -> Option<Scalar> {
        let (fitted, value) = self.conditions.pop().filter(|_| self.conditions.is_empty())?;
        (fitted == op).then_some(value)
    }
}

/// What every service reads the same of a literal.
enum Literal {
    /// The literal itself.
    Same(Scalar),
    /// Its neighbours; the literal stands between them or is one of them.
    Between(Scalar, Scalar),
}

/// The comparisons to ask for in place of `column op value`; `None` when there are none. Points in time are written in
/// multiples of `grain` microseconds.
pub(super) fn fit(column: &ColumnType, grain: i64, op: CompareOp, value: &Scalar) -> Option<Fitted> {
    match (column, value) {
        (ColumnType::Uuid, Scalar::Text(text)) => return uuid(op, text),
        (ColumnType::Float64, Scalar::Float(value)) if *value == 0.0 => return zero(op, value.is_sign_negative()),
        (ColumnType::Float32, Scalar::Float(value)) => return single(op, *value),
        _ => {}
    }
    match literal(column, grain, value)? {
        Literal::Same(value) => Fitted::one(op, value, true),
        Literal::Between(low, high) => between(op, low, high),
    }
}

/// Whether the text may stand in a URL. Control characters may not: they end a text at some services (NUL), and
/// proxies refuse them even when encoded.
pub(super) fn is_sendable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn between(op: CompareOp, low: Scalar, high: Scalar) -> Option<Fitted> {
    match op {
        CompareOp::Eq => {
            Some(Fitted { conditions: vec![(CompareOp::GtEq, low), (CompareOp::LtEq, high)], exact: false })
        }
        CompareOp::NotEq => None,
        CompareOp::Lt | CompareOp::LtEq => Fitted::one(CompareOp::LtEq, high, false),
        CompareOp::Gt | CompareOp::GtEq => Fitted::one(CompareOp::GtEq, low, false),
    }
}

fn literal(column: &ColumnType, grain: i64, value: &Scalar) -> Option<Literal> {
    /// Some services read no fraction of a time of day.
    const TIME_GRAIN: i64 = 1_000_000;
    const DAY: i64 = 86_400_000_000;
    let same = match (column, value) {
        (ColumnType::Bool, Scalar::Bool(_)) => true,
        (ColumnType::Int16, Scalar::Int(value)) => i16::try_from(*value).is_ok(),
        (ColumnType::Int32, Scalar::Int(value)) => i32::try_from(*value).is_ok(),
        (ColumnType::Int64, Scalar::Int(_)) => true,
        (ColumnType::Float64, Scalar::Float(value)) => is_writable(*value),
        (ColumnType::Text, Scalar::Text(text)) => is_sendable(text),
        (ColumnType::Date, Scalar::Date(days)) => is_four_digit_day(i64::from(*days)),
        (ColumnType::Decimal { precision, scale }, Scalar::Decimal { value, scale: digits }) => {
            return decimal(*precision, *scale, *value, *digits);
        }
        (ColumnType::Time, Scalar::Time(micros)) => {
            let (low, high) = grid(*micros, TIME_GRAIN).filter(|(low, high)| *low >= 0 && *high < DAY)?;
            return Some(pair(Scalar::Time(low), Scalar::Time(high)));
        }
        (ColumnType::Timestamp { .. }, Scalar::Timestamp(micros)) => {
            let fits = |micros: i64| is_four_digit_day(micros.div_euclid(DAY));
            let (low, high) = grid(*micros, grain).filter(|(low, high)| fits(*low) && fits(*high))?;
            return Some(pair(Scalar::Timestamp(low), Scalar::Timestamp(high)));
        }
        _ => false,
    };
    same.then(|| Literal::Same(value.clone()))
}

fn pair(low: Scalar, high: Scalar) -> Literal {
    if low == high { Literal::Same(low) } else { Literal::Between(low, high) }
}

/// The multiples of `grain` around a value.
fn grid(value: i64, grain: i64) -> Option<(i64, i64)> {
    let low = value.div_euclid(grain).checked_mul(grain)?;
    Some((low, if low == value { low } else { low.checked_add(grain)? }))
}

/// Days from 0001-01-01 to 9999-12-31: other years have no form that all services read.
fn is_four_digit_day(days: i64) -> bool {
    (-719_162..=2_932_896).contains(&days)
}

/// A decimal in its column's scale. One that has more digits than the column's precision is not sent: services
/// answer it with an error.
fn decimal(precision: u8, scale: i8, value: i128, digits: i8) -> Option<Literal> {
    let most = 10_i128.checked_pow(u32::from(precision))?;
    let shift = i32::from(scale) - i32::from(digits);
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    let (low, high) = if shift >= 0 {
        let value = value.checked_mul(factor)?;
        (value, value)
    } else {
        let low = value.div_euclid(factor);
        (low, if value.rem_euclid(factor) == 0 { low } else { low.checked_add(1)? })
    };
    let fits = |value: i128| value.unsigned_abs() < most.unsigned_abs();
    let scalar = |value: i128| Scalar::Decimal { value, scale };
    (fits(low) && fits(high)).then(|| pair(scalar(low), scalar(high)))
}

/// SQL here orders -0.0 before 0.0, and services take them as equal.
fn zero(op: CompareOp, negative: bool) -> Option<Fitted> {
    let (op, exact) = match (op, negative) {
        (CompareOp::NotEq, _) => return None,
        (CompareOp::Eq, _) => (CompareOp::Eq, false),
        (CompareOp::Lt, false) => (CompareOp::LtEq, false),
        (CompareOp::Gt, true) => (CompareOp::GtEq, false),
        (CompareOp::LtEq, true) | (CompareOp::GtEq, false) => (op, false),
        (CompareOp::LtEq | CompareOp::Gt, false) | (CompareOp::Lt | CompareOp::GtEq, true) => (op, true),
    };
    Fitted::one(op, Scalar::Float(0.0), exact)
}

/// Whether services read the number without an exponent, which some take for an error and all for many digits.
fn is_writable(value: f64) -> bool {
    value == 0.0 || (1e-9..1e15).contains(&value.abs())
}

/// Some services keep single precision in double, so that 0.1 there is not the 0.1 that a column of single
/// precision holds here. The bounds are therefore the single numbers next to the literal's own neighbours.
fn single(op: CompareOp, value: f64) -> Option<Fitted> {
    #[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest single, from where it steps outward")]
    let nearest = value as f32;
    let (low, high) = (f64::from(nearest.next_down()), f64::from(nearest.next_up()));
    (nearest.is_finite() && is_writable(low) && is_writable(high))
        .then(|| between(op, Scalar::Float(low), Scalar::Float(high)))?
}

/// Text that is a UUID. One in upper case equals no value as SQL compares it, unless the service sends upper
/// case; it is asked for as it is written, and only for equality, since services fold its case.
fn uuid(op: CompareOp, text: &str) -> Option<Fitted> {
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_uuid(text) && (lower || op == CompareOp::Eq)).then(|| Fitted::one(op, Scalar::Text(text.to_owned()), lower))?
}
