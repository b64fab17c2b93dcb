//! One column: what it takes, and the Arrow builder that it fills.
//!
//! A push appends exactly one entry or fails the page; columns can therefore not drift apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, ListArray, NullBufferBuilder, StringBuilder, StructArray,
    Time64NanosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;
use tidegate_spec::{ColumnType, TimestampFormat};

use super::failure::{BadCell, expected};
use super::row::{Node, Slot, Walker};
use super::scanner::{Raw, Scan, Scanner};
use crate::BadValue;

/// What does not change from page to page.
#[derive(Debug)]
pub(super) struct Shape {
    /// SQL name; for what is nested `column.member`, and `column[]` for the items of a list.
    name: String,
    data_type: ColumnType,
    field: FieldRef,
    /// As declared; with [`BadValue::Null`] the Arrow field is nullable even where this is false.
    nullable: bool,
    /// Members of a struct, the items of a list.
    nested: Vec<Shape>,
    /// Where a struct's members stand.
    members: Node,
    /// Bytes of text in the last page.
    text: AtomicUsize,
}

impl Shape {
    /// A column whose Arrow field is `field`.
    pub(super) fn new(name: String, data_type: &ColumnType, nullable: bool, field: FieldRef) -> Self {
        let mut members = Node::default();
        let nested = match (data_type, field.data_type()) {
            (ColumnType::List(items), DataType::List(item)) => {
                vec![Self::new(format!("{name}[]"), items, true, Arc::clone(item))]
            }
            (ColumnType::Struct(declared), DataType::Struct(fields)) => {
                members = Node::new(declared.iter().map(|member| [member.api_name.as_str()]));
                let shape = |(member, field): (&tidegate_spec::Field, &FieldRef)| {
                    let name = format!("{name}.{}", member.name);
                    Self::new(name, &member.data_type, member.nullable, Arc::clone(field))
                };
                declared.iter().zip(fields).map(shape).collect()
            }
            _ => Vec::new(),
        };
        let text = AtomicUsize::new(0);
        Self { name, data_type: data_type.clone(), field, nullable, nested, members, text }
    }
}

/// What pushes share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) on_bad_value: BadValue,
    /// What has escapes to resolve, or white space to lose.
    pub(super) text: String,
    /// What base64 stands for.
    pub(super) bytes: Vec<u8>,
}

impl Context {
    pub(super) fn new(on_bad_value: BadValue) -> Self {
        Self { on_bad_value, text: String::new(), bytes: Vec::new() }
    }
}

/// A column of one page.
#[derive(Debug)]
pub(super) struct Column<'s, 'a> {
    shape: &'s Shape,
    store: Store<'s, 'a>,
}

#[derive(Debug)]
pub(super) enum Store<'s, 'a> {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal { builder: Decimal128Builder, precision: u8, scale: i8 },
    Text(StringBuilder),
    Uuid(StringBuilder),
    Json(StringBuilder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Timestamp { builder: TimestampMicrosecondBuilder, format: TimestampFormat, instant: bool },
    Binary(BinaryBuilder),
    List { offsets: Vec<i32>, nulls: NullBufferBuilder, items: Box<Column<'s, 'a>> },
    Struct { members: Vec<Column<'s, 'a>>, nulls: NullBufferBuilder, walker: Walker<'s, 'a> },
}

impl<'s, 'a> Column<'s, 'a> {
    /// An empty column with room for that many rows.
    pub(super) fn new(shape: &'s Shape, rows: usize) -> Self {
        let text = || StringBuilder::with_capacity(rows, shape.text.load(Ordering::Relaxed));
        let store = match &shape.data_type {
            ColumnType::Bool => Store::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int16 => Store::Int16(Int16Builder::with_capacity(rows)),
            ColumnType::Int32 => Store::Int32(Int32Builder::with_capacity(rows)),
            ColumnType::Int64 => Store::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::Float32 => Store::Float32(Float32Builder::with_capacity(rows)),
            ColumnType::Float64 => Store::Float64(Float64Builder::with_capacity(rows)),
            ColumnType::Decimal { precision, scale } => Store::Decimal {
                builder: Decimal128Builder::with_capacity(rows).with_data_type(shape.field.data_type().clone()),
                precision: *precision,
                scale: *scale,
            },
            ColumnType::Date => Store::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Time => Store::Time(Time64NanosecondBuilder::with_capacity(rows)),
            ColumnType::Timestamp { format, instant } => Store::Timestamp {
                builder: TimestampMicrosecondBuilder::with_capacity(rows)
                    .with_data_type(shape.field.data_type().clone()),
                format: *format,
                instant: *instant,
            },
            ColumnType::Binary => Store::Binary(BinaryBuilder::with_capacity(rows, shape.text.load(Ordering::Relaxed))),
            ColumnType::Uuid => Store::Uuid(text()),
            ColumnType::Json => Store::Json(text()),
            ColumnType::List(_) if !shape.nested.is_empty() => Store::List {
                offsets: vec![0],
                nulls: NullBufferBuilder::new(rows),
                items: Box::new(Self::new(&shape.nested[0], rows)),
            },
            ColumnType::Struct(_) => Store::Struct {
                members: shape.nested.iter().map(|member| Self::new(member, rows)).collect(),
                nulls: NullBufferBuilder::new(rows),
                walker: Walker::new(&shape.members, shape.nested.len()),
            },
            _ => Store::Text(text()),
        };
        Self { shape, store }
    }

    /// Appends one row's value, or NULL where [`BadValue::Null`] asks for it.
    pub(super) fn push(&mut self, slot: Slot<'a>, context: &mut Context) -> Result<(), BadCell> {
        match slot {
            Slot::Value(Raw { text: "null", .. }) | Slot::Missing if self.shape.nullable => {
                self.push_null();
                Ok(())
            }
            Slot::Value(raw) if raw.text != "null" => {
                if self.push_value(raw, context)? {
                    return Ok(());
                }
                self.bad(raw.text, expected(&self.shape.data_type), context)
            }
            Slot::Misplaced(raw) => self.bad(raw, "an object with this member".to_owned(), context),
            Slot::Value(_) => self.bad("null", not_null(), context),
            Slot::Missing => self.bad(crate::MISSING, not_null(), context),
        }
    }

    fn bad(&mut self, value: &str, expected: String, context: &Context) -> Result<(), BadCell> {
        if context.on_bad_value == BadValue::Null {
            self.push_null();
            return Ok(());
        }
        Err(BadCell::new(&self.shape.name, value, expected))
    }

    /// False when the value does not fit; nothing is appended then.
    fn push_value(&mut self, raw: Raw<'a>, context: &mut Context) -> Result<bool, BadCell> {
        match &mut self.store {
            Store::List { offsets, nulls, items } => {
                let Ok(elements) = list_elements(raw.text) else { return Ok(false) };
                let Some(mut elements) = elements else { return Ok(false) };
                let mut first = true;
                while matches!(elements.element(&mut first), Ok(true)) {
                    let Ok(element) = elements.value() else { break };
                    items.push(Slot::Value(element), context)?;
                }
                // A body has far fewer bytes than an `i32` counts.
                let Ok(end) = i32::try_from(items.len()) else { return Ok(false) };
                offsets.push(end);
                nulls.append_non_null();
                Ok(true)
            }
            Store::Struct { members, nulls, walker } => {
                if !raw.text.starts_with('{') || walker.read(&mut Scanner::new(raw.text)).is_err() {
                    return Ok(false);
                }
                for (member, slot) in members.iter_mut().zip(&walker.slots) {
                    member.push(*slot, context)?;
                }
                nulls.append_non_null();
                Ok(true)
            }
            store => Ok(store.push_leaf(raw, context)),
        }
    }

    fn push_null(&mut self) {
        match &mut self.store {
            Store::Bool(builder) => builder.append_null(),
            Store::Int16(builder) => builder.append_null(),
            Store::Int32(builder) => builder.append_null(),
            Store::Int64(builder) => builder.append_null(),
            Store::Float32(builder) => builder.append_null(),
            Store::Float64(builder) => builder.append_null(),
            Store::Decimal { builder, .. } => builder.append_null(),
            Store::Text(builder) | Store::Uuid(builder) | Store::Json(builder) => builder.append_null(),
            Store::Date(builder) => builder.append_null(),
            Store::Time(builder) => builder.append_null(),
            Store::Timestamp { builder, .. } => builder.append_null(),
            Store::Binary(builder) => builder.append_null(),
            Store::List { offsets, nulls, .. } => {
                offsets.push(offsets.last().copied().unwrap_or_default());
                nulls.append_null();
            }
            Store::Struct { members, nulls, .. } => {
                members.iter_mut().for_each(Self::push_null);
                nulls.append_null();
            }
        }
    }

    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder as _;
        match &self.store {
            Store::Bool(builder) => builder.len(),
            Store::Int16(builder) => builder.len(),
            Store::Int32(builder) => builder.len(),
            Store::Int64(builder) => builder.len(),
            Store::Float32(builder) => builder.len(),
            Store::Float64(builder) => builder.len(),
            Store::Decimal { builder, .. } => builder.len(),
            Store::Text(builder) | Store::Uuid(builder) | Store::Json(builder) => builder.len(),
            Store::Date(builder) => builder.len(),
            Store::Time(builder) => builder.len(),
            Store::Timestamp { builder, .. } => builder.len(),
            Store::Binary(builder) => builder.len(),
            Store::List { nulls, .. } | Store::Struct { nulls, .. } => nulls.len(),
        }
    }

    /// The array; how much text it has is kept for the next page.
    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let keep = |bytes: usize| self.shape.text.store(bytes, Ordering::Relaxed);
        Ok(match self.store {
            Store::Bool(mut builder) => Arc::new(builder.finish()),
            Store::Int16(mut builder) => Arc::new(builder.finish()),
            Store::Int32(mut builder) => Arc::new(builder.finish()),
            Store::Int64(mut builder) => Arc::new(builder.finish()),
            Store::Float32(mut builder) => Arc::new(builder.finish()),
            Store::Float64(mut builder) => Arc::new(builder.finish()),
            Store::Decimal { mut builder, .. } => Arc::new(builder.finish()),
            Store::Text(mut builder) | Store::Uuid(mut builder) | Store::Json(mut builder) => {
                keep(builder.values_slice().len());
                Arc::new(builder.finish())
            }
            Store::Date(mut builder) => Arc::new(builder.finish()),
            Store::Time(mut builder) => Arc::new(builder.finish()),
            Store::Timestamp { mut builder, .. } => Arc::new(builder.finish()),
            Store::Binary(mut builder) => {
                keep(builder.values_slice().len());
                Arc::new(builder.finish())
            }
            Store::List { offsets, mut nulls, items } => {
                let item = Arc::clone(&items.shape.field);
                let offsets = OffsetBuffer::new(offsets.into());
                Arc::new(ListArray::try_new(item, offsets, items.finish()?, nulls.finish())?)
            }
            Store::Struct { members, mut nulls, .. } => {
                let fields: Fields = members.iter().map(|member| Arc::clone(&member.shape.field)).collect();
                let rows = nulls.len();
                let arrays = members.into_iter().map(Column::finish).collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields, arrays, nulls.finish(), rows)?)
            }
        })
    }
}

fn not_null() -> String {
    "a value, although its description declares that there always is one".to_owned()
}

/// A scanner inside the array, or inside `results` of OData V3's verbose form `{"results": […]}`.
fn list_elements(raw: &str) -> Scan<Option<Scanner<'_>>> {
    let mut scanner = Scanner::new(raw);
    let mut inside = match scanner.peek()? {
        b'[' => Some(raw),
        _ => None,
    };
    if raw.starts_with('{') {
        scanner.enter();
        let mut first = true;
        while let Some(name) = scanner.member(&mut first)? {
            let value = scanner.value()?.text;
            if name.raw == "results" && value.starts_with('[') {
                inside = Some(value);
            }
        }
    }
    Ok(inside.map(|array| {
        let mut scanner = Scanner::new(array);
        scanner.enter();
        scanner
    }))
}
