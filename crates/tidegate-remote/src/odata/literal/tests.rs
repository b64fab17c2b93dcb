//! Literals of all types in all versions.

use tidegate_spec::{ColumnType, ODataVersion, TimestampFormat};

use super::literal;
use crate::Scalar;

/// A literal in version 4 and in version 2.
fn check(column: &ColumnType, value: Scalar, v4: &str, v2: &str) {
    for (version, expected) in
        [(ODataVersion::V4, v4), (ODataVersion::V401, v4), (ODataVersion::V2, v2), (ODataVersion::V3, v2)]
    {
        assert_eq!(literal(version, column, &value).as_deref(), Some(expected), "{value:?} in {version:?}");
    }
}

#[test]
fn numbers() {
    check(&ColumnType::Int16, Scalar::Int(-7), "-7", "-7");
    check(&ColumnType::Int32, Scalar::Int(7), "7", "7");
    check(&ColumnType::Int64, Scalar::Int(i64::MIN), "-9223372036854775808", "-9223372036854775808L");
    for (value, expected) in [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (2.5e-9, "0.0000000025"),
        (1e300, "1e300"),
        (-1.25e22, "-1.25e22"),
        (9007199254740993.0, "9007199254740992"),
        (0.1 + 0.2, "0.30000000000000004"),
    ] {
        check(&ColumnType::Float64, Scalar::Float(value), expected, expected);
    }
    check(&ColumnType::Float32, Scalar::Float(f64::from(0.1_f32)), "0.1", "0.1f");
}

#[test]
fn decimals_keep_their_digits() {
    let column = ColumnType::Decimal { precision: 38, scale: 10 };
    for (value, scale, expected) in [
        (0, 2, "0"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (12_345, 2, "123.45"),
        (10_000, 2, "100"),
        (100_050, 3, "100.05"),
        (7, -2, "700"),
        (0, -2, "0"),
        (12, 0, "12"),
        (99_999_999_999_999_999_999_999_999_999_999_999_999, 38, "0.99999999999999999999999999999999999999"),
        (i128::MIN, 0, "-170141183460469231731687303715884105728"),
    ] {
        check(&column, Scalar::Decimal { value, scale }, expected, &format!("{expected}m"));
    }
}

#[test]
fn text_and_uuid() {
    check(&ColumnType::Text, Scalar::Text("O'Neil''s %&+".into()), "'O''Neil''''s %&+'", "'O''Neil''''s %&+'");
    check(&ColumnType::Text, Scalar::Text(String::new()), "''", "''");
    let guid = "000061bf-4889-4388-9e0a-2e19b3c9409a";
    check(&ColumnType::Uuid, Scalar::Text(guid.into()), guid, &format!("guid'{guid}'"));
    check(&ColumnType::Bool, Scalar::Bool(true), "true", "true");
}

#[test]
fn dates_and_times() {
    check(&ColumnType::Date, Scalar::Date(-1), "1969-12-31", "datetime'1969-12-31T00:00:00'");
    check(&ColumnType::Date, Scalar::Date(-719_162), "0001-01-01", "datetime'0001-01-01T00:00:00'");
    check(&ColumnType::Time, Scalar::Time(0), "00:00:00", "time'PT0H0M0S'");
    check(&ColumnType::Time, Scalar::Time(62_441_500_000), "17:20:41.500", "time'PT17H20M41.500S'");
    let format = TimestampFormat::Iso8601;
    let instant = ColumnType::Timestamp { format, instant: true };
    let local = ColumnType::Timestamp { format, instant: false };
    let micros = 1_748_098_123_368_000;
    check(&instant, Scalar::Timestamp(micros), "2025-05-24T14:48:43.368Z", "datetimeoffset'2025-05-24T14:48:43.368Z'");
    check(&local, Scalar::Timestamp(micros), "2025-05-24T14:48:43.368Z", "datetime'2025-05-24T14:48:43.368'");
    check(&local, Scalar::Timestamp(-1), "1969-12-31T23:59:59.999999Z", "datetime'1969-12-31T23:59:59.999999'");
    check(&local, Scalar::Timestamp(0), "1970-01-01T00:00:00Z", "datetime'1970-01-01T00:00:00'");
}

#[test]
fn what_the_language_has_no_literal_for() {
    let instant = ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true };
    for (column, value) in [
        (ColumnType::Float64, Scalar::Float(f64::NAN)),
        (ColumnType::Float64, Scalar::Float(f64::INFINITY)),
        (ColumnType::Float32, Scalar::Float(1e300)),
        (ColumnType::Date, Scalar::Date(i32::MAX)),
        (ColumnType::Date, Scalar::Date(2_932_897)),
        (ColumnType::Time, Scalar::Time(86_400_000_000)),
        (ColumnType::Time, Scalar::Time(-1)),
        (instant, Scalar::Timestamp(i64::MAX)),
        (ColumnType::Text, Scalar::Int(1)),
        (ColumnType::Binary, Scalar::Text("AAEC".into())),
        (ColumnType::Uuid, Scalar::Text("x or 1 eq 1".into())),
    ] {
        assert_eq!(literal(ODataVersion::V4, &column, &value), None, "{column:?} {value:?}");
    }
}
