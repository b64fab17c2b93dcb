//! An API for changing things, in all the ways in which APIs let one, and for reading them in as many. Below the root:
//!
//! ```text
//! GET    items?page=&per_page=&status=&min_stock=&ids=1,2&name=&sort=-stock   {"items": […], "total": n}
//! GET    items/{id}                                         the row, with ETag; 404
//! POST   items/query {"ids": [1, 2]}                        {"items": […]}: those of them that are there
//! GET    items/{id}/details                                 {"weight": …, "supplier": …, …}; 404 for every fiftieth
//! GET    sites?page=&per_page=&country=    GET sites/{code} {"sites": [{"code": "S001", …}], "total": n}
//! GET    sites/{code}/bins?offset=&limit=&state=            {"bins": [{"number": 1, …}], "total": n}
//! GET    sites/{code}/bins/{number}                         one of them
//! GET    movements?sites=S001,S002&offset=&limit=&kind=     {"movements": […], "total": n}; 400 without sites
//! POST   items                                              201 the row; JSON or a form
//! PATCH  items/{id}    PUT items/{id}    DELETE items/{id}  the row, the row, 204; If-Match is obeyed
//! PATCH  items?ids=1,2&limit=2    DELETE items?ids=1,2      {"affected": n}: the same for all of them
//! PATCH  soft/{id}                                          200 {"ok": true, "item": …} or {"ok": false, "error": …}
//! POST   items/batch/update  {"inputs": [{"id": "1", "properties": {…}}]}   200 or 207: by id
//! POST   items/batch/create  {"inputs": [{"trace": "…", "properties": {…}}]}
//! POST   items/batch/archive {"inputs": [{"id": "1"}]}      204, of rows that are not there as well
//! PATCH  items/bulk   {"items": [{"id": 1, …}]}             200 [{"id": 1, "success": true, "error": null}]: in order
//! POST   items/bulk   {"items": [{…}]}    POST items/bulk/delete {"ids": [1, 2]}    the same
//! PATCH  items/all    [{"id": 1, …}]    POST items/all [{…}]    200 {"done": n}, or 422 and nothing is done
//! POST   items/jobs   {"rows": [{"id": 1, …}]}              202 {"job": "1"}
//! GET    items/jobs/{job}     {"state": "running"}, then {"state": "complete", "results": [{"id": 1, "ok": true}]}
//! POST   streams/{stream}/entries:write       {"at": …, "level": 1, "message": …, "request_id": …}   202 {}
//! POST   streams/{stream}/entries:batchWrite  {"entries": […]}    202 {"results": [{"accepted": true}]}: in order
//! GET    streams/{stream}/entries:summary     {"levels": [{"level": 1, "count": n}]}
//! ```
//!
//! A request with `Idempotency-Key` is done once: see [`keys`]. An entry with a `request_id` is written once, whatever
//! request it comes in. Refusals are 422 `{"error": {"message": …}}`, of too long a list in a query 400.

mod batch;
mod items;
pub(crate) mod keys;
mod single;
mod sites;
mod streams;

use http::{HeaderMap, Method, header};
use serde_json::{Value, json};

use crate::config::Config;
use crate::data::Source;
use crate::effect::{Effect, EffectKind};
use crate::reply::Reply;
use crate::store::Store;
pub(crate) use batch::Jobs;
pub(crate) use items::Items;
use items::{Members, Table, Wrong, wrong};
pub(crate) use single::change;
pub(crate) use streams::Streams;

/// One request.
pub(crate) struct Call<'a> {
    pub(crate) config: &'a Config,
    pub(crate) source: &'a Source,
    pub(crate) store: &'a Store,
    /// 0 if there are none.
    pub(crate) division: u32,
    /// Number in the log.
    pub(crate) n: u64,
    pub(crate) method: &'a Method,
    /// Path below the root, percent-decoded.
    pub(crate) path: &'a str,
    pub(crate) pairs: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Answers a request.
pub(crate) fn serve(call: &Call<'_>) -> Reply {
    let steps: Vec<&str> = call.path.split('/').collect();
    let answer = match (call.method.as_str(), steps.as_slice()) {
        ("GET", ["items"]) => single::list(call),
        ("GET", ["items", "jobs", job]) => batch::job(call, job),
        ("GET", ["items", id]) => single::get(call, id),
        ("GET", ["items", id, "details"]) => sites::details(call, id),
        ("GET", ["sites" | "movements", ..]) => sites::serve(call, &steps),
        ("POST", ["items", "query"]) => single::query(call),
        ("POST", ["items"]) => single::insert(call),
        ("PATCH" | "DELETE", ["items"]) => batch::same(call),
        ("POST", ["items", "batch", what]) => batch::inputs(call, what),
        ("POST" | "PATCH", ["items", "bulk"]) => batch::in_order(call, call.method == Method::POST),
        ("POST", ["items", "bulk", "delete"]) => batch::delete_in_order(call),
        ("POST" | "PATCH", ["items", "all"]) => batch::all(call),
        ("POST", ["items", "jobs"]) => batch::start_job(call),
        ("PATCH" | "PUT", ["items", id]) => single::update(call, id),
        ("DELETE", ["items", id]) => single::delete(call, id),
        ("PATCH", ["soft", id]) => Ok(single::soft(call, id)),
        (_, ["streams", stream, what]) => streams::serve(call, stream, what),
        _ => Err(Wrong { status: 404, message: "no such resource".to_owned() }),
    };
    answer.unwrap_or_else(|wrong| refuse(&wrong))
}

/// All items of a division as they are now.
pub(crate) fn all(config: &Config, source: &Source, store: &Store, division: u32) -> Vec<Value> {
    let table = Table { source, generated: config.rows, unwanted: &[] };
    let items = store.items(division);
    let rows = (1..table.end(items.get())).filter_map(|id| table.row(items.get(), id));
    rows.map(Value::Object).collect()
}

fn refuse(wrong: &Wrong) -> Reply {
    Reply::new(wrong.status, "application/json", json!({ "error": { "message": wrong.message } }).to_string())
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/json", body.to_string())
}

impl<'a> Call<'a> {
    fn table(&self) -> Table<'a> {
        Table { source: self.source, generated: self.config.rows, unwanted: &self.config.unwanted }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The body as JSON.
    fn json(&self) -> Result<Value, Wrong> {
        if !self.content_type().starts_with("application/json") {
            return Err(Wrong { status: 415, message: "application/json is wanted".to_owned() });
        }
        serde_json::from_slice(self.body).map_err(|error| Wrong { status: 400, message: format!("no JSON: {error}") })
    }

    /// The list at a member of the body, which a batch takes so much of.
    fn list(&self, body: Value, at: &str) -> Result<Vec<Value>, Wrong> {
        let mut body = body;
        let list = if at.is_empty() { body } else { body[at].take() };
        let Value::Array(list) = list else { return Err(wrong(format!("{at} must be a list"))) };
        match list.len() {
            0 => Err(wrong("a batch must not be empty")),
            n if n > self.config.rest.batch_max => {
                let most = self.config.rest.batch_max;
                Err(wrong(format!("a batch takes {most} rows at most, and not {n}")))
            }
            _ => Ok(list),
        }
    }

    fn effect(&self, table: &str, kind: EffectKind, key: String, values: Value, idempotency_key: Option<String>) {
        let of_request = || {
            let key = self.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
            key.map(|key| key.trim_matches('"').to_owned())
        };
        self.store.effects.add(Effect {
            n: 0,
            request: self.n,
            division: self.division,
            table: table.to_owned(),
            kind,
            key,
            values,
            idempotency_key: idempotency_key.or_else(of_request),
        });
    }

    /// Updates an item and enters it.
    fn write(&self, items: &mut Items, id: u64, members: &Members, replaces: bool) -> Result<Members, Wrong> {
        let row = self.table().update(items, id, members, replaces)?;
        self.effect("items", EffectKind::Update, id.to_string(), json!(members), None);
        Ok(row)
    }

    /// Makes an item and enters it.
    fn make(&self, items: &mut Items, members: &Members, key: Option<String>) -> Result<(u64, Members), Wrong> {
        let (id, row) = self.table().insert(items, members)?;
        self.effect("items", EffectKind::Insert, id.to_string(), json!(members), key);
        Ok((id, row))
    }

    /// Removes an item and enters it.
    fn remove(&self, items: &mut Items, id: u64) -> Result<(), Wrong> {
        if !self.table().remove(items, id) {
            return Err(Wrong { status: 404, message: format!("there is no item {id}") });
        }
        self.effect("items", EffectKind::Delete, id.to_string(), Value::Null, None);
        Ok(())
    }
}

/// An id, as a number or as a text.
fn id_of(value: &Value) -> Result<u64, Wrong> {
    let id = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    id.ok_or_else(|| wrong(format!("{value} is no id")))
}

fn members_of(value: Value) -> Result<Members, Wrong> {
    match value {
        Value::Object(members) => Ok(members),
        other => Err(wrong(format!("an object is wanted, not {other}"))),
    }
}
