//! Types of column values, and the forms in which APIs write them.

use serde::{Deserialize, Serialize};

/// Type of a column's value, with the form that it has in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// Signed integer of 16 bits, as a number or a string of digits.
    Int16,
    /// Signed integer of 32 bits, as a number or a string of digits.
    Int32,
    /// Signed integer of 64 bits, as a number or a string of digits (OData's `IEEE754Compatible`).
    Int64,
    /// IEEE 754 single precision.
    Float32,
    /// IEEE 754 double precision, as a number or one of the strings `INF`, `-INF`, `NaN`.
    Float64,
    /// Decimal number, as a number or a string; never read through a float.
    Decimal {
        /// Number of digits, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: i8,
    },
    /// Text.
    Text,
    /// A GUID in its 36-character form; APIs compare it without regard to case.
    Uuid,
    /// Calendar date, `YYYY-MM-DD` or, with [`TimestampFormat::MicrosoftJson`] services, `/Date(ms)/`.
    Date,
    /// Time of day, `HH:MM[:SS[.fraction]]`, to the microsecond.
    Time,
    /// Point in time to the microsecond.
    Timestamp {
        /// How it is written.
        format: TimestampFormat,
        /// Whether it stands for an instant (kept as UTC) or for local time without a zone.
        instant: bool,
    },
    /// Bytes in base64 (both alphabets, padding optional).
    Binary,
    /// Any JSON value, kept as its text.
    Json,
    /// Array of values of one type.
    List(Box<ColumnType>),
    /// Object with known members.
    Struct(Vec<Field>),
}

/// Member of a [`ColumnType::Struct`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name in SQL.
    pub name: String,
    /// Name in the JSON object.
    pub api_name: String,
    /// Type of the value.
    pub data_type: ColumnType,
    /// Whether it may be null or absent.
    pub nullable: bool,
}

/// How an API writes a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimestampFormat {
    /// ISO 8601 / RFC 3339; without an offset it is taken as UTC.
    Iso8601,
    /// `/Date(ms)/` with an optional `+hhmm` offset, as in OData V2's JSON (verbose); ISO 8601 is read too.
    MicrosoftJson,
    /// Seconds since 1970, possibly with a fraction.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
}
