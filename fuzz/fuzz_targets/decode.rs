//! Decoding of pages: any body is rows or an error, whatever the columns are. What is accepted must be JSON to
//! serde_json too, with as many rows, and structured bodies of right values must be accepted.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tidegate_remote::BadValue;
use tidegate_remote::decode::Decoder;
use tidegate_spec::{Column, ColumnSource, ColumnType, Envelope, Field, Path, Table, TimestampFormat};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    types: Vec<Type>,
    null: bool,
    body: Body<'a>,
}

#[derive(Debug, Arbitrary)]
enum Body<'a> {
    Raw(&'a [u8]),
    /// Rows of JSON fragments under the columns' names.
    Rows {
        v2: bool,
        rows: Vec<Vec<Json>>,
    },
}

#[derive(Debug, Arbitrary)]
enum Type {
    Bool,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal(u8, u8),
    Text,
    Uuid,
    Date,
    Time,
    Timestamp(u8, bool),
    Binary,
    Json,
    List(Box<Type>),
    Struct(Vec<(bool, Type)>),
}

#[derive(Debug, Arbitrary)]
enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(u8, Json)>),
}

impl Type {
    fn model(&self, depth: usize) -> ColumnType {
        match self {
            Self::Bool => ColumnType::Bool,
            Self::Int16 => ColumnType::Int16,
            Self::Int32 => ColumnType::Int32,
            Self::Int64 => ColumnType::Int64,
            Self::Float32 => ColumnType::Float32,
            Self::Float64 => ColumnType::Float64,
            Self::Decimal(precision, scale) => {
                let precision = precision % 38 + 1;
                ColumnType::Decimal { precision, scale: (scale % (precision + 1)) as i8 }
            }
            Self::Uuid => ColumnType::Uuid,
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
            Self::Timestamp(format, instant) => {
                let format = match format % 4 {
                    0 => TimestampFormat::Iso8601,
                    1 => TimestampFormat::MicrosoftJson,
                    2 => TimestampFormat::EpochSeconds,
                    _ => TimestampFormat::EpochMillis,
                };
                ColumnType::Timestamp { format, instant: *instant }
            }
            Self::Binary => ColumnType::Binary,
            Self::Json => ColumnType::Json,
            Self::List(items) if depth < 6 => ColumnType::List(Box::new(items.model(depth + 1))),
            Self::Struct(members) if depth < 6 => {
                let field = |(index, (nullable, data_type)): (usize, &(bool, Self))| Field {
                    name: format!("m{index}"),
                    api_name: format!("m{index}"),
                    data_type: data_type.model(depth + 1),
                    nullable: *nullable,
                };
                ColumnType::Struct(members.iter().take(6).enumerate().map(field).collect())
            }
            _ => ColumnType::Text,
        }
    }
}

impl Json {
    fn value(&self, depth: usize) -> Value {
        match self {
            Self::Bool(value) => Value::from(*value),
            Self::Int(value) => Value::from(*value),
            Self::Float(value) => Value::from(*value),
            Self::Text(value) => Value::from(value.as_str()),
            Self::List(values) if depth < 8 => values.iter().map(|value| value.value(depth + 1)).collect(),
            Self::Object(members) if depth < 8 => Value::Object(
                members.iter().map(|(name, value)| (format!("m{}", name % 8), value.value(depth + 1))).collect(),
            ),
            _ => Value::Null,
        }
    }
}

fn path(names: &[&str]) -> Path {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fuzz_target!(|data: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let column = |(index, data_type): (usize, &Type)| Column {
        name: format!("m{index}"),
        path: if index == 5 { path(&["m5", "m0"]) } else { vec![format!("m{index}")] },
        data_type: data_type.model(0),
        nullable: index % 2 == 0,
        description: None,
        source: ColumnSource::Row,
    };
    let columns: Vec<Column> = input.types.iter().take(8).enumerate().map(column).collect();
    let wanted: Vec<usize> = (0..columns.len()).collect();
    let (name, api_name) = ("t".to_owned(), "T".to_owned());
    let table = Table { name, api_name, description: None, columns, key: vec![], endpoints: vec![], writes: Default::default(), details: vec![] };
    let envelope = Envelope {
        rows: vec![path(&["value"]), path(&["d", "results"]), path(&["d"])],
        next: vec![path(&["@odata.nextLink"]), path(&["d", "__next"])],
        count: vec![path(&["@odata.count"]), path(&["d", "__count"])],
        ..Envelope::default()
    };
    let on_bad_value = if input.null { BadValue::Null } else { BadValue::Fail };
    let decoder = Decoder::new(&table, &wanted, &envelope, on_bad_value);
    let (body, built) = match &input.body {
        Body::Raw(bytes) => (bytes.to_vec(), None),
        Body::Rows { v2, rows } => {
            let row = |row: &Vec<Json>| -> Value {
                Value::Object(
                    row.iter().enumerate().map(|(index, json)| (format!("m{index}"), json.value(0))).collect(),
                )
            };
            let array: Value = rows.iter().map(row).collect();
            let page =
                if *v2 { serde_json::json!({"d": {"results": array}}) } else { serde_json::json!({"value": array}) };
            (page.to_string().into_bytes(), Some(rows.len()))
        }
    };
    match decoder.decode(&body) {
        Ok(decoded) => {
            assert_eq!(&decoded.batch.schema(), decoder.schema());
            if let Some(rows) = built {
                assert_eq!(decoded.batch.num_rows(), rows);
            }
            for array in decoded.batch.columns() {
                array.to_data().validate_full().expect("arrays are valid");
            }
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok(), "accepted what is not JSON");
        }
        Err(error) => assert!(built.is_none() || !input.null, "refused a page of right form: {error}"),
    }
});
