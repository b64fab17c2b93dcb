//! Where items lie: lists under a parent, lists that must be narrowed, and what is told of one item alone.
//!
//! Of `Config::sizes` the numbers `sites` (12), `bins` (30 at each site) and `movements` (20 at each site) are taken.

use serde_json::{Value, json};

use crate::data::civil;
use crate::reply::Reply;

use super::items::{Wrong, wrong};
use super::{Call, answer};

/// Salts of the lists among the generated sets.
const BINS: u64 = 310;
const MOVEMENTS: u64 = 311;
const DETAILS: u64 = 312;

const COUNTRIES: [&str; 4] = ["BE", "NL", "DE", "FR"];
const STATES: [&str; 3] = ["free", "full", "blocked"];
/// Of every so many items one has no details.
const WITHOUT_DETAILS: u64 = 50;

/// Answers a GET.
pub(super) fn serve(call: &Call<'_>, steps: &[&str]) -> Result<Reply, Wrong> {
    match steps {
        ["sites"] => sites(call),
        ["sites", code] => Ok(answer(200, &site(number_of(call, code)?))),
        ["sites", code, "bins"] => bins(call, number_of(call, code)?),
        ["sites", code, "bins", number] => bin_of(call, number_of(call, code)?, number),
        ["movements"] => movements(call),
        _ => Err(missing("no such resource")),
    }
}

fn missing(message: impl Into<String>) -> Wrong {
    Wrong { status: 404, message: message.into() }
}

fn size(call: &Call<'_>, name: &str, default: u64) -> u64 {
    call.config.sizes.get(name).copied().unwrap_or(default)
}

fn code(number: u64) -> String {
    format!("S{number:03}")
}

/// The number of a site that is there.
fn number_of(call: &Call<'_>, text: &str) -> Result<u64, Wrong> {
    let number = (1..=size(call, "sites", 12)).find(|number| call.is_same(&code(*number), text));
    number.ok_or_else(|| missing(format!("there is no site {text}")))
}

fn site(number: u64) -> Value {
    let country = COUNTRIES[((number - 1) % 4) as usize];
    let opened = civil::date_text(16_436 + number as i64 * 30);
    json!({ "code": code(number), "name": format!("Site {number}"), "country": country, "opened": opened })
}

/// Pages with numbers.
fn sites(call: &Call<'_>) -> Result<Reply, Wrong> {
    call.knows(&["page", "per_page", "country"])?;
    let (page, per_page) = (call.number("page", 1)?.max(1), call.page_size("per_page", 50)?);
    let all = (1..=size(call, "sites", 12)).map(site);
    let country = call.parameter("country");
    let all = all.filter(|site| country.is_none_or(|text| call.is_same(site["country"].as_str().unwrap_or(""), text)));
    Ok(window(all.collect(), "sites", (page - 1).saturating_mul(per_page), per_page))
}

/// The rows of a page, and how many there are in all.
fn window(all: Vec<Value>, name: &str, skip: u64, take: u64) -> Reply {
    let total = all.len();
    let rows: Vec<Value> = all.into_iter().skip(skip as usize).take(take as usize).collect();
    answer(200, &json!({ name: rows, "total": total }))
}

fn bin(call: &Call<'_>, site: u64, number: u64) -> Value {
    let bits = call.source.bits(BINS + site * 1_000, number, 0);
    json!({
        "number": number,
        "item_id": bits % call.config.rows.max(1) + 1,
        "quantity": (bits >> 32) % 100,
        "state": STATES[(number % 3) as usize],
        "checked": if bits.is_multiple_of(5) { Value::Null } else { json!(civil::date_text(18_000 + (bits % 900) as i64)) },
    })
}

/// Offsets.
fn bins(call: &Call<'_>, site: u64) -> Result<Reply, Wrong> {
    call.knows(&["offset", "limit", "state"])?;
    let (offset, limit) = (call.number("offset", 0)?, call.page_size("limit", 20)?);
    let all = (1..=size(call, "bins", 30)).map(|number| bin(call, site, number));
    let state = call.parameter("state");
    let all = all.filter(|bin| state.is_none_or(|text| call.is_same(bin["state"].as_str().unwrap_or(""), text)));
    Ok(window(all.collect(), "bins", offset, limit))
}

fn bin_of(call: &Call<'_>, site: u64, text: &str) -> Result<Reply, Wrong> {
    let number = text.parse().ok().filter(|number| (1..=size(call, "bins", 30)).contains(number));
    let number = number.ok_or_else(|| missing(format!("there is no bin {text}")))?;
    Ok(answer(200, &bin(call, site, number)))
}

/// Movements of the sites that must be named; too many names are refused.
fn movements(call: &Call<'_>) -> Result<Reply, Wrong> {
    call.knows(&["sites", "offset", "limit", "kind"])?;
    let Some(text) = call.parameter("sites") else {
        return Err(Wrong { status: 400, message: "sites is required".to_owned() });
    };
    let mut sites = text.split(',').map(|text| number_of(call, text)).collect::<Result<Vec<u64>, Wrong>>()?;
    sites.sort_unstable();
    sites.dedup();
    call.admits(sites.len(), "sites")?;
    let (offset, limit) = (call.number("offset", 0)?, call.page_size("limit", 20)?);
    let each = size(call, "movements", 20);
    let all = sites.iter().flat_map(|site| (1..=each).map(move |number| (*site, number)));
    let all = all.map(|(site, number)| movement(call, site, number));
    let kind = call.parameter("kind");
    let all = all.filter(|row| kind.is_none_or(|text| call.is_same(row["kind"].as_str().unwrap_or(""), text)));
    Ok(window(all.collect(), "movements", offset, limit))
}

fn movement(call: &Call<'_>, site: u64, number: u64) -> Value {
    let bits = call.source.bits(MOVEMENTS, site * 10_000 + number, 0);
    json!({
        "id": site * 10_000 + number,
        "site": code(site),
        "item_id": bits % call.config.rows.max(1) + 1,
        "kind": if number.is_multiple_of(2) { "in" } else { "out" },
        "quantity": (bits >> 32) % 50 + 1,
        "day": civil::date_text(18_000 + (bits >> 16) as i64 % 900),
    })
}

/// What is told of one item alone.
pub(super) fn details(call: &Call<'_>, text: &str) -> Result<Reply, Wrong> {
    let id: u64 = text.parse().map_err(|_| missing(format!("there is no item {text}")))?;
    let is_there = call.table().row(call.store.items(call.division).get(), id).is_some();
    if !is_there || id.is_multiple_of(WITHOUT_DETAILS) {
        return Err(missing(format!("there are no details of item {text}")));
    }
    let bits = call.source.bits(DETAILS, id, 0);
    let supplier = if bits.is_multiple_of(7) { Value::Null } else { json!(format!("Supplier {}", bits % 40)) };
    let dimensions = json!({ "height": bits % 200, "width": (bits >> 8) % 200 });
    let weight = format!("{}.{:03}", (bits >> 16) % 90, (bits >> 30) % 1_000);
    Ok(answer(200, &json!({ "id": id, "weight": weight, "supplier": supplier, "dimensions": dimensions })))
}

impl Call<'_> {
    /// Whether two texts are equal here.
    pub(super) fn is_same(&self, own: &str, given: &str) -> bool {
        own == given || (self.config.rest.folds_case && own.to_lowercase() == given.to_lowercase())
    }

    /// Refuses parameters that are not among these.
    pub(super) fn knows(&self, names: &[&str]) -> Result<(), Wrong> {
        match self.pairs.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            Some((name, _)) => Err(wrong(format!("unknown parameter {name}"))),
            None => Ok(()),
        }
    }

    /// Refuses a list that is too long.
    pub(super) fn admits(&self, length: usize, name: &str) -> Result<(), Wrong> {
        match length <= self.config.rest.batch_max {
            true => Ok(()),
            false => {
                let message = format!("{name} takes {} at most, and not {length}", self.config.rest.batch_max);
                Err(Wrong { status: 400, message })
            }
        }
    }

    pub(super) fn number(&self, name: &str, default: u64) -> Result<u64, Wrong> {
        match self.parameter(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| wrong(format!("{name} must be a number"))),
        }
    }

    /// What a page holds; larger wishes get the largest page.
    pub(super) fn page_size(&self, name: &str, default: u64) -> Result<u64, Wrong> {
        let largest = if self.config.page_size == 0 { u64::MAX } else { self.config.page_size as u64 };
        Ok(self.number(name, default)?.clamp(1, largest))
    }
}
