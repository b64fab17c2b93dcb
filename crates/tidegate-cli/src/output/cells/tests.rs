//! What is written here is what Arrow would write.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int32Array, Int64Array, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use datafusion::arrow::datatypes::Field;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;

const NUMBERS: &[i64] = &[0, 1, -1, 9, 10, -10, 99, 100, 12_345, -99_999, i64::MAX, i64::MIN];

/// Every value is what Arrow makes of it; the buffer holds something else before.
fn check(array: impl Array + 'static) {
    let array: ArrayRef = Arc::new(array);
    let field = Arc::new(Field::new("value", array.data_type().clone(), true));
    let mut column = Column::new(&field, &array).unwrap();
    let options = FormatOptions::new();
    let expected = ArrayFormatter::try_new(array.as_ref(), &options).unwrap();
    let mut scratch = Vec::from("something else");
    for row in 0..array.len() {
        assert_eq!(column.is_null(row), array.is_null(row), "{array:?} {row}");
        if array.is_valid(row) {
            let text = column.text(row, &mut scratch).unwrap();
            assert_eq!(text, expected.value(row).to_string(), "{:?} {row}", array.data_type());
        }
    }
}

#[test]
fn text_and_numbers_are_as_arrow_writes_them() {
    check(StringArray::from(vec![Some(""), None, Some("a, \"b\"\n"), Some("日本")]));
    check(StringViewArray::from(vec![Some("a text that is longer than a view"), None, Some("")]));
    check(BooleanArray::from(vec![Some(true), None, Some(false)]));
    check(Int16Array::from(vec![Some(i16::MIN), None]));
    check(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)]));
    check(Int64Array::from(NUMBERS.to_vec()));
}

#[test]
fn decimals_are_as_arrow_writes_them() {
    let wide = [i128::from(i64::MAX) * 10, 10_i128.pow(37), -10_i128.pow(37) + 1];
    let values: Vec<i128> = NUMBERS.iter().map(|value| i128::from(*value)).chain(wide).collect();
    for (precision, scale) in [(38, 0), (38, 1), (38, 2), (38, 18), (38, 19), (38, 20), (38, 38), (3, 2), (20, -3)] {
        let array = Decimal128Array::from(values.clone());
        check(array.with_precision_and_scale(precision, scale).unwrap());
    }
}

#[test]
fn days_are_as_arrow_writes_them() {
    // From before the year 0 to beyond 9999: each day of some years, and then some of all.
    let days = (-1_000..1_000).chain((-730_000..2_990_000).step_by(367)).chain([-90_000_000, 90_000_000]);
    check(Date32Array::from(days.collect::<Vec<i32>>()));
    let leap = (-719_600..-719_400).chain(10_900..11_100).chain(-25_600..-25_400).chain(2_932_800..2_933_000);
    check(Date32Array::from(leap.collect::<Vec<i32>>()));
}

#[test]
fn points_in_time_are_as_arrow_writes_them() {
    let seconds: Vec<i64> =
        (-62_200_000_000_i64..253_500_000_000).step_by(997_654_321).chain([0, -1, 86_399]).collect();
    let within = |most: i64, unit: i64| -> Vec<i64> {
        let parts = [0, 1, unit / 1_000, unit / 2, unit - 1];
        let seconds = seconds.iter().filter(|second| second.abs() < most);
        seconds.flat_map(|second| parts.map(|part| second * unit + part)).collect()
    };
    for zone in [None, Some("UTC"), Some("+00:00"), Some("+02:00")] {
        check(TimestampSecondArray::from(seconds.clone()).with_timezone_opt(zone));
        check(TimestampMillisecondArray::from(within(i64::MAX, 1_000)).with_timezone_opt(zone));
        check(TimestampMicrosecondArray::from(within(i64::MAX, 1_000_000)).with_timezone_opt(zone));
        check(TimestampNanosecondArray::from(within(9_000_000_000, 1_000_000_000)).with_timezone_opt(zone));
    }
}

#[test]
fn points_in_time_behind_others_are_found() {
    let array = TimestampMicrosecondArray::from(vec![Some(1), None, Some(1_700_000_000_123_000)]);
    check(array.slice(2, 1));
}
