//! Opens connections: looks credentials up and puts the layers in order.
//!
//! This order is the product's (`tidegate-transport` says why): redirect → origin → retry → collect → observe →
//! record | replay → auth → http.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tidegate_engine::{Connect, Connection, ConnectionDef, Connector};
use tidegate_transport::{
    Auth, Clock, Collect, Credentials, Jitter, Observe, OriginGuard, Record, Recorder, Redirect, RequestLog, Retry,
    RetryPolicy, Transport,
};

use crate::Result;
use crate::environment::Environment;
use crate::failure::local;
use crate::options::{CONNECTORS, ODataOptions, fail};

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
}

/// What every connection's layers share.
#[derive(Debug)]
pub(crate) struct Layers {
    pub(crate) network: Network,
    pub(crate) requests: Arc<RequestLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<Jitter>,
    pub(crate) environment: Environment,
}

impl Connect for Layers {
    fn open(&self, def: &ConnectionDef) -> Result<Connection> {
        if !CONNECTORS.contains(&def.connector.as_str()) {
            let known = CONNECTORS.join(", ");
            return Err(fail(def, format!("there is no connector {}; there is: {known}", def.connector)));
        }
        let options = ODataOptions::read(def, &self.environment)?;
        Ok(Connection {
            def: def.clone(),
            transport: self.stack(&options),
            fingerprint: fingerprint(&options),
            writes: options.writes,
            connector: Connector::OData(options.model),
            base: options.base,
        })
    }
}

impl Layers {
    fn stack(&self, options: &ODataOptions) -> Arc<dyn Transport> {
        let origin = options.base.origin();
        let inner = Arc::clone(&self.network.inner);
        let signed: Arc<dyn Transport> = if self.network.is_replay {
            inner
        } else {
            Arc::new(Auth::new(inner, origin.clone(), options.credentials.clone()))
        };
        let recorded: Arc<dyn Transport> = match &self.network.recorder {
            Some(recorder) => {
                Arc::new(Record::new(signed, Arc::clone(recorder)).blanking(options.credentials.secrets()))
            }
            None => signed,
        };
        let observed = Observe::new(recorded, Arc::clone(&self.requests), Arc::clone(&self.clock));
        let collected = Collect::new(Arc::new(observed));
        let clock = Arc::clone(&self.clock);
        let retried = Retry::new(Arc::new(collected), RetryPolicy::default(), clock, Arc::clone(&self.jitter));
        let guarded = OriginGuard::new(Arc::new(retried), origin, options.allow_origins.clone());
        Arc::new(Redirect::new(Arc::new(guarded)))
    }
}

/// Identifies what the connection reaches and as whom. Of a secret only 32 bits of its hash go in: enough to
/// tell two apart, too few to find it again from the state folder.
fn fingerprint(options: &ODataOptions) -> String {
    let (user, secret) = match &options.credentials {
        Credentials::None => ("", None),
        Credentials::Basic { user, password } => (user.as_str(), Some(password)),
        Credentials::Bearer(token) => ("", Some(token)),
    };
    let mut hash = Sha256::new();
    for part in ["odata", options.base.as_str(), user] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    if let Some(secret) = secret {
        hash.update(&Sha256::digest(secret.expose().as_bytes())[..4]);
    }
    hex(&hash.finalize()[..16])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
