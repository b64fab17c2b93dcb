//! A login, with this test as the browser.

use sha2::{Digest, Sha256};
use tidegate_transport::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A GET of this machine: what came back.
async fn browse(target: &Url) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", target.port().unwrap())).await.unwrap();
    let path = &target[url::Position::BeforePath..];
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Logs in; `visits` makes of the authorisation URL what the browser asks for, one after the other.
async fn log_in(
    setup: &Setup,
    visits: impl FnOnce(&BTreeMap<String, String>) -> Vec<String>,
) -> (crate::Result<Login>, Vec<String>) {
    let parts = OAuthParts { clock: Arc::new(SystemClock::default()), ..setup.parts.clone() };
    let (tell, told) = tokio::sync::oneshot::channel();
    let logging_in = login(&setup.config, "crm", &parts, |url: &Url| tell.send(url.clone()).unwrap());
    let browsing = async {
        let asked = parameters(&told.await.unwrap());
        let redirect = url(&asked["redirect_uri"]);
        assert_eq!((redirect.host_str(), redirect.path()), (Some("127.0.0.1"), "/callback"));
        let mut pages = Vec::new();
        for visit in visits(&asked) {
            pages.push(browse(&redirect.join(&visit).unwrap()).await);
        }
        pages
    };
    tokio::join!(logging_in, browsing)
}

#[tokio::test]
async fn a_login_ends_with_tokens_on_the_disk() {
    let mut config = config(Grant::AuthorizationCode);
    config.scope = Some("read offline".into());
    config.extra.insert("prompt".into(), "consent".into());
    let setup = Setup::new(config, [pair(1)]);
    let challenge = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&challenge);
    let (result, pages) = log_in(&setup, move |asked| {
        let found =
            ["response_type", "client_id", "scope", "code_challenge_method", "prompt"].map(|name| asked[name].as_str());
        assert_eq!(found, ["code", "me", "read offline", "S256", "consent"]);
        *noted.lock().unwrap() = asked["code_challenge"].clone();
        vec!["/favicon.ico".into(), format!("/callback?code=c%2F1&state={}", asked["state"])]
    })
    .await;
    assert!(result.unwrap().renews);
    assert!(pages[0].starts_with("HTTP/1.1 404"), "{}", pages[0]);
    assert!(pages[1].starts_with("HTTP/1.1 200") && pages[1].contains("You are logged in"), "{}", pages[1]);
    let form = setup.endpoint.forms().remove(0);
    let found = ["grant_type", "code", "client_id"].map(|name| form[name].as_str());
    assert_eq!(found, ["authorization_code", "c/1", "me"]);
    let hash = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        Sha256::digest(form["code_verifier"].as_bytes()),
    );
    assert_eq!(hash, *challenge.lock().unwrap());
    assert!(form["redirect_uri"].starts_with("http://127.0.0.1:"));
    let kept = setup.parts.state.token(&setup.config.key("crm")).unwrap().unwrap();
    assert_eq!((kept.access.as_str(), kept.refresh.as_deref()), ("access-1", Some("refresh-1")));
    assert_eq!(setup.parts.state.token(&setup.config.key("other")).unwrap(), None, "a login is its connection's");
}

#[tokio::test]
async fn logins_that_fail_say_why_to_both() {
    let cases: [(&str, &[&str]); 4] = [
        ("code=c&state=guessed", &["another login", "start again"]),
        ("code=c", &["another login"]),
        (
            "error=access_denied&error_description=%3Cb%3Eno%0D%0Aand%20no&state=",
            &["refused", "access_denied", "no and no"],
        ),
        ("state=", &["without a code"]),
    ];
    for (query, words) in cases {
        let setup = Setup::new(config(Grant::AuthorizationCode), []);
        let (result, pages) = log_in(&setup, |asked| {
            let state = if query.ends_with("state=") { &asked["state"] } else { "" };
            vec![format!("/callback?{query}{state}")]
        })
        .await;
        check_message(&result.unwrap_err(), &[&["login of connection crm"], words].concat());
        assert!(pages[0].starts_with("HTTP/1.1 400") && pages[0].contains("did not work"), "{}", pages[0]);
        assert!(!pages[0].contains("<b>"), "{}", pages[0]);
        assert!(setup.endpoint.forms().is_empty());
    }
}

#[tokio::test]
async fn a_code_that_the_server_refuses_is_an_error() {
    let setup = Setup::new(config(Grant::AuthorizationCode), [answer(400, r#"{"error":"invalid_grant"}"#)]);
    let (result, _) = log_in(&setup, |asked| vec![format!("/callback?code=c&state={}", asked["state"])]).await;
    check_message(&result.unwrap_err(), &["invalid_grant", TOKEN_URL, "redirect URI"]);
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    let setup = Setup::new(config(Grant::AuthorizationCode), []);
    let error = login(&setup.config, "crm", &setup.parts, |_| ()).await.unwrap_err();
    check_message(&error, &["within 5 minutes", "tidegate login crm"]);
    assert_eq!(setup.clock.sleeps(), [LOGIN_TIMEOUT]);
}

#[tokio::test]
async fn logins_that_cannot_work_are_not_begun() {
    let never = |_: &Url| panic!("no browser is opened");
    let no_login = Setup::new(config(Grant::ClientCredentials), []);
    let error = login(&no_login.config, "crm", &no_login.parts, never).await.unwrap_err();
    check_message(&error, &["needs no login", "client_credentials"]);
    let setup = Setup::new(config(Grant::AuthorizationCode), []);
    let parts = parts(setup.endpoint.clone(), State::in_memory(), clock());
    check_message(&login(&setup.config, "crm", &parts, never).await.unwrap_err(), &["--state"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = OAuthConfig { redirect_port: Some(port), ..setup.config.clone() };
    let error = login(&config, "crm", &setup.parts, never).await.unwrap_err();
    check_message(&error, &[&port.to_string(), "cannot listen"]);
}
