//! Pages of rows, and how a response names the next one.

use std::cmp::Ordering;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};
use tidegate::transport::{Request, Response};
use tidegate_spec::{Endpoint, NullOrder, Paging, PastEnd, Path, Table};
use url::{Position, Url};

use super::read::{Read, Refusal, refuse};
use super::{Condition, Fidelity, Links, Next, NoToken, Place, State};
use crate::conformance::data::{Cell, Row, row_json, set};

/// Rows of a page where neither the request nor the declaration says how many.
pub(crate) const OWN_PAGE_SIZE: u64 = 5;

/// A response before it is sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) rows: usize,
}

impl Answer {
    pub(super) fn of(status: u16, body: &Json) -> Self {
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.to_string().into_bytes().into(), rows: 0 }
    }

    pub(super) fn response(self, url: Url) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a status");
        Response { status, headers: self.headers, url, body: self.body.into() }
    }
}

/// Rows of a page that the endpoint gives when it is asked for `asked`.
pub(crate) fn page_size(endpoint: &Endpoint, asked: Option<u64>, cap: Option<u64>) -> u64 {
    let declared = endpoint.page_size.as_ref().map(|size| size.max);
    let size = match &endpoint.paging {
        Paging::Single if asked.is_none() => u64::MAX,
        _ => asked.or(declared).unwrap_or(OWN_PAGE_SIZE),
    };
    size.min(cap.unwrap_or(u64::MAX))
}

impl State {
    /// Where a request that is no next URL begins.
    pub(super) fn start(&self, table: &Table, endpoint: usize, asked: &super::Asked) -> Read<u64> {
        let declared = &table.endpoints[endpoint];
        let Some(text) = &asked.position else { return Ok(0) };
        let number =
            || text.parse::<u64>().map_err(|_| Refusal { status: 400, message: format!("{text:?} is no number") });
        match &declared.paging {
            Paging::Page { first, .. } => {
                let Some(pages) = number()?.checked_sub(*first) else {
                    return refuse(format!("there is no page {text}"));
                };
                Ok(pages.saturating_mul(page_size(declared, asked.size, self.behaviour.cap)))
            }
            Paging::Offset { .. } => number(),
            Paging::Cursor { .. } => match self.issued.get(text) {
                Some(place) if place.endpoint == endpoint && place.asked.conditions == asked.conditions => {
                    Ok(place.start)
                }
                Some(_) => refuse(format!("the cursor {text} belongs to another query")),
                None => refuse(format!("there is no cursor {text}")),
            },
            Paging::Keyset { column, .. } => {
                let data_type = &table.columns[*column].data_type;
                let key = Cell::parse(text, data_type, None);
                let rows = self.matching(declared, asked);
                let at = rows.iter().position(|(_, row)| Some(&row[*column]) == key.as_ref());
                at.map_or_else(|| refuse(format!("there is no row {text}")), |at| Ok(at as u64 + 1))
            }
            _ => refuse(format!("no position is declared: {text}")),
        }
    }

    /// Rows that match, in order, each with its number.
    fn matching(&self, endpoint: &Endpoint, asked: &super::Asked) -> Vec<(usize, &Row)> {
        let folding = self.behaviour.fidelity == Fidelity::Folding;
        let is_path =
            |condition: &Condition| condition.leaves().iter().all(|(column, _)| asked.in_path.contains(column));
        let holds = |condition: &Condition, row: &Row| match self.behaviour.fidelity {
            Fidelity::Ignoring if !is_path(condition) => true,
            _ => condition.holds(row, folding && !is_path(condition)),
        };
        let rows = self.rows.iter().enumerate();
        let mut rows: Vec<_> =
            rows.filter(|(_, row)| asked.conditions.iter().all(|condition| holds(condition, row))).collect();
        if self.behaviour.ignores_order {
            return rows;
        }
        rows.sort_by(|(_, a), (_, b)| {
            let keys = asked.sort.iter().map(|&(column, descends)| {
                let nulls = endpoint.sort.iter().find(|sort| sort.column == column).map(|sort| sort.nulls);
                let order = sort_order(&a[column], &b[column], nulls);
                if descends { order.reverse() } else { order }
            });
            keys.fold(Ordering::Equal, Ordering::then)
        });
        rows
    }

    /// The one row of a key.
    pub(super) fn one(&self, table: &Table, place: &Place) -> Read<Answer> {
        let endpoint = &table.endpoints[place.endpoint];
        let rows = self.matching(endpoint, &place.asked);
        let Some(row) = rows.first() else {
            return Err(Refusal { status: 404, message: "there is no such row".to_owned() });
        };
        let object = row_json(table, endpoint, *row, &self.behaviour.shape, place.asked.fields.as_deref());
        let mut body = json!({});
        set(&mut body, endpoint.envelope.rows.first().map_or(&[][..], Path::as_slice), object);
        Ok(Answer { rows: 1, ..Answer::of(200, &body) })
    }

    /// One page of rows.
    pub(super) fn page(&mut self, table: &Table, place: &Place, request: &Request) -> Read<Answer> {
        let endpoint = &table.endpoints[place.endpoint];
        let size = page_size(endpoint, place.asked.size, self.behaviour.cap);
        let rows = self.matching(endpoint, &place.asked);
        let total = rows.len() as u64;
        let reachable = total.min(endpoint.ceiling.map_or(u64::MAX, |ceiling| ceiling.rows));
        let mut start = place.start;
        if self.behaviour.next == Next::Again && is_numbered(&endpoint.paging) {
            start = 0;
        }
        if start > 0 && start >= reachable && is_numbered(&endpoint.paging) {
            start = match self.past(&endpoint.paging) {
                PastEnd::Empty => start,
                PastEnd::Refused => return Err(Refusal { status: 404, message: "there is no such page".to_owned() }),
                PastEnd::Repeated => reachable.saturating_sub(1) / size * size,
            };
        }
        let end = start.saturating_add(size).min(reachable);
        let taken = if start < end { &rows[start as usize..end as usize] } else { &[] };
        let fields = place.asked.fields.as_deref();
        let written: Vec<Json> =
            taken.iter().map(|row| row_json(table, endpoint, *row, &self.behaviour.shape, fields)).collect();
        let has_next = end < reachable || (self.behaviour.empty_last && start < end);
        let count = written.len();
        let mut answer = self.envelope(endpoint, place, (written, total, has_next), (start, end), request);
        answer.rows = count;
        Ok(answer)
    }

    fn past(&self, paging: &Paging) -> PastEnd {
        let declared = match paging {
            Paging::Page { end, .. } | Paging::Offset { end, .. } | Paging::Keyset { end, .. } => end.past,
            _ => PastEnd::Empty,
        };
        self.behaviour.past.unwrap_or(declared)
    }

    fn envelope(
        &mut self,
        endpoint: &Endpoint,
        place: &Place,
        (rows, total, has_next): (Vec<Json>, u64, bool),
        (start, end): (u64, u64),
        request: &Request,
    ) -> Answer {
        let envelope = &endpoint.envelope;
        let mut body = json!({});
        let mut headers = Vec::new();
        set(&mut body, envelope.rows.first().map_or(&[][..], Path::as_slice), Json::Array(rows));
        if let Some(path) = envelope.more.first() {
            set(&mut body, path, json!(has_next));
        }
        if let Some(path) = envelope.count.first() {
            set(&mut body, path, if start.is_multiple_of(2) { json!(total) } else { json!(total.to_string()) });
        }
        if let Some(path) = envelope.success.first() {
            set(&mut body, path, json!(true));
        }
        if let Some(path) = envelope.failure.first() {
            set(&mut body, path, json!([]));
        }
        if let Some(name) = &envelope.count_header {
            headers.push((name.clone(), total.to_string()));
        }
        let next_start = if self.behaviour.next == Next::Again && start > 0 { start } else { end };
        let next = Place { start: next_start, ..place.clone() };
        match &endpoint.paging {
            Paging::NextUrl => {
                let link = has_next.then(|| self.next_url(next, request));
                self.token(endpoint, &mut body, link);
            }
            Paging::LinkHeader => {
                let first = "<https://links.example/first?a=b,c;d>; rel=\"first\"; title=\"a, b\"";
                let link = match has_next.then(|| self.next_url(next, request)) {
                    Some(url) => format!("{first}, <{url}>; rel=\"next\", <https://links.example/last>; rel=last"),
                    None => format!("{first}, <https://links.example/last>; rel=\"last\""),
                };
                headers.push(("link".to_owned(), link));
            }
            Paging::Cursor { header, none, .. } => {
                let token = has_next.then(|| self.cursor(next));
                match header {
                    Some(name) => {
                        let declared = none.first().filter(|_| self.behaviour.no_token == NoToken::Declared);
                        headers.extend(token.or(declared.cloned()).map(|token| (name.clone(), token)));
                    }
                    None => {
                        let declared =
                            none.first().filter(|_| token.is_none() && self.behaviour.no_token == NoToken::Declared);
                        self.token(endpoint, &mut body, token.or(declared.cloned()));
                    }
                }
            }
            _ => {}
        }
        let mut answer = Answer::of(200, &body);
        for (name, value) in headers {
            let name = HeaderName::try_from(name).expect("a header's name");
            answer.headers.append(name, HeaderValue::try_from(value).expect("a header's value"));
        }
        answer
    }

    /// Writes the next URL or token into the body, or that there is none.
    fn token(&self, endpoint: &Endpoint, body: &mut Json, token: Option<String>) {
        let Some(path) = endpoint.envelope.next.first() else { panic!("{}: no path for the next page", endpoint.name) };
        match (token, self.behaviour.no_token) {
            (Some(token), _) => set(body, path, json!(token)),
            (None, NoToken::Null) => set(body, path, Json::Null),
            (None, NoToken::Empty) => set(body, path, json!("")),
            (None, _) => {}
        }
    }

    /// A token with characters that have to be encoded. The same place has the same token.
    fn cursor(&mut self, place: Place) -> String {
        let token = format!("c{}/=+ &%41", place.start);
        self.issued.insert(token.clone(), place);
        token
    }

    fn next_url(&mut self, place: Place, request: &Request) -> String {
        let mut url = request.url.clone();
        // Percent-encoded as no client would write it: it has to come back byte by byte.
        url.set_query(Some(&format!("page_token=%74{}%2fa+b%20c&x=1;2", place.start)));
        self.issued.insert(url[Position::BeforePath..].to_owned(), place);
        if self.behaviour.next == Next::Elsewhere {
            url.set_host(Some(super::ELSEWHERE)).expect("a host");
        }
        match self.behaviour.links {
            Links::Absolute => url.to_string(),
            Links::Path => format!("{}?{}", url.path(), url.query().unwrap_or_default()),
            Links::Query => format!("?{}", url.query().unwrap_or_default()),
        }
    }
}

/// Whether the client says where a page begins by a number or a key.
fn is_numbered(paging: &Paging) -> bool {
    matches!(paging, Paging::Page { .. } | Paging::Offset { .. } | Paging::Keyset { .. })
}

fn sort_order(a: &Cell, b: &Cell, nulls: Option<NullOrder>) -> Ordering {
    let lowest = nulls == Some(NullOrder::Lowest);
    match (a == &Cell::Null, b == &Cell::Null) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if lowest {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if lowest {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, false) => a.compare(b).unwrap_or(Ordering::Equal),
    }
}
