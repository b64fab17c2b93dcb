//! The engine that people embed.

use std::sync::Arc;

use tidegate_engine::Partitions;
use tidegate_quota::Ledger;
use tidegate_state::{CacheDb, State};
use tidegate_transport::{Clock, Credentials, Secret, Statement};
use url::Url;

use crate::config::Config;
use crate::connect::Layers;
use crate::connector::{Access, ConnectorInfo, Registry};
use crate::infer::{self, Inferred};
use crate::metering::counts_tokens;
use crate::oauth::{self, Login, OAuthParts, TokenMetering};
use crate::{Builder, ConnectionDef, Error, ErrorKind, Result, Session};

/// Connections, sockets, caches and state, shared by all sessions of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: tidegate_engine::Engine,
    pub(crate) state: Arc<State>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connectors: Arc<Registry>,
    pub(crate) layers: Arc<Layers>,
    pub(crate) oauth: OAuthParts,
    pub(crate) ledger: Arc<Ledger>,
    /// Answers in the state folder; none without one.
    pub(crate) answers: Option<Arc<CacheDb>>,
}

impl Engine {
    /// Starts to build one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens a session for `principal`: a name of your own for whoever runs its statements.
    #[must_use]
    pub fn session(&self, principal: &str) -> Session {
        self.inner.session(principal)
    }

    /// Adds a connection that every later session sees. Sends nothing.
    ///
    /// # Errors
    /// An unknown connector or option, a missing or malformed one, a variable that is not set, a name that is
    /// taken or reserved.
    pub fn add_connection(&self, def: &ConnectionDef) -> Result<()> {
        self.inner.add_connection(def)
    }

    /// The state folder in use.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Takes the manifests that a configuration was read with, so that they are used as they were then. One that is
    /// wrong is an error of the connection that wants it.
    pub fn take_manifests(&self, config: &Config) {
        for (path, text) in &config.manifests {
            self.connectors.hand_in(path, text);
        }
    }

    /// All connectors.
    #[must_use]
    pub fn connectors(&self) -> Vec<ConnectorInfo> {
        self.connectors.list()
    }

    /// The manifest of a connector, by its name or the path of its file.
    ///
    /// # Errors
    /// There is none, or it is wrong.
    pub fn manifest(&self, connector: &str) -> Result<Arc<tidegate_spec::Manifest>> {
        self.connectors.manifest(connector)
    }

    /// Logs a connection in that signs with OAuth2's authorization code: `open` is called with the URL that a browser
    /// must open.
    ///
    /// # Errors
    /// There is no such connection, it needs no login, or the login failed.
    pub async fn login(&self, name: &str, open: impl FnOnce(&Url) + Send) -> Result<Login> {
        let connection = self.inner.connection(name).ok_or_else(|| self.no_connection(name))?;
        let config = self.connectors.login(&connection.def)?;
        let metering = TokenMetering::default();
        if counts_tokens(&connection.metering) {
            metering.set(Arc::clone(&connection.metering));
        }
        let parts = OAuthParts { metering, ..self.oauth.clone() };
        let login = oauth::login(&config, name, &parts, open).await?;
        self.forget_answers(&connection.fingerprint, &connection.base);
        Ok(login)
    }

    /// Forgets what was answered to whoever was logged in before.
    fn forget_answers(&self, fingerprint: &str, base: &Url) {
        self.layers.cache.forget(Some(fingerprint));
        let Some(cache) = &self.answers else { return };
        // Other processes may hold answers in memory: they ask again about what is older than a write.
        let origin = base.origin().ascii_serialization();
        let forgotten = cache.clear(Some(fingerprint)).and_then(|_| cache.note_write(&origin, self.clock.now()));
        if let Err(error) = forgotten {
            self.inner.warn(None, format!("answers from before the login may still be used for a while: {error}"));
        }
    }

    /// Asks an API and writes a manifest for it: three calls at most. A token is asked with, and comes from the variable
    /// named beside it.
    ///
    /// # Errors
    /// The API cannot be reached, or answers with nothing that rows could be found in.
    pub async fn infer(&self, name: &str, url: &Url, token: Option<(&str, &Secret)>) -> Result<Inferred> {
        let (variable, token) = token.unzip();
        let mut base = url.clone();
        base.set_query(None);
        let access = Access {
            base,
            credentials: token.map(|token| Credentials::Bearer(token.clone())).into_iter().collect(),
            is_renewed: false,
            allow_origins: Vec::new(),
            throttles: Vec::new(),
            writes: false,
            connector: tidegate_engine::Connector::OData(tidegate_spec::odata::Options::default()),
            provider: name.to_owned(),
            partitions: Partitions::None,
            default_partitions: None,
            quotas: Vec::new(),
            token_metering: TokenMetering::default(),
        };
        let metering = self.layers.metering(&ConnectionDef::odata(name, url.as_str()), &access);
        let transport = self.layers.stack(&access, &Arc::new(metering), name);
        let samples = infer::samples(&transport, &Arc::new(Statement::new(0)), url, token).await?;
        infer::manifest(name, &samples, variable)
    }

    /// Waits for tokens that are being renewed, and writes what calls have spent, as a program should before it ends: a
    /// token that can be used once is lost when its successor's arrival is missed, and what is not written is counted as
    /// under way until its lease ends. What cannot be written is a warning.
    pub async fn settle(&self) {
        self.oauth.renewals.settle().await;
        if let Err(error) = self.ledger.flush().await {
            self.inner.warn(None, error.to_string());
        }
    }

    pub(crate) fn no_connection(&self, name: &str) -> Error {
        let known = self.inner.connection_names().join(", ");
        let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are: {known}") };
        Error::new(ErrorKind::Name, format!("there is no connection {name}; {known}"))
    }
}
