//! `$apply` of OData Extension for Data Aggregation 4.0: `filter`, `groupby` and `aggregate` in a row, over columns of
//! the set, with the methods sum, min, max, average, countdistinct and `$count`.
//!
//! `$orderby`, `$top`, `$skip`, `$count` and `$skiptoken` are about the groups. Other transformations, `$filter` and
//! `$select` beside `$apply` are 501.

mod groups;
mod parse;
mod show;

use std::cmp::Ordering;

use crate::data::schema::{EntitySet, Type};
use crate::data::value::Value;
use crate::reply::Reply;

use super::fail::Fail;
use super::filter::ast::Expr;
use super::filter::eval::order_nulls_low;
use super::query::{self, Position, Query};
use super::{Call, content_type, negotiate, page};

/// What `$apply` says.
#[derive(Debug)]
struct Pipeline {
    /// Rows are taken that pass all of these.
    filters: Vec<Expr>,
    /// Columns, or fields of complex ones.
    keys: Vec<Key>,
    measures: Vec<Measure>,
    /// Without `groupby` there is one group, of no rows too.
    is_grouped: bool,
}

/// A column that is grouped by.
#[derive(Debug)]
struct Key {
    column: usize,
    field: Option<usize>,
}

/// A value of a group.
#[derive(Debug)]
struct Measure {
    alias: String,
    method: Method,
    /// `None` for `$count`.
    column: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Sum,
    Min,
    Max,
    Average,
    CountDistinct,
    Count,
}

/// The type of a measure. Sums of 64 bits need more than 64, and counts are decimals (4.0, 3.1.3.5 and 3.1.4).
fn measured(set: &EntitySet, measure: &Measure) -> Type {
    let whole = Type::Decimal { precision: 38, scale: 0 };
    let Some(ty) = measure.column.map(|column| set.columns[column].ty) else { return whole };
    match (measure.method, ty) {
        (Method::Sum, Type::Int16 | Type::Int32) => Type::Int64,
        (Method::Sum, Type::Int64) | (Method::Count | Method::CountDistinct, _) => whole,
        (Method::Average, _) => Type::Double,
        (_, ty) => ty,
    }
}

/// Answers a request for groups.
pub(super) fn serve(call: &Call<'_>, set: &EntitySet, text: &str) -> Result<Reply, Fail> {
    let options = call.pairs.iter().filter(|(name, _)| name != "$apply" && name != "$orderby");
    let rest: Vec<(String, String)> = options.cloned().collect();
    if let Some((name, _)) = rest.iter().find(|(name, _)| name == "$filter" || name == "$select") {
        return Err(Fail::unsupported(format!("{name} together with $apply is not implemented")));
    }
    let query = Query::parse_pairs(call, set, query::COLLECTION, &rest)?;
    negotiate(call, "json")?;
    let pipeline = parse::pipeline(text, set, call.dialect)?;
    let order = call.pairs.iter().find(|(name, _)| name == "$orderby").map(|(_, value)| value.as_str());
    let order = order.map(|text| parse::order(text, set, &pipeline)).transpose()?.unwrap_or_default();
    let mut rows = groups::all(call, set, &pipeline);
    let collation = call.config.odata.collation;
    rows.sort_by(|left, right| {
        order.iter().fold(Ordering::Equal, |so_far, (at, is_descending)| {
            let order = order_nulls_low(&left[*at], &right[*at], collation);
            so_far.then(if *is_descending { order.reverse() } else { order })
        })
    });
    Ok(paged(call, set, &query, &pipeline, &rows))
}

/// The page of the groups that is asked for. The server's own limit holds for them too.
fn paged(call: &Call<'_>, set: &EntitySet, query: &Query, pipeline: &Pipeline, rows: &[Vec<Value>]) -> Reply {
    let position = query.position.unwrap_or_default();
    let skip = if query.position.is_some() { 0 } else { query.skip };
    let first = usize::try_from(position.at.saturating_add(skip)).unwrap_or(usize::MAX).min(rows.len());
    let own = match call.config.page_size {
        0 => u64::MAX,
        size => query.preferred.unwrap_or(size) as u64,
    };
    let want = query.top.map_or(own, |top| own.min(top.saturating_sub(position.taken)));
    let last = first.saturating_add(usize::try_from(want).unwrap_or(usize::MAX)).min(rows.len());
    let taken = position.taken + (last - first) as u64;
    let more = last < rows.len() && query.top.is_none_or(|top| taken < top);
    let next = more.then_some(Position { at: last as u64, taken, echo: 0 });
    let next = page::next_link(call, set, next, position);
    let count = query.count.then_some(rows.len() as u64);
    let body = show::collection(call, set, pipeline, &rows[first..last], count, next.as_deref());
    Reply::new(200, &content_type(call), body)
}
