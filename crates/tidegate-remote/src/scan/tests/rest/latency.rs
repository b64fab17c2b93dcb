//! How long scans take when each call takes a while, and how much is held for a reader that is slow. Time is tokio's, and
//! stands still but for what is waited for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use tidegate_spec::Endpoint;
use tidegate_transport::{Request, Response, Transport};
use tokio::time::Instant;
use url::Url;

use super::super::super::scan_ahead;
use super::{cursor, exact, items, keyset, offset, page, request};
use crate::Source;
use crate::test_support::Script;

/// What a call takes.
const LATENCY: Duration = Duration::from_millis(50);

/// Requests of one scan at once.
const MOST: usize = 8;

/// Rows of a page.
const ROWS: i32 = 4;

/// A server that is so far away.
#[derive(Debug)]
struct Distant(Arc<Script>);

#[async_trait]
impl Transport for Distant {
    async fn send(&self, request: Request) -> tidegate_transport::Result<Response> {
        tokio::time::sleep(LATENCY).await;
        self.0.send(request).await
    }
}

fn distant(script: &Arc<Script>) -> Source {
    Source { transport: Arc::new(Distant(Arc::clone(script))), ..script.source() }
}

/// So many pages, which tell how many rows there are, and where the next one begins.
fn list(pages: i32) -> Arc<Script> {
    Script::taking_turns(move |_, url: &Url| {
        let number = |name: &str| {
            let mut found = url.query_pairs().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.parse::<i32>().unwrap())
        };
        let page = number("page").map(|page| (page - 1) * ROWS);
        let since = number("since").map(|last| last + 1);
        let first = number("offset").or(number("after")).or(since).or(page).unwrap_or(0);
        let end = (first + ROWS).min(pages * ROWS).max(first);
        let next = if end < pages * ROWS { end.to_string() } else { "end".to_owned() };
        items(first..end, &format!(r#""total":{},"next":"{next}""#, pages * ROWS))
    })
}

fn styles() -> [(&'static str, Endpoint, usize); 4] {
    [
        ("numbers", page(exact()), MOST),
        ("offsets", offset(exact()), MOST),
        ("cursors", cursor(None), 1),
        ("keys", keyset(exact()), 1),
    ]
}

/// Reads so many pages of a list, of each a while after it came: the time until the first one, and until the last.
async fn read(pages: i32, endpoint: Endpoint, ahead: usize, busy: Duration) -> (Duration, Duration) {
    let script = list(pages);
    let begun = Instant::now();
    let mut stream = scan_ahead(distant(&script), request(endpoint), ahead);
    let (mut first, mut rows) = (None, 0);
    while let Some(page) = stream.next().await {
        first.get_or_insert_with(|| begun.elapsed());
        rows += page.unwrap().batch.num_rows();
        tokio::time::sleep(busy).await;
    }
    assert_eq!(rows, usize::try_from(pages * ROWS).unwrap());
    (first.unwrap(), begun.elapsed() - busy)
}

#[tokio::test(start_paused = true)]
async fn a_scan_takes_as_long_as_its_calls() {
    let pages = 400;
    for (what, endpoint, at_once) in styles() {
        for busy in [Duration::ZERO, LATENCY * 8 / 10 / u32::try_from(at_once).unwrap()] {
            let (first, all) = read(pages, endpoint.clone(), at_once, busy).await;
            let least = LATENCY * u32::try_from(pages).unwrap() / u32::try_from(at_once).unwrap();
            assert!(first <= LATENCY.mul_f64(1.2), "{what}: {first:?} until the first page");
            assert!(all <= least.mul_f64(1.1), "{what}: {all:?} for {least:?} of calls, {busy:?} busy with each page");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_a_reader_that_stops_is_bounded() {
    for (what, endpoint, at_once) in styles() {
        let script = list(1_000);
        // Several partitions are scans of their own.
        let mut streams: Vec<_> =
            (0..3).map(|_| scan_ahead(distant(&script), request(endpoint.clone()), at_once)).collect();
        for stream in &mut streams {
            for _ in 0..5 {
                stream.next().await.unwrap().unwrap();
            }
        }
        tokio::time::sleep(LATENCY * 1_000).await;
        assert_eq!(script.asked().len(), 3 * (5 + at_once), "{what}");
        assert_eq!(script.bodies(), 3 * at_once, "{what}");
        drop(streams);
        tokio::time::sleep(LATENCY).await;
        assert_eq!(script.bodies(), 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_in_turn_holds_nothing() {
    for (what, endpoint, _) in styles() {
        let script = list(1_000);
        let mut stream = scan_ahead(distant(&script), request(endpoint), 0);
        for _ in 0..5 {
            stream.next().await.unwrap().unwrap();
        }
        tokio::time::sleep(LATENCY * 1_000).await;
        assert_eq!((script.asked().len(), script.bodies()), (5, 0), "{what}");
    }
}
