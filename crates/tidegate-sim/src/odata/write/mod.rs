//! POST, PATCH, PUT and DELETE of entities, with ETags. OData 2 has MERGE in place of PATCH, also as a POST that says so in
//! `X-HTTP-Method`.

mod batch;
mod cells;

use http::{Method, header};
use serde_json::Value as Json;

use crate::data::changes::{Changes, Data, parse_key, text};
use crate::data::schema::EntitySet;
use crate::data::value::Value;
use crate::effect::{Effect, EffectKind};
use crate::reply::Reply;

use super::fail::Fail;
use super::filter::ast::Dialect;
use super::query::Query;
use super::{Ask, Call, etag, keys, missing, set_of, v2, written};
use cells::Purpose;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Post,
    Merge,
    Put,
    Delete,
}

impl Verb {
    fn kind(self) -> EffectKind {
        match self {
            Self::Post => EffectKind::Insert,
            Self::Merge | Self::Put => EffectKind::Update,
            Self::Delete => EffectKind::Delete,
        }
    }
}

/// Answers a request that is no GET.
pub(super) fn serve(ask: &Ask<'_>) -> Result<Reply, Fail> {
    if ask.path == "$batch" && ask.dialect == Dialect::V4 && ask.method == Method::POST {
        is_json(ask)?;
        return batch::serve(ask);
    }
    let not_allowed = || Fail::new(405, "MethodNotAllowed", format!("{} is not allowed here", ask.method));
    let verb = verb(ask).ok_or_else(not_allowed)?;
    let (set, rest) = set_of(ask.path)?;
    if ask.config.odata.forbidden.iter().any(|(name, kind)| name == set.name && *kind == verb.kind()) {
        return Err(not_allowed());
    }
    if verb != Verb::Delete {
        is_json(ask)?;
    }
    let key = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match (verb, rest, key) {
        (Verb::Post, "", _) => insert(ask, set, None),
        (Verb::Post, _, Some(_)) | (_, "", _) => Err(not_allowed()),
        (verb, _, Some(key)) => existing(ask, set, verb, keys::parse(key, set, ask.dialect)?),
        (_, rest, None) => Err(missing(rest.trim_start_matches(['/', '(']))),
    }
}

fn verb(ask: &Ask<'_>) -> Option<Verb> {
    let tunnelled = ask.headers.get("x-http-method").and_then(|value| value.to_str().ok());
    let method = match tunnelled.filter(|_| ask.dialect == Dialect::V2 && ask.method == Method::POST) {
        Some(method) => method,
        None => ask.method.as_str(),
    };
    match (method, ask.dialect) {
        ("POST", _) => Some(Verb::Post),
        ("PATCH", Dialect::V4) | ("MERGE", Dialect::V2) => Some(Verb::Merge),
        ("PUT", _) => Some(Verb::Put),
        ("DELETE", _) => Some(Verb::Delete),
        _ => None,
    }
}

fn is_json(ask: &Ask<'_>) -> Result<(), Fail> {
    let given = ask.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match given.to_ascii_lowercase().starts_with("application/json") {
        true => Ok(()),
        false => Err(Fail::new(415, "UnsupportedMediaType", format!("application/json is wanted, not '{given}'"))),
    }
}

/// Makes a row, with the key that the URL has if any.
fn insert(ask: &Ask<'_>, set: &EntitySet, key: Option<Vec<Value>>) -> Result<Reply, Fail> {
    let mut cells = cells::parse(ask, set, Purpose::Insert, |_| Value::Null)?;
    if let Some(key) = key {
        cells.retain(|(column, _)| !set.key.contains(column));
        cells.extend(set.key.iter().copied().zip(key));
    }
    ask.store.write_odata(ask.division, |changes| {
        let row = changes.insert(ask.source, set, cells);
        let row = row.ok_or_else(|| Fail::new(409, "Conflict", "There is an entity with this key already."))?;
        let call = note(ask, changes, set, row, EffectKind::Insert);
        let location = location(&call, set, row);
        let reply = match prefers(ask, "return=minimal") {
            true => with_etag(&call, set, row, Reply::empty(204)).with("OData-EntityId", location.clone()),
            false => written(&call, set, &Query::default(), row, 201),
        };
        Ok(reply.with("Location", location))
    })
}

/// Changes or removes the row with this key.
fn existing(ask: &Ask<'_>, set: &EntitySet, verb: Verb, key: Vec<Value>) -> Result<Reply, Fail> {
    let given = ask.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let found = Data { source: ask.source, changes: ask.store.odata(ask.division).get() }.find(set, &key);
    if found.is_none() && verb != Verb::Delete && ask.config.odata.upserts && given.is_none() {
        return insert(ask, set, Some(key));
    }
    ask.store.write_odata(ask.division, |changes| {
        let row = Data { source: ask.source, changes: Some(changes) }.find(set, &key);
        let row = row.ok_or_else(|| Fail::missing(format!("{}({}) does not exist", set.name, text(&key))))?;
        let data = Data { source: ask.source, changes: Some(changes) };
        is_current(ask, etag(&Call { ask, data }, set, row), given)?;
        if verb == Verb::Delete {
            effect(ask, set, text(&key), EffectKind::Delete);
            changes.remove(ask.source, set, row);
            return Ok(Reply::empty(204));
        }
        let purpose = if verb == Verb::Put { Purpose::Replace } else { Purpose::Merge };
        let cells = cells::parse(ask, set, purpose, |column| data.value(set, row, column))?;
        changes.update(set, row, cells);
        let call = note(ask, changes, set, row, EffectKind::Update);
        Ok(match prefers(ask, "return=representation") {
            true => {
                written(&call, set, &Query::default(), row, 200).with("Preference-Applied", "return=representation")
            }
            false => with_etag(&call, set, row, Reply::empty(204)),
        })
    })
}

fn is_current(ask: &Ask<'_>, etag: Option<String>, given: Option<&str>) -> Result<(), Fail> {
    match (given, etag) {
        (None, Some(_)) if ask.config.odata.needs_if_match => {
            Err(Fail::new(428, "PreconditionRequired", "This request needs If-Match."))
        }
        (Some(given), Some(etag)) if !given.split(',').any(|tag| ["*", etag.as_str()].contains(&tag.trim())) => {
            Err(Fail::new(412, "PreconditionFailed", "The entity has been changed by somebody else."))
        }
        _ => Ok(()),
    }
}

fn prefers(ask: &Ask<'_>, preference: &str) -> bool {
    let values = ask.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    ask.dialect == Dialect::V4
        && values.flat_map(|value| value.split([',', ';'])).any(|given| given.trim() == preference)
}

/// Enters what was done, and gives the rows as they are now.
fn note<'a>(ask: &'a Ask<'a>, changes: &'a Changes, set: &EntitySet, row: u64, kind: EffectKind) -> Call<'a> {
    let data = Data { source: ask.source, changes: Some(changes) };
    effect(ask, set, text(&data.key(set, row)), kind);
    Call { ask, data }
}

fn effect(ask: &Ask<'_>, set: &EntitySet, key: String, kind: EffectKind) {
    ask.store.effects.add(Effect {
        n: 0,
        request: ask.n,
        division: ask.division,
        table: set.name.to_owned(),
        kind,
        key,
        // The body of a removal is not looked at.
        values: if kind == EffectKind::Delete {
            Json::Null
        } else {
            serde_json::from_slice(ask.body).unwrap_or_default()
        },
        idempotency_key: None,
    });
}

fn with_etag(call: &Call<'_>, set: &EntitySet, row: u64, reply: Reply) -> Reply {
    match etag(call, set, row) {
        Some(etag) => reply.with("ETag", etag),
        None => reply,
    }
}

fn location(call: &Call<'_>, set: &EntitySet, row: u64) -> String {
    let key = match call.dialect {
        Dialect::V2 => v2::key(call, set, row),
        Dialect::V4 => {
            let values = call.data.key(set, row);
            let one = |(column, value): (&usize, &Value)| match set.key.len() {
                1 => text(std::slice::from_ref(value)),
                _ => format!("{}={}", set.columns[*column].name, text(std::slice::from_ref(value))),
            };
            set.key.iter().zip(&values).map(one).collect::<Vec<_>>().join(",")
        }
    };
    format!("{}{}{}({key})", call.origin, call.root, set.name)
}

/// Changes a row by its key in one text, as another client would, or removes it.
pub(crate) fn change(ask: &Ask<'_>, set: &EntitySet, key: &str, is_removal: bool) -> Result<(), Fail> {
    let key = parse_key(set, key).ok_or_else(|| Fail::bad(format!("'{key}' is no key of {}", set.name)))?;
    let verb = if is_removal { Verb::Delete } else { Verb::Merge };
    existing(ask, set, verb, key).map(drop)
}
