//! Quotas as a client meets them: who is refused and when, and what answers tell.

use std::time::{Duration, UNIX_EPOCH};

use futures::future::join_all;
use tidegate_sim::{
    Clock, Config, Cost, Dialect, Fault, ManualClock, Match, OtherClient, Quota, ResetForm, Rule, Shape, Sim, Throttled,
};

use super::client::{Answer, get, send};

const WINDOW: Duration = Duration::from_secs(3);

/// A server whose clock stands still at 120.5 s.
async fn start(quotas: Vec<Quota>, config: Config) -> (Sim, ManualClock) {
    let clock = ManualClock::at(120_500);
    let config = Config { rows: 250, page_size: 50, quotas, clock: Clock::Manual(clock.clone()), ..config };
    (Sim::start(config).await.unwrap(), clock)
}

fn library() -> Config {
    Config { shape: Shape::Library, ..Config::default() }
}

fn window(limit: u64) -> Rule {
    Rule::Aligned { limit, window: WINDOW }
}

fn statuses(answers: &[Answer]) -> [usize; 2] {
    [200, 429].map(|status| answers.iter().filter(|answer| answer.status == status).count())
}

#[tokio::test]
async fn at_once_no_more_are_let_in_than_fit() {
    for rule in [
        window(7),
        Rule::FirstCall { limit: 7, window: WINDOW },
        Rule::Sliding { limit: 7, window: WINDOW },
        Rule::Bucket { capacity: 7.0, per_second: 1.0 },
        Rule::Concurrent { limit: 7 },
    ] {
        let config = Config { latency: Duration::from_millis(50), ..library() };
        let (sim, clock) = start(vec![Quota::new("q", rule)], config).await;
        let answers = join_all((0..20).map(|_| get(&sim, "books"))).await;
        assert_eq!(statuses(&answers), [7, 13], "{rule:?}");
        assert_eq!(sim.refused_count(), 13);
        assert!(sim.requests().iter().all(|r| r.effect == r.refused_by.is_none() && r.arrived_us == 120_500_000));
        let state = &sim.quotas(0)[0];
        assert_eq!((state.granted, state.refused), (7, 13), "{rule:?}");
        clock.advance(WINDOW);
        let again = get(&sim, "books").await;
        assert_eq!(again.status, 200, "{rule:?}");
    }
}

#[tokio::test]
async fn each_division_has_its_own_unless_they_share() {
    let quotas = vec![Quota::new("own", window(2)), Quota::new("shared", window(3)).shared()];
    let (sim, _clock) = start(quotas, Config { divisions: 3, ..library() }).await;
    let mut refused = Vec::new();
    for division in [1, 1, 1, 2, 3] {
        send(&sim, "GET", &format!("{}books", sim.division_url(division).path()), &[]).await;
        refused.push(sim.requests().pop().and_then(|request| request.refused_by));
    }
    assert_eq!(refused, [None, None, Some("own".to_owned()), None, Some("shared".to_owned())]);
}

#[tokio::test]
async fn quotas_are_told_in_their_dialect() {
    let classic = |form| Dialect::classic("X-RateLimit", form);
    let cases = [
        (classic(ResetForm::EpochMs), "x-ratelimit-reset", "123000"),
        (classic(ResetForm::Iso8601), "x-ratelimit-reset", "1970-01-01T00:02:03Z"),
        (classic(ResetForm::DeltaFloat), "x-ratelimit-reset", "2.500"),
        (Dialect::Draft6, "ratelimit-reset", "3"),
        (Dialect::Draft7, "ratelimit", "limit=10, remaining=9, reset=3"),
        (Dialect::Draft8, "ratelimit", "\"q\";r=9;t=3"),
        (Dialect::Draft8, "ratelimit-policy", "\"q\";q=10;w=3"),
        (Dialect::UsedOfLimit { header: "Info".into(), label: Some("api-usage".into()) }, "info", "api-usage=1/10"),
        (Dialect::Pairs { header: "Limits".into() }, "limits", "total=10; remaining=9; resets=3"),
    ];
    for (dialect, header, value) in cases {
        let (sim, _clock) = start(vec![Quota::new("q", window(10)).told(dialect.clone())], library()).await;
        assert_eq!(get(&sim, "books").await.header(header), Some(value), "{dialect:?}");
    }
    let (sim, _clock) = start(vec![Quota::new("q", window(10))], library()).await;
    let silent = get(&sim, "books").await;
    assert!(silent.header("x-ratelimit-limit").is_none() && silent.header("ratelimit").is_none());
}

#[tokio::test]
async fn a_refusal_looks_as_configured() {
    let cases = [
        (Throttled::TooManyRequests, 429, "/message", "The quota of calls is spent."),
        (Throttled::Forbidden, 403, "/0/errorCode", "REQUEST_LIMIT_EXCEEDED"),
        (Throttled::Inside, 200, "/errors/0/extensions/code", "THROTTLED"),
    ];
    for (throttled, status, pointer, text) in cases {
        for quota_retry_after in [false, true] {
            let config = Config { throttled, quota_retry_after, ..library() };
            let (sim, _clock) = start(vec![Quota::new("q", window(0))], config).await;
            let answer = get(&sim, "books").await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.json().pointer(pointer).and_then(|value| value.as_str()), Some(text));
            assert_eq!(answer.header("retry-after"), quota_retry_after.then_some("3"));
            assert!(!sim.requests()[0].effect);
        }
    }
}

#[tokio::test]
async fn points_are_taken_whole_and_given_back_in_part() {
    let bucket = Quota::new("points", Rule::Bucket { capacity: 100.0, per_second: 10.0 }).of_points();
    let cost = Cost { asked: 60, per_kib: 1, header: Some("X-Cost".into()), in_body: true };
    let config = Config { cost, latency: Duration::from_millis(50), ..library() };
    let (sim, _clock) = start(vec![bucket.told(Dialect::classic("X-Points", ResetForm::DeltaMs))], config).await;
    let (first, second) = tokio::join!(get(&sim, "books?per_page=10"), get(&sim, "books?per_page=10"));
    assert_eq!(statuses(&[first, second]), [1, 1], "both ask for 60 of 100");
    let answer = get(&sim, "books?per_page=10").await;
    let cost: u64 = answer.header("x-cost").unwrap().parse().unwrap();
    assert!((2..8).contains(&cost), "{cost}");
    let told = &answer.json()["extensions"]["cost"];
    assert_eq!((&told["requestedQueryCost"], &told["actualQueryCost"]), (&60.into(), &cost.into()));
    assert_eq!(told["throttleStatus"]["maximumAvailable"], 100.0);
    assert_eq!(told["throttleStatus"]["currentlyAvailable"], 100 - 2 * cost);
    assert_eq!(told["throttleStatus"]["restoreRate"], 10.0);
    assert_eq!(answer.header("x-points-remaining"), Some((100 - 2 * cost).to_string().as_str()));
    assert!(answer.json()["books"].is_array());
}

#[tokio::test]
async fn other_clients_spend_too() {
    let others = vec![OtherClient { division: 0, per_second: 10.0 }];
    let quota = Quota::new("q", window(20)).told(Dialect::Draft8);
    let (sim, clock) = start(vec![quota], Config { others, ..library() }).await;
    assert_eq!(get(&sim, "books").await.header("ratelimit"), Some("\"q\";r=18;t=3"));
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&sim, "books").await.header("ratelimit"), Some("\"q\";r=7;t=2"));
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&sim, "books").await.status, 429);
    assert_eq!(sim.request_count(), 3, "they are not in the log");
}

#[tokio::test]
async fn a_call_that_is_given_up_makes_room() {
    let config = Config { latency: Duration::from_secs(60), ..library() };
    let (sim, _clock) = start(vec![Quota::new("q", Rule::Concurrent { limit: 1 })], config).await;
    for _ in 0..2 {
        let given_up = tokio::time::timeout(Duration::from_millis(30), get(&sim, "books")).await;
        assert!(given_up.is_err());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while sim.quotas(0)[0].used > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    assert_eq!(sim.refused_count(), 0);
}

#[tokio::test]
async fn headers_can_be_scripted() {
    let quota = Quota::minute(5);
    let (sim, _clock) = start(vec![quota], library()).await;
    sim.faults(vec![
        Fault::header(Match::Every(2), "x-ratelimit-minutely-remaining", "-7"),
        Fault::header(Match::Any, "X-RateLimit-Minutely-Reset", ""),
        Fault::header(Match::Any, "Date", &httpdate::fmt_http_date(UNIX_EPOCH)),
    ]);
    let (first, second) = (get(&sim, "books").await, get(&sim, "books").await);
    assert_eq!(first.header("x-ratelimit-minutely-remaining"), Some("4"));
    assert_eq!(second.header("x-ratelimit-minutely-remaining"), Some("-7"));
    assert!(second.header("x-ratelimit-minutely-reset").is_none());
    assert_eq!(second.header("date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
}
