//! What the environment decides: trusted roots and proxies. A process reads its environment once, so each of
//! these tests runs this program again, as a child with variables of its own.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use axum::serve::Listener;
use tidegate_transport::{ErrorKind, HttpOptions, Statement};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use url::Url;

use crate::server::{Server, ok};
use crate::stack::{Options, Stack};

/// Tells a child what to ask; without it a test is the parent.
const ASK: &str = "TIDEGATE_TEST_ASK";

/// Runs one test of this program in a child that asks for `url`.
async fn child(test: &str, url: &Url, variables: &[(&'static str, String)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD", "SSL_CERT_DIR"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.args(["--exact", test]).env(ASK, url.as_str()).envs(variables.iter().cloned());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn asked() -> Option<Url> {
    std::env::var(ASK).ok().map(|url| url.parse().unwrap())
}

/// Accepts TLS connections for `localhost` and 127.0.0.1, with HTTP/2 as its first choice.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Tls {
    async fn bind() -> Self {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that does not trust us ends the handshake; the next one may.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Says over which version of HTTP it was asked.
async fn tls_server() -> Url {
    let listener = Tls::bind().await;
    let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    let answer = axum::routing::get(async |version: axum::http::Version| format!("{version:?}"));
    let app = axum::Router::new().route("/", answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn an_unknown_issuer_is_not_trusted() {
    let url = tls_server().await;
    let stack = Stack::with(&url, Options { statement: Statement::with_retry_budget(1, 5), ..Options::default() });
    let error = stack.get(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("name a PEM file that has it in SSL_CERT_FILE"), "{error}");
    assert_eq!(stack.statement.counts().calls, 1, "not tried again");
}

#[tokio::test]
async fn a_root_named_by_the_environment_is_trusted_and_http2_is_spoken() {
    if let Some(url) = asked() {
        assert_eq!(Stack::new(&url).get(url).await.unwrap(), (200, "HTTP/2.0".into()));
        return;
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/ca.pem").to_owned();
    let test = "environment::a_root_named_by_the_environment_is_trusted_and_http2_is_spoken";
    child(test, &tls_server().await, &[("SSL_CERT_FILE", root)]).await;
}

#[tokio::test]
async fn a_machine_without_roots_can_do_without_tls() {
    if let Some(url) = asked() {
        assert_eq!(Stack::new(&url).get(url).await.unwrap(), (200, "plain".into()));
        return;
    }
    let server = Server::start(|_, _| ok("plain")).await;
    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/none.pem").to_owned();
    child("environment::a_machine_without_roots_can_do_without_tls", &server.url, &[("SSL_CERT_FILE", none)]).await;
}

#[tokio::test]
async fn the_systems_proxy_is_used_except_for_this_machine() {
    let elsewhere = Url::parse("http://api.example/x").unwrap();
    if let Some(proxy) = asked() {
        assert_eq!(Stack::new(&elsewhere).get(elsewhere.clone()).await.unwrap(), (200, "http://api.example/x".into()));
        assert_eq!(Stack::new(&proxy).get(proxy.clone()).await.unwrap(), (200, "/".into()));
        let http = HttpOptions { proxy_from_environment: false, ..HttpOptions::default() };
        let statement = Statement::with_retry_budget(1, 0);
        let direct = Stack::with(&elsewhere, Options { http, statement, ..Options::default() });
        assert!(direct.get(elsewhere).await.is_err());
        return;
    }
    let proxy = Server::start(|_, request| ok(&request.target)).await;
    let variables = [("HTTP_PROXY", proxy.url.to_string()), ("http_proxy", proxy.url.to_string())];
    child("environment::the_systems_proxy_is_used_except_for_this_machine", &proxy.url, &variables).await;
    assert_eq!(proxy.seen().len(), 2);
}
