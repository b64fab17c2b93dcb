//! Columns from rows: names, paths, types and the key.

use std::collections::{HashMap, HashSet};

use super::json::{Json, Path};
use super::names::{plain, singular, snake};
use super::texts::{Form, form};

/// Objects whose members are the row itself (JSON:API, Airtable, HubSpot, Elasticsearch): names lose their prefix.
const WRAPPERS: &[&str] = &["attributes", "fields", "properties", "_source"];

/// Objects with members of the user's own choice: they stay JSON.
const MAPS: &[&str] = &["annotations", "customfields", "labels", "metadata", "tags"];

/// Most members of an object that become columns.
const MOST_MEMBERS: usize = 60;

/// A column as the manifest declares it.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) path: Path,
    pub(super) data_type: &'static str,
    /// What to check, for a comment.
    pub(super) remark: Option<String>,
}

impl Column {
    /// Whether the manifest can leave its path out.
    pub(super) fn is_plain(&self) -> bool {
        self.path.len() == 1 && self.path[0] == self.name
    }
}

/// A member with its values in the rows that have it.
struct Member<'r> {
    path: Path,
    values: Vec<&'r Json>,
}

/// The columns of these rows, in the order in which their members are first seen.
pub(super) fn columns(rows: &[&Json]) -> Vec<Column> {
    let mut members = Vec::new();
    for member in members_of(&[], rows) {
        let objects: Vec<&Json> = member.values.iter().copied().filter(|value| **value != Json::Null).collect();
        let name = member.path.last().map(String::as_str).unwrap_or_default();
        let inner = if is_flattened(name, &objects) { members_of(&member.path, &objects) } else { Vec::new() };
        if inner.is_empty() { members.push(member) } else { members.extend(inner) }
    }
    let names = assign(&members);
    let typed = members.into_iter().zip(names).map(|(member, name)| {
        let (data_type, remark) = data_type(&name, &member.values);
        Column { name, path: member.path, data_type, remark }
    });
    typed.collect()
}

fn members_of<'r>(parent: &[String], objects: &[&'r Json]) -> Vec<Member<'r>> {
    let mut members: Vec<Member<'r>> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    // A member without a name cannot be said in a path.
    for (name, value) in objects.iter().flat_map(|object| object.members()).filter(|(name, _)| !name.is_empty()) {
        let at = *index.entry(name).or_insert_with(|| {
            let path = parent.iter().chain([name]).cloned().collect();
            members.push(Member { path, values: Vec::new() });
            members.len() - 1
        });
        members[at].values.push(value);
    }
    members
}

/// Whether the members of these objects become columns. Not where they differ from row to row as those of a map do:
/// the columns would be data.
fn is_flattened(name: &str, objects: &[&Json]) -> bool {
    if objects.is_empty() || !objects.iter().all(|value| matches!(value, Json::Object(_))) {
        return false;
    }
    if WRAPPERS.contains(&name) {
        return true;
    }
    // What Kubernetes calls metadata is fixed, whereas elsewhere it is the user's.
    let is_fixed = |object: &&Json| object.get("uid").is_some() || object.get("resourceVersion").is_some();
    if MAPS.contains(&plain(name).as_str()) && !objects.iter().all(is_fixed) {
        return false;
    }
    let members = members_of(&[], objects);
    let common = members.iter().filter(|member| member.values.len() * 2 >= objects.len()).count();
    members.len() <= MOST_MEMBERS && (objects.len() < 3 || common * 2 >= members.len())
}

fn is_wrapped(path: &[String]) -> bool {
    path.len() == 2 && WRAPPERS.contains(&path[0].as_str())
}

/// SQL names, unique. Members of the row itself come before those of a wrapper.
fn assign(members: &[Member<'_>]) -> Vec<String> {
    let mut names = vec![String::new(); members.len()];
    let mut taken = HashSet::new();
    for wrapped in [false, true] {
        for (member, name) in members.iter().zip(&mut names).filter(|(member, _)| is_wrapped(&member.path) == wrapped) {
            let whole = snake(&member.path.join("_"));
            let short = member.path.last().filter(|_| wrapped).map(|last| snake(last));
            let numbered = (2..).map(|number| format!("{whole}_{number}"));
            let mut forms = short.into_iter().chain([whole.clone()]).chain(numbered);
            *name = forms.find(|form| !taken.contains(form)).unwrap_or(whole);
            taken.insert(name.clone());
        }
    }
    names
}

/// What the values of a column are.
#[derive(Default)]
struct Seen {
    bools: bool,
    ints: bool,
    bigs: bool,
    floats: bool,
    texts: bool,
    nested: bool,
    forms: HashSet<&'static str>,
}

fn look(values: &[&Json]) -> Seen {
    let mut seen = Seen::default();
    for value in values {
        match value {
            Json::Null => {}
            Json::Bool(_) => seen.bools = true,
            Json::Int(_) => seen.ints = true,
            Json::Big(_) => seen.bigs = true,
            Json::Float(_) => seen.floats = true,
            Json::Text(text) => {
                seen.texts = true;
                seen.forms.insert(match form(text) {
                    Form::Date => "date",
                    Form::Instant => "timestamp",
                    Form::Local => "local_timestamp",
                    Form::Microsoft => "timestamp(ms_json)",
                    Form::Uuid => "uuid",
                    Form::Other => "text",
                });
            }
            Json::List(_) | Json::Object(_) => seen.nested = true,
        }
    }
    seen
}

fn data_type(name: &str, values: &[&Json]) -> (&'static str, Option<String>) {
    let seen = look(values);
    let numbers = seen.ints || seen.bigs || seen.floats;
    match (seen.bools, numbers, seen.texts, seen.nested) {
        (false, false, false, false) => ("json", Some("always null in the samples: set its type".to_owned())),
        (true, false, false, false) => ("bool", None),
        (false, true, false, false) => number(name, values, &seen),
        (false, false, true, false) => text(&seen.forms),
        (false, false, false, true) => ("json", None),
        (bools, _, texts, nested) => {
            let kinds = [(bools, "booleans"), (numbers, "numbers"), (texts, "text"), (nested, "objects or lists")];
            let kinds: Vec<&str> = kinds.iter().filter(|(is_seen, _)| *is_seen).map(|(_, kind)| *kind).collect();
            ("json", Some(format!("{} in the samples", kinds.join(" and "))))
        }
    }
}

fn number(name: &str, values: &[&Json], seen: &Seen) -> (&'static str, Option<String>) {
    let guess = || Some("a guess by its name and size".to_owned());
    if is_named_as_time(name) && !seen.bigs {
        // 1990 to 2100: nothing smaller or greater is likely to be a time that matters.
        const SECONDS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;
        let numbers = || {
            values.iter().filter_map(|value| match value {
                // Exact up to 2^53, far above the ranges.
                Json::Int(number) => Some(*number as f64),
                Json::Float(number) => Some(*number),
                _ => None,
            })
        };
        if numbers().all(|number| SECONDS.contains(&number)) {
            return ("timestamp(epoch_s)", guess());
        }
        if numbers().all(|number| SECONDS.contains(&(number / 1000.0))) {
            return ("timestamp(epoch_ms)", guess());
        }
    }
    match (seen.floats, seen.bigs) {
        (true, _) => ("float", None),
        (false, true) => ("decimal(20,0)", Some("above the range of int".to_owned())),
        (false, false) => ("int", None),
    }
}

fn is_named_as_time(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    matches!(last, "at" | "time" | "date" | "timestamp" | "ts" | "created" | "updated" | "modified" | "deleted")
}

fn text(forms: &HashSet<&'static str>) -> (&'static str, Option<String>) {
    let only = |allowed: &[&str]| forms.iter().all(|form| allowed.contains(form));
    for data_type in ["date", "timestamp", "timestamp(ms_json)", "uuid"] {
        if only(&[data_type]) {
            return (data_type, None);
        }
    }
    if only(&["local_timestamp"]) {
        return ("local_timestamp", Some("without a zone in the samples; timestamp if it is UTC".to_owned()));
    }
    if only(&["date", "timestamp", "local_timestamp"]) {
        return ("timestamp", Some("without a zone or a time in some rows, which are taken as UTC".to_owned()));
    }
    if forms.len() > 1 && forms.contains("text") && !forms.contains("uuid") {
        return ("text", Some("a date in some rows".to_owned()));
    }
    ("text", None)
}

/// A column that tells one row from all others.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    pub(super) column: usize,
    /// Whether more than its name and these rows speak for it.
    pub(super) is_likely: bool,
}

/// The key of these rows, if a column of a usual name is unique and never null.
///
/// A wrong key does harm and a missing one little. So a column such as `user_id` has to come first in the row or be
/// named after the table, and what only `name` says needs more than one row.
pub(super) fn key(table: &str, columns: &[Column], rows: &[&Json]) -> Option<Key> {
    let own_id = format!("{}_id", singular(table));
    let name_of = |column: &Column| match column.path.as_slice() {
        [parent, last] if is_wrapped(&column.path) || parent == "metadata" => snake(last),
        _ => column.name.clone(),
    };
    let ranked = columns.iter().enumerate().filter_map(|(index, column)| {
        let name = name_of(column);
        let rank = match name.as_str() {
            "id" => 0,
            "uuid" | "uid" | "guid" => 1,
            "key" => 2,
            "code" => 3,
            _ if name == own_id => 4,
            _ if name.ends_with("_id") && index == 0 => 5,
            "name" => 6,
            _ => return None,
        };
        let is_usable = matches!(column.data_type, "int" | "text" | "uuid" | "decimal(20,0)");
        (is_usable && (rank < 2 || rows.len() > 1) && is_unique(&column.path, rows)).then_some((rank, index))
    });
    let (rank, column) = ranked.min()?;
    Some(Key { column, is_likely: rank < 2 && rows.len() > 1 })
}

fn is_unique(path: &[String], rows: &[&Json]) -> bool {
    let mut seen = HashSet::with_capacity(rows.len());
    rows.iter().all(|row| match row.at(path) {
        Some(Json::Text(text)) => !text.is_empty() && seen.insert(text.to_lowercase()),
        Some(Json::Int(number)) => seen.insert(number.to_string()),
        Some(Json::Big(number)) => seen.insert(number.to_string()),
        _ => false,
    })
}
