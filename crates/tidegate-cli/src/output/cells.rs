//! Values as text, for the formats that are text.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{EncoderOptions, make_encoder};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// Every value of the rows as text, row by row; `None` is NULL.
pub(crate) fn rows(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let mut columns = columns
        .map(|(field, array)| texts(field, array).map(Vec::into_iter))
        .collect::<Result<Vec<_>, ArrowError>>()?;
    Ok((0..batch.num_rows()).map(|_| columns.iter_mut().map(|column| column.next().flatten()).collect()).collect())
}

/// Whether a column's values are numbers, which stand to the right.
pub(crate) fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

fn texts(field: &FieldRef, array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if field.data_type().is_nested() {
        return json_texts(field, array);
    }
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let nulls = array.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    (0..array.len())
        .map(|row| if is_null(row) { Ok(None) } else { formatter.value(row).try_to_string().map(Some) })
        .collect()
}

fn json_texts(field: &FieldRef, array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let array = Arc::clone(array);
    let mut encoder = make_encoder(field, array.as_ref(), &options)?;
    let mut texts = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if encoder.is_null(row) {
            texts.push(None);
            continue;
        }
        let mut bytes = Vec::new();
        encoder.encode(row, &mut bytes);
        let text = String::from_utf8(bytes).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        texts.push(Some(text));
    }
    Ok(texts)
}
