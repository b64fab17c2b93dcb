//! Types of columns as they are written: `int`, `decimal(10,2)?`, `list(text)`, `struct({id: int, name: text})`.

use crate::names::NameStyle;
use crate::types::{ColumnType, Field, TimestampFormat};

use super::problem::suggestion;

/// Names of types, for suggestions.
const NAMES: [&str; 17] = [
    "bool",
    "int",
    "int16",
    "int32",
    "float",
    "float32",
    "decimal",
    "text",
    "uuid",
    "date",
    "time",
    "timestamp",
    "local_timestamp",
    "binary",
    "json",
    "list",
    "struct",
];
const MAX_DEPTH: usize = 8;

/// Our name of a type that other languages call so.
fn ours(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" | "str" | "varchar" | "char" => "text",
        "boolean" => "bool",
        "integer" | "bigint" | "long" | "number" => "int",
        "smallint" | "short" => "int16",
        "double" | "real" => "float",
        "numeric" | "money" => "decimal",
        "datetime" | "timestamptz" => "timestamp",
        "array" => "list",
        "object" | "map" => "struct",
        "guid" => "uuid",
        "bytes" | "bytea" | "blob" => "binary",
        _ => return None,
    })
}

/// A type, and what is said of null: `Some(true)` for `?`, `Some(false)` for `!`.
pub(super) fn parse(text: &str) -> Result<(ColumnType, Option<bool>), String> {
    let mut reader = Reader { text, rest: text.trim() };
    let parsed = reader.nullable_type(0)?;
    if reader.rest.trim().is_empty() {
        Ok(parsed)
    } else {
        Err(format!("{text:?} is no type: {:?} is too much at its end", reader.rest.trim()))
    }
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn nullable_type(&mut self, depth: usize) -> Result<(ColumnType, Option<bool>), String> {
        let data_type = self.data_type(depth)?;
        let nullable = match (self.take("?"), self.take("!")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        Ok((data_type, nullable))
    }

    fn data_type(&mut self, depth: usize) -> Result<ColumnType, String> {
        if depth > MAX_DEPTH {
            return Err(format!("this type is nested more than {MAX_DEPTH} deep"));
        }
        let name = self.word();
        Ok(match name {
            "bool" => ColumnType::Bool,
            "int" | "int64" => ColumnType::Int64,
            "int32" => ColumnType::Int32,
            "int16" => ColumnType::Int16,
            "float" | "float64" => ColumnType::Float64,
            "float32" => ColumnType::Float32,
            "decimal" => self.decimal()?,
            "text" => ColumnType::Text,
            "uuid" => ColumnType::Uuid,
            "date" => ColumnType::Date,
            "time" => ColumnType::Time,
            "timestamp" => ColumnType::Timestamp { format: self.timestamp_format()?, instant: true },
            "local_timestamp" => ColumnType::Timestamp { format: self.timestamp_format()?, instant: false },
            "binary" => ColumnType::Binary,
            "json" => ColumnType::Json,
            "list" => {
                self.expect("(")?;
                // Null within a list is always possible in JSON, and kept.
                let (items, _) = self.nullable_type(depth + 1)?;
                self.expect(")")?;
                ColumnType::List(Box::new(items))
            }
            "struct" => self.members(depth)?,
            "" => return Err(format!("{:?} is no type; a type stands here, such as text or int", self.text)),
            other => {
                return Err(match ours(other) {
                    Some(name) => format!("{:?} is no type; did you mean {name:?}?", self.text),
                    None => format!("{other:?} is no type{}", suggestion(other, NAMES)),
                });
            }
        })
    }

    fn decimal(&mut self) -> Result<ColumnType, String> {
        let (open, precision, comma, scale, close) =
            (self.take("("), self.word().parse::<u8>(), self.take(","), self.word().parse::<i8>(), self.take(")"));
        match (open && comma && close, precision, scale) {
            (true, Ok(precision @ 1..=38), Ok(scale)) if scale >= 0 && scale.unsigned_abs() <= precision => {
                Ok(ColumnType::Decimal { precision, scale })
            }
            _ => Err(format!(
                "{:?} is no decimal: expected decimal(p,s), p digits from 1 to 38, s of them behind the point",
                self.text
            )),
        }
    }

    fn timestamp_format(&mut self) -> Result<TimestampFormat, String> {
        if !self.take("(") {
            return Ok(TimestampFormat::Iso8601);
        }
        let format = match self.word() {
            "iso8601" => TimestampFormat::Iso8601,
            "epoch_s" => TimestampFormat::EpochSeconds,
            "epoch_ms" => TimestampFormat::EpochMillis,
            "ms_json" => TimestampFormat::MicrosoftJson,
            other => {
                let hint = suggestion(other, ["iso8601", "epoch_s", "epoch_ms", "ms_json"]);
                return Err(format!("{other:?} is no form of a timestamp{hint}"));
            }
        };
        self.expect(")")?;
        Ok(format)
    }

    fn members(&mut self, depth: usize) -> Result<ColumnType, String> {
        self.expect("(")?;
        self.expect("{")?;
        let mut fields: Vec<Field> = Vec::new();
        while !self.take("}") {
            let api_name = self.word().to_owned();
            if api_name.is_empty() {
                return Err(format!("{:?} is no type: a member's name is missing", self.text));
            }
            self.expect(":")?;
            let (data_type, nullable) = self.nullable_type(depth + 1)?;
            let name = NameStyle::Lower.apply(&api_name);
            if fields.iter().any(|field| field.name == name) {
                return Err(format!("{:?} has two members of the name {name}", self.text));
            }
            fields.push(Field { name, api_name, data_type, nullable: nullable.unwrap_or(true) });
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        self.expect(")")?;
        if fields.is_empty() {
            return Err(format!("{:?} has no member; use json for an object of which nothing is known", self.text));
        }
        Ok(ColumnType::Struct(fields))
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest.trim_start();
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-');
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        word
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.trim_start().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) {
            return Ok(());
        }
        Err(format!("{:?} is no type: expected `{text}` before {:?}", self.text, self.rest.trim()))
    }
}
