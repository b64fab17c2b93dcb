//! Tokens of a server that nobody here wrote: client credentials, refresh with rotation, a login with PKCE.

mod server;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tidegate::oauth::{ClientAuth, Grant, OAuthConfig, OAuthParts, Renewals, TokenMetering, login, token_source};
use tidegate::transport::{
    Auth, BodyMode, Collect, Credentials, Http, HttpOptions, Jitter, Observe, Operation, Purpose, Repeat, Request,
    RequestLog, Retry, RetryPolicy, Secret, Statement, SystemClock, TokenSource, Transport,
};
use tidegate::{Engine, StateLocation};
use url::Url;

use self::server::Server;

const CLIENT: &str = "tidegate";
const SECRET: &str = "p&ss wörd";

fn config(server: &Server, grant: Grant) -> OAuthConfig {
    let mut config = OAuthConfig::new(grant, server.at("/token"));
    config.client_id = Some(CLIENT.into());
    config.client_secret = Some(Secret::new(SECRET));
    config
}

/// What a process on this state folder has.
fn parts(folder: &std::path::Path) -> OAuthParts {
    let engine = Engine::builder().state(StateLocation::Folder(folder.to_owned())).build().unwrap();
    OAuthParts {
        network: Arc::new(Http::new(HttpOptions::default())),
        requests: Arc::new(RequestLog::new(100)),
        state: Arc::clone(engine.state()),
        clock: Arc::new(SystemClock::default()),
        jitter: Arc::new(Jitter::seeded(1)),
        renewals: Renewals::default(),
        metering: TokenMetering::default(),
    }
}

/// Calls `/userinfo` so many times, signed; the statuses.
async fn call(server: &Server, parts: &OAuthParts, source: &Arc<dyn TokenSource>, times: u64) -> Vec<u16> {
    let own = server.at("/").origin();
    let auth = Auth::new(Arc::clone(&parts.network), own.clone(), Credentials::Token(Arc::clone(source)));
    let observe = Observe::new(Arc::new(auth), Arc::clone(&parts.requests), Arc::clone(&parts.clock));
    let collect = Arc::new(Collect::new(Arc::new(observe)));
    let (clock, jitter) = (Arc::clone(&parts.clock), Arc::clone(&parts.jitter));
    let stack = Retry::new(collect, RetryPolicy::default(), clock, jitter).renewing(own);
    let statement = Arc::new(Statement::new(1));
    let mut statuses = Vec::new();
    for page in 1..=times {
        let response = stack.send(request(server.at("/userinfo"), page, &statement)).await;
        statuses.push(response.unwrap_or_else(|error| panic!("page {page}: {error}")).status.as_u16());
    }
    statuses
}

fn request(url: Url, page: u64, statement: &Arc<Statement>) -> Request {
    Request {
        method: Default::default(),
        url,
        headers: Default::default(),
        body: Default::default(),
        operation: Operation {
            principal: "test".into(),
            connection: "real".into(),
            partition: None,
            table: Some("me".into()),
            endpoint: "userinfo".into(),
            purpose: Purpose::Read,
            repeat: Repeat::Safe,
            page: Some(page),
            attempt: 1,
            quota_wait: Duration::ZERO,
            body: BodyMode::default(),
            keeps: false,
            reuse: true,
            fresh: false,
            cache: None,
            statement: Arc::clone(statement),
        },
    }
}

fn expect(server: &mut Server, requests: &[(&str, &str, u64)]) {
    for (grant, by, status) in requests {
        assert_eq!(server.token_request(), ((*grant).to_owned(), (*by).to_owned(), *status));
    }
}

/// One server for all: it takes a second to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oauth2_mock_server() {
    let mut server = Server::start();
    tokio::time::timeout(Duration::from_secs(120), async {
        client_credentials(&mut server).await;
        a_refresh_token_rotates(&mut server).await;
        a_person_logs_in(&mut server).await;
    })
    .await
    .expect("the tests end in time");
}

async fn client_credentials(server: &mut Server) {
    let folder = tempfile::TempDir::new().unwrap();
    for (auth, by) in [(ClientAuth::Basic, "basic"), (ClientAuth::Body, "body")] {
        let parts = parts(&folder.path().join(by));
        let config = OAuthConfig { client_auth: auth, ..config(server, Grant::ClientCredentials) };
        let source = token_source(config, "real", &parts).unwrap();
        assert_eq!(call(server, &parts, &source, 5).await, [200; 5], "two tokens end on the way");
        expect(server, &[("client_credentials", by, 200); 3]);
        let shown = format!("{:?}", parts.requests.snapshot());
        assert!(!shown.contains("eyJ"), "{shown}");
    }
    let wrong =
        OAuthConfig { client_secret: Some(Secret::new("hunter22")), ..config(server, Grant::ClientCredentials) };
    let parts = parts(&folder.path().join("wrong"));
    let source = token_source(wrong, "real", &parts).unwrap();
    let statement = Arc::new(Statement::new(1));
    let operation = request(server.at("/userinfo"), 1, &statement).operation;
    let error = source.token(&operation).await.unwrap_err().to_string();
    assert!(error.contains("invalid_client: there is no such client") && error.contains("/token"), "{error}");
    assert!(!error.contains("hunter22"), "{error}");
    expect(server, &[("client_credentials", "basic", 401)]);
}

async fn a_refresh_token_rotates(server: &mut Server) {
    let folder = tempfile::TempDir::new().unwrap();
    let config = |server: &Server| OAuthConfig {
        refresh_token: Some(Secret::new("first")),
        ..config(server, Grant::RefreshToken)
    };
    let (one, other) = (parts(folder.path()), parts(folder.path()));
    let sources = [&one, &other].map(|parts| token_source(config(server), "real", parts).unwrap());
    assert_eq!(call(server, &one, &sources[0], 3).await, [200; 3]);
    assert_eq!(call(server, &other, &sources[1], 2).await, [200; 2], "it goes on with what the first one left");
    assert_eq!(call(server, &one, &sources[0], 2).await, [200; 2]);
    expect(server, &[("refresh_token", "basic", 200); 4]);

    let elsewhere = tempfile::TempDir::new().unwrap();
    let parts = parts(elsewhere.path());
    let source = token_source(config(server), "real", &parts).unwrap();
    let operation = request(server.at("/userinfo"), 1, &Arc::new(Statement::new(1))).operation;
    let error = source.token(&operation).await.unwrap_err().to_string();
    assert!(error.contains("invalid_grant") && error.contains("new refresh token"), "{error}");
    expect(server, &[("refresh_token", "basic", 400)]);
}

async fn a_person_logs_in(server: &mut Server) {
    let folder = tempfile::TempDir::new().unwrap();
    let parts = parts(folder.path());
    let mut config = config(server, Grant::AuthorizationCode);
    config.authorize_url = Some(server.at("/authorize"));
    config.scope = Some("read".into());
    let browse = |url: &Url| {
        // It follows the redirect to the page of the login, as a browser does.
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--location", "--noproxy", "*", "--output", "/dev/null", url.as_str()]);
        std::thread::spawn(move || curl.status().unwrap());
    };
    let done = login(&config, "real", &parts, browse).await.unwrap();
    assert!(done.renews && done.expires_at.is_some());
    let source = token_source(config, "real", &parts).unwrap();
    assert_eq!(call(server, &parts, &source, 3).await, [200; 3]);
    expect(server, &[("authorization_code", "basic", 200), ("refresh_token", "basic", 200)]);
}
