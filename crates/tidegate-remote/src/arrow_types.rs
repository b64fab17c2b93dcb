//! The Arrow types of columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use tidegate_spec::{ColumnType, Table};

use crate::BadValue;

/// Arrow type of a column's values. Points in time are microseconds, instants in the zone `UTC`. Times of day are
/// nanoseconds, as SQL's TIME literals are: DataFusion compares no two units of time in an IN list.
///
/// Members of structs and items of lists are always nullable: a member of a NULL struct is NULL, whatever the API
/// declares of it, and of items the model does not say.
#[must_use]
pub fn data_type(column: &ColumnType) -> DataType {
    match column {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int16 => DataType::Int16,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
        ColumnType::Date => DataType::Date32,
        ColumnType::Time => DataType::Time64(TimeUnit::Nanosecond),
        ColumnType::Timestamp { instant, .. } => {
            DataType::Timestamp(TimeUnit::Microsecond, instant.then(|| Arc::from("UTC")))
        }
        ColumnType::Binary => DataType::Binary,
        ColumnType::List(items) => DataType::new_list(data_type(items), true),
        ColumnType::Struct(members) => {
            let field = |member: &tidegate_spec::Field| Field::new(&member.name, data_type(&member.data_type), true);
            DataType::Struct(members.iter().map(field).collect())
        }
        // Text, UUID, JSON, and whatever the model learns next, which is text until it is given a type here.
        _ => DataType::Utf8,
    }
}

/// Arrow schema of a whole table, in its columns' order, under their SQL names, nullable as declared.
///
/// It holds for batches decoded with [`BadValue::Fail`]; see [`schema_for`].
#[must_use]
pub fn schema(table: &Table) -> Schema {
    schema_for(table, BadValue::Fail)
}

/// [`schema`] of batches decoded with this setting: where a bad value becomes NULL, every field is nullable,
/// whatever the API declares. A plan must be made with the schema of the setting it runs with.
#[must_use]
pub fn schema_for(table: &Table, on_bad_value: BadValue) -> Schema {
    let relaxed = on_bad_value == BadValue::Null;
    let fields = table
        .columns
        .iter()
        .map(|column| Field::new(&column.name, data_type(&column.data_type), column.nullable || relaxed));
    Schema::new(fields.collect::<Vec<_>>())
}
