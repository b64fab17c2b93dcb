//! A shop whose products can be changed, and engines over one state folder.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tidegate_engine::{
    Connect, Connection, ConnectionDef, Connector, Engine, EngineParts, Error, ErrorKind, MutationSummary, OptionValue,
    Partition, Partitions, Session,
};
use tidegate_quota::{Ledger, MemoryStore};
use tidegate_sim::{Auth as SimAuth, Config, Effect, EffectKind, Sim};
use tidegate_spec::odata;
use tidegate_state::{Journal, State};
use tidegate_transport::{
    Auth, Clock, Collect, Credentials, Http, HttpOptions, Jitter, Meter, MeteredQuota, Metering, Observe, OriginGuard,
    RequestLog, Retry, RetryPolicy, Secret, TestClock, Transport,
};
use url::Url;

use crate::script::lines;

/// What the shop asks for, which must stand nowhere.
pub(super) const TOKEN: &str = "s3cr3t-t0k3n";

/// Opens connections to the shop, with the layers that writes rely on.
#[derive(Debug)]
struct Open {
    requests: Arc<RequestLog>,
    ledger: Arc<Ledger>,
    clock: Arc<TestClock>,
    quotas: Vec<MeteredQuota>,
}

impl Connect for Open {
    fn open(&self, def: &ConnectionDef) -> tidegate_engine::Result<Connection> {
        let option = |name: &str| match def.options.get(name) {
            Some(OptionValue::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let base = Url::parse(&option("url").expect("a url")).expect("a URL");
        let credentials = Credentials::Bearer(Secret::new(TOKEN));
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let metering = Metering::new(Arc::clone(&self.ledger), "shop|ann", &def.name);
        let metering = Arc::new(Metering { quotas: self.quotas.clone(), ..metering });
        let http: Arc<dyn Transport> = Arc::new(Http::new(HttpOptions::default()));
        let signed = Auth::new(http, base.origin(), credentials.clone());
        let observed = Observe::new(Arc::new(signed), Arc::clone(&self.requests), Arc::clone(&clock));
        let collected = Collect::new(Arc::new(observed));
        let metered = Meter::new(Arc::new(collected), Arc::clone(&metering), Arc::clone(&clock));
        let retried =
            Retry::new(Arc::new(metered), RetryPolicy::default(), clock, Arc::new(Jitter::seeded(1))).metered();
        Ok(Connection {
            def: def.clone(),
            transport: Arc::new(OriginGuard::new(Arc::new(retried), base.origin(), Vec::new())),
            connector: Connector::OData(odata::Options::default()),
            blanks: tidegate_transport::Blanks::new(&[credentials]),
            fingerprint: format!("{}|{}", base, option("user").unwrap_or_default()),
            writes: option("writes").as_deref() != Some("false"),
            partitions: match &def.partitions {
                Some(named) => Partitions::Named(named.clone().into()),
                None => Partitions::None,
            },
            metering,
            base,
        })
    }
}

/// A simulated shop, and engines that change it.
pub(super) struct Shop {
    pub(super) sim: Sim,
    pub(super) engine: Engine,
    pub(super) session: Session,
    pub(super) clock: Arc<TestClock>,
    quotas: Vec<MeteredQuota>,
    folder: tempfile::TempDir,
    last: Mutex<Option<MutationSummary>>,
}

impl Shop {
    /// Sixty products.
    pub(super) async fn new() -> Self {
        Self::with(Config::default(), Vec::new()).await
    }

    /// A shop of this configuration, whose calls come out of these quotas.
    pub(super) async fn with(config: Config, quotas: Vec<MeteredQuota>) -> Self {
        let config = Config { rows: 60, page_size: 25, auth: SimAuth::Bearer(TOKEN.to_owned()), ..config };
        let sim = Sim::start(config).await.expect("a port");
        let clock = Arc::new(TestClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), &clock, &quotas);
        let shop = Self { session: engine.session("ann"), engine, sim, clock, quotas, folder, last: Mutex::default() };
        shop.connect(&shop.engine);
        shop
    }

    /// Another process with the same state folder.
    pub(super) fn other_process(&self) -> Engine {
        let engine = engine(self.folder.path(), &self.clock, &self.quotas);
        self.connect(&engine);
        engine
    }

    /// The connection `shop`, and `locked`, which allows no changes.
    fn connect(&self, engine: &Engine) {
        engine.add_connection(&self.def("shop")).expect("a new name");
        engine.add_connection(&self.def("locked").with("writes", "false")).expect("a new name");
    }

    pub(super) fn def(&self, name: &str) -> ConnectionDef {
        let divisions = self.sim.url().path().contains("/1/");
        let url = self.sim.url().as_str().replace("/1/", "/{partition}/");
        let partition = |code: u32| Partition { code: code.to_string(), name: None };
        let partitions = divisions.then(|| (1..=3).map(partition).collect());
        ConnectionDef { partitions, ..ConnectionDef::odata(name, &url) }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Rows of a statement, and the error after them.
    pub(super) async fn run(&self, sql: &str) -> (Vec<String>, Option<Error>) {
        self.run_in(&self.session, sql).await
    }

    pub(super) async fn run_in(&self, session: &Session, sql: &str) -> (Vec<String>, Option<Error>) {
        let prepared = match session.prepare(sql).await {
            Ok(prepared) => prepared,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut execution = match prepared.execute(Vec::new()).await {
            Ok(execution) => execution,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut rows = Vec::new();
        let mut end = None;
        while let Some(batch) = futures::StreamExt::next(&mut execution.stream).await {
            match batch {
                Ok(batch) => rows.extend(lines(&batch)),
                Err(error) => end = Some(Error::from(error)),
            }
        }
        *self.last.lock().expect("no panic") = execution.summary.mutation();
        (rows, end)
    }

    /// Rows of a statement that ends well.
    pub(super) async fn rows(&self, sql: &str) -> Vec<String> {
        match self.run(sql).await {
            (rows, None) => rows,
            (rows, Some(error)) => panic!("{sql}: {error}, after {rows:?}"),
        }
    }

    /// The error that a statement ends with.
    pub(super) async fn error(&self, sql: &str) -> (ErrorKind, String) {
        match self.run(sql).await {
            (rows, None) => panic!("{sql}: no error but {rows:?}"),
            (_, Some(error)) => (error.kind(), error.to_string()),
        }
    }

    /// How the last mutation ended.
    pub(super) fn summary(&self) -> MutationSummary {
        self.last.lock().expect("no panic").clone().expect("a mutation")
    }

    /// Keys of the products that were changed so.
    pub(super) fn changed(&self, kind: EffectKind) -> Vec<u32> {
        let effects = self.sim.effects();
        let of_kind = effects.iter().filter(|effect| effect.kind == kind && effect.request > 0);
        of_kind.map(|effect: &Effect| effect.key.parse().expect("a number")).collect()
    }

    /// A column of a product, as it is now.
    pub(super) fn product(&self, id: u32, column: &str) -> serde_json::Value {
        let rows = self.sim.rows(0, "Products");
        let row = rows.iter().find(|row| row["Id"] == id).unwrap_or_else(|| panic!("no product {id}"));
        row[column].clone()
    }

    /// Requests that changed something or tried to.
    pub(super) fn writes(&self) -> usize {
        self.sim.requests().iter().filter(|request| request.method != "GET").count()
    }
}

fn engine(folder: &Path, clock: &Arc<TestClock>, quotas: &[MeteredQuota]) -> Engine {
    let requests = Arc::new(RequestLog::new(1000));
    let ledger = Arc::new(Ledger::new(Arc::<MemoryStore>::default(), Arc::clone(clock) as _));
    let connect = Open {
        requests: Arc::clone(&requests),
        ledger: Arc::clone(&ledger),
        clock: Arc::clone(clock),
        quotas: quotas.to_vec(),
    };
    Engine::new(EngineParts {
        connect: Arc::new(connect),
        state: Arc::new(State::in_folder(folder)),
        journal: Arc::new(Journal::in_folder(folder)),
        cache: None,
        requests,
        ledger,
        clock: Arc::clone(clock) as _,
        working_dir: folder.to_owned(),
    })
}
