//! Each fault as a client meets it, and what the log says about it.

use std::time::{Duration, Instant};

use tidegate_sim::{Config, Fault, Match, RandomFaults, RedirectTo, RetryAfter, Sim, What};

use super::client::{Answer, get, send};

async fn start() -> Sim {
    Sim::start(Config { rows: 250, page_size: 100, ..Config::default() }).await.unwrap()
}

/// The answer to one request for a page of accounts under this fault.
async fn struck(sim: &Sim, what: What) -> Answer {
    sim.faults(vec![Fault::new(Match::Any, what)]);
    sim.clear_requests();
    get(sim, "Accounts").await
}

#[tokio::test]
async fn statuses_come_with_or_without_retry_after() {
    let sim = start().await;
    for (retry_after, want) in
        [(RetryAfter::None, None), (RetryAfter::Seconds(0), Some("0")), (RetryAfter::Seconds(7), Some("7"))]
    {
        let answer = struck(&sim, What::Status { code: 503, retry_after }).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, want));
        assert!(!sim.requests()[0].effect);
    }
    let dated = struck(&sim, What::Status { code: 429, retry_after: RetryAfter::Date(60) }).await;
    assert!(dated.header("retry-after").is_some_and(|d| d.ends_with("GMT")));
}

#[tokio::test]
async fn cut_connections_differ_in_effect() {
    let sim = start().await;
    for (what, effect) in [(What::CutBefore, false), (What::CutAfter, true)] {
        assert_eq!(struck(&sim, what).await.status, 0);
        let log = sim.requests();
        assert_eq!((log.len(), log[0].status, log[0].effect), (1, None, effect));
    }
}

#[tokio::test]
async fn bodies_are_spoilt_as_named() {
    let sim = start().await;
    let whole = get(&sim, "Accounts").await.body;
    let cut = struck(&sim, What::CutBody { after: 1_000, declared: true }).await;
    assert!(cut.status == 200 && !cut.complete());
    assert_eq!(cut.body, whole[..1_000]);
    let chunked = struck(&sim, What::CutBody { after: 1_000, declared: false }).await;
    assert_eq!(chunked.header("transfer-encoding"), Some("chunked"));
    assert!(!chunked.body.ends_with(b"0\r\n\r\n"));
    let empty = struck(&sim, What::EmptyBody).await;
    assert!(empty.status == 200 && empty.complete() && empty.body.is_empty());
    let malformed = struck(&sim, What::MalformedJson).await;
    assert!(malformed.complete() && serde_json::from_slice::<serde_json::Value>(&malformed.body).is_err());
    let html = struck(&sim, What::Html).await;
    assert!(html.status == 200 && html.header("content-type").is_some_and(|t| t.starts_with("text/html")));
    let huge = struck(&sim, What::HugeBody(1_000_000)).await;
    assert!(huge.complete() && huge.body.len() == whole.len() + 1_000_000);
    assert!(huge.json()["value"].is_array());
    let slow = struck(&sim, What::SlowBody { piece: 20_000, pause: Duration::from_millis(1) }).await;
    assert_eq!(slow.body, whole);
}

#[tokio::test]
async fn next_links_mislead_as_named() {
    let sim = start().await;
    let next = |a: &Answer| a.json()["@odata.nextLink"].as_str().map(str::to_owned);
    let own = struck(&sim, What::NextIsSelf).await;
    let link = next(&own).unwrap();
    assert_eq!(send(&sim, "GET", &link, &[]).await.body, own.body);
    let elsewhere = struck(&sim, What::NextElsewhere("http://127.0.0.1:9".into())).await;
    assert!(next(&elsewhere).unwrap().starts_with("http://127.0.0.1:9/odata/v4/Accounts?$skiptoken=100-"));

    sim.faults(vec![Fault::new(Match::Query("$skiptoken".into()), What::NextIsFirst)]);
    let first = get(&sim, "Accounts").await;
    let second = send(&sim, "GET", &next(&first).unwrap(), &[]).await;
    assert_eq!(send(&sim, "GET", &next(&second).unwrap(), &[]).await.body, first.body);

    sim.faults(vec![Fault::new(Match::Any, What::RepeatLast)]);
    let mut link = next(&get(&sim, "Accounts?$skip=100").await).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let page = send(&sim, "GET", &link, &[]).await;
        assert_eq!(page.json()["value"].as_array().map(Vec::len), Some(50));
        seen.push(link);
        link = next(&page).unwrap();
    }
    seen.dedup();
    assert_eq!(seen.len(), 4, "every token is new");
}

#[tokio::test]
async fn redirects_lead_where_they_say() {
    let sim = start().await;
    let path = format!("{}Accounts", sim.url().path());
    for (to, want) in [
        (RedirectTo::Itself, sim.url().join("Accounts").unwrap().to_string()),
        (RedirectTo::Moved, sim.url().join(&format!("/_moved{path}")).unwrap().to_string()),
        (RedirectTo::Origin("http://127.0.0.1:9/".into()), format!("http://127.0.0.1:9{path}")),
    ] {
        let answer = struck(&sim, What::Redirect { code: 307, to }).await;
        assert_eq!((answer.status, answer.header("location")), (307, Some(want.as_str())));
    }
    sim.faults(Vec::new());
    assert_eq!(send(&sim, "GET", &format!("/_moved{path}"), &[]).await.status, 200);
}

#[tokio::test]
async fn a_cell_is_wrong_on_its_page_only() {
    let sim = start().await;
    let what = What::WrongValue { row: 103, column: "Employees".into(), json: "\"many\"".into() };
    assert!(!String::from_utf8_lossy(&struck(&sim, what.clone()).await.body).contains("many"));
    let page = get(&sim, "Accounts?$skip=100&$select=Employees").await.json();
    assert_eq!(page["value"][3]["Employees"], "many");
}

#[tokio::test]
async fn delays_pass_and_count_in_flight() {
    let sim = start().await;
    let begun = Instant::now();
    sim.faults(vec![Fault::new(Match::Any, What::Delay(Duration::from_millis(30)))]);
    let (a, b) = tokio::join!(get(&sim, "Accounts"), get(&sim, "Orders"));
    assert!(a.status == 200 && b.status == 200 && begun.elapsed() >= Duration::from_millis(30));
    assert_eq!((sim.peak_in_flight(), sim.connections()), (2, 2));
}

#[tokio::test]
async fn the_log_keeps_what_was_sent() {
    let sim = start().await;
    get(&sim, "Accounts?$filter=Name eq 'a+b'").await;
    send(&sim, "GET", "/odata/v4/Orders?$top=1", &["X-Mark: yes"]).await;
    let log = sim.requests();
    assert_eq!(log[0].query, "$filter=Name%20eq%20'a+b'");
    assert_eq!(log[0].option("$filter"), Some("Name eq 'a+b'"));
    assert!(log[1].headers["x-mark"] == "yes" && log[1].n == 2 && log[1].bytes > 50);
    sim.clear_requests();
    get(&sim, "Orders").await;
    assert_eq!((sim.request_count(), sim.requests()[0].n), (1, 1));
}

#[tokio::test]
async fn random_faults_repeat_with_their_seed() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let kinds = vec![What::CutBefore, What::Html];
        let random_faults = Some(RandomFaults { rate: 0.5, kinds, only_writes: false });
        let sim = Sim::start(Config { rows: 10, seed, random_faults, ..Config::default() }).await.unwrap();
        let mut statuses = Vec::new();
        for _ in 0..20 {
            let answer = get(&sim, "$metadata").await;
            statuses.push((answer.status, answer.header("content-type").map(str::to_owned)));
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
