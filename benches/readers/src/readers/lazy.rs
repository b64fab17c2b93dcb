//! sonic-rs without structs: of each row the wanted paths, all in one pass, each then read by its column's type.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_cast::parse::string_to_timestamp_nanos;
use serde::Deserialize;
use sonic_rs::{JsonValueTrait as _, LazyValue, PointerTree};
use tidegate_spec::{ColumnType, TimestampFormat};

use super::Read;
use crate::Result;
use crate::shapes::{ROWS, Shape, Text};

type Cells<'a> = Vec<Option<LazyValue<'a>>>;

pub(super) fn reader(shape: &Shape, schema: &SchemaRef) -> Read {
    let mut tree = PointerTree::new();
    for column in &shape.columns {
        tree.add_path(column.path.iter().map(String::as_str));
    }
    let (schema, columns, envelope) = (schema.clone(), shape.columns.clone(), shape.rows);
    Box::new(move |body| {
        let list = sonic_rs::get_from_slice(body, envelope)?;
        let rows = sonic_rs::to_array_iter(list.as_raw_str()).collect::<sonic_rs::Result<Vec<_>>>()?;
        let mut cells: Vec<Cells<'_>> = columns.iter().map(|_| Vec::with_capacity(ROWS)).collect();
        for row in &rows {
            for (column, cell) in cells.iter_mut().zip(sonic_rs::get_many(row.as_raw_str(), &tree)?) {
                column.push(cell.filter(|cell| !cell.is_null()));
            }
        }
        let typed = columns.iter().zip(schema.fields()).zip(&cells);
        let arrays = typed.map(|((column, field), cells)| array(&column.data_type, field, cells));
        Ok(RecordBatch::try_new(schema.clone(), arrays.collect::<Result<_>>()?)?)
    })
}

fn array(data_type: &ColumnType, field: &Field, cells: &[Option<LazyValue<'_>>]) -> Result<ArrayRef> {
    let values = || cells.iter().map(Option::as_ref);
    Ok(match data_type {
        ColumnType::Bool => Arc::new(values().map(|cell| cell?.as_bool()).collect::<BooleanArray>()),
        ColumnType::Int32 => Arc::new(values().map(|cell| cell?.as_i64()?.try_into().ok()).collect::<Int32Array>()),
        ColumnType::Int64 => Arc::new(values().map(|cell| cell?.as_i64()).collect::<Int64Array>()),
        ColumnType::Float64 => Arc::new(values().map(|cell| cell?.as_f64()).collect::<Float64Array>()),
        ColumnType::Decimal { precision, scale } => {
            let value = |cell: Option<&LazyValue<'_>>| Some((cell?.as_f64()? * 100.0).round() as i128);
            Arc::new(values().map(value).collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
        }
        ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, .. } => {
            let micros = values().map(|cell| Some(cell?.as_i64()? * 1_000_000));
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        ColumnType::Timestamp { .. } => {
            let micros = |cell| -> Result<_> {
                Ok(text(cell)?.map(|text| string_to_timestamp_nanos(&text)).transpose()?.map(|nanos| nanos / 1_000))
            };
            let micros = values().map(micros).collect::<Result<TimestampMicrosecondArray>>()?;
            Arc::new(micros.with_timezone("UTC"))
        }
        ColumnType::List(_) => labels(field, cells)?,
        _ => Arc::new(values().map(text).collect::<Result<StringArray>>()?),
    })
}

/// Borrowed where it has no escapes.
fn text<'c>(cell: Option<&'c LazyValue<'_>>) -> Result<Option<Cow<'c, str>>> {
    let Some(cell) = cell else { return Ok(None) };
    Ok(Some(sonic_rs::from_str::<Text<'c>>(cell.as_raw_str())?.0))
}

#[derive(Deserialize)]
struct Label<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    color: Text<'a>,
}

/// The one list of the shapes: labels of issues.
fn labels(field: &Field, cells: &[Option<LazyValue<'_>>]) -> Result<ArrayRef> {
    let DataType::List(item) = field.data_type() else { return Err("no list".into()) };
    let DataType::Struct(fields) = item.data_type() else { return Err("no list of structs".into()) };
    let lists = cells.iter().map(list).collect::<Result<Vec<_>>>()?;
    let all = || lists.iter().flatten();
    let names: StringArray = all().map(|label| Some(label.name.0.as_ref())).collect();
    let colors: StringArray = all().map(|label| Some(label.color.0.as_ref())).collect();
    let labels = StructArray::try_new(Fields::clone(fields), vec![Arc::new(names), Arc::new(colors)], None)?;
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(labels), None)?))
}

fn list<'c>(cell: &'c Option<LazyValue<'_>>) -> Result<Vec<Label<'c>>> {
    let Some(cell) = cell else { return Ok(Vec::new()) };
    Ok(sonic_rs::from_str(cell.as_raw_str())?)
}
