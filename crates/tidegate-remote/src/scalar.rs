//! Literal values in predicates.

use serde::{Deserialize, Serialize};

/// A non-null literal, in the units of the column that it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// Integer of any width.
    Int(i64),
    /// Finite floating-point number.
    Float(f64),
    /// `value / 10^scale`.
    Decimal {
        /// Unscaled value.
        value: i128,
        /// Digits after the point.
        scale: i8,
    },
    /// Text; for a UUID column its text form.
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01T00:00:00, as an instant (UTC) or local time, as the column is.
    Timestamp(i64),
}
