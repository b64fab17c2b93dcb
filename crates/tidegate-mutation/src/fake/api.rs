//! The fake API: a transport that does what its requests say, at once, later, or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value as Json, json};
use tidegate_spec::WriteKind;
use tidegate_transport::{Body, Clock, Error, ErrorKind, Request, Response, Result, Sent, TestClock, Transport};
use url::Url;

use super::faults::{Fault, Faults};
use super::tables::{BatchStyle, Style};

/// How much later than its connection breaks a request may take effect.
const LATE: u64 = 900;

/// Something that the API really did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) kind: WriteKind,
    pub(crate) id: i64,
    /// Its `n` after the change; 0 for a row that was removed.
    pub(crate) n: i64,
}

/// The fake API.
#[derive(Debug)]
pub(crate) struct Api {
    style: Style,
    clock: Arc<TestClock>,
    pub(crate) state: Mutex<State>,
}

/// What it holds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) rows: BTreeMap<i64, Stored>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) faults: Faults,
    /// Calls that its quota still allows.
    pub(crate) quota: u64,
    /// Calls that its quota did not allow.
    pub(crate) kept_back: u64,
    /// The row whose writes are all cut off before they are done.
    pub(crate) doomed: Option<i64>,
    /// Method and path of each call that reached it.
    pub(crate) calls: Vec<String>,
    /// Most calls that were under way at once.
    pub(crate) most_under_way: usize,
    /// Called before each write, to meddle with rows.
    pub(crate) meddle: Option<fn(&mut BTreeMap<i64, Stored>)>,
    under_way: usize,
    keys: HashMap<String, (String, Option<(u16, Json)>)>,
    late: Vec<(Duration, Asked)>,
    next_id: i64,
}

/// A row as the API has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) n: i64,
    pub(crate) version: u64,
}

/// A request, as far as it matters.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    path: String,
    key: Option<String>,
    version: Option<String>,
    body: Json,
}

impl Api {
    pub(crate) fn new(style: Style, clock: Arc<TestClock>) -> Arc<Self> {
        let state = State {
            rows: BTreeMap::new(),
            effects: Vec::new(),
            faults: Faults::none(),
            quota: u64::MAX,
            kept_back: 0,
            doomed: None,
            calls: Vec::new(),
            most_under_way: 0,
            meddle: None,
            under_way: 0,
            keys: HashMap::new(),
            late: Vec::new(),
            next_id: 1_000_000,
        };
        Arc::new(Self { style, clock, state: Mutex::new(state) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What it did, once all that is late has happened.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let mut state = self.lock();
        state.catch_up(self.style, Duration::MAX);
        state.effects.clone()
    }

    async fn delay(&self) {
        let delay = {
            let faults = &mut self.lock().faults;
            if faults.delay == 0 { 0 } else { faults.random.below(faults.delay) }
        };
        if delay > 0 {
            self.clock.sleep(Duration::from_millis(delay)).await;
        }
    }

    /// Takes a call out of its bounds.
    fn admit(&self, request: &Request) -> Result<()> {
        let statement = &request.operation.statement;
        if statement.cancellation().is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, Sent::No, "cancelled"));
        }
        if !statement.begin_call() {
            return Err(Error::new(ErrorKind::CallBound, Sent::No, "max_calls is reached"));
        }
        let mut state = self.lock();
        if state.quota == 0 {
            statement.unbegin_call();
            state.kept_back += 1;
            return Err(Error::new(ErrorKind::QuotaExhausted, Sent::No, "daily: 0 of 100 left"));
        }
        state.quota -= 1;
        statement.count_call(false);
        state.calls.push(format!("{} {}", request.method, request.url.path()));
        state.under_way += 1;
        state.most_under_way = state.most_under_way.max(state.under_way);
        Ok(())
    }

    fn read(&self, url: &Url) -> (u16, Json) {
        let state = self.lock();
        let ids =
            url.query_pairs().find(|(name, _)| name == "ids").map(|(_, ids)| ids.into_owned()).unwrap_or_default();
        let ids: Vec<i64> = ids.split(',').map(|id| id.parse().unwrap()).collect();
        let rows: Vec<Json> = ids.iter().filter_map(|id| Some(shown(*id, state.rows.get(id)?))).collect();
        (200, json!({ "results": rows }))
    }

    async fn answer(&self, request: &Request) -> Result<(u16, Json)> {
        self.delay().await;
        let now = self.clock.elapsed();
        self.lock().catch_up(self.style, now);
        let broken = || Err(Error::new(ErrorKind::Broken, Sent::Maybe, "the connection broke"));
        let failed = || Ok((503, json!({"message": "not now"})));
        if request.method == Method::GET {
            let fault = self.lock().faults.read();
            return match fault {
                Fault::None => Ok(self.read(&request.url)),
                Fault::FailsBefore => failed(),
                _ => broken(),
            };
        }
        let asked = Asked::of(request);
        let fault = self.lock().fault(&asked);
        match fault {
            Fault::CutBefore => return broken(),
            Fault::FailsBefore => return failed(),
            Fault::CutLate => {
                let mut state = self.lock();
                let due = now + Duration::from_millis(state.faults.random.below(LATE));
                state.late.push((due, asked));
                return broken();
            }
            Fault::None | Fault::CutAfter | Fault::FailsAfter => {}
        }
        let answer = self.lock().perform(self.style, &asked);
        match fault {
            Fault::CutAfter => return broken(),
            Fault::FailsAfter => return failed(),
            _ => {}
        }
        self.delay().await;
        Ok(answer)
    }
}

/// Counts a call as under way, also when it is dropped.
struct UnderWay<'a>(&'a Api);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}

#[async_trait]
impl Transport for Api {
    async fn send(&self, request: Request) -> Result<Response> {
        self.admit(&request)?;
        let under_way = UnderWay(self);
        let cancelled = request.operation.statement.cancellation();
        let answer = tokio::select! {
            biased;
            answer = self.answer(&request) => answer,
            () = cancelled.cancelled() => Err(Error::new(ErrorKind::Cancelled, Sent::Maybe, "cancelled under way")),
        };
        drop(under_way);
        let (status, body) = answer?;
        Ok(Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            url: request.url,
            body: Body::from(Bytes::from(body.to_string())),
        })
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Self {
            method: request.method.clone(),
            path: request.url.path().trim_start_matches('/').to_owned(),
            key: header("idempotency-key"),
            version: header("if-match"),
            body: serde_json::from_slice(&request.body).unwrap_or(Json::Null),
        }
    }
}

impl State {
    fn fault(&mut self, asked: &Asked) -> Fault {
        let is_doomed = self.doomed.is_some_and(|id| asked.path == format!("items/{id}"));
        if is_doomed { Fault::CutBefore } else { self.faults.write() }
    }

    /// Does what is late by now.
    fn catch_up(&mut self, style: Style, now: Duration) {
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(due, _)| *due <= now);
        self.late = later;
        let due: Vec<(Duration, Asked)> = due;
        for (_, asked) in due {
            let _ = self.perform(style, &asked);
        }
    }

    /// Does what is asked, once for a key.
    fn perform(&mut self, style: Style, asked: &Asked) -> (u16, Json) {
        if let Some(meddle) = self.meddle {
            meddle(&mut self.rows);
        }
        let print = format!("{} {} {}", asked.method, asked.path, asked.body);
        let Some(key) = asked.key.clone() else { return self.keyed_row(style, asked) };
        match self.keys.get(&key) {
            Some((known, _)) if *known != print => return (422, json!({"message": "another request has this key"})),
            Some((_, Some(answer))) => return answer.clone(),
            _ => {}
        }
        let answer = self.write(style, asked);
        self.keys.insert(key, (print, Some(answer.clone())));
        answer
    }

    /// Does what is asked, once for the key in a row of its own.
    fn keyed_row(&mut self, style: Style, asked: &Asked) -> (u16, Json) {
        let Some(key) = asked.body["key"].as_str() else { return self.write(style, asked) };
        if let Some((_, Some(answer))) = self.keys.get(key) {
            return answer.clone();
        }
        let answer = self.write(style, asked);
        if answer.0 < 300 {
            self.keys.insert(key.to_owned(), (String::new(), Some(answer.clone())));
        }
        answer
    }

    fn write(&mut self, style: Style, asked: &Asked) -> (u16, Json) {
        let Some(name) = asked.path.strip_prefix("items/batch/") else {
            let id = asked.path.strip_prefix("items/").map(|id| id.parse().unwrap());
            let kind = match asked.method {
                Method::POST => WriteKind::Insert,
                Method::PATCH => WriteKind::Update,
                _ => WriteKind::Delete,
            };
            return self.one(kind, id, asked.version.as_deref(), &asked.body);
        };
        let kind = match name {
            "insert" => WriteKind::Insert,
            "update" => WriteKind::Update,
            _ => WriteKind::Delete,
        };
        let inputs = asked.body["inputs"].as_array().unwrap().clone();
        if style.batch == Some(BatchStyle::Atomic) {
            return self.all_or_nothing(kind, &inputs);
        }
        let results: Vec<Json> = inputs.iter().map(|input| self.item(kind, input)).collect();
        (200, json!({ "results": results }))
    }

    /// One row of a batch, once for its key.
    fn item(&mut self, kind: WriteKind, input: &Json) -> Json {
        let key = input["key"].as_str().map(str::to_owned);
        if let Some((_, Some((status, answer)))) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return json!({"status": status, "row": answer});
        }
        let (status, answer) = self.one(kind, input["id"].as_i64(), None, input);
        if let Some(key) = key.filter(|_| status < 300) {
            self.keys.insert(key, (String::new(), Some((status, answer.clone()))));
        }
        if status < 300 {
            json!({"status": status, "row": answer})
        } else {
            json!({"status": status, "message": answer["message"]})
        }
    }

    fn all_or_nothing(&mut self, kind: WriteKind, inputs: &[Json]) -> (u16, Json) {
        let (rows, effects) = (self.rows.clone(), self.effects.len());
        for input in inputs {
            let (status, answer) = self.one(kind, input["id"].as_i64(), None, input);
            if status >= 300 {
                self.rows = rows;
                self.effects.truncate(effects);
                return (400, answer);
            }
        }
        (200, json!({}))
    }

    fn one(&mut self, kind: WriteKind, id: Option<i64>, version: Option<&str>, body: &Json) -> (u16, Json) {
        let refused = |status: u16, message: &str| (status, json!({ "message": message }));
        if body["name"] == "bad" {
            return refused(400, "the name is bad");
        }
        if kind == WriteKind::Insert {
            let id = body["id"].as_i64().unwrap_or(self.next_id);
            self.next_id += 1;
            if self.rows.contains_key(&id) {
                return refused(409, "there is a row with this id");
            }
            self.rows.insert(id, Stored { name: String::new(), n: 0, version: 0 });
            return self.change(kind, id, body);
        }
        let id = id.unwrap();
        let Some(row) = self.rows.get(&id) else { return refused(404, "no such row") };
        if version.is_some_and(|version| version != format!("v{}", row.version)) {
            return refused(412, "somebody else has changed it");
        }
        if kind == WriteKind::Delete {
            self.rows.remove(&id);
            self.effects.push(Effect { kind, id, n: 0 });
            return (200, json!({}));
        }
        self.change(kind, id, body)
    }

    fn change(&mut self, kind: WriteKind, id: i64, body: &Json) -> (u16, Json) {
        let row = self.rows.get_mut(&id).unwrap();
        row.version += 1;
        if let Some(name) = body["name"].as_str() {
            row.name = name.to_owned();
        }
        row.n = body["n"].as_i64().unwrap_or(row.n);
        let (n, shown) = (row.n, shown(id, row));
        self.effects.push(Effect { kind, id, n });
        (200, shown)
    }
}

fn shown(id: i64, row: &Stored) -> Json {
    json!({"id": id, "name": row.name, "n": row.n, "version": format!("v{}", row.version)})
}
