//! The public test suite for HTTP caches (`http-cache-tests`), with our cache between its client and its server.
//!
//! The suite tells requirements and what an optimal cache does; the rest of its tests ask how a cache behaves, where any
//! answer is right. Of the first two kinds all have to pass but those named here, with why they do not apply to a private
//! cache in a client that reads APIs.

mod proxy;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use self::proxy::Proxy;
use crate::served::Served;

/// What does not apply, by reason. A `*` stands for anything.
const NOT_APPLICABLE: &[(&str, &[&str])] = &[
    (
        "it is for shared caches: s-maxage, private, and what may be stored of authenticated requests",
        &[
            "freshness-s-maxage-shared",
            "freshness-max-age-s-maxage-shared-*",
            "cc-resp-private-shared",
            "other-authorization-*",
        ],
    ),
    ("Surrogate-Control speaks to caches in front of a server", &["surrogate-*"]),
    ("requests with Range are passed on: no request of ours has one", &["partial-*"]),
    (
        "requests with conditions of their own are passed on: who sends them has stored an answer already",
        &[
            "conditional-304-etag",
            "conditional-etag-precedence",
            "conditional-etag-strong-respond*",
            "conditional-etag-weak-respond",
            "conditional-lm-fresh*",
        ],
    ),
    (
        "no freshness is guessed: where the server says nothing, the user says how old an answer may be",
        &["heuristic-*-cached"],
    ),
    ("a change that failed may have changed something all the same", &["invalidate-*-failed"]),
    ("answers to POST are not stored", &["method-POST"]),
    (
        "answers that are no rows are asked for again, also where a server lets them be stored",
        &[
            "status-299-fresh",
            "status-400-fresh",
            "status-499-fresh",
            "status-500-fresh",
            "status-502-fresh",
            "status-503-fresh",
            "status-504-fresh",
            "status-599-fresh",
        ],
    ),
    (
        "an answer is of one request with all its headers, whether Vary names them or not",
        &["other-cookie", "vary-cache-key", "vary-normalise-*"],
    ),
    ("cookies are secrets, and not stored", &["headers-store-Set-Cookie", "304-etag-update-response-Set-Cookie"]),
    (
        "the suite's release is older than RFC 9111, 5.1: the first of several ages counts, and one that is no number does not",
        &[
            "age-parse-nonnumeric",
            "age-parse-negative",
            "age-parse-float",
            "age-parse-prefix-twoline",
            "age-parse-dup-*",
            "age-parse-parameter",
            "age-parse-numeric-parameter",
        ],
    ),
    (
        "the type of a body that stays is not changed by a 304, and a 304 with another ETag is not of the stored answer",
        &["304-etag-update-response-Content-Type", "304-etag-update-response-ETag"],
    ),
    (
        "the suite holds every answer without its own headers for a stored one, also the 504 of a gateway",
        &["stale-close-*"],
    ),
];

/// How many requirements and marks of an optimal cache apply, and how many do not.
const COUNTS: (usize, usize) = (166, 94);

#[test]
fn the_public_suite_for_http_caches() {
    let server = Served::start("cache_suite");
    let proxy = Proxy::start(&server.at("/"));
    let tests: Vec<Value> = serde_json::from_slice(&script(&["tests"])).unwrap();
    let results: Value = serde_json::from_slice(&script(&["run", &proxy.url()])).unwrap();
    let wanted = tests.iter().filter(|test| test["kind"] != "check");
    let wanted: Vec<&str> = wanted.map(|test| test["id"].as_str().unwrap()).collect();
    for pattern in NOT_APPLICABLE.iter().flat_map(|(_, patterns)| *patterns) {
        assert!(wanted.iter().any(|id| is_named(id, pattern)), "no test is named {pattern}");
    }
    let (not_applicable, applicable): (Vec<&str>, Vec<&str>) = wanted.iter().partition(|id| is_not_applicable(id));
    let failed = applicable.iter().filter(|id| results[**id] != Value::Bool(true));
    let failed: Vec<String> = failed.map(|id| format!("{id}: {}", results[*id])).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!((applicable.len(), not_applicable.len()), COUNTS);
}

fn is_not_applicable(id: &str) -> bool {
    NOT_APPLICABLE.iter().flat_map(|(_, patterns)| *patterns).any(|pattern| is_named(id, pattern))
}

fn is_named(id: &str, pattern: &str) -> bool {
    pattern.split_once('*').map_or(id == pattern, |(start, end)| id.starts_with(start) && id.ends_with(end))
}

/// What `cache_suite/start.sh` prints.
fn script(arguments: &[&str]) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/cache_suite/start.sh");
    let output = Command::new(script).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
