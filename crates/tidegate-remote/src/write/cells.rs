//! From Arrow arrays to cells.
//!
//! Relies on [`crate::arrow_types`] for the Arrow type of each column; arrays of other types are cast to it first, and
//! what does not fit is an error, never NULL.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number};
use tidegate_spec::{Column, ColumnType, Field};

use super::{Cell, Cells, digits};
use crate::{ErrorKind, arrow_types};

/// The cells of one row: for each pair the value of a batch's column as that column of the table, under its SQL name.
///
/// # Errors
/// A value that does not fit its column; a column that the batch does not have.
pub fn cells_of(batch: &RecordBatch, row: usize, columns: &[(usize, &Column)]) -> Result<Cells, ErrorKind> {
    if row >= batch.num_rows() {
        return Err(ErrorKind::Unsupported(format!("a batch of {} rows has no row {row}", batch.num_rows())));
    }
    let mut rows = rows_of(&batch.slice(row, 1), columns)?;
    Ok(rows.pop().unwrap_or_default())
}

/// The cells of all rows, as [`cells_of`].
///
/// # Errors
/// As [`cells_of`].
pub fn rows_of(batch: &RecordBatch, columns: &[(usize, &Column)]) -> Result<Vec<Cells>, ErrorKind> {
    let mut rows = vec![Cells::new(); batch.num_rows()];
    for &(index, column) in columns {
        let missing = || ErrorKind::Unsupported(format!("the batch has no column {index} for {}", column.name));
        let array = batch.columns().get(index).ok_or_else(missing)?;
        let cells = column_of(array, &column.data_type)
            .map_err(|kind| ErrorKind::Unsupported(format!("column {}: {kind}", column.name)))?;
        for (row, cell) in rows.iter_mut().zip(cells) {
            row.insert(column.name.clone(), cell);
        }
    }
    Ok(rows)
}

/// The cells of an array.
///
/// # Errors
/// A value that the type cannot hold.
pub fn column_of(array: &ArrayRef, data_type: &ColumnType) -> Result<Vec<Cell>, ErrorKind> {
    let wanted = arrow_types::data_type(data_type);
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = if *array.data_type() == wanted {
        ArrayRef::clone(array)
    } else {
        cast_with_options(array, &wanted, &options).map_err(|error| ErrorKind::Unsupported(error.to_string()))?
    };
    (0..cast.len()).map(|row| cell(&cast, row, data_type)).collect()
}

fn cell(array: &ArrayRef, row: usize, data_type: &ColumnType) -> Result<Cell, ErrorKind> {
    if array.is_null(row) {
        return Ok(Cell::Null);
    }
    let beyond = || ErrorKind::Unsupported("the calendar does not reach that far".to_owned());
    Ok(match (data_type, array.data_type()) {
        (ColumnType::Bool, _) => array.as_boolean().value(row).into(),
        (ColumnType::Int16, _) => array.as_primitive::<Int16Type>().value(row).into(),
        (ColumnType::Int32, _) => array.as_primitive::<Int32Type>().value(row).into(),
        (ColumnType::Int64, _) => array.as_primitive::<Int64Type>().value(row).into(),
        (ColumnType::Float32, _) => single(array.as_primitive::<Float32Type>().value(row)),
        (ColumnType::Float64, _) => double(array.as_primitive::<Float64Type>().value(row)),
        (ColumnType::Decimal { scale, .. }, _) => {
            digits::decimal(array.as_primitive::<Decimal128Type>().value(row), *scale).into()
        }
        (ColumnType::Uuid, _) => array.as_string::<i32>().value(row).to_ascii_lowercase().into(),
        (ColumnType::Json, _) => json(array.as_string::<i32>().value(row)),
        (ColumnType::Date, _) => digits::date(array.as_primitive::<Date32Type>().value(row)).ok_or_else(beyond)?.into(),
        (ColumnType::Time, _) => {
            digits::time(array.as_primitive::<Time64NanosecondType>().value(row) / 1_000).ok_or_else(beyond)?.into()
        }
        (ColumnType::Timestamp { instant, .. }, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            digits::timestamp(micros, *instant).ok_or_else(beyond)?.into()
        }
        (ColumnType::Binary, _) => STANDARD.encode(array.as_binary::<i32>().value(row)).into(),
        (ColumnType::List(items), DataType::List(_)) => column_of(&array.as_list::<i32>().value(row), items)?.into(),
        (ColumnType::Struct(members), DataType::Struct(_)) => structure(array, row, members)?,
        _ => array.as_string::<i32>().value(row).into(),
    })
}

fn structure(array: &ArrayRef, row: usize, members: &[Field]) -> Result<Cell, ErrorKind> {
    let columns = array.as_struct().columns();
    let member = |(field, column): (&Field, &ArrayRef)| {
        let value = cell(&column.slice(row, 1), 0, &field.data_type)?;
        Ok((field.name.clone(), value))
    };
    Ok(Cell::Object(members.iter().zip(columns).map(member).collect::<Result<Map<_, _>, ErrorKind>>()?))
}

/// A text that is no JSON is kept as it is.
fn json(text: &str) -> Cell {
    serde_json::from_str(text).unwrap_or_else(|_| Cell::String(text.to_owned()))
}

/// The shortest digits that read back as the same single, so that 0.1 is not 0.10000000149.
fn single(value: f32) -> Cell {
    if value.is_finite() { value.to_string().parse().map_or(Cell::Null, double) } else { double(value.into()) }
}

/// Zero has no sign: services do not keep it.
fn double(value: f64) -> Cell {
    let value = if value == 0.0 { 0.0 } else { value };
    match Number::from_f64(value) {
        Some(number) => Cell::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "INF".into(),
        None => "-INF".into(),
    }
}
