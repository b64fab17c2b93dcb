//! The server: one handler in which every request meets log, faults, login, quotas and shape.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use http::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::config::{Config, Shape};
use crate::encoding::Prepared;
use crate::fault::{Fault, Script};
use crate::handle::{beside, handle, is_finished};
use crate::log::{Log, LoggedRequest};
use crate::net::{Door, Knife};
use crate::odata::Cache;
use crate::quota::{Counters, QuotaState};
use crate::reply::Reply;
use crate::store::Store;

/// How long a stop waits for answers under way.
const GRACE: Duration = Duration::from_secs(2);

/// Largest body of a request, in bytes.
const LARGEST: usize = 16 << 20;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    /// `http://127.0.0.1:port`.
    pub(crate) origin: String,
    pub(crate) log: Log,
    pub(crate) script: Mutex<Script>,
    pub(crate) counters: Mutex<Counters>,
    pub(crate) cache: Cache,
    pub(crate) prepared: Prepared,
    pub(crate) store: Store,
    /// Microseconds since 1970 by the configured clock.
    pub(crate) started_us: u64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) peak: AtomicU64,
}

impl Inner {
    pub(crate) fn counters(&self) -> MutexGuard<'_, Counters> {
        // Counters are whole after every operation, so a panic elsewhere does not spoil them.
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulated API. Stops when dropped.
#[derive(Debug)]
pub struct Sim {
    inner: Arc<Inner>,
    accepted: Arc<AtomicU64>,
    url: Url,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Sim {
    /// Binds 127.0.0.1 and begins to serve on the current tokio runtime.
    ///
    /// # Errors
    /// If the port cannot be bound.
    pub async fn start(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
        let origin = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
        let url = Url::parse(&format!("{origin}{}", root(&config, 1))).map_err(io::Error::other)?;
        let mut script = Script::default();
        script.set(config.faults.clone());
        let counters = Counters::new(config.quotas.clone(), config.cost.clone(), &config.others, config.clock.micros());
        let inner = Arc::new(Inner {
            started_us: config.clock.micros(),
            store: Store::new(config.clock.clone()),
            config,
            origin,
            log: Log::default(),
            script: Mutex::new(script),
            counters: Mutex::new(counters),
            cache: Cache::default(),
            prepared: Prepared::default(),
            in_flight: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        });
        let accepted = Arc::new(AtomicU64::new(0));
        let app = Router::new().fallback(entry).with_state(inner.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let door = Door { listener, accepted: accepted.clone() };
        let service = app.into_make_service_with_connect_info::<Knife>();
        let task = tokio::spawn(async move {
            // The sender sends on `stop` and is dropped with the `Sim`: both end the service.
            let signal = async move { drop(stopped.await) };
            // A listener that retries for ever has no error to report.
            let _ = axum::serve(door, service).with_graceful_shutdown(signal).await;
        });
        Ok(Self { inner, accepted, url, stop: Some(stop), task: Some(task) })
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// URL of the service root, with a slash at its end; of the first division, if there are any.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// URL of the service root of a division, counted from 1.
    pub fn division_url(&self, division: u32) -> Url {
        let mut url = self.url.clone();
        url.set_path(&root(&self.inner.config, division));
        url
    }

    /// The log: all requests since the start or since it was last cleared, in order of arrival.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.inner.log.all()
    }

    /// Number of requests in the log.
    pub fn request_count(&self) -> usize {
        self.inner.log.len()
    }

    /// Number of requests in the log that a quota has refused.
    pub fn refused_count(&self) -> usize {
        self.inner.log.count(|request| request.refused_by.is_some())
    }

    /// Where the quotas of a division stand now (0 if there are no divisions), in the order in which they are
    /// configured.
    pub fn quotas(&self, division: u32) -> Vec<QuotaState> {
        let now = self.inner.config.clock.micros();
        self.inner.counters().states(division, now)
    }

    /// Empties the log; the next request has number 1 again.
    pub fn clear_requests(&self) {
        self.inner.log.clear();
    }

    /// Replaces the fault script. An empty list ends all scripted faults.
    pub fn faults(&self, faults: Vec<Fault>) {
        self.inner.script.lock().unwrap_or_else(PoisonError::into_inner).set(faults);
    }

    /// Connections accepted since the start.
    pub fn connections(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Largest number of requests that were in work at the same time.
    pub fn peak_in_flight(&self) -> u64 {
        self.inner.peak.load(Ordering::SeqCst)
    }

    /// Stops: no new connections, answers under way are finished within two seconds.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // If the service has ended by itself, nobody listens, and that is as good.
            let _ = stop.send(());
        }
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// Path of the service root.
pub(crate) fn root(config: &Config, division: u32) -> String {
    match (config.divisions, config.shape) {
        (0, Shape::ODataV4) => "/odata/v4/".to_owned(),
        (0, Shape::ODataV2) => "/odata/v2/".to_owned(),
        (0, Shape::Plain) => "/".to_owned(),
        (0, Shape::Library | Shape::Rest) => "/api/".to_owned(),
        _ => format!("/api/v1/{division}/"),
    }
}

async fn entry(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(knife): ConnectInfo<Knife>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Some(answer) = beside(&inner, &parts) {
        return answer;
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return Reply::empty(413).send(&[]);
    };
    let now = inner.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    inner.peak.fetch_max(now, Ordering::SeqCst);
    // Also runs when the client goes away and this future is dropped.
    let guard = Leave(inner.clone());
    let is_finished = is_finished(&inner, &parts);
    let answer = async move {
        let guard = guard;
        handle(&guard.0, &knife, &parts, &body).await
    };
    match is_finished {
        // Nobody panics in it, and nobody cancels it.
        true => tokio::spawn(answer).await.unwrap_or_else(|_| Reply::empty(500).send(&[])),
        false => answer.await,
    }
}

struct Leave(Arc<Inner>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
