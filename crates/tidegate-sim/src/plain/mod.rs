//! Plain pages of things, whose fields are in [`thing`]: 12 of them and about 550 bytes each, unless there are to be more.
//!
//! ```text
//! GET things?page=&per_page=    a JSON array; pages count from 1
//! GET feed?cursor=&limit=       {"items": […], "next": "…"}: the same rows behind a cursor; the last page has no next
//! ```

mod thing;

use crate::config::{Config, PastEnd};
use crate::data::Source;
use crate::fault::What;
use crate::reply::Reply;

const DEFAULT_PER_PAGE: u64 = 100;

/// Begins a cursor, so that nobody takes it for a number.
const CURSOR: &str = "after-";

/// A request, and of what it is answered.
struct Plain<'a> {
    config: &'a Config,
    source: &'a Source,
    faults: &'a [What],
    /// Largest page.
    largest: u64,
}

/// Answers a request. `pairs` is the decoded query.
pub(crate) fn serve(
    config: &Config,
    source: &Source,
    path: &str,
    pairs: &[(String, String)],
    faults: &[What],
) -> Reply {
    let largest = if config.page_size == 0 { u64::MAX } else { config.page_size as u64 };
    let plain = Plain { config, source, faults, largest };
    let answer = match path.trim_end_matches('/') {
        "/things" => plain.things(pairs),
        "/feed" => plain.feed(pairs),
        _ => Err(error(404, "no such resource; this API serves /things and /feed")),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

impl Plain<'_> {
    fn things(&self, pairs: &[(String, String)]) -> Result<Reply, Reply> {
        let rows = self.config.rows;
        let mut page = 1u64;
        let mut per_page = self.largest.min(DEFAULT_PER_PAGE);
        for (name, value) in pairs {
            match name.as_str() {
                "page" => page = positive(name, value)?,
                "per_page" => per_page = positive(name, value)?.min(self.largest),
                _ => return Err(unknown(name)),
            }
        }
        let pages = rows.div_ceil(per_page);
        if page > pages.max(1) {
            match self.config.plain.past_end {
                PastEnd::Empty => return Ok(self.totals(pages, Reply::new(200, "application/json", "[]"))),
                PastEnd::NotFound => return Err(error(404, "there is no such page")),
                PastEnd::RepeatLast => page = pages.max(1),
            }
        }
        let body = self.list((page - 1) * per_page, per_page, Vec::new());
        Ok(self.totals(pages, Reply::new(200, "application/json", body)))
    }

    fn feed(&self, pairs: &[(String, String)]) -> Result<Reply, Reply> {
        let mut first = 0u64;
        let mut limit = self.largest.min(DEFAULT_PER_PAGE);
        for (name, value) in pairs {
            match name.as_str() {
                "cursor" => {
                    let at = value.strip_prefix(CURSOR).and_then(|at| u64::from_str_radix(at, 16).ok());
                    let at = at.filter(|at| *at < self.config.rows);
                    first = at.ok_or_else(|| error(422, "the cursor is not one of ours"))?;
                }
                "limit" => limit = positive(name, value)?.min(self.largest),
                _ => return Err(unknown(name)),
            }
        }
        let mut body = self.list(first, limit, b"{\"items\":".to_vec());
        let end = first + limit;
        if end < self.config.rows {
            body.extend_from_slice(format!(",\"next\":\"{CURSOR}{end:x}\"").as_bytes());
        }
        body.push(b'}');
        Ok(Reply::new(200, "application/json", body))
    }

    /// So many rows at most, as a JSON array behind `out`.
    fn list(&self, first: u64, most: u64, mut out: Vec<u8>) -> Vec<u8> {
        let rows = first..self.config.rows.min(first.saturating_add(most));
        let fields = self.config.plain.fields.max(thing::FIELDS);
        let count = usize::try_from(rows.end.saturating_sub(rows.start)).unwrap_or(0);
        out.reserve(count * thing::size(fields) + 64);
        out.push(b'[');
        for row in rows {
            if row > first {
                out.push(b',');
            }
            thing::write(&mut out, self.source, row, fields, self.faults);
        }
        out.push(b']');
        out
    }

    fn totals(&self, pages: u64, reply: Reply) -> Reply {
        if !self.config.plain.totals {
            return reply;
        }
        reply.with("X-Total-Count", self.config.rows.to_string()).with("X-Total-Pages", pages.to_string())
    }
}

fn positive(name: &str, value: &str) -> Result<u64, Reply> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| error(422, &format!("{name} must be a positive number")))
}

fn unknown(name: &str) -> Reply {
    error(422, &format!("unknown parameter {name}"))
}

fn error(status: u16, message: &str) -> Reply {
    let body = serde_json::json!({ "message": message });
    Reply::new(status, "application/json", body.to_string())
}

/// The JSON text that a fault puts in place of a cell.
pub(crate) fn wrong<'a>(faults: &'a [What], row: u64, column: &str) -> Option<&'a String> {
    faults.iter().find_map(|f| match f {
        What::WrongValue { row: r, column: c, json } if *r == row && c == column => Some(json),
        _ => None,
    })
}
