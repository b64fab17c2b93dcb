//! Filters that no row can satisfy: nothing is asked for then.
//!
//! Each part of a conjunction speaks of one column, whose values have one order: parts that leave a column no value do so
//! two by two.

use std::cmp::Ordering;

use tidegate_remote::{CompareOp, Predicate, Scalar};

use super::filters::excludes_null;

/// Whether no row can satisfy the predicate, as far as that can be told.
pub(super) fn contradicts(predicate: &Predicate) -> bool {
    let Predicate::And(parts) = predicate else { return false };
    parts.iter().enumerate().any(|(place, part)| match part {
        Predicate::IsNull { column, negated: false } => parts.iter().any(|other| excludes_null(other, *column)),
        _ => parts.iter().skip(place + 1).any(|other| exclude(part, other)),
    })
}

/// Whether no value satisfies both.
fn exclude(left: &Predicate, right: &Predicate) -> bool {
    match (left, right) {
        (
            Predicate::Compare { column, op, value },
            Predicate::Compare { column: other, op: other_op, value: other_value },
        ) => column == other && exclude_each_other(*op, value, *other_op, other_value),
        (Predicate::In { column, values, negated: false }, other)
        | (other, Predicate::In { column, values, negated: false }) => {
            let equal =
                |value: &Scalar| Predicate::Compare { column: *column, op: CompareOp::Eq, value: value.clone() };
            !values.is_empty() && values.iter().all(|value| exclude(&equal(value), other))
        }
        _ => false,
    }
}

fn exclude_each_other(left_op: CompareOp, left: &Scalar, right_op: CompareOp, right: &Scalar) -> bool {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let Some(order) = order(left, right) else { return false };
    match (left_op, right_op) {
        (Eq, Eq) => order.is_ne(),
        (Eq, NotEq) | (NotEq, Eq) => order.is_eq(),
        // `x = left` and `x < right`.
        (Eq | Gt | GtEq, Lt) | (Gt, LtEq) => order.is_ge(),
        (Eq | GtEq, LtEq) => order.is_gt(),
        (Lt, Eq | Gt | GtEq) | (LtEq, Gt) => order.is_le(),
        (LtEq, Eq | GtEq) => order.is_lt(),
        (Eq, Gt) => order.is_le(),
        (Eq, GtEq) => order.is_lt(),
        (Gt, Eq) => order.is_ge(),
        (GtEq, Eq) => order.is_gt(),
        (NotEq | Lt | LtEq | Gt | GtEq, _) => false,
    }
}

/// How two values of one column compare; `None` for those of which that is not known here. Numbers with a fraction are
/// rounded by some services, and NaN has a place of its own.
fn order(left: &Scalar, right: &Scalar) -> Option<Ordering> {
    match (left, right) {
        (Scalar::Bool(left), Scalar::Bool(right)) => Some(left.cmp(right)),
        (Scalar::Int(left), Scalar::Int(right))
        | (Scalar::Time(left), Scalar::Time(right))
        | (Scalar::Timestamp(left), Scalar::Timestamp(right)) => Some(left.cmp(right)),
        (Scalar::Date(left), Scalar::Date(right)) => Some(left.cmp(right)),
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
        (Scalar::Decimal { value: left, scale }, Scalar::Decimal { value: right, scale: same }) if scale == same => {
            Some(left.cmp(right))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATORS: [CompareOp; 6] =
        [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];

    fn compare(column: usize, op: CompareOp, value: i64) -> Predicate {
        Predicate::Compare { column, op, value: Scalar::Int(value) }
    }

    fn holds(op: CompareOp, value: i64, of: i64) -> bool {
        let order = value.cmp(&of);
        match op {
            CompareOp::Eq => order.is_eq(),
            CompareOp::NotEq => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::LtEq => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::GtEq => order.is_ge(),
        }
    }

    /// What is found is true of every value, and with room between numbers all that is true is found.
    #[test]
    fn pairs_exclude_each_other_as_values_do() {
        for (left, right) in OPERATORS.iter().flat_map(|left| OPERATORS.iter().map(move |right| (*left, *right))) {
            for (a, b) in [(0, 0), (0, 10), (10, 0)] {
                let both = Predicate::And(vec![compare(0, left, a), compare(0, right, b)]);
                let is_possible = (-20..=20).any(|value| holds(left, value, a) && holds(right, value, b));
                assert_eq!(contradicts(&both), !is_possible, "{left:?} {a}, {right:?} {b}");
            }
        }
    }

    #[test]
    fn lists_columns_and_nulls() {
        let within = |values: &[i64]| Predicate::In {
            column: 0,
            values: values.iter().map(|value| Scalar::Int(*value)).collect(),
            negated: false,
        };
        let text = |op, value: &str| Predicate::Compare { column: 0, op, value: Scalar::Text(value.to_owned()) };
        let null = |negated| Predicate::IsNull { column: 0, negated };
        let cases = [
            (vec![within(&[1, 2]), compare(0, CompareOp::Gt, 2)], true),
            (vec![within(&[1, 3]), compare(0, CompareOp::Gt, 2)], false),
            (vec![within(&[1, 2]), within(&[3, 4])], true),
            (vec![within(&[1, 2]), within(&[2, 3])], false),
            (vec![compare(0, CompareOp::Eq, 1), compare(1, CompareOp::Eq, 2)], false),
            (vec![text(CompareOp::Eq, "a"), text(CompareOp::Eq, "A")], true),
            (vec![text(CompareOp::Gt, "b"), text(CompareOp::Lt, "a")], true),
            (vec![text(CompareOp::Eq, "1"), compare(0, CompareOp::Eq, 2)], false),
            (vec![null(false), compare(0, CompareOp::Eq, 1)], true),
            (vec![compare(0, CompareOp::Eq, 1), null(true)], false),
            (vec![null(false), null(true)], true),
        ];
        for (parts, expected) in cases {
            let both = Predicate::And(parts);
            assert_eq!(contradicts(&both), expected, "{both:?}");
        }
    }
}
