//! Finds the rows of a response: the array of objects that is most likely the list.

use super::json::{Json, Path};
use super::names::{plain, snake};

/// Members between the body and the rows, at most.
const MAX_DEPTH: usize = 4;

/// What lists are called, whatever is in them, without case and signs.
const LISTS: &[&str] = &[
    "content",
    "data",
    "docs",
    "elements",
    "entries",
    "features",
    "hits",
    "items",
    "list",
    "nodes",
    "objects",
    "records",
    "resources",
    "results",
    "rows",
    "value",
    "values",
];

/// Arrays of objects that go with a list and are none.
const COMPANIONS: &[&str] = &[
    "aggregations",
    "columns",
    "errors",
    "facets",
    "fields",
    "filters",
    "included",
    "includes",
    "links",
    "messages",
    "meta",
    "notices",
    "schema",
    "sort",
    "warnings",
];

/// Where the rows are, or why there are none.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Rows {
        path: Path,
        /// Whether it is called as lists are, or as the table.
        is_named: bool,
    },
    /// The list is there and has nothing in it.
    Empty(Path),
    /// The best array has values that are no objects.
    Values(Path),
    /// The body is an object, or a list of nothing usable.
    Nothing,
}

/// An array, by how likely it is the list: its name, its length, how near it is.
struct Candidate {
    rank: u8,
    path: Path,
    length: usize,
    are_objects: bool,
}

/// Looks for the rows of a table whose name in the URL is `table`.
pub(super) fn find(body: &Json, table: &str) -> Found {
    let mut candidates = Vec::new();
    collect(body, &mut Path::new(), table, &mut candidates);
    let order = |a: &&Candidate, b: &&Candidate| {
        // `max_by` takes the last of equals, and the first is wanted.
        (a.rank, a.length, b.path.len()).cmp(&(b.rank, b.length, a.path.len())).then(std::cmp::Ordering::Greater)
    };
    // An object with an id of its own is one row, and what it holds is not the list.
    let is_row = matches!(body.get("id"), Some(Json::Text(_) | Json::Int(_)));
    let is_usable = |list: &&Candidate| list.are_objects && list.length > 0 && list.rank > u8::from(is_row);
    let rows = candidates.iter().filter(is_usable).max_by(order);
    let empty = candidates.iter().filter(|list| list.length == 0 && list.rank > 1).max_by(order);
    match (rows, empty) {
        (Some(rows), Some(empty)) if rows.rank < empty.rank && rows.rank < 2 => Found::Empty(empty.path.clone()),
        (Some(rows), _) => Found::Rows { path: rows.path.clone(), is_named: rows.rank > 1 },
        (None, Some(empty)) => Found::Empty(empty.path.clone()),
        (None, None) => match candidates.iter().filter(|list| list.length > 0 && list.rank > 1).max_by(order) {
            Some(values) => Found::Values(values.path.clone()),
            None => Found::Nothing,
        },
    }
}

fn collect(value: &Json, path: &mut Path, table: &str, found: &mut Vec<Candidate>) {
    match value {
        Json::List(items) => found.push(Candidate {
            rank: rank(path, table),
            path: path.clone(),
            length: items.len(),
            are_objects: items.iter().all(|item| matches!(item, Json::Object(_))),
        }),
        Json::Object(members) if path.len() < MAX_DEPTH => {
            for (name, member) in members {
                path.push(name.clone());
                collect(member, path, table, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn rank(path: &[String], table: &str) -> u8 {
    let Some(name) = path.last() else { return 4 };
    let name_plain = plain(name);
    if snake(name) == table {
        3
    } else if path.len() <= 2 && LISTS.contains(&name_plain.as_str()) {
        2
    } else {
        u8::from(!COMPANIONS.contains(&name_plain.as_str()))
    }
}
