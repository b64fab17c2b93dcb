//! Paths of writes: the row's values in them, and keys as OData writes them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tidegate_spec::{ODataVersion, Table, WriteKind};

use super::parts::{Context, about};
use super::{Cell, RowWrite, wire};
use crate::odata::literal::literal;
use crate::render::path as template;
use crate::{ErrorKind, partition};

/// All but RFC 3986's unreserved characters and the quotes around a text.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'\'');

/// SQL names of the columns that stand in a path.
pub(super) fn columns_of(path: &str) -> impl Iterator<Item = &str> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    names.filter(|name| *name != "partition")
}

/// The value of a column that stands in a path: before the change, and for a row that is to be made the one it gets.
pub(super) fn value<'r>(kind: WriteKind, row: &'r RowWrite, name: &str) -> Option<&'r Cell> {
    match kind {
        WriteKind::Insert => row.new.get(name).or_else(|| row.key.get(name)),
        WriteKind::Update | WriteKind::Delete => row.key.get(name).or_else(|| row.old.get(name)),
    }
}

/// The path with the partition's code and the row's values in it.
pub(super) fn filled(context: &Context<'_>, path: &str, row: &RowWrite) -> Result<String, ErrorKind> {
    let name = || format!("{} of table {}", context.kind.sql(), context.table.name);
    let path = partition::filled_relative(path, context.code, name)?;
    let mut values = Vec::new();
    for name in columns_of(&path) {
        let unknown = || about(name, "it stands in the path of the request, and the row has no value for it");
        let column = context.table.column_index(name).ok_or_else(unknown)?;
        let cell = value(context.kind, row, name).filter(|cell| !cell.is_null()).ok_or_else(unknown)?;
        values.push((name, context.text(column, cell)?));
    }
    let values: Vec<(&str, &str)> = values.iter().map(|(name, text)| (*name, text.as_str())).collect();
    template::fill(&path, &values)
}

/// The row's key behind an entity set: `(5)`, `('it''s')`, `(Order=1,Line=2)` (OData 4.01 part 2, 4.3.1).
pub(super) fn odata_key(table: &Table, version: ODataVersion, row: &RowWrite) -> Result<String, ErrorKind> {
    let part = |&index: &usize| {
        let column = table.columns.get(index).ok_or_else(|| {
            ErrorKind::Unsupported(format!("table {} has no column number {index}, which is in its key", table.name))
        })?;
        let none = || about(&column.name, "it is part of the key, and OData has no literal for its value");
        let scalar = row.key.get(&column.name).and_then(|cell| wire::scalar(&column.data_type, cell));
        let text = scalar.and_then(|scalar| literal(version, &column.data_type, &scalar)).ok_or_else(none)?;
        let text = utf8_percent_encode(&text, KEY).to_string();
        Ok(if table.key.len() == 1 { text } else { format!("{}={text}", column.path.join("/")) })
    };
    if table.key.is_empty() {
        return Err(ErrorKind::Unsupported(format!("table {} has no key", table.name)));
    }
    let parts = table.key.iter().map(part).collect::<Result<Vec<_>, ErrorKind>>()?;
    Ok(format!("({})", parts.join(",")))
}
