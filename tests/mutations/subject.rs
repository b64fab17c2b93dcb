//! A table of a simulated API, and statements that change it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures::TryStreamExt;
use serde_json::Value;
use tidegate::{ConnectionDef, Engine, Session, TestClock};
use tidegate_sim::{Config, ETags, Effect, EffectKind, Fault, ODataOptions, Shape, Sim};
use tidegate_tests::run::Outcome;

/// A way in which an API takes changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    /// The table in SQL.
    pub(crate) table: &'static str,
    /// The same as the server calls it.
    pub(crate) set: &'static str,
    shape: Shape,
    /// The manifest among the fixtures; `None` for OData.
    manifest: Option<&'static str>,
    options: &'static [(&'static str, &'static str)],
    etags: ETags,
    /// Most rows in one request.
    pub(crate) batch: usize,
}

const fn odata(
    name: &'static str,
    options: &'static [(&'static str, &'static str)],
    etags: ETags,
    batch: usize,
) -> Api {
    Api { name, table: "t.products", set: "Products", shape: Shape::ODataV4, manifest: None, options, etags, batch }
}

const fn rest(manifest: &'static str, table: &'static str, batch: usize) -> Api {
    let (options, etags) = (&[], ETags::None);
    Api { name: table, table, set: "items", shape: Shape::Rest, manifest: Some(manifest), options, etags, batch }
}

pub(crate) const ODATA: Api = odata("odata", &[], ETags::None, 1);
pub(crate) const ODATA_ETAGS: Api = odata("odata with etags", &[], ETags::Declared, 1);
pub(crate) const ODATA_BATCH: Api =
    odata("odata in batches", &[("batch", "json"), ("batch_size", "100")], ETags::None, 100);
pub(crate) const ODATA_V2: Api = Api { name: "odata v2", shape: Shape::ODataV2, ..ODATA };
pub(crate) const KEYED: Api = rest("singles", "t.keyed", 1);
pub(crate) const PLAIN: Api = rest("singles", "t.plain", 1);
pub(crate) const MATCHED: Api = rest("singles", "t.matched", 1);
pub(crate) const READ_BACK: Api = rest("singles", "t.read_back", 1);
pub(crate) const WHOLE: Api = rest("singles", "t.whole", 1);
pub(crate) const FORMS: Api = rest("singles", "t.forms", 1);
pub(crate) const SOFT: Api = rest("singles", "t.soft", 1);
pub(crate) const BY_ID: Api = rest("batches", "t.by_id", 100);
pub(crate) const IN_ORDER: Api = rest("batches", "t.in_order", 100);
pub(crate) const ATOMIC: Api = rest("batches", "t.atomic", 100);
pub(crate) const JOB: Api = rest("batches", "t.job", 100);
pub(crate) const SAME: Api = rest("batches", "t.same", 100);
pub(crate) const ENTRIES: Api = rest("streams", "t.entries", 100);
pub(crate) const UNTRACED: Api = rest("streams", "t.untraced", 1);

/// All that can update rows.
pub(crate) const UPDATES: [Api; 15] = [
    ODATA,
    ODATA_ETAGS,
    ODATA_BATCH,
    ODATA_V2,
    KEYED,
    MATCHED,
    READ_BACK,
    WHOLE,
    FORMS,
    SOFT,
    BY_ID,
    IN_ORDER,
    ATOMIC,
    JOB,
    SAME,
];

impl Api {
    /// A simulated API with so many rows.
    pub(crate) fn config(&self, rows: u64) -> Config {
        Config {
            shape: self.shape,
            rows: if self.shape == Shape::Rest { rows } else { 20 },
            sizes: BTreeMap::from([("Products".to_owned(), rows)]),
            page_size: 200,
            odata: ODataOptions { etags: self.etags, ..ODataOptions::default() },
            ..Config::default()
        }
    }

    /// A column as the server calls it.
    pub(crate) fn column(&self, name: &str) -> String {
        let mut name = name.to_owned();
        if self.shape != Shape::Rest {
            name[..1].make_ascii_uppercase();
        }
        name
    }

    /// Key of a row in the server's own words.
    pub(crate) fn key(&self, row: &Value) -> String {
        row[self.column("id")].to_string()
    }

    pub(crate) fn number(&self, row: &Value, column: &str) -> i64 {
        row[self.column(column)].as_i64().unwrap()
    }

    fn connector(&self) -> String {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/writes");
        let file = |name: &str| fixtures.join(format!("{name}.yaml")).to_str().unwrap().to_owned();
        self.manifest.map_or("odata".to_owned(), file)
    }

    /// The connection `t` to this server, for a configuration file. `{partition}` in `url` is for the partitions.
    pub(crate) fn toml(&self, url: &str, more: &str) -> String {
        let mut toml = format!("[connections.t]\nconnector = '{}'\nurl = \"{url}\"\nwrites = true\n", self.connector());
        self.options.iter().for_each(|(name, value)| toml += &format!("{name} = \"{value}\"\n"));
        toml + more
    }
}

/// A server, and a session of an engine in this process.
pub(crate) struct Subject {
    pub(crate) api: Api,
    pub(crate) sim: Sim,
    session: Session,
    /// Its rows in the beginning.
    pub(crate) before: Vec<Value>,
    _state: tempfile::TempDir,
}

/// What a mutation came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// `mutation_id`, `kind` and so on; empty if it has failed before it was one.
    summary: BTreeMap<String, String>,
    pub(crate) error: Option<String>,
}

impl Done {
    pub(crate) fn id(&self) -> &str {
        &self.summary["mutation_id"]
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let text = self.summary.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        text.parse().unwrap()
    }

    /// Fails unless all rows were selected and applied.
    #[track_caller]
    pub(crate) fn all_applied(&self, rows: u64, what: &str) {
        assert_eq!(self.error, None, "{what}: {:?}", self.summary);
        assert_eq!((self.count("selected"), self.count("applied")), (rows, rows), "{what}: {self:?}");
    }
}

impl Subject {
    pub(crate) async fn start(api: Api, rows: u64) -> Self {
        Self::with(api, api.config(rows)).await
    }

    pub(crate) async fn with(api: Api, config: Config) -> Self {
        let sim = Sim::start(config).await.unwrap();
        let state = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new(UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
        let def = ConnectionDef::new("t", &api.connector(), BTreeMap::new());
        let def = api.options.iter().fold(def, |def, (name, value)| def.with(name, value));
        let def = def.with("url", sim.url().as_str()).with("writes", "true");
        let engine = Engine::builder().clock(clock).jitter_seed(1).connection(def);
        let engine = engine.state(tidegate::StateLocation::Folder(state.path().to_owned()));
        let session = engine.build().unwrap().session("test");
        let before = sim.rows(0, api.set);
        Self { api, sim, session, before, _state: state }
    }

    /// Runs a statement; `{t}` is the table.
    pub(crate) async fn run(&self, sql: &str) -> Result<Outcome, String> {
        let sql = sql.replace("{t}", self.api.table);
        tidegate_tests::run::run(&self.session, &sql).await.map_err(|error| error.to_string())
    }

    /// Runs a mutation; `{t}` is the table. Rows come before the error, if there is one.
    pub(crate) async fn change(&self, sql: &str) -> Done {
        let sql = sql.replace("{t}", self.api.table);
        let prepared = self.session.prepare(&sql).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{}: {sql}: {error}", self.api.name));
        let mut execution = match prepared.execute(vec![]).await {
            Ok(execution) => execution,
            Err(error) => return Done { summary: BTreeMap::new(), error: Some(error.to_string()) },
        };
        let (mut batches, mut error) = (Vec::new(), None);
        loop {
            match execution.stream.try_next().await {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => break,
                Err(failure) => {
                    error = Some(failure.to_string());
                    break;
                }
            }
        }
        let outcome = Outcome { batches, counts: execution.summary.counts() };
        let mut summary = BTreeMap::new();
        if let (Some(batch), Some(row)) = (outcome.batches.first(), outcome.rows().into_iter().next()) {
            let names = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
            summary.extend(names.into_iter().zip(row));
        }
        Done { summary, error }
    }

    /// Rows of `system.mutation_rows` of a mutation, by outcome: their keys, as JSON.
    pub(crate) async fn outcomes(&self, id: &str) -> BTreeMap<String, BTreeSet<String>> {
        let sql = format!("SELECT outcome, key FROM system.mutation_rows WHERE mutation_id = '{id}'");
        let mut outcomes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in self.run(&sql).await.unwrap().rows() {
            outcomes.entry(row[0].clone()).or_default().insert(row[1].clone());
        }
        outcomes
    }

    pub(crate) fn faults(&self, faults: Vec<Fault>) {
        self.sim.faults(faults);
    }

    /// Effects of requests, by the key of their row.
    pub(crate) fn effects(&self) -> BTreeMap<String, Vec<Effect>> {
        by_key(&self.sim)
    }

    /// Requests that were to change something.
    pub(crate) fn writes(&self) -> usize {
        self.sim.requests().iter().filter(|request| request.method != http::Method::GET).count()
    }

    /// Keys of the rows that were there in the beginning and pass.
    pub(crate) fn keys(&self, passes: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        self.before.iter().filter(|row| passes(row)).map(|row| self.api.key(row)).collect()
    }
}

/// Effects of requests, by the key of their row.
pub(crate) fn by_key(sim: &Sim) -> BTreeMap<String, Vec<Effect>> {
    let mut effects: BTreeMap<String, Vec<Effect>> = BTreeMap::new();
    for effect in sim.effects().into_iter().filter(|effect| effect.request > 0) {
        effects.entry(effect.key.clone()).or_default().push(effect);
    }
    effects
}

/// Fails unless each of these rows, and no other, was changed once and in this way.
#[track_caller]
pub(crate) fn once(effects: &BTreeMap<String, Vec<Effect>>, kind: EffectKind, what: &str) {
    for (key, of_key) in effects {
        assert_eq!(of_key.len(), 1, "{what}: {key}: {of_key:?}");
        assert_eq!(of_key[0].kind, kind, "{what}: {key}: {of_key:?}");
    }
}

/// The URL of the first division as one with a place for the partition.
pub(crate) fn partitioned(url: &str) -> String {
    url.replace("/1/", "/{partition}/")
}
