//! Filters as items of a JSON array in the body.

use serde_json::Value as Json;
use tidegate_spec::{Column, Filters, ItemForm, ListStyle, Table};

use super::form::join;
use super::text::unsayable;
use super::value;
use super::way::{Way, column_and_operator};
use crate::{ErrorKind, Predicate, Scalar};

/// Stands for the value in an item.
const VALUE: &str = "{value}";
/// Stands for the array of values.
const VALUES: &str = "{values}";

/// The items of the filters, all of which must hold.
pub(super) fn render(table: &Table, filters: &Filters, conjuncts: &[&Predicate]) -> Result<Vec<Json>, ErrorKind> {
    let of = |leaf: &&Predicate| {
        let (column, operator) = column_and_operator(leaf)?;
        match Way::of(filters, column, operator)? {
            Way::Item(form) => items(table, form, leaf),
            _ => None,
        }
    };
    let all: Result<Vec<_>, _> = conjuncts.iter().map(|leaf| of(leaf).ok_or_else(|| unsayable(table, leaf))).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// The items for one comparison: one, but for an IN with [`ListStyle::Repeated`], which has one for each value. `None`
/// when they cannot hold the value.
pub(crate) fn items(table: &Table, form: &ItemForm, leaf: &Predicate) -> Option<Vec<Json>> {
    match leaf {
        Predicate::In { values, negated: false, .. } if form.list.style == ListStyle::Repeated => {
            let column = table.columns.get(form.column)?;
            let fits = !values.is_empty() && values.len() <= form.list.max;
            let one = |value| fill(&form.item, &|name| (name == VALUE).then(|| single(column, form, value)));
            fits.then(|| values.iter().map(one).collect())?
        }
        _ => item(table, form, leaf).map(|item| vec![item]),
    }
}

fn item(table: &Table, form: &ItemForm, leaf: &Predicate) -> Option<Json> {
    let column = table.columns.get(form.column)?;
    let text;
    let values = match leaf {
        Predicate::Compare { value, .. } => std::slice::from_ref(value),
        Predicate::In { values, negated: false, .. } if values.len() <= form.list.max => values.as_slice(),
        Predicate::Like { text: pattern, negated: false, .. } => {
            text = Scalar::Text(pattern.clone());
            std::slice::from_ref(&text)
        }
        Predicate::IsNull { .. } => return Some(form.item.clone()),
        _ => return None,
    };
    let is_list = matches!(leaf, Predicate::In { .. });
    fill(&form.item, &|name| match name {
        VALUE if is_list => Some(joined(column, form, values)),
        VALUE => Some(single(column, form, values.first()?)),
        VALUES => Some(array(column, form, values)),
        _ => None,
    })
}

fn single(column: &Column, form: &ItemForm, value: &Scalar) -> Option<Json> {
    value::json(&column.data_type, &form.value, value)
}

fn array(column: &Column, form: &ItemForm, values: &[Scalar]) -> Option<Json> {
    let values = values.iter().map(|scalar| value::json(&column.data_type, &form.value, scalar));
    values.collect::<Option<Vec<_>>>().filter(|values| !values.is_empty()).map(Json::Array)
}

fn joined(column: &Column, form: &ItemForm, values: &[Scalar]) -> Option<Json> {
    let ListStyle::Joined(separator) = &form.list.style else { return None };
    let texts = values.iter().map(|scalar| value::text(&column.data_type, &form.value, scalar));
    let texts = texts.collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())?;
    Some(value::wrapped(&form.value, &join(separator, &texts)?).into())
}

/// The template with what stands for each name in it; a text that is no name is left as it is. `None` when a value is.
fn fill(template: &Json, values: &impl Fn(&str) -> Option<Option<Json>>) -> Option<Json> {
    Some(match template {
        Json::String(text) => match values(text) {
            Some(value) => value?,
            None => template.clone(),
        },
        Json::Array(items) => Json::Array(items.iter().map(|item| fill(item, values)).collect::<Option<_>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| Some((name.clone(), fill(member, values)?)));
            Json::Object(members.collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}
