//! Every grant against a scripted token endpoint, with a clock that does not sleep.

mod grants;
mod logins;
mod processes;
mod renewals;
mod scans;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::{HeaderMap, Method, StatusCode};
use tidegate_state::State;
use tidegate_transport::{
    Body, BodyMode, Error, Jitter, Operation, Purpose, Repeat, Request, RequestLog, Response, Result, Secret,
    Statement, TestClock, TokenSource, Transport,
};
use url::Url;

use super::*;

const TOKEN_URL: &str = "https://login.example/token";

/// What an answer is made of: status and body. An error stands for a request without an answer.
type Answer = Result<(u16, String)>;

/// The form of a request, and what stood in `Authorization`.
type Seen = (BTreeMap<String, String>, Option<String>);

/// Answers in the order of its script, and remembers what it was asked.
#[derive(Debug, Default)]
struct Endpoint {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
}

impl Endpoint {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), seen: Mutex::default() })
    }

    fn forms(&self) -> Vec<BTreeMap<String, String>> {
        self.seen.lock().unwrap().iter().map(|(form, _)| form.clone()).collect()
    }

    /// This parameter of each request.
    fn sent(&self, parameter: &str) -> Vec<String> {
        self.forms().iter().map(|form| form.get(parameter).cloned().unwrap_or_default()).collect()
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request) -> Result<Response> {
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.operation.purpose, Purpose::Token);
        let form = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let authorization = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        self.seen.lock().unwrap().push((form, authorization));
        let answer = self.answers.lock().unwrap().pop_front().expect("a request beyond the script");
        answer.map(|(status, body)| Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            url: request.url,
            body: Body::from(bytes::Bytes::from(body)),
        })
    }
}

/// `access-N` for 600 s with `refresh-N`.
fn pair(number: u32) -> Answer {
    answer(200, &format!(r#"{{"access_token":"access-{number}","refresh_token":"refresh-{number}","expires_in":600}}"#))
}

fn answer(status: u16, body: &str) -> Answer {
    Ok((status, body.to_owned()))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A config of this grant that has all it needs.
fn config(grant: Grant) -> OAuthConfig {
    let mut config = OAuthConfig::new(grant, url(TOKEN_URL));
    config.client_id = Some("me".into());
    match grant {
        Grant::ClientCredentials => config.client_secret = Some(Secret::new("client-s3cret")),
        Grant::RefreshToken => config.refresh_token = Some(Secret::new("refresh-0")),
        Grant::AuthorizationCode => config.authorize_url = Some(url("https://login.example/authorize")),
        Grant::JwtBearer => config.private_key = Some(Secret::new(grants::RSA_KEY)),
    }
    config
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)))
}

fn parts(network: Arc<dyn Transport>, state: State, clock: Arc<dyn tidegate_transport::Clock>) -> OAuthParts {
    OAuthParts {
        network,
        requests: Arc::new(RequestLog::new(100)),
        state: Arc::new(state),
        clock,
        jitter: Arc::new(Jitter::seeded(1)),
        renewals: Renewals::default(),
        metering: TokenMetering::default(),
    }
}

/// A connection with a state folder of its own.
struct Setup {
    endpoint: Arc<Endpoint>,
    clock: Arc<TestClock>,
    folder: tempfile::TempDir,
    config: OAuthConfig,
    parts: OAuthParts,
    source: Arc<dyn TokenSource>,
}

impl Setup {
    fn new(config: OAuthConfig, answers: impl IntoIterator<Item = Answer>) -> Self {
        let (endpoint, clock, folder) = (Endpoint::new(answers), clock(), tempfile::TempDir::new().unwrap());
        let parts = parts(endpoint.clone(), State::in_folder(folder.path()), clock.clone());
        let source = token_source(config.clone(), "crm", &parts).unwrap();
        Self { endpoint, clock, folder, config, parts, source }
    }

    /// Another process on the same folder, as far as one process can play it.
    fn other(&self) -> Arc<dyn TokenSource> {
        let state = Arc::new(State::in_folder(self.folder.path()));
        token_source(self.config.clone(), "crm", &OAuthParts { state, ..self.parts.clone() }).unwrap()
    }

    async fn token(&self) -> Result<String> {
        token(&self.source).await
    }
}

async fn token(source: &Arc<dyn TokenSource>) -> Result<String> {
    let statement = Arc::new(Statement::new(7));
    source.token(&operation(&statement)).await.map(|token| token.expose().to_owned())
}

fn operation(statement: &Arc<Statement>) -> Operation {
    Operation {
        principal: "me".into(),
        connection: "crm".into(),
        partition: None,
        table: Some("accounts".into()),
        endpoint: "list".into(),
        purpose: Purpose::Read,
        repeat: Repeat::Safe,
        page: Some(1),
        attempt: 1,
        quota_wait: Duration::ZERO,
        body: BodyMode::default(),
        keeps: false,
        reuse: true,
        fresh: false,
        cache: None,
        statement: Arc::clone(statement),
    }
}

/// The message has these words, and none of the secrets that these tests use.
fn check_message(error: &impl std::fmt::Display, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "'{word}' is missing in: {message}");
    }
    for secret in ["client-s3cret", "refresh-", "access-", "PRIVATE KEY-"] {
        assert!(!message.contains(secret), "{message}");
    }
}
