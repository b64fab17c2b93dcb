//! Which columns of a row a request carries, and with what values.

use tidegate_spec::{NullForm, Path, Place, Sends, WriteColumn, WriteKind};

use super::node::Node;
use super::parts::{Context, about};
use super::{Cell, RowWrite, path};
use crate::ErrorKind;

/// Where the values come from that one row sends.
enum Origin<'r> {
    /// The statement names it.
    Named(&'r Cell),
    /// It is sent as it was, since what is absent would be lost.
    Kept(&'r Cell),
}

/// The columns that a request for this row carries, each with its place within the row. `of_path` is the path of the
/// request: what stands there does not stand in the body.
///
/// # Errors
/// A column that is not written by this kind; one that an INSERT must give and does not; NULL where it cannot be sent; an
/// old value that has to be sent and is not known.
pub(super) fn of_row(
    context: &Context<'_>,
    row: &RowWrite,
    of_path: &str,
    is_form: bool,
) -> Result<Vec<(Path, Node)>, ErrorKind> {
    refuse_unknown(context, row, of_path)?;
    let mut fields = Vec::new();
    for written in &context.write.columns {
        let column = context.column(written.column)?;
        if path::columns_of(of_path).any(|name| name == column.name) {
            continue;
        }
        let node = match origin(context, written, row, &column.name)? {
            None => continue,
            Some(Origin::Kept(Cell::Null)) if written.null == NullForm::Refused => continue,
            Some(Origin::Named(cell) | Origin::Kept(cell)) => value(context, written, cell, is_form)?,
        };
        fields.push((written.at.clone(), node));
    }
    Ok(fields)
}

/// The value of a column as the body has it, NULL in the form that the column declares.
pub(super) fn value(
    context: &Context<'_>,
    written: &WriteColumn,
    cell: &Cell,
    is_form: bool,
) -> Result<Node, ErrorKind> {
    let name = || context.column(written.column).map(|column| column.name.as_str());
    match (cell, written.null) {
        (Cell::Null, NullForm::Refused) => Err(about(name()?, "the API cannot be sent NULL for it")),
        (Cell::Null, NullForm::Empty) => Ok(Node::text("")),
        (Cell::Null, NullForm::Null) if is_form => {
            Err(about(name()?, "a form has no NULL, and the API declares no other way to say it"))
        }
        _ => context.json(written.column, cell),
    }
}

fn origin<'r>(
    context: &Context<'_>,
    written: &WriteColumn,
    row: &'r RowWrite,
    name: &str,
) -> Result<Option<Origin<'r>>, ErrorKind> {
    let is_key = context.table.key.contains(&written.column);
    let found = match context.kind {
        WriteKind::Insert => {
            let cell = row.new.get(name).or_else(|| row.key.get(name));
            if cell.is_none() && written.required {
                return Err(about(name, "INSERT has to give it, and does not"));
            }
            cell.map(Origin::Named)
        }
        // A key in the body says which row is meant.
        WriteKind::Update | WriteKind::Delete if is_key => {
            let missing = || about(name, "it is part of the key, and the row has no value for it");
            Some(Origin::Kept(row.key.get(name).ok_or_else(missing)?))
        }
        WriteKind::Delete => row.old.get(name).map(Origin::Kept),
        WriteKind::Update => match (row.new.get(name), context.write.sends) {
            (Some(cell), _) => Some(Origin::Named(cell)),
            (None, Sends::Changed) => None,
            (None, Sends::Whole) => {
                let unknown = || {
                    about(
                        name,
                        "the API takes only whole rows, and the value that it has is not known; select it first",
                    )
                };
                Some(Origin::Kept(row.old.get(name).ok_or_else(unknown)?))
            }
        },
    };
    Ok(found)
}

fn refuse_unknown(context: &Context<'_>, row: &RowWrite, of_path: &str) -> Result<(), ErrorKind> {
    let is_known = |name: &str| {
        let is_column = |written: &WriteColumn| {
            context.table.columns.get(written.column).is_some_and(|column| column.name == *name)
        };
        context.write.columns.iter().any(is_column)
            || (context.kind == WriteKind::Insert && path::columns_of(of_path).any(|of| of == name))
    };
    match row.new.keys().find(|name| !is_known(name)) {
        Some(name) if context.kind != WriteKind::Delete => {
            Err(about(name, &format!("it is not written by {}", context.kind.sql())))
        }
        _ => Ok(()),
    }
}

/// A row's version where the write says it, as the body has it and as text.
pub(super) fn version<'c>(
    context: &Context<'c>,
    row: &RowWrite,
) -> Result<Option<(&'c Place, String, Node)>, ErrorKind> {
    let Some(version) = context.write.version.as_ref().filter(|_| context.kind != WriteKind::Insert) else {
        return Ok(None);
    };
    let Some(text) = &row.version else {
        // OData's PATCH and PUT make a row that is not there, unless told that there must be one (OData 4.0 part 1,
        // 11.4.4).
        let any = context.wire.odata.is_some() && matches!(version.place, Place::Header(_));
        return Ok(any.then(|| (&version.place, "*".to_owned(), Node::text("*"))));
    };
    let data_type = &context.column(version.column)?.data_type;
    let is_number = matches!(
        data_type,
        tidegate_spec::ColumnType::Int16 | tidegate_spec::ColumnType::Int32 | tidegate_spec::ColumnType::Int64
    );
    let number = if is_number { text.parse::<i64>().ok() } else { None };
    let node = number.map_or_else(|| Node::text(text.as_str()), |number| Node::Leaf(number.into()));
    Ok(Some((&version.place, text.clone(), node)))
}
