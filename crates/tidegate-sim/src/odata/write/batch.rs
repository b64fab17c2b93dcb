//! JSON batches (OData JSON Format 4.01, 19): each request for itself, in order. Groups that are done together or not at
//! all are not offered.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::handle::pairs;
use crate::odata::fail::Fail;
use crate::odata::{Ask, answer, error};
use crate::reply::Reply;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    body: Option<Box<serde_json::value::RawValue>>,
    atomicity_group: Option<String>,
}

pub(super) fn serve(ask: &Ask<'_>) -> Result<Reply, Fail> {
    let most = ask.config.odata.batch_max;
    if most == 0 {
        return Err(Fail::unsupported("$batch is not implemented"));
    }
    let batch: Batch =
        serde_json::from_slice(ask.body).map_err(|error| Fail::bad(format!("the batch is not readable: {error}")))?;
    if batch.requests.len() > most {
        return Err(Fail::new(413, "TooLarge", format!("a batch takes {most} requests at most")));
    }
    if batch.requests.iter().any(|item| item.atomicity_group.is_some()) {
        return Err(Fail::unsupported("atomicity groups are not implemented"));
    }
    let preferred = ask.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let goes_on = preferred.flat_map(|value| value.split(',')).map(str::trim).any(|preference| {
        matches!(preference, "continue-on-error" | "continue-on-error=true" | "odata.continue-on-error")
    });
    let mut responses = Vec::with_capacity(batch.requests.len());
    for item in &batch.requests {
        let reply = one(ask, item).unwrap_or_else(|fail| error(ask.dialect, &fail));
        let is_refused = reply.status >= 400;
        responses.push(response(&item.id, &reply));
        if is_refused && !goes_on {
            break;
        }
    }
    Ok(Reply::new(200, "application/json", json!({ "responses": responses }).to_string()))
}

fn one(ask: &Ask<'_>, item: &Item) -> Result<Reply, Fail> {
    let method = Method::from_bytes(item.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Fail::bad(format!("'{}' is no method", item.method)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &item.headers {
        let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str().unwrap_or_default()));
        let (Ok(name), Ok(value)) = pair else { return Err(Fail::bad(format!("'{name}' is no header"))) };
        headers.append(name, value);
    }
    // A request of a batch takes the format of the batch unless it says otherwise.
    for name in [header::CONTENT_TYPE, header::ACCEPT] {
        if let (false, Some(value)) = (headers.contains_key(&name), ask.headers.get(&name)) {
            headers.insert(name, value.clone());
        }
    }
    let url = item.url.strip_prefix(ask.origin).unwrap_or(&item.url);
    let url = url.strip_prefix(ask.root).unwrap_or(url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = percent_decode_str(path).decode_utf8().map_err(|_| Fail::bad("the path is not UTF-8"))?;
    let pairs = pairs(query).map_err(Fail::bad)?;
    if path.starts_with("$batch") {
        return Err(Fail::bad("a batch cannot hold a batch"));
    }
    answer(&Ask {
        method: &method,
        path: &path,
        pairs: &pairs,
        headers: &headers,
        body: item.body.as_ref().map_or(b"", |body| body.get().as_bytes()),
        ..*ask
    })
}

fn response(id: &str, reply: &Reply) -> Value {
    let headers: Map<String, Value> =
        reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
    let mut response = json!({ "id": id, "status": reply.status, "headers": headers });
    // A body that is no JSON is a text.
    if !reply.body.is_empty() {
        let text = String::from_utf8_lossy(&reply.body);
        response["body"] = serde_json::from_slice(&reply.body).unwrap_or_else(|_| json!(text));
    }
    response
}
