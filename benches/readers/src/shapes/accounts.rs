//! Rows of an OData service: about 550 bytes, 12 members, of which 7 are read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, StringArray};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_spec::{Column, ColumnType};

use super::{Family, ROWS, Text, column, instant, instants};
use crate::Result;
use crate::random::Random;

pub(super) fn page() -> Value {
    let mut random = Random::new(1);
    let rows: Vec<Value> = (0..ROWS).map(|row| account(&mut random, row)).collect();
    json!({
        "@odata.context": "https://api.example/odata/v4/$metadata#Accounts",
        "value": rows,
        "@odata.nextLink": "https://api.example/odata/v4/Accounts?$skiptoken=100",
    })
}

fn account(random: &mut Random, row: usize) -> Value {
    let name = ["Brown and Daughters Trading Company", "Nordic Paper", "Müller Söhne GmbH", "Harbour Lights"];
    let cents = random.below(100_000_000);
    json!({
        "@odata.etag": format!("W/\"{}\"", random.hex(16)),
        "Id": random.uuid(),
        "Code": format!("{:>18}", row + 1),
        "Name": format!("{} {row}", random.pick(&name)),
        "Region": if random.once_in(9) { Value::Null } else { Value::from(random.pick(&["EMEA", "APAC", "AMER"])) },
        "Status": random.pick(&["active", "dormant", "closed"]),
        "Revenue": if random.once_in(12) { Value::Null } else { Value::from(cents as f64 / 100.0) },
        "Employees": if random.once_in(10) { Value::Null } else { Value::from(random.below(5_000)) },
        "CreatedAt": random.instant(),
        "Email": format!("info{row}@example.com"),
        "Notes": format!("said \"{}\"\nthen left", random.words(22)),
        "Address": {"City": "Bergen", "Country": "NO"},
    })
}

pub(super) fn columns() -> Vec<Column> {
    vec![
        column("Id", ColumnType::Uuid),
        column("Name", ColumnType::Text),
        column("Region", ColumnType::Text),
        column("Status", ColumnType::Text),
        column("Revenue", ColumnType::Decimal { precision: 15, scale: 2 }),
        column("Employees", ColumnType::Int32),
        column("CreatedAt", instant()),
    ]
}

pub(super) enum Accounts {}

#[derive(Deserialize)]
pub(super) struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Account<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    region: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    revenue: Option<f64>,
    employees: Option<i32>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
}

impl Family for Accounts {
    type Page<'a> = Page<'a>;

    fn arrays(page: &Page<'_>) -> Result<Vec<ArrayRef>> {
        let rows = &page.value;
        // Through a float: what serde offers. It is exact for numbers as small as these.
        let revenue: Decimal128Array =
            rows.iter().map(|row| row.revenue.map(|value| (value * 100.0).round() as i128)).collect();
        Ok(vec![
            Arc::new(rows.iter().map(|row| Text::of(&row.id)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.name)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.region)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Text::of(&row.status)).collect::<StringArray>()),
            Arc::new(revenue.with_precision_and_scale(15, 2)?),
            Arc::new(rows.iter().map(|row| row.employees).collect::<Int32Array>()),
            Arc::new(instants(rows.iter().map(|row| Text::of(&row.created_at)))?),
        ])
    }
}
