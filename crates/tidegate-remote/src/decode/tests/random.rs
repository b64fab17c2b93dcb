//! Random bodies against a walk over serde_json's tree, and hostile ones against nothing at all.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidegate_spec::ColumnType::{self, *};
use tidegate_spec::{Column, Field};

use super::super::scanner::{Scanner, Syntax};
use super::{column, decode, envelope, rows};
use crate::BadValue;

fn columns() -> Vec<Column> {
    let members = [("x", Int64), ("y", Text)];
    let member = |(name, data_type): (&str, ColumnType)| Field {
        name: name.to_owned(),
        api_name: name.to_owned(),
        data_type,
        nullable: true,
    };
    let pair = Struct(members.into_iter().map(member).collect());
    vec![
        column("i", Int64),
        column("f", Float64),
        column("b", Bool),
        column("t", Text),
        column("l", List(Box::new(Int64))),
        column("s", pair),
        column("n.x", Int64),
        column("n.y", Text),
        column("j", Json),
    ]
}

/// The same reading, written as naively as can be. Bad values become NULL.
fn naive(data_type: &ColumnType, value: Option<&Value>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let read = match (data_type, value) {
        (_, Value::Null) => None,
        (Json, value) => Some(value.to_string()),
        (Int64, Value::Number(number)) => number.as_i64().map(|number| number.to_string()),
        (Int64, Value::String(text)) => text.parse::<i64>().ok().map(|number| number.to_string()),
        (Float64, Value::Number(number)) => number.as_f64().map(|number| format!("{number:?}")),
        (Bool, Value::Bool(value)) => Some(value.to_string()),
        (Text, Value::String(text)) => Some(text.clone()),
        (Text, Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        (List(items), Value::Array(values)) => {
            let items: Vec<String> = values.iter().map(|value| naive(items, Some(value))).collect();
            Some(format!("[{}]", items.join(", ")))
        }
        (Struct(members), Value::Object(object)) => {
            let member =
                |field: &Field| format!("{}: {}", field.name, naive(&field.data_type, object.get(&field.api_name)));
            Some(format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    };
    read.unwrap_or_else(|| "NULL".to_owned())
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1_000_i64..1_000).prop_map(|number| Value::from(number as f64 / 8.0 + 0.0625)),
        "\\PC{0,12}".prop_map(Value::from),
        "[\"\\\\/\u{0}-\u{1f}é😀]{0,6}".prop_map(Value::from),
        // Words that a float or a boolean would read differently from the naive walk are left to the tables.
        any::<i64>().prop_map(|number| Value::from(number.to_string())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(vec!["x", "y", "z", "é\n"]), inner), 0..4).prop_map(
                |members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            ),
        ]
    })
}

fn row() -> impl Strategy<Value = Map<String, Value>> {
    let names = prop::sample::select(vec!["i", "f", "b", "t", "l", "s", "n", "j", "other", "\"odd\""]);
    prop::collection::vec((names, value()), 0..12)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_read_as_a_naive_walk_reads_them(page in prop::collection::vec(row(), 0..6), pretty: bool) {
        let body = json!({"value": page, "@odata.nextLink": "next"});
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let decoded = decode(columns(), &envelope(), BadValue::Null, text.as_bytes()).unwrap();
        let expected = |row: &Map<String, Value>| {
            let row = Value::Object(row.clone());
            let cell = |column: &Column| {
                // A float column reads strings of digits too.
                let value = column.path.iter().try_fold(&row, |value, name| value.get(name));
                let digits = value.and_then(Value::as_str).and_then(|text| text.parse::<i64>().ok());
                match (&column.data_type, digits) {
                    (Float64, Some(digits)) => format!("{:?}", digits as f64),
                    _ => naive(&column.data_type, value),
                }
            };
            columns().iter().map(cell).collect::<Vec<_>>().join(" | ")
        };
        prop_assert_eq!(rows(&decoded), page.iter().map(expected).collect::<Vec<_>>());
        prop_assert_eq!(decoded.next.as_deref(), Some("next"));
    }

    #[test]
    fn a_damaged_body_never_panics_and_is_judged_as_serde_json_judges_it(
        page in prop::collection::vec(row(), 0..3),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..4),
    ) {
        let mut body = serde_json::to_vec(&json!({"value": page})).unwrap();
        for (at, byte, how) in damage {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.truncate(at.max(1)),
                _ => body.insert(at, b"[]{},:\"\\0-"[usize::from(byte) % 10]),
            }
        }
        let _ = decode(columns(), &envelope(), BadValue::Fail, &body);
        let _ = decode(Vec::new(), &envelope(), BadValue::Null, &body);
        if let Ok(text) = std::str::from_utf8(&body) {
            let ours = { let mut scanner = Scanner::new(text); scanner.value().and_then(|_| scanner.finish()) };
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).map(drop);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{} {:?} {:?}", text, ours, theirs);
        }
    }

    #[test]
    fn a_body_cut_anywhere_has_ended_too_early(page in prop::collection::vec(row(), 0..3), at: prop::sample::Index) {
        let text = json!({"value": page}).to_string();
        let at = text.floor_char_boundary(at.index(text.len()));
        prop_assert_eq!(Scanner::new(&text[..at]).value(), Err(Syntax::Ended), "{}", &text[..at]);
    }

    #[test]
    fn any_bytes_in_any_type_never_panic(text in "[-+0-9.eETZ:/Date() P\\\\u]{0,24}") {
        let types = [
            Int16, Float32, Decimal { precision: 38, scale: 19 }, Date, Time, Binary, Uuid,
            Timestamp { format: tidegate_spec::TimestampFormat::MicrosoftJson, instant: true },
            Timestamp { format: tidegate_spec::TimestampFormat::Iso8601, instant: true },
            Timestamp { format: tidegate_spec::TimestampFormat::EpochSeconds, instant: false },
        ];
        let body = json!({"value": [{"a": text}]}).to_string();
        for data_type in types {
            let decoded = decode(vec![column("a", data_type)], &envelope(), BadValue::Null, body.as_bytes()).unwrap();
            prop_assert_eq!(decoded.batch.num_rows(), 1);
        }
    }
}
