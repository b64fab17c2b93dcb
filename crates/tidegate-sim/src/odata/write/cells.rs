//! JSON of a request as cells, checked as a service checks it: names, types, lengths, nulls, and its own rules.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::config::Unwanted;
use crate::data::changes::Cells;
use crate::data::civil::{self, DAY, SECOND};
use crate::data::decimal::Decimal;
use crate::data::schema::{Column, EntitySet, Type};
use crate::data::value::{Value, parse_guid};
use crate::odata::Ask;
use crate::odata::fail::Fail;
use crate::odata::filter::ast::Dialect;
use crate::odata::v2;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A row is made of it.
    Insert,
    /// The columns that it has are written.
    Merge,
    /// Columns that it has not lose their values.
    Replace,
}

/// Members of a JSON object, with the digits of their numbers as they were sent.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Cells of a body. Complex values that lack members take them from `old`.
pub(super) fn parse(
    ask: &Ask<'_>,
    set: &EntitySet,
    purpose: Purpose,
    old: impl Fn(usize) -> Value,
) -> Result<Cells, Fail> {
    let members: Members<'_> =
        serde_json::from_slice(ask.body).map_err(|error| Fail::bad(format!("the body is no JSON object: {error}")))?;
    let mut cells = Cells::new();
    for (name, json) in &members {
        // Annotations of OData 4 and what 2 keeps beside the columns.
        if name.contains('@') || name == "__metadata" {
            continue;
        }
        let unknown = || Fail::bad(format!("The property '{name}' does not exist on type '{}'.", set.type_name));
        let index = set.column(name).filter(|c| ask.dialect == Dialect::V4 || v2::has(&set.columns[*c]));
        let index = index.ok_or_else(unknown)?;
        if purpose != Purpose::Insert && set.key.contains(&index) {
            continue;
        }
        let column = &set.columns[index];
        is_writable(ask, set, column, purpose)?;
        cells.push((index, cell(ask.dialect, column, json, &|| old(index))?));
        is_wanted(&ask.config.unwanted, set.name, name, json)?;
    }
    if purpose != Purpose::Merge {
        complete(ask, set, purpose, &mut cells)?;
    }
    Ok(cells)
}

fn is_writable(ask: &Ask<'_>, set: &EntitySet, column: &Column, purpose: Purpose) -> Result<(), Fail> {
    let name = format!("{}.{}", set.name, column.name);
    let options = &ask.config.odata;
    if options.computed.contains(&name) {
        return Err(Fail::bad(format!("{} is computed by the service", column.name)));
    }
    if purpose != Purpose::Insert && options.immutable.contains(&name) {
        return Err(Fail::bad(format!("{} cannot be changed", column.name)));
    }
    Ok(())
}

/// Refuses a value that the configuration does not want.
fn is_wanted(unwanted: &[Unwanted], table: &str, column: &str, json: &RawValue) -> Result<(), Fail> {
    let is_it = |rule: &&Unwanted| {
        rule.table == table
            && rule.column == column
            && serde_json::from_str::<serde_json::Value>(json.get()).is_ok_and(|value| value == rule.value)
    };
    match unwanted.iter().find(is_it) {
        Some(rule) => Err(Fail::new(rule.status, "Unwanted", format!("{column} must not be {}", rule.value))),
        None => Ok(()),
    }
}

/// Adds what a whole row needs, or refuses it.
fn complete(ask: &Ask<'_>, set: &EntitySet, purpose: Purpose, cells: &mut Cells) -> Result<(), Fail> {
    for (index, column) in set.columns.iter().enumerate() {
        let name = format!("{}.{}", set.name, column.name);
        let is_made_here = set.key.contains(&index) || ask.config.odata.computed.contains(&name);
        let is_kept = purpose == Purpose::Replace && ask.config.odata.immutable.contains(&name);
        if is_made_here || is_kept || cells.iter().any(|(given, _)| *given == index) {
            continue;
        }
        let value = match column.ty {
            Type::Strings => Value::List(Vec::new()),
            _ if column.nullable => Value::Null,
            _ => return Err(Fail::bad(format!("The property '{}' is required.", column.name))),
        };
        cells.push((index, value));
    }
    Ok(())
}

fn cell(dialect: Dialect, column: &Column, json: &RawValue, old: &dyn Fn() -> Value) -> Result<Value, Fail> {
    let text = json.get();
    let wrong = || Fail::bad(format!("{text} is no value for the property '{}'.", column.name));
    if text == "null" {
        return if column.nullable { Ok(Value::Null) } else { Err(wrong()) };
    }
    if let Type::Complex(ty) = column.ty {
        let members: Members<'_> = serde_json::from_str(text).map_err(|_| wrong())?;
        let mut values = match old() {
            Value::Complex(values) => values,
            _ => vec![Value::Null; ty.fields.len()],
        };
        for (name, json) in members.iter().filter(|(name, _)| *name != "__metadata") {
            let field = ty.fields.iter().position(|field| field.name == name).ok_or_else(wrong)?;
            values[field] = cell(dialect, &ty.fields[field], json, &|| Value::Null)?;
        }
        let is_whole = ty.fields.iter().zip(&values).all(|(field, value)| field.nullable || !value.is_null());
        return if is_whole { Ok(Value::Complex(values)) } else { Err(wrong()) };
    }
    if let Type::Strings = column.ty {
        return serde_json::from_str(text).map(Value::List).map_err(|_| wrong());
    }
    let string: Option<String> = serde_json::from_str(text).ok();
    scalar(dialect, column.ty, text, string).ok_or_else(wrong)
}

/// `string` is the content of `text` if it is a JSON string.
fn scalar(dialect: Dialect, ty: Type, text: &str, string: Option<String>) -> Option<Value> {
    let number = |most: i64, least: i64| text.parse().ok().filter(|n| (least..=most).contains(n)).map(Value::Int);
    match ty {
        Type::Str(most) => {
            let text = string?;
            most.is_none_or(|most| text.chars().count() <= most as usize).then_some(Value::Str(text))
        }
        Type::Int16 => number(i16::MAX.into(), i16::MIN.into()),
        Type::Int32 => number(i32::MAX.into(), i32::MIN.into()),
        // Beyond the doubles a client may send it as a string.
        Type::Int64 => string.as_deref().unwrap_or(text).parse().ok().map(Value::Int),
        Type::Decimal { precision, scale } => decimal(string.as_deref().unwrap_or(text), precision, scale),
        Type::Double => match string.as_deref() {
            None => text.parse().ok().map(Value::Double),
            Some("NaN") => Some(Value::Double(f64::NAN)),
            Some("INF") => Some(Value::Double(f64::INFINITY)),
            Some("-INF") => Some(Value::Double(f64::NEG_INFINITY)),
            Some(_) => None,
        },
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Guid => parse_guid(&string?).map(Value::Guid),
        Type::Enum(members) => match dialect {
            Dialect::V4 => {
                let name = string?;
                members.members.iter().position(|member| *member == name).map(|index| Value::Enum(index as i64))
            }
            Dialect::V2 => text.parse().ok().filter(|n| (0..members.members.len() as i64).contains(n)).map(Value::Enum),
        },
        Type::Date | Type::Time | Type::Stamp => moment(dialect, ty, &string?),
        Type::Complex(_) | Type::Strings => None,
    }
}

/// A decimal with no more digits than the column has.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<Value> {
    let given = Decimal::parse(text)?;
    let factor = 10i128.pow(u32::from(scale.abs_diff(given.scale)));
    let units = match given.scale <= scale {
        true => given.units.checked_mul(factor)?,
        false if given.units % factor == 0 => given.units / factor,
        false => return None,
    };
    (units.unsigned_abs() < 10u128.pow(u32::from(precision))).then(|| Value::Dec(Decimal::new(units, scale)))
}

fn moment(dialect: Dialect, ty: Type, text: &str) -> Option<Value> {
    if dialect == Dialect::V2 && !matches!(ty, Type::Time) {
        let ms: i128 = text.strip_prefix("/Date(")?.strip_suffix(")/")?.parse().ok()?;
        let nanos = ms * (SECOND / 1_000);
        return match ty {
            Type::Date if nanos % DAY == 0 => Some(Value::Date((nanos / DAY) as i64)),
            Type::Date => None,
            _ => Some(Value::Stamp(nanos)),
        };
    }
    match (ty, dialect) {
        (Type::Date, _) => civil::parse_date(text).map(Value::Date),
        (Type::Stamp, _) => civil::parse_stamp(text, true).map(Value::Stamp),
        (_, Dialect::V4) => civil::parse_time(text).map(Value::Time),
        (_, Dialect::V2) => duration(text).map(Value::Time),
    }
}

/// `PT9H30M0.25S` as nanoseconds.
fn duration(text: &str) -> Option<i128> {
    let mut rest = text.strip_prefix("PT")?;
    let mut nanos = 0;
    for (unit, length) in [('H', 3_600 * SECOND), ('M', 60 * SECOND), ('S', SECOND)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let number = Decimal::parse(number)?;
            nanos += number.units * length / 10i128.pow(u32::from(number.scale));
            rest = after;
        }
    }
    (rest.is_empty() && nanos < DAY).then_some(nanos)
}
