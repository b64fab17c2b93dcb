//! Runs `slt/*.slt`: SQL in, rows out, and the requests that were sent beside them.
//!
//! Each file has a simulator of its own. Its comment `# sim: rows=3000 page=1000` says how it is set up (see
//! [`Setup`]); the connection is `erp`, and relative paths lead into a folder that starts empty. Three queries are the
//! harness's own:
//!
//! * `REQUESTS`: the data requests since the last time, in order, decoded, without the service root;
//! * `CALLS`: how many they were;
//! * `STATUSES`: what was answered to them, and how often.
//!
//! `{url}` stands for the simulator's address, in SQL and in rows. An empty text is shown as `(empty)`, a blank at
//! either end of a value as `·`, a line end as `\n`, a tab as `\t`, and a figure that no two runs share as `…`.
//!
//! `SLT_ONLY=limit` runs the files with this in their names. With `SLT_UPDATE=1` the files are written anew with what
//! was seen: read the difference before you believe it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tidegate::{ConnectionDef, Engine, Error, OptionValue, Session};
use tidegate_sim::{Apply, Capability, Collation, Config, NextLinks, Shape, Sim};
use tidegate_tests::run::{Outcome, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slt() {
    let mut failures = Vec::new();
    for file in files() {
        if let Err(error) = run_file(&file).await {
            failures.push(format!("{}: {error}", file.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let only = std::env::var("SLT_ONLY").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        file.extension().is_some_and(|extension| extension == "slt") && name.contains(&only)
    });
    files.sort();
    assert!(!files.is_empty(), "there are files to run");
    files
}

async fn run_file(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let setup = Setup::read(text.lines().find_map(|line| line.strip_prefix("# sim:")).unwrap_or_default());
    let sim = Sim::start(setup.config.clone()).await.map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let connections = setup.connections.iter().map(|name| {
        let def = setup.divide(setup.connection(name, sim.url().as_str()));
        setup.options.iter().fold(def, |def, (option, value)| def.with(option, value))
    });
    let engine = Engine::builder().connections(connections).working_dir(folder.path()).jitter_seed(1);
    let engine = engine.build().map_err(|error| error.to_string())?;
    let (sim, engine) = (&sim, &engine);
    let mut runner = Runner::new(|| async move {
        let session = engine.session("slt");
        Ok::<_, Error>(Database {
            sim,
            session,
            compare: setup.compare,
            predict: setup.predict,
            pending: Vec::new(),
            statuses: BTreeMap::new(),
        })
    });
    if std::env::var_os("SLT_UPDATE").is_none() {
        return runner.run_file_async(file).await.map_err(|error| error.to_string());
    }
    let updated = runner.update_test_file(
        file,
        " ",
        sqllogictest::default_validator,
        sqllogictest::default_normalizer,
        sqllogictest::default_column_validator,
    );
    updated.await.map_err(|error| error.to_string())
}

/// What a file's `# sim:` line says.
struct Setup {
    config: Config,
    /// Names of the connections, all to the one simulator.
    connections: Vec<String>,
    options: BTreeMap<String, String>,
    /// The manifest among the fixtures, for `shape=rest`.
    manifest: Option<PathBuf>,
    /// Run each SELECT again with pushdown off and expect the same rows.
    compare: bool,
    /// After each SELECT hold what EXPLAIN CALLS predicts for it against the calls that it took.
    predict: bool,
}

impl Setup {
    /// Words: `rows`, `page`, `seed`, `size.SET`; `shape=v2`, `links=relative`, `collation=folding`,
    /// `numbers=strings`; `ignore=filter,orderby`, `refuse=count`; `connections=erp,crm`, and options of them all
    /// as `option.NAME`; `divisions=3`, which are the partitions `1`, `2` …; `compare=pushdown`, `predict=calls`;
    /// `manifest=access`, which is the shape `rest` with this file of `fixtures`; `control=private,max-age=60`, `validators=etag,modified`;
    /// `apply=declared`, `max_url=2000`, `in_max=20`, `batch=100`, `equality=folding` (of the shape `rest`).
    fn read(header: &str) -> Self {
        let mut config = Config { rows: 3_000, ..Config::default() };
        let (mut options, mut connections, mut compare) = (BTreeMap::new(), vec!["erp".to_owned()], false);
        let (mut manifest, mut predict) = (None, false);
        for word in header.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name}=NUMBER, not {word}"));
            match (name, value) {
                ("rows", _) => config.rows = number(),
                ("page", size) => config.page_size = size.parse().expect("page=NUMBER"),
                ("seed", _) => config.seed = number(),
                ("divisions", count) => config.divisions = count.parse().expect("divisions=NUMBER"),
                ("shape", "v2") => config.shape = Shape::ODataV2,
                ("links", "relative") => config.odata.next_links = NextLinks::Relative,
                ("collation", "folding") => config.odata.collation = Collation::CaseInsensitive,
                ("ignore", names) => config.odata.ignore = names.split(',').map(capability).collect(),
                ("refuse", names) => config.odata.refuse = names.split(',').map(capability).collect(),
                ("numbers", "strings") => config.odata.numbers_as_strings = true,
                ("connections", names) => connections = names.split(',').map(str::to_owned).collect(),
                ("compare", "pushdown") => compare = true,
                ("predict", "calls") => predict = true,
                ("manifest", name) => {
                    config.shape = Shape::Rest;
                    manifest = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.yaml")));
                }
                ("control", control) => config.caching.control = Some(control.replace(',', ", ")),
                ("validators", names) => {
                    config.caching.etag = names.contains("etag");
                    config.caching.last_modified = names.contains("modified");
                }
                ("apply", "declared") => config.odata.apply = Apply::Declared,
                ("apply", "undeclared") => config.odata.apply = Apply::Undeclared,
                ("max_url", _) => config.max_url = number() as usize,
                ("in_max", _) => config.odata.in_max = number() as usize,
                ("batch", _) => config.rest.batch_max = number() as usize,
                ("equality", "folding") => config.rest.folds_case = true,
                (name, value) => match (name.strip_prefix("option."), name.strip_prefix("size.")) {
                    (Some(option), _) => drop(options.insert(option.to_owned(), value.to_owned())),
                    (_, Some(set)) => drop(config.sizes.insert(set.to_owned(), number())),
                    _ => panic!("unknown word {word}"),
                },
            }
        }
        Self { config, connections, options, manifest, compare, predict }
    }

    fn connection(&self, name: &str, url: &str) -> ConnectionDef {
        match self.manifest.as_ref().and_then(|file| file.to_str()) {
            Some(file) => ConnectionDef::new(name, file, BTreeMap::new()).with("url", url),
            None => ConnectionDef::odata(name, url),
        }
    }

    /// The connection over all divisions, if the simulator has any.
    fn divide(&self, def: ConnectionDef) -> ConnectionDef {
        let Some(OptionValue::Text(url)) = def.options.get("url").filter(|_| self.config.divisions > 0) else {
            return def;
        };
        let url = url.replace("/1/", "/{partition}/");
        let codes: Vec<_> = (1..=self.config.divisions).map(|code| code.to_string()).collect();
        def.with("url", &url).with("partitions", &codes.join(","))
    }
}

fn capability(name: &str) -> Capability {
    match name {
        "filter" => Capability::Filter,
        "select" => Capability::Select,
        "orderby" => Capability::OrderBy,
        "top" => Capability::Top,
        "skip" => Capability::Skip,
        "count" => Capability::Count,
        other => panic!("unknown capability {other}"),
    }
}

struct Database<'a> {
    sim: &'a Sim,
    session: Session,
    compare: bool,
    predict: bool,
    /// Requests that were taken from the simulator's log and not asked for yet.
    pending: Vec<String>,
    /// How often each status was the answer to those requests.
    statuses: BTreeMap<u16, usize>,
}

impl Database<'_> {
    fn requests(&mut self) -> Vec<String> {
        // Of divisions the number is shown.
        let root = self.sim.url().path().to_owned();
        let root = root.strip_suffix("/1/").map_or(root.clone(), |above| format!("{above}/"));
        let log = self.sim.requests();
        self.sim.clear_requests();
        let data = log.iter().filter(|request| !request.path.ends_with("$metadata"));
        for status in data.clone().filter_map(|request| request.status) {
            *self.statuses.entry(status).or_default() += 1;
        }
        let decoded = data.map(|request| {
            let path = request.path.strip_prefix(root.as_str()).unwrap_or(&request.path);
            let query: Vec<_> = request.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
        });
        let mut requests = std::mem::take(&mut self.pending);
        requests.extend(decoded);
        requests
    }

    /// What the requests since the last time were answered; the requests are pending then.
    fn statuses(&mut self) -> BTreeMap<u16, usize> {
        self.pending = self.requests();
        std::mem::take(&mut self.statuses)
    }

    async fn outcome(&mut self, sql: &str) -> Result<Outcome, Error> {
        let outcome = run(&self.session, sql).await?;
        if self.predict && is_query(sql) {
            self.predict(sql, outcome.counts.calls).await?;
        }
        if self.compare && is_query(sql) {
            self.compare(sql, &outcome).await?;
        }
        Ok(outcome)
    }

    /// What EXPLAIN CALLS says of a query that has just run, and sends nothing to say so: within a factor of two.
    async fn predict(&mut self, sql: &str, calls: u64) -> Result<(), Error> {
        self.pending = self.requests();
        let before = self.pending.len();
        let outcome = run(&self.session, &format!("EXPLAIN CALLS {sql}")).await?;
        self.pending = self.requests();
        assert_eq!(self.pending.len(), before, "{sql}: EXPLAIN CALLS sends nothing: {:?}", self.pending);
        let schema = outcome.batches.first().map(RecordBatch::schema);
        let total = outcome.rows().pop().unwrap_or_default();
        let figure = |name: &str| -> Option<u64> {
            let place = schema.as_ref()?.fields().iter().position(|field| field.name() == name)?;
            total.get(place)?.parse().ok()
        };
        let (low, predicted, high) = (figure("calls_low"), figure("calls"), figure("calls_high"));
        let what = format!("{sql}: {calls} calls, predicted {low:?} {predicted:?} {high:?}");
        let (Some(low), Some(predicted)) = (low, predicted) else { panic!("{what}") };
        assert!(low <= calls && high.is_none_or(|high| calls <= high), "{what}");
        assert!(predicted <= calls.max(1) * 2 && calls <= predicted.max(1) * 2, "{what}");
        Ok(())
    }

    /// Runs a query again with pushdown off, at the cost of calls that are not shown.
    async fn compare(&mut self, sql: &str, pushed: &Outcome) -> Result<(), Error> {
        self.pending = self.requests();
        run(&self.session, "SET tidegate.pushdown = false").await?;
        let local = run(&self.session, sql).await;
        run(&self.session, "SET tidegate.pushdown = true").await?;
        self.sim.clear_requests();
        let local = local?;
        let upper = sql.to_uppercase();
        if upper.contains("LIMIT") && !upper.contains("ORDER BY") {
            // Which rows these are is nobody's promise.
            assert_eq!(pushed.rows().len(), local.rows().len(), "{sql}: rows with and without pushdown");
        } else {
            assert_eq!(pushed.sorted_rows(), local.sorted_rows(), "{sql}: with and without pushdown");
        }
        Ok(())
    }

    fn show(&self, value: &str) -> String {
        if value.is_empty() {
            return "(empty)".to_owned();
        }
        let value = value.replace('\n', "\\n").replace('\t', "\\t");
        let value = with_visible_ends(&value);
        without_timings(&value.replace(self.sim.url().as_str(), "{url}"))
    }
}

/// Blanks at the ends as dots: the comparison of rows disregards blanks there.
fn with_visible_ends(value: &str) -> String {
    let text = value.trim_matches(' ');
    if text.is_empty() {
        return "·".repeat(value.len());
    }
    let before = value.len() - value.trim_start_matches(' ').len();
    let after = value.len() - value.trim_end_matches(' ').len();
    format!("{}{text}{}", "·".repeat(before), "·".repeat(after))
}

fn is_query(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "WITH"].iter().any(|query| first.eq_ignore_ascii_case(query))
}

/// A line of EXPLAIN ANALYZE with `…` for times, bytes and ratios.
fn without_timings(line: &str) -> String {
    if !line.contains("metrics=[") && !line.starts_with("rows=") {
        return line.to_owned();
    }
    let figure = |part: &str| match part.split_once('=') {
        Some((name, _)) if !matches!(name, "rows" | "calls" | "retries" | "pages" | "output_rows" | "rows_fetched") => {
            format!("{name}=…")
        }
        _ => part.to_owned(),
    };
    let (start, metrics) = line.split_once("metrics=[").unwrap_or(("", line));
    let (joint, closing) = if start.is_empty() { (" ", "") } else { (", ", "]") };
    let parts: Vec<_> = metrics.trim_end_matches(']').split(joint).map(figure).collect();
    let opening = if start.is_empty() { "" } else { "metrics=[" };
    format!("{start}{opening}{}{closing}", parts.join(joint))
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
            "REQUESTS" => {
                self.statuses();
                return Ok(own(std::mem::take(&mut self.pending)));
            }
            "CALLS" => {
                self.statuses();
                return Ok(own(vec![std::mem::take(&mut self.pending).len().to_string()]));
            }
            "STATUSES" => {
                let statuses = self.statuses();
                self.pending.clear();
                return Ok(own(statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect()));
            }
            _ => {}
        }
        let sql = sql.replace("{url}", self.sim.url().as_str());
        let outcome = self.outcome(&sql).await?;
        let types: Vec<_> = match outcome.batches.first() {
            Some(batch) => batch.schema().fields().iter().map(|field| column_type(field.data_type())).collect(),
            // No batch has no schema, and an answer without rows is an answer.
            None if is_query(&sql) => vec![DefaultColumnType::Any],
            None => return Ok(DBOutput::StatementComplete(0)),
        };
        let rows = outcome.rows().iter().map(|row| row.iter().map(|value| self.show(value)).collect()).collect();
        Ok(DBOutput::Rows { types, rows })
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
