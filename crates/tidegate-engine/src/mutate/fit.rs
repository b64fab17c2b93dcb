//! Values in the type of the column that they are written into. What does not fit is an error. As SQL does, decimals are
//! rounded to the digits of their column; a fraction that would be lost from a whole number is refused.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use tidegate_remote::arrow_types;
use tidegate_spec::ColumnType;

/// Whether values of this type can be written into the column, as far as types tell.
pub(super) fn may_fit(from: &DataType, to: &ColumnType) -> bool {
    let to = arrow_types::data_type(to);
    let is_nested = |data_type: &DataType| data_type.is_nested();
    match (from, &to) {
        (DataType::Null, _) => true,
        // One value is no list of one: who writes it has forgotten something.
        (from, to) if is_nested(from) != is_nested(to) => false,
        (from, to) => can_cast_types(from, to),
    }
}

/// The values in the column's type.
///
/// # Errors
/// The first value that the type cannot hold, and why: `'abc', which is no int32`.
pub(super) fn fitted(array: &ArrayRef, to: &ColumnType) -> Result<ArrayRef, String> {
    let wanted = arrow_types::data_type(to);
    if is_integer(&wanted)
        && let Some(value) = first_fraction(array)
    {
        return Err(format!("{value}, which is no whole number: round it, for instance by round(…)"));
    }
    if *array.data_type() == wanted {
        return Ok(ArrayRef::clone(array));
    }
    converted(array, &wanted).map_err(|error| {
        let one = |row: &usize| converted(&array.slice(*row, 1), &wanted).is_err();
        match (0..array.len()).find(one) {
            Some(row) => format!("{}, which is no {}", shown(array, row), name(&wanted)),
            None => error.to_string(),
        }
    })
}

fn converted(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn is_integer(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// The first number that is not whole, among those that would be cut.
fn first_fraction(array: &ArrayRef) -> Option<String> {
    let numbers = match array.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => array.clone(),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale)
            if *scale > 0 =>
        {
            return first_decimal_fraction(array);
        }
        _ => return None,
    };
    let numbers = converted(&numbers, &DataType::Float64).ok()?;
    let numbers = numbers.as_primitive::<Float64Type>();
    let row = numbers.iter().position(|number| number.is_some_and(|number| number.fract() != 0.0))?;
    Some(shown(array, row))
}

/// A decimal is whole if nothing but zeros stands behind its point.
fn first_decimal_fraction(array: &ArrayRef) -> Option<String> {
    let is_cut = |row: &usize| {
        let text = shown(array, *row);
        array.is_valid(*row)
            && text.split_once('.').is_some_and(|(_, behind)| behind.bytes().any(|digit| digit != b'0'))
    };
    (0..array.len()).find(is_cut).map(|row| shown(array, row))
}

/// A value for an error.
fn shown(array: &ArrayRef, row: usize) -> String {
    /// Longer texts are cut.
    const MOST: usize = 60;
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(array, &options).map(|formatter| formatter.value(row).to_string());
    let text = text.unwrap_or_else(|_| "a value".to_owned());
    let cut: String = text.chars().take(MOST).collect();
    let cut = if cut.len() < text.len() { format!("{cut}…") } else { cut };
    match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => format!("'{cut}'"),
        _ => cut,
    }
}

/// The type as SQL users know it.
pub(super) fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Time64(_) => "time".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Decimal128Array, Float64Array, Int64Array, StringArray};

    use super::*;

    #[track_caller]
    fn check(array: ArrayRef, to: &ColumnType, expected: Result<&str, &str>) {
        match (fitted(&array, to), expected) {
            (Ok(fitted), Ok(expected)) => assert_eq!(shown(&fitted, 0).trim_matches('\''), expected),
            (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{problem}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    fn text(value: &str) -> ArrayRef {
        Arc::new(StringArray::from(vec![value]))
    }

    #[test]
    fn values_fit_or_are_refused() {
        let decimal = ColumnType::Decimal { precision: 12, scale: 2 };
        let float = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
        let exact = Decimal128Array::from(vec![1250]).with_precision_and_scale(5, 2).expect("fits");
        let whole = Decimal128Array::from(vec![1200]).with_precision_and_scale(5, 2).expect("fits");
        check(text("12"), &ColumnType::Int32, Ok("12"));
        check(text("abc"), &ColumnType::Int32, Err("'abc', which is no int"));
        check(text("99999999999"), &ColumnType::Int32, Err("which is no int"));
        check(text("2024-02-30"), &ColumnType::Date, Err("'2024-02-30', which is no date"));
        check(text("2024-02-29"), &ColumnType::Date, Ok("2024-02-29"));
        check(text("12345678.905"), &decimal, Ok("12345678.91"));
        check(float(13.200_000_000_000_001), &decimal, Ok("13.20"));
        check(float(2.0), &ColumnType::Int16, Ok("2"));
        check(float(2.5), &ColumnType::Int16, Err("2.5, which is no whole number"));
        check(float(1e6), &ColumnType::Int16, Err("which is no smallint"));
        check(Arc::new(exact), &ColumnType::Int32, Err("12.50, which is no whole number"));
        check(Arc::new(whole), &ColumnType::Int32, Ok("12"));
        check(Arc::new(Int64Array::from(vec![7])), &ColumnType::Text, Ok("7"));
    }

    #[test]
    fn types_that_never_fit_are_known_before() {
        let list = ColumnType::List(Box::new(ColumnType::Text));
        assert!(may_fit(&DataType::Null, &list));
        assert!(!may_fit(&DataType::Utf8, &list));
        assert!(!may_fit(&DataType::Boolean, &ColumnType::Date));
        assert!(may_fit(&DataType::Utf8View, &ColumnType::Date));
    }
}
