//! Values as requests write them: text, or JSON in a body.
//!
//! `None` everywhere means that the value cannot be written; [`crate::pushdown`] asks before it pushes.

use serde_json::{Number, Value as Json};
use tidegate_spec::{ColumnType, ODataVersion, ValueForm};

use super::time;
use crate::Scalar;
use crate::odata::literal::literal;

/// The value without what stands before and after it.
pub(super) fn text(column: &ColumnType, form: &ValueForm, value: &Scalar) -> Option<String> {
    let Some(known) = &form.known else { return plain(column, form, value) };
    let sql = plain(column, &ValueForm::default(), value)?;
    known.iter().find(|(known, _)| *known == sql).map(|(_, api)| api.clone())
}

/// With what stands before and after it.
pub(super) fn wrapped(form: &ValueForm, text: &str) -> String {
    format!("{}{text}{}", form.before, form.after)
}

/// The value as a member of a body: numbers and booleans are such, unless they stand in a text.
pub(super) fn json(column: &ColumnType, form: &ValueForm, value: &Scalar) -> Option<Json> {
    let text = text(column, form, value)?;
    if form.known.is_some() || !form.before.is_empty() || !form.after.is_empty() {
        return Some(Json::String(wrapped(form, &text)));
    }
    match value {
        Scalar::Bool(value) => Some(Json::Bool(*value)),
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Decimal { .. } => number(&text),
        Scalar::Date(_) | Scalar::Timestamp(_)
            if time::stamp(column, form.time).is_some_and(time::Stamp::is_number) =>
        {
            number(&text)
        }
        _ => Some(Json::String(text)),
    }
}

/// A JSON number with exactly these digits. Those that a double would change have none.
pub(super) fn number(digits: &str) -> Option<Json> {
    if let Ok(whole) = digits.parse::<i64>() {
        return Some(Json::Number(whole.into()));
    }
    let double = digits.parse::<f64>().ok().filter(|double| format!("{double}") == digits)?;
    Number::from_f64(double).map(Json::Number)
}

fn plain(column: &ColumnType, form: &ValueForm, value: &Scalar) -> Option<String> {
    let stamp = time::stamp(column, form.time);
    match (column, value, stamp) {
        (ColumnType::Text, Scalar::Text(text), _) => Some(text.clone()),
        (ColumnType::Timestamp { instant, .. }, Scalar::Timestamp(micros), Some(stamp)) => {
            stamp.write(*micros, *instant)
        }
        (ColumnType::Date, Scalar::Date(days), Some(stamp)) => stamp.write(time::midnight(*days), true),
        // Version 4 of OData writes bare values, as everybody does.
        _ => literal(ODataVersion::V4, column, value),
    }
}
