//! Words, literals and punctuation of a filter, with the white space that the grammar demands.

use crate::data::civil::{parse_date, parse_stamp, parse_time};
use crate::data::decimal::Decimal;
use crate::data::value::{Value, parse_guid};

use super::ast::Dialect;

/// Longest filter that is read, in bytes after percent-decoding.
const MAX_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// Property, operator, function or variable.
    Word(String),
    Literal(Value),
    /// `Name.Space.Type'Member'`.
    EnumLiteral(String, String),
    Open,
    Close,
    Comma,
    Slash,
    Colon,
    Star,
}

/// A token, its byte offset, and whether white space stands before it.
#[derive(Debug, Clone)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) at: usize,
    pub(crate) spaced: bool,
}

/// Splits an expression. The error says what and where.
pub(crate) fn lex(text: &str, dialect: Dialect) -> Result<Vec<Spanned>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the expression is longer than {MAX_BYTES} bytes"));
    }
    let mut out = Vec::new();
    let (mut at, mut spaced) = (0, false);
    while let Some(c) = text[at..].chars().next() {
        if c == ' ' || c == '\t' {
            spaced = true;
            at += 1;
            continue;
        }
        let (token, length) = one(&text[at..], dialect).map_err(|e| format!("{e} at position {at}"))?;
        out.push(Spanned { token, at, spaced });
        spaced = false;
        at += length;
    }
    Ok(out)
}

fn one(rest: &str, dialect: Dialect) -> Result<(Token, usize), String> {
    let first = rest.as_bytes()[0];
    let simple = match first {
        b'(' => Some(Token::Open),
        b')' => Some(Token::Close),
        b',' => Some(Token::Comma),
        b'/' => Some(Token::Slash),
        b':' => Some(Token::Colon),
        b'*' => Some(Token::Star),
        _ => None,
    };
    if let Some(token) = simple {
        return Ok((token, 1));
    }
    if first == b'\'' {
        let (text, length) = quoted(rest)?;
        return Ok((Token::Literal(Value::Str(text)), length));
    }
    if dialect == Dialect::V4
        && let Some(guid) = rest.get(..36).and_then(parse_guid)
        && !rest[36..].starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Ok((Token::Literal(Value::Guid(guid)), 36));
    }
    if first.is_ascii_digit() || first == b'-' || (first == b'+' && dialect == Dialect::V4) {
        return bare(rest, dialect);
    }
    word(rest, dialect)
}

/// A string literal: quotes are doubled inside.
fn quoted(rest: &str) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut at = 1;
    loop {
        let end = rest[at..].find('\'').ok_or("a string without its closing quote")? + at;
        out.push_str(&rest[at..end]);
        if rest[end + 1..].starts_with('\'') {
            out.push('\'');
            at = end + 2;
        } else {
            return Ok((out, end + 1));
        }
    }
}

/// Numbers, dates and times.
fn bare(rest: &str, dialect: Dialect) -> Result<(Token, usize), String> {
    let end =
        rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '+' | '-'))).unwrap_or(rest.len());
    let text = &rest[..end];
    let value = match dialect {
        Dialect::V4 => parse_date(text)
            .map(Value::Date)
            .or_else(|| parse_stamp(text, true).map(Value::Stamp))
            .or_else(|| parse_time(text).map(Value::Time))
            .or_else(|| number(text)),
        Dialect::V2 => number_v2(text),
    };
    value.map(|v| (Token::Literal(v), end)).ok_or_else(|| format!("'{text}' is no literal of this protocol version"))
}

fn number(text: &str) -> Option<Value> {
    if text == "-INF" {
        return Some(Value::Double(f64::NEG_INFINITY));
    }
    if text.contains(['e', 'E']) {
        return float(text).map(Value::Double);
    }
    if !text.contains('.')
        && let Ok(int) = text.parse::<i64>()
    {
        return Some(Value::Int(int));
    }
    Decimal::parse(text).map(Value::Dec)
}

/// V2 marks the type with a suffix: `5L`, `12.5M`, `1.5d`, `1.5f`.
fn number_v2(text: &str) -> Option<Value> {
    let body = &text[..text.len() - 1];
    match text.as_bytes()[text.len() - 1] {
        b'L' | b'l' => body.parse().ok().map(Value::Int),
        b'M' | b'm' => Decimal::parse(body).map(Value::Dec),
        b'd' | b'D' | b'f' | b'F' => float(body).map(Value::Double),
        _ => number(text).map(|v| match v {
            // Without a suffix a fraction is an Edm.Double.
            Value::Dec(d) => Value::Double(d.to_f64()),
            other => other,
        }),
    }
}

/// `parse::<f64>` also takes words such as "infinity": only digits, sign, point, exponent here.
fn float(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse().ok().filter(|_| plain)
}

fn word(rest: &str, dialect: Dialect) -> Result<(Token, usize), String> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    if end == 0 {
        let c = rest.chars().next().unwrap_or(' ');
        return Err(format!("unexpected character '{c}'"));
    }
    let name = &rest[..end];
    if rest[end..].starts_with('\'') {
        let (body, length) = quoted(&rest[end..])?;
        return prefixed(name, body, dialect).map(|t| (t, end + length));
    }
    let token = match name {
        "null" => Token::Literal(Value::Null),
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        "INF" => Token::Literal(Value::Double(f64::INFINITY)),
        "NaN" => Token::Literal(Value::Double(f64::NAN)),
        _ => Token::Word(name.to_owned()),
    };
    Ok((token, end))
}

/// `prefix'body'`.
fn prefixed(name: &str, body: String, dialect: Dialect) -> Result<Token, String> {
    let bad = || format!("'{body}' is no value for {name}'…'");
    let value = match (dialect, name) {
        (Dialect::V4, "duration" | "binary" | "geography" | "geometry") => {
            return Err(format!("not implemented: {name} literals"));
        }
        (Dialect::V4, _) => return Ok(Token::EnumLiteral(name.to_owned(), body)),
        (Dialect::V2, "datetime") => parse_stamp(&body, false).map(Value::Stamp),
        (Dialect::V2, "datetimeoffset") => parse_stamp(&body, true).map(Value::Stamp),
        (Dialect::V2, "guid") => parse_guid(&body).map(Value::Guid),
        (Dialect::V2, "time") => duration(&body).map(Value::Time),
        (Dialect::V2, _) => return Err(format!("unknown literal prefix '{name}'")),
    };
    value.map(Token::Literal).ok_or_else(bad)
}

/// `PT13H20M5.5S`, the form of `Edm.Time` in V2.
fn duration(text: &str) -> Option<i128> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = 0i128;
    for (unit, seconds) in [('H', 3600), ('M', 60), ('S', 1)] {
        let Some((number, tail)) = rest.split_once(unit) else { continue };
        let d = Decimal::parse(number).filter(|d| d.scale <= 9 && d.units >= 0)?;
        let nanos = d.units * 10i128.pow(9 - u32::from(d.scale));
        total = total.checked_add(nanos.checked_mul(seconds)?)?;
        rest = tail;
    }
    (rest.is_empty() && text.len() > 2).then_some(total)
}
