//! The rows of `items`: how they begin, what may be written into them, and what was.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::config::Unwanted;
use crate::data::Source;
use crate::data::decimal::Decimal;

/// Salt of this list among the generated sets.
const SET: u64 = 300;
/// Values of `status`.
pub(super) const STATUS: [&str; 3] = ["open", "held", "closed"];
const CITIES: [&str; 4] = ["Gent", "Zürich", "'s-Hertogenbosch", "Osaka"];

pub(super) type Members = Map<String, Value>;

/// What was written to the items of one division.
#[derive(Debug, Default)]
pub(crate) struct Items {
    written: BTreeMap<u64, Written>,
    /// Ids that were given so far.
    given: u64,
    removed: u64,
}

#[derive(Debug, Clone)]
struct Written {
    /// `None` if it is removed.
    row: Option<Members>,
    version: u64,
}

/// The items of one division.
pub(super) struct Table<'a> {
    pub(super) source: &'a Source,
    /// Number of rows in the beginning.
    pub(super) generated: u64,
    pub(super) unwanted: &'a [Unwanted],
}

/// Why a row is not taken: a field and a sentence.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) status: u16,
    pub(super) message: String,
}

pub(super) fn wrong(message: impl Into<String>) -> Wrong {
    Wrong { status: 422, message: message.into() }
}

impl Table<'_> {
    /// Ids are below this, and at least 1.
    pub(super) fn end(&self, items: Option<&Items>) -> u64 {
        self.generated + 1 + items.map_or(0, |items| items.given)
    }

    /// Number of rows that are there.
    pub(super) fn count(&self, items: Option<&Items>) -> u64 {
        self.end(items) - 1 - items.map_or(0, |items| items.removed)
    }

    /// A row as the API shows it.
    pub(super) fn row(&self, items: Option<&Items>, id: u64) -> Option<Members> {
        let written = items.and_then(|items| items.written.get(&id));
        let (mut row, version) = match written {
            Some(written) => (written.row.clone()?, written.version),
            None if (1..=self.generated).contains(&id) => (self.generate(id), 0),
            None => return None,
        };
        row.insert("version".to_owned(), json!(format!("{id}.{version}")));
        Some(row)
    }

    fn generate(&self, id: u64) -> Members {
        let bits = self.source.bits(SET, id, 0);
        let row = json!({
            "id": id,
            "name": format!("Item {id:05}"),
            "status": STATUS[(bits % 3) as usize],
            "stock": (bits >> 8) % 1_000,
            "price": format!("{}.{:02}", (bits >> 20) % 500, (bits >> 40) % 100),
            "note": if bits.is_multiple_of(4) { json!(null) } else { json!(format!("note {}", (bits >> 50) % 50)) },
            "address": { "city": CITIES[(bits >> 30 & 3) as usize], "country": "BE" },
        });
        match row {
            Value::Object(members) => members,
            _ => Members::new(),
        }
    }

    /// Writes members of a row that is there; others stay as they are unless all is replaced.
    pub(super) fn update(
        &self,
        items: &mut Items,
        id: u64,
        members: &Members,
        replaces: bool,
    ) -> Result<Members, Wrong> {
        let gone = || Wrong { status: 404, message: format!("there is no item {id}") };
        let mut row = self.row(Some(items), id).ok_or_else(gone)?;
        self.check(members)?;
        if replaces {
            row = whole(id, members)?;
        } else {
            merge(&mut row, members);
        }
        row.remove("version");
        let version = items.written.get(&id).map_or(0, |written| written.version) + 1;
        items.written.insert(id, Written { row: Some(row), version });
        self.row(Some(items), id).ok_or_else(gone)
    }

    /// Makes a row and returns it.
    pub(super) fn insert(&self, items: &mut Items, members: &Members) -> Result<(u64, Members), Wrong> {
        self.check(members)?;
        let id = self.end(Some(items));
        let row = whole(id, members)?;
        items.given += 1;
        items.written.insert(id, Written { row: Some(row), version: 0 });
        Ok((id, self.row(Some(items), id).unwrap_or_default()))
    }

    /// Whether there was such a row.
    pub(super) fn remove(&self, items: &mut Items, id: u64) -> bool {
        let is_there = self.row(Some(items), id).is_some();
        if is_there {
            items.removed += 1;
            items.written.insert(id, Written { row: None, version: 0 });
        }
        is_there
    }

    /// Whether a row with these members could be made, or changed.
    pub(super) fn would_take(&self, id: Option<u64>, items: &Items, members: &Members) -> Result<(), Wrong> {
        self.check(members)?;
        match id {
            None => whole(0, members).map(drop),
            Some(id) => {
                let gone = || Wrong { status: 404, message: format!("there is no item {id}") };
                self.row(Some(items), id).map(drop).ok_or_else(gone)
            }
        }
    }

    /// Whether these members may be written at all.
    fn check(&self, members: &Members) -> Result<(), Wrong> {
        for (name, value) in members {
            let is_right = match name.as_str() {
                "name" => value.as_str().is_some_and(|text| (1..=100).contains(&text.chars().count())),
                "status" => value.as_str().is_some_and(|text| STATUS.contains(&text)),
                "stock" => value.as_u64().is_some(),
                // As many APIs do it: a number is taken, and a text is told.
                "price" => decimal(value).is_some_and(|price| price.scale <= 2),
                "note" => value.is_null() || value.is_string(),
                "address" => value.as_object().is_some_and(|address| {
                    address
                        .iter()
                        .all(|(name, value)| ["city", "country"].contains(&name.as_str()) && value.is_string())
                }),
                "id" | "version" => return Err(wrong(format!("{name} cannot be written"))),
                _ => return Err(wrong(format!("unknown field {name}"))),
            };
            if !is_right {
                return Err(wrong(format!("{name} must not be {value}")));
            }
            let is_it = |rule: &&Unwanted| rule.table == "items" && rule.column == *name && rule.value == *value;
            if let Some(rule) = self.unwanted.iter().find(is_it) {
                return Err(Wrong { status: rule.status, message: format!("{name} must not be {value} here") });
            }
        }
        Ok(())
    }
}

/// A row of these members alone.
fn whole(id: u64, members: &Members) -> Result<Members, Wrong> {
    if !members.contains_key("name") {
        return Err(wrong("name is required"));
    }
    let address = json!({ "city": null, "country": null });
    let nothing = json!({ "id": id, "status": "open", "stock": 0, "price": "0.00", "note": null, "address": address });
    let mut row = nothing.as_object().cloned().unwrap_or_default();
    merge(&mut row, members);
    Ok(row)
}

/// An amount, as a text or a number.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::parse(text),
        Value::Number(number) => Decimal::parse(&number.to_string()),
        _ => None,
    }
}

fn merge(row: &mut Members, members: &Members) {
    for (name, value) in members {
        match (row.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
            (_, Value::Number(price)) if name == "price" => drop(row.insert(name.clone(), json!(price.to_string()))),
            _ => drop(row.insert(name.clone(), value.clone())),
        }
    }
}
