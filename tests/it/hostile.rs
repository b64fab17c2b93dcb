//! A server that limits calls and tells nonsense about it. A statement completes or fails with one clear error, in bounded
//! time and with bounded requests; nothing panics.
//!
//! The server stands in place of the network, and time is the test's own: a wait of a year would take no time, and is
//! seen all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tidegate::transport::{Error as TransportError, Request, Response, Transport};
use tidegate::{Clock, ConnectionDef, Engine, TestClock};
use tidegate_tests::run::run;

const PAGES: u64 = 20;
const PAGE_SIZE: u64 = 10;
/// The last page is part full, so that it is known to be the last.
const ROWS: u64 = PAGES * PAGE_SIZE - 5;

/// Requests that one request can become at most: it, and as often as it is repeated when it is refused.
const MOST_REPEATS: u64 = 9;
/// Longest that a statement waits in all when every wait is a surprise: 1, 2, 4 … 60 s, and a little.
const MOST_SURPRISES: Duration = Duration::from_secs(400);

const MANIFEST: &str = "
connector: hostile
url: https://api.example/v1/
QUOTAS
tables:
  things:
    key: id
    columns: { id: int, name: text }
    list:
      path: things
      rows: things
      page_size: { parameter: per_page, max: 10 }
      paging: { page: page, short: last }
";

/// Nothing, or all that the server tells.
const DECLARED: [&str; 2] = [
    "",
    "quotas:
  - name: minutely
    window: 60s
    limit: { header: x-ratelimit-limit }
    remaining: { header: x-ratelimit-remaining }
    reset: { header: x-ratelimit-reset, as: epoch_s }",
];

/// Status and headers of an answer.
type Told = (u16, Vec<(&'static str, String)>);

struct Case {
    name: &'static str,
    /// What is told with the n-th answer, counted from 1, at this time (seconds since 1970).
    tell: fn(u64, u64) -> Told,
    expect: Expect,
    /// Most requests.
    calls: u64,
    /// Longest time.
    time: Duration,
}

enum Expect {
    Rows,
    /// An error with these words, besides the connection's name.
    Error(&'static [&'static str]),
    /// Rows, or an error with these words.
    Either(&'static [&'static str]),
}

fn classic(limit: impl ToString, remaining: impl ToString, reset: impl ToString) -> Vec<(&'static str, String)> {
    vec![
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", remaining.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
    ]
}

fn refused(retry_after: &str) -> Told {
    (429, vec![("retry-after", retry_after.to_owned())])
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const TWO_MINUTES: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3_600);

/// Each ends within the given calls and time, whatever is declared.
const CASES: &[Case] = &[
    Case {
        name: "remaining goes up and down",
        tell: |n, now| (200, classic(100, [70, 3, 99, 0, 41][n as usize % 5], now + 3)),
        expect: Expect::Rows,
        calls: PAGES,
        time: MINUTE,
    },
    Case {
        name: "the limit moves, below what was spent too",
        tell: |n, now| (200, classic([100, 5, 1, 1000][n as usize % 4], [90, 4, 1, 900][n as usize % 4], now + 2)),
        expect: Expect::Rows,
        calls: PAGES,
        time: TWO_MINUTES,
    },
    Case {
        name: "the reset is past",
        tell: |_, now| (200, classic(100, 0, now - 500)),
        expect: Expect::Rows,
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "the reset moves away with each answer",
        tell: |n, now| (200, classic(100, 50, now + 60 * n)),
        expect: Expect::Rows,
        calls: PAGES,
        time: MINUTE,
    },
    Case {
        name: "the reset is a thousand years off, and nothing is left",
        tell: |_, now| (200, classic(100, 0, now + 31_557_600_000)),
        expect: Expect::Either(&[]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "the reset is a day off, and nothing is left",
        tell: |_, now| (200, classic(100, 0, now + 86_400)),
        // Where a window of a minute is declared, that is nonsense; else it is believed.
        expect: Expect::Either(&["0 of 100 left", "max_wait"]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "absurd numbers",
        tell: |n, _| {
            let absurd = ["-5", "NaN", "1e400", "99999999999999999999999", "", "ten", "0x10", "-0", "١٢"];
            let of = |i: u64| absurd[((n + i) % 9) as usize];
            (200, classic(of(0), of(2), of(4)))
        },
        expect: Expect::Rows,
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "the largest numbers",
        tell: |_, _| (200, classic(u64::MAX, u64::MAX, u64::MAX)),
        expect: Expect::Rows,
        calls: PAGES,
        time: MINUTE,
    },
    Case {
        name: "a limit of nothing",
        tell: |_, now| (200, classic(0, 0, now + 30)),
        expect: Expect::Either(&[]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "policies of nothing",
        tell: |_, _| {
            let policy = ("ratelimit-policy", "\"a\";q=0;w=0, \"b\";q=5;w=0, \"\";q=1, 5, ;;".to_owned());
            (200, vec![policy, ("ratelimit", "\"a\";r=0;t=0, \"c\";t=5, \"b\";r=-1".to_owned())])
        },
        expect: Expect::Either(&[]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "header sets contradict each other",
        tell: |_, now| {
            let mut headers = classic(100, 50, now + 30);
            headers.push(("ratelimit", "limit=10, remaining=0, reset=1".to_owned()));
            headers.push(("ratelimit-remaining", "7".to_owned()));
            headers.push(("ratelimit-limit", "3".to_owned()));
            headers.push(("ratelimit-reset", "2".to_owned()));
            (200, headers)
        },
        expect: Expect::Rows,
        calls: PAGES,
        time: TWO_MINUTES,
    },
    Case {
        name: "one header many times over",
        tell: |_, now| {
            let of = |left: u64| classic(100, left, now + 9);
            (200, (0..200).flat_map(of).collect())
        },
        expect: Expect::Rows,
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "a header of 60 KB",
        tell: |n, _| (200, vec![("ratelimit", "\"a\";r=1;t=1,".repeat(5_000)), ("x-ratelimit-limit", n.to_string())]),
        expect: Expect::Either(&[]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "a date of another century",
        tell: |_, now| {
            let mut headers = classic(100, 1, now + 5);
            headers.push(("date", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned()));
            (200, headers)
        },
        expect: Expect::Either(&[]),
        calls: PAGES,
        time: HOUR,
    },
    Case {
        name: "refused for ever",
        tell: |_, _| (429, Vec::new()),
        expect: Expect::Error(&["429"]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused for ever, and to be repeated at once",
        tell: |_, _| refused("0"),
        expect: Expect::Error(&["429"]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused for ever, and to be repeated in the past",
        tell: |_, _| refused("Thu, 01 Jan 1970 00:00:00 GMT"),
        expect: Expect::Error(&["429"]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused for ever, with much left",
        tell: |_, now| (429, classic(100, 50, now + 1)),
        expect: Expect::Error(&["429"]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused for ever after five pages",
        tell: |n, _| if n <= 5 { (200, Vec::new()) } else { refused("1") },
        expect: Expect::Error(&["429"]),
        calls: 5 + MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused for a year",
        tell: |_, _| refused("31536000"),
        expect: Expect::Error(&["wait"]),
        calls: 1,
        time: SECOND,
    },
    Case {
        name: "refused for longer than there is time",
        tell: |_, _| refused("99999999999999999999"),
        expect: Expect::Error(&[]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "refused until soon",
        tell: |_, _| refused("soon"),
        expect: Expect::Error(&["429"]),
        calls: MOST_REPEATS,
        time: MOST_SURPRISES,
    },
    Case {
        name: "every other call is refused",
        tell: |n, _| if n % 2 == 0 { refused("1") } else { (200, Vec::new()) },
        expect: Expect::Rows,
        calls: 2 * PAGES,
        time: MINUTE,
    },
    Case {
        name: "every other call is refused, without a word",
        tell: |n, _| (if n % 2 == 0 { 429 } else { 200 }, Vec::new()),
        expect: Expect::Rows,
        calls: 2 * PAGES,
        time: MINUTE,
    },
];

#[tokio::test]
async fn nonsense_about_limits_is_survived() {
    let mut wrong = Vec::new();
    for declared in DECLARED {
        for case in CASES {
            let what = if declared.is_empty() { "not declared" } else { "declared" };
            let checked = tokio::time::timeout(Duration::from_secs(20), check(case, declared)).await;
            if let Err(problem) = checked.unwrap_or_else(|_| Err("it does not end".to_owned())) {
                wrong.push(format!("{} ({what}): {problem}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len() * DECLARED.len(), wrong.join("\n"));
}

async fn check(case: &Case, declared: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.yaml");
    std::fs::write(&file, MANIFEST.replace("QUOTAS", declared)).unwrap();
    let clock = Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
    let server = Arc::new(Server { clock: clock.clone(), tell: case.tell, calls: AtomicU64::new(0) });
    let def = ConnectionDef::new("things", file.to_str().unwrap(), Default::default());
    let engine = Engine::builder().network(server.clone()).clock(clock.clone()).jitter_seed(1).connection(def);
    let session = engine.build().unwrap().session("test");
    let outcome = run(&session, "SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM things.things)").await;

    let calls = server.calls.load(Ordering::SeqCst);
    let took = clock.elapsed();
    let told = match &outcome {
        Ok(outcome) => format!("{:?}", outcome.rows()),
        Err(error) => error.to_string(),
    };
    let told = format!("{told}; {calls} calls in {took:?}");
    if calls > case.calls || took > case.time {
        return Err(format!("{told}, where {} in {:?} are the most", case.calls, case.time));
    }
    match (&case.expect, outcome) {
        (Expect::Rows | Expect::Either(_), Ok(outcome)) => {
            let rows = ROWS.to_string();
            (outcome.rows() == [[rows.clone(), rows]]).then_some(()).ok_or(told)
        }
        (Expect::Error(words) | Expect::Either(words), Err(error)) => {
            let message = error.to_string();
            let missing = words.iter().chain(&["things"]).find(|word| !message.contains(**word));
            missing.map_or(Ok(()), |word| Err(format!("the error does not say {word:?}: {told}")))
        }
        _ => Err(told),
    }
}

/// A list of things behind the case's limits.
#[derive(Debug)]
struct Server {
    clock: Arc<TestClock>,
    tell: fn(u64, u64) -> Told,
    calls: AtomicU64,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.clock.advance(Duration::from_millis(20));
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (status, told) = (self.tell)(number, now);
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            // Header values are bytes; what is no ASCII is sent as it is.
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let page = request.url.query_pairs().find(|(name, _)| name == "page");
        let page: u64 = page.map_or(1, |(_, page)| page.parse().unwrap());
        let body = match status {
            200 => {
                let ids =
                    ((page - 1) * PAGE_SIZE..(page * PAGE_SIZE).min(ROWS)).map(|id| json!({ "id": id, "name": "x" }));
                json!({ "things": ids.collect::<Vec<_>>() })
            }
            _ => json!({ "message": "no" }),
        };
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Response { status, headers, url: request.url, body: Bytes::from(body.to_string()).into() })
    }
}
