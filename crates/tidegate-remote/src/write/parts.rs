//! The parts of a request for some rows, before they are a URL, headers and bytes.

use tidegate_spec::{Place, Table, Write, WriteKind};

use super::node::Node;
use super::wire::Wire;
use super::{Cell, RowWrite};
use crate::{ErrorKind, partition};

/// What composing needs to know, whatever the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) table: &'a Table,
    pub(super) kind: WriteKind,
    pub(super) write: &'a Write,
    /// Code of the partition.
    pub(super) code: Option<&'a str>,
    pub(super) wire: Wire,
}

impl<'a> Context<'a> {
    /// # Errors
    /// When the table has no such write.
    pub(super) fn new(table: &'a Table, kind: WriteKind, code: Option<&'a str>) -> Result<Self, ErrorKind> {
        let write = table.writes.get(kind).ok_or_else(|| {
            ErrorKind::Unsupported(format!(
                "table {} offers no {}: its description declares none",
                table.name,
                kind.sql()
            ))
        })?;
        let odata = write.single.as_ref().and_then(|single| single.odata_key);
        Ok(Self { table, kind, write, code, wire: Wire { odata, is_exact: false } })
    }

    /// For a request that writes these rows.
    pub(super) fn of_rows(self, rows: &'a [RowWrite]) -> Self {
        let cells = |row: &'a RowWrite| row.new.iter().chain(&row.key).chain(&row.old);
        let typed = |(name, cell): (&String, &'a Cell)| {
            let column = self.table.columns.iter().find(|column| column.name == *name)?;
            Some((&column.data_type, cell))
        };
        Self { wire: self.wire.holding(rows.iter().flat_map(cells).filter_map(typed)), ..self }
    }

    /// The column of this index.
    pub(super) fn column(&self, index: usize) -> Result<&'a tidegate_spec::Column, ErrorKind> {
        let missing = || ErrorKind::Unsupported(format!("table {} has no column number {index}", self.table.name));
        self.table.columns.get(index).ok_or_else(missing)
    }

    /// A value as text.
    pub(super) fn text(&self, column: usize, cell: &Cell) -> Result<String, ErrorKind> {
        let column = self.column(column)?;
        self.wire.text(&column.data_type, cell).map_err(|why| about(&column.name, &why))
    }

    /// A value in a body.
    pub(super) fn json(&self, column: usize, cell: &Cell) -> Result<Node, ErrorKind> {
        let column = self.column(column)?;
        self.wire.json(&column.data_type, cell).map_err(|why| about(&column.name, &why))
    }

    /// A text of the description with the partition's code in it.
    pub(super) fn constant(&self, text: &str) -> Result<String, ErrorKind> {
        partition::filled_text(text, self.code, || format!("{} of table {}", self.kind.sql(), self.table.name))
    }
}

/// A failure that is the fault of one column's value.
pub(super) fn about(column: &str, why: &str) -> ErrorKind {
    ErrorKind::Unsupported(format!("column {column}: {why}"))
}

/// A request in the making.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Relative to the base, percent-encoded.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Node>,
    pub(super) is_form: bool,
}

impl Parts {
    /// Writes a value at a place: as text, or as `node` in a body.
    pub(super) fn say(&mut self, place: &Place, text: &str, node: Node) -> Result<(), ErrorKind> {
        match place {
            Place::Query(name) => self.query.push((name.clone(), text.to_owned())),
            Place::Header(name) => {
                self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                self.headers.push((name.clone(), text.to_owned()));
            }
            Place::Body(path) => self.body.get_or_insert_with(Node::object).put(path, node)?,
            Place::Path(name) => {
                let message = format!("{{{name}}} of the path stands for a column of the row and takes nothing else");
                return Err(ErrorKind::Unsupported(message));
            }
        }
        Ok(())
    }

    /// What is sent with every request.
    pub(super) fn say_constants(
        &mut self,
        context: &Context<'_>,
        constants: &[(Place, String)],
    ) -> Result<(), ErrorKind> {
        for (place, text) in constants {
            let text = context.constant(text)?;
            self.say(place, &text, Node::text(text.as_str()))?;
        }
        Ok(())
    }
}
