//! Reads filters that are one text of terms.
//!
//! OR binds weaker than AND; groups may nest. A separator within a quoted value or a group separates nothing.

use tidegate_spec::{ColumnType, ListStyle, Operator, Table, TextDialect, TextTerm};

use super::condition::Condition;
use super::read::{Read, any_of_longest, refuse, value};
use crate::conformance::data::Cell;

/// What the text asks for besides the constant; `None` for nothing.
pub(crate) fn parse(table: &Table, dialect: &TextDialect, text: &str) -> Read<Option<Condition>> {
    let rest = match &dialect.constant {
        None => text,
        Some(constant) if text == constant => return Ok(None),
        Some(constant) => {
            match text.strip_prefix(constant.as_str()).and_then(|rest| rest.strip_prefix(dialect.and.as_str())) {
                Some(rest) => rest,
                None => return refuse(format!("the text has to begin with {constant:?}: {text:?}")),
            }
        }
    };
    let mut reader = Reader { table, dialect, terms: 0 };
    let condition = reader.any(rest, dialect.constant.is_some())?;
    if dialect.max_terms.is_some_and(|most| reader.terms > most) {
        return refuse(format!("{} terms: {text:?}", reader.terms));
    }
    Ok(Some(condition))
}

struct Reader<'a> {
    table: &'a Table,
    dialect: &'a TextDialect,
    terms: usize,
}

impl Reader<'_> {
    fn any(&mut self, text: &str, is_within_and: bool) -> Read<Condition> {
        let Some(or) = &self.dialect.or else { return self.all(text) };
        let parts = self.split(text, or)?;
        if parts.len() > 1 && is_within_and {
            return refuse(format!("OR beside other terms without a group: {text:?}"));
        }
        let parts = parts.into_iter().map(|part| self.all(&part)).collect::<Read<Vec<_>>>()?;
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self, text: &str) -> Read<Condition> {
        let parts = self.split(text, &self.dialect.and)?;
        let parts = parts.into_iter().map(|part| self.group(&part)).collect::<Read<Vec<_>>>()?;
        Ok(one_or(parts, Condition::All))
    }

    fn group(&mut self, text: &str) -> Read<Condition> {
        let (open, close) = &self.dialect.group;
        let inner = text.strip_prefix(open.as_str()).and_then(|rest| rest.strip_suffix(close.as_str()));
        match inner {
            Some(inner) if !open.is_empty() => self.any(inner, false),
            _ => self.term(text),
        }
    }

    /// Splits at a separator outside quotes and groups.
    fn split(&self, text: &str, separator: &str) -> Read<Vec<String>> {
        let TextDialect { quote, escape, group: (open, close), .. } = self.dialect;
        let (mut parts, mut part, mut depth, mut quoted, mut rest) = (Vec::new(), String::new(), 0_u32, false, text);
        while let Some(next) = rest.chars().next() {
            let mut taken = next.len_utf8();
            if quoted && escape.as_ref().is_some_and(|escape| !escape.is_empty() && rest.starts_with(escape.as_str())) {
                let escape = escape.as_ref().map_or(0, String::len);
                taken = escape + rest[escape..].chars().next().map_or(0, char::len_utf8);
            } else if !quote.is_empty() && rest.starts_with(quote.as_str()) {
                quoted = !quoted;
                taken = quote.len();
            } else if !quoted && depth == 0 && rest.starts_with(separator) {
                parts.push(std::mem::take(&mut part));
                rest = &rest[separator.len()..];
                continue;
            } else if !quoted && !open.is_empty() && rest.starts_with(open.as_str()) {
                depth += 1;
            } else if !quoted && !close.is_empty() && rest.starts_with(close.as_str()) {
                depth = depth.saturating_sub(1);
            }
            part.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        if quoted || depth > 0 {
            return refuse(format!("a quote or group is not closed: {text:?}"));
        }
        parts.push(part);
        Ok(parts)
    }

    fn term(&mut self, text: &str) -> Read<Condition> {
        self.terms += 1;
        let mut terms: Vec<&TextTerm> = self.dialect.terms.iter().collect();
        terms.sort_by_key(|term| (std::cmp::Reverse(term.value.before.len()), term.operator == Operator::In));
        let found = terms.into_iter().filter_map(|term| {
            let values = self.values(term, text)?;
            let condition = Condition::Leaf { column: term.column, operator: term.operator, values };
            Some((term.value.before.len(), condition))
        });
        any_of_longest(found.collect()).map_or_else(|| refuse(format!("unknown term {text:?}")), Ok)
    }

    fn values(&self, term: &TextTerm, text: &str) -> Option<Vec<Cell>> {
        let data_type = &self.table.columns[term.column].data_type;
        if term.operator != Operator::In {
            return Some(vec![self.value(term, data_type, text)?]);
        }
        let ListStyle::Joined(separator) = &term.list.style else { return None };
        let inner = text.strip_prefix(term.value.before.as_str())?.strip_suffix(term.value.after.as_str())?;
        let around = |part: String| format!("{}{part}{}", term.value.before, term.value.after);
        let parts = self.split(inner, separator).ok()?;
        parts.into_iter().map(|part| self.value(term, data_type, &around(part))).collect()
    }

    fn value(&self, term: &TextTerm, data_type: &ColumnType, text: &str) -> Option<Cell> {
        let TextDialect { quote, escape, .. } = self.dialect;
        // Quotes make a text of what is between them. A number or a truth value is none; a date may be one.
        let is_text = matches!(data_type, ColumnType::Text | ColumnType::Uuid);
        if !term.quoted || is_plain(data_type) {
            let has_none = quote.is_empty() || !text.contains(quote.as_str());
            return has_none.then(|| value(&term.value, data_type, text, term.operator))?;
        }
        let (before, after) = (&term.value.before, &term.value.after);
        let inner = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        let inner = match inner.strip_prefix(quote.as_str()).and_then(|rest| rest.strip_suffix(quote.as_str())) {
            Some(inner) => unescape(inner, escape.as_deref()),
            None if is_text && !inner.is_empty() && !quote.is_empty() => return None,
            None => inner.to_owned(),
        };
        value(&term.value, data_type, &format!("{before}{inner}{after}"), term.operator)
    }
}

/// Whether values of this type are written without quotes in every language.
fn is_plain(data_type: &ColumnType) -> bool {
    use ColumnType::{Bool, Decimal, Float32, Float64, Int16, Int32, Int64};
    matches!(data_type, Bool | Int16 | Int32 | Int64 | Float32 | Float64 | Decimal { .. })
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

fn unescape(text: &str, escape: Option<&str>) -> String {
    let Some(escape) = escape.filter(|escape| !escape.is_empty()) else { return text.to_owned() };
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(escape) {
        plain.push_str(&rest[..at]);
        let next = &rest[at + escape.len()..];
        let taken = next.chars().next().map_or(0, char::len_utf8);
        plain.push_str(&next[..taken]);
        rest = &next[taken..];
    }
    plain + rest
}
