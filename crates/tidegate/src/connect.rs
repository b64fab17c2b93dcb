//! Opens connections: puts the layers in order.
//!
//! This order is the product's (`tidegate-transport` says why): redirect → origin → cache → retry → meter → collect → observe →
//! record | replay → auth → http.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};
use tidegate_engine::{Connect, Connection, ConnectionDef};
use tidegate_quota::Ledger;
use tidegate_transport::{
    Auth, Blanks, Cache, Clock, Collect, Credentials, HttpCache, Jitter, Meter, Metering, Observe, OriginGuard, Record,
    Recorder, Redirect, RequestLog, Retry, RetryPolicy, Secret, Transport, Warn,
};

use crate::Result;
use crate::connector::{Access, Registry};
use crate::failure::local;
use crate::metering::{counts_tokens, hex, metering, part_of};
use crate::oauth::OAuthParts;

/// What stands innermost, and whether it is recorded.
#[derive(Debug)]
pub(crate) struct Network {
    inner: Arc<dyn Transport>,
    recorder: Option<Arc<Recorder>>,
    is_replay: bool,
}

impl Network {
    pub(crate) fn live(inner: Arc<dyn Transport>) -> Self {
        Self { inner, recorder: None, is_replay: false }
    }

    pub(crate) fn recorded(inner: Arc<dyn Transport>, file: &Path) -> Result<Self> {
        let recorder = Recorder::create(file).map_err(local)?;
        Ok(Self { inner, recorder: Some(Arc::new(recorder)), is_replay: false })
    }

    pub(crate) fn replayed(inner: Arc<dyn Transport>) -> Self {
        Self { inner, recorder: None, is_replay: true }
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.is_replay
    }

    /// What tokens are asked through: never a recording.
    pub(crate) fn inner(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.inner)
    }
}

/// Takes a connection's name and a message.
pub(crate) type Warner = dyn Fn(Option<&str>, String) + Send + Sync;

/// What every connection's layers share.
pub(crate) struct Layers {
    pub(crate) network: Network,
    pub(crate) requests: Arc<RequestLog>,
    pub(crate) ledger: Arc<Ledger>,
    /// Takes what `system.warnings` shall show; set when there is an engine.
    pub(crate) warner: Arc<OnceLock<Box<Warner>>>,
    /// Answers of all connections.
    pub(crate) cache: Arc<HttpCache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<Jitter>,
    pub(crate) connectors: Arc<Registry>,
    pub(crate) oauth: OAuthParts,
    /// Connections that could not be opened, and why: for who asks for them later.
    pub(crate) failed: Mutex<BTreeMap<String, String>>,
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers")
            .field("network", &self.network)
            .field("connectors", &self.connectors)
            .finish_non_exhaustive()
    }
}

impl Connect for Layers {
    fn open(&self, def: &ConnectionDef) -> Result<Connection> {
        let opened = self.opened(def);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &opened {
            Ok(_) => failed.remove(&def.name),
            Err(error) => failed.insert(def.name.clone(), error.to_string()),
        };
        opened
    }

    fn offered(&self, name: &str) -> Option<ConnectionDef> {
        self.connectors.offered(name)
    }

    fn offered_names(&self) -> Vec<String> {
        self.connectors.offered_names()
    }

    fn advice(&self, name: &str) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        failed.map(|error| format!("it could not be opened: {error}")).or_else(|| self.connectors.missing(name))
    }
}

impl Layers {
    fn opened(&self, def: &ConnectionDef) -> Result<Connection> {
        // A replay needs no credentials, and asks for no token.
        let oauth = (!self.network.is_replay).then_some(&self.oauth);
        let access = self.connectors.open(def, oauth)?;
        let metering = Arc::new(self.metering(def, &access));
        if counts_tokens(&metering) {
            access.token_metering.set(Arc::clone(&metering));
        }
        let fingerprint = fingerprint(def, &access);
        Ok(Connection {
            transport: self.stack(&access, &metering, &fingerprint),
            fingerprint,
            blanks: Blanks::new(&access.credentials),
            def: ConnectionDef { default_partitions: access.default_partitions, ..def.clone() },
            writes: access.writes,
            partitions: access.partitions,
            metering,
            connector: access.connector,
            base: access.base,
        })
    }

    /// What the calls of a connection come out of. A replay spends nothing: it has a ledger that ends with it, and whose
    /// waits end at once, and no declared quotas.
    pub(crate) fn metering(&self, def: &ConnectionDef, access: &Access) -> Metering {
        let metering = metering(&def.name, access, Arc::clone(&self.ledger), warning(&self.warner));
        if self.network.is_replay { Metering { quotas: Vec::new(), ..metering } } else { metering }
    }

    /// The layers of a connection. `fingerprint` keeps its answers apart from others'. A replay gives what was recorded, and
    /// nothing that was answered at another time.
    pub(crate) fn stack(&self, access: &Access, metering: &Arc<Metering>, fingerprint: &str) -> Arc<dyn Transport> {
        let origin = access.base.origin();
        let mut signed = Arc::clone(&self.network.inner);
        if !self.network.is_replay {
            for credentials in &access.credentials {
                signed = Arc::new(Auth::new(signed, origin.clone(), credentials.clone()));
            }
        }
        let recorded: Arc<dyn Transport> = match &self.network.recorder {
            Some(recorder) => {
                let record = Record::new(signed, Arc::clone(recorder));
                Arc::new(access.credentials.iter().fold(record, Record::blanking_all_of))
            }
            None => signed,
        };
        let observed = Observe::new(recorded, Arc::clone(&self.requests), Arc::clone(&self.clock));
        let collected = Collect::new(Arc::new(observed));
        let metered = Meter::new(Arc::new(collected), Arc::clone(metering), Arc::clone(&self.clock)).at(origin.clone());
        let clock = Arc::clone(&self.clock);
        let mut retried =
            Retry::new(Arc::new(metered), RetryPolicy::default(), clock, Arc::clone(&self.jitter)).metered();
        if access.is_renewed {
            retried = retried.renewing(origin.clone());
        }
        // A recording holds all that a replay will be asked for.
        let is_cached = !self.network.is_replay && self.network.recorder.is_none();
        let cached: Arc<dyn Transport> = if is_cached {
            let cache = Cache::new(Arc::new(retried), Arc::clone(&self.cache), fingerprint);
            Arc::new(cache.written_at(&origin.ascii_serialization()).without(Blanks::new(&access.credentials)))
        } else {
            Arc::new(retried)
        };
        let mut guarded = OriginGuard::new(cached, origin, access.allow_origins.clone());
        for credentials in &access.credentials {
            if let Credentials::Query { name, .. } = credentials {
                guarded = guarded.stripping(name);
            }
        }
        Arc::new(Redirect::new(Arc::new(guarded)))
    }
}

/// Takes warnings before there is an engine, and hands them to it as soon as there is one.
pub(crate) fn warning(warner: &Arc<OnceLock<Box<Warner>>>) -> Box<Warn> {
    let warner = Arc::clone(warner);
    Box::new(move |connection, message| {
        if let Some(warn) = warner.get() {
            warn(Some(connection), message);
        }
    })
}

/// Identifies what the connection reaches and as whom. Of a secret only a part of its hash goes in.
fn fingerprint(def: &ConnectionDef, access: &Access) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part);
        hash.update([0]);
    };
    add(def.connector.as_bytes());
    add(access.base.as_str().as_bytes());
    for credentials in &access.credentials {
        let (name, secret): (&str, Option<&Secret>) = match credentials {
            Credentials::None => ("", None),
            Credentials::Basic { user, password } => (user, Some(password)),
            Credentials::Bearer(token) => ("", Some(token)),
            Credentials::Header { name, value } | Credentials::Query { name, value } => (name, Some(value)),
            // A login is the connection's own.
            Credentials::Token(source) => {
                add(source.identity().as_bytes());
                (&def.name, None)
            }
        };
        add(name.as_bytes());
        if let Some(secret) = secret {
            add(&part_of(secret));
        }
    }
    hex(&hash.finalize()[..16])
}
