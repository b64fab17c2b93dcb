//! Predicates as readable SQL, for EXPLAIN.

use std::fmt::Write;

use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar};
use tidegate_spec::Table;

/// The predicate in words of SQL, with the table's column names.
#[must_use]
pub fn describe(table: &Table, predicate: &Predicate) -> String {
    let mut text = String::new();
    write(&mut text, table, predicate, false);
    text
}

fn write(text: &mut String, table: &Table, predicate: &Predicate, nested: bool) {
    match predicate {
        Predicate::And(parts) => write_joined(text, table, parts, " AND ", nested),
        Predicate::Or(parts) => write_joined(text, table, parts, " OR ", nested),
        Predicate::Compare { column, op, value } => {
            *text += &format!("{} {} {}", name(table, *column), operator(*op), literal(value));
        }
        Predicate::In { column, values, negated } => {
            let values: Vec<String> = values.iter().map(literal).collect();
            *text += &format!("{} {}IN ({})", name(table, *column), not(*negated), values.join(", "));
        }
        Predicate::Like { column, kind, text: part, negated } => {
            let escaped: String = part.chars().flat_map(escape).collect();
            let pattern = match kind {
                LikeKind::StartsWith => format!("{escaped}%"),
                LikeKind::EndsWith => format!("%{escaped}"),
                LikeKind::Contains => format!("%{escaped}%"),
            };
            *text += &format!("{} {}LIKE {}", name(table, *column), not(*negated), quoted(&pattern));
        }
        Predicate::IsNull { column, negated } => {
            *text += &format!("{} IS {}NULL", name(table, *column), not(*negated));
        }
    }
}

fn write_joined(text: &mut String, table: &Table, parts: &[Predicate], between: &str, nested: bool) {
    if nested {
        text.push('(');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        write(text, table, part, true);
    }
    if nested {
        text.push(')');
    }
}

fn name(table: &Table, column: usize) -> &str {
    table.columns.get(column).map_or("?", |column| column.name.as_str())
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn operator(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "=",
        CompareOp::NotEq => "<>",
        CompareOp::Lt => "<",
        CompareOp::LtEq => "<=",
        CompareOp::Gt => ">",
        CompareOp::GtEq => ">=",
    }
}

fn escape(char: char) -> impl Iterator<Item = char> {
    matches!(char, '%' | '_' | '\\').then_some('\\').into_iter().chain([char])
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn literal(value: &Scalar) -> String {
    match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Float(value) => format!("{value:?}"),
        Scalar::Decimal { value, scale } => decimal(*value, *scale),
        Scalar::Text(value) => quoted(value),
        Scalar::Date(days) => quoted(&moment(i64::from(*days) * 86_400_000_000, "%Y-%m-%d")),
        Scalar::Time(micros) => quoted(&moment(*micros, "%H:%M:%S%.f")),
        Scalar::Timestamp(micros) => quoted(&moment(*micros, "%Y-%m-%d %H:%M:%S%.f")),
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let Ok(scale @ 1..) = usize::try_from(scale) else { return value.to_string() };
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Beyond the years that the calendar knows the bare number is shown.
fn moment(micros: i64, format: &str) -> String {
    let mut text = String::new();
    match chrono::DateTime::from_timestamp_micros(micros) {
        Some(time) if write!(text, "{}", time.format(format)).is_ok() => text,
        _ => micros.to_string(),
    }
}
