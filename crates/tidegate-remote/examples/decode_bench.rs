//! Time per row of decoding pages, beside what serde_json needs for the same bytes.
//!
//! `cargo run --release -p tidegate-remote --example decode_bench [pages]`

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tidegate_remote::BadValue;
use tidegate_remote::decode::Decoder;
use tidegate_spec::{Column, ColumnSource, ColumnType, Envelope, Table, TimestampFormat};

const ROWS: usize = 100;

fn main() {
    let pages = std::env::args().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(1_000);
    let body = body();
    let table = table();
    let envelope = Envelope {
        rows: vec![vec!["value".to_owned()]],
        next: vec![vec!["@odata.nextLink".to_owned()]],
        count: Vec::new(),
        ..Envelope::default()
    };
    report(&format!("{pages} pages of {ROWS} rows, {} bytes a page", body.len()));
    let tree = time("serde_json::Value", pages, None, || drop(black_box(serde_json::from_slice::<Value>(&body))));
    time("serde_json, all ignored", pages, Some(tree), || {
        drop(black_box(serde_json::from_slice::<IgnoredAny>(&body)));
    });
    time("serde_json, raw members", pages, Some(tree), || {
        if let Ok(page) = black_box(serde_json::from_slice::<RawPage<'_>>(&body)) {
            assert_eq!(page.value.len(), ROWS);
        }
    });
    for (name, columns) in
        [("decode, all columns", (0..10).collect()), ("decode, 2 columns", vec![0, 4]), ("decode, count rows", vec![])]
    {
        let decoder = Decoder::new(&table, &columns, &envelope, BadValue::Fail);
        time(name, pages, Some(tree), || match black_box(decoder.decode(&body)) {
            Ok(decoded) => assert_eq!(decoded.batch.num_rows(), ROWS),
            Err(error) => report(&error.to_string()),
        });
    }
}

/// Best of seven: what the machine does beside this only ever adds.
fn time(name: &str, pages: usize, tree: Option<Duration>, mut page: impl FnMut()) -> Duration {
    let run = |page: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..pages).for_each(|_| page());
        start.elapsed()
    };
    let best = (0..7).map(|_| run(&mut page)).min().unwrap_or_default();
    let ratio = tree.map_or(1.0, |tree| best.as_secs_f64() / tree.as_secs_f64());
    let per_row = best.as_secs_f64() * 1e9 / (pages * ROWS) as f64;
    report(&format!("{name:<24} {per_row:>8.0} ns/row {:>8.2} ms {ratio:>6.2}", best.as_secs_f64() * 1e3));
    best
}

#[allow(clippy::print_stdout, reason = "the measurement is what the program is for")]
fn report(line: &str) {
    println!("{line}");
}

/// What serde_json's reader needs to find every member's text, without reading one: the least that a decoder
/// built upon it would take.
#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow)]
    value: Vec<RawRow<'a>>,
}

struct RawRow<'a>(#[allow(dead_code, reason = "only that it was found counts")] Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for RawRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Last;
        impl<'de> Visitor<'de> for Last {
            type Value = RawRow<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RawRow<'de>, A::Error> {
                let mut last = None;
                while let Some((name, value)) = members.next_entry::<&str, &RawValue>()? {
                    black_box(name);
                    last = Some(value);
                }
                Ok(RawRow(last))
            }
        }
        deserializer.deserialize_map(Last)
    }
}

/// An order as a sales API has it: ten wanted members, four that nobody asked for.
fn body() -> Vec<u8> {
    let row = |row: usize| {
        json!({
            "@odata.etag": format!("W/\"{row:08x}\""), "OrderID": 10_000 + row, "CustomerID": format!("CUST-{:05}", row * 7),
            "CustomerName": "Brown and Daughters Trading Company", "Note": "said \"call first\"\nthen left",
            "Amount": "1234.56", "Tax": 98.76, "Rate": 0.175, "Paid": row.is_multiple_of(3), "OrderDate": "2024-03-17",
            "Modified": "2024-03-17T12:34:56.789Z", "Address": {"Street": "Long Lane 17", "City": "Bergen", "Country": "NO"},
            "Lines": [{"Item": 1, "Quantity": 2}, {"Item": 2, "Quantity": 5}], "Internal": null,
        })
    };
    let page = json!({"@odata.context": "$metadata#Orders", "value": (0..ROWS).map(row).collect::<Vec<_>>(), "@odata.nextLink": "Orders?$skiptoken=100"});
    page.to_string().into_bytes()
}

fn table() -> Table {
    let column = |path: &str, data_type| Column {
        name: path.replace('/', "_").to_lowercase(),
        path: path.split('/').map(str::to_owned).collect(),
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    };
    let money = || ColumnType::Decimal { precision: 19, scale: 4 };
    let columns = vec![
        column("OrderID", ColumnType::Int64),
        column("CustomerID", ColumnType::Text),
        column("CustomerName", ColumnType::Text),
        column("Note", ColumnType::Text),
        column("Amount", money()),
        column("Tax", money()),
        column("Rate", ColumnType::Float64),
        column("OrderDate", ColumnType::Date),
        column("Modified", ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true }),
        column("Address/City", ColumnType::Text),
    ];
    Table {
        name: "orders".to_owned(),
        api_name: "Orders".to_owned(),
        description: None,
        columns,
        key: vec![0],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: Vec::new(),
    }
}
