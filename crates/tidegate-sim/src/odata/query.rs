//! System query options of one request, checked.

use crate::config::Capability;
use crate::data::schema::{EntitySet, Type};
use crate::data::value::Value;

use super::fail::Fail;
use super::filter::ast::{Cmp, Dialect, Expr};
use super::filter::parser::{parse_filter, parse_orderby};
use super::{Call, refusal};

/// Options of a collection.
pub(crate) const COLLECTION: &[&str] =
    &["$filter", "$select", "$orderby", "$top", "$skip", "$count", "$inlinecount", "$skiptoken", "$format"];
/// Options of `/$count`.
pub(crate) const COUNT: &[&str] = &["$filter"];
/// Options of a single entity.
pub(crate) const ENTITY: &[&str] = &["$select", "$format"];

const UNSUPPORTED: [&str; 9] =
    ["$expand", "$search", "$apply", "$compute", "$levels", "$index", "$deltatoken", "$schemaversion", "$id"];

/// Where a page begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Next row to look at; with `$orderby`, the next index of the sorted rows.
    pub(crate) at: u64,
    /// Rows already delivered, for `$top`.
    pub(crate) taken: u64,
    /// Grows when a fault repeats the last page; has no other meaning.
    pub(crate) echo: u64,
}

impl Position {
    pub(crate) fn token(self) -> String {
        format!("{}-{}-{}", self.at, self.taken, self.echo)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|p| p.parse().ok());
        let found = Self { at: parts.next()??, taken: parts.next()??, echo: parts.next()?? };
        parts.next().is_none().then_some(found)
    }
}

/// A column to send; of a complex column perhaps only some fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) column: usize,
    pub(crate) fields: Option<Vec<usize>>,
}

/// The options.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<Expr>,
    /// Text of filter and order: the key of cached results.
    pub(crate) filter_text: String,
    pub(crate) order_text: String,
    /// Empty means all columns.
    pub(crate) select: Vec<Pick>,
    pub(crate) order: Vec<(Expr, bool)>,
    pub(crate) top: Option<u64>,
    pub(crate) skip: u64,
    pub(crate) count: bool,
    pub(crate) position: Option<Position>,
    /// Page size that the client asked for with `Prefer` and gets.
    pub(crate) preferred: Option<usize>,
}

impl Query {
    pub(crate) fn parse(call: &Call<'_>, set: &EntitySet, allowed: &[&str]) -> Result<Self, Fail> {
        Self::parse_pairs(call, set, allowed, call.pairs)
    }

    /// The same of some of the call's options.
    pub(crate) fn parse_pairs(
        call: &Call<'_>,
        set: &EntitySet,
        allowed: &[&str],
        pairs: &[(String, String)],
    ) -> Result<Self, Fail> {
        let mut query = Query::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if UNSUPPORTED.contains(&name.as_str()) {
                return Err(Fail::unsupported(format!("{name} is not implemented")));
            }
            let foreign = match call.dialect {
                Dialect::V4 => "$inlinecount",
                Dialect::V2 => "$count",
            };
            if !allowed.contains(&name.as_str()) || name == foreign {
                return Err(Fail::bad(format!("The query option '{name}' is not known or not allowed here.")));
            }
            if seen.contains(&name.as_str()) {
                return Err(Fail::bad(format!("Query option '{name}' was specified more than once.")));
            }
            seen.push(name);
            query.option(call, set, name, value)?;
        }
        query.preferred = preferred(call);
        Ok(query)
    }

    fn option(&mut self, call: &Call<'_>, set: &EntitySet, name: &str, value: &str) -> Result<(), Fail> {
        let options = &call.config.odata;
        if let Some(capability) = capability(name) {
            if options.refuse.contains(&capability) {
                return Err(refusal(call, name));
            }
            if options.ignore.contains(&capability) {
                return Ok(());
            }
        }
        match name {
            "$filter" => {
                let filter = parse_filter(value, set, call.dialect)?;
                if let Some(what) = lacking(&filter, &options.refuse) {
                    return Err(refusal(call, what));
                }
                if options.in_max > 0 && longest(&filter) > options.in_max {
                    return Err(Fail::bad(format!("A list of 'in' takes {} values at most.", options.in_max)));
                }
                self.filter = Some(filter);
                self.filter_text = value.to_owned();
            }
            "$orderby" => {
                self.order = parse_orderby(value, set, call.dialect)?;
                self.order_text = value.to_owned();
            }
            "$select" => self.select = select(value, set)?,
            "$top" => self.top = Some(number(name, value)?),
            "$skip" => self.skip = number(name, value)?,
            "$count" => {
                self.count = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(Fail::bad(format!("$count takes true or false, not '{value}'"))),
                }
            }
            "$inlinecount" => {
                self.count = match value {
                    "allpages" => true,
                    "none" => false,
                    _ => return Err(Fail::bad(format!("$inlinecount takes allpages or none, not '{value}'"))),
                }
            }
            "$skiptoken" => {
                let position = Position::parse(value);
                self.position = Some(position.ok_or_else(|| Fail::bad("the $skiptoken is not one of ours"))?);
            }
            // `$format` was read by the content negotiation.
            _ => {}
        }
        Ok(())
    }
}

fn capability(name: &str) -> Option<Capability> {
    Some(match name {
        "$filter" => Capability::Filter,
        "$select" => Capability::Select,
        "$orderby" => Capability::OrderBy,
        "$top" => Capability::Top,
        "$skip" => Capability::Skip,
        "$count" | "$inlinecount" => Capability::Count,
        _ => return None,
    })
}

fn number(name: &str, value: &str) -> Result<u64, Fail> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let parsed = value.parse().ok().filter(|_| digits);
    parsed.ok_or_else(|| Fail::bad(format!("{name} takes a number that is not negative, not '{value}'")))
}

/// Most values in a list of `in`.
fn longest(expr: &Expr) -> usize {
    match expr {
        Expr::In(inner, values) => values.len().max(longest(inner)),
        Expr::Cmp(_, l, r) | Expr::And(l, r) | Expr::Or(l, r) => longest(l).max(longest(r)),
        Expr::Not(inner) => longest(inner),
        Expr::Call(_, args) => args.iter().map(longest).max().unwrap_or(0),
        Expr::Lambda { body, .. } => body.as_deref().map_or(0, longest),
        Expr::Lit(_) | Expr::Prop { .. } | Expr::Item => 0,
    }
}

/// The first thing in a filter that the service lacks.
fn lacking(expr: &Expr, refuse: &[Capability]) -> Option<&'static str> {
    let (needs, what) = match expr {
        Expr::Cmp(Cmp::Ne, ..) => (Some(Capability::Ne), "the operator ne"),
        Expr::Not(_) => (Some(Capability::Not), "the operator not"),
        Expr::Or(..) => (Some(Capability::Or), "the operator or"),
        Expr::In(..) => (Some(Capability::In), "the operator in"),
        Expr::Call(..) | Expr::Lambda { .. } => (Some(Capability::Functions), "a function"),
        Expr::Lit(Value::Null) => (Some(Capability::Null), "the literal null"),
        _ => (None, ""),
    };
    if needs.is_some_and(|c| refuse.contains(&c)) {
        return Some(what);
    }
    match expr {
        Expr::Cmp(_, l, r) | Expr::And(l, r) | Expr::Or(l, r) => lacking(l, refuse).or_else(|| lacking(r, refuse)),
        Expr::Not(inner) | Expr::In(inner, _) => lacking(inner, refuse),
        Expr::Call(_, args) => args.iter().find_map(|a| lacking(a, refuse)),
        Expr::Lambda { body, .. } => body.as_deref().and_then(|b| lacking(b, refuse)),
        Expr::Lit(_) | Expr::Prop { .. } | Expr::Item => None,
    }
}

fn select(text: &str, set: &EntitySet) -> Result<Vec<Pick>, Fail> {
    let mut picks: Vec<Pick> = Vec::new();
    let mut whole = false;
    for item in text.split(',') {
        let item = item.trim_matches([' ', '\t']);
        if item == "*" {
            whole = true;
            continue;
        }
        // A selected navigation property only adds a link, which minimal metadata leaves out.
        if set.navs.iter().any(|n| n.name == item) {
            continue;
        }
        let (name, field) = item.split_once('/').map_or((item, None), |(n, f)| (n, Some(f)));
        let unknown = || Fail::bad(format!("Could not find a property named '{item}' on type '{}'.", set.type_name));
        let column = set.column(name).ok_or_else(unknown)?;
        let field = match (field, set.columns[column].ty) {
            (None, _) => None,
            (Some(f), Type::Complex(c)) => Some(c.fields.iter().position(|x| x.name == f).ok_or_else(unknown)?),
            (Some(_), _) => return Err(unknown()),
        };
        merge(&mut picks, column, field);
    }
    if whole {
        return Ok(Vec::new());
    }
    picks.sort_by_key(|p| p.column);
    Ok(picks)
}

fn merge(picks: &mut Vec<Pick>, column: usize, field: Option<usize>) {
    let Some(pick) = picks.iter_mut().find(|p| p.column == column) else {
        picks.push(Pick { column, fields: field.map(|f| vec![f]) });
        return;
    };
    match (&mut pick.fields, field) {
        (Some(fields), Some(f)) if !fields.contains(&f) => fields.push(f),
        (fields, None) => *fields = None,
        _ => {}
    }
}

/// The page size of `Prefer: odata.maxpagesize=n`, if it is below the server's own limit.
fn preferred(call: &Call<'_>) -> Option<usize> {
    let limit = if call.config.page_size == 0 { usize::MAX } else { call.config.page_size };
    let headers = call.headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    headers
        .flat_map(|v| v.split([',', ';']))
        .filter_map(|p| p.trim().split_once('='))
        .find(|(name, _)| matches!(name.trim(), "odata.maxpagesize" | "maxpagesize"))
        .and_then(|(_, n)| n.trim().parse().ok())
        .filter(|n| (1..=limit).contains(n))
}
