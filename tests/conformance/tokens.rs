//! A token that runs out in mid-stream: it is renewed, and the page is asked for again.
//!
//! Once for every way of paging below the facade, and once through a manifest that says where tokens are had.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_transport::{Error, Operation, Secret, TokenSource};

use super::cases::{Count, fault_page};
use super::manifests;
use super::mock::{ACCESS, Behaviour, Fault, FaultKind};
use super::subject::{CONNECTION, SECRET, Subject};
use super::target::Target;

/// Gives another token after each refusal.
#[derive(Debug, Default)]
pub(crate) struct Renewed {
    refusals: AtomicUsize,
}

impl Renewed {
    fn now(&self) -> Secret {
        Secret::new(format!("token-{}", self.refusals.load(Ordering::SeqCst)))
    }
}

#[async_trait]
impl TokenSource for Renewed {
    async fn token(&self, _: &Operation) -> Result<Secret, Error> {
        Ok(self.now())
    }

    async fn refused(&self, token: &Secret) {
        if token.expose() == self.now().expose() {
            self.refusals.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.now()]
    }

    fn identity(&self) -> &str {
        "renewed"
    }
}

#[tokio::test]
async fn a_token_that_expires_in_mid_stream_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in manifests::paging(folder.path()) {
        let subject = Subject::open_with_token(&name, &file);
        let table = subject.tables.iter().find(|table| table.name == "forms").expect("a table that is asked by GET");
        let target = Target::new(table, 0);
        let rows = target.rows(Count::Many.of(target.page));
        let fault = Fault { at: fault_page(&target), is_lasting: false, kind: FaultKind::Status(401, &[]) };
        let behaviour = Behaviour { cap: target.cap, fault: Some(fault), ..Behaviour::default() };
        let (outcome, log) = subject.ask(table, &rows, behaviour, &target.sql(CONNECTION, &[])).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outcome.sorted_rows(), target.truth(&rows, &[]), "{name}");
        assert_eq!(
            log.len() as u64,
            target.calls(rows.len() as u64) + 1,
            "{name}: the refused page is asked for again"
        );
        for (number, entry) in log.iter().enumerate() {
            let token = if number < fault_page(&target) { "Bearer token-0" } else { "Bearer token-1" };
            assert_eq!(entry.headers["authorization"], token, "{name}: request {}", number + 1);
        }
    }
}

#[tokio::test]
async fn a_manifest_gets_its_tokens_where_it_says() {
    let subject = Subject::open("signed", &manifests::signed());
    let table = &subject.tables[0];
    let target = Target::new(table, 0);
    let rows = target.rows(Count::Many.of(target.page));
    let fault = Fault { at: fault_page(&target), is_lasting: false, kind: FaultKind::Status(401, &[]) };
    let behaviour = Behaviour { cap: target.cap, fault: Some(fault), ..Behaviour::default() };
    let (outcome, log) = subject.ask(table, &rows, behaviour, &target.sql(CONNECTION, &[])).await;
    assert_eq!(outcome.unwrap().sorted_rows(), target.truth(&rows, &[]));
    assert_eq!(log.len() as u64, target.calls(rows.len() as u64) + 1, "the refused page is asked for again");
    let secret = format!("{SECRET}client_secret");
    let asked = subject.mock.token_requests();
    assert_eq!(asked.len(), 2, "one token at first, one after the refusal");
    for (headers, body) in &asked {
        assert!(body.contains("grant_type=client_credentials") && body.contains(&secret), "{body}");
        let is_shown = headers.values().any(|value| String::from_utf8_lossy(value.as_bytes()).contains(SECRET));
        assert!(!is_shown && !body.contains(ACCESS), "credentials of the API: {headers:?} {body}");
        assert!(!headers.contains_key("authorization"), "{headers:?}");
    }
    for (number, entry) in log.iter().enumerate() {
        let token = format!("Bearer {ACCESS}{}", if number < 2 { 1 } else { 2 });
        assert_eq!(entry.headers["authorization"], token.as_str(), "request {}", number + 1);
        let all = format!("{} {:?} {}", entry.url, entry.headers, entry.body);
        assert!(!all.contains(&secret) && entry.refused.is_none(), "{all} {:?}", entry.refused);
    }
}
