//! When a token is renewed, by whom, and what happens when that goes wrong.

use tidegate_state::{LeaseAnswer, StoredToken};
use tidegate_transport::{Clock, ErrorKind, Sent};

use super::*;

/// `access-N` with `refresh-N`, got at the beginning, that ends after so many seconds (or has ended before).
pub(super) fn stored(number: u32, seconds: i64) -> StoredToken {
    let obtained_at = clock().now();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    StoredToken {
        access: format!("access-{number}"),
        refresh: Some(format!("refresh-{number}")),
        expires_at: Some(if seconds < 0 { obtained_at - distance } else { obtained_at + distance }),
        obtained_at,
    }
}

fn no_answer(sent: Sent) -> Answer {
    Err(Error::new(if sent == Sent::No { ErrorKind::Connect } else { ErrorKind::Timeout }, sent, "nothing came"))
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let setup = Setup::new(config(Grant::RefreshToken), [pair(1), pair(2), pair(3)]);
    for (advance, access) in [(0, 1), (539, 1), (2, 2), (539, 2), (30, 3)] {
        setup.clock.advance(Duration::from_secs(advance));
        assert_eq!(setup.token().await.unwrap(), format!("access-{access}"));
    }
    assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0", "refresh-1", "refresh-2"]);
}

#[tokio::test]
async fn an_answer_without_a_new_refresh_token_leaves_the_old_one() {
    let config = OAuthConfig { rotates: false, ..config(Grant::RefreshToken) };
    let same = || answer(200, r#"{"access_token":"a","expires_in":10}"#);
    let setup = Setup::new(config, [same(), same()]);
    setup.token().await.unwrap();
    setup.clock.advance(Duration::from_secs(11));
    setup.token().await.unwrap();
    assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0", "refresh-0"]);
}

#[tokio::test]
async fn another_process_finds_the_token_and_renews_it_with_the_newest() {
    let setup = Setup::new(config(Grant::RefreshToken), [pair(1), pair(2)]);
    setup.token().await.unwrap();
    let other = setup.other();
    assert_eq!(token(&other).await.unwrap(), "access-1", "no request is needed");
    setup.clock.advance(Duration::from_secs(601));
    assert_eq!(token(&other).await.unwrap(), "access-2");
    assert_eq!(setup.token().await.unwrap(), "access-2", "what the other one got");
    assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0", "refresh-1"]);
}

#[tokio::test]
async fn another_first_token_starts_anew() {
    let setup = Setup::new(config(Grant::RefreshToken), [pair(1), pair(7)]);
    setup.token().await.unwrap();
    let config = OAuthConfig { refresh_token: Some(Secret::new("refresh-new")), ..config(Grant::RefreshToken) };
    let source = token_source(config, "crm", &setup.parts).unwrap();
    assert_eq!(token(&source).await.unwrap(), "access-7");
    assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0", "refresh-new"]);
}

#[tokio::test]
async fn a_refused_token_is_not_given_out_again() {
    let setup = Setup::new(config(Grant::RefreshToken), [pair(1), pair(2)]);
    setup.token().await.unwrap();
    setup.source.refused(&Secret::new("access-0")).await;
    assert_eq!(setup.token().await.unwrap(), "access-1", "another one was refused");
    setup.source.refused(&Secret::new("access-1")).await;
    assert_eq!(setup.token().await.unwrap(), "access-2");
}

#[tokio::test]
async fn a_refused_token_that_is_given_again_holds() {
    let setup = Setup::new(config(Grant::ClientCredentials), [pair(1), pair(1)]);
    setup.token().await.unwrap();
    setup.source.refused(&Secret::new("access-1")).await;
    for _ in 0..3 {
        assert_eq!(setup.token().await.unwrap(), "access-1");
    }
}

#[tokio::test]
async fn min_age_is_waited_for_up_to_a_point() {
    let config = OAuthConfig { min_age: Duration::from_secs(570), ..config(Grant::RefreshToken) };
    for (age, sleeps) in [(300, None), (460, Some(vec![110])), (570, Some(vec![]))] {
        let setup = Setup::new(config.clone(), [pair(1), pair(2)]);
        setup.token().await.unwrap();
        setup.clock.advance(Duration::from_secs(age));
        setup.source.refused(&Secret::new("access-1")).await;
        let statement = Arc::new(Statement::new(1));
        let second = setup.source.token(&operation(&statement)).await;
        match sleeps {
            Some(sleeps) => {
                assert_eq!(second.unwrap().expose(), "access-2");
                let sleeps: Vec<_> = sleeps.into_iter().map(Duration::from_secs).collect();
                assert_eq!((setup.clock.sleeps(), statement.counts().waited), (sleeps.clone(), sleeps.iter().sum()));
            }
            None => check_message(&second.unwrap_err(), &["4 min 31 s", "min_age", "crm"]),
        }
    }
    // 30 s before its end the token may be renewed, though the margin would be 60 s.
    let setup = Setup::new(config, [pair(1), pair(2)]);
    for (advance, access) in [(0, 1), (569, 1), (1, 2)] {
        setup.clock.advance(Duration::from_secs(advance));
        assert_eq!(setup.token().await.unwrap(), format!("access-{access}"));
    }
    assert!(setup.clock.sleeps().is_empty());
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_repeated_only_where_that_is_safe() {
    let broken = || vec![no_answer(Sent::Maybe), pair(1)];
    for config in [config(Grant::ClientCredentials), OAuthConfig { rotates: false, ..config(Grant::RefreshToken) }] {
        let setup = Setup::new(config, broken());
        assert_eq!(setup.token().await.unwrap(), "access-1");
    }
    let setup = Setup::new(config(Grant::RefreshToken), vec![no_answer(Sent::No), pair(1)]);
    assert_eq!(setup.token().await.unwrap(), "access-1", "it was not sent");

    for first in [no_answer(Sent::Maybe), answer(500, "oops"), answer(200, "cut"), answer(503, r#"{"error":"x"}"#)] {
        let setup = Setup::new(config(Grant::RefreshToken), vec![first, pair(1)]);
        let error = setup.token().await.unwrap_err();
        check_message(&error, &["once only", "not known", TOKEN_URL, "run the statement again", "new refresh token"]);
        assert_eq!(setup.endpoint.forms().len(), 1);
        assert_eq!(setup.token().await.unwrap(), "access-1", "the next statement tries it once more");
        assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0", "refresh-0"]);
    }
}

#[tokio::test]
async fn an_outcome_that_is_not_known_is_remembered_until_there_is_a_token() {
    let refused = || answer(400, r#"{"error":"invalid_grant"}"#);
    let script = [no_answer(Sent::Maybe), no_answer(Sent::No), no_answer(Sent::No), refused(), refused(), pair(1)];
    let setup = Setup::new(config(Grant::RefreshToken), script);
    check_message(&setup.token().await.unwrap_err(), &["not known"]);
    check_message(&setup.token().await.unwrap_err(), &["no token from"]);
    for _ in 0..2 {
        let error = token(&setup.other()).await.unwrap_err();
        check_message(&error, &["interrupted", "invalid_grant", "new refresh token"]);
    }
    assert_eq!(setup.token().await.unwrap(), "access-1");
}

#[tokio::test]
async fn a_holder_that_died_is_waited_for_and_its_token_tried_once() {
    let refused = answer(400, r#"{"error":"invalid_grant"}"#);
    for (second, words) in [(pair(5), vec![]), (refused, vec!["an earlier renewal", "interrupted"])] {
        let setup = Setup::new(config(Grant::RefreshToken), [second]);
        let (key, now) = (setup.config.key("crm"), setup.clock.now());
        let lease = setup.parts.state.lease_token(&key, "dead", now, Duration::from_secs(120)).unwrap();
        assert!(matches!(lease, LeaseAnswer::Taken(_)));
        let result = setup.token().await;
        let waited: Duration = setup.clock.sleeps().iter().sum();
        assert!((119..=121).contains(&waited.as_secs()), "{waited:?}");
        match result {
            Ok(access) => assert_eq!((access.as_str(), words.len()), ("access-5", 0)),
            Err(error) => check_message(&error, &words),
        }
        assert_eq!(setup.endpoint.sent("refresh_token"), ["refresh-0"]);
    }
}

#[tokio::test]
async fn a_holder_that_is_alive_is_waited_for() {
    let setup = Setup::new(config(Grant::RefreshToken), []);
    let (key, now) = (setup.config.key("crm"), setup.clock.now());
    setup.parts.state.lease_token(&key, "other", now, Duration::from_secs(120)).unwrap();
    let statement = Arc::new(Statement::new(1));
    let (operation, other) = (operation(&statement), setup.other());
    let waiting = tokio::spawn(async move { other.token(&operation).await });
    while setup.clock.sleeps().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(setup.parts.state.put_token(&key, 0, &stored(3, 900)).unwrap());
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "access-3");
    assert!(setup.endpoint.forms().is_empty(), "the other one asked");
}

#[tokio::test]
async fn a_holder_that_never_ends_is_not_waited_for_without_end() {
    let setup = Setup::new(config(Grant::RefreshToken), []);
    let key = setup.config.key("crm");
    let waiting = tokio::spawn({
        let source = Arc::clone(&setup.source);
        async move { token(&source).await }
    });
    // Somebody else takes the lease again and again.
    while !waiting.is_finished() {
        let now = setup.clock.now();
        for holder in ["x", "y"] {
            let _ = setup.parts.state.lease_token(&key, holder, now, Duration::from_secs(120)).unwrap();
        }
        tokio::task::yield_now().await;
        if setup.clock.elapsed() > Duration::from_secs(600) {
            break;
        }
    }
    let result = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it ends").unwrap();
    check_message(&result.unwrap_err(), &["another process"]);
}

#[tokio::test]
async fn who_waits_for_a_renewal_that_fails_does_not_ask_again() {
    let setup = Setup::new(config(Grant::RefreshToken), [answer(500, "")]);
    let (first, second, third) = tokio::join!(setup.token(), setup.token(), setup.token());
    for result in [first, second, third] {
        check_message(&result.unwrap_err(), &["not known"]);
    }
    assert_eq!(setup.endpoint.forms().len(), 1);
}

/// An endpoint that answers only when it is told to.
#[derive(Debug)]
struct Slow {
    endpoint: Arc<Endpoint>,
    go: tokio::sync::Semaphore,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response> {
        let response = self.endpoint.send(request).await;
        self.go.acquire().await.unwrap().forget();
        response
    }
}

#[tokio::test]
async fn a_renewal_under_way_survives_its_statement() {
    let setup = Setup::new(config(Grant::RefreshToken), []);
    let slow = Arc::new(Slow { endpoint: Endpoint::new([pair(1)]), go: tokio::sync::Semaphore::new(0) });
    let parts = OAuthParts { network: slow.clone(), ..setup.parts.clone() };
    let source = token_source(setup.config.clone(), "crm", &parts).unwrap();
    let statement = Arc::new(Statement::new(1));
    let cancelling = async {
        while slow.endpoint.forms().is_empty() {
            tokio::task::yield_now().await;
        }
        statement.cancellation().cancel();
    };
    let operation = operation(&statement);
    let (result, ()) = tokio::join!(source.token(&operation), cancelling);
    assert!(result.unwrap_err().is_cancelled());
    slow.go.add_permits(1);
    parts.renewals.settle().await;
    assert_eq!(token(&setup.other()).await.unwrap(), "access-1", "it is on the disk");
    assert_eq!(statement.counts().calls, 1, "and paid for");
}

#[tokio::test]
async fn nothing_shows_a_token() {
    let setup = Setup::new(config(Grant::ClientCredentials), [pair(1)]);
    setup.token().await.unwrap();
    let shown = format!("{:?} {:?} {:?}", setup.source, setup.config, setup.parts.requests.snapshot());
    for secret in ["access-1", "refresh-1", "client-s3cret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let secrets: Vec<_> = setup.source.secrets().iter().map(|secret| secret.expose().to_owned()).collect();
    for secret in ["access-1", "refresh-1", "client-s3cret"] {
        assert!(secrets.contains(&secret.to_owned()), "{secret}");
    }
    let record = &setup.parts.requests.snapshot()[0];
    assert_eq!((&*record.endpoint, record.url.as_str(), record.status), ("token", TOKEN_URL, Some(200)));
    assert_eq!((record.statement, &*record.connection, record.table.as_deref()), (7, "crm", None));
}
