//! From cells back to Arrow arrays.
//!
//! Cells are JSON in forms that the decoder of pages reads anyway: it does the work, under types whose points in time
//! are written as ISO 8601 and whose structs have members by SQL name.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde_json::Map;
use tidegate_spec::{Column, ColumnSource, ColumnType, Envelope, Field, Path, Table, TimestampFormat, Writes};

use super::{Cell, Cells};
use crate::decode::Decoder;
use crate::{BadValue, ErrorKind};

/// The array of these cells.
///
/// # Errors
/// A cell that is none of the type.
pub fn array_of(data_type: &ColumnType, cells: &[&Cell]) -> Result<ArrayRef, ErrorKind> {
    let name = "value".to_owned();
    let rows = cells.iter().map(|&cell| Map::from_iter([(name.clone(), cell.clone())]));
    let body = Cell::Array(rows.map(Cell::Object).collect());
    let decoded = decode(vec![column(&name, data_type)], &body)?;
    Ok(ArrayRef::clone(decoded.column(0)))
}

/// The batch with a field from each of `columns`, in their order; a row without the column's cell has NULL.
///
/// # Errors
/// A cell that does not fit its column; NULL in a field that is not nullable; fields of other types than the columns.
pub fn batch_of(schema: &SchemaRef, columns: &[&Column], rows: &[Cells]) -> Result<RecordBatch, ErrorKind> {
    let body = serde_json::to_value(rows).map_err(|error| ErrorKind::Unsupported(error.to_string()))?;
    let of_cells = columns.iter().map(|spec| column(&spec.name, &spec.data_type)).collect();
    let decoded = decode(of_cells, &body)?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), decoded.columns().to_vec(), &options)
        .map_err(|error| ErrorKind::Unsupported(error.to_string()))
}

fn decode(columns: Vec<Column>, body: &Cell) -> Result<RecordBatch, ErrorKind> {
    let wanted: Vec<usize> = (0..columns.len()).collect();
    let table = Table {
        name: String::new(),
        api_name: String::new(),
        description: None,
        columns,
        key: Vec::new(),
        endpoints: Vec::new(),
        details: Vec::new(),
        writes: Writes::default(),
    };
    let envelope = Envelope { rows: vec![Path::new()], ..Envelope::default() };
    let decoded = Decoder::new(&table, &wanted, &envelope, BadValue::Fail).decode(body.to_string().as_bytes())?;
    Ok(decoded.batch)
}

fn column(name: &str, data_type: &ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        path: vec![name.to_owned()],
        data_type: of_cells(data_type),
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    }
}

/// The type whose JSON form is that of cells.
fn of_cells(data_type: &ColumnType) -> ColumnType {
    match data_type {
        ColumnType::Timestamp { instant, .. } => {
            ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: *instant }
        }
        ColumnType::List(items) => ColumnType::List(Box::new(of_cells(items))),
        ColumnType::Struct(members) => {
            let member = |field: &Field| Field {
                name: field.name.clone(),
                api_name: field.name.clone(),
                data_type: of_cells(&field.data_type),
                nullable: true,
            };
            ColumnType::Struct(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}
