//! Runs `slt/*.slt`: SQL in, rows out, and the requests that were sent beside them.
//!
//! Each file has a simulator of its own. Its comment `# sim: rows=3000 page=1000` says how it is set up (see
//! [`config`]); the connection is `erp`. Two queries are the harness's own:
//!
//! * `REQUESTS`: the data requests since the last time, in order, decoded, without the service root;
//! * `CALLS`: how many they were.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::datatypes::DataType;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tidegate::{ConnectionDef, Engine, Error, Session};
use tidegate_sim::{Collation, Config, NextLinks, ODataOptions, Shape, Sim};
use tidegate_tests::run::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slt() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "slt"));
    files.sort();
    assert!(!files.is_empty(), "there are files to run");
    let mut failures = Vec::new();
    for file in files {
        if let Err(error) = run_file(&file).await {
            failures.push(format!("{}: {error}", file.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn run_file(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let header = text.lines().find_map(|line| line.strip_prefix("# sim:")).unwrap_or_default();
    let (config, options) = config(header);
    let sim = Sim::start(config).await.map_err(|error| error.to_string())?;
    let def = ConnectionDef::odata("erp", sim.url().as_str());
    let def = options.iter().fold(def, |def, (option, value)| def.with(option, value));
    let engine = Engine::builder().connection(def).jitter_seed(1).build().map_err(|error| error.to_string())?;
    let session = engine.session("slt");
    let mut runner = Runner::new(|| async { Ok::<_, Error>(Database { sim: &sim, session: &session }) });
    runner.run_file_async(file).await.map_err(|error| error.to_string())
}

/// Reads a `# sim:` line: `rows`, `page`, `shape` (`v2`), `links` (`relative`), `collation` (`folding`), and
/// options of the connection as `option.NAME`.
fn config(header: &str) -> (Config, BTreeMap<String, String>) {
    let mut config = Config { rows: 3_000, odata: ODataOptions::default(), ..Config::default() };
    let mut options = BTreeMap::new();
    for word in header.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match (name, value) {
            ("rows", rows) => config.rows = rows.parse().expect("rows=NUMBER"),
            ("page", size) => config.page_size = size.parse().expect("page=NUMBER"),
            ("shape", "v2") => config.shape = Shape::ODataV2,
            ("links", "relative") => config.odata.next_links = NextLinks::Relative,
            ("collation", "folding") => config.odata.collation = Collation::CaseInsensitive,
            (name, value) => {
                let option = name.strip_prefix("option.").unwrap_or_else(|| panic!("unknown word {word}"));
                options.insert(option.to_owned(), value.to_owned());
            }
        }
    }
    (config, options)
}

struct Database<'a> {
    sim: &'a Sim,
    session: &'a Session,
}

impl Database<'_> {
    fn requests(&self) -> Vec<String> {
        let root = self.sim.url().path().to_owned();
        let log = self.sim.requests();
        self.sim.clear_requests();
        let data = log.iter().filter(|request| !request.path.ends_with("$metadata"));
        data.map(|request| {
            let path = request.path.strip_prefix(root.as_str()).unwrap_or(&request.path);
            let query: Vec<_> = request.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
        })
        .collect()
    }
}

#[async_trait]
impl AsyncDB for Database<'_> {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Self::Error> {
        let own = |rows: Vec<String>| DBOutput::Rows {
            types: vec![DefaultColumnType::Text],
            rows: rows.into_iter().map(|row| vec![row]).collect(),
        };
        match sql.trim() {
            "REQUESTS" => return Ok(own(self.requests())),
            "CALLS" => return Ok(own(vec![self.requests().len().to_string()])),
            _ => {}
        }
        let outcome = run(self.session, sql).await?;
        let Some(batch) = outcome.batches.first() else { return Ok(DBOutput::StatementComplete(0)) };
        let types = batch.schema().fields().iter().map(|field| column_type(field.data_type())).collect();
        Ok(DBOutput::Rows { types, rows: outcome.rows() })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "tidegate"
    }

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        data_type if data_type.is_integer() => DefaultColumnType::Integer,
        data_type if data_type.is_floating() || data_type.is_decimal() => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Text,
    }
}
