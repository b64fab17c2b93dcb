//! Sessions over the simulated API, through real HTTP.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::scalar::ScalarValue;
use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, OptionValue, Partition, Partitions,
    Session,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_sim::{Config, ODataOptions, Sim};
use tidegate_spec::odata;
use tidegate_state::State;
use tidegate_transport::{
    Clock, Collect, Http, HttpOptions, Metering, Observe, OriginGuard, RequestLog, SystemClock, Transport,
};
use url::Url;

use crate::script::drain;

/// Opens connections whose layers are those that a scan relies on.
#[derive(Debug)]
struct Layers {
    http: Arc<dyn Transport>,
    requests: Arc<RequestLog>,
    clock: Arc<dyn Clock>,
    options: odata::Options,
}

impl Connect for Layers {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let Some(OptionValue::Text(url)) = def.options.get("url") else { panic!("{} has no url", def.name) };
        let base = Url::parse(url).expect("a URL");
        let observed = Observe::new(Arc::clone(&self.http), Arc::clone(&self.requests), Arc::clone(&self.clock));
        let collected = Collect::new(Arc::new(observed));
        Ok(Connection {
            def: def.clone(),
            transport: Arc::new(OriginGuard::new(Arc::new(collected), base.origin(), Vec::new())),
            connector: Connector::OData(self.options.clone()),
            blanks: Default::default(),
            fingerprint: url.clone(),
            writes: false,
            partitions: match &def.partitions {
                Some(named) => Partitions::Named(named.clone().into()),
                None => Partitions::None,
            },
            metering: Arc::new(Metering::new(
                Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::<tidegate_transport::SystemClock>::default())),
                "test",
                "test",
            )),
            base,
        })
    }
}

/// A simulated API as connection `sim`, and one session.
pub(crate) struct SimFixture {
    pub(crate) sim: Sim,
    pub(crate) engine: Engine,
    pub(crate) session: Session,
}

impl SimFixture {
    /// 60 accounts in pages of 25.
    pub(crate) async fn new(odata: ODataOptions) -> Self {
        Self::with(odata, odata::Options::default()).await
    }

    /// So many accounts in pages of so many.
    pub(crate) async fn sized(rows: u64, page_size: usize) -> Self {
        let config = Config { rows, page_size, ..Config::default() };
        Self::start(config, odata::Options::default(), |sim| ConnectionDef::odata("sim", sim.url().as_str())).await
    }

    pub(crate) async fn with(odata: ODataOptions, options: odata::Options) -> Self {
        let config = Config { rows: 60, page_size: 25, odata, ..Config::default() };
        Self::start(config, options, |sim| ConnectionDef::odata("sim", sim.url().as_str())).await
    }

    /// The same with so many divisions, as partitions `1`, `2` ….
    pub(crate) async fn divided(divisions: u32) -> Self {
        let codes: Vec<String> = (1..=divisions).map(|code| code.to_string()).collect();
        Self::with_codes(divisions, &codes.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// The same with partitions of these codes.
    pub(crate) async fn with_codes(divisions: u32, codes: &[&str]) -> Self {
        let config = Config { rows: 60, page_size: 25, divisions, ..Config::default() };
        Self::start(config, odata::Options::default(), |sim| {
            let url = sim.url().as_str().replace("/1/", "/{partition}/");
            let partition = |code: &&str| Partition { code: (*code).to_owned(), name: None };
            let partitions = Some(codes.iter().map(partition).collect());
            ConnectionDef { partitions, ..ConnectionDef::odata("sim", &url) }
        })
        .await
    }

    async fn start(config: Config, options: odata::Options, def: impl Fn(&Sim) -> ConnectionDef) -> Self {
        let sim = Sim::start(config).await.expect("a port");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let requests = Arc::new(RequestLog::new(1000));
        let http: Arc<dyn Transport> = Arc::new(Http::new(HttpOptions::default()));
        let connect = Layers { http, requests: Arc::clone(&requests), clock: Arc::clone(&clock), options };
        let engine = Engine::new(EngineParts {
            connect: Arc::new(connect),
            journal: Arc::new(tidegate_state::Journal::in_memory()),
            cache: None,
            state: Arc::new(State::in_memory()),
            requests,
            ledger: Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(&clock))),
            clock,
            working_dir: PathBuf::from("."),
        });
        engine.add_connection(&def(&sim)).expect("a new name");
        Self { session: engine.session("analyst"), engine, sim }
    }

    pub(crate) async fn try_rows(&self, sql: &str) -> Result<Vec<String>, Error> {
        self.try_rows_with(sql, Vec::new()).await
    }

    pub(crate) async fn try_rows_with(&self, sql: &str, params: Vec<ScalarValue>) -> Result<Vec<String>, Error> {
        let prepared = self.session.prepare(sql).await?;
        drain(prepared.execute(params).await?).await
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Requests but those for `$metadata`, decoded, since the last call of this.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        let requests = self.sim.requests();
        self.sim.clear_requests();
        let data = requests.into_iter().filter(|request| !request.path.contains("metadata"));
        let pairs = |pairs: Vec<(String, String)>| {
            pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        data.map(|request| format!("{}?{}", request.path, pairs(request.pairs))).collect()
    }
}
