//! Filters as one text of terms.

use tidegate_spec::{Column, Dialect, ListStyle, Table, TextDialect, TextTerm};

use super::form::join;
use super::value;
use super::way::{Way, column_and_operator};
use crate::{ErrorKind, Predicate, Scalar};

/// The text for filters that must all hold; `None` when there is nothing to say.
pub(super) fn render(
    table: &Table,
    filters: &tidegate_spec::Filters,
    conjuncts: &[&Predicate],
) -> Result<Option<String>, ErrorKind> {
    let Some(Dialect::Text(dialect)) = &filters.dialect else { return Ok(None) };
    let writer = Writer { table, filters, dialect };
    let mut parts: Vec<String> = dialect.constant.clone().into_iter().collect();
    for conjunct in conjuncts {
        parts.push(writer.expression(conjunct)?);
    }
    Ok((!parts.is_empty()).then(|| parts.join(&dialect.and)))
}

/// Whether terms can be joined by OR, and the group be told from what stands around it.
pub(crate) fn can_join(dialect: &TextDialect) -> bool {
    dialect.or.is_some() && !dialect.group.0.is_empty() && !dialect.group.1.is_empty()
}

/// How many terms an expression is made of.
pub(crate) fn terms(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().map(terms).sum(),
        _ => 1,
    }
}

/// The term for one comparison; `None` when the language cannot say it.
pub(crate) fn term(table: &Table, dialect: &TextDialect, term: &TextTerm, leaf: &Predicate) -> Option<String> {
    let column = table.columns.get(term.column)?;
    let one = |scalar: &Scalar| word(column, dialect, term, scalar);
    let middle = match leaf {
        Predicate::Compare { value, .. } => one(value)?,
        Predicate::Like { text, negated: false, .. } => one(&Scalar::Text(text.clone()))?,
        Predicate::In { values, negated: false, .. } if !values.is_empty() && values.len() <= term.list.max => {
            let ListStyle::Joined(separator) = &term.list.style else { return None };
            join(separator, &values.iter().map(one).collect::<Option<Vec<_>>>()?)?
        }
        Predicate::IsNull { .. } => String::new(),
        _ => return None,
    };
    Some(value::wrapped(&term.value, &middle))
}

fn word(column: &Column, dialect: &TextDialect, term: &TextTerm, scalar: &Scalar) -> Option<String> {
    let text = value::text(&column.data_type, &term.value, scalar).filter(|text| !text.is_empty())?;
    if term.quoted && !dialect.quote.is_empty() {
        return quoted(dialect, &text);
    }
    // What the manifest itself lists is known to be a word, and so is what is no text.
    let known = term.value.known.is_some() || !matches!(scalar, Scalar::Text(_));
    (known || is_word(dialect, &text)).then_some(text)
}

/// In quotes. A language may take a backslash for an escape, or not: without a word about it, none is sent.
fn quoted(dialect: &TextDialect, text: &str) -> Option<String> {
    let quote = dialect.quote.as_str();
    let inner = match dialect.escape.as_deref().filter(|escape| !escape.is_empty()) {
        None if text.contains(quote) || text.contains('\\') => return None,
        None => text.to_owned(),
        Some("\\") => text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
        Some(_) if text.contains('\\') => return None,
        Some(escape) if escape == quote => text.replace(quote, &format!("{escape}{quote}")),
        Some(escape) => text.replace(escape, &escape.repeat(2)).replace(quote, &format!("{escape}{quote}")),
    };
    Some(format!("{quote}{inner}{quote}"))
}

/// Whether a text without quotes is one word to every language of search terms: no blanks, operators, ranges (`1..5`),
/// wildcards, signs, or a word that joins others.
fn is_word(dialect: &TextDialect, text: &str) -> bool {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | '/' | '@');
    let joints = [Some(dialect.and.as_str()), dialect.or.as_deref(), Some("and"), Some("or"), Some("not")];
    let joins = |joint: &str| joint.trim().eq_ignore_ascii_case(text);
    text.starts_with(char::is_alphanumeric)
        && text.chars().all(plain)
        && !text.contains("..")
        && !joints.into_iter().flatten().any(joins)
}

struct Writer<'a> {
    table: &'a Table,
    filters: &'a tidegate_spec::Filters,
    dialect: &'a TextDialect,
}

impl Writer<'_> {
    /// An expression that keeps its meaning next to others.
    fn expression(&self, predicate: &Predicate) -> Result<String, ErrorKind> {
        match (predicate, &self.dialect.or) {
            (Predicate::Or(parts), Some(or)) if self.filters.or => self.group(parts, or),
            (Predicate::And(parts), _) => self.group(parts, &self.dialect.and),
            _ => self.leaf(predicate).ok_or_else(|| unsayable(self.table, predicate)),
        }
    }

    fn group(&self, parts: &[Predicate], joint: &str) -> Result<String, ErrorKind> {
        let parts = parts.iter().map(|part| self.expression(part)).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() || !can_join(self.dialect) {
            return Err(ErrorKind::Unsupported("the endpoint's filter language has no groups".to_owned()));
        }
        let (open, close) = &self.dialect.group;
        Ok(format!("{open}{}{close}", parts.join(joint)))
    }

    fn leaf(&self, leaf: &Predicate) -> Option<String> {
        let (column, operator) = column_and_operator(leaf)?;
        match Way::of(self.filters, column, operator)? {
            Way::Term(dialect, found) => term(self.table, dialect, found, leaf),
            _ => None,
        }
    }
}

/// The endpoint has no words for a filter that it was given.
pub(super) fn unsayable(table: &Table, predicate: &Predicate) -> ErrorKind {
    let column = column_and_operator(predicate).and_then(|(column, _)| table.columns.get(column));
    let of = column.map_or_else(String::new, |column| format!(" on column {}", column.name));
    ErrorKind::Unsupported(format!("the endpoint cannot be asked for a filter{of} as it is written"))
}
