//! Decodes one body: walks the envelope, fills the columns, keeps the next link and count.
//!
//! A value that does not fit does not end the walk: a body that is no JSON further on is reported as that, since
//! it is the server's fault and may pass when asked again.

use super::column::{Column, Context};
use super::envelope::Step;
use super::failure;
use super::row::{Node, Walker};
use super::scanner::{Scan, Scanner};
use super::value::Value;
use super::{Decoder, Shape};
use crate::ErrorKind;

/// What has been read of one body.
pub(super) struct Page<'s, 'a> {
    shapes: &'s [Shape],
    node: &'s Node,
    capacity: usize,
    context: Context,
    walker: Walker<'s, 'a>,
    columns: Vec<Column<'s, 'a>>,
    rows: u64,
    /// Which alternative the rows are of.
    rank: Option<usize>,
    next: Option<(usize, String)>,
    count: Option<(usize, u64)>,
    /// First failure among the rows, and in the envelope.
    row_failure: Option<ErrorKind>,
    failure: Option<ErrorKind>,
}

/// A page whose columns are not arrays yet.
pub(super) struct Parts<'s, 'a> {
    pub(super) columns: Vec<Column<'s, 'a>>,
    pub(super) rows: u64,
    pub(super) next: Option<String>,
    pub(super) count: Option<u64>,
}

impl<'s, 'a> Page<'s, 'a> {
    pub(super) fn new(decoder: &'s Decoder, capacity: usize) -> Self {
        let mut page = Self {
            shapes: &decoder.shapes,
            node: &decoder.node,
            capacity,
            context: Context::new(decoder.on_bad_value),
            walker: Walker::new(&decoder.node, decoder.shapes.len()),
            columns: Vec::new(),
            rows: 0,
            rank: None,
            next: None,
            count: None,
            row_failure: None,
            failure: None,
        };
        page.start_rows();
        page
    }

    /// Reads the whole body.
    pub(super) fn read(&mut self, step: &Step, text: &'a str) -> Scan<()> {
        let mut scanner = Scanner::new(text);
        self.step(step, &mut scanner)?;
        scanner.finish()
    }

    /// What was read; `None` without rows.
    pub(super) fn finish(self) -> Result<Option<Parts<'s, 'a>>, ErrorKind> {
        if let Some(failure) = self.failure.or(self.row_failure) {
            return Err(failure);
        }
        let (next, count) = (self.next.map(|(_, next)| next), self.count.map(|(_, count)| count));
        Ok(self.rank.map(|_| Parts { columns: self.columns, rows: self.rows, next, count }))
    }

    fn start_rows(&mut self) {
        self.columns = self.shapes.iter().map(|shape| Column::new(shape, self.capacity)).collect();
        self.rows = 0;
        self.row_failure = None;
    }

    fn step(&mut self, step: &Step, scanner: &mut Scanner<'a>) -> Scan<()> {
        match scanner.peek()? {
            b'[' if step.rows.is_some_and(|rank| self.rank.is_none_or(|taken| rank <= taken)) => {
                if self.rank == step.rows {
                    self.fail("the body has its array of rows twice; which one holds cannot be told");
                }
                self.rank = step.rows;
                self.start_rows();
                self.rows(scanner)
            }
            b'{' if step.has_children() => {
                scanner.enter();
                let mut first = true;
                while let Some(name) = scanner.member(&mut first)? {
                    // Escapes in the names of envelope members are legal and never seen.
                    let mut plain = String::new();
                    let name = if name.escaped && super::value::unescape(name.raw, &mut plain) {
                        plain.as_str()
                    } else {
                        name.raw
                    };
                    match step.child(name) {
                        Some(child) => self.step(child, scanner)?,
                        None => scanner.skip_value()?,
                    }
                }
                Ok(())
            }
            _ => {
                let raw = scanner.value()?;
                self.mark(step, raw);
                Ok(())
            }
        }
    }

    /// Takes a value that may be the next link or the count.
    fn mark(&mut self, step: &Step, raw: &str) {
        let mut scratch = String::new();
        let value = Value::read(raw, &mut scratch);
        if let Some(rank) = step.next
            && self.next.as_ref().is_none_or(|(taken, _)| rank <= *taken)
        {
            match value {
                Value::Null | Value::Text("") => {}
                Value::Text(text) => self.next = Some((rank, text.to_owned())),
                _ => self.fail(&format!("the link to the next page is {}, not text", failure::quote(raw))),
            }
        }
        if let Some(rank) = step.count
            && self.count.is_none_or(|(taken, _)| rank <= taken)
            && let Some(count) = value.digits().and_then(|digits| digits.parse().ok())
        {
            self.count = Some((rank, count));
        }
    }

    fn fail(&mut self, what: &str) {
        self.failure.get_or_insert_with(|| ErrorKind::Body(what.to_owned()));
    }

    fn rows(&mut self, scanner: &mut Scanner<'a>) -> Scan<()> {
        scanner.enter();
        let mut first = true;
        while scanner.element(&mut first)? {
            self.rows += 1;
            if self.row_failure.is_some() {
                scanner.skip_value()?;
            } else if scanner.peek()? == b'{' || self.node.takes_any() {
                self.walker.read(scanner)?;
                self.row_failure = self.push();
            } else {
                let found = failure::quote(scanner.value()?);
                let what = format!("row {} is {found}, not an object", self.rows);
                self.row_failure = Some(ErrorKind::Body(what));
            }
        }
        Ok(())
    }

    fn push(&mut self) -> Option<ErrorKind> {
        for (column, slot) in self.columns.iter_mut().zip(&self.walker.slots) {
            if let Err(bad) = column.push(*slot, &mut self.context) {
                return Some(bad.in_row(self.rows));
            }
        }
        None
    }
}
