//! Predicates as text, in all versions.

use tidegate_spec::ODataVersion::{self, V2, V4, V401};

use super::render;
use crate::test_support::{self as columns, table};
use crate::{CompareOp, LikeKind, Predicate, Scalar};

fn compare(column: usize, op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column, op, value }
}

fn eq(column: usize, value: i64) -> Predicate {
    compare(column, CompareOp::Eq, Scalar::Int(value))
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

fn like(kind: LikeKind, value: &str, negated: bool) -> Predicate {
    Predicate::Like { column: columns::NAME, kind, text: value.to_owned(), negated }
}

fn within(column: usize, values: &[i64], negated: bool) -> Predicate {
    Predicate::In { column, values: values.iter().map(|&value| Scalar::Int(value)).collect(), negated }
}

fn check(version: ODataVersion, predicate: &Predicate, expected: &str) {
    assert_eq!(render(&table(version), version, predicate).unwrap(), expected);
}

#[test]
fn comparisons() {
    for (op, expected) in [
        (CompareOp::Eq, "ID eq 5"),
        (CompareOp::NotEq, "ID ne 5"),
        (CompareOp::Lt, "ID lt 5"),
        (CompareOp::LtEq, "ID le 5"),
        (CompareOp::Gt, "ID gt 5"),
        (CompareOp::GtEq, "ID ge 5"),
    ] {
        check(V4, &compare(columns::ID, op, Scalar::Int(5)), expected);
    }
    check(V4, &compare(columns::CITY, CompareOp::Eq, text("O'Port")), "Address/City eq 'O''Port'");
    check(V4, &compare(columns::SIZE, CompareOp::Eq, text("ü")), "Größe eq 'ü'");
    check(V2, &eq(columns::SERIAL, 5), "Serial eq 5L");
}

#[test]
fn null_satisfies_no_comparison() {
    check(V4, &compare(columns::NAME, CompareOp::NotEq, text("x")), "Name ne 'x' and Name ne null");
    check(V4, &within(columns::SERIAL, &[1, 2], true), "Serial ne 1 and Serial ne 2 and Serial ne null");
    check(V4, &within(columns::ID, &[1, 2], true), "ID ne 1 and ID ne 2");
    check(V4, &like(LikeKind::Contains, "x", true), "not contains(Name,'x') and Name ne null");
    check(V4, &Predicate::IsNull { column: columns::NAME, negated: false }, "Name eq null");
    check(V4, &Predicate::IsNull { column: columns::NAME, negated: true }, "Name ne null");
}

#[test]
fn lists() {
    check(V401, &within(columns::ID, &[1, 2, 3], false), "ID in (1,2,3)");
    check(V401, &within(columns::ID, &[1], false), "ID in (1)");
    check(V401, &within(columns::ID, &[1, 2], true), "ID ne 1 and ID ne 2");
    check(V4, &within(columns::ID, &[1, 2, 3], false), "ID eq 1 or ID eq 2 or ID eq 3");
    check(V4, &within(columns::ID, &[1], false), "ID eq 1");
}

#[test]
fn patterns() {
    check(V4, &like(LikeKind::StartsWith, "50% 'off'", false), "startswith(Name,'50% ''off''')");
    check(V4, &like(LikeKind::EndsWith, "x", false), "endswith(Name,'x')");
    check(V4, &like(LikeKind::Contains, "x", false), "contains(Name,'x')");
    check(V2, &like(LikeKind::Contains, "x", false), "substringof('x',Name)");
    check(V2, &like(LikeKind::StartsWith, "x", true), "not startswith(Name,'x') and Name ne null");
}

#[test]
fn parentheses() {
    let name = |op| compare(columns::NAME, op, text("x"));
    let or = Predicate::Or(vec![eq(columns::ID, 1), name(CompareOp::NotEq)]);
    check(V4, &or, "ID eq 1 or (Name ne 'x' and Name ne null)");
    let and = Predicate::And(vec![eq(columns::ID, 1), or, within(columns::ID, &[1, 2], false)]);
    check(V4, &and, "ID eq 1 and (ID eq 1 or (Name ne 'x' and Name ne null)) and (ID eq 1 or ID eq 2)");
    let nested = Predicate::Or(vec![Predicate::And(vec![eq(columns::ID, 1), eq(columns::ID, 2)]), eq(columns::ID, 3)]);
    check(V4, &nested, "(ID eq 1 and ID eq 2) or ID eq 3");
    check(
        V401,
        &Predicate::And(vec![within(columns::ID, &[1, 2], false), eq(columns::ID, 3)]),
        "ID in (1,2) and ID eq 3",
    );
}

#[test]
fn what_cannot_be_written_is_refused() {
    let table = table(V4);
    for (predicate, expected) in [
        (Predicate::And(Vec::new()), "without conditions"),
        (Predicate::Or(Vec::new()), "without conditions"),
        (within(columns::ID, &[], false), "without conditions"),
        (compare(columns::ID, CompareOp::Eq, text("x")), "column id: OData has no literal"),
        (compare(99, CompareOp::Eq, text("x")), "no column number 99"),
    ] {
        let error = render(&table, V4, &predicate).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(render(&table, V401, &within(columns::ID, &[], false)).is_err());
    assert!(render(&table, V401, &within(columns::NAME, &[], true)).is_ok_and(|text| text == "Name ne null"));
}
