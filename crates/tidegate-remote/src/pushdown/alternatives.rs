//! How many sequences of requests a filter takes, and what each asks for.
//!
//! An endpoint that needs `owner = …` cannot be asked for `owner IN ('a', 'b')` at once, nor one that takes at most 100
//! values for 250 of them. Such a list is divided among alternatives, each of which is a scan of its own; together
//! they return at least the rows for which the filter is true.

mod chunk;

use tidegate_spec::{Endpoint, Operator, Table};

use super::places::{joined, needed, satisfies};
use super::pusher::Pusher;
use super::{PushedFilter, budget, push_filter};
use crate::render::url_length;
use crate::render::way::{Way, column_and_operator, conjuncts};
use crate::{CompareOp, Predicate, Scalar};
use chunk::Chunker;

/// Most alternatives of one scan.
pub const MAX_ALTERNATIVES: usize = 10_000;

/// One of the scans that a filter takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// What the endpoint is asked for. It is exact for the rows whose values are among `keys`.
    pub pushed: PushedFilter,
    /// For each column whose list of values was divided, those of this alternative. No value is in two alternatives,
    /// but a service that folds case may send a row in two: rows with other values have to be dropped.
    pub keys: Vec<(usize, Vec<Scalar>)>,
}

/// Why an endpoint cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CannotAsk {
    /// It needs filters that are not there: all of them.
    Missing(Vec<MissingFilter>),
    /// The lists of values would take more than [`MAX_ALTERNATIVES`] scans.
    TooMany {
        /// How many scans.
        alternatives: usize,
        /// The columns with these lists.
        columns: Vec<usize>,
    },
}

/// A filter that an endpoint needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFilter {
    /// Index into the table's columns.
    pub column: usize,
    /// Any of these would do.
    pub operators: Vec<Operator>,
    /// Whether the query has such a filter, with a value that a request cannot say: an empty text in a path, or one
    /// that is not among those that the API knows.
    pub unsayable: bool,
}

impl CannotAsk {
    /// One sentence that names table and columns.
    #[must_use]
    pub fn message(&self, table: &Table) -> String {
        let name = |column: usize| table.columns.get(column).map_or("?", |column| column.name.as_str());
        match self {
            Self::Missing(filters) => {
                let one = |missing: &MissingFilter| {
                    let operators: Vec<_> = missing.operators.iter().map(|operator| operator.sql()).collect();
                    let why = if missing.unsayable { ", with another value" } else { "" };
                    format!("{} ({}{why})", name(missing.column), operators.join(" or "))
                };
                let filters: Vec<_> = filters.iter().map(one).collect();
                format!("table {} can only be read with a filter on {}", table.name, filters.join(" and on "))
            }
            Self::TooMany { alternatives, columns } => {
                let columns: Vec<_> = columns.iter().map(|&column| name(column)).collect();
                format!(
                    "the values for {} would take {alternatives} scans of table {}, and {MAX_ALTERNATIVES} is the most; give fewer values",
                    columns.join(" and "),
                    table.name
                )
            }
        }
    }
}

/// A list that is divided.
struct Divided {
    /// Which of the filter's conjuncts.
    conjunct: usize,
    column: usize,
    chunks: Vec<Vec<Scalar>>,
    /// Whether each chunk is asked for as a list; otherwise it is one value, asked for with `=`.
    as_list: bool,
    needed: bool,
}

impl Divided {
    fn predicate(&self, values: Vec<Scalar>) -> Predicate {
        match values.as_slice() {
            [value] if !self.as_list => {
                Predicate::Compare { column: self.column, op: CompareOp::Eq, value: value.clone() }
            }
            _ => Predicate::In { column: self.column, values, negated: false },
        }
    }
}

/// What the endpoint is asked for, in one alternative or several.
///
/// A column that the endpoint needs takes `=` as it is. An IN on it is divided into its values where the endpoint
/// takes no list, and into shorter lists where it takes fewer values or the URL would be too long; one on another
/// column likewise into shorter lists, if the endpoint then takes all of them. Values that are there twice are asked
/// for once.
///
/// # Errors
/// When filters that the endpoint needs are not there, or when there would be more than [`MAX_ALTERNATIVES`].
pub fn alternatives(table: &Table, endpoint: usize, filter: Option<&Predicate>) -> Result<Vec<Alternative>, CannotAsk> {
    planned(table, endpoint, filter, true)
}

/// The same in as few as there can be: lists are divided only where the endpoint cannot be asked without. What of the
/// filter finds no room is left out.
///
/// # Errors
/// As [`alternatives`].
pub fn fewest_alternatives(
    table: &Table,
    endpoint: usize,
    filter: Option<&Predicate>,
) -> Result<Vec<Alternative>, CannotAsk> {
    planned(table, endpoint, filter, false)
}

fn planned(
    table: &Table,
    endpoint: usize,
    filter: Option<&Predicate>,
    divides: bool,
) -> Result<Vec<Alternative>, CannotAsk> {
    let nothing = || Alternative { pushed: PushedFilter::NOTHING, keys: Vec::new() };
    let Some(declared) = table.endpoints.get(endpoint) else { return Ok(vec![nothing()]) };
    let parts = flat(filter);
    let planner = Planner { table, endpoint: declared, parts: &parts };
    let mut divided = planner.divided();
    if !divides || count(&divided) > MAX_ALTERNATIVES {
        divided.retain(|list| list.needed);
    }
    if count(&divided) > MAX_ALTERNATIVES {
        let columns = divided.iter().filter(|list| list.chunks.len() > 1).map(|list| list.column).collect();
        return Err(CannotAsk::TooMany { alternatives: count(&divided), columns });
    }
    let mut asked = planner.ask(endpoint, &divided);
    if divided.iter().any(|list| !list.needed) && !asked.iter().all(|one| carries_keys(&one.pushed, &one.keys)) {
        // A list that the request has no room for would only be scans of the same rows.
        divided.retain(|list| list.needed);
        asked = planner.ask(endpoint, &divided);
    }
    match asked.iter().map(|one| planner.missing(&one.pushed)).find(|missing| !missing.is_empty()) {
        Some(missing) => Err(CannotAsk::Missing(missing)),
        None => Ok(asked),
    }
}

/// The conjuncts, of whatever depth.
fn flat(filter: Option<&Predicate>) -> Vec<Predicate> {
    let each = |part: &Predicate| match part {
        Predicate::And(_) => flat(Some(part)),
        other => vec![other.clone()],
    };
    conjuncts(filter).iter().flat_map(each).collect()
}

fn count(divided: &[Divided]) -> usize {
    divided.iter().fold(1, |product, list| product.saturating_mul(list.chunks.len()))
}

/// Whether each divided list is in the request.
fn carries_keys(pushed: &PushedFilter, keys: &[(usize, Vec<Scalar>)]) -> bool {
    let sent = conjuncts(pushed.predicate.as_ref());
    keys.iter().all(|(column, values)| {
        sent.iter().any(|leaf| match leaf {
            Predicate::Compare { column: of, value, .. } => of == column && values.as_slice() == [value.clone()],
            Predicate::In { column: of, values: sent, .. } => of == column && sent == values,
            _ => false,
        })
    })
}

struct Planner<'a> {
    table: &'a Table,
    endpoint: &'a Endpoint,
    parts: &'a [Predicate],
}

impl Planner<'_> {
    /// The lists to divide, one for each column that the endpoint needs, and those that are too long for it.
    fn divided(&self) -> Vec<Divided> {
        let needed = needed(self.endpoint);
        let mut divided: Vec<Divided> = needed.iter().filter_map(|&column| self.for_needed(column)).collect();
        for (conjunct, part) in self.parts.iter().enumerate() {
            match column_and_operator(part) {
                Some((column, Operator::In)) if !needed.contains(&column) => {
                    divided.extend(self.for_other(conjunct, column));
                }
                _ => {}
            }
        }
        divided
    }

    fn for_needed(&self, column: usize) -> Option<Divided> {
        let is_enough = |part: &Predicate| {
            let pushed = Pusher::new(self.table, &self.endpoint.filters).push(part);
            satisfies(self.endpoint, conjuncts(pushed.predicate.as_ref()), column)
        };
        let takes_lists = Way::of(&self.endpoint.filters, column, Operator::In).is_some();
        let is_list = |part: &Predicate| matches!(column_and_operator(part), Some((_, Operator::In)));
        if self.parts.iter().any(|part| !(takes_lists && is_list(part)) && is_enough(part)) {
            return None;
        }
        let divide = |(conjunct, part): (usize, &Predicate)| {
            let chunker = self.chunker(conjunct, column);
            let Predicate::In { column: of, values, negated: false } = part else { return None };
            let of_one = Predicate::In { column, values: values.get(..1)?.to_vec(), negated: false };
            let lists = (*of == column && is_enough(&of_one)).then(|| chunker.lists(values)).flatten();
            match lists {
                Some(chunks) => Some(Divided { conjunct, column, chunks, as_list: true, needed: true }),
                None if *of != column => None,
                None => {
                    let chunks = chunker.single(values)?;
                    Some(Divided { conjunct, column, chunks, as_list: false, needed: true })
                }
            }
        };
        self.parts.iter().enumerate().filter_map(divide).min_by_key(|list| list.chunks.len())
    }

    fn for_other(&self, conjunct: usize, column: usize) -> Option<Divided> {
        let way = Way::of(&self.endpoint.filters, column, Operator::In)?;
        let Predicate::In { values, .. } = &self.parts[conjunct] else { return None };
        let chunker = self.chunker(conjunct, column);
        if values.len() <= way.max_values() && chunker.has_room(values) {
            return None;
        }
        let chunks = chunker.lists(values)?;
        Some(Divided { conjunct, column, chunks, as_list: true, needed: false })
    }

    /// Divides a conjunct's list so that there is room in the URL for the others: half of it is for them, or more is for
    /// the list where they need less.
    fn chunker(&self, conjunct: usize, column: usize) -> Chunker<'_> {
        let others = self.parts.iter().enumerate().filter(|(other, _)| *other != conjunct).filter_map(|(_, part)| {
            let pushed = Pusher::new(self.table, &self.endpoint.filters).push(part).predicate?;
            Some(url_length(self.table, self.endpoint, &pushed).unwrap_or(usize::MAX))
        });
        let all = budget::of(self.endpoint);
        let longest = all.saturating_sub(others.fold(0, usize::saturating_add)).max(all / 2);
        Chunker { table: self.table, endpoint: self.endpoint, column, longest }
    }

    /// One alternative for each combination.
    fn ask(&self, endpoint: usize, divided: &[Divided]) -> Vec<Alternative> {
        (0..count(divided)).map(|number| self.one(endpoint, divided, number)).collect()
    }

    /// The alternative of this number: its digits, in the mixed base of the lists' lengths, are their chunks. The last
    /// list changes first.
    fn one(&self, endpoint: usize, divided: &[Divided], mut number: usize) -> Alternative {
        let mut parts = self.parts.to_vec();
        let mut keys = Vec::new();
        for list in divided.iter().rev() {
            let values = list.chunks[number % list.chunks.len()].clone();
            number /= list.chunks.len();
            if list.chunks.len() > 1 {
                keys.push((list.column, values.clone()));
            }
            parts[list.conjunct] = list.predicate(values);
        }
        keys.reverse();
        // What was divided goes first: of two filters for one place it is the one that has to be sent.
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (index, part) in parts.into_iter().enumerate() {
            let is_divided = divided.iter().any(|list| list.conjunct == index && list.chunks.len() > 1);
            if is_divided { first.push(part) } else { rest.push(part) }
        }
        first.extend(rest);
        let filter = joined(first);
        let pushed = filter.map_or(PushedFilter::NOTHING, |filter| push_filter(self.table, endpoint, &filter));
        Alternative { pushed, keys }
    }

    fn missing(&self, pushed: &PushedFilter) -> Vec<MissingFilter> {
        let sent = conjuncts(pushed.predicate.as_ref());
        let open = needed(self.endpoint).into_iter().filter(|&column| !satisfies(self.endpoint, sent, column));
        let one = |column: usize| {
            let operators = self.operators(column);
            let is_there = |part: &Predicate| {
                column_and_operator(part).is_some_and(|(of, operator)| of == column && operators.contains(&operator))
            };
            MissingFilter { column, unsayable: self.parts.iter().any(is_there), operators }
        };
        open.map(one).collect()
    }

    /// Operators of which any would do. An IN does where an `=` does.
    fn operators(&self, column: usize) -> Vec<Operator> {
        let filters = &self.endpoint.filters;
        let in_path = |operator: Operator| {
            filters.form(column, operator).is_some_and(|form| matches!(form.place, tidegate_spec::Place::Path(_)))
        };
        let declared = filters.column(column).map(|entry| entry.operators.as_slice()).unwrap_or_default();
        let mut operators: Vec<Operator> = declared.iter().map(|(operator, _)| *operator).collect();
        if operators.iter().any(|&operator| in_path(operator)) {
            operators.retain(|&operator| in_path(operator));
        }
        if operators.contains(&Operator::Eq) && !operators.contains(&Operator::In) {
            operators.push(Operator::In);
        }
        operators
    }
}
