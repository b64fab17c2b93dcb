//! Scans over arbitrary sequences of answers: a scan ends, after no more requests than there were answers and
//! two (the end of the last links, and a look behind a full window), and nothing follows an error.
#![no_main]

mod shared;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arbitrary::Arbitrary;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tidegate_remote::{BadValue, ScanRequest, Source, scan};
use tidegate_transport::{Body, Request, Response, Result, Statement, Transport};
use url::Url;

#[derive(Debug, Arbitrary)]
struct Input {
    version: u8,
    fetch: Option<u16>,
    null: bool,
    answers: Vec<Answer>,
}

#[derive(Debug, Arbitrary)]
enum Answer {
    Page { rows: Vec<Option<i32>>, next: Option<Link>, v2: bool },
    Raw(u16, Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Link {
    Same,
    Skip(u8),
    Token(u8),
    Other(String),
}

impl Answer {
    fn reply(&self) -> (StatusCode, Vec<u8>) {
        match self {
            Self::Page { rows, next, v2 } => {
                let row =
                    |id: &Option<i32>| id.map_or_else(|| json!({"Name": null}), |id| json!({"ID": id, "Name": "n"}));
                let rows: Vec<Value> = rows.iter().map(row).collect();
                let next = next.as_ref().map(|link| match link {
                    Link::Same => "Accounts".to_owned(),
                    Link::Skip(number) => format!("Accounts?$skip={number}"),
                    Link::Token(number) => format!("https://api.test/odata/Accounts?$skiptoken={number}"),
                    Link::Other(text) => text.clone(),
                });
                let (rows_name, next_name) = if *v2 { ("results", "__next") } else { ("value", "@odata.nextLink") };
                let mut page = Map::from_iter([(rows_name.to_owned(), Value::from(rows))]);
                if let Some(next) = next {
                    page.insert(next_name.to_owned(), Value::from(next));
                }
                let page = Value::Object(page);
                let page = if *v2 { json!({"d": page}) } else { page };
                (StatusCode::OK, page.to_string().into_bytes())
            }
            Self::Raw(status, body) => {
                (StatusCode::from_u16(100 + status % 500).unwrap_or(StatusCode::OK), body.clone())
            }
        }
    }
}

/// Gives each answer once, then empty pages for ever.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.lock().expect("no panic").pop_front();
        let (status, body) =
            answer.map_or_else(|| (StatusCode::OK, br#"{"value":[]}"#.to_vec()), |answer| answer.reply());
        Ok(Response { status, headers: HeaderMap::new(), url: request.url, body: Body::from(Bytes::from(body)) })
    }
}

fuzz_target!(|input: Input| {
    let limit = input.answers.len() + 2;
    let script = Arc::new(Script { answers: Mutex::new(input.answers.into()), asked: AtomicUsize::new(0) });
    let source = Source {
        transport: Arc::clone(&script) as Arc<dyn Transport>,
        base: Url::parse("https://api.test/odata/").expect("a URL"),
        principal: "me".into(),
        connection: "crm".into(),
        partition: None,
        fresh: false,
        tally: None,
        blanks: Default::default(),
        statement: Arc::new(Statement::new(1)),
    };
    let request = ScanRequest {
        table: Arc::new(shared::table(shared::version(input.version))),
        endpoint: 0,
        columns: vec![1, 0],
        filter: None,
        sort: Vec::new(),
        fetch: input.fetch.map(u64::from),
        on_bad_value: if input.null { BadValue::Null } else { BadValue::Fail },
    };
    let pages = block_on(scan(source, request).take(limit + 1).collect::<Vec<_>>());
    assert!(pages.len() <= limit, "more pages than answers");
    assert!(script.asked.load(Ordering::Relaxed) <= limit, "more requests than answers");
    let failed = pages.iter().position(|page| page.is_err());
    assert!(failed.is_none_or(|at| at + 1 == pages.len()), "a page after an error");
});
