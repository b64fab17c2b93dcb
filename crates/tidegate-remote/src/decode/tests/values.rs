//! Values of every type, good and bad.

use arrow::array::{Array as _, AsArray as _};
use tidegate_spec::ColumnType::{self, *};
use tidegate_spec::{Field, TimestampFormat};

use super::{column, decode, envelope, rows};
use crate::{BadValue, ErrorKind};

/// What is read from a value; `None` when it is a bad one.
type Case = (&'static str, Option<&'static str>);

fn check(data_type: &ColumnType, cases: &[Case]) {
    for (json, expected) in cases {
        let body = format!(r#"{{"value":[{{"a":{json}}}]}}"#);
        let read = |bad| decode(vec![column("a", data_type.clone())], &envelope(), bad, body.as_bytes());
        match (read(BadValue::Fail), expected) {
            (Ok(decoded), Some(expected)) => assert_eq!(rows(&decoded), [*expected], "{data_type:?} from {json}"),
            (Err(ErrorKind::BadValue { column, row, value, .. }), None) => {
                assert_eq!((column.as_str(), row, value.as_str()), ("a", 1, *json), "{data_type:?} from {json}");
                assert_eq!(rows(&read(BadValue::Null).unwrap()), ["NULL"], "{data_type:?} from {json}");
            }
            (read, expected) => panic!("{data_type:?} from {json}: {read:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn booleans() {
    check(
        &Bool,
        &[("true", Some("true")), ("false", Some("false")), ("null", Some("NULL")), ("\"true\"", None), ("1", None)],
    );
}

#[test]
fn integers() {
    check(
        &Int16,
        &[("32767", Some("32767")), ("-32768", Some("-32768")), ("32768", None), ("\"-5\"", Some("-5")), ("1.5", None)],
    );
    check(&Int32, &[("2147483647", Some("2147483647")), ("2147483648", None), ("0", Some("0")), ("-0", Some("0"))]);
    check(
        &Int64,
        &[
            ("9223372036854775807", Some("9223372036854775807")),
            ("\"-9223372036854775808\"", Some("-9223372036854775808")),
            ("9223372036854775808", None),
            ("9007199254740993", Some("9007199254740993")),
            ("1e3", Some("1000")),
            ("12.0", Some("12")),
            ("12.5", None),
            ("\"\"", None),
            ("\"-\"", None),
            ("\" 1\"", None),
            ("\"0x10\"", None),
            ("true", None),
            ("[1]", None),
            ("{}", None),
        ],
    );
}

#[test]
fn floats() {
    check(
        &Float64,
        &[
            ("1.5", Some("1.5")),
            ("\"-2.5e3\"", Some("-2500.0")),
            ("\"INF\"", Some("inf")),
            ("\"-INF\"", Some("-inf")),
            ("\"NaN\"", Some("NaN")),
            ("\"nan\"", None),
            ("\"infinity\"", None),
            ("1e999", None),
            ("1e-999", Some("0.0")),
            ("\"e\"", None),
            ("\"1,5\"", None),
            ("false", None),
        ],
    );
    check(&Float32, &[("0.1", Some("0.1")), ("3.5e38", None), ("\"INF\"", Some("inf"))]);
}

#[test]
fn decimals() {
    let money = Decimal { precision: 10, scale: 2 };
    check(
        &money,
        &[
            ("1.5", Some("1.50")),
            ("\"-1.50\"", Some("-1.50")),
            ("0.1", Some("0.10")),
            ("1.230", Some("1.23")),
            ("1.234", None),
            ("12345678.99", Some("12345678.99")),
            ("123456789.00", None),
            ("1.5e2", Some("150.00")),
            ("15e-1", Some("1.50")),
            ("1E-3", None),
            ("1000e-3", Some("1.00")),
            ("1e8", None),
            ("0e999999999999999999999", Some("0.00")),
            ("1e999999999999999999999", None),
            ("1e-999999999999999999999", None),
            ("\".5\"", Some("0.50")),
            ("\"5.\"", Some("5.00")),
            ("\".\"", None),
            ("\"1.2.3\"", None),
            ("\"1e\"", None),
            ("\"--1\"", None),
            ("\"NaN\"", None),
            ("0.00000000000000000000000000000000000000000000000000", Some("0.00")),
            ("1.00000000000000000000000000000000000000000000000000", Some("1.00")),
        ],
    );
    let wide = Decimal { precision: 38, scale: 0 };
    check(
        &wide,
        &[
            ("99999999999999999999999999999999999999", Some("99999999999999999999999999999999999999")),
            ("100000000000000000000000000000000000000", None),
            ("340282366920938463463374607431768211456", None),
        ],
    );
}

#[test]
fn text() {
    check(
        &Text,
        &[
            (r#""""#, Some("")),
            (r#""plain""#, Some("plain")),
            (r#""a\"b\\c\/d\n\té""#, Some("a\"b\\c/d\n\té")),
            (r#""\u00e9\ud83d\ude00""#, Some("é😀")),
            (r#""null""#, Some("null")),
            (r#""\ud83d""#, None),
            (r#""\ude00\ud83d""#, None),
            (r#""\ud83dx""#, None),
            ("12", Some("12")),
            ("1.50", Some("1.50")),
            ("true", Some("true")),
            ("[1]", None),
            (r#"{"a":1}"#, None),
        ],
    );
    check(
        &Uuid,
        &[(r#""A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#, Some("A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")), ("1", None)],
    );
}

#[test]
fn dates() {
    check(
        &Date,
        &[
            (r#""2024-02-29""#, Some("2024-02-29")),
            (r#""2023-02-29""#, None),
            (r#""1969-12-31""#, Some("1969-12-31")),
            (r#""0001-01-01""#, Some("0001-01-01")),
            (r#""9999-12-31""#, Some("9999-12-31")),
            (r#""2024-01-31T00:00:00""#, Some("2024-01-31")),
            (r#""2024-01-31T00:00:00.000Z""#, Some("2024-01-31")),
            (r#""2024-01-31T10:00:00""#, None),
            (r#""\/Date(1706659200000)\/""#, Some("2024-01-31")),
            (r#""/Date(-86400000)/""#, Some("1969-12-31")),
            (r#""/Date(1)/""#, None),
            (r#""2024-13-01""#, None),
            (r#""2024-1-1""#, None),
            (r#""2024-01-01x""#, None),
            (r#""""#, None),
            ("20240101", None),
        ],
    );
}

#[test]
fn times() {
    check(
        &Time,
        &[
            (r#""13:20:05""#, Some("13:20:05")),
            (r#""13:20""#, Some("13:20:00")),
            (r#""23:59:59.9999999""#, Some("23:59:59.999999")),
            (r#""24:00:00""#, None),
            (r#""12:60:00""#, None),
            (r#""PT13H20M5S""#, Some("13:20:05")),
            (r#""PT5.5S""#, Some("00:00:05.500")),
            (r#""P0DT1H""#, Some("01:00:00")),
            (r#""PT90M""#, Some("01:30:00")),
            (r#""PT24H""#, None),
            (r#""P1D""#, None),
            (r#""PT""#, None),
            (r#""P""#, None),
            (r#""PT5M1H""#, None),
            (r#""PT1.5H""#, None),
            (r#""PT99999999999999999999S""#, None),
            (r#""-PT1H""#, None),
            (r#""12:00:""#, None),
        ],
    );
}

#[test]
fn points_in_time() {
    let iso = |instant| Timestamp { format: TimestampFormat::Iso8601, instant };
    check(
        &iso(true),
        &[
            (r#""2024-01-31T10:20:30Z""#, Some("2024-01-31T10:20:30Z")),
            (r#""2024-01-31T10:20:30.123456789012+02:00""#, Some("2024-01-31T08:20:30.123456Z")),
            (r#""2024-01-31 10:20:30-0130""#, Some("2024-01-31T11:50:30Z")),
            (r#""2024-01-31T10:20+01""#, Some("2024-01-31T09:20:00Z")),
            (r#""2024-01-31T10:20:30""#, Some("2024-01-31T10:20:30Z")),
            (r#""2024-01-31""#, Some("2024-01-31T00:00:00Z")),
            (r#""1969-12-31T23:59:59.9999999Z""#, Some("1969-12-31T23:59:59.999999Z")),
            (r#""0001-01-01T00:00:00Z""#, Some("0001-01-01T00:00:00Z")),
            (r#""2024-01-31T10:20:30.""#, None),
            (r#""2024-01-31T10:20:30+0""#, None),
            (r#""2024-01-31T10:20:30+01:""#, None),
            (r#""2024-01-31T25:00:00Z""#, None),
            (r#""2024-01-31T10:20:30Zulu""#, None),
            (r#""999999-01-01T00:00:00Z""#, None),
            (r#""/Date(0)/""#, None),
            ("1706696430", None),
        ],
    );
    check(&iso(false), &[(r#""2024-01-31T10:20:30+02:00""#, Some("2024-01-31T10:20:30"))]);
    check(
        &Timestamp { format: TimestampFormat::MicrosoftJson, instant: true },
        &[
            (r#""\/Date(1700000000000)\/""#, Some("2023-11-14T22:13:20Z")),
            (r#""/Date(1700000000000+0100)/""#, Some("2023-11-14T22:13:20Z")),
            (r#""/Date(-1-0100)/""#, Some("1969-12-31T23:59:59.999Z")),
            (r#""2023-11-14T22:13:20""#, Some("2023-11-14T22:13:20Z")),
            (r#""/Date()/""#, None),
            (r#""/Date(12+1)/""#, None),
            (r#""/Date(9223372036854775807)/""#, None),
            (r#""/Date(é)/""#, None),
        ],
    );
    check(
        &Timestamp { format: TimestampFormat::EpochSeconds, instant: true },
        &[
            ("1700000000", Some("2023-11-14T22:13:20Z")),
            ("\"1700000000.5\"", Some("2023-11-14T22:13:20.500Z")),
            ("1700000000.1234567", Some("2023-11-14T22:13:20.123456Z")),
            ("-0.0000001", Some("1969-12-31T23:59:59.999999Z")),
            ("1.7e9", Some("2023-11-14T22:13:20Z")),
            ("1e30", None),
            ("true", None),
        ],
    );
    check(
        &Timestamp { format: TimestampFormat::EpochMillis, instant: true },
        &[
            ("1700000000001", Some("2023-11-14T22:13:20.001Z")),
            ("\"1700000000001\"", Some("2023-11-14T22:13:20.001Z")),
            ("1700000000000.5", Some("2023-11-14T22:13:20.000500Z")),
            ("1.7e12", Some("2023-11-14T22:13:20Z")),
            ("-1", Some("1969-12-31T23:59:59.999Z")),
            ("\"x\"", None),
            ("\"\"", None),
        ],
    );
}

#[test]
fn bytes() {
    check(
        &Binary,
        &[
            (r#""""#, Some("")),
            (r#""AQID""#, Some("010203")),
            (r#""AQI=""#, Some("0102")),
            (r#""AQ==""#, Some("01")),
            (r#""AQ""#, Some("01")),
            (r#""-_8=""#, Some("fbff")),
            (r#""+/8=""#, Some("fbff")),
            (r#""A""#, None),
            (r#""AQ=""#, None),
            (r#""AQ===""#, None),
            (r#""A=Q=""#, None),
            (r#""AQ I""#, None),
            (r#""AQIé""#, None),
            ("1", None),
        ],
    );
}

#[test]
fn json_keeps_its_text() {
    check(
        &Json,
        &[
            ("1.50", Some("1.50")),
            (r#""a b\" c""#, Some(r#""a b\" c""#)),
            (r#"{ "b" : [ 1, "x y" ] , "a" : null }"#, Some(r#"{"b":[1,"x y"],"a":null}"#)),
            ("null", Some("NULL")),
        ],
    );
}

#[test]
fn lists() {
    let list = List(Box::new(Int32));
    check(
        &list,
        &[
            ("[]", Some("[]")),
            ("[1, null,\"3\"]", Some("[1, NULL, 3]")),
            (r#"{"__metadata":{},"results":[4]}"#, Some("[4]")),
            ("{}", None),
            ("1", None),
        ],
    );
    check(&List(Box::new(list)), &[("[[1],[],null,[2,3]]", Some("[[1], [], NULL, [2, 3]]"))]);
}

fn member(name: &str, data_type: ColumnType, nullable: bool) -> Field {
    Field { name: name.to_lowercase(), api_name: name.to_owned(), data_type, nullable }
}

#[test]
fn structs() {
    let place = Struct(vec![member("City", Text, true), member("Zip", Int32, false)]);
    check(
        &place,
        &[
            (r#"{"Zip":1,"x":{},"City":"Oslo"}"#, Some("{city: Oslo, zip: 1}")),
            (r#"{"Zip":1}"#, Some("{city: NULL, zip: 1}")),
            ("null", Some("NULL")),
            ("[]", None),
        ],
    );
    check(
        &List(Box::new(Struct(vec![member("P", place, true)]))),
        &[(r#"[{"P":{"Zip":2}},{"P":null},null]"#, Some("[{p: {city: NULL, zip: 2}}, {p: NULL}, NULL]"))],
    );
    check(&Struct(Vec::new()), &[(r#"{"a":1}"#, Some("{}")), ("null", Some("NULL"))]);
}

/// A reader that takes a member by itself must not find a value where there is no struct.
#[test]
fn a_member_of_a_null_struct_is_null() {
    let inner = Struct(vec![member("City", Text, false)]);
    let place = Struct(vec![member("In", inner, false), member("Zip", Int32, false)]);
    let body = br#"{"value":[{"a":null},{"a":{"In":{"City":"x"},"Zip":1}}]}"#;
    let decoded = decode(vec![column("a", place)], &envelope(), BadValue::Fail, body).unwrap();
    let place = decoded.batch.column(0).as_struct();
    let city = place.column(0).as_struct().column(0);
    for member in [place.column(0), place.column(1), city] {
        assert_eq!((member.is_null(0), member.is_null(1)), (true, false));
    }
}

#[test]
fn a_bad_value_inside_is_named_by_its_place() {
    let inner = Struct(vec![member("Zip", Int32, false)]);
    let data_type = List(Box::new(inner));
    let body = |inside: &str| format!(r#"{{"value":[{{"a":[]}},{{"a":[{{"Zip":1}},{inside}]}}]}}"#);
    let cases = [
        (r#"{"Zip":"x"}"#, r#"column a[].zip, row 2: "x" is not an integer of 32 bits"#, "[{zip: 1}, {zip: NULL}]"),
        (r#"{"Zip":null}"#, "column a[].zip, row 2: null is not a value, although", "[{zip: 1}, {zip: NULL}]"),
        (r#"{}"#, "column a[].zip, row 2: a missing member is not a value", "[{zip: 1}, {zip: NULL}]"),
        ("7", "column a[], row 2: 7 is not an object", "[{zip: 1}, NULL]"),
    ];
    for (inside, message, nulled) in cases {
        let read = |bad| decode(vec![column("a", data_type.clone())], &envelope(), bad, body(inside).as_bytes());
        let error = read(BadValue::Fail).unwrap_err().to_string();
        assert!(error.starts_with(message), "{inside}: {error}");
        assert_eq!(rows(&read(BadValue::Null).unwrap())[1], nulled, "{inside}");
    }
}

#[test]
fn null_where_none_is_declared_is_a_bad_value() {
    for (row, message) in [(r#"{"a":null}"#, "null is not a value"), ("{}", "a missing member is not a value")] {
        let body = format!(r#"{{"value":[{row}]}}"#);
        let read = |bad| decode(vec![column("a!", Int64)], &envelope(), bad, body.as_bytes());
        let error = read(BadValue::Fail).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        let decoded = read(BadValue::Null).unwrap();
        assert_eq!(rows(&decoded), ["NULL"]);
        assert!(decoded.batch.schema().field(0).is_nullable());
    }
}
