//! Servers that misbehave: one clear error with connection, table and page, and never fewer rows in silence.

use futures::StreamExt;
use tidegate_remote::{Error, ErrorKind, Page, scan};
use tidegate_sim::{Auth, Config, Fault, Match, Shape, Sim, What};
use tidegate_spec::ODataVersion::V4;

use crate::support::{ID, NAME, config, request, source};

/// Reads until the end, against a service with this fault on its third request.
async fn read(what: What) -> (Vec<Result<Page, Error>>, usize) {
    let faults = vec![Fault::new(Match::Request(3), what)];
    let sim = Sim::start(Config { faults, ..config(Shape::ODataV4) }).await.unwrap();
    let pages = scan(source(&sim), request(V4, &[NAME, ID])).collect().await;
    let calls = sim.request_count();
    sim.stop().await;
    (pages, calls)
}

async fn check(what: What, good_pages: usize, expected: &[&str]) {
    let (pages, _) = read(what.clone()).await;
    let (last, before) = pages.split_last().unwrap();
    assert_eq!(before.len(), good_pages, "{what:?}");
    assert!(before.iter().all(Result::is_ok));
    let error = last.as_ref().unwrap_err().to_string();
    assert!(error.starts_with("sim.accounts, page "), "{error}");
    for part in expected {
        assert!(error.contains(part), "{what:?}: {error} does not say {part}");
    }
}

#[tokio::test]
async fn broken_answers() {
    check(What::Status { code: 500, retry_after: tidegate_sim::RetryAfter::None }, 2, &["page 3", "500"]).await;
    check(What::Html, 2, &["page 3", "HTML page"]).await;
    check(What::MalformedJson, 2, &["page 3"]).await;
    check(What::EmptyBody, 2, &["page 3", "the body is empty"]).await;
    check(What::CutBefore, 2, &["page 3"]).await;
    check(What::CutAfter, 2, &["page 3"]).await;
    check(What::CutBody { after: 100, declared: true }, 2, &["page 3"]).await;
    check(What::CutBody { after: 100, declared: false }, 2, &["page 3"]).await;
}

#[tokio::test]
async fn servers_that_do_not_move_on() {
    check(What::NextIsSelf, 3, &["page 4", "in a circle"]).await;
    check(What::NextElsewhere("http://127.0.0.1:9".to_owned()), 3, &["page 4", "http://127.0.0.1:9"]).await;
}

#[tokio::test]
async fn pages_that_go_round_or_stand_still() {
    for (what, expected) in [(What::NextIsFirst, "page 6"), (What::RepeatLast, "page 6")] {
        let faults = vec![Fault::new(Match::Any, what.clone())];
        let sim = Sim::start(Config { faults, ..config(Shape::ODataV4) }).await.unwrap();
        let pages: Vec<_> = scan(source(&sim), request(V4, &[NAME])).take(20).collect().await;
        let error = pages.last().unwrap().as_ref().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Loop(_)), "{what:?}: {error}");
        if matches!(what, What::RepeatLast) {
            assert!(error.to_string().contains(expected), "{error}");
        }
        sim.stop().await;
    }
}

#[tokio::test]
async fn a_refused_login() {
    let auth = Auth::Bearer("t0ken".to_owned());
    let sim = Sim::start(Config { auth, ..config(Shape::ODataV4) }).await.unwrap();
    let mut pages = scan(source(&sim), request(V4, &[NAME]));
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(error.is_refused_login());
    assert!(error.to_string().contains("check the credentials of connection sim"), "{error}");
    assert!(pages.next().await.is_none());
    sim.stop().await;
}

#[tokio::test]
async fn descriptions() {
    let sim = Sim::start(config(Shape::ODataV4)).await.unwrap();
    let source = source(&sim);
    let first = tidegate_remote::discover::odata_metadata(&source, None).await.unwrap().unwrap();
    assert!(first.document.contains("Edmx") && first.etag.is_some());
    let again = tidegate_remote::discover::odata_metadata(&source, Some(&first)).await.unwrap();
    assert_eq!(again, None);
    sim.faults(vec![Fault::new(Match::Any, What::Html)]);
    let error = tidegate_remote::discover::odata_metadata(&source, None).await.unwrap_err().to_string();
    assert!(error.contains("an HTML page"), "{error}");
    sim.stop().await;
}
