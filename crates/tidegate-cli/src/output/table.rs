//! Aligned columns with a frame.
//!
//! Widths come from the first [`CHUNK`] rows, which are held until they are known; every further chunk widens a
//! column if it must. All rows are printed. On a terminal a table that is too wide has its widest cells cut, and
//! says so at its end; one with more columns than fit at all is turned: a line a value.

use std::borrow::Cow;
use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{RowWriter, Sink, WriteError, cells};
use crate::messages::without_controls;

/// Rows held to find the widths.
const CHUNK: usize = 1_000;
/// Cells are not cut below this, unless they are narrower themselves.
const NARROWEST: usize = 8;
/// What is printed of a cell before and behind its text: `│ ` and a blank.
const FRAME: usize = 3;

/// Writes rows in chunks.
pub(crate) struct TableWriter {
    sink: Sink,
    names: Vec<String>,
    is_number: Vec<bool>,
    widths: Vec<usize>,
    /// Columns of the terminal, if it is one.
    terminal: Option<usize>,
    held: Held,
    /// The value that is being made.
    value: Vec<u8>,
    shape: Option<Shape>,
    cut: bool,
    printed: u64,
}

/// Rows that were not printed yet: their cells as they are shown, one behind the other.
#[derive(Default)]
struct Held {
    rows: usize,
    text: String,
    /// Where each cell ends.
    ends: Vec<usize>,
}

/// How the table is laid out; decided at the first chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A line a row; no cell is wider than this.
    Rows(usize),
    /// A line a value.
    Turned,
}

impl TableWriter {
    pub(crate) fn new(sink: Sink, schema: &SchemaRef, terminal: Option<usize>) -> Self {
        let names: Vec<_> = schema.fields().iter().map(|field| shown(field.name()).into_owned()).collect();
        Self {
            sink,
            is_number: schema.fields().iter().map(|field| cells::is_number(field.data_type())).collect(),
            widths: names.iter().map(|name| width(name)).collect(),
            names,
            terminal,
            held: Held::default(),
            value: Vec::new(),
            shape: None,
            cut: false,
            printed: 0,
        }
    }

    fn print(&mut self) -> Result<(), WriteError> {
        let held = std::mem::take(&mut self.held);
        for row in held.rows(self.widths.len()) {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                *known = (*known).max(width(cell));
            }
        }
        let is_first = self.shape.is_none();
        let shape = *self.shape.get_or_insert_with(|| shape(&self.widths, self.terminal));
        let mut text = String::new();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut cells = Vec::with_capacity(names.len());
        match shape {
            Shape::Rows(limit) => {
                let widths: Vec<_> = self.widths.iter().map(|width| (*width).min(limit)).collect();
                if is_first {
                    rule(&mut text, &widths, ["┌", "┬", "┐"]);
                    self.cut |= line(&mut text, &widths, &names, &vec![false; widths.len()]);
                    rule(&mut text, &widths, ["├", "┼", "┤"]);
                }
                for row in held.rows(widths.len()) {
                    cells.clear();
                    cells.extend(row);
                    self.cut |= line(&mut text, &widths, &cells, &self.is_number);
                }
            }
            Shape::Turned => {
                for row in held.rows(names.len()) {
                    self.printed += 1;
                    turned(&mut text, self.printed, &names, row);
                }
            }
        }
        Ok(self.sink.write_all(text.as_bytes())?)
    }
}

impl Held {
    fn push(&mut self, cell: &str) {
        self.text.push_str(&shown(cell));
        self.ends.push(self.text.len());
    }

    /// The cells of each row.
    fn rows(&self, columns: usize) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        let cell = |at: usize| {
            let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.text[begin..self.ends[at]]
        };
        (0..self.rows).map(move |row| (row * columns..(row + 1) * columns).map(cell))
    }
}

impl RowWriter for TableWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        let schema = batch.schema_ref();
        let mut columns = cells::columns(schema.fields(), batch)?;
        for row in 0..batch.num_rows() {
            for column in &mut columns {
                let is_null = column.is_null(row);
                self.held.push(if is_null { "NULL" } else { column.text(row, &mut self.value)? });
            }
            self.held.rows += 1;
            if self.held.rows >= CHUNK {
                self.print()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<String>, WriteError> {
        if self.held.rows > 0 || self.shape.is_none() {
            self.print()?;
        }
        if let Some(Shape::Rows(limit)) = self.shape {
            let widths: Vec<_> = self.widths.iter().map(|width| (*width).min(limit)).collect();
            let mut text = String::new();
            rule(&mut text, &widths, ["└", "┴", "┘"]);
            self.sink.write_all(text.as_bytes())?;
        }
        self.sink.flush()?;
        Ok(self.cut.then(|| "cells ending in … are cut to fit the terminal; --format csv shows them whole".to_owned()))
    }
}

/// Line breaks stay: they make a row of several lines. Tabs have no width that could be known.
fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    without_controls(&text.replace("\r\n", "\n").replace('\t', "    ")).into_owned().into()
}

/// Columns that the widest of the text's lines takes.
fn width(text: &str) -> usize {
    text.split('\n').map(UnicodeWidthStr::width).max().unwrap_or(0)
}

fn shape(widths: &[usize], terminal: Option<usize>) -> Shape {
    let Some(terminal) = terminal else { return Shape::Rows(usize::MAX) };
    let fits = |limit: usize| {
        let cells = widths.iter().map(|width| (*width).min(limit) + FRAME).sum::<usize>();
        cells < terminal
    };
    if fits(usize::MAX) {
        return Shape::Rows(usize::MAX);
    }
    (NARROWEST..terminal).rev().find(|limit| fits(*limit)).map_or(Shape::Turned, Shape::Rows)
}

fn rule(text: &mut String, widths: &[usize], [left, middle, right]: [&str; 3]) {
    for (at, width) in widths.iter().enumerate() {
        text.push_str(if at == 0 { left } else { middle });
        (0..width + 2).for_each(|_| text.push('─'));
    }
    text.push_str(right);
    text.push('\n');
}

/// One row, over as many lines as its cells have. Says whether something was cut.
fn line(text: &mut String, widths: &[usize], row: &[&str], right: &[bool]) -> bool {
    let mut cut = false;
    let height = row.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
    for at in 0..height {
        for ((cell, limit), right) in row.iter().zip(widths).zip(right) {
            let (shown, is_cut) = fitted(cell.split('\n').nth(at).unwrap_or_default(), *limit);
            cut |= is_cut;
            let missing = limit.saturating_sub(shown.width());
            text.push_str("│ ");
            blanks(text, if *right { missing } else { 0 });
            text.push_str(&shown);
            blanks(text, if *right { 1 } else { missing + 1 });
        }
        text.push_str("│\n");
    }
    cut
}

fn blanks(text: &mut String, count: usize) {
    (0..count).for_each(|_| text.push(' '));
}

fn fitted(cell: &str, limit: usize) -> (Cow<'_, str>, bool) {
    if cell.width() <= limit {
        return (cell.into(), false);
    }
    let mut shown = String::new();
    let mut taken = 1;
    for c in cell.chars() {
        taken += c.width().unwrap_or(0);
        if taken > limit {
            break;
        }
        shown.push(c);
    }
    shown.push('…');
    (shown.into(), true)
}

fn turned<'a>(text: &mut String, number: u64, names: &[&str], row: impl Iterator<Item = &'a str>) {
    text.push_str(&format!("── row {number} ──\n"));
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    for (name, cell) in names.iter().zip(row) {
        for (at, part) in cell.split('\n').enumerate() {
            let name = if at == 0 { *name } else { "" };
            text.push_str(name);
            blanks(text, widest.saturating_sub(width(name)));
            text.push_str(" │ ");
            text.push_str(part);
            text.push('\n');
        }
    }
}
