//! The readers: from a body to a batch with the wanted columns, each in the way that its own pages recommend.

mod arrow_json;
mod lazy;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tidegate_remote::BadValue;
use tidegate_remote::decode::Decoder;
use tidegate_spec::{Table, Writes};

use crate::Result;
use crate::shapes::{Family, Shape};

/// Reads one body; what pages have in common is kept between calls.
pub(crate) type Read = Box<dyn FnMut(&[u8]) -> Result<RecordBatch>>;

/// A reader before it knows the schema.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) build: Box<dyn FnOnce(&SchemaRef) -> Result<Read>>,
}

/// All that read this shape; ours is the first.
pub(crate) fn all(shape: &Shape) -> Result<Vec<(&'static str, Read)>> {
    let decoder = decoder(shape);
    let schema = decoder.schema().clone();
    let mut readers: Vec<(&'static str, Read)> = vec![
        ("tidegate", Box::new(move |body| Ok(decoder.decode(body)?.batch))),
        ("arrow-json", arrow_json::reader(shape, &schema)?),
    ];
    for reader in (shape.readers)() {
        readers.push((reader.name, (reader.build)(&schema)?));
    }
    readers.push(("sonic-rs, by path", lazy::reader(shape, &schema)));
    Ok(readers)
}

fn decoder(shape: &Shape) -> Decoder {
    let table = Table {
        name: shape.name.to_owned(),
        api_name: shape.name.to_owned(),
        description: None,
        columns: shape.columns.clone(),
        key: Vec::new(),
        endpoints: Vec::new(),
        details: Vec::new(),
        writes: Writes::default(),
    };
    let columns: Vec<usize> = (0..shape.columns.len()).collect();
    Decoder::new(&table, &columns, &shape.envelope(), BadValue::Fail)
}

/// serde_json, simd-json and sonic-rs into the shape's borrowing structs, and from there into arrays.
pub(crate) fn structs<F: Family + 'static>() -> Vec<Reader> {
    fn reader(name: &'static str, arrays: fn(&[u8]) -> Result<Vec<ArrayRef>>) -> Reader {
        let build = move |schema: &SchemaRef| -> Result<Read> {
            let schema = schema.clone();
            Ok(Box::new(move |body| Ok(RecordBatch::try_new(schema.clone(), arrays(body)?)?)))
        };
        Reader { name, build: Box::new(build) }
    }
    vec![
        reader("serde_json, structs", |body| F::arrays(&serde_json::from_slice(body)?)),
        // It writes into the body, which a cache may still hold: it needs a copy.
        reader("simd-json, structs", |body| F::arrays(&simd_json::serde::from_slice(&mut body.to_vec())?)),
        reader("sonic-rs, structs", |body| F::arrays(&sonic_rs::from_slice(body)?)),
    ]
}
