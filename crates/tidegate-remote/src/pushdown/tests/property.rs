//! For random predicates, declarations and rows: every row for which the filter is true passes the pushed part
//! as a service evaluates it, and only those pass when it is exact.
//!
//! The service of this test does what real ones do within their declaration: it folds case and ignores trailing
//! blanks where it declares [`Exactness::Superset`] on text, returns rows too many for other such operators,
//! cuts literals (timestamps to milliseconds, times of day to seconds), keeps single precision in double or
//! not, and takes -0.0 for 0.0.

use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use tidegate_spec::{ColumnFilter, Dialect, Exactness, ODataVersion, Operator, Table};

use crate::odata::{filter, url};
use crate::pushdown::push_filter;
use crate::test_support::{self as columns, OPERATORS, table};
use crate::{CompareOp, LikeKind, Predicate, Scalar};

pub(super) const COLUMNS: [usize; 8] = [
    columns::ID,
    columns::NAME,
    columns::REVENUE,
    columns::CREATED,
    columns::OPENS,
    columns::RATING,
    columns::WEIGHT,
    columns::GUID,
];
const TEXTS: [&str; 11] = ["", " ", "a", "A", "a ", "ab", "AB", "b", "ä", "a'b", "a\tb"];
const KINDS: [LikeKind; 3] = [LikeKind::StartsWith, LikeKind::EndsWith, LikeKind::Contains];
const GUIDS: [&str; 2] = ["000061bf-4889-4388-9e0a-2e19b3c9409a", "0000946d-05e0-455c-b1c6-8517f7b6b7a9"];
const COMPARISONS: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];

/// A value per entry of [`COLUMNS`].
pub(super) type Row = Vec<Option<Scalar>>;

/// What a service does that its declaration leaves open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) cuts_literals: bool,
    pub(super) keeps_single_in_double: bool,
}

fn any_text() -> impl Strategy<Value = Scalar> {
    select(&TEXTS[..]).prop_map(|text| Scalar::Text(text.to_owned()))
}

/// Values that the column holds. Those of `weight` are what a service with double precision keeps.
fn held(column: usize) -> BoxedStrategy<Scalar> {
    match column {
        columns::ID => (-3_i64..4).prop_map(Scalar::Int).boxed(),
        columns::NAME => any_text().boxed(),
        columns::REVENUE => (-300_i128..300).prop_map(|value| Scalar::Decimal { value, scale: 2 }).boxed(),
        columns::CREATED => (-8_i64..9).prop_map(|step| Scalar::Timestamp(step * 250)).boxed(),
        columns::OPENS => (0_i64..12).prop_map(|step| Scalar::Time(step * 250_000)).boxed(),
        columns::RATING => select(&[-1.5, -0.0, 0.0, f64::MIN_POSITIVE, 1.5][..]).prop_map(Scalar::Float).boxed(),
        columns::WEIGHT => {
            select(&[0.1, 0.1_f32 as f64, 0.3, 0.5, 0.500_000_001, -0.0, 0.0][..]).prop_map(Scalar::Float).boxed()
        }
        columns::GUID => select(&GUIDS[..]).prop_map(|text| Scalar::Text(text.to_owned())).boxed(),
        other => unreachable!("no values for column {other}"),
    }
}

/// Values that the column is compared with: those that it holds, and others that it cannot hold.
fn literal(column: usize) -> BoxedStrategy<Scalar> {
    let odd = match column {
        columns::ID => (i64::from(i32::MAX)..1 << 33).prop_map(Scalar::Int).boxed(),
        columns::REVENUE => {
            (-400_i128..400, -1_i8..5).prop_map(|(value, scale)| Scalar::Decimal { value, scale }).boxed()
        }
        columns::CREATED => prop_oneof![1 => Just(0_i64), 3 => -2500_i64..2500].prop_map(Scalar::Timestamp).boxed(),
        columns::OPENS => (0_i64..3_000_000).prop_map(Scalar::Time).boxed(),
        columns::RATING | columns::WEIGHT => (-2.0_f64..2.0).prop_map(Scalar::Float).boxed(),
        columns::GUID => select(&GUIDS[..]).prop_map(|text| Scalar::Text(text.to_uppercase())).boxed(),
        _ => any_text().boxed(),
    };
    prop_oneof![3 => held(column), 1 => odd].boxed()
}

fn leaf() -> impl Strategy<Value = Predicate> {
    let compare = (select(&COLUMNS[..]), select(&COMPARISONS[..]))
        .prop_flat_map(|(column, op)| literal(column).prop_map(move |value| Predicate::Compare { column, op, value }));
    let list = (select(&COLUMNS[..]), any::<bool>()).prop_flat_map(|(column, negated)| {
        let values = prop::collection::vec(literal(column), 1..4);
        values.prop_map(move |values| Predicate::In { column, values, negated })
    });
    let like = (select(&KINDS[..]), select(&TEXTS[..]), any::<bool>()).prop_map(|(kind, text, negated)| {
        Predicate::Like { column: columns::NAME, kind, text: text.to_owned(), negated }
    });
    let null =
        (select(&COLUMNS[..]), any::<bool>()).prop_map(|(column, negated)| Predicate::IsNull { column, negated });
    prop_oneof![4 => compare, 2 => list, 2 => like, 1 => null]
}

pub(super) fn predicate() -> impl Strategy<Value = Predicate> {
    leaf().prop_recursive(3, 16, 3, |inner| {
        let parts = prop::collection::vec(inner, 2..4);
        prop_oneof![parts.clone().prop_map(Predicate::And), parts.prop_map(Predicate::Or)]
    })
}

pub(super) fn row() -> impl Strategy<Value = Row> {
    COLUMNS
        .map(|column| {
            let nullable = !matches!(column, columns::ID | columns::GUID);
            let value = held(column).prop_map(Some);
            if nullable { prop_oneof![4 => value, 1 => Just(None)].boxed() } else { value.boxed() }
        })
        .to_vec()
}

/// A table with random declarations. Text is either collated, and then declares what collation can keep, or
/// compared by code point.
pub(super) fn declarations() -> impl Strategy<Value = Table> {
    let declared = prop::collection::vec(prop::collection::vec(prop::option::weighted(0.8, any::<bool>()), 13), 8);
    let versions = select(&[ODataVersion::V2, ODataVersion::V4, ODataVersion::V401][..]);
    let longest = select(&[100_usize, 600, 4096][..]);
    (declared, any::<bool>(), any::<bool>(), versions, longest).prop_map(
        |(declared, collated, or, version, longest)| {
            let mut table = table(version);
            let endpoint = &mut table.endpoints[0];
            endpoint.max_url_length = longest;
            endpoint.filters.or = or;
            endpoint.filters.dialect = Some(Dialect::OData(version));
            endpoint.filters.columns = COLUMNS
                .iter()
                .zip(declared)
                .map(|(&column, declared)| ColumnFilter {
                    column,
                    operators: operators(column, collated, &declared),
                    required: false,
                })
                .collect();
            table
        },
    )
}

fn operators(column: usize, collated: bool, declared: &[Option<bool>]) -> Vec<(Operator, Exactness)> {
    let folds = column == columns::NAME && collated;
    let of = |(&operator, exact): (&Operator, &Option<bool>)| {
        let null = matches!(operator, Operator::IsNull | Operator::IsNotNull);
        let folded = matches!(
            operator,
            Operator::Eq | Operator::In | Operator::StartsWith | Operator::EndsWith | Operator::Contains
        );
        let exact = if column == columns::NAME { (*exact).map(|_| !folds || null) } else { *exact };
        let exactness = if exact? { Exactness::Exact } else { Exactness::Superset };
        (!folds || folded || null).then_some((operator, exactness))
    };
    OPERATORS.iter().zip(declared).filter_map(of).collect()
}

pub(super) fn value(row: &Row, column: usize) -> Option<&Scalar> {
    row[COLUMNS.iter().position(|&entry| entry == column).unwrap()].as_ref()
}

pub(super) fn satisfies(op: CompareOp, ordering: Ordering) -> bool {
    match op {
        CompareOp::Eq => ordering.is_eq(),
        CompareOp::NotEq => ordering.is_ne(),
        CompareOp::Lt => ordering.is_lt(),
        CompareOp::LtEq => ordering.is_le(),
        CompareOp::Gt => ordering.is_gt(),
        CompareOp::GtEq => ordering.is_ge(),
    }
}

pub(super) fn matches_like(kind: LikeKind, value: &str, text: &str) -> bool {
    match kind {
        LikeKind::StartsWith => value.starts_with(text),
        LikeKind::EndsWith => value.ends_with(text),
        LikeKind::Contains => value.contains(text),
    }
}

fn order(left: &Scalar, right: &Scalar) -> Ordering {
    match (left, right) {
        (Scalar::Int(left), Scalar::Int(right)) => left.cmp(right),
        (Scalar::Float(left), Scalar::Float(right)) => left.total_cmp(right),
        (Scalar::Text(left), Scalar::Text(right)) => left.cmp(right),
        (Scalar::Timestamp(left), Scalar::Timestamp(right)) | (Scalar::Time(left), Scalar::Time(right)) => {
            left.cmp(right)
        }
        (Scalar::Decimal { value: left, scale: low }, Scalar::Decimal { value: right, scale: high }) => {
            let ten = |scale: i8| 10_i128.pow(u32::try_from(10 - i32::from(scale)).unwrap());
            (left * ten(*low)).cmp(&(right * ten(*high)))
        }
        _ => Ordering::Less,
    }
}

/// SQL's three-valued logic.
pub(super) fn sql(predicate: &Predicate, row: &Row) -> Option<bool> {
    match predicate {
        Predicate::And(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| sql(part, row)).collect();
            if parts.contains(&Some(false)) { Some(false) } else { (!parts.contains(&None)).then_some(true) }
        }
        Predicate::Or(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| sql(part, row)).collect();
            if parts.contains(&Some(true)) { Some(true) } else { (!parts.contains(&None)).then_some(false) }
        }
        Predicate::Compare { column, op, value: literal } => {
            let held = sql_value(*column, value(row, *column)?);
            Some(satisfies(*op, order(&held, literal)))
        }
        Predicate::In { column, values, negated } => {
            let held = sql_value(*column, value(row, *column)?);
            Some(values.iter().any(|literal| order(&held, literal).is_eq()) != *negated)
        }
        Predicate::Like { column, kind, text, negated } => match value(row, *column)? {
            Scalar::Text(held) => Some(matches_like(*kind, held, text) != *negated),
            _ => None,
        },
        Predicate::IsNull { column, negated } => Some(value(row, *column).is_none() != *negated),
    }
}

/// What SQL sees of a value: a column of single precision holds the nearest one.
fn sql_value(column: usize, held: &Scalar) -> Scalar {
    match held {
        Scalar::Float(value) if column == columns::WEIGHT => Scalar::Float(f64::from(*value as f32)),
        other => other.clone(),
    }
}

/// The service's evaluation of what was pushed.
fn served(predicate: &Predicate, row: &Row, table: &Table, service: Service) -> bool {
    let one = |part: &Predicate| served(part, row, table, service);
    let noise = |column: usize, operator: Operator| {
        let declared = table.endpoints[0].filters.exactness(column, operator).expect("only what is declared is pushed");
        declared == Exactness::Superset && column != columns::NAME && format!("{row:?}").len().is_multiple_of(3)
    };
    match predicate {
        Predicate::And(parts) => parts.iter().all(one),
        Predicate::Or(parts) => parts.iter().any(one),
        Predicate::Compare { column, op, value: literal } => {
            let operator = crate::render::way::comparison(*op);
            let fold = table.endpoints[0].filters.exactness(*column, operator) == Some(Exactness::Superset);
            let held = value(row, *column);
            noise(*column, operator)
                || held.is_some_and(|held| satisfies(*op, collated(*column, held, literal, fold, service)))
        }
        Predicate::In { column, values, negated } => {
            assert!(!negated, "NOT IN is pushed as comparisons");
            let fold = table.endpoints[0].filters.exactness(*column, Operator::In) == Some(Exactness::Superset);
            let equal =
                |held: &Scalar| values.iter().any(|literal| collated(*column, held, literal, fold, service).is_eq());
            noise(*column, Operator::In) || value(row, *column).is_some_and(equal)
        }
        Predicate::Like { column, kind, text, negated } => {
            let operator = match kind {
                _ if *negated => Operator::NotLike,
                LikeKind::StartsWith => Operator::StartsWith,
                LikeKind::EndsWith => Operator::EndsWith,
                LikeKind::Contains => Operator::Contains,
            };
            let declared = table.endpoints[0].filters.exactness(*column, operator).expect("declared");
            let fold = |text: &str| {
                if declared == Exactness::Superset && !negated { text.to_lowercase() } else { text.to_owned() }
            };
            matches!(value(row, *column), Some(Scalar::Text(held)) if matches_like(*kind, &fold(held), &fold(text)) != *negated)
        }
        Predicate::IsNull { column, negated } => {
            let operator = if *negated { Operator::IsNotNull } else { Operator::IsNull };
            noise(*column, operator) || value(row, *column).is_none() != *negated
        }
    }
}

pub(super) fn collated(column: usize, held: &Scalar, literal: &Scalar, fold: bool, service: Service) -> Ordering {
    let cut = |micros: i64, grain: i64| if service.cuts_literals { micros.div_euclid(grain) * grain } else { micros };
    match (column, held, literal) {
        (columns::NAME, Scalar::Text(held), Scalar::Text(literal)) if fold => {
            let folded = |text: &str| text.to_lowercase().trim_end_matches(' ').to_owned();
            folded(held).cmp(&folded(literal))
        }
        (columns::GUID, Scalar::Text(held), Scalar::Text(literal)) => held.to_lowercase().cmp(&literal.to_lowercase()),
        (columns::WEIGHT, Scalar::Float(held), Scalar::Float(literal)) => {
            // The literal travels as the shortest digits of a single.
            let literal: f64 = (*literal as f32).to_string().parse().unwrap();
            let ordering = if service.keeps_single_in_double {
                held.partial_cmp(&literal)
            } else {
                (*held as f32).partial_cmp(&(literal as f32))
            };
            ordering.unwrap()
        }
        (_, Scalar::Float(held), Scalar::Float(literal)) => held.partial_cmp(literal).unwrap(),
        (_, Scalar::Timestamp(held), Scalar::Timestamp(literal)) => held.cmp(&cut(*literal, 1000)),
        (_, Scalar::Time(held), Scalar::Time(literal)) => held.cmp(&cut(*literal, 1_000_000)),
        _ => order(held, literal),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_is_lost(
        table in declarations(),
        filter in predicate(),
        rows in prop::collection::vec(row(), 1..20),
        cuts_literals in any::<bool>(),
        keeps_single_in_double in any::<bool>(),
    ) {
        let service = Service { cuts_literals, keeps_single_in_double };
        let pushed = push_filter(&table, 0, &filter);
        let Some(predicate) = &pushed.predicate else {
            prop_assert!(!pushed.exact);
            return Ok(());
        };
        let Some(Dialect::OData(version)) = table.endpoints[0].filters.dialect else { unreachable!() };
        let text = filter::render(&table, version, predicate).expect("what is pushed can be written");
        prop_assert!(url::encode(&text).len() < table.endpoints[0].max_url_length);
        prop_assert!(table.endpoints[0].filters.or || !text.contains(" or "), "{}", text);
        for row in &rows {
            let wanted = sql(&filter, row) == Some(true);
            let sent = served(predicate, row, &table, service);
            prop_assert!(sent || !wanted, "lost {:?} by {}", row, text);
            prop_assert!(sent == wanted || !pushed.exact, "{} is not exact for {:?}", text, row);
        }
    }
}
