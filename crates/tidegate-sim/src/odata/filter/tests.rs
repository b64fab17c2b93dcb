//! Filters against hand-written expectations from the URL conventions.

use crate::config::Collation;
use crate::data::Source;
use crate::data::changes::Data;
use crate::data::decimal::Decimal;
use crate::data::sales::{ADDRESS, KIND};
use crate::data::schema::{EntitySet, Type, null};
use crate::data::value::{Value, parse_guid};

use super::ast::Dialect;
use super::eval::Row;
use super::parser::{parse_filter, parse_orderby};

/// Row 0 has values, row 1 is null in every column, row 2 has other values.
static SET: EntitySet = EntitySet {
    id: 0,
    name: "Things",
    type_name: "Thing",
    columns: &[
        null("S", Type::Str(None)),
        null("N", Type::Int32),
        null("L", Type::Int64),
        null("D", Type::Decimal { precision: 20, scale: 4 }),
        null("F", Type::Double),
        null("B", Type::Bool),
        null("Day", Type::Date),
        null("Clock", Type::Time),
        null("At", Type::Stamp),
        null("G", Type::Guid),
        null("K", Type::Enum(&KIND)),
        null("A", Type::Complex(&ADDRESS)),
        null("Tags", Type::Strings),
    ],
    key: &[1],
    navs: &[],
    value: cell,
    find: |_, _| None,
};

fn cell(_: &Source, row: u64, column: usize) -> Value {
    let text = |s: &str| Value::Str(s.to_owned());
    let guid = |s: &str| parse_guid(s).map_or(Value::Null, Value::Guid);
    match (row, column) {
        (1, _) => Value::Null,
        (0, 0) => text("O'Neil "),
        (0, 1) => Value::Int(5),
        (0, 2) => Value::Int(9_007_199_254_740_993),
        (0, 3) => Value::Dec(Decimal::new(1_000, 4)),
        (0, 4) => Value::Double(0.1),
        (0, 5) => Value::Bool(true),
        (0, 6) => Value::Date(19_782),
        (0, 7) => Value::Time(34_200_000_000_000),
        (0, 8) => Value::Stamp(1_709_200_800_250_000_000),
        (0, 9) => guid("01234567-89ab-cdef-0123-456789abcdef"),
        (0, 10) => Value::Enum(1),
        (0, 11) => Value::Complex(vec![text("Zürich"), Value::Null]),
        (0, 12) => Value::List(vec!["x".to_owned(), "y".to_owned()]),
        (_, 0) => text("plain%_\\"),
        (_, 1) => Value::Int(-7),
        (_, 2) => Value::Int(9_007_199_254_740_992),
        (_, 3) => Value::Dec(Decimal::new(99_999_999_999_999_999, 4)),
        (_, 4) => Value::Double(2.5),
        (_, 5) => Value::Bool(false),
        (_, 6) => Value::Date(0),
        (_, 7) => Value::Time(0),
        (_, 8) => Value::Stamp(0),
        (_, 9) => Value::Guid(0),
        (_, 10) => Value::Enum(3),
        (_, 11) => Value::Complex(vec![text("Austin"), text("US")]),
        (_, _) => Value::List(Vec::new()),
    }
}

fn kept(filter: &str, dialect: Dialect, collation: Collation) -> Result<Vec<u64>, u16> {
    let expr = parse_filter(filter, &SET, dialect).map_err(|f| f.status)?;
    let source = Source { seed: 0, sizes: vec![3] };
    let data = Data { source: &source, changes: None };
    let keeps = |row: &u64| Row { data, set: &SET, row: *row, collation, dialect }.keeps(&expr);
    Ok((0..3).filter(keeps).collect())
}

fn check(dialect: Dialect, cases: &[(&str, Result<&[u64], u16>)]) {
    for (filter, want) in cases {
        let got = kept(filter, dialect, Collation::Binary);
        assert_eq!(got, want.map(<[u64]>::to_vec), "{filter}");
    }
}

#[test]
fn null_is_a_value_for_equality_only() {
    check(
        Dialect::V4,
        &[
            ("N eq 5", Ok(&[0])),
            ("N ne 5", Ok(&[1, 2])),
            ("N eq null", Ok(&[1])),
            ("N ne null", Ok(&[0, 2])),
            ("null eq N", Ok(&[1])),
            ("null ne 5", Ok(&[0, 1, 2])),
            ("N gt 0", Ok(&[0])),
            ("N le 0", Ok(&[2])),
            ("N lt null", Ok(&[])),
            ("N ge null", Ok(&[1])),
            // A comparison with null is false, not null: its negation is true.
            ("not (N gt 0)", Ok(&[1, 2])),
            ("not (N eq 5)", Ok(&[1, 2])),
            // A function of null is null, and so is its negation.
            ("not contains(S,'plain')", Ok(&[0])),
            ("contains(S,'plain') eq null", Ok(&[1])),
            ("not null", Ok(&[])),
            ("null or N eq 5", Ok(&[0])),
            ("null and N eq 5", Ok(&[])),
            // Null and false is false, so its negation is true; null and true is null.
            ("not (null and N eq 5)", Ok(&[1, 2])),
            ("not (B and N eq 5)", Ok(&[1, 2])),
            ("B", Ok(&[0])),
            ("not B", Ok(&[2])),
            ("B ne true", Ok(&[1, 2])),
            ("N in (5,null)", Ok(&[0, 1])),
            ("not (N in (5,6))", Ok(&[1, 2])),
            ("A eq null", Ok(&[1])),
            ("A/City ne null", Ok(&[0, 2])),
            ("A/Country eq null", Ok(&[0, 1])),
        ],
    );
}

#[test]
fn numbers_are_exact() {
    check(
        Dialect::V4,
        &[
            ("L eq 9007199254740993", Ok(&[0])),
            ("L gt 9007199254740992", Ok(&[0])),
            ("D eq 0.1", Ok(&[0])),
            ("D eq 0.10000", Ok(&[0])),
            ("D lt 0.1000000000000000001", Ok(&[0])),
            ("D eq 9999999999999.9999", Ok(&[2])),
            ("D gt 9999999999999.9998", Ok(&[2])),
            // A decimal literal next to a double becomes a double.
            ("F eq 0.1", Ok(&[0])),
            ("F gt 1e0 and F lt INF", Ok(&[2])),
            ("F eq NaN", Ok(&[])),
            ("N eq -7", Ok(&[2])),
            ("N lt 99999999999999999999", Ok(&[0, 2])),
            ("round(F) eq 3", Ok(&[2])),
            ("floor(D) eq 0 and ceiling(D) eq 1", Ok(&[0])),
        ],
    );
}

#[test]
fn literals_of_every_type() {
    check(
        Dialect::V4,
        &[
            ("S eq 'O''Neil '", Ok(&[0])),
            ("S eq 'O''Neil'", Ok(&[])),
            ("contains(S,'%_\\')", Ok(&[2])),
            ("startswith(tolower(S),'o''n')", Ok(&[0])),
            ("endswith(trim(S),'l')", Ok(&[0])),
            ("length(S) eq 7", Ok(&[0])),
            ("indexof(S,'Neil') eq 2 and substring(S,2,4) eq 'Neil'", Ok(&[0])),
            ("concat(A/City,'!') eq 'Zürich!'", Ok(&[0])),
            ("Day eq 2024-02-29", Ok(&[0])),
            ("Day lt 1970-01-02", Ok(&[2])),
            ("Clock eq 09:30:00.000", Ok(&[0])),
            ("At eq 2024-02-29T10:00:00.250Z", Ok(&[0])),
            ("At eq 2024-02-29T12:00:00.25+02:00", Ok(&[0])),
            ("year(At) eq 2024 and month(Day) eq 2 and minute(Clock) eq 30", Ok(&[0])),
            ("date(At) eq 1970-01-01", Ok(&[2])),
            ("G eq 01234567-89AB-cdef-0123-456789abcdef", Ok(&[0])),
            ("K eq Sales.Kind'Supplier'", Ok(&[0])),
            ("K eq Sales.Kind'3'", Ok(&[2])),
            ("Tags/any(t:t eq 'x')", Ok(&[0])),
            ("Tags/any()", Ok(&[0])),
            ("true", Ok(&[0, 1, 2])),
            ("B eq true or N eq -7 and F gt 3", Ok(&[0])),
            ("(B eq true or N eq -7) and F gt 3", Ok(&[])),
        ],
    );
}

#[test]
fn mistakes_are_refused() {
    let deep = "(".repeat(3_000) + "true";
    check(
        Dialect::V4,
        &[
            ("", Err(400)),
            ("N", Err(400)),
            ("Missing eq 1", Err(400)),
            ("N eq '5'", Err(400)),
            ("S eq 5", Err(400)),
            ("Day eq 2024-02-29T00:00:00Z", Err(400)),
            ("Day eq 2023-02-29", Err(400)),
            ("At eq '2024-02-29T10:00:00Z'", Err(400)),
            ("G eq '01234567-89ab-cdef-0123-456789abcdef'", Err(400)),
            ("K eq 'Supplier'", Err(400)),
            ("K eq Sales.Kind'Nobody'", Err(400)),
            // `not` binds more tightly than `eq`.
            ("not S eq 'x'", Err(400)),
            ("N+eq+5", Err(400)),
            ("N  eq  5 and", Err(400)),
            ("(N eq 5", Err(400)),
            ("N eq 5)", Err(400)),
            ("N eq 5 or(N eq 6)", Err(400)),
            ("S eq 'open", Err(400)),
            ("N EQ 5", Err(400)),
            ("N = 5", Err(400)),
            ("N eq 5L", Err(400)),
            ("D eq 1.5M", Err(400)),
            ("N in ()", Err(400)),
            ("N in (1,'x')", Err(400)),
            ("contains(S)", Err(400)),
            ("contains(N,'5')", Err(400)),
            ("substringof('x',S)", Err(400)),
            ("At eq datetime'2024-02-29T10:00:00'", Err(400)),
            ("A eq 'x'", Err(400)),
            ("A/Street eq 'x'", Err(400)),
            ("Tags eq 'x'", Err(400)),
            ("N add 1 eq 6", Err(501)),
            (&deep, Err(400)),
        ],
    );
}

#[test]
fn version_two_has_its_own_literals() {
    check(
        Dialect::V2,
        &[
            ("At eq datetime'2024-02-29T10:00:00.25'", Ok(&[0])),
            ("Day ge datetime'2024-02-29T00:00:00'", Ok(&[0])),
            ("G eq guid'01234567-89ab-cdef-0123-456789abcdef'", Ok(&[0])),
            ("Clock eq time'PT9H30M'", Ok(&[0])),
            ("L eq 9007199254740993L", Ok(&[0])),
            ("D eq 0.1M and F eq 0.1d", Ok(&[0])),
            ("substringof('Neil',S)", Ok(&[0])),
            ("K eq 1", Ok(&[0])),
            ("N ge null", Ok(&[])),
            ("contains(S,'x')", Err(400)),
            ("N in (5)", Err(400)),
            ("Day eq 2024-02-29", Err(400)),
            ("Day eq datetime'2024-02-29T00:00:00Z'", Err(400)),
        ],
    );
}

#[test]
fn collation_folds_case_and_trailing_blanks() {
    let cases: [(&str, &[u64], &[u64]); 5] = [
        ("S eq 'o''neil'", &[], &[0]),
        ("S ne 'O''NEIL'", &[0, 1, 2], &[1, 2]),
        ("S in ('PLAIN%_\\')", &[], &[2]),
        ("contains(S,'NEIL')", &[], &[0]),
        ("endswith(S,'NEIL')", &[], &[]),
    ];
    for (filter, binary, folded) in cases {
        assert_eq!(kept(filter, Dialect::V4, Collation::Binary).unwrap(), binary, "{filter}");
        assert_eq!(kept(filter, Dialect::V4, Collation::CaseInsensitive).unwrap(), folded, "{filter}");
    }
}

#[test]
fn orderby_reads_keys_and_directions() {
    let directions = |text| {
        let keys = parse_orderby(text, &SET, Dialect::V4).map_err(|f| f.status)?;
        Ok(keys.iter().map(|(_, desc)| *desc).collect::<Vec<_>>())
    };
    assert_eq!(directions("N desc, A/City,length(S) asc"), Ok(vec![true, false, false]));
    for bad in ["N down", "Missing", "N,", "A", "Tags"] {
        assert_eq!(directions(bad), Err(400), "{bad}");
    }
}
