//! Filters of SQL on their way into a request: what an endpoint declares of them, and how they are written.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin has nothing to say")]

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use tidegate_remote::odata::filter::render;
use tidegate_remote::pushdown::push_filter;
use tidegate_remote::{CompareOp, Predicate, Scalar};
use tidegate_spec::{Manifest, ODataVersion, Table};

/// The same columns, filtered in OData's language and by parameters.
const MANIFEST: &str = "
connector: shop
url: https://shop.example/
tables:
  orders:
    key: id
    columns: &columns { id: int, status: text, total: 'decimal(12,2)', created: timestamp }
    list:
      path: Orders
      rows: value
      odata: v4
      filters: { id: ['=', in], status: ['=', '<>', in, prefix], total: ['>=', '<'], created: ['>=', '<'] }
  orders_by_parameters:
    key: id
    columns: *columns
    list:
      path: orders
      filters:
        id: { in: { parameter: ids, max: 1000 } }
        status: { '=': { parameter: status, exact: true } }
        total: { '>=': { parameter: min_total } }
        created: { '>=': { parameter: since }, '<': { parameter: until } }
";

const ID: usize = 0;
const STATUS: usize = 1;
const TOTAL: usize = 2;
const CREATED: usize = 3;

fn main() {
    divan::main();
}

fn table(place: usize) -> Table {
    let manifest = Manifest::parse(MANIFEST, "shop.yaml").unwrap();
    manifest.compile(&BTreeMap::new()).unwrap().tables.swap_remove(place)
}

fn compare(column: usize, op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column, op, value }
}

fn one() -> Predicate {
    compare(STATUS, CompareOp::Eq, Scalar::Text("open".to_owned()))
}

/// As a report asks for it: a status, a range and a day.
fn several() -> Predicate {
    let day = |day: i64| Scalar::Timestamp(day * 86_400_000_000);
    Predicate::And(vec![
        one(),
        compare(TOTAL, CompareOp::GtEq, Scalar::Decimal { value: 12_345, scale: 2 }),
        compare(CREATED, CompareOp::GtEq, day(20_000)),
        compare(CREATED, CompareOp::Lt, day(20_001)),
    ])
}

/// As a join asks for it.
fn list(length: i64) -> Predicate {
    Predicate::In { column: ID, values: (0..length).map(|id| Scalar::Int(1_000 + id)).collect(), negated: false }
}

/// Languages by their place in the manifest.
const LANGUAGES: [usize; 2] = [0, 1];

#[divan::bench(args = LANGUAGES)]
fn pushed_one(bencher: Bencher<'_, '_>, language: usize) {
    pushed(bencher, language, &one());
}

#[divan::bench(args = LANGUAGES)]
fn pushed_several(bencher: Bencher<'_, '_>, language: usize) {
    pushed(bencher, language, &several());
}

#[divan::bench(args = LANGUAGES)]
fn pushed_list_of_100(bencher: Bencher<'_, '_>, language: usize) {
    pushed(bencher, language, &list(100));
}

fn pushed(bencher: Bencher<'_, '_>, language: usize, filter: &Predicate) {
    let table = table(language);
    assert!(push_filter(&table, 0, filter).predicate.is_some(), "nothing of {filter:?} is pushed");
    bencher.bench(|| push_filter(black_box(&table), 0, black_box(filter)));
}

#[divan::bench]
fn written_several(bencher: Bencher<'_, '_>) {
    written(bencher, &several());
}

#[divan::bench]
fn written_list_of_100(bencher: Bencher<'_, '_>) {
    written(bencher, &list(100));
}

fn written(bencher: Bencher<'_, '_>, filter: &Predicate) {
    let table = table(0);
    let pushed = push_filter(&table, 0, filter).predicate.unwrap();
    bencher.bench(|| render(black_box(&table), ODataVersion::V4, black_box(&pushed)).unwrap());
}
