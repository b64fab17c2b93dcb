//! Plain pages: `GET /things?page=n&per_page=m` answers a JSON array of objects with 12 fields,
//! about 550 bytes each. Pages count from 1.

use std::io::Write;

use crate::config::{Config, PastEnd};
use crate::data::Source;
use crate::data::civil::{self, DAY, SECOND};
use crate::fault::What;
use crate::reply::Reply;

/// Salt of this list among the generated sets.
const SET: u64 = 100;
const DEFAULT_PER_PAGE: usize = 100;

/// Answers a request. `pairs` is the decoded query.
pub(crate) fn serve(
    config: &Config,
    source: &Source,
    path: &str,
    pairs: &[(String, String)],
    faults: &[What],
) -> Reply {
    if path.trim_end_matches('/') != "/things" {
        return error(404, "no such resource; this API serves /things");
    }
    let largest = if config.page_size == 0 { usize::MAX } else { config.page_size };
    let mut page = 1u64;
    let mut per_page = largest.min(DEFAULT_PER_PAGE);
    for (name, value) in pairs {
        let number = value.parse::<u64>().ok().filter(|n| *n > 0);
        match (name.as_str(), number) {
            ("page", Some(n)) => page = n,
            ("per_page", Some(n)) => per_page = usize::try_from(n).unwrap_or(largest).min(largest),
            ("page" | "per_page", None) => return error(422, &format!("{name} must be a positive number")),
            _ => return error(422, &format!("unknown parameter {name}")),
        }
    }
    let per_page = per_page as u64;
    let pages = config.rows.div_ceil(per_page);
    if page > pages.max(1) {
        match config.plain.past_end {
            PastEnd::Empty => return totals(config, pages, Reply::new(200, "application/json", "[]")),
            PastEnd::NotFound => return error(404, "there is no such page"),
            PastEnd::RepeatLast => page = pages.max(1),
        }
    }
    let first = (page - 1) * per_page;
    let rows = first..config.rows.min(first + per_page);
    let mut body = Vec::with_capacity(600 * (rows.end.saturating_sub(rows.start)) as usize + 2);
    body.push(b'[');
    for row in rows {
        if row > first {
            body.push(b',');
        }
        thing(&mut body, source, row, faults);
    }
    body.push(b']');
    totals(config, pages, Reply::new(200, "application/json", body))
}

fn totals(config: &Config, pages: u64, reply: Reply) -> Reply {
    if !config.plain.totals {
        return reply;
    }
    reply.with("X-Total-Count", config.rows.to_string()).with("X-Total-Pages", pages.to_string())
}

fn error(status: u16, message: &str) -> Reply {
    let body = serde_json::json!({ "message": message });
    Reply::new(status, "application/json", body.to_string())
}

fn thing(out: &mut Vec<u8>, source: &Source, row: u64, faults: &[What]) {
    let bits = source.bits(SET, row, 0);
    let more = source.bits(SET, row, 1);
    let created = i128::from(16_436 + (bits % 3_650) as i64) * DAY + i128::from(more % 86_400) * SECOND;
    let fields: [(&str, String); 12] = [
        ("id", (row + 1).to_string()),
        ("name", format!("\"Thing {:08}\"", row + 1)),
        ("category", format!("\"{}\"", ["alpha", "beta", "gamma", "delta"][(bits % 4) as usize])),
        ("owner", format!("\"user{}@example.com\"", more % 5_000)),
        ("amount", format!("{}.{:02}", (bits >> 8) % 100_000, (bits >> 40) % 100)),
        ("quantity", ((more >> 8) % 1_000).to_string()),
        ("active", (bits & 1 << 33 != 0).to_string()),
        ("rating", if more.is_multiple_of(7) { "null".to_owned() } else { (more % 50).to_string() }),
        ("created_at", format!("\"{}\"", civil::stamp_text(created))),
        ("updated_at", format!("\"{}\"", civil::stamp_text(created + i128::from(bits % 9_999) * SECOND))),
        ("reference", format!("\"{bits:016x}-{more:016x}\"")),
        ("description", format!("\"{}\"", filler(more))),
    ];
    out.push(b'{');
    for (i, (name, json)) in fields.iter().enumerate() {
        let json = wrong(faults, row, name).unwrap_or(json);
        let comma = if i == 0 { "" } else { "," };
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{comma}\"{name}\":{json}");
    }
    out.push(b'}');
}

/// The JSON text that a fault puts in place of a cell.
pub(crate) fn wrong<'a>(faults: &'a [What], row: u64, column: &str) -> Option<&'a String> {
    faults.iter().find_map(|f| match f {
        What::WrongValue { row: r, column: c, json } if *r == row && c == column => Some(json),
        _ => None,
    })
}

fn filler(bits: u64) -> String {
    const WORDS: [&str; 8] = ["harbour", "lantern", "meadow", "granite", "compass", "orchard", "voyage", "timber"];
    (0..32).map(|i| WORDS[(bits >> (i * 2) & 7) as usize]).collect::<Vec<_>>().join(" ")
}
