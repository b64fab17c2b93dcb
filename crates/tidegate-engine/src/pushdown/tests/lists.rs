//! Several lists on one column, and moments between two microseconds: what simplification makes of them is TRUE, FALSE and NULL for the same rows.

use datafusion::common::tree_node::TreeNode;

use super::*;

fn simplifier(schema: &DFSchema) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build())
}

/// Whether the filter, which is coerced, says the same of these rows when it is simplified, and nothing is lost by it.
fn says_the_same(schema: &DFSchema, filter: &Expr, rows: &[Row]) -> Result<(), TestCaseError> {
    let (table, context) = (table(), SessionContext::new());
    let batch = batch(&table, rows);
    let truth = |filter: &Expr| {
        let physical = context.create_physical_expr(filter.clone(), schema).expect("a physical expression");
        super::truth(physical.as_ref(), &batch)
    };
    let simplified = simple(schema, filter.clone());
    let (wanted, found) = (truth(filter), truth(&simplified));
    let other = (0..rows.len()).find(|&row| wanted.iter().nth(row) != found.iter().nth(row));
    prop_assert!(other.is_none(), "{filter} is not {simplified} for {:?}", other.map(|row| &rows[row]));
    is_sound(&table, filter, rows, &wanted)?;
    is_sound(&table, &simplified, rows, &wanted)
}

/// DataFusion alone gets each of these wrong.
#[test]
fn what_is_in_no_list_or_null_is_not_lost() {
    let schema = DFSchema::try_from(arrow_types::schema(&table())).expect("schema");
    let context = SessionContext::new();
    let number = |value: Option<i64>| value.map(Scalar::Int);
    let instant = |value: Option<i64>| value.map(|hours| Scalar::Timestamp(hours * 3_600_000_000));
    let rows: Vec<Row> = [None, Some(0), Some(1), Some(2), Some(3), Some(9)]
        .into_iter()
        .flat_map(|n| [None, Some(0), Some(6)].map(|at| vec![None, number(n), None, None, None, None, instant(at)]))
        .collect();
    let between = "TIMESTAMP '1970-01-01T00:00:00.0000001Z'";
    let at = "TIMESTAMP '1970-01-01T06:00:00Z'";
    for filter in [
        &format!("NOT (at IN (NULL) AND at IN ({at}) AND n = 3)"),
        &format!("NOT (at IN (NULL) AND at IN ({at}))"),
        &format!("at NOT IN (NULL, {at}) OR at NOT IN ({between})"),
        &format!("at < {between}"),
        &format!("{between} <= at"),
        &format!("at = {between}"),
        &format!("at IS DISTINCT FROM {between}"),
        &format!("at IN ({between}) IS UNKNOWN"),
        &format!("at IN ({between}, {at})"),
        &format!("NOT (at BETWEEN {between} AND {at})"),
        &format!("at NOT BETWEEN {between} AND {at}"),
        "n IN (1, 2) AND n NOT IN (3, NULL)",
        "n IN (1, NULL) AND n NOT IN (2, NULL)",
        "n NOT IN (1) OR n NOT IN (2)",
        "NOT (n IN (1, 2, 3, 9) AND n IN (0))",
        "NOT ((n = 1 OR n = 2) AND (n = 3 OR n = 9))",
        "NOT ((n = 1 OR (n = 2 AND 1 = 1)) AND (n = 3 OR (n = 9 AND 1 = 1)))",
        "(n IN (1) AND n IN (2)) IS UNKNOWN",
        "n IN (n + 1, n) AND n IN (1, 2)",
        "n NOT IN (n + 1) OR n NOT IN (n + 2)",
    ] {
        let expr = context.parse_sql_expr(filter, &schema).expect("an expression");
        let coerced = simplifier(&schema).coerce(expr, &schema).expect("types that fit");
        says_the_same(&schema, &coerced, &rows).unwrap_or_else(|error| panic!("{filter}: {error}"));
    }
}

fn list() -> impl Strategy<Value = Expr> {
    select(vec!["n", "at", "day", "price", "name", "x"]).prop_flat_map(|column| {
        let values = move || prop_oneof![3 => literals(column), 1 => Just(ScalarValue::Null)];
        let listed = (prop::collection::vec(values(), 1..6), any::<bool>())
            .prop_map(move |(values, negated)| col(column).in_list(values.into_iter().map(lit).collect(), negated));
        let compared = (values(), any::<bool>()).prop_map(move |(value, same)| {
            let op = if same { Operator::Eq } else { Operator::NotEq };
            binary_expr(col(column), op, lit(value))
        });
        prop_oneof![2 => listed, 1 => compared]
    })
}

fn lists() -> impl Strategy<Value = Expr> {
    list().prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            3 => (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            2 => inner.clone().prop_map(|inner| !inner),
            1 => inner.clone().prop_map(Expr::is_true),
            1 => inner.clone().prop_map(Expr::is_not_false),
            1 => inner.prop_map(Expr::is_unknown),
        ]
    })
}

/// Zeros are left out: to DataFusion the two of them are one in a comparison, and two in a list.
fn has_zero(filter: &Expr) -> bool {
    let is_zero = |value: &ScalarValue| matches!(value, ScalarValue::Float64(Some(value)) if *value == 0.0);
    filter.exists(|part| Ok(matches!(part, Expr::Literal(value, _) if is_zero(value)))).expect("a walk")
}

#[test]
fn lists_say_the_same_when_they_are_simplified() {
    let schema = DFSchema::try_from(arrow_types::schema(&table())).expect("schema");
    let config = Config { cases: 300, max_global_rejects: 10_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(lists(), rows()), |(filter, rows)| {
        match simplifier(&schema).coerce(filter, &schema) {
            Ok(filter) if !has_zero(&filter) => says_the_same(&schema, &filter, &rows),
            _ => Err(TestCaseError::reject("types, or a zero")),
        }
    });
    outcome.expect("the same truth");
}
