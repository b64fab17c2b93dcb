//! Decodes one body: walks the envelope, fills the columns, keeps the next link or token, the count, and what says
//! that the body is an error.
//!
//! An error inside wins over everything that is wrong with the rows, which then are no rows to complain about.
//! A value that does not fit does not end the walk: a body that is no JSON further on is reported as that, since
//! it is the server's fault and may pass when asked again.

use super::column::{Column, Context};
use super::envelope::Step;
use super::failure;
use super::row::{Node, Walker};
use super::scanner::{Raw, Scan, Scanner};
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
    single: bool,
    tokens: bool,
    columns: Vec<Column<'s, 'a>>,
    rows: u64,
    /// Which alternative the rows are of.
    rank: Option<usize>,
    /// Whether null stands where the one row should.
    null_row: bool,
    next: Option<(usize, String)>,
    more: Option<(usize, bool)>,
    count: Option<(usize, u64)>,
    /// First failure among the rows, and in the envelope.
    row_failure: Option<ErrorKind>,
    failure: Option<ErrorKind>,
    /// What says that the body is an error.
    refusal: Option<Refusal<'a>>,
    /// Whether the body says that there is no such row.
    absent: bool,
}

/// What says that a body is an error, whatever its status.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal<'a> {
    /// This value, where there should be nothing.
    Found(&'a str),
    /// False, where success is told.
    Unsuccessful,
}

/// A page whose columns are not arrays yet.
pub(super) struct Parts<'s, 'a> {
    pub(super) columns: Vec<Column<'s, 'a>>,
    pub(super) rows: u64,
    pub(super) next: Option<String>,
    pub(super) more: Option<bool>,
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
            single: decoder.single,
            tokens: decoder.tokens,
            columns: Vec::new(),
            rows: 0,
            rank: None,
            null_row: false,
            next: None,
            more: None,
            count: None,
            row_failure: None,
            failure: None,
            refusal: None,
            absent: false,
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

    /// The columns with what was read so far.
    pub(super) fn columns(self) -> Vec<Column<'s, 'a>> {
        self.columns
    }

    /// Whether the body says that there is no such row.
    pub(super) fn is_absent(&self) -> bool {
        self.absent
    }

    /// What says that the body is an error.
    pub(super) fn refusal(&self) -> Option<Refusal<'a>> {
        self.refusal
    }

    /// What was read; `None` without rows.
    pub(super) fn finish(self) -> Result<Option<Parts<'s, 'a>>, ErrorKind> {
        if let Some(failure) = self.failure.or(self.row_failure) {
            return Err(failure);
        }
        let (next, more) = (self.next.map(|(_, next)| next), self.more.map(|(_, more)| more));
        let count = self.count.map(|(_, count)| count);
        let found = self.rank.is_some() || self.null_row;
        Ok(found.then_some(Parts { columns: self.columns, rows: self.rows, next, more, count }))
    }

    fn start_rows(&mut self) {
        self.columns = self.shapes.iter().map(|shape| Column::new(shape, self.capacity)).collect();
        self.rows = 0;
        self.row_failure = None;
    }

    fn step(&mut self, step: &Step, scanner: &mut Scanner<'a>) -> Scan<()> {
        match scanner.peek()? {
            b'[' if self.takes_rows(step) => {
                self.found_rows(step);
                if step.is_judged() {
                    let raw = scanner.value()?;
                    self.judge(step, raw);
                    return self.rows(&mut Scanner::new(raw.text));
                }
                self.rows(scanner)
            }
            b'{' if self.single && self.takes_rows(step) => {
                // The row is the envelope, too: its members are looked at twice.
                let raw = scanner.value()?;
                self.found_rows(step);
                self.row(&mut Scanner::new(raw.text))?;
                self.judge(step, raw);
                if step.has_children() { self.members(step, &mut Scanner::new(raw.text)) } else { Ok(()) }
            }
            b'{' if step.has_children() && step.is_judged() => {
                let raw = scanner.value()?;
                self.judge(step, raw);
                self.members(step, &mut Scanner::new(raw.text))
            }
            b'{' if step.has_children() => self.members(step, scanner),
            _ => {
                let raw = scanner.value()?;
                self.mark(step, raw);
                Ok(())
            }
        }
    }

    fn takes_rows(&self, step: &Step) -> bool {
        step.rows.is_some_and(|rank| self.rank.is_none_or(|taken| rank <= taken))
    }

    fn found_rows(&mut self, step: &Step) {
        if self.rank == step.rows {
            self.fail("the body has its rows twice; which of them hold cannot be told");
        }
        self.rank = step.rows;
        self.start_rows();
    }

    fn members(&mut self, step: &Step, scanner: &mut Scanner<'a>) -> Scan<()> {
        scanner.enter();
        let mut first = true;
        while let Some(name) = scanner.member(&mut first)? {
            // Escapes in the names of envelope members are legal and never seen.
            let mut plain = String::new();
            let name =
                if name.escaped && super::value::unescape(name.raw, &mut plain) { plain.as_str() } else { name.raw };
            match step.child(name) {
                Some(child) => self.step(child, scanner)?,
                None => scanner.skip_value()?,
            }
        }
        Ok(())
    }

    /// Takes a value that may be the next link or token, whether there is more, the count, or an error.
    fn mark(&mut self, step: &Step, raw: Raw<'a>) {
        self.judge(step, raw);
        let mut scratch = String::new();
        let value = Value::read(raw, &mut scratch);
        self.null_row |= self.single && step.rows.is_some() && value == Value::Null;
        if let Some(rank) = step.next
            && self.next.as_ref().is_none_or(|(taken, _)| rank <= *taken)
        {
            match value {
                Value::Null | Value::Text("") => {}
                Value::Text(text) => self.next = Some((rank, text.to_owned())),
                Value::Number(text) if self.tokens => self.next = Some((rank, text.to_owned())),
                _ if self.tokens => {
                    let found = failure::quote(raw.text);
                    self.fail(&format!("the token for the next page is {found}, neither text nor a number"));
                }
                _ => self.fail(&format!("the link to the next page is {}, not text", failure::quote(raw.text))),
            }
        }
        if let Some(rank) = step.more
            && self.more.is_none_or(|(taken, _)| rank <= taken)
            && value != Value::Null
        {
            match value.truth() {
                Some(more) => self.more = Some((rank, more)),
                None => {
                    let found = failure::quote(raw.text);
                    self.fail(&format!("whether there is a next page is told as {found}, neither true nor false"));
                }
            }
        }
        if let Some(rank) = step.count
            && self.count.is_none_or(|(taken, _)| rank <= taken)
            && let Some(count) = value.digits().and_then(|digits| digits.parse().ok())
        {
            self.count = Some((rank, count));
        }
    }

    /// Whether the value says that the body is an error.
    fn judge(&mut self, step: &Step, raw: Raw<'a>) {
        if self.refusal.is_some() || !step.is_judged() {
            return;
        }
        let mut scratch = String::new();
        let value = Value::read(raw, &mut scratch);
        if step.absent && self.single && !value.is_nothing() {
            self.absent = true;
        }
        if step.failure && !value.is_nothing() {
            self.refusal = Some(Refusal::Found(raw.text));
        } else if step.success && value.truth() == Some(false) {
            self.refusal = Some(Refusal::Unsuccessful);
        }
    }

    fn fail(&mut self, what: &str) {
        self.failure.get_or_insert_with(|| ErrorKind::Body(what.to_owned()));
    }

    fn rows(&mut self, scanner: &mut Scanner<'a>) -> Scan<()> {
        scanner.enter();
        let mut first = true;
        while scanner.element(&mut first)? {
            self.row(scanner)?;
        }
        Ok(())
    }

    fn row(&mut self, scanner: &mut Scanner<'a>) -> Scan<()> {
        self.rows += 1;
        if self.row_failure.is_some() {
            scanner.skip_value()?;
        } else if scanner.peek()? == b'{' || self.node.takes_any() {
            self.walker.read(scanner)?;
            self.row_failure = self.push();
        } else {
            let found = failure::quote(scanner.value()?.text);
            let what = format!("row {} is {found}, not an object", self.rows);
            self.row_failure = Some(ErrorKind::Body(what));
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
