//! Filters that have a place of their own.

use http::HeaderValue;
use serde_json::Value as Json;
use tidegate_spec::{Column, ColumnSource, FilterForm, ListStyle, Place, Table};

use super::value;
use crate::{Predicate, Scalar};

/// What is written at one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// A text.
    Text(String),
    /// The same parameter several times.
    Repeated(Vec<String>),
    /// A value in the body.
    Json(Json),
}

/// What a leaf writes at its form's place; `None` when that place cannot hold its value.
pub(crate) fn write(table: &Table, form: &FilterForm, leaf: &Predicate) -> Option<Written> {
    let column = table.columns.get(form.column)?;
    let written = match leaf {
        Predicate::Compare { value, .. } => one(column, form, value)?,
        Predicate::In { values, negated: false, .. } => list(column, form, values)?,
        Predicate::Like { text, negated: false, .. } => one(column, form, &Scalar::Text(text.clone()))?,
        Predicate::IsNull { .. } => Written::Text(value::wrapped(&form.value, "")),
        _ => return None,
    };
    fits(&form.place, written)
}

fn one(column: &Column, form: &FilterForm, scalar: &Scalar) -> Option<Written> {
    if let Place::Body(_) = form.place {
        return value::json(&column.data_type, &form.value, scalar).map(Written::Json);
    }
    Some(Written::Text(value::wrapped(&form.value, &text(column, form, scalar)?)))
}

/// A text that is not empty: services take an empty parameter for none at all, or for an error.
///
/// What stands around a value makes it a term of some language (`app!=x`). A text with signs of that language in it
/// could add a condition, and rows would be lost: only a plain word is sent. A column that is the request's own says in
/// that language what is asked for, and is sent as it is.
fn text(column: &Column, form: &FilterForm, scalar: &Scalar) -> Option<String> {
    let text = value::text(&column.data_type, &form.value, scalar).filter(|text| !text.is_empty())?;
    let is_alone = form.value.before.is_empty() && form.value.after.is_empty();
    let is_known = form.value.known.is_some() || !matches!(scalar, Scalar::Text(_));
    let is_input = column.source == ColumnSource::Request;
    (is_alone || is_known || is_input || is_word(&text)).then_some(text)
}

fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c))
}

fn list(column: &Column, form: &FilterForm, values: &[Scalar]) -> Option<Written> {
    if values.is_empty() || values.len() > form.list.max {
        return None;
    }
    match (&form.list.style, &form.place) {
        (ListStyle::Joined(separator), place) => {
            let texts = values.iter().map(|scalar| text(column, form, scalar));
            let joined = value::wrapped(&form.value, &join(separator, &texts.collect::<Option<Vec<_>>>()?)?);
            Some(if matches!(place, Place::Body(_)) { Written::Json(joined.into()) } else { Written::Text(joined) })
        }
        (ListStyle::Repeated, Place::Query(_)) => {
            let texts = values.iter().map(|scalar| Some(value::wrapped(&form.value, &text(column, form, scalar)?)));
            Some(Written::Repeated(texts.collect::<Option<_>>()?))
        }
        (ListStyle::Array, Place::Body(_)) => {
            let items = values.iter().map(|scalar| value::json(&column.data_type, &form.value, scalar));
            Some(Written::Json(Json::Array(items.collect::<Option<_>>()?)))
        }
        _ => None,
    }
}

/// The texts with a separator between them. One that contains it would be read as two.
pub(super) fn join(separator: &str, texts: &[String]) -> Option<String> {
    let whole = |text: &String| separator.is_empty() || !text.contains(separator);
    let apart = texts.len() == 1 || !separator.is_empty();
    (apart && texts.iter().all(whole)).then(|| texts.join(separator))
}

/// What the place can hold. A path takes no segment that is empty, `.` or `..`: a URL has none of these.
fn fits(place: &Place, written: Written) -> Option<Written> {
    let holds = match (place, &written) {
        (Place::Path(_), Written::Text(text)) => !matches!(text.as_str(), "" | "." | ".."),
        // Beyond ASCII a header has no encoding that servers agree on, and blanks at its ends are cut.
        (Place::Header(_), Written::Text(text)) => {
            text.is_ascii() && text.trim() == text && HeaderValue::from_str(text).is_ok()
        }
        (Place::Query(_), Written::Text(_) | Written::Repeated(_)) => true,
        (Place::Body(_), Written::Text(_) | Written::Json(_)) => true,
        _ => false,
    };
    holds.then_some(written)
}

#[cfg(test)]
mod tests {
    use tidegate_spec::{ColumnType, ListForm, Operator, ValueForm};

    use super::*;

    #[test]
    fn within_a_term_of_some_language_a_text_is_a_plain_word() {
        let column = |source| Column {
            name: "app".to_owned(),
            path: vec!["app".to_owned()],
            data_type: ColumnType::Text,
            nullable: true,
            description: None,
            source,
        };
        let form = |before: &str| FilterForm {
            column: 0,
            operator: Operator::NotEq,
            place: Place::Query("selector".to_owned()),
            value: ValueForm { before: before.to_owned(), ..ValueForm::default() },
            list: ListForm::default(),
        };
        for (before, text, written) in [
            ("app!=", "db-1.x_y", Some("app!=db-1.x_y")),
            ("app!=", "x,tier=db", None),
            ("app!=", "two words", None),
            ("app!=", "(x)", None),
            ("", "x,tier=db", Some("x,tier=db")),
        ] {
            let scalar = Scalar::Text(text.to_owned());
            let found = one(&column(ColumnSource::Row), &form(before), &scalar);
            assert_eq!(found, written.map(|text| Written::Text(text.to_owned())), "{before} {text}");
            assert!(one(&column(ColumnSource::Request), &form(before), &scalar).is_some(), "{before} {text}");
        }
    }
}
