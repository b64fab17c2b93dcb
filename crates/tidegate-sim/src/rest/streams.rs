//! Streams that entries are added to: they have no identity, and only their numbers can be read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::effect::EffectKind;
use crate::reply::Reply;

use super::items::{Members, Wrong, wrong};
use super::{Call, answer, members_of};

/// Streams of one division by name.
#[derive(Debug, Default)]
pub(crate) struct Streams(BTreeMap<String, Stream>);

#[derive(Debug, Default)]
struct Stream {
    /// Number of entries by level.
    levels: BTreeMap<u64, u64>,
    /// Ids that entries were sent with.
    known: BTreeSet<String>,
}

/// Answers a request below a stream.
pub(super) fn serve(call: &Call<'_>, stream: &str, what: &str) -> Result<Reply, Wrong> {
    match (call.method.as_str(), what) {
        ("POST", "entries:write") => {
            let entry = members_of(call.json()?)?;
            call.store.write_streams(call.division, |streams| add(call, streams, stream, entry))?;
            Ok(answer(202, &json!({})))
        }
        ("POST", "entries:batchWrite") => {
            let entries = call.list(call.json()?, "entries")?;
            let results = call.store.write_streams(call.division, |streams| {
                let one = |entry| match members_of(entry).and_then(|entry| add(call, streams, stream, entry)) {
                    Ok(()) => json!({ "accepted": true }),
                    Err(wrong) => json!({ "accepted": false, "message": wrong.message }),
                };
                entries.into_iter().map(one).collect::<Vec<_>>()
            });
            Ok(answer(202, &json!({ "results": results })))
        }
        ("GET", "entries:summary") => call.store.write_streams(call.division, |streams| {
            let levels = streams.0.get(stream).map(|stream| stream.levels.clone()).unwrap_or_default();
            let levels: Vec<Value> =
                levels.into_iter().map(|(level, count)| json!({ "level": level, "count": count })).collect();
            Ok(answer(200, &json!({ "levels": levels })))
        }),
        _ => Err(Wrong { status: 404, message: "no such resource".to_owned() }),
    }
}

fn add(call: &Call<'_>, streams: &mut Streams, name: &str, entry: Members) -> Result<(), Wrong> {
    let known = ["request_id", "at", "level", "message"];
    if let Some(unknown) = entry.keys().find(|member| !known.contains(&member.as_str())) {
        return Err(wrong(format!("unknown field {unknown}")));
    }
    let level = entry.get("level").and_then(Value::as_u64).filter(|level| (1..=5).contains(level));
    let level = level.ok_or_else(|| wrong("level must be from 1 to 5"))?;
    if !entry.get("message").is_some_and(Value::is_string) {
        return Err(wrong("message is required"));
    }
    let id = entry.get("request_id").and_then(Value::as_str).map(str::to_owned);
    let stream = streams.0.entry(name.to_owned()).or_default();
    if id.as_ref().is_some_and(|id| !stream.known.insert(id.clone())) {
        return Ok(());
    }
    let count = stream.levels.entry(level).or_default();
    *count += 1;
    let key = format!("{level}-{count}");
    call.effect(&format!("streams/{name}/entries"), EffectKind::Insert, key, Value::Object(entry), id);
    Ok(())
}
