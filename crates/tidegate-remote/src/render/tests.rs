//! Whole requests: each place, constants, order, columns, pages and counts. Values are in `values`.

mod values;

use serde_json::json;
use tidegate_spec::{
    Count, End, Endpoint, ListStyle, Method, NullOrder, ODataVersion, Operator, PageSize, Paging, Place, Projection,
    SortColumn, Sorting,
};
use url::Url;

use super::testing::*;
use super::{Outgoing, Range, count, rows};
use crate::test_support::{self as columns, request, table};
use crate::{CompareOp, Predicate, Scalar, ScanRequest, SortKey};

const BASE: &str = "https://api.test/v1/";

fn eq(column: usize, value: Scalar) -> Predicate {
    Predicate::Compare { column, op: CompareOp::Eq, value }
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

fn asked(endpoint: Endpoint, filter: Option<Predicate>) -> ScanRequest {
    ScanRequest { filter, ..request(read_by(endpoint)) }
}

/// Method, URL below the base, headers but Accept, and body of a request.
fn shown(outgoing: &Outgoing) -> String {
    let mut text = format!("{} {}", outgoing.method, outgoing.url.as_str().trim_start_matches(BASE));
    for (name, value) in outgoing.headers.iter().filter(|(name, _)| *name != "accept") {
        text.push_str(&format!(" | {name}: {}", value.to_str().unwrap()));
    }
    if !outgoing.body.is_empty() {
        text.push_str(&format!(" | {}", std::str::from_utf8(&outgoing.body).unwrap()));
    }
    text
}

fn check(request: &ScanRequest, page: &[(Place, &str)], expected: &str) {
    let page: Vec<_> = page.iter().map(|(place, text)| (place.clone(), (*text).to_owned())).collect();
    let base = Url::parse(BASE).unwrap();
    let outgoing = rows(&base, request, &request.columns, Range::default(), &page);
    assert_eq!(outgoing.map(|outgoing| shown(&outgoing)).unwrap_or_else(|error| error.to_string()), expected);
}

#[test]
fn a_filter_stands_at_its_place() {
    let at = |place: Place, path: &str| {
        let endpoint = with_forms(vec![form(columns::NAME, Operator::Eq, place)]);
        asked(Endpoint { path: path.to_owned(), ..endpoint }, Some(eq(columns::NAME, text("a b/c&d=é"))))
    };
    check(&at(query("x"), "accounts"), &[], "GET accounts?x=a%20b/c%26d%3D%C3%A9");
    check(&at(query("a[b]&c"), "accounts?k=v"), &[], "GET accounts?k=v&a%5Bb%5D%26c=a%20b/c%26d%3D%C3%A9");
    check(&at(segment("n"), "by/{n}/all"), &[], "GET by/a%20b%2Fc%26d%3D%C3%A9/all");
    check(&at(segment("n"), "Accounts('{n}')"), &[], "GET Accounts('a%20b%2Fc%26d%3D%C3%A9')");
    check(
        &at(body("where.0.name"), "accounts"),
        &[],
        r#"GET accounts | content-type: application/json | {"where":[{"name":"a b/c&d=é"}]}"#,
    );
    let in_header = asked(
        with_forms(vec![form(columns::NAME, Operator::Eq, header("X-Name"))]),
        Some(eq(columns::NAME, text("a b"))),
    );
    check(&in_header, &[], "GET accounts | x-name: a b");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let path = |value: &str| {
        let endpoint = with_forms(vec![form(columns::NAME, Operator::Eq, segment("n"))]);
        asked(Endpoint { path: "a/{n}/b".to_owned(), ..endpoint }, Some(eq(columns::NAME, text(value))))
    };
    let unsayable = "the endpoint cannot be asked for a filter on column name as it is written";
    for value in ["", ".", ".."] {
        check(&path(value), &[], unsayable);
    }
    check(&path("..."), &[], "GET a/.../b");
    check(&path("%2e%2E"), &[], "GET a/%252e%252E/b");
    check(&path("../x"), &[], "GET a/..%2Fx/b");
    check(&path("a\\b"), &[], "GET a/a%5Cb/b");
    let open = ScanRequest { filter: None, ..path("x") };
    check(&open, &[], "path {n}: nothing says what stands for {n}; filter on its column");

    let two = with_forms(vec![
        form(columns::NAME, Operator::Eq, segment("n")),
        form(columns::CITY, Operator::Eq, segment("c")),
    ]);
    let both = Predicate::And(vec![eq(columns::NAME, text(".")), eq(columns::CITY, text("."))]);
    check(&asked(Endpoint { path: "a/{n}{c}/b".to_owned(), ..two }, Some(both)), &[], unsayable);

    let constants = |constants: Vec<(Place, String)>| asked(Endpoint { constants, ..with_forms(vec![]) }, None);
    check(&constants(vec![(header("X Y"), "1".into())]), &[], "header \"X Y\": its name cannot be sent");
    check(&constants(vec![(header("X"), "1\n2".into())]), &[], "header \"X\": its value cannot be sent");
    check(&constants(vec![(body("a"), "1".into()), (body("a.b"), "1".into())]), &[], IN_THE_WAY);
    check(&asked(with_forms(vec![]), Some(eq(columns::NAME, text("x")))), &[], unsayable);
    let header_value = with_forms(vec![form(columns::NAME, Operator::Eq, header("X"))]);
    for value in ["é", " a", "a ", "a\nb", ""] {
        check(&asked(header_value.clone(), Some(eq(columns::NAME, text(value)))), &[], unsayable);
    }
}

const IN_THE_WAY: &str = "nothing can be written at a.b of the request's body: something else stands there";

#[test]
fn two_dots_of_two_values_do_not_lead_away() {
    let two = with_forms(vec![
        FormAt { column: columns::NAME, name: "n" }.into(),
        FormAt { column: columns::CITY, name: "c" }.into(),
    ]);
    let both = Predicate::And(vec![eq(columns::NAME, text("x")), eq(columns::CITY, text("y"))]);
    let path = |path: &str| asked(Endpoint { path: path.to_owned(), ..two.clone() }, Some(both.clone()));
    check(&path("{n}/.{c}"), &[], "GET x/.y");
    let one = with_forms(vec![form(columns::NAME, Operator::Eq, segment("n"))]);
    let dotted = |name: &str| {
        let endpoint = Endpoint { path: "a/.{n}/b".to_owned(), ..one.clone() };
        let mut request = asked(endpoint, Some(eq(columns::NAME, text(name))));
        request.columns = vec![];
        request
    };
    check(&dotted("x"), &[], "GET a/.x/b");
    let constant =
        Endpoint { path: "a/.{n}/b".to_owned(), constants: vec![(segment("n"), ".".into())], ..with_forms(vec![]) };
    check(&asked(constant, None), &[], r#"path a/.{n}/b: ".." cannot stand for .{n}"#);
}

struct FormAt {
    column: usize,
    name: &'static str,
}

impl From<FormAt> for tidegate_spec::FilterForm {
    fn from(at: FormAt) -> Self {
        form(at.column, Operator::Eq, segment(at.name))
    }
}

#[test]
fn constants_give_way() {
    let endpoint = Endpoint {
        constants: vec![
            (query("state"), "all".into()),
            (query("expand"), "a".into()),
            (query("expand"), "b".into()),
            (query("per_page"), "10".into()),
            (header("Accept"), "application/vnd.x+json".into()),
        ],
        ..with_forms(vec![form(columns::NAME, Operator::Eq, query("state"))])
    };
    let open = asked(endpoint.clone(), Some(eq(columns::NAME, text("open"))));
    check(&open, &[], "GET accounts?expand=a&expand=b&per_page=10&state=open");
    check(&open, &[(query("per_page"), "50")], "GET accounts?expand=a&expand=b&state=open&per_page=50");
    let all = asked(endpoint, None);
    check(&all, &[(query("state"), "x")], "GET accounts?expand=a&expand=b&per_page=10&state=x");
    let base = Url::parse("https://api.test/v1?tenant=7").unwrap();
    let outgoing = rows(&base, &all, &[], Range::default(), &[]).unwrap();
    assert_eq!(outgoing.url.as_str(), "https://api.test/v1/accounts?tenant=7&state=all&expand=a&expand=b&per_page=10");
    assert_eq!(outgoing.headers["accept"], "application/vnd.x+json");
    let plain = rows(&base, &asked(with_forms(vec![]), None), &[], Range::default(), &[]).unwrap();
    assert_eq!(plain.headers.len(), 1);
    assert_eq!(plain.headers["accept"], "application/json");
}

#[test]
fn pages_win_over_filters_and_numbers_stay_numbers_in_a_body() {
    let keyset = Endpoint {
        paging: Paging::Keyset { place: query("after"), column: columns::ID, end: End::default() },
        ..with_forms(vec![form(columns::ID, Operator::Gt, query("after"))])
    };
    let filter = Predicate::Compare { column: columns::ID, op: CompareOp::Gt, value: Scalar::Int(5) };
    let request = asked(keyset, Some(filter));
    check(&request, &[], "GET accounts?after=5");
    check(&request, &[(query("after"), "9")], "GET accounts?after=9");

    let size = Some(PageSize { place: Some(body("limit")), max: 100 });
    let search = |paging: Paging| Endpoint {
        method: Method::Post,
        body: Some(json!({"sort": [], "limit": 10})),
        page_size: size.clone(),
        paging,
        ..with_forms(vec![])
    };
    let place = body("page.at");
    let end = End::default();
    for (paging, value, expected) in [
        (Paging::Page { place: place.clone(), first: 1, end }, "2", "2"),
        (Paging::Offset { place: place.clone(), end }, "200", "200"),
        (Paging::Cursor { place: place.clone(), header: None, none: vec![] }, "200", "\"200\""),
        (Paging::Keyset { place: place.clone(), column: columns::ID, end }, "7", "7"),
        (Paging::Keyset { place: place.clone(), column: columns::NAME, end }, "7", "\"7\""),
    ] {
        let body_text = format!(r#"{{"limit":100,"page":{{"at":{expected}}},"sort":[]}}"#);
        check(
            &asked(search(paging), None),
            &[(body("limit"), "100"), (place.clone(), value)],
            &format!("POST accounts | content-type: application/json | {body_text}"),
        );
    }
}

#[test]
fn orders() {
    let sorting = |direction: Option<Place>, ascending: &str, descending: &str, separator: Option<&str>| Sorting {
        place: query("sort"),
        direction,
        ascending: ascending.to_owned(),
        descending: descending.to_owned(),
        separator: separator.map(str::to_owned),
        names: vec![(columns::ID, "id".into()), (columns::CREATED, "created".into())],
    };
    let key = |column, descending| SortKey { column, descending };
    let one = vec![key(columns::CREATED, true)];
    let two = vec![key(columns::CREATED, true), key(columns::ID, false)];
    let direction = || Some(query("dir"));
    let cases = [
        (Some(sorting(direction(), "asc", "desc", None)), &one, "GET accounts?sort=created&dir=desc"),
        (Some(sorting(None, "{column}", "-{column}", Some(","))), &one, "GET accounts?sort=-created"),
        (Some(sorting(None, "{column}", "-{column}", Some(","))), &two, "GET accounts?sort=-created,id"),
        (
            Some(sorting(None, "{column}:asc", "{column}:desc", Some(";"))),
            &two,
            "GET accounts?sort=created:desc%3Bid:asc",
        ),
        (Some(sorting(direction(), "asc", "desc", Some(","))), &two, "GET accounts?sort=created,id&dir=desc,asc"),
        (Some(sorting(direction(), "asc", "desc", None)), &two, "the endpoint sorts by one column alone"),
        (None, &one, "endpoint list does not sort"),
    ];
    for (sorting, sort, expected) in cases {
        let sorted = [columns::ID, columns::CREATED].map(|column| SortColumn { column, nulls: NullOrder::Lowest });
        let endpoint = Endpoint { sorting, sort: sorted.to_vec(), ..with_forms(vec![]) };
        check(&ScanRequest { sort: sort.clone(), ..asked(endpoint, None) }, &[], expected);
    }
}

#[test]
fn fields() {
    let place = query("fields");
    for (style, place, expected) in [
        (joined(","), place.clone(), "GET accounts?fields=Address,ID"),
        (ListStyle::Repeated, place, "GET accounts?fields=Address&fields=ID"),
        (
            ListStyle::Array,
            body("properties"),
            r#"GET accounts | content-type: application/json | {"properties":["Address","ID"]}"#,
        ),
    ] {
        let mut table = read_by(Endpoint { projection: Projection::Fields { place, style }, ..with_forms(vec![]) });
        table.columns[columns::NAME].source = tidegate_spec::ColumnSource::Request;
        let mut request = request(table);
        request.columns = vec![columns::CITY, columns::NAME, columns::ID, columns::CITY];
        check(&request, &[], expected);
        request.columns.clear();
        check(&request, &[], "GET accounts");
    }
}

#[test]
fn odata_with_a_path_forms_and_constants() {
    let mut table = table(ODataVersion::V4);
    let endpoint = &mut table.endpoints[0];
    endpoint.path = "Companies('{company}')/Accounts".to_owned();
    endpoint.constants = vec![(query("x"), "1".into())];
    endpoint.filters.forms = vec![form(columns::GUID, Operator::Eq, segment("company"))];
    let guid = "000061bf-4889-4388-9e0a-2e19b3c9409a";
    let filter = Predicate::And(vec![eq(columns::GUID, text(guid)), eq(columns::ID, Scalar::Int(1))]);
    let request = ScanRequest { filter: Some(filter), ..request(table) };
    check(
        &request,
        &[],
        &format!("GET Companies('{guid}')/Accounts?x=1&$select=Name,ID&$filter=ID%20eq%201 | odata-maxversion: 4.0"),
    );
}

#[test]
fn counts() {
    let base = Url::parse(BASE).unwrap();
    let told = Endpoint {
        count: Some(Count::Told),
        page_size: Some(PageSize { place: Some(query("limit")), max: 100 }),
        ..with_forms(vec![form(columns::ID, Operator::Eq, query("id"))])
    };
    let told = asked(told, Some(eq(columns::ID, Scalar::Int(1))));
    assert_eq!(shown(&count(&base, &told).unwrap()), "GET accounts?id=1&limit=1");
    let inline = ScanRequest { filter: Some(eq(columns::ID, Scalar::Int(1))), ..request(table(ODataVersion::V4)) };
    assert_eq!(
        shown(&count(&base, &inline).unwrap()),
        "GET Accounts?$filter=ID%20eq%201&$count=true&$top=0 | odata-maxversion: 4.0"
    );
    let none = count(&base, &asked(with_forms(vec![]), None)).unwrap_err();
    assert_eq!(none.to_string(), "endpoint list does not count");
}

#[test]
fn items_join_those_of_the_template() {
    let endpoint = Endpoint {
        body: Some(json!({"groups": [{"filters": [{"p": "x"}]}]})),
        ..with_items(vec![
            item(columns::ID, Operator::Eq, json!({"p": "id", "op": "EQ", "v": "{value}"})),
            item(columns::ID, Operator::In, json!({"p": "id", "op": "IN", "vs": "{values}"})),
            item(columns::NAME, Operator::IsNull, json!({"p": "name", "op": "NONE"})),
        ])
    };
    let in_list = Predicate::In { column: columns::ID, values: vec![Scalar::Int(1), Scalar::Int(2)], negated: false };
    let null = Predicate::IsNull { column: columns::NAME, negated: false };
    let filter = Predicate::And(vec![eq(columns::ID, Scalar::Int(7)), in_list, null]);
    check(
        &asked(endpoint.clone(), Some(filter)),
        &[],
        r#"POST accounts/search | content-type: application/json | {"groups":[{"filters":[{"p":"x"},{"op":"EQ","p":"id","v":7},{"op":"IN","p":"id","vs":[1,2]},{"op":"NONE","p":"name"}]}]}"#,
    );
    let bare = Endpoint { body: None, ..endpoint };
    check(&asked(bare.clone(), None), &[], "POST accounts/search");
    check(
        &asked(bare, Some(eq(columns::ID, Scalar::Int(7)))),
        &[],
        r#"POST accounts/search | content-type: application/json | {"groups":[{"filters":[{"op":"EQ","p":"id","v":7}]}]}"#,
    );
    // `batch/read`: an item for each key.
    let mut each = item(columns::ID, Operator::In, json!({"id": "{value}"}));
    each.list = list(ListStyle::Repeated, 3);
    let many = |ids: std::ops::RangeInclusive<i64>| {
        let values = ids.map(Scalar::Int).collect();
        asked(with_items(vec![each.clone()]), Some(Predicate::In { column: columns::ID, values, negated: false }))
    };
    let filters = r#"{"groups":[{"filters":[{"id":1},{"id":2}]}]}"#;
    check(&many(1..=2), &[], &format!("POST accounts/search | content-type: application/json | {filters}"));
    check(&many(1..=4), &[], "the endpoint cannot be asked for a filter on column id as it is written");
}

#[test]
fn a_window_is_not_for_everybody() {
    let base = Url::parse(BASE).unwrap();
    let range = Range { skip: Some(1), ..Range::default() };
    let error = rows(&base, &asked(with_forms(vec![]), None), &[], range, &[]).unwrap_err();
    assert_eq!(error.to_string(), "endpoint list has no $top and $skip");
}
