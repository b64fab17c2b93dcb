//! Filters as the simulated service evaluates them, against the same ones evaluated here.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar};
use tidegate_sim::{Shape, Sim};
use tidegate_spec::ODataVersion::{self, V2, V4, V401};

use crate::support::{
    ACTIVE, CITY, CREATED, ID, NAME, NOTES, REGION, REVENUE, SEQUENCE, config, filtered, read, request,
};

const COLUMNS: [usize; 9] = [ID, NAME, REGION, REVENUE, SEQUENCE, ACTIVE, CREATED, NOTES, CITY];

/// One row as the tests compare it.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: String,
    name: String,
    region: Option<String>,
    revenue: Option<i128>,
    sequence: i64,
    active: bool,
    created: i64,
    notes: Option<String>,
    city: Option<String>,
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let text = |column: usize, row: usize| {
        let values = batch.column(column).as_string::<i32>();
        values.is_valid(row).then(|| values.value(row).to_owned())
    };
    let revenue = batch.column(REVENUE).as_primitive::<Decimal128Type>();
    let of = |row: usize| Row {
        id: text(ID, row).unwrap(),
        name: text(NAME, row).unwrap(),
        region: text(REGION, row),
        revenue: revenue.is_valid(row).then(|| revenue.value(row)),
        sequence: batch.column(SEQUENCE).as_primitive::<Int64Type>().value(row),
        active: batch.column(ACTIVE).as_boolean().value(row),
        created: batch.column(CREATED).as_primitive::<TimestampMicrosecondType>().value(row),
        notes: text(NOTES, row),
        city: text(CITY, row),
    };
    (0..batch.num_rows()).map(of).collect()
}

fn compare(column: usize, op: CompareOp, value: Scalar) -> Predicate {
    Predicate::Compare { column, op, value }
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

fn like(column: usize, kind: LikeKind, value: &str, negated: bool) -> Predicate {
    Predicate::Like { column, kind, text: value.to_owned(), negated }
}

type Case = (Predicate, Box<dyn Fn(&Row) -> bool>);

/// Predicates and what they mean, with values taken from a row that is there.
fn cases(row: Row) -> Vec<Case> {
    let (revenue, sequence, created) = (row.revenue.unwrap(), row.sequence, row.created);
    let (id, name, notes, city) = (row.id, row.name, row.notes.unwrap(), row.city.unwrap());
    let amount = Scalar::Decimal { value: revenue, scale: 2 };
    let prefix: String = name.chars().take(3).collect();
    let region = |negated| Predicate::In { column: REGION, values: vec![text("EMEA"), text("APAC")], negated };
    let listed = |row: &Row| row.region.as_deref().map(|region| matches!(region, "EMEA" | "APAC"));
    vec![
        (compare(ID, CompareOp::Eq, text(&id)), Box::new(move |row| row.id == id)),
        (
            compare(NAME, CompareOp::Eq, text(&name)),
            Box::new({
                let name = name.clone();
                move |row| row.name == name
            }),
        ),
        (compare(NAME, CompareOp::Lt, text(&name)), Box::new(move |row| row.name < name)),
        (
            compare(REGION, CompareOp::NotEq, text("EMEA")),
            Box::new(|row| row.region.as_deref().is_some_and(|region| region != "EMEA")),
        ),
        (region(false), Box::new(move |row| listed(row) == Some(true))),
        (region(true), Box::new(move |row| listed(row) == Some(false))),
        (Predicate::IsNull { column: REGION, negated: false }, Box::new(|row| row.region.is_none())),
        (Predicate::IsNull { column: REGION, negated: true }, Box::new(|row| row.region.is_some())),
        (compare(REVENUE, CompareOp::Eq, amount.clone()), Box::new(move |row| row.revenue == Some(revenue))),
        (compare(REVENUE, CompareOp::GtEq, amount), Box::new(move |row| row.revenue >= Some(revenue))),
        (
            compare(REVENUE, CompareOp::Lt, Scalar::Decimal { value: -5, scale: 1 }),
            Box::new(|row| row.revenue.is_some_and(|value| value < -50)),
        ),
        (compare(SEQUENCE, CompareOp::LtEq, Scalar::Int(sequence)), Box::new(move |row| row.sequence <= sequence)),
        (compare(ACTIVE, CompareOp::NotEq, Scalar::Bool(true)), Box::new(|row| !row.active)),
        (compare(CREATED, CompareOp::Gt, Scalar::Timestamp(created)), Box::new(move |row| row.created > created)),
        (compare(CREATED, CompareOp::Eq, Scalar::Timestamp(created)), Box::new(move |row| row.created == created)),
        (compare(NOTES, CompareOp::Eq, text(&notes)), Box::new(move |row| row.notes.as_ref() == Some(&notes))),
        (compare(CITY, CompareOp::Eq, text(&city)), Box::new(move |row| row.city.as_ref() == Some(&city))),
        (
            like(NAME, LikeKind::StartsWith, &prefix, false),
            Box::new({
                let prefix = prefix.clone();
                move |row| row.name.starts_with(&prefix)
            }),
        ),
        (like(NAME, LikeKind::Contains, "'", false), Box::new(|row| row.name.contains('\''))),
        (
            like(NOTES, LikeKind::Contains, "e", true),
            Box::new(|row| row.notes.as_ref().is_some_and(|notes| !notes.contains('e'))),
        ),
        (
            like(NOTES, LikeKind::EndsWith, "e", false),
            Box::new(|row| row.notes.as_ref().is_some_and(|notes| notes.ends_with('e'))),
        ),
        (
            Predicate::Or(vec![
                Predicate::And(vec![region(false), compare(ACTIVE, CompareOp::Eq, Scalar::Bool(true))]),
                Predicate::IsNull { column: REVENUE, negated: false },
            ]),
            Box::new(move |row| (listed(row) == Some(true) && row.active) || row.revenue.is_none()),
        ),
    ]
}

async fn check_all(shape: Shape, version: ODataVersion) {
    let sim = Sim::start(config(shape)).await.unwrap();
    let all = rows(&read(&sim, request(version, &COLUMNS)).await.unwrap());
    let complete = |row: &&Row| {
        let plain = |text: &Option<String>| {
            text.as_ref().is_some_and(|text| !text.is_empty() && !text.contains(char::is_control))
        };
        row.revenue.is_some() && plain(&row.notes) && plain(&row.city)
    };
    let sample = all.iter().find(complete).unwrap().clone();
    for (predicate, meaning) in cases(sample) {
        let request = filtered(version, &COLUMNS, &predicate);
        assert!(request.filter.is_some(), "{predicate:?} is not pushed");
        let sent = rows(&read(&sim, request).await.unwrap());
        let wanted: Vec<_> = all.iter().filter(|row| meaning(row)).cloned().collect();
        assert_eq!(sent, wanted, "{predicate:?}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn version_4() {
    check_all(Shape::ODataV4, V4).await;
}

#[tokio::test]
async fn version_4_01() {
    check_all(Shape::ODataV4, V401).await;
}

#[tokio::test]
async fn version_2() {
    check_all(Shape::ODataV2, V2).await;
}
