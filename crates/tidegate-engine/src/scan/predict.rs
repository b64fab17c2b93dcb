//! What asking a table would take, before it is decided how it is asked.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident};

use super::ApiScanExec;
use super::asking::{Asked, Asking};
use super::filters::{is_echo, parts, single_column};
use super::unasked::UnaskedExec;
use crate::cost::{Ask, Basis, Costs, Estimate, Predict, Predicted};
use crate::pushdown::describe;
use crate::sql::quote;

/// Keys that are tried; for more the calls of these are multiplied.
const TRIED: u64 = 500;

/// Calls that reading all of the scan is expected to take.
#[cfg_attr(not(test), allow(dead_code, reason = "lookup joins weigh scans by it"))]
pub(crate) fn scan_calls(scan: &ApiScanExec) -> Estimate {
    scan.predict(&Costs::EXPECTED, &[]).calls()
}

/// What it is expected to take to ask the table for the rows in which these columns (places in its schema) have one of so
/// many distinct values; of several columns, one of so many distinct groups of values, each asked for by itself. `None`
/// where reading the whole table is cheaper, or no endpoint can be asked for that.
#[cfg_attr(not(test), allow(dead_code, reason = "lookup joins are predicted by it"))]
pub(crate) fn lookup(asking: &Arc<Asking>, columns: &[usize], keys: u64) -> Option<Ask> {
    if columns.is_empty() {
        return None;
    }
    let tried = if columns.len() > 1 { 1 } else { keys.clamp(1, TRIED) };
    let filters = columns.iter().map(|column| key_filter(asking, *column, tried)).collect::<Option<Vec<_>>>()?;
    let filters = asking.filters.iter().cloned().chain(filters).collect();
    let asking = Arc::new(Asking { filters, ..Asking::clone(asking) });
    let Ok(Asked::Scan(scan)) = asking.plan(None) else { return None };
    let asks_for = |column: &usize| {
        scan.requests().all(|request| {
            let pushed = request.filter.as_ref().map(parts).unwrap_or_default();
            is_echo(&request.table, *column) || pushed.iter().any(|part| single_column(part) == Some(*column))
        })
    };
    if !columns.iter().all(asks_for) {
        return None;
    }
    let ask = scan.predict(&Costs::EXPECTED, &[]).asks.pop()?;
    let scaled = |estimate: Estimate| estimate.map(|number| number.saturating_mul(keys).div_ceil(tried));
    let name = |column: &usize| asking.schema.fields().get(*column).map(|field| quote(field.name()));
    let names: Vec<String> = columns.iter().filter_map(name).collect();
    let keyed = format!("{} IN ({keys} keys)", names.join(", "));
    let pushed = asking.filters_pushed(&scan, columns);
    let pushed = pushed.into_iter().chain([keyed]).collect::<Vec<_>>().join(" AND ");
    Some(Ask { how: "lookup", pushed, calls: scaled(ask.calls), rows: scaled(ask.rows), advice: Vec::new(), ..ask })
}

impl Asking {
    /// What the scan asks for beside the keys in these columns, as SQL.
    fn filters_pushed(&self, scan: &ApiScanExec, columns: &[usize]) -> Vec<String> {
        let filter = scan.common().filter.as_ref().map(parts).unwrap_or_default();
        let others = filter.iter().filter(|part| single_column(part).is_none_or(|column| !columns.contains(&column)));
        others.map(|part| describe(&self.table, part)).collect()
    }
}

/// `column IN (…)` of so many values that differ. What values they are changes next to nothing: how many of them go into
/// a request follows from their number and length.
fn key_filter(asking: &Asking, column: usize, values: u64) -> Option<Expr> {
    let field = asking.schema.fields().get(column)?;
    let value = |number: u64| {
        let number = ScalarValue::Int64(i64::try_from(number).ok());
        let like = number.cast_to(field.data_type()).ok();
        let text = || ScalarValue::Utf8(Some(format!("{number:0>12}"))).cast_to(field.data_type()).ok();
        like.filter(|value| !matches!(value, ScalarValue::Utf8(_)))
            .or_else(text)
            .map(|value| Expr::Literal(value, None))
    };
    let values = (1..=values).map(value).collect::<Option<Vec<_>>>()?;
    Some(ident(field.name()).in_list(values, false))
}

impl Predict for UnaskedExec {
    /// It is an error when it is left in a plan. Until then it stands for something of which nothing is known.
    fn predict(&self, _costs: &Costs, _inputs: &[Predicted]) -> Predicted {
        let asking = self.asking();
        let ask = Ask {
            connection: Arc::clone(&asking.connection),
            table: asking.table.name.clone(),
            endpoint: String::new(),
            how: "lookup",
            pushed: String::new(),
            residual: String::new(),
            partitions: asking.reach.as_ref().map(|reach| reach.codes().to_vec()).unwrap_or_default(),
            calls: Estimate::about(1),
            rows: Estimate::about(1),
            basis: Basis::Default,
            advice: Vec::new(),
        };
        Predicted { rows: Estimate::about(1), asks: vec![ask] }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tidegate_remote::{BadValue, arrow_types};
    use tidegate_spec::{
        ColumnFilter, Endpoint, EndpointKind, Exactness, FilterForm, ListForm, ListStyle, Operator, Paging, Place,
        Table, ValueForm,
    };

    use super::*;
    use crate::cost::{Basis, Known, Seen, TableRows, testing};

    /// An endpoint that takes these operators on a column, written at this place.
    fn endpoint(name: &str, kind: EndpointKind, column: usize, operators: &[Operator], place: Place) -> Endpoint {
        let form = |operator: &Operator| FilterForm {
            column,
            operator: *operator,
            place: place.clone(),
            value: ValueForm::default(),
            list: ListForm { style: ListStyle::Joined(",".to_owned()), max: 50 },
        };
        let mut endpoint = Endpoint { kind, paging: Paging::LinkHeader, ..Endpoint::new(name, format!("{name}/x")) };
        if let Place::Path(named) = &place {
            endpoint.path = format!("{name}/{{{named}}}");
        }
        endpoint.filters.forms = operators.iter().map(form).collect();
        endpoint.filters.columns = vec![ColumnFilter {
            column,
            operators: operators.iter().map(|operator| (*operator, Exactness::Exact)).collect(),
            required: matches!(place, Place::Path(_)) || kind == EndpointKind::GetMany,
        }];
        endpoint
    }

    /// What is wanted of a table with these endpoints and so many rows.
    fn asking(endpoints: Vec<Endpoint>, rows: u64) -> Arc<Asking> {
        let table = Arc::new(Table { endpoints, ..testing::table() });
        let mut known = TableRows::default();
        let now = SystemTime::UNIX_EPOCH;
        known.keep("all", "", Seen { rows, basis: Basis::Scan, at: now });
        Arc::new(Asking {
            connection: Arc::from("api"),
            schema: Arc::new(arrow_types::schema_for(&table, BadValue::Fail)),
            table,
            wanted: vec![0, 1, 2],
            filters: Vec::new(),
            reach: None,
            base_has_partition: false,
            pushdown: true,
            on_bad_value: BadValue::Fail,
            is_strict: false,
            known: Known::new(Arc::new(known), now),
        })
    }

    /// Endpoints, rows of the table, columns with keys, their number, calls.
    type Case<'a> = (Vec<Endpoint>, u64, &'a [usize], u64, Option<u64>);

    #[test]
    fn keys_are_asked_for_by_the_cheapest_endpoint() {
        use Operator::{Eq, In};
        let query = |name: &str| Place::Query(name.to_owned());
        let path = |name: &str| Place::Path(name.to_owned());
        let list = || Endpoint { paging: Paging::LinkHeader, ..Endpoint::new("list", "repos") };
        let get = || endpoint("get", EndpointKind::Get, 0, &[Eq], path("id"));
        let many = || endpoint("many", EndpointKind::GetMany, 0, &[In], query("ids"));
        let owned = || endpoint("owned", EndpointKind::List, 1, &[Eq], path("owner"));
        let cases: Vec<Case<'_>> = vec![
            (vec![list(), get()], 20_000, &[0], 40, Some(40)),
            (vec![list(), get()], 20_000, &[0], 0, Some(0)),
            (vec![list(), get(), many()], 20_000, &[0], 40, Some(1)),
            (vec![list(), get(), many()], 20_000, &[0], 120, Some(3)),
            (vec![list(), many()], 2_000_000, &[0], 5_000, Some(100)),
            // The whole list is cheaper than so many keys, and says nothing of them.
            (vec![list(), get()], 150, &[0], 40, None),
            (vec![list()], 20_000, &[0], 40, None),
            (vec![owned()], 20_000, &[1], 3, Some(30)),
            (vec![list(), get()], 20_000, &[1], 3, None),
            (vec![list(), get()], 20_000, &[], 3, None),
        ];
        for (endpoints, rows, columns, keys, expected) in cases {
            let names: Vec<String> = endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
            let calls = lookup(&asking(endpoints, rows), columns, keys).map(|ask| ask.calls.expected);
            assert_eq!(calls, expected, "{names:?} {columns:?} {keys}");
        }
    }

    #[test]
    fn a_lookup_shows_its_keys_and_a_scan_its_pages() {
        let list = || Endpoint { paging: Paging::LinkHeader, ..Endpoint::new("list", "repos") };
        let get = endpoint("get", EndpointKind::Get, 0, &[Operator::Eq], Place::Path("id".to_owned()));
        let asking = asking(vec![list(), get], 20_000);
        let ask = lookup(&asking, &[0], 150).expect("it is asked by key");
        assert_eq!((ask.how, ask.endpoint.as_str(), ask.pushed.as_str()), ("lookup", "get", "id IN (150 keys)"));
        assert_eq!(ask.calls, Estimate::exact(150));
        let Ok(Asked::Scan(scan)) = asking.plan(None) else { panic!("it can be listed") };
        assert_eq!(scan_calls(&scan).expected, 200);
    }
}
