//! Which scans a filter takes where an endpoint needs filters, or takes short lists.

use tidegate_spec::{Endpoint, EndpointKind, FilterForm, ODataVersion, Operator, Table};

use crate::pushdown::{CannotAsk, MAX_ALTERNATIVES, alternatives, fewest_alternatives};
use crate::render::testing::*;
use crate::test_support::{self as columns, table};
use crate::{CompareOp, Predicate, Scalar};

fn eq(column: usize, text: &str) -> Predicate {
    Predicate::Compare { column, op: CompareOp::Eq, value: Scalar::Text(text.to_owned()) }
}

fn within(column: usize, values: &[&str]) -> Predicate {
    let values = values.iter().map(|text| Scalar::Text((*text).to_owned())).collect();
    Predicate::In { column, values, negated: false }
}

fn and(parts: &[Predicate]) -> Predicate {
    Predicate::And(parts.to_vec())
}

/// Issues of a repository: owner (name) and repository (city) in the path, and more filters behind.
fn issues() -> Endpoint {
    let ids = FilterForm { list: list(joined(","), 2), ..form(columns::GUID, Operator::In, query("ids")) };
    let endpoint = with_forms(vec![
        form(columns::NAME, Operator::Eq, segment("owner")),
        form(columns::CITY, Operator::Eq, segment("repo")),
        form(columns::ID, Operator::Eq, query("id")),
        ids,
    ]);
    Endpoint { path: "repos/{owner}/{repo}/issues".to_owned(), ..requiring(endpoint, &[columns::NAME]) }
}

fn shown(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => text.chars().take(8).collect(),
        other => format!("{other:?}"),
    }
}

fn leaf(predicate: &Predicate) -> String {
    match predicate {
        Predicate::And(parts) => parts.iter().map(leaf).collect::<Vec<_>>().join(" & "),
        Predicate::Compare { column, value, .. } => format!("{column}={}", shown(value)),
        Predicate::In { column, values, .. } => {
            format!("{column} in {}", values.iter().map(shown).collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}

/// Each alternative, then its keys in brackets; or why there is none.
fn check(table: &Table, filter: Option<Predicate>, expected: &[&str]) {
    let lines: Vec<String> = match alternatives(table, 0, filter.as_ref()) {
        Err(error) => vec![error.message(table)],
        Ok(asked) => {
            let keys = |keys: &[(usize, Vec<Scalar>)]| {
                let key = |(column, values): &(usize, Vec<Scalar>)| {
                    format!(" [{column}: {}]", values.iter().map(shown).collect::<Vec<_>>().join(","))
                };
                keys.iter().map(key).collect::<String>()
            };
            let sent = |predicate: &Option<Predicate>| predicate.as_ref().map_or("all".to_owned(), leaf);
            asked.iter().map(|one| format!("{}{}", sent(&one.pushed.predicate), keys(&one.keys))).collect()
        }
    };
    assert_eq!(lines, expected, "{filter:?}");
}

#[test]
fn what_is_missing_is_named_at_once() {
    let table = read_by(issues());
    let none = "table accounts can only be read with a filter on name (= or IN) and on city (= or IN)";
    check(&table, None, &[none]);
    check(&table, Some(Predicate::Compare { column: columns::ID, op: CompareOp::Eq, value: Scalar::Int(1) }), &[none]);
    let city = "table accounts can only be read with a filter on city (= or IN)";
    check(&table, Some(eq(columns::NAME, "a")), &[city]);
    check(&table, Some(Predicate::Or(vec![eq(columns::NAME, "a"), eq(columns::CITY, "b")])), &[none]);
    let empty = "table accounts can only be read with a filter on city (= or IN, with another value)";
    check(&table, Some(and(&[eq(columns::NAME, "a"), eq(columns::CITY, "..")])), &[empty]);
    check(&table, Some(and(&[eq(columns::NAME, "a"), within(columns::CITY, &["x", ""])])), &[empty]);
    let over = Predicate::Compare { column: columns::NAME, op: CompareOp::Gt, value: Scalar::Text("a".into()) };
    check(
        &table,
        Some(and(&[over, eq(columns::CITY, "b")])),
        &["table accounts can only be read with a filter on name (= or IN)"],
    );
}

#[test]
fn lists_fan_out() {
    let table = read_by(issues());
    check(&table, Some(and(&[eq(columns::NAME, "a"), eq(columns::CITY, "b")])), &["1=a & 11=b"]);
    check(
        &table,
        Some(and(&[within(columns::NAME, &["a", "b", "a"]), eq(columns::CITY, "c")])),
        &["1=a & 11=c [1: a]", "1=b & 11=c [1: b]"],
    );
    check(
        &table,
        Some(and(&[within(columns::NAME, &["a", "b"]), and(&[within(columns::CITY, &["c", "d"])])])),
        &[
            "1=a & 11=c [1: a] [11: c]",
            "1=a & 11=d [1: a] [11: d]",
            "1=b & 11=c [1: b] [11: c]",
            "1=b & 11=d [1: b] [11: d]",
        ],
    );
    // An `=` needs no list, and of two lists the shorter does.
    check(
        &table,
        Some(and(&[within(columns::NAME, &["a", "b"]), eq(columns::NAME, "b"), eq(columns::CITY, "c")])),
        &["1=b & 11=c"],
    );
    check(
        &table,
        Some(and(&[within(columns::NAME, &["a", "b"]), within(columns::NAME, &["b"]), eq(columns::CITY, "c")])),
        &["1=b & 11=c"],
    );
}

#[test]
fn long_lists_are_divided() {
    let guids = [
        "00000000-4889-4388-9e0a-2e19b3c9409a",
        "11111111-4889-4388-9e0a-2e19b3c9409a",
        "22222222-4889-4388-9e0a-2e19b3c9409a",
    ];
    let table = read_by(issues());
    let path = [eq(columns::NAME, "a"), eq(columns::CITY, "c")];
    let with = |list: Predicate| Some(and(&[path[0].clone(), path[1].clone(), list]));
    check(
        &table,
        with(within(columns::GUID, &guids)),
        &["7 in 00000000,11111111 & 1=a & 11=c [7: 00000000,11111111]", "7 in 22222222 & 1=a & 11=c [7: 22222222]"],
    );
    check(&table, with(within(columns::GUID, &guids[..2])), &["1=a & 11=c & 7 in 00000000,11111111"]);
    // A URL without room for them would ask for the same rows twice.
    let mut short = issues();
    short.max_url_length = 520;
    check(&read_by(short), with(within(columns::GUID, &guids)), &["1=a & 11=c"]);

    let mut by_ids = Endpoint { kind: EndpointKind::GetMany, ..with_forms(vec![issues().filters.forms[3].clone()]) };
    by_ids.filters.forms[0].list.max = 100;
    by_ids.max_url_length = 512 + 100;
    let by_ids = read_by(requiring(by_ids, &[columns::GUID]));
    let [a, b, c] = guids;
    check(
        &by_ids,
        Some(within(columns::GUID, &[a, b, c, a])),
        &["7 in 00000000,11111111 [7: 00000000,11111111]", "7 in 22222222 [7: 22222222]"],
    );
    check(&by_ids, Some(eq(columns::GUID, a)), &["7 in 00000000"]);
}

#[test]
fn there_is_an_end_to_it() {
    let names: Vec<String> = (0..200).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = read_by(issues());
    let filter = and(&[within(columns::NAME, &names), within(columns::CITY, &names)]);
    let error = alternatives(&table, 0, Some(&filter)).unwrap_err();
    assert_eq!(error, CannotAsk::TooMany { alternatives: 40_000, columns: vec![columns::NAME, columns::CITY] });
    assert!(error.message(&table).contains("40000 scans"), "{}", error.message(&table));
    let fits = and(&[within(columns::NAME, &names), within(columns::CITY, &names[..50])]);
    assert_eq!(alternatives(&table, 0, Some(&fits)).unwrap().len(), MAX_ALTERNATIVES);
}

#[test]
fn odata_is_asked_once() {
    let table = table(ODataVersion::V4);
    check(&table, None, &["all"]);
    check(&table, Some(within(columns::NAME, &["a", "b"])), &["1 in a,b"]);
    check(&table, Some(and(&[eq(columns::NAME, "a"), eq(columns::CITY, "b")])), &["1=a & 11=b"]);
    assert_eq!(alternatives(&table, 9, None).unwrap().len(), 1);
    // A list that is too long for a URL is asked for in several, or not at all.
    let names: Vec<String> = (0..400).map(|number| format!("{number:0>30}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let long = within(columns::NAME, &names);
    let divided = alternatives(&table, 0, Some(&long)).unwrap();
    assert!((2..20).contains(&divided.len()) && divided.iter().all(|one| one.pushed.predicate.is_some()));
    assert_eq!(divided.iter().map(|one| one.keys[0].1.len()).sum::<usize>(), names.len());
    let whole = fewest_alternatives(&table, 0, Some(&long)).unwrap();
    assert_eq!(whole.iter().map(|one| one.pushed.predicate.clone()).collect::<Vec<_>>(), [None]);
}
