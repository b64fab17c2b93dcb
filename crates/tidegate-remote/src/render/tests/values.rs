//! Values, lists and terms: what is pushed of a filter, and how it is then written.

use serde_json::json;
use tidegate_spec::{Endpoint, FilterForm, ListStyle, Operator, TextTerm, TimeForm, TimestampFormat, ValueForm};
use url::Url;

use super::super::testing::*;
use super::super::{Range, rows};
use crate::pushdown::push_filter;
use crate::test_support::{self as columns, request};
use crate::{CompareOp, LikeKind, Predicate, Scalar, ScanRequest};

/// What is pushed, as it is written (query, else body), after `exactly` or `about`.
fn pushed(table: tidegate_spec::Table, filter: &Predicate) -> String {
    let pushed = push_filter(&table, 0, filter);
    let how = if pushed.exact { "exactly" } else { "about" };
    if pushed.predicate.is_none() {
        return format!("{how}: nothing");
    }
    let request = ScanRequest { filter: pushed.predicate, ..request(table) };
    let outgoing = rows(&Url::parse("https://h/").unwrap(), &request, &[], Range::default(), &[]).unwrap();
    let query = outgoing.url.query().unwrap_or_default();
    let query = percent_encoding::percent_decode_str(query).decode_utf8().unwrap();
    let body = std::str::from_utf8(&outgoing.body).unwrap();
    format!("{how}: {query}{body}")
}

fn check(endpoint: &Endpoint, filter: &Predicate, expected: &str) {
    assert_eq!(pushed(read_by(endpoint.clone()), filter), expected, "{filter:?}");
}

fn compare(column: usize, op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column, op, value }
}

fn name(text: &str) -> Predicate {
    compare(columns::NAME, CompareOp::Eq, Scalar::Text(text.to_owned()))
}

fn within(column: usize, values: &[&str]) -> Predicate {
    let values = values.iter().map(|text| Scalar::Text((*text).to_owned())).collect();
    Predicate::In { column, values, negated: false }
}

#[test]
fn every_type_has_its_text() {
    let cases = [
        (columns::ID, Scalar::Int(-5), "-5", "-5"),
        (columns::REVENUE, Scalar::Decimal { value: 1050, scale: 2 }, "10.5", "10.5"),
        (columns::ACTIVE, Scalar::Bool(true), "true", "true"),
        (columns::FOUNDED, Scalar::Date(1), "1970-01-02", "\"1970-01-02\""),
        (columns::OPENS, Scalar::Time(3_600_000_000), "01:00:00", "\"01:00:00\""),
        (columns::GUID, Scalar::Text(GUID.into()), GUID, "\"000061bf-4889-4388-9e0a-2e19b3c9409a\""),
        (columns::RATING, Scalar::Float(0.5), "0.5", "0.5"),
        (columns::NAME, Scalar::Text("ü \"x\"".into()), "ü \"x\"", "\"ü \\\"x\\\"\""),
        (columns::CREATED, Scalar::Timestamp(1_500_000), "1970-01-01T00:00:01.500Z", "\"1970-01-01T00:00:01.500Z\""),
        (columns::LOCAL, Scalar::Timestamp(0), "1970-01-01T00:00:00", "\"1970-01-01T00:00:00\""),
    ];
    for (column, value, text, json) in cases {
        let filter = compare(column, CompareOp::Eq, value);
        let at = |place| with_forms(vec![form(column, Operator::Eq, place)]);
        check(&at(query("p")), &filter, &format!("exactly: p={text}"));
        check(&at(body("p")), &filter, &format!("exactly: {{\"p\":{json}}}"));
    }
}

const GUID: &str = "000061bf-4889-4388-9e0a-2e19b3c9409a";

#[test]
fn values_that_a_place_cannot_hold_stay_behind() {
    for (place, held) in [
        (query("p"), &["a b", ".", "a/b"][..]),
        (segment("p"), &["a b", "...", "a/b"]),
        (header("p"), &["a b", ".", "a/b"]),
        (body("p"), &["a b", ".", "", " "]),
    ] {
        let endpoint =
            Endpoint { path: "x".into(), ..with_forms(vec![form(columns::NAME, Operator::Eq, place.clone())]) };
        for text in ["a b", ".", "..", "...", "a/b", "", " ", "a\nb"] {
            let lost = pushed(read_by(endpoint.clone()), &name(text)) == "about: nothing";
            let cannot = match (&place, text) {
                (_, "a\nb") => true,
                (tidegate_spec::Place::Body(_), _) => false,
                (_, "") => true,
                (tidegate_spec::Place::Path(_), "." | "..") => true,
                (tidegate_spec::Place::Header(_), " ") => true,
                _ => false,
            };
            assert_eq!(lost, cannot, "{text:?} at {place:?}");
            assert!(!lost || !held.contains(&text));
        }
    }
}

#[test]
fn values_have_text_around_them_and_other_names() {
    let with = |value: ValueForm| FilterForm { value, ..form(columns::NAME, Operator::Eq, query("p")) };
    let around = ValueForm { before: "eq:".into(), after: "!".into(), ..ValueForm::default() };
    check(&with_forms(vec![with(around.clone())]), &name("x"), "exactly: p=eq:x!");
    let known = ValueForm { known: Some(vec![("Open".into(), "o".into())]), ..around };
    let endpoint = with_forms(vec![with(known.clone())]);
    check(&endpoint, &name("Open"), "exactly: p=eq:o!");
    check(&endpoint, &name("open"), "about: nothing");
    let flag = ValueForm { known: Some(vec![("true".into(), "1".into())]), ..ValueForm::default() };
    let flag = FilterForm { value: flag, ..form(columns::ACTIVE, Operator::Eq, body("f")) };
    let active = |value| compare(columns::ACTIVE, CompareOp::Eq, Scalar::Bool(value));
    check(&with_forms(vec![flag.clone()]), &active(true), "exactly: {\"f\":\"1\"}");
    check(&with_forms(vec![flag]), &active(false), "about: nothing");
    let null = FilterForm {
        value: ValueForm { before: "none".into(), ..ValueForm::default() },
        ..form(columns::NAME, Operator::IsNull, query("p"))
    };
    check(&with_forms(vec![null]), &Predicate::IsNull { column: columns::NAME, negated: false }, "exactly: p=none");
    let like =
        |negated| Predicate::Like { column: columns::NAME, kind: LikeKind::StartsWith, text: "x".into(), negated };
    let prefix = with_forms(vec![form(columns::NAME, Operator::StartsWith, query("p"))]);
    check(&prefix, &like(false), "exactly: p=x");
    check(&with_forms(vec![form(columns::NAME, Operator::NotLike, query("p"))]), &like(true), "about: nothing");
}

#[test]
fn time_forms() {
    use TimeForm::{Date, EpochMillis, EpochSeconds, Millis, Seconds};
    let at = Scalar::Timestamp(86_400_000_000);
    for (time, text) in [
        (Seconds, "1970-01-02T00:00:00Z"),
        (Millis, "1970-01-02T00:00:00.000Z"),
        (Date, "1970-01-02"),
        (EpochSeconds, "86400"),
        (EpochMillis, "86400000"),
    ] {
        let endpoint = with_forms(vec![timed(columns::CREATED, Operator::GtEq, query("p"), time)]);
        check(&endpoint, &compare(columns::CREATED, CompareOp::GtEq, at.clone()), &format!("exactly: p={text}"));
        let dated = with_forms(vec![timed(columns::FOUNDED, Operator::Eq, query("p"), time)]);
        check(&dated, &compare(columns::FOUNDED, CompareOp::Eq, Scalar::Date(1)), &format!("exactly: p={text}"));
    }
    for (format, text) in [
        (TimestampFormat::Iso8601, "1970-01-02T00:00:00Z"),
        (TimestampFormat::MicrosoftJson, "/Date(86400000)/"),
        (TimestampFormat::EpochSeconds, "86400"),
        (TimestampFormat::EpochMillis, "86400000"),
    ] {
        let mut table = read_by(with_forms(vec![form(columns::CREATED, Operator::Eq, query("p"))]));
        table.columns[columns::CREATED].data_type = tidegate_spec::ColumnType::Timestamp { format, instant: true };
        let filter = compare(columns::CREATED, CompareOp::Eq, at.clone());
        assert_eq!(pushed(table, &filter), format!("exactly: p={text}"));
    }
}

#[test]
fn time_forms_that_cut_are_widened() {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    const ALL: [(Operator, &str); 6] = [
        (Operator::Eq, "eq"),
        (Operator::NotEq, "ne"),
        (Operator::Lt, "lt"),
        (Operator::LtEq, "le"),
        (Operator::Gt, "gt"),
        (Operator::GtEq, "ge"),
    ];
    let declaring = |wanted: &[&str]| {
        let forms = ALL.iter().filter(|(_, name)| wanted.contains(name));
        with_forms(forms.map(|(op, name)| timed(columns::CREATED, *op, query(name), TimeForm::Date)).collect())
    };
    let every = ["eq", "ne", "lt", "le", "gt", "ge"];
    let (noon, midnight) = (129_600_000_000, 86_400_000_000);
    let cases: &[(&[&str], CompareOp, i64, &str)] = &[
        (&every, GtEq, midnight, "exactly: ge=1970-01-02"),
        (&every, GtEq, noon, "about: ge=1970-01-02"),
        (&every, Gt, midnight, "about: ge=1970-01-02"),
        (&every, Gt, noon, "about: ge=1970-01-02"),
        (&every, Lt, midnight, "exactly: lt=1970-01-02"),
        (&every, Lt, noon, "about: le=1970-01-03"),
        (&every, LtEq, midnight, "about: le=1970-01-02"),
        (&every, LtEq, noon, "about: le=1970-01-03"),
        (&every, Eq, midnight, "about: eq=1970-01-02"),
        (&every, Eq, noon, "about: ge=1970-01-02&le=1970-01-03"),
        (&every, NotEq, midnight, "about: nothing"),
        (&["gt", "lt"], Gt, midnight, "about: gt=1970-01-01"),
        (&["gt", "lt"], Gt, noon, "about: gt=1970-01-01"),
        (&["gt", "lt"], GtEq, midnight, "about: gt=1970-01-01"),
        (&["gt", "lt"], LtEq, midnight, "about: lt=1970-01-03"),
        (&["gt", "lt"], Lt, noon, "about: lt=1970-01-04"),
        (&["gt", "lt"], Eq, noon, "about: nothing"),
        (&["eq"], Eq, noon, "about: nothing"),
        (&["ge"], Lt, noon, "about: nothing"),
    ];
    for (declared, op, micros, expected) in cases {
        check(&declaring(declared), &compare(columns::CREATED, *op, Scalar::Timestamp(*micros)), expected);
    }
}

#[test]
fn lists() {
    let with = |style: ListStyle, place, max| FilterForm {
        list: list(style, max),
        ..form(columns::NAME, Operator::In, place)
    };
    let one = |form: FilterForm| with_forms(vec![form]);
    let two = within(columns::NAME, &["a", "b"]);
    check(&one(with(joined(","), query("p"), 9)), &two, "exactly: p=a,b");
    check(&one(with(joined("|"), header("p"), 9)), &two, "exactly: ");
    check(&one(with(ListStyle::Repeated, query("p[]"), 9)), &two, "exactly: p[]=a&p[]=b");
    check(&one(with(ListStyle::Array, body("p"), 9)), &two, r#"exactly: {"p":["a","b"]}"#);
    check(&one(with(joined(";"), body("p"), 9)), &two, r#"exactly: {"p":"a;b"}"#);
    for (style, place) in [
        (ListStyle::Repeated, header("p")),
        (ListStyle::Repeated, body("p")),
        (ListStyle::Array, query("p")),
        (joined(""), query("p")),
    ] {
        check(&one(with(style, place, 9)), &two, "about: nothing");
    }
    let comma = one(with(joined(","), query("p"), 2));
    check(&comma, &within(columns::NAME, &["a,b", "c"]), "about: nothing");
    check(&comma, &within(columns::NAME, &["a,b"]), "about: nothing");
    check(&comma, &within(columns::NAME, &["a", "b", "c"]), "about: nothing");
    check(&comma, &within(columns::NAME, &["a", ""]), "about: nothing");
    check(&comma, &name("a"), "exactly: p=a");
    let around = ValueForm { before: "in(".into(), after: ")".into(), ..ValueForm::default() };
    check(&one(FilterForm { value: around, ..with(joined(","), query("p"), 9) }), &two, "exactly: p=in(a,b)");
}

#[test]
fn a_place_takes_one_filter_and_none_of_an_or() {
    let endpoint = with_forms(vec![
        form(columns::NAME, Operator::Eq, query("p")),
        form(columns::NAME, Operator::In, query("p")),
        form(columns::CITY, Operator::Eq, query("p")),
        form(columns::ID, Operator::Eq, query("id")),
    ]);
    let city = compare(columns::CITY, CompareOp::Eq, Scalar::Text("c".into()));
    let id = compare(columns::ID, CompareOp::Eq, Scalar::Int(1));
    let and = |parts: &[&Predicate]| Predicate::And(parts.iter().map(|&part| part.clone()).collect());
    let or = |parts: &[&Predicate]| Predicate::Or(parts.iter().map(|&part| part.clone()).collect());
    check(&endpoint, &and(&[&name("a"), &id, &name("b")]), "about: p=a&id=1");
    check(&endpoint, &and(&[&name("a"), &id, &name("a")]), "exactly: p=a&id=1");
    check(&endpoint, &and(&[&name("a"), &city]), "about: p=a");
    check(&requiring(endpoint.clone(), &[columns::CITY]), &and(&[&name("a"), &id, &city]), "about: id=1&p=c");
    check(&endpoint, &or(&[&name("a"), &id]), "about: nothing");
    check(&endpoint, &and(&[&or(&[&name("a"), &id]), &id]), "about: id=1");
    check(&endpoint, &or(&[&name("a")]), "exactly: p=a");
}

#[test]
fn terms() {
    let list_term = TextTerm { list: list(joined(","), 3), ..term(columns::CITY, Operator::In, "city:", true) };
    let mut endpoint = with_terms(vec![
        term(columns::NAME, Operator::Eq, "name:", true),
        term(columns::CITY, Operator::Eq, "city:", false),
        list_term,
        term(columns::ID, Operator::Eq, "id:", false),
        term(columns::ID, Operator::GtEq, "id:>=", false),
    ]);
    text_of(&mut endpoint).constant = Some("is:x".to_owned());
    let city = |text: &str| compare(columns::CITY, CompareOp::Eq, Scalar::Text(text.into()));
    let id = |op, value| compare(columns::ID, op, Scalar::Int(value));
    let or = Predicate::Or(vec![name("a"), Predicate::And(vec![id(CompareOp::Eq, 1), city("b")])]);
    let cases = [
        (name("a b"), r#"exactly: q=is:x AND name:"a b""#),
        (name(r#"a"b\c"#), r#"exactly: q=is:x AND name:"a\"b\\c""#),
        (name(""), "about: nothing"),
        (city("b"), "exactly: q=is:x AND city:b"),
        (city("a b"), r#"exactly: q=is:x AND city:"a b""#),
        (within(columns::CITY, &["a", "b"]), r#"exactly: q=is:x AND city:"a","b""#),
        (within(columns::CITY, &["a", "b,c"]), "about: nothing"),
        (within(columns::NAME, &["a", "b"]), r#"exactly: q=is:x AND (name:"a" OR name:"b")"#),
        (or.clone(), r#"exactly: q=is:x AND (name:"a" OR (id:1 AND city:b))"#),
        (
            Predicate::And(vec![or, id(CompareOp::Gt, 5)]),
            r#"about: q=is:x AND (name:"a" OR (id:1 AND city:b)) AND id:>=5"#,
        ),
    ];
    for (filter, expected) in cases {
        check(&endpoint, &filter, expected);
    }
    endpoint.filters.or = false;
    check(&endpoint, &within(columns::NAME, &["a", "b"]), "about: nothing");
}

#[test]
fn words_without_quotes() {
    let endpoint = with_terms(vec![term(columns::NAME, Operator::Eq, "", false)]);
    for text in ["a", "a-b", "o/r", "x@y.z", "ä1", "android"] {
        check(&endpoint, &name(text), &format!("exactly: q={text}"));
    }
    for text in ["a b", "-a", "a*", "a:b", "1..2", "OR", "and", "Not", "(a)", "a\"", "a&b", ">1", "@me", "a,b", "a\\b"]
    {
        check(&endpoint, &name(text), "about: nothing");
    }
}

#[test]
fn quotes() {
    for (quote, escape, text, expected) in [
        ("\"", None, "a b", Some("\"a b\"")),
        ("\"", None, "a\"b", None),
        ("\"", None, "a\\b", None),
        ("'", Some("'"), "a'b", Some("'a''b'")),
        ("'", Some("'"), "a\\", None),
        ("'", Some("\\"), "a'\\", Some("'a\\'\\\\'")),
        ("'", Some("^"), "a'^", Some("'a^'^^'")),
        ("", Some("\\"), "a b", None),
        ("", None, "ab", Some("ab")),
    ] {
        let mut endpoint = with_terms(vec![term(columns::NAME, Operator::Eq, "", true)]);
        (text_of(&mut endpoint).quote, text_of(&mut endpoint).escape) = (quote.to_owned(), escape.map(str::to_owned));
        let expected = expected.map_or("about: nothing".to_owned(), |text| format!("exactly: q={text}"));
        check(&endpoint, &name(text), &expected);
    }
}

#[test]
fn long_and_many_filters_lose_their_longest_parts() {
    let ids = [columns::ID, columns::SERIAL, columns::NAME];
    let terms = |max_terms| {
        let mut endpoint = with_terms(ids.map(|column| term(column, Operator::Eq, "t:", true)).to_vec());
        text_of(&mut endpoint).max_terms = max_terms;
        endpoint
    };
    let parts = || {
        vec![
            compare(ids[0], CompareOp::Eq, Scalar::Int(1)),
            name("long text"),
            compare(ids[1], CompareOp::Eq, Scalar::Int(2)),
        ]
    };
    let filter = Predicate::And(parts());
    check(&terms(Some(2)), &filter, r#"about: q=t:"1" AND t:"2""#);
    check(&requiring(terms(Some(1)), &[columns::NAME]), &filter, r#"about: q=t:"long text""#);
    let forms = ids.map(|column| form(column, Operator::Eq, query(&format!("c{column}")))).to_vec();
    let short = Endpoint { max_url_length: 512 + 14, ..with_forms(forms) };
    check(&short, &filter, "about: c0=1&c10=2");
    check(&requiring(short, &[columns::NAME]), &filter, "about: c1=long text");
    let items = ids.map(|column| item(column, Operator::Eq, json!([column, "{value}"]))).to_vec();
    let mut few = with_items(items);
    items_of(&mut few).max_items = Some(2);
    assert!(pushed(read_by(few.clone()), &filter).starts_with("about: "));
    items_of(&mut few).max_items = Some(3);
    check(&few, &filter, r#"exactly: {"groups":[{"filters":[[0,1],[1,"long text"],[10,2]]}]}"#);
    check(&few, &Predicate::Or(parts()), "about: nothing");
}

#[test]
fn a_value_of_the_request_is_what_was_asked_for() {
    let mut table = read_by(with_forms(vec![form(columns::NAME, Operator::Eq, query("p"))]));
    for entry in &mut table.endpoints[0].filters.columns {
        entry.operators[0].1 = tidegate_spec::Exactness::Superset;
    }
    assert_eq!(pushed(table.clone(), &name("x")), "about: p=x");
    table.columns[columns::NAME].source = tidegate_spec::ColumnSource::Request;
    assert_eq!(pushed(table, &name("x")), "exactly: p=x");
}
