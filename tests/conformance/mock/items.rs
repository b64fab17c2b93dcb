//! Reads filters that are items of a JSON array.

use serde_json::Value as Json;
use tidegate_spec::{ItemDialect, ItemForm, Operator, Table};

use super::condition::Condition;
use super::read::{Read, json_text, refuse, value};
use crate::conformance::data::Cell;

/// The condition of each item.
pub(crate) fn parse(table: &Table, dialect: &ItemDialect, given: &[Json]) -> Read<Vec<Condition>> {
    let items: Vec<&Json> = match given {
        [Json::Array(items)] => items.iter().collect(),
        items => items.iter().collect(),
    };
    if dialect.max_items.is_some_and(|most| items.len() > most) {
        return refuse(format!("{} filters at {}", items.len(), dialect.at.join(".")));
    }
    items.into_iter().map(|item| condition(table, dialect, item)).collect()
}

fn condition(table: &Table, dialect: &ItemDialect, item: &Json) -> Read<Condition> {
    let found = dialect.items.iter().find_map(|form| {
        let mut texts = Vec::new();
        let fits = fits(&form.item, item, &mut texts);
        let values = fits.then(|| cells(table, form, &texts))??;
        Some(Condition::Leaf { column: form.column, operator: form.operator, values })
    });
    found.map_or_else(|| refuse(format!("unknown filter {item}")), Ok)
}

fn cells(table: &Table, form: &ItemForm, texts: &[String]) -> Option<Vec<Cell>> {
    if matches!(form.operator, Operator::IsNull | Operator::IsNotNull) {
        return Some(vec![Cell::Null]);
    }
    let data_type = &table.columns[form.column].data_type;
    if texts.is_empty() || texts.len() > form.list.max {
        return None;
    }
    texts.iter().map(|text| value(&form.value, data_type, text, form.operator)).collect()
}

/// Whether an item has the template's form; gathers what stands at `{value}` and `{values}`.
fn fits(template: &Json, item: &Json, texts: &mut Vec<String>) -> bool {
    match (template, item) {
        (Json::String(text), Json::Array(values)) if text == "{values}" => {
            texts.extend(values.iter().map(json_text));
            true
        }
        (Json::String(text), value) if text == "{value}" && !value.is_array() && !value.is_object() => {
            texts.push(json_text(value));
            true
        }
        (Json::Object(template), Json::Object(item)) => {
            template.len() == item.len()
                && template.iter().all(|(name, part)| item.get(name).is_some_and(|value| fits(part, value, texts)))
        }
        (Json::Array(template), Json::Array(item)) => {
            template.len() == item.len() && template.iter().zip(item).all(|(part, value)| fits(part, value, texts))
        }
        (template, item) => template == item,
    }
}
