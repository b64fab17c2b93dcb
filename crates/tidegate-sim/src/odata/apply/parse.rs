//! Reads `$apply`, and the `$orderby` beside it.

use crate::data::schema::{EntitySet, Type};
use crate::odata::fail::Fail;
use crate::odata::filter::ast::{Dialect, Expr};
use crate::odata::filter::parser::{parse_filter, parse_orderby};

use super::{Key, Measure, Method, Pipeline};

const METHODS: [(&str, Method); 5] = [
    ("sum", Method::Sum),
    ("min", Method::Min),
    ("max", Method::Max),
    ("average", Method::Average),
    ("countdistinct", Method::CountDistinct),
];

/// Reads `filter(…)/groupby((…),aggregate(…))` and its parts.
pub(super) fn pipeline(text: &str, set: &EntitySet, dialect: Dialect) -> Result<Pipeline, Fail> {
    let mut pipeline = Pipeline { filters: Vec::new(), keys: Vec::new(), measures: Vec::new(), is_grouped: false };
    let mut is_done = false;
    for step in split(text, '/')? {
        let (name, inside) = called(step)?;
        match name {
            _ if is_done => {
                return Err(Fail::unsupported(format!("{name} after groupby or aggregate is not implemented")));
            }
            "filter" => pipeline.filters.push(parse_filter(inside, set, dialect)?),
            "aggregate" => {
                pipeline.measures = measures(inside, set, dialect)?;
                is_done = true;
            }
            "groupby" => {
                groupby(inside, set, dialect, &mut pipeline)?;
                is_done = true;
            }
            other => return Err(Fail::unsupported(format!("the transformation {other} is not implemented"))),
        }
    }
    match is_done {
        true => Ok(pipeline),
        false => Err(Fail::unsupported("$apply without groupby or aggregate is not implemented")),
    }
}

fn groupby(inside: &str, set: &EntitySet, dialect: Dialect, pipeline: &mut Pipeline) -> Result<(), Fail> {
    let parts = split(inside, ',')?;
    let [keys, then @ ..] = parts.as_slice() else { return Err(bad("groupby needs a list of properties")) };
    let keys = keys.strip_prefix('(').and_then(|keys| keys.strip_suffix(')'));
    let keys = keys.ok_or_else(|| bad("the properties of groupby stand in parentheses of their own"))?;
    for name in split(keys, ',')? {
        pipeline.keys.push(key(name, set, dialect)?);
    }
    pipeline.is_grouped = true;
    match then {
        [] => Ok(()),
        [step] => match called(step)? {
            ("aggregate", inside) => {
                pipeline.measures = measures(inside, set, dialect)?;
                Ok(())
            }
            (other, _) => Err(Fail::unsupported(format!("{other} within groupby is not implemented"))),
        },
        _ => Err(bad("groupby takes a list of properties and one transformation")),
    }
}

fn key(name: &str, set: &EntitySet, dialect: Dialect) -> Result<Key, Fail> {
    match column(name, set, dialect)? {
        Expr::Prop { column, field, .. } if !matches!(set.columns[column].ty, Type::Strings) => {
            Ok(Key { column, field })
        }
        _ => Err(bad(format!("groupby takes properties, not '{name}'"))),
    }
}

/// A property path; anything else that can be sorted by is refused by those who ask.
fn column(name: &str, set: &EntitySet, dialect: Dialect) -> Result<Expr, Fail> {
    match parse_orderby(name, set, dialect)?.as_slice() {
        [(expr, false)] if !name.trim_end().ends_with(" asc") => Ok(expr.clone()),
        _ => Err(bad(format!("a property is wanted, not '{name}'"))),
    }
}

fn measures(inside: &str, set: &EntitySet, dialect: Dialect) -> Result<Vec<Measure>, Fail> {
    let mut measures: Vec<Measure> = Vec::new();
    for text in split(inside, ',')? {
        let measure = measure(text, set, dialect)?;
        // An alias must not be the name of a property (4.0, 3.1.1).
        if set.column(&measure.alias).is_some() || measures.iter().any(|other| other.alias == measure.alias) {
            return Err(bad(format!("the alias '{}' is taken", measure.alias)));
        }
        measures.push(measure);
    }
    Ok(measures)
}

fn measure(text: &str, set: &EntitySet, dialect: Dialect) -> Result<Measure, Fail> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (name, method, alias) = match words.as_slice() {
        ["$count", "as", alias] => (None, Method::Count, *alias),
        [name, "with", method, "as", alias] => {
            let known = METHODS.iter().find(|(known, _)| known == method);
            let (_, method) = known.ok_or_else(|| Fail::unsupported(format!("no method {method} here")))?;
            (Some(*name), *method, *alias)
        }
        _ => return Err(bad(format!("'{text}' should be PROPERTY with METHOD as ALIAS, or $count as ALIAS"))),
    };
    let is_name = alias.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(bad(format!("'{alias}' is no simple identifier")));
    }
    let column = match name.map(|name| column(name, set, dialect)).transpose()? {
        None => None,
        Some(Expr::Prop { column, field: None, .. }) => Some(column),
        Some(_) => return Err(bad(format!("'{text}' does not aggregate a property"))),
    };
    let is_number =
        |ty: Type| matches!(ty, Type::Int16 | Type::Int32 | Type::Int64 | Type::Decimal { .. } | Type::Double);
    if let (Some(column), Method::Sum | Method::Average) = (column, method)
        && !is_number(set.columns[column].ty)
    {
        return Err(bad(format!("'{text}' needs numbers")));
    }
    Ok(Measure { alias: alias.to_owned(), method, column })
}

/// Positions in a row of groups, with `true` for descending.
pub(super) fn order(text: &str, set: &EntitySet, pipeline: &Pipeline) -> Result<Vec<(usize, bool)>, Fail> {
    let one = |item: &str| {
        let words: Vec<&str> = item.split_ascii_whitespace().collect();
        let (name, is_descending) = match words.as_slice() {
            [name] | [name, "asc"] => (*name, false),
            [name, "desc"] => (*name, true),
            _ => return Err(bad(format!("'{item}' in $orderby"))),
        };
        let path = |key: &Key| super::show::path(set, key);
        let key = pipeline.keys.iter().position(|key| path(key) == name);
        let measure = || pipeline.measures.iter().position(|measure| measure.alias == name);
        let at = key.or_else(|| measure().map(|at| at + pipeline.keys.len()));
        at.map(|at| (at, is_descending)).ok_or_else(|| bad(format!("the groups have no '{name}'")))
    };
    text.split(',').map(one).collect()
}

/// `name(inside)`.
fn called(step: &str) -> Result<(&str, &str), Fail> {
    let found = step.strip_suffix(')').and_then(|step| step.split_once('('));
    found.ok_or_else(|| bad(format!("'{step}' is no transformation")))
}

/// Splits at separators outside parentheses and texts.
fn split(text: &str, at: char) -> Result<Vec<&str>, Fail> {
    let (mut parts, mut depth, mut is_text, mut start) = (Vec::new(), 0_usize, false, 0);
    for (index, c) in text.char_indices() {
        match c {
            // A doubled quote closes the text and opens it again.
            '\'' => is_text = !is_text,
            _ if is_text => {}
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or_else(|| bad("a parenthesis too many"))?,
            c if c == at && depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    if depth > 0 || is_text {
        return Err(bad("it ends too early"));
    }
    parts.push(text[start..].trim());
    Ok(parts)
}

fn bad(what: impl Into<String>) -> Fail {
    Fail::bad(format!("$apply: {}", what.into()))
}
