//! A public library: an API in the style of many small services, to write a first manifest for.
//!
//! ```text
//! GET /api/books?page=&per_page=&author=&language=&available=&published_since=&sort=   pages with numbers, total
//! GET /api/books/{id}                                                                  one book, or 404
//! GET /api/books/{id}/loans?cursor=                                                    a cursor in the body
//! GET /api/members?after=&limit=                                                       keyset with has_more
//! ```
//!
//! `Config::rows` is the number of books. A parameter that an endpoint does not know is an error (422), as is a page
//! size above its greatest.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::data::Source;
use crate::data::civil;
use crate::data::words::{FAMILY, GIVEN};
use crate::reply::Reply;

/// Salts of the lists among the generated sets.
const BOOKS: u64 = 200;
const LOANS: u64 = 201;

/// Greatest pages.
const MAX_BOOKS: u64 = 50;
const LOANS_A_PAGE: u64 = 20;
const MAX_MEMBERS: u64 = 100;

/// Members for each hundred books, and the first member's number.
const MEMBERS_PER_HUNDRED: u64 = 30;
const FIRST_MEMBER: u64 = 1001;

const LANGUAGES: [&str; 4] = ["en", "nl", "de", "fr"];
const SUBJECTS: [&str; 8] = ["harbour", "lantern", "meadow", "granite", "compass", "orchard", "voyage", "timber"];

type Pairs<'a> = &'a [(String, String)];

/// Answers a request; `path` has no leading slash.
pub(crate) fn serve(config: &Config, source: &Source, path: &str, pairs: Pairs<'_>) -> Reply {
    let library = Library { config, source };
    let steps: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let answer = match steps.as_slice() {
        ["books"] => library.books(pairs),
        ["books", id] => known(pairs, &[]).and_then(|()| library.book_of(id)),
        ["books", id, "loans"] => library.loans(id, pairs),
        ["members"] => library.members(pairs),
        _ => Err(refuse(404, "no such resource; this API serves books and members")),
    };
    answer.map_or_else(|refusal| refusal, |body| Reply::new(200, "application/json", body.to_string()))
}

fn refuse(status: u16, message: &str) -> Reply {
    Reply::new(status, "application/json", json!({ "error": { "message": message } }).to_string())
}

fn known(pairs: Pairs<'_>, names: &[&str]) -> Result<(), Reply> {
    match pairs.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(refuse(422, &format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

fn get<'a>(pairs: Pairs<'a>, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// A positive number not above `most`.
fn number(pairs: Pairs<'_>, name: &str, default: u64, most: u64) -> Result<u64, Reply> {
    let Some(text) = get(pairs, name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| refuse(422, &format!("{name} must be a number from 1 to {most}")))
}

struct Library<'a> {
    config: &'a Config,
    source: &'a Source,
}

impl Library<'_> {
    fn books(&self, pairs: Pairs<'_>) -> Result<Value, Reply> {
        let names = ["page", "per_page", "author", "language", "available", "published_since", "sort"];
        known(pairs, &names)?;
        let page = number(pairs, "page", 1, u64::MAX)?;
        let per_page = number(pairs, "per_page", 20, MAX_BOOKS)?;
        let mut books: Vec<Value> = (1..=self.config.rows).map(|id| self.book(id)).collect();
        for (name, value) in pairs {
            match name.as_str() {
                // Names are found in any case, as at most libraries.
                "author" => books.retain(|book| text(&book["author"]["name"]).eq_ignore_ascii_case(value)),
                "language" => books.retain(|book| text(&book["language"]) == value),
                "available" => books.retain(|book| {
                    book["available"].as_bool().map(|is| if is { "true" } else { "false" }) == Some(value.as_str())
                }),
                "published_since" if civil::parse_date(value).is_none() => {
                    return Err(refuse(422, "published_since must be a date such as 2001-05-31"));
                }
                "published_since" => books.retain(|book| text(&book["published"]) >= value.as_str()),
                _ => {}
            }
        }
        sort(&mut books, get(pairs, "sort"))?;
        let total = books.len();
        let skip = usize::try_from((page - 1).saturating_mul(per_page)).unwrap_or(usize::MAX);
        let books: Vec<Value> = books.into_iter().skip(skip).take(per_page as usize).collect();
        Ok(json!({ "books": books, "page": page, "total": total }))
    }

    fn id(&self, text: &str) -> Result<u64, Reply> {
        let id = text.parse().ok().filter(|id| (1..=self.config.rows).contains(id));
        id.ok_or_else(|| refuse(404, "there is no such book"))
    }

    fn book_of(&self, id: &str) -> Result<Value, Reply> {
        Ok(self.book(self.id(id)?))
    }

    fn book(&self, id: u64) -> Value {
        let (bits, more) = (self.source.bits(BOOKS, id, 0), self.source.bits(BOOKS, id, 1));
        let pick = |bits: u64| SUBJECTS[(bits % 8) as usize];
        let author = bits % 24;
        let (given, family) = (GIVEN[(author % 6) as usize], FAMILY[(author / 4) as usize]);
        json!({
            "id": id,
            "title": format!("The {} and the {}", pick(bits >> 8), pick(bits >> 12)),
            "author": { "name": format!("{given} {family}"), "born": 1900 + author },
            "language": LANGUAGES[(more % 4) as usize],
            "published": civil::date_text(3_650 + (more % 16_000) as i64),
            "pages": if more.is_multiple_of(11) { Value::Null } else { json!(60 + more % 900) },
            "price": format!("{}.{:02}", 4 + (more >> 20) % 60, (more >> 30) % 100),
            "available": self.loan_list(id).last().is_none_or(|loan| !loan["returned_at"].is_null()),
            "added": 1_600_000_000 + (bits >> 16) % 100_000_000,
            "tags": [pick(bits >> 24), pick(bits >> 28)],
        })
    }

    fn loan_list(&self, book: u64) -> Vec<Value> {
        let bits = self.source.bits(LOANS, book, 0);
        let count = bits % 45;
        (0..count)
            .map(|loan| {
                let bits = self.source.bits(LOANS, book, 1 + loan as usize);
                let lent = 16_436 + (loan * 60 + bits % 20) as i64;
                let is_out = loan + 1 == count && bits.is_multiple_of(3);
                let returned = civil::date_text(lent + 1 + (bits >> 8) as i64 % 30);
                json!({
                    "number": loan + 1,
                    "member_id": FIRST_MEMBER + (bits >> 16) % self.member_count().max(1),
                    "lent_at": civil::date_text(lent),
                    "returned_at": if is_out { Value::Null } else { json!(returned) },
                })
            })
            .collect()
    }

    fn loans(&self, book: &str, pairs: Pairs<'_>) -> Result<Value, Reply> {
        known(pairs, &["cursor"])?;
        let loans = self.loan_list(self.id(book)?);
        let start = match get(pairs, "cursor") {
            None => 0,
            Some(cursor) => u64::from_str_radix(cursor, 16).map_err(|_| refuse(422, "cursor is none of ours"))?,
        };
        let (page, end) = (usize::try_from(start).unwrap_or(usize::MAX), start.saturating_add(LOANS_A_PAGE));
        let next = (end < loans.len() as u64).then(|| format!("{end:x}"));
        let page: Vec<Value> = loans.into_iter().skip(page).take(LOANS_A_PAGE as usize).collect();
        Ok(json!({ "loans": page, "next_cursor": next }))
    }

    fn member_count(&self) -> u64 {
        self.config.rows * MEMBERS_PER_HUNDRED / 100
    }

    fn members(&self, pairs: Pairs<'_>) -> Result<Value, Reply> {
        known(pairs, &["after", "limit"])?;
        let limit = number(pairs, "limit", 20, MAX_MEMBERS)?;
        let first = match get(pairs, "after") {
            None => FIRST_MEMBER,
            Some(after) => after.parse::<u64>().map_err(|_| refuse(422, "after must be a member's id"))? + 1,
        };
        let past = FIRST_MEMBER + self.member_count();
        let member = |id: u64| {
            let (given, family) = (GIVEN[(id % 6) as usize], FAMILY[(id / 6 % 6) as usize]);
            json!({ "id": id, "name": format!("{given} {family}"), "joined": civil::date_text(15_000 + id as i64) })
        };
        let members: Vec<Value> = (first..past).take(limit as usize).map(member).collect();
        let has_more = first.saturating_add(limit) < past;
        Ok(json!({ "members": members, "has_more": has_more }))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// By `published` or `title`, descending with a minus sign before it; equal ones by id.
fn sort(books: &mut [Value], by: Option<&str>) -> Result<(), Reply> {
    let Some(by) = by else { return Ok(()) };
    let (name, descending) = by.strip_prefix('-').map_or((by, false), |name| (name, true));
    if !["published", "title"].contains(&name) {
        return Err(refuse(422, "sort takes published and title, with a minus sign before it for descending"));
    }
    let key = |book: &Map<String, Value>| book.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    books.sort_by(|left, right| {
        let order = match (left.as_object(), right.as_object()) {
            (Some(left), Some(right)) => key(left).cmp(&key(right)),
            _ => Ordering::Equal,
        };
        if descending { order.reverse() } else { order }
    });
    Ok(())
}
