//! Rows with 200 members, as reports and CRM exports have them; 5 are read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_spec::{Column, ColumnType};

use super::{Family, ROWS, Text, column, instant, instants};
use crate::Result;
use crate::random::Random;

pub(super) fn page() -> Value {
    let mut random = Random::new(3);
    json!({"items": (0..ROWS).map(|_| row(&mut random)).collect::<Vec<_>>(), "total": 12_345})
}

fn row(random: &mut Random) -> Value {
    let member = |index: usize| {
        let value = match index % 5 {
            0 => Value::from(random.words(2)),
            1 => Value::from(random.below(1_000_000)),
            2 => Value::from(random.below(1 << 20) as f64 / 64.0),
            3 => Value::from(random.instant()),
            _ if random.once_in(2) => Value::Null,
            _ => Value::from(random.once_in(2)),
        };
        (format!("custom_field_{index}"), value)
    };
    Value::Object((0..200).map(member).collect::<Map<_, _>>())
}

pub(super) fn columns() -> Vec<Column> {
    vec![
        column("custom_field_5", ColumnType::Text),
        column("custom_field_41", ColumnType::Int64),
        column("custom_field_102", ColumnType::Float64),
        column("custom_field_153", instant()),
        column("custom_field_195", ColumnType::Text),
    ]
}

pub(super) enum Wide {}

#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Row<'a>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    custom_field_5: Option<Text<'a>>,
    custom_field_41: Option<i64>,
    custom_field_102: Option<f64>,
    #[serde(borrow)]
    custom_field_153: Option<Text<'a>>,
    #[serde(borrow)]
    custom_field_195: Option<Text<'a>>,
}

impl Family for Wide {
    type Page<'a> = Page<'a>;

    fn arrays(page: &Page<'_>) -> Result<Vec<ArrayRef>> {
        let rows = &page.items;
        Ok(vec![
            Arc::new(rows.iter().map(|row| Text::of(&row.custom_field_5)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| row.custom_field_41).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.custom_field_102).collect::<Float64Array>()),
            Arc::new(instants(rows.iter().map(|row| Text::of(&row.custom_field_153)))?),
            Arc::new(rows.iter().map(|row| Text::of(&row.custom_field_195)).collect::<StringArray>()),
        ])
    }
}
