//! Values: from Arrow to cells and back, and what an API can hold of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int64Array, StringArray, StringViewArray, Time64NanosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use serde_json::{Value as Json, json};
use tidegate_spec::{Column, ColumnType, Field, TimestampFormat};

use crate::arrow_types;
use crate::write::testing::{cells, column};
use crate::write::{array_of, batch_of, cells_of, column_of, is_same, rows_of, storable};

const ISO: ColumnType = ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true };
const LOCAL: ColumnType = ColumnType::Timestamp { format: TimestampFormat::EpochMillis, instant: false };
const SECONDS: ColumnType = ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, instant: true };

fn nested() -> ColumnType {
    let field = |name: &str, api_name: &str, data_type| Field {
        name: name.to_owned(),
        api_name: api_name.to_owned(),
        data_type,
        nullable: true,
    };
    ColumnType::Struct(vec![
        field("since", "Since", LOCAL),
        field("tags", "Tags", ColumnType::List(Box::new(ColumnType::Int64))),
    ])
}

#[test]
fn cells_are_the_same_for_the_same_values() {
    let decimal = |value| Decimal128Array::from(vec![value]).with_precision_and_scale(38, 2).unwrap();
    let zoned = |micros| TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    let cases: Vec<(ColumnType, ArrayRef, Json)> = vec![
        (ColumnType::Bool, Arc::new(BooleanArray::from(vec![true])), json!(true)),
        (ColumnType::Int32, Arc::new(Int32Array::from(vec![-5])), json!(-5)),
        (ColumnType::Int32, Arc::new(Int64Array::from(vec![-5])), json!(-5)),
        (ColumnType::Int64, Arc::new(Int64Array::from(vec![i64::MAX])), json!(i64::MAX)),
        (ColumnType::Float32, Arc::new(Float32Array::from(vec![0.1])), json!(0.1)),
        (ColumnType::Float64, Arc::new(Float64Array::from(vec![-0.0])), json!(0.0)),
        (ColumnType::Float64, Arc::new(Float64Array::from(vec![f64::NAN])), json!("NaN")),
        (ColumnType::Float64, Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), json!("-INF")),
        (ColumnType::Decimal { precision: 38, scale: 2 }, Arc::new(decimal(-1230)), json!("-12.30")),
        (ColumnType::Decimal { precision: 38, scale: 2 }, Arc::new(Int32Array::from(vec![7])), json!("7.00")),
        (ColumnType::Text, Arc::new(StringViewArray::from(vec!["é\n"])), json!("é\n")),
        (ColumnType::Uuid, Arc::new(StringArray::from(vec!["0A1B"])), json!("0a1b")),
        (ColumnType::Json, Arc::new(StringArray::from(vec![r#"{"b": 1, "a": [true]}"#])), json!({"a": [true], "b": 1})),
        (ColumnType::Json, Arc::new(StringArray::from(vec!["not {json"])), json!("not {json")),
        (ColumnType::Date, Arc::new(Date32Array::from(vec![19_874])), json!("2024-05-31")),
        (ColumnType::Time, Arc::new(Time64NanosecondArray::from(vec![86_399_000_000_000])), json!("23:59:59.000000")),
        (ISO, Arc::new(zoned(1_717_199_999_000_001)), json!("2024-05-31T23:59:59.000001Z")),
        (LOCAL, Arc::new(TimestampMicrosecondArray::from(vec![-1_000])), json!("1969-12-31T23:59:59.999000")),
        (ColumnType::Binary, Arc::new(BinaryArray::from(vec![&[0xfb_u8, 0xff][..]])), json!("+/8=")),
        (ColumnType::Text, Arc::new(StringArray::from(vec![None::<&str>])), json!(null)),
    ];
    for (data_type, array, cell) in cases {
        assert_eq!(column_of(&array, &data_type).unwrap(), std::slice::from_ref(&cell), "{data_type:?}");
        let back = array_of(&data_type, &[&cell]).unwrap();
        assert_eq!(*back.data_type(), arrow_types::data_type(&data_type));
        assert_eq!(column_of(&back, &data_type).unwrap(), [cell], "{data_type:?}");
    }
}

#[test]
fn nested_values_have_sql_names() {
    let data_type = nested();
    let cell = json!({"since": "2024-05-31T23:59:59.123000", "tags": [1, null, 3]});
    let array = array_of(&data_type, &[&cell, &Json::Null]).unwrap();
    assert_eq!(column_of(&array, &data_type).unwrap(), [cell, Json::Null]);
}

#[test]
fn what_does_not_fit_is_no_null() {
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
    assert!(column_of(&wide, &ColumnType::Int32).is_err());
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    assert!(column_of(&text, &ColumnType::Int32).is_err());
    for (data_type, cell) in [
        (ColumnType::Int32, json!("x")),
        (ColumnType::Date, json!("2024-02-30")),
        (ColumnType::Decimal { precision: 3, scale: 1 }, json!("1000.0")),
    ] {
        assert!(array_of(&data_type, &[&cell]).is_err(), "{cell}");
    }
}

#[test]
fn rows_become_a_batch_and_rows_again() {
    let columns = [column("id", "Id", ColumnType::Int64), column("at", "At", SECONDS)];
    let named: Vec<&Column> = columns.iter().collect();
    let field = |column: &Column| ArrowField::new(&column.name, arrow_types::data_type(&column.data_type), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let rows = [cells(json!({"id": 1, "at": "2024-05-31T23:59:59.000000Z"})), cells(json!({"id": 2, "other": 5}))];
    let batch = batch_of(&schema, &named, &rows).unwrap();
    let indexed: Vec<(usize, &Column)> = columns.iter().enumerate().collect();
    let read = rows_of(&batch, &indexed).unwrap();
    assert_eq!(read, [rows[0].clone(), cells(json!({"id": 2, "at": null}))]);
    assert_eq!(cells_of(&batch, 0, &indexed[..1]).unwrap(), cells(json!({"id": 1})));
    assert!(cells_of(&batch, 2, &indexed).is_err() && cells_of(&batch, 0, &[(9, &columns[0])]).is_err());
    assert_eq!(batch_of(&schema, &named, &[]).unwrap().num_rows(), 0);
    let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
    assert_eq!(rows_of(&none, &[]).unwrap().len(), 0);
}

#[test]
fn an_api_holds_what_its_form_has_digits_for() {
    let cases = [
        (ISO, "2024-05-31T23:59:59.123456Z", "2024-05-31T23:59:59.123456Z"),
        (LOCAL, "2024-05-31T23:59:59.123456", "2024-05-31T23:59:59.123000"),
        (SECONDS, "2024-05-31T23:59:59.999999Z", "2024-05-31T23:59:59.000000Z"),
        (SECONDS, "1969-12-31T23:59:59.500000Z", "1969-12-31T23:59:59.000000Z"),
        (ColumnType::Text, "2024-05-31T23:59:59.999999Z", "2024-05-31T23:59:59.999999Z"),
    ];
    for (data_type, cell, held) in cases {
        assert_eq!(storable(&data_type, json!(cell)), json!(held), "{cell}");
    }
    assert_eq!(storable(&SECONDS, Json::Null), Json::Null);
}

#[test]
fn what_is_read_back_may_have_lost_digits_and_nothing_else() {
    let uuid = "0a1b2c3d-0000-4000-8000-00000000abcd";
    let upper = uuid.to_uppercase();
    for (data_type, written, read, same) in [
        (ISO, json!("2024-05-31T23:59:59.123456Z"), json!("2024-05-31T23:59:59.123000Z"), true),
        (ISO, json!("2024-05-31T23:59:59.123456Z"), json!("2024-05-31T23:59:59.000000Z"), true),
        (ISO, json!("2024-05-31T23:59:59.123456Z"), json!("2024-05-31T23:59:59.124000Z"), false),
        (ISO, json!("2024-05-31T23:59:59.000000Z"), json!("2024-05-31T23:59:59.500000Z"), false),
        (ISO, json!(null), json!("2024-05-31T23:59:59.500000Z"), false),
        (ColumnType::Uuid, json!(uuid), json!(upper), true),
        (ColumnType::Text, json!(uuid), json!(upper), false),
        (ColumnType::Text, json!(""), json!(null), false),
        (ColumnType::Int32, json!(1), json!(1), true),
        (ColumnType::Int32, json!(1), json!(2), false),
    ] {
        assert_eq!(is_same(&data_type, &written, &read), same, "{written} {read}");
    }
}
