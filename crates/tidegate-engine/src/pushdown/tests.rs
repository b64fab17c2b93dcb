//! Conversions as cases, and a property: no row that SQL keeps is lost by the predicate.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::common::DFSchema;
use datafusion::common::cast::as_boolean_array;
use datafusion::functions::expr_fn::{contains, ends_with, starts_with, strpos};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Like, Operator, binary_expr, col, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest::test_runner::{Config, TestRunner};
use tidegate_remote::{CompareOp, LikeKind, Predicate, Scalar, arrow_types};
use tidegate_spec::{Column, ColumnSource, ColumnType, Table, TimestampFormat};

mod lists;

use super::{convert, describe};
use crate::session::lists::{apart, as_written};
use crate::session::moments::Moments;

fn table() -> Table {
    let instant = ColumnType::Timestamp { format: TimestampFormat::Iso8601, instant: true };
    let columns = [
        ("flag", ColumnType::Bool),
        ("n", ColumnType::Int32),
        ("x", ColumnType::Float64),
        ("price", ColumnType::Decimal { precision: 9, scale: 2 }),
        ("name", ColumnType::Text),
        ("day", ColumnType::Date),
        ("at", instant),
    ];
    let column = |(name, data_type): (&str, ColumnType)| Column {
        name: name.to_owned(),
        path: vec![name.to_owned()],
        data_type,
        nullable: true,
        description: None,
        source: ColumnSource::Row,
    };
    Table {
        name: "t".to_owned(),
        api_name: "T".to_owned(),
        description: None,
        columns: columns.into_iter().map(column).collect(),
        key: vec![],
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![],
    }
}

/// Coerces a filter as DataFusion does before a table sees it, and converts it.
#[track_caller]
fn check(filter: &str, expected: &str, whole: bool) {
    let table = table();
    let schema = DFSchema::try_from(arrow_types::schema(&table)).expect("schema");
    let expr = SessionContext::new().parse_sql_expr(filter, &schema).expect("an expression");
    let pushed = convert(&table, &simplified(&schema, expr));
    let text = match &pushed.predicate {
        _ if pushed.never => "never".to_owned(),
        Some(predicate) => describe(&table, predicate),
        None => "all".to_owned(),
    };
    assert_eq!((text.as_str(), pushed.whole), (expected, whole), "{filter}");
}

fn simplified(schema: &DFSchema, expr: Expr) -> Expr {
    let context = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build();
    let simplifier = ExprSimplifier::new(context);
    let coerced = simplifier.coerce(expr, schema).expect("types that fit");
    simple(schema, coerced)
}

/// A coerced expression, simplified as in a session.
fn simple(schema: &DFSchema, expr: Expr) -> Expr {
    let simplifier = || ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
    let moments = Moments { schema, constants: simplifier() };
    let apart = moments.rewritten(expr).and_then(|expr| apart(expr.data)).expect("an expression").data;
    as_written(simplifier().simplify(apart).expect("an expression")).expect("an expression").data
}

#[test]
fn converts_what_a_predicate_can_say() {
    let cases = [
        ("n = 1", "n = 1", true),
        ("1 < n", "n > 1", true),
        ("NOT (n < 5)", "n >= 5", true),
        ("n BETWEEN 2 AND 4", "n >= 2 AND n <= 4", true),
        ("n NOT BETWEEN 2 AND 4", "n < 2 OR n > 4", true),
        ("n IN (1, 2, 3, 4, 5)", "n IN (1, 2, 3, 4, 5)", true),
        ("n IN (1, 2)", "n IN (1, 2)", true),
        ("n NOT IN (1, 2)", "n NOT IN (1, 2)", true),
        ("n IN (1, 2, NULL)", "n IN (1, 2)", true),
        ("n NOT IN (1, NULL)", "never", true),
        ("n IN (1, 2, 3, 4, 5) AND n IN (4, 5, 6, 7)", "n IN (4, 5)", true),
        ("n IN (1, 2, 3, 4) AND n NOT IN (2, 3, 5, 6)", "n IN (1, 4)", true),
        ("n NOT IN (2, 3) AND n IN (1, 2, 3, 4)", "n IN (1, 4)", true),
        ("n IN (1, 2) AND n IN (2, 3)", "n = 2", true),
        ("n IN (1, 2) AND n IN (3, 4)", "never", true),
        ("n IN (1, 2) AND n NOT IN (3, NULL)", "never", true),
        ("n NOT IN (1) OR n NOT IN (2)", "n <> 1 OR n <> 2", true),
        ("n IN (1, 2) AND day = DATE '2024-01-31' AND n = 2", "n = 2 AND day = '2024-01-31'", true),
        ("n > 1.5", "n > 1", true),
        ("n <> 1.5", "n IS NOT NULL", true),
        ("n + 1 > 2", "all", false),
        ("n + 1 > 2 AND name = 'a'", "name = 'a'", false),
        ("n + 1 > 2 OR name = 'a'", "all", false),
        ("flag", "flag = true", true),
        ("NOT flag", "flag = false", true),
        ("flag IS NOT TRUE", "flag = false OR flag IS NULL", true),
        ("name IS NULL", "name IS NULL", true),
        ("n IS DISTINCT FROM 3", "n <> 3 OR n IS NULL", true),
        ("price > 1.5", "price > 1.5", true),
        ("price = 12", "price = 12", true),
        ("x > 0", "x > 0.0", true),
        ("x < 0", "x <= 0.0", false),
        ("name LIKE 'ab%'", "name LIKE 'ab%'", true),
        ("name LIKE '%ab'", "name LIKE '%ab'", true),
        ("name LIKE '%ab%'", "name LIKE '%ab%'", true),
        ("name NOT LIKE '%ab%'", "name NOT LIKE '%ab%'", true),
        (r"name LIKE '10\%%'", r"name LIKE '10\%%'", true),
        ("name LIKE 'ab_c%'", "name LIKE 'ab%'", false),
        ("name NOT LIKE 'ab_c%'", "all", false),
        ("name LIKE 'a%b'", "name LIKE 'a%' AND name LIKE '%b'", false),
        ("name LIKE '%a_bcd%'", "name LIKE '%bcd%'", false),
        ("name ILIKE 'a%'", "all", false),
        ("starts_with(name, 'it''s')", "name LIKE 'it''s%'", true),
        ("strpos(name, 'x') > 0", "name LIKE '%x%'", true),
        ("strpos(name, 'x') = 0", "name NOT LIKE '%x%'", true),
        ("day >= DATE '2024-01-31'", "day >= '2024-01-31'", true),
        ("day > TIMESTAMP '2024-01-31 12:00:00'", "day > '2024-01-31'", true),
        ("at < TIMESTAMP '2024-01-31 12:00:00'", "at < '2024-01-31 12:00:00'", true),
        ("at < TIMESTAMP '2024-01-31T12:00:00.0000001Z'", "at <= '2024-01-31 12:00:00'", true),
        ("at >= TIMESTAMP '2024-01-31T12:00:00.0000001Z'", "at > '2024-01-31 12:00:00'", true),
        ("upper(name) = 'A'", "all", false),
    ];
    for (filter, expected, whole) in cases {
        check(filter, expected, whole);
    }
}

type Row = Vec<Option<Scalar>>;

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        prop::option::of(any::<bool>().prop_map(Scalar::Bool)),
        prop::option::of((-2_i64..5).prop_map(Scalar::Int)),
        prop::option::of(select(vec![-1.5, -0.0, 0.0, 1.0, 2.5]).prop_map(Scalar::Float)),
        prop::option::of((-3_i128..5).prop_map(|value| Scalar::Decimal { value: value * 50, scale: 2 })),
        prop::option::of(text().prop_map(Scalar::Text)),
        prop::option::of((0_i32..4).prop_map(Scalar::Date)),
        prop::option::of((0_i64..8).prop_map(|half_days| Scalar::Timestamp(half_days * 43_200_000_000))),
    );
    let row = row.prop_map(|(flag, n, x, price, name, day, at)| vec![flag, n, x, price, name, day, at]);
    prop::collection::vec(row, 40)
}

fn text() -> impl Strategy<Value = String> {
    "[ab%_]{0,4}"
}

fn literals(column: &str) -> Union<BoxedStrategy<ScalarValue>> {
    let utc = Some(Arc::from("UTC"));
    let values = match column {
        "flag" => any::<bool>().prop_map(|value| ScalarValue::Boolean(Some(value))).boxed(),
        "n" => prop_oneof![
            (-2_i64..5).prop_map(|value| ScalarValue::Int64(Some(value))),
            select(vec![-1.5, 0.0, -0.0, 2.0]).prop_map(|value| ScalarValue::Float64(Some(value))),
        ]
        .boxed(),
        "x" => select(vec![-1.5, -0.0, 0.0, 1.0, 3.0]).prop_map(|value| ScalarValue::Float64(Some(value))).boxed(),
        "price" => prop_oneof![
            (-3_i128..5).prop_map(|value| ScalarValue::Decimal128(Some(value * 500), 12, 3)),
            (-3_i128..5).prop_map(|value| ScalarValue::Decimal128(Some(value * 333), 12, 3)),
            (-2_i64..3).prop_map(|value| ScalarValue::Int64(Some(value))),
        ]
        .boxed(),
        "name" => text().prop_map(|text| ScalarValue::Utf8(Some(text))).boxed(),
        "day" => prop_oneof![
            (0_i32..4).prop_map(|days| ScalarValue::Date32(Some(days))),
            (0_i64..8).prop_map(|half| ScalarValue::TimestampMillisecond(Some(half * 43_200_000), None)),
        ]
        .boxed(),
        // Each quarter of a day, a moment before it and a moment behind it: no row has those.
        _ => (0_i64..16, -1_i64..=1)
            .prop_map(move |(quarter, nanos)| {
                ScalarValue::TimestampNanosecond(Some(quarter * 21_600_000_000_000 + nanos), utc.clone())
            })
            .boxed(),
    };
    Union::new_weighted(vec![(9, values), (1, Just(ScalarValue::Null).boxed())])
}

fn leaf() -> impl Strategy<Value = Expr> {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    select(vec!["flag", "n", "x", "price", "name", "day", "at"]).prop_flat_map(|column| {
        let operators = vec![Eq, NotEq, Lt, LtEq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom];
        let compared = (select(operators), literals(column), any::<bool>()).prop_map(move |(op, value, flip)| {
            if flip { binary_expr(lit(value), op, col(column)) } else { binary_expr(col(column), op, lit(value)) }
        });
        let listed = (prop::collection::vec(literals(column), 1..5), any::<bool>())
            .prop_map(move |(values, negated)| col(column).in_list(values.into_iter().map(lit).collect(), negated));
        let ranged = (literals(column), literals(column), any::<bool>()).prop_map(move |(low, high, negated)| {
            let (low, high) = (lit(low), lit(high));
            if negated { col(column).not_between(low, high) } else { col(column).between(low, high) }
        });
        let tested = any::<bool>()
            .prop_map(move |negated| if negated { col(column).is_not_null() } else { col(column).is_null() });
        prop_oneof![4 => compared, 2 => listed, 1 => ranged, 1 => tested, 2 => words(), 1 => truths()]
    })
}

fn words() -> impl Strategy<Value = Expr> {
    let like = (r"[ab%_\\]{0,5}", any::<bool>()).prop_map(|(pattern, negated)| {
        Expr::Like(Like::new(negated, Box::new(col("name")), Box::new(lit(pattern)), None, false))
    });
    let functions = (text(), 0..4).prop_map(|(part, which)| match which {
        0 => starts_with(col("name"), lit(part)),
        1 => ends_with(col("name"), lit(part)),
        2 => contains(col("name"), lit(part)),
        _ => strpos(col("name"), lit(part)).gt(lit(0_i32)),
    });
    prop_oneof![2 => like, 1 => functions, 1 => Just(col("name").like(lit("a_%")))]
}

fn truths() -> impl Strategy<Value = Expr> {
    let flag = || col("flag");
    select(vec![
        flag(),
        flag().is_true(),
        flag().is_not_true(),
        flag().is_false(),
        flag().is_not_false(),
        flag().is_unknown(),
        flag().is_not_unknown(),
        lit(true),
        lit(ScalarValue::Boolean(None)),
    ])
}

fn filter() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.clone().prop_map(|inner| !inner),
            inner.clone().prop_map(Expr::is_true),
            inner.prop_map(Expr::is_not_false),
        ]
    })
}

fn batch(table: &Table, rows: &[Row]) -> RecordBatch {
    macro_rules! column {
        ($index:expr, $pattern:pat => $value:expr) => {
            rows.iter().map(|row| match &row[$index] {
                Some($pattern) => Some($value),
                _ => None,
            })
        };
    }
    let price: Decimal128Array = column!(3, Scalar::Decimal { value, .. } => *value).collect();
    let at: TimestampMicrosecondArray = column!(6, Scalar::Timestamp(value) => *value).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(column!(0, Scalar::Bool(value) => *value).collect::<BooleanArray>()),
        Arc::new(column!(1, Scalar::Int(value) => i32::try_from(*value).expect("small")).collect::<Int32Array>()),
        Arc::new(column!(2, Scalar::Float(value) => *value).collect::<Float64Array>()),
        Arc::new(price.with_precision_and_scale(9, 2).expect("a decimal")),
        Arc::new(column!(4, Scalar::Text(value) => value.as_str()).collect::<StringArray>()),
        Arc::new(column!(5, Scalar::Date(value) => *value).collect::<Date32Array>()),
        Arc::new(at.with_timezone("UTC")),
    ];
    RecordBatch::try_new(Arc::new(arrow_types::schema(table)), columns).expect("columns of the table")
}

/// The predicate as an API evaluates it that does all of it exactly.
fn satisfies(predicate: &Predicate, row: &Row) -> bool {
    let compare = |column: usize, value: &Scalar| row[column].as_ref().map(|have| order(have, value));
    match predicate {
        Predicate::And(parts) => parts.iter().all(|part| satisfies(part, row)),
        Predicate::Or(parts) => parts.iter().any(|part| satisfies(part, row)),
        Predicate::Compare { column, op, value } => compare(*column, value).is_some_and(|ordering| match op {
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::NotEq => ordering.is_ne(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::LtEq => ordering.is_le(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::GtEq => ordering.is_ge(),
        }),
        Predicate::In { column, values, negated } => {
            row[*column].as_ref().is_some_and(|have| values.iter().any(|value| order(have, value).is_eq()) != *negated)
        }
        Predicate::Like { column, kind, text, negated } => match &row[*column] {
            Some(Scalar::Text(have)) => {
                let matched = match kind {
                    LikeKind::StartsWith => have.starts_with(text),
                    LikeKind::EndsWith => have.ends_with(text),
                    LikeKind::Contains => have.contains(text),
                };
                matched != *negated
            }
            _ => false,
        },
        Predicate::IsNull { column, negated } => row[*column].is_none() != *negated,
    }
}

fn order(left: &Scalar, right: &Scalar) -> Ordering {
    match (left, right) {
        (Scalar::Bool(left), Scalar::Bool(right)) => left.cmp(right),
        (Scalar::Int(left), Scalar::Int(right)) => left.cmp(right),
        (Scalar::Float(left), Scalar::Float(right)) => left.partial_cmp(right).expect("numbers"),
        (Scalar::Decimal { value, scale }, Scalar::Decimal { value: other, scale: digits }) => {
            let level = |value: i128, scale: i8| value * 10_i128.pow(u32::try_from(6 - scale).expect("few digits"));
            level(*value, *scale).cmp(&level(*other, *digits))
        }
        (Scalar::Text(left), Scalar::Text(right)) => left.cmp(right),
        (Scalar::Date(left), Scalar::Date(right)) => left.cmp(right),
        (Scalar::Timestamp(left), Scalar::Timestamp(right)) => left.cmp(right),
        other => panic!("values of different types are compared: {other:?}"),
    }
}

/// What the expression is for each row.
fn truth(expr: &dyn PhysicalExpr, rows: &RecordBatch) -> BooleanArray {
    let value = expr.evaluate(rows).and_then(|value| value.into_array(rows.num_rows())).expect("a value");
    as_boolean_array(&value).expect("a truth value").clone()
}

/// Whether the filter's predicate lets pass all rows for which it is TRUE, and no others if it says so.
fn is_sound(table: &Table, filter: &Expr, rows: &[Row], truth: &BooleanArray) -> Result<(), TestCaseError> {
    let pushed = convert(table, filter);
    for (row, local) in rows.iter().zip(truth) {
        let local = local == Some(true);
        let remote = !pushed.never && pushed.predicate.as_ref().is_none_or(|predicate| satisfies(predicate, row));
        prop_assert!(remote || !local, "{filter} loses {row:?} with {pushed:?}");
        prop_assert!(!pushed.whole || remote == local, "{filter} is not all of {pushed:?} for {row:?}");
    }
    Ok(())
}

#[test]
fn no_row_is_lost() {
    let table = table();
    let schema = DFSchema::try_from(arrow_types::schema(&table)).expect("schema");
    let context = SessionContext::new();
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(filter(), rows(), any::<bool>()), |(filter, rows, simplify)| {
        let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
        let Ok(mut filter) = simplifier.coerce(filter, &schema) else { return Err(TestCaseError::reject("types")) };
        let physical = context.create_physical_expr(filter.clone(), &schema).expect("a physical expression");
        if simplify {
            filter = simple(&schema, filter);
        }
        is_sound(&table, &filter, &rows, &truth(physical.as_ref(), &batch(&table, &rows)))
    });
    outcome.expect("a predicate that lets pass what SQL keeps");
}
