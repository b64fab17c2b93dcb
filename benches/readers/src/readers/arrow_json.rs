//! arrow-json's decoder with the projected schema.
//!
//! It knows nothing of envelopes: the rows are declared as a list within one record, and taken out of it.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use arrow_json::ReaderBuilder;
use tidegate_spec::{Column, ColumnType, TimestampFormat};

use super::Read;
use crate::Result;
use crate::shapes::Shape;

pub(super) fn reader(shape: &Shape, schema: &SchemaRef) -> Result<Read> {
    let types = shape.columns.iter().zip(schema.fields()).map(|(column, field)| data_type(column, field));
    let leaves: Vec<(&[String], DataType)> =
        shape.columns.iter().map(|column| column.path.as_slice()).zip(types).collect();
    let row = DataType::Struct(fields(&leaves));
    let list = |name: &str| Field::new(name, DataType::List(Arc::new(Field::new("item", row.clone(), true))), true);
    let builder = match shape.rows {
        [] => ReaderBuilder::new_with_field(list("rows")),
        [name] => ReaderBuilder::new(Arc::new(Schema::new(vec![list(name)]))),
        _ => return Err("rows deeper than one member".into()),
    };
    let mut decoder = builder.with_batch_size(1).build_decoder()?;
    let paths: Vec<Vec<String>> = shape.columns.iter().map(|column| column.path.clone()).collect();
    Ok(Box::new(move |body| {
        decoder.decode(body)?;
        let page = decoder.flush()?.ok_or("no record")?;
        let rows = page.column(0).as_list::<i32>().values().as_struct().clone();
        let named = paths.iter().map(|path| Ok((path.join("."), at(&rows, path)?)));
        Ok(RecordBatch::try_from_iter_with_nullable(
            named.collect::<Result<Vec<_>>>()?.into_iter().map(|(name, array)| (name, array, true)),
        )?)
    }))
}

/// It reads numbers in the unit of the type, and knows zones by name only with a database of them.
fn data_type(column: &Column, field: &Field) -> DataType {
    match &column.data_type {
        ColumnType::Timestamp { format: TimestampFormat::EpochSeconds, .. } => {
            DataType::Timestamp(TimeUnit::Second, Some("+00:00".into()))
        }
        ColumnType::Timestamp { .. } => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        _ => field.data_type().clone(),
    }
}

/// The paths as structs within structs.
fn fields(leaves: &[(&[String], DataType)]) -> Fields {
    let mut groups: Vec<(&str, Vec<(&[String], DataType)>)> = Vec::new();
    for (path, data_type) in leaves {
        let Some((name, rest)) = path.split_first() else { continue };
        let leaf = (rest, data_type.clone());
        match groups.iter_mut().find(|(known, _)| known == name) {
            Some((_, leaves)) => leaves.push(leaf),
            None => groups.push((name, vec![leaf])),
        }
    }
    let field = |(name, leaves): &(&str, Vec<(&[String], DataType)>)| match leaves.as_slice() {
        [([], data_type)] => Field::new(*name, data_type.clone(), true),
        leaves => Field::new(*name, DataType::Struct(fields(leaves)), true),
    };
    groups.iter().map(field).collect()
}

fn at(rows: &StructArray, path: &[String]) -> Result<ArrayRef> {
    let mut array: ArrayRef = Arc::new(rows.clone());
    for name in path {
        let inner = array.as_struct_opt().and_then(|rows| rows.column_by_name(name));
        array = inner.ok_or("no such member")?.clone();
    }
    debug_assert_eq!(array.len(), rows.len());
    Ok(array)
}
