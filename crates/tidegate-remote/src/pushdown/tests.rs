//! What is pushed of single predicates; `property` holds random ones against their meaning.

mod alternatives;
mod languages;
mod property;

use tidegate_spec::{Exactness, ODataVersion, Operator, Table};

use super::push_filter;
use crate::odata::filter::render;
use crate::test_support::{self as columns, table};
use crate::{CompareOp, LikeKind, Predicate, Scalar};

const V4: ODataVersion = ODataVersion::V4;

fn compare(column: usize, op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column, op, value }
}

fn eq(column: usize, value: i64) -> Predicate {
    compare(column, CompareOp::Eq, Scalar::Int(value))
}

fn name(op: CompareOp, text: &str) -> Predicate {
    compare(columns::NAME, op, Scalar::Text(text.to_owned()))
}

fn within(column: usize, values: &[i64], negated: bool) -> Predicate {
    Predicate::In { column, values: values.iter().map(|&value| Scalar::Int(value)).collect(), negated }
}

fn like(text: &str, negated: bool) -> Predicate {
    Predicate::Like { column: columns::NAME, kind: LikeKind::StartsWith, text: text.to_owned(), negated }
}

/// The table with other operators on one column.
fn declaring(mut table: Table, column: usize, operators: &[(Operator, Exactness)]) -> Table {
    let filters = &mut table.endpoints[0].filters;
    filters.columns.retain(|entry| entry.column != column);
    filters.columns.push(tidegate_spec::ColumnFilter { column, operators: operators.to_vec(), required: false });
    table
}

/// What is pushed, as OData, after `exactly` or `about`: whether it means the same.
fn check(table: &Table, filter: &Predicate, expected: &str) {
    let version = match table.endpoints[0].filters.dialect {
        Some(tidegate_spec::Dialect::OData(version)) => version,
        _ => V4,
    };
    let pushed = push_filter(table, 0, filter);
    let text =
        pushed.predicate.as_ref().map_or("nothing".to_owned(), |predicate| render(table, version, predicate).unwrap());
    let shown = format!("{}: {text}", if pushed.exact { "exactly" } else { "about" });
    assert_eq!(shown, expected, "{filter:?}");
}

#[test]
fn conjuncts_that_are_not_declared_stay_behind() {
    let table = declaring(table(V4), columns::NAME, &[(Operator::Eq, Exactness::Superset)]);
    let id = eq(columns::ID, 1);
    check(&table, &id, "exactly: ID eq 1");
    check(&table, &name(CompareOp::Eq, "x"), "about: Name eq 'x'");
    check(&table, &name(CompareOp::Lt, "x"), "about: nothing");
    check(&table, &Predicate::And(vec![id.clone(), name(CompareOp::Lt, "x")]), "about: ID eq 1");
    check(
        &table,
        &Predicate::And(vec![name(CompareOp::Eq, "x"), name(CompareOp::Eq, "y")]),
        "about: Name eq 'x' and Name eq 'y'",
    );
    check(&table, &Predicate::Or(vec![id.clone(), name(CompareOp::Lt, "x")]), "about: nothing");
    let weak = Predicate::And(vec![name(CompareOp::Lt, "x"), eq(columns::SERIAL, 2)]);
    check(&table, &Predicate::Or(vec![id, weak]), "about: ID eq 1 or Serial eq 2");
}

#[test]
fn or_has_to_be_declared() {
    let mut table = table(V4);
    table.endpoints[0].filters.or = false;
    let or = Predicate::Or(vec![eq(columns::ID, 1), eq(columns::ID, 2)]);
    check(&table, &or, "about: nothing");
    check(&table, &within(columns::ID, &[1, 2], false), "about: nothing");
    check(&table, &within(columns::ID, &[1], false), "exactly: ID eq 1");
    check(&table, &within(columns::ID, &[1, 2], true), "exactly: ID ne 1 and ID ne 2");
}

#[test]
fn lists_fall_back_to_comparisons() {
    let equal = declaring(table(V4), columns::ID, &[(Operator::Eq, Exactness::Exact)]);
    check(&equal, &within(columns::ID, &[1, 2], false), "exactly: ID eq 1 or ID eq 2");
    check(&equal, &within(columns::ID, &[1, 2], true), "about: nothing");
    check(&table(ODataVersion::V401), &within(columns::ID, &[1, 2], false), "exactly: ID in (1,2)");
    let only_in = declaring(table(V4), columns::ID, &[(Operator::In, Exactness::Exact)]);
    check(&only_in, &within(columns::ID, &[1, 2], false), "exactly: ID eq 1 or ID eq 2");
    check(&only_in, &eq(columns::ID, 1), "about: nothing");
}

#[test]
fn patterns_and_nulls() {
    let table_ = table(V4);
    check(&table_, &like("x", false), "exactly: startswith(Name,'x')");
    check(&table_, &like("x", true), "exactly: not startswith(Name,'x') and Name ne null");
    check(&table_, &like("", false), "exactly: Name ne null");
    check(&table_, &like("", true), "about: nothing");
    let photo = |negated| Predicate::IsNull { column: columns::PHOTO, negated };
    check(&table_, &photo(true), "exactly: Photo ne null");
    check(&table_, &compare(columns::PHOTO, CompareOp::Eq, Scalar::Text("AA".into())), "about: nothing");
}

#[test]
fn values_have_to_fit_their_column() {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let decimal = |value, scale| Scalar::Decimal { value, scale };
    let guid = "000061bf-4889-4388-9e0a-2e19b3c9409a";
    let upper = guid.to_uppercase();
    let cases: &[(usize, CompareOp, Scalar, &str)] = &[
        (columns::ID, Eq, Scalar::Int(i64::from(i32::MAX)), "exactly: ID eq 2147483647"),
        (columns::ID, Eq, Scalar::Int(1 << 31), "about: nothing"),
        (columns::ID, Eq, Scalar::Float(1.0), "about: nothing"),
        (columns::ACTIVE, NotEq, Scalar::Bool(true), "exactly: Active ne true and Active ne null"),
        (columns::REVENUE, Eq, decimal(15, 1), "exactly: Revenue eq 1.5"),
        (columns::REVENUE, Eq, decimal(1500, 3), "exactly: Revenue eq 1.5"),
        (columns::REVENUE, Lt, decimal(1005, 3), "about: Revenue le 1.01"),
        (columns::REVENUE, GtEq, decimal(-1005, 3), "about: Revenue ge -1.01"),
        (columns::REVENUE, Eq, decimal(1005, 3), "about: Revenue ge 1 and Revenue le 1.01"),
        (columns::REVENUE, NotEq, decimal(1005, 3), "about: nothing"),
        (columns::REVENUE, Eq, decimal(9_999_999_999_999, 0), "exactly: Revenue eq 9999999999999"),
        (columns::REVENUE, Eq, decimal(10_000_000_000_000, 0), "about: nothing"),
        (columns::REVENUE, Eq, decimal(i128::MAX, -10), "about: nothing"),
        (columns::REVENUE, Eq, decimal(5, -2), "exactly: Revenue eq 500"),
        (columns::RATING, Gt, Scalar::Float(0.5), "exactly: Rating gt 0.5"),
        (columns::RATING, Gt, Scalar::Float(f64::INFINITY), "about: nothing"),
        (columns::RATING, Eq, Scalar::Float(f64::NAN), "about: nothing"),
        (columns::RATING, Gt, Scalar::Float(0.0), "exactly: Rating gt 0"),
        (columns::RATING, Lt, Scalar::Float(0.0), "about: Rating le 0"),
        (columns::RATING, NotEq, Scalar::Float(0.0), "about: nothing"),
        (columns::WEIGHT, Lt, Scalar::Float(0.5), "about: Weight le 0.50000006"),
        (columns::WEIGHT, Eq, Scalar::Float(0.5), "about: Weight ge 0.49999997 and Weight le 0.50000006"),
        (columns::WEIGHT, Eq, Scalar::Float(1e300), "about: nothing"),
        (columns::NAME, Eq, Scalar::Text("a\nb".into()), "about: nothing"),
        (columns::NAME, Eq, Scalar::Text("a\0".into()), "about: nothing"),
        (columns::NAME, Eq, Scalar::Text("50% 🌊 o'x".into()), "exactly: Name eq '50% 🌊 o''x'"),
        (columns::GUID, Eq, Scalar::Text(guid.into()), "exactly: Guid eq 000061bf-4889-4388-9e0a-2e19b3c9409a"),
        (columns::GUID, Eq, Scalar::Text(upper.clone()), "about: Guid eq 000061BF-4889-4388-9E0A-2E19B3C9409A"),
        (columns::GUID, NotEq, Scalar::Text(upper), "about: nothing"),
        (columns::GUID, Eq, Scalar::Text("1 or 1 eq 1".into()), "about: nothing"),
        (columns::GUID, Eq, Scalar::Text("000061bf-4889-4388-9e0a-2e19b3c9409g".into()), "about: nothing"),
        (columns::FOUNDED, Lt, Scalar::Date(0), "exactly: Founded lt 1970-01-01"),
        (columns::FOUNDED, Lt, Scalar::Date(2_932_896), "exactly: Founded lt 9999-12-31"),
        (columns::FOUNDED, Lt, Scalar::Date(2_932_897), "about: nothing"),
        (columns::FOUNDED, Gt, Scalar::Date(-719_163), "about: nothing"),
        (columns::CREATED, Lt, Scalar::Timestamp(1000), "exactly: Created lt 1970-01-01T00:00:00.001Z"),
        (columns::CREATED, Lt, Scalar::Timestamp(1001), "about: Created le 1970-01-01T00:00:00.002Z"),
        (columns::CREATED, Gt, Scalar::Timestamp(-1), "about: Created ge 1969-12-31T23:59:59.999Z"),
        (columns::CREATED, Lt, Scalar::Timestamp(i64::MAX), "about: nothing"),
        (columns::LOCAL, LtEq, Scalar::Timestamp(0), "exactly: Local le 1970-01-01T00:00:00Z"),
        (columns::OPENS, LtEq, Scalar::Time(43_200_000_000), "exactly: Opens le 12:00:00"),
        (columns::OPENS, LtEq, Scalar::Time(43_200_500_000), "about: Opens le 12:00:01"),
        (columns::OPENS, LtEq, Scalar::Time(86_399_500_000), "about: nothing"),
        (columns::OPENS, Gt, Scalar::Time(-1), "about: nothing"),
    ];
    for (column, op, value, expected) in cases {
        check(&table(V4), &compare(*column, *op, value.clone()), expected);
    }
}

#[test]
fn lists_of_values_that_do_not_fit() {
    let table = table(ODataVersion::V401);
    let list = |values: &[i64], negated| Predicate::In {
        column: columns::CREATED,
        values: values.iter().map(|&micros| Scalar::Timestamp(micros)).collect(),
        negated,
    };
    check(&table, &list(&[1000], false), "exactly: Created in (1970-01-01T00:00:00.001Z)");
    check(
        &table,
        &list(&[0, 1500], false),
        "about: Created eq 1970-01-01T00:00:00Z or (Created ge 1970-01-01T00:00:00.001Z and Created le 1970-01-01T00:00:00.002Z)",
    );
    check(&table, &list(&[0, 1500], true), "about: Created ne 1970-01-01T00:00:00Z and Created ne null");
    check(&table, &within(columns::ID, &[1, 1 << 40], false), "about: nothing");
}

#[test]
fn long_filters_lose_their_longest_parts() {
    let mut table = table(V4);
    table.endpoints[0].max_url_length = 512 + 60;
    let short = eq(columns::ID, 1);
    let long = name(CompareOp::Eq, &"x".repeat(80));
    let encoded = name(CompareOp::Eq, &"ü".repeat(12));
    check(&table, &short, "exactly: ID eq 1");
    check(&table, &long, "about: nothing");
    check(&table, &encoded, "about: nothing");
    check(
        &table,
        &Predicate::And(vec![long, short.clone(), encoded, eq(columns::SERIAL, 2)]),
        "about: ID eq 1 and Serial eq 2",
    );
    check(&table, &Predicate::Or((0..30).map(|id| eq(columns::ID, id)).collect()), "about: nothing");
    table.endpoints[0].max_url_length = 100;
    check(&table, &short, "about: nothing");
}

#[test]
fn an_endpoint_without_filters_is_asked_for_none() {
    let mut without = table(V4);
    without.endpoints[0].filters.dialect = None;
    assert_eq!(push_filter(&without, 0, &eq(columns::ID, 1)).predicate, None);
    assert_eq!(push_filter(&without, 7, &eq(columns::ID, 1)).predicate, None);
    check(&table(V4), &Predicate::And(Vec::new()), "about: nothing");
    check(&table(V4), &Predicate::Or(Vec::new()), "about: nothing");
    check(&table(V4), &eq(99, 1), "about: nothing");
}

#[test]
fn patterns_are_for_text() {
    let guid = Predicate::Like { column: columns::GUID, kind: LikeKind::StartsWith, text: "0".into(), negated: false };
    check(&table(V4), &guid, "about: nothing");
}
