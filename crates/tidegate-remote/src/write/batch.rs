//! The request for several rows.

use std::collections::BTreeMap;

use tidegate_spec::{
    Batch, BatchAnswer, BatchForm, ListForm, ListStyle, Matching, Per, Place, Single, WriteBody, WriteColumn, WriteKind,
};

use super::node::Node;
use super::parts::{Context, Parts, about};
use super::single::{self, document, joined, say_key, written_key};
use super::{Cell, RowWrite, fields, path};
use crate::ErrorKind;

/// The parts of the request for these rows, at least one. `key` is the key under which the API does it once.
pub(super) fn parts(
    context: &Context<'_>,
    batch: &Batch,
    rows: &[RowWrite],
    key: Option<&str>,
) -> Result<Parts, ErrorKind> {
    let first = rows.first().ok_or_else(|| ErrorKind::Unsupported("a batch of no rows".to_owned()))?;
    let mut parts = Parts { path: path::filled(context, &batch.path, first)?, ..Parts::default() };
    match &batch.form {
        BatchForm::Rows { at, template, key } => {
            parts.body = Some(document(context, template.as_ref())?);
            parts.say_constants(context, &batch.constants)?;
            let items = rows.iter().map(|row| item(context, batch, key, row)).collect::<Result<_, _>>()?;
            parts.body.get_or_insert_with(Node::object).append(at, items)?;
        }
        BatchForm::Keys { at, template, column } => {
            parts.body = Some(document(context, template.as_ref())?);
            parts.say_constants(context, &batch.constants)?;
            let keys = rows.iter().map(|row| context.json(*column, key_of(context, *column, row)?));
            let keys = keys.collect::<Result<_, _>>()?;
            parts.body.get_or_insert_with(Node::object).append(at, keys)?;
        }
        BatchForm::Same { column, place, list, limit, body } => {
            let form = Same { column: *column, place, list, limit: limit.as_ref(), body };
            form.say(context, batch, rows, &mut parts)?;
        }
        BatchForm::ODataJson => {
            parts.say(&Place::Header("Prefer".to_owned()), "odata.continue-on-error", Node::object())?;
            parts.say_constants(context, &batch.constants)?;
            parts.body = Some(requests(context, batch, rows)?);
        }
    }
    match &batch.idempotency {
        Some(declared) if declared.per == Per::Request => say_key(&mut parts, declared, key, None)?,
        Some(declared) if !matches!((&declared.place, &batch.form), (Place::Body(_), BatchForm::Rows { .. })) => {
            let message = "a key for each row of a batch can only stand in the rows of its body".to_owned();
            return Err(ErrorKind::Unsupported(message));
        }
        _ => {}
    }
    Ok(parts)
}

/// One row in the array of a body.
fn item(context: &Context<'_>, batch: &Batch, key: &[WriteColumn], row: &RowWrite) -> Result<Node, ErrorKind> {
    let mut item = Node::object();
    for written in key {
        let cell = key_of(context, written.column, row)?;
        item.put(&written.at, fields::value(context, written, cell, false)?)?;
    }
    for (at, node) in fields::of_row(context, row, &batch.path, false)? {
        item.put(&at, node)?;
    }
    if let Some((place, _, node)) = fields::version(context, row)? {
        let Place::Body(at) = place else {
            let message = "the version of a row cannot stand in this batch; it has to be sent by itself".to_owned();
            return Err(ErrorKind::Unsupported(message));
        };
        item.put(at, node)?;
    }
    if let Some((declared, Place::Body(at))) = batch.idempotency.as_ref().map(|declared| (declared, &declared.place))
        && declared.per == Per::Row
    {
        item.put(at, Node::text(written_key(declared, &row.row_key)))?;
    }
    if let BatchAnswer::Items { matching: Matching::Trace { sent, .. }, .. } = &batch.answer {
        item.put(sent, Node::text(row.row_key.as_str()))?;
    }
    Ok(item)
}

/// The value of a key's column; of a row that is to be made also where the statement gives it.
fn key_of<'r>(context: &Context<'_>, column: usize, row: &'r RowWrite) -> Result<&'r Cell, ErrorKind> {
    let name = &context.column(column)?.name;
    let cell = path::value(context.kind, row, name).filter(|cell| !cell.is_null());
    cell.ok_or_else(|| about(name, "it says which row is meant, and the row has no value for it"))
}

/// One set of values for all rows.
struct Same<'a> {
    column: usize,
    place: &'a Place,
    list: &'a ListForm,
    limit: Option<&'a Place>,
    body: &'a WriteBody,
}

impl Same<'_> {
    fn say(&self, context: &Context<'_>, batch: &Batch, rows: &[RowWrite], parts: &mut Parts) -> Result<(), ErrorKind> {
        let first = &rows[0];
        if let Some(other) = rows.iter().find(|row| row.new != first.new) {
            let differs =
                other.new.keys().chain(first.new.keys()).find(|name| other.new.get(*name) != first.new.get(*name));
            let name = differs.map_or("?", String::as_str);
            return Err(about(name, "a request for several rows writes one value, and these rows have several"));
        }
        if rows.len() > self.list.max {
            let message = format!("{} keys in one request, and {} is the most", rows.len(), self.list.max);
            return Err(ErrorKind::Unsupported(message));
        }
        let at = single::body(context, parts, self.body)?;
        parts.say_constants(context, &batch.constants)?;
        if let Some(at) = &at {
            let fields = fields::of_row(context, first, &batch.path, parts.is_form)?;
            let body = parts.body.get_or_insert_with(Node::object);
            for (path, node) in fields {
                body.put(&joined(at, &path), node)?;
            }
        }
        self.say_keys(context, rows, parts)?;
        if let Some(limit) = self.limit {
            let count = rows.len();
            parts.say(limit, &count.to_string(), Node::Leaf(count.into()))?;
        }
        Ok(())
    }

    fn say_keys(&self, context: &Context<'_>, rows: &[RowWrite], parts: &mut Parts) -> Result<(), ErrorKind> {
        let cells = rows.iter().map(|row| key_of(context, self.column, row)).collect::<Result<Vec<_>, _>>()?;
        let text = |cell: &&Cell| context.text(self.column, cell);
        match (&self.list.style, self.place) {
            (ListStyle::Array, Place::Body(_)) => {
                let items = cells.iter().map(|cell| context.json(self.column, cell)).collect::<Result<_, _>>()?;
                parts.say(self.place, "", Node::List(items))
            }
            (ListStyle::Repeated, Place::Query(_)) => {
                for cell in &cells {
                    let text = text(cell)?;
                    parts.say(self.place, &text, Node::text(text.as_str()))?;
                }
                Ok(())
            }
            (ListStyle::Joined(separator), _) => {
                let texts = cells.iter().map(text).collect::<Result<Vec<_>, _>>()?;
                // One key alone would be cut in two all the same, and an empty list may stand for all rows.
                let is_cut = |text: &String| match separator.is_empty() {
                    true => text.is_empty() || texts.len() > 1,
                    false => text.is_empty() || text.contains(separator.as_str()),
                };
                if texts.iter().any(is_cut) {
                    let why =
                        format!("a value of it is empty or contains {separator:?}, which stands between the keys");
                    return Err(about(&context.column(self.column)?.name, &why));
                }
                let joined = texts.join(separator);
                parts.say(self.place, &joined, Node::text(joined.as_str()))
            }
            _ => Err(ErrorKind::Unsupported("the keys of a batch cannot be written at their place".to_owned())),
        }
    }
}

/// OData's JSON batch (JSON Format 4.01, 19.1): requests with numbers from 1 as their ids.
fn requests(context: &Context<'_>, batch: &Batch, rows: &[RowWrite]) -> Result<Node, ErrorKind> {
    let none = || ErrorKind::Unsupported("an OData batch is made of single requests, and there is no such".to_owned());
    let single = context.write.single.as_ref().ok_or_else(none)?;
    let each = rows.iter().enumerate().map(|(index, row)| request(context, batch, single, row, index + 1));
    let requests = Node::List(each.collect::<Result<_, _>>()?);
    Ok(Node::Object(BTreeMap::from([("requests".to_owned(), requests)])))
}

fn request(
    context: &Context<'_>,
    batch: &Batch,
    single: &Single,
    row: &RowWrite,
    id: usize,
) -> Result<Node, ErrorKind> {
    let inner = single::parts(context, single, row, Some(&row.row_key))?;
    let mut url = inner.path;
    for (index, (name, value)) in inner.query.iter().enumerate() {
        use crate::odata::url::{encode, encode_name};
        let joint = if index == 0 && !url.contains('?') { '?' } else { '&' };
        url.push_str(&format!("{joint}{}={}", encode_name(name), encode(value)));
    }
    let mut headers: BTreeMap<String, Node> =
        inner.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Node::text(value.as_str()))).collect();
    let mut request = BTreeMap::from([
        ("id".to_owned(), Node::text(id.to_string())),
        ("method".to_owned(), Node::text(single::method(single.method).as_str())),
        ("url".to_owned(), Node::text(url)),
    ]);
    if batch.atomic {
        request.insert("atomicityGroup".to_owned(), Node::text("all"));
    }
    if let Some(body) = inner.body {
        headers.entry("content-type".to_owned()).or_insert_with(|| Node::text(context.wire.content_type()));
        request.insert("body".to_owned(), body);
    }
    if !headers.is_empty() {
        request.insert("headers".to_owned(), Node::Object(headers));
    }
    Ok(Node::Object(request))
}

/// Where a row says which request's answer speaks of it.
pub(super) fn odata_id(index: usize) -> String {
    (index + 1).to_string()
}

/// Whether rows with other values for these paths' columns cannot stand in one request.
pub(super) fn shares_path(kind: WriteKind, path: &str, a: &RowWrite, b: &RowWrite) -> bool {
    path::columns_of(path).all(|name| path::value(kind, a, name) == path::value(kind, b, name))
}

/// Whether the version of a row can stand in a request of this form.
pub(super) fn carries_version(form: &BatchForm, place: &Place) -> bool {
    match form {
        BatchForm::ODataJson => true,
        BatchForm::Rows { .. } => matches!(place, Place::Body(_)),
        BatchForm::Keys { .. } | BatchForm::Same { .. } => false,
    }
}
