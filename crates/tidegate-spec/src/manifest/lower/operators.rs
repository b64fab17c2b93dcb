//! Operators as they are written, and those that each type of column has.

use crate::manifest::document::{FilterSpec, OperatorForms, OperatorName};
use crate::manifest::problem::At;
use crate::{ColumnType, Operator, TimeForm};

use crate::manifest::document::TimeName;

/// A filter of a column: its operator, how it is written, and where the file says so.
pub(super) type Written<'s> = (Operator, &'s FilterSpec, At);

/// All operators of a column in a fixed order; `between` stands for two.
pub(super) fn written<'s>(forms: &'s OperatorForms, at: &At) -> Vec<Written<'s>> {
    let single = [
        ("=", Operator::Eq, &forms.eq),
        ("<>", Operator::NotEq, &forms.not_eq),
        ("<", Operator::Lt, &forms.lt),
        ("<=", Operator::LtEq, &forms.lt_eq),
        (">", Operator::Gt, &forms.gt),
        (">=", Operator::GtEq, &forms.gt_eq),
        ("in", Operator::In, &forms.one_of),
        ("prefix", Operator::StartsWith, &forms.prefix),
        ("suffix", Operator::EndsWith, &forms.suffix),
        ("contains", Operator::Contains, &forms.contains),
        ("is null", Operator::IsNull, &forms.is_null),
        ("is not null", Operator::IsNotNull, &forms.is_not_null),
    ];
    let given =
        single.into_iter().filter_map(|(name, operator, form)| Some((operator, form.as_ref()?, at.member(name))));
    let mut written: Vec<Written<'s>> = given.collect();
    if let Some(between) = &forms.between {
        let at = at.member("between");
        written.push((Operator::GtEq, &between.from, at.member("from")));
        written.push((Operator::LtEq, &between.to, at.member("to")));
    }
    written
}

/// Operators that a name stands for.
pub(super) fn named(name: OperatorName) -> &'static [Operator] {
    match name {
        OperatorName::Eq => &[Operator::Eq],
        OperatorName::NotEq => &[Operator::NotEq],
        OperatorName::Lt => &[Operator::Lt],
        OperatorName::LtEq => &[Operator::LtEq],
        OperatorName::Gt => &[Operator::Gt],
        OperatorName::GtEq => &[Operator::GtEq],
        OperatorName::Between => &[Operator::GtEq, Operator::LtEq],
        OperatorName::In => &[Operator::In],
        OperatorName::Prefix => &[Operator::StartsWith],
        OperatorName::Suffix => &[Operator::EndsWith],
        OperatorName::Contains => &[Operator::Contains],
        OperatorName::IsNull => &[Operator::IsNull],
        OperatorName::IsNotNull => &[Operator::IsNotNull],
    }
}

/// Whether values of this type can be compared so.
pub(super) fn applies(operator: Operator, data_type: &ColumnType) -> bool {
    let is_nested = matches!(data_type, ColumnType::Json | ColumnType::List(_) | ColumnType::Struct(_));
    match operator {
        Operator::IsNull | Operator::IsNotNull => true,
        Operator::Eq | Operator::NotEq | Operator::In => !is_nested,
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {
            !is_nested && !matches!(data_type, ColumnType::Bool | ColumnType::Uuid | ColumnType::Binary)
        }
        Operator::StartsWith | Operator::EndsWith | Operator::Contains | Operator::NotLike => {
            *data_type == ColumnType::Text
        }
    }
}

/// Whether values of this type are points in time.
pub(super) fn is_time(data_type: &ColumnType) -> bool {
    matches!(data_type, ColumnType::Date | ColumnType::Timestamp { .. })
}

pub(super) fn time_form(name: TimeName) -> TimeForm {
    match name {
        TimeName::Seconds => TimeForm::Seconds,
        TimeName::Millis => TimeForm::Millis,
        TimeName::Date => TimeForm::Date,
        TimeName::EpochS => TimeForm::EpochSeconds,
        TimeName::EpochMs => TimeForm::EpochMillis,
    }
}
