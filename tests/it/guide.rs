//! The guide for authors of connectors, held against the product: its manifests are read, its SQL runs on the practice
//! API, and what it shows must be what comes. Its reference is generated here.
//!
//! What a fenced block is:
//! * `yaml`: the manifest from here on, if it names a connector; else an addition at the manifest's end
//! * `yaml instead`: a line that takes the place of its like in the manifest, for the next `sql` alone
//! * `yaml example`: members of some manifest
//! * `toml`: the configuration from here on
//! * `yaml wrong`: a manifest with mistakes; the next `text` names them
//! * `sql`: one run of the program; the next `text` is its output, with `…` for what is left out
//!
//! In a table, a row that ends with code shows members of an endpoint or of `writes`, or a quota.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate::config::Config;
use tidegate::{Engine, Session};
use tidegate_sim::{Auth, Shape, Sim};
use tidegate_spec::manifest::{Manifest, reference};
use tidegate_tests::run::Outcome;
use url::Url;

const GUIDE: &str = include_str!("../../connectors/README.md");

/// Where the guide's API listens.
const HOST: &str = "127.0.0.1:7791";

/// Where the one with branches does.
const BRANCHES: &str = "127.0.0.1:7792";

/// A fenced block.
struct Block<'g> {
    info: &'g str,
    body: &'g str,
    /// Body of the block that follows, if it is an output.
    output: Option<&'g str>,
}

fn blocks() -> Vec<Block<'static>> {
    let fenced: Vec<(&str, &str)> =
        GUIDE.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect();
    let output = |index: usize| fenced.get(index).filter(|(info, _)| *info == "text").map(|(_, body)| *body);
    fenced.iter().enumerate().map(|(index, (info, body))| Block { info, body, output: output(index + 1) }).collect()
}

/// Takes a `yaml` block: a manifest of its own, or an addition.
fn add(manifest: &mut String, yaml: &str) {
    if yaml.lines().any(|line| line.starts_with("connector:")) {
        manifest.clear();
    }
    manifest.push_str(yaml);
}

/// One run of the program.
struct Run {
    block: Block<'static>,
    /// The manifest as it is there.
    manifest: String,
    /// The configuration.
    config: &'static str,
}

fn runs() -> Vec<Run> {
    let (mut manifest, mut config, mut instead, mut runs) = (String::new(), "", None, Vec::new());
    for block in blocks() {
        match block.info {
            "yaml" => add(&mut manifest, block.body),
            "yaml instead" => instead = Some(block.body),
            "toml" => config = block.body,
            "sql" => {
                let manifest = instead.take().map_or_else(|| manifest.clone(), |line| replaced(&manifest, line));
                runs.push(Run { block, manifest, config });
            }
            _ => {}
        }
    }
    runs
}

/// The manifest with this line in place of the one that has the same name, as deep.
fn replaced(manifest: &str, line: &str) -> String {
    let name = line.split_inclusive(':').next().unwrap();
    let mut old = manifest.lines().filter(|line| line.starts_with(name));
    let (old, others) = (old.next().unwrap(), old.count());
    assert_eq!(others, 0, "{name} stands several times in\n{manifest}");
    manifest.replace(&format!("{old}\n"), line)
}

fn assert_right(manifest: &str) {
    let read = Manifest::parse(manifest, "library.yaml");
    let read = read.unwrap_or_else(|problems| panic!("{}\n{manifest}", lines(&problems)));
    // Options that must be given have their own names as values.
    let required = read.document().options.iter().filter(|(_, option)| option.required);
    let options = required.map(|(name, _)| (name.to_owned(), name.to_owned())).collect();
    read.compile(&options).unwrap_or_else(|problems| panic!("{}\n{manifest}", lines(&problems)));
}

fn lines(problems: &[tidegate_spec::manifest::Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn the_manifest_is_right_at_every_step() {
    let (mut manifest, mut steps) = (String::new(), 0);
    for block in blocks().iter().filter(|block| block.info == "yaml") {
        add(&mut manifest, block.body);
        assert_right(&manifest);
        steps += 1;
    }
    assert!(steps > 6, "{steps}");
}

#[test]
fn the_examples_are_right() {
    let examples: Vec<_> = blocks().into_iter().filter(|block| block.info == "yaml example").collect();
    assert!(examples.len() > 3, "{}", examples.len());
    for example in examples {
        let tables = "tables:\n  orders:\n    columns: { id: int }\n    list: { path: orders }\n";
        let tables = if example.body.contains("\ntables:\n") { "" } else { tables };
        assert_right(&format!("connector: example\nurl: https://api.example.com/\n{}{tables}", example.body));
    }
}

#[test]
fn the_mistakes_are_named_as_shown() {
    let wrong: Vec<_> = blocks().into_iter().filter(|block| block.info == "yaml wrong").collect();
    assert!(wrong.len() > 1, "{}", wrong.len());
    for wrong in wrong {
        let problems = Manifest::parse(wrong.body, "library.yaml").unwrap_err();
        let expected = format!("{}error: library.yaml: {} mistakes\n", lines(&problems), problems.len());
        assert_eq!(wrong.output, Some(expected.as_str()));
    }
}

/// Rows of tables that end with code: each is members of an endpoint, of `writes`, or a quota.
#[test]
fn the_tables_are_right() {
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |")?.rsplit_once("| `"));
    let endpoints: Vec<&str> = rows.map(|(_, code)| code).collect();
    assert!(endpoints.len() > 40, "{endpoints:?}");
    let (quotas, endpoints): (Vec<&str>, Vec<&str>) = endpoints.iter().partition(|code| code.starts_with("{ name: "));
    assert!(quotas.len() > 10, "{quotas:?}");
    let is_write = |code: &&str| ["insert: ", "update: ", "delete: "].iter().any(|kind| code.starts_with(kind));
    let (writes, endpoints): (Vec<&str>, Vec<&str>) = endpoints.into_iter().partition(is_write);
    assert!(writes.len() > 15, "{writes:?}");
    for writes in writes {
        assert_right(&format!(
            "connector: example\nurl: https://api.example.com/\ntables:\n  orders:\n    key: id\n    \
             columns: {{ id: int, status: text }}\n    list: {{ path: orders }}\n    writes: {{ {writes} }}\n"
        ));
    }
    for quota in quotas {
        assert_right(&format!(
            "connector: example\nurl: https://api.example.com/\nquotas: [{quota}]\ntables:\n  orders:\n    \
             columns: {{ id: int }}\n    list: {{ path: orders }}\n"
        ));
    }
    for endpoint in endpoints {
        assert_right(&format!(
            "connector: example\nurl: https://api.example.com/\ntables:\n  orders:\n    key: id\n    \
             columns: {{ id: int, status: text?, total: \"decimal(10,2)!\", created: timestamp! }}\n    \
             list: {{ path: orders, {endpoint} }}\n"
        ));
    }
}

#[test]
fn the_reference_is_generated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../connectors/REFERENCE.md");
    let opening = "# Reference of manifests\n\nEvery member of a connector's YAML file. [README.md](README.md) shows how \
                   they are used.\n\n";
    let generated = format!("{opening}{}\n", reference().trim_end());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    // Not `assert_eq`, which would print the reference twice.
    assert!(committed == generated, "connectors/REFERENCE.md is old: run the tests with UPDATE_SCHEMA=1");
}

#[test]
fn manifests_beside_the_guide_are_right() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("manifest.yaml");
        if !file.exists() {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let manifest = Manifest::parse(&text, &file.display().to_string()).unwrap_or_else(|all| panic!("{}", all[0]));
        let token = std::collections::BTreeMap::from([("token".to_owned(), String::new())]);
        assert!(!manifest.compile(&token).unwrap().tables.is_empty());
        checked += 1;
    }
    assert!(checked > 0);
}

async fn library(auth: Auth) -> Sim {
    Sim::start(tidegate_sim::Config { rows: 130, shape: Shape::Library, auth, ..Default::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_draft_is_what_the_product_writes() {
    let sim = library(Auth::None).await;
    let blocks = blocks();
    let command = blocks.iter().find(|block| block.body.starts_with("tidegate connector new")).unwrap();
    let url = command.body.split('\'').nth(1).unwrap().replace(HOST, &authority(&sim));
    let inferred = Engine::builder().build().unwrap().infer("library", &Url::parse(&url).unwrap(), None).await.unwrap();
    let shown = blocks.iter().find(|block| block.info == "yaml").unwrap().body;
    assert_eq!(inferred.yaml.replace(&authority(&sim), HOST), shown);
    let notes: String = inferred.notes.iter().map(|note| format!("note: {note}\n")).collect();
    let (said, _) = command.output.unwrap().split_once("wrote ").unwrap();
    assert_eq!(notes, said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statements_come_to_what_is_shown() {
    let (sim, branches) = (library(Auth::None).await, branches().await);
    let runs = runs();
    assert!(runs.len() > 10, "{}", runs.len());
    for Run { block, manifest, config } in runs {
        let here = |text: &str| text.replace(HOST, &authority(&sim)).replace(BRANCHES, &authority(&branches));
        let said = said(&here(&manifest), &here(config), None, block.body).await;
        let said = said.replace(&authority(&sim), HOST).replace(&authority(&branches), BRANCHES);
        let shown = block.output.unwrap_or_else(|| panic!("no output follows\n{}", block.body));
        assert_shown(&said, &bare(shown), block.body);
    }
}

/// The library with branches, where a minute does not end while the guide is run.
async fn branches() -> Sim {
    let quotas = vec![tidegate_sim::Quota::minute(20)];
    let sim = tidegate_sim::Config { rows: 130, shape: Shape::Library, divisions: 3, quotas, ..Default::default() };
    Sim::start(tidegate_sim::Config { clock: begun_minute(), ..sim }).await.unwrap()
}

/// A clock that stands where a minute begins, and not before now.
fn begun_minute() -> tidegate_sim::Clock {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    tidegate_sim::Clock::Manual(tidegate_sim::ManualClock::at(now.next_multiple_of(60) * 1_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_divisions_comes_to_what_is_shown() {
    let config = include_str!("../../examples/divisions/tidegate.toml");
    let readme = include_str!("../../examples/divisions/README.md");
    let quotas = vec![tidegate_sim::Quota::day(5_000), tidegate_sim::Quota::minute(60)];
    let sim = tidegate_sim::Config { rows: 400, page_size: 60, divisions: 3, quotas, ..Default::default() };
    let sim = Sim::start(tidegate_sim::Config { clock: begun_minute(), ..sim }).await.unwrap();
    let fenced: Vec<&str> = readme.split("```").skip(1).step_by(2).collect();
    let of = |info: &str| fenced.iter().filter_map(|block| block.strip_prefix(info)).collect::<Vec<_>>();
    let (statements, outputs) = (of("sql\n"), of("text\n"));
    let config = config.replace("127.0.0.1:7793", &authority(&sim));
    // One program runs both.
    let said = said("", &config, None, &statements.concat()).await;
    assert_shown(&said, &bare(&outputs.concat()), readme);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_manifest_signs_with_the_token() {
    let sim = library(Auth::Bearer("a library card".to_owned())).await;
    let mut manifest = String::new();
    blocks().iter().filter(|block| block.info == "yaml").for_each(|block| add(&mut manifest, block.body));
    let manifest = manifest.replace(HOST, &authority(&sim));
    for (token, outcome) in [(Some("a library card"), "│130│\n"), (None, "error: ")] {
        let config = "[connections.library]\nconnector = \"./library.yaml\"\n";
        let said = said(&manifest, config, token, "SELECT count(*) FROM library.books").await;
        assert!(said.contains(outcome), "{said}");
    }
}

fn authority(sim: &Sim) -> String {
    sim.url().authority().to_owned()
}

/// What one run of the program says: cells between `│`, plans as they are, and the error that ends the run.
async fn said(manifest: &str, config: &str, token: Option<&str>, sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let toml = folder.path().join("tidegate.toml");
    std::fs::write(&toml, config).unwrap();
    std::fs::write(folder.path().join("library.yaml"), manifest).unwrap();
    let config = Config::read(&toml).unwrap();
    let token = token.map(str::to_owned);
    let variable = move |name: &str| token.clone().filter(|_| name == "LIBRARY_TOKEN");
    let engine = Engine::builder().working_dir(folder.path()).environment(variable);
    let engine = engine.connections(config.connections.clone()).build().unwrap();
    engine.take_manifests(&config);
    let session = engine.session("author");
    let mut said = String::new();
    let statements = Session::split(sql).unwrap();
    for sql in &statements {
        match names_and_rows(&session, sql).await {
            Ok((names, _)) if names.is_empty() => {}
            Ok((_, rows)) if sql.trim_start().starts_with("EXPLAIN") => {
                said += &format!("{}\n", rows.concat().join("\n").trim_end())
            }
            Ok((names, rows)) => {
                for row in std::iter::once(names).chain(rows) {
                    said += &format!("│{}│\n", row.join("│"));
                }
            }
            Err(error) => {
                said += &format!("error: {error}\n");
                break;
            }
        }
    }
    said
}

async fn names_and_rows(session: &Session, sql: &str) -> Result<(Vec<String>, Vec<Vec<String>>), tidegate::Error> {
    use futures::TryStreamExt as _;
    let execution = session.prepare(sql).await?.execute(vec![]).await?;
    let names = execution.schema.fields().iter().map(|field| field.name().clone()).collect();
    let batches = execution.stream.try_collect().await.map_err(tidegate::Error::from)?;
    Ok((names, Outcome { batches, counts: execution.summary.counts() }.rows()))
}

/// An output without what the program adds for the eye: rules, blanks around cells, an error's statement.
fn bare(output: &str) -> String {
    let is_rule = |line: &&str| line.starts_with(['┌', '├', '└']) || line.starts_with("  in statement ");
    let cells = |line: &str| line.split('│').map(str::trim).collect::<Vec<_>>().join("│");
    output.lines().filter(|line| !is_rule(line)).map(|line| format!("{}\n", cells(line))).collect()
}

/// That this is shown, where `…` stands for anything.
fn assert_shown(said: &str, shown: &str, sql: &str) {
    let mut parts = shown.split('…');
    let last = parts.next_back().unwrap_or_default();
    let mut rest = said.strip_suffix(last);
    for (index, part) in parts.enumerate() {
        rest = rest.and_then(|rest| {
            let at = rest.find(part).filter(|at| index > 0 || *at == 0)?;
            Some(&rest[at + part.len()..])
        });
    }
    let is_shown = rest.is_some_and(|rest| rest.is_empty() || shown.contains('…'));
    assert!(is_shown, "{sql}\nshows\n{shown}\nand comes to\n{said}");
}
