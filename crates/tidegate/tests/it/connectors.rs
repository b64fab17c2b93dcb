//! Where a connector's name leads, and what its connections send.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use tidegate::config::Config;
use tidegate::transport::{Body, Request, Response, Result, Transport};
use tidegate::{Builder, ConnectionDef, Engine, OptionValue};

use super::cost;

const NOTES: &str = "
connector: notes
url: https://notes.example/v1/
options: { key: { env: NOTES_KEY, secret: true }, team: { default: all } }
auth: [ { header: { name: X-Key, value: '{key}' } }, none ]
tables:
  notes:
    key: id
    columns: { id: int, text: text }
    list: { path: 'teams/{team}/notes' }
";

/// Answers every request with one note, and keeps them.
#[derive(Debug)]
struct Notes(Mutex<Vec<Request>>, Mutex<&'static str>);

impl Default for Notes {
    fn default() -> Self {
        Self(Mutex::default(), Mutex::new("[{\"id\": 1, \"text\": \"x\"}]"))
    }
}

#[async_trait]
impl Transport for Notes {
    async fn send(&self, request: Request) -> Result<Response> {
        let (url, body) =
            (request.url.clone(), Body::from(bytes::Bytes::from_static(self.1.lock().unwrap().as_bytes())));
        self.0.lock().unwrap().push(request);
        Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), url, body })
    }
}

impl Notes {
    /// URL and key of each request.
    fn sent(&self) -> Vec<(String, Option<String>)> {
        let key = |request: &Request| request.headers.get("x-key").map(|key| key.to_str().unwrap().to_owned());
        self.0.lock().unwrap().iter().map(|request| (request.url.to_string(), key(request))).collect()
    }
}

fn engine(network: &Arc<Notes>, folder: &Path) -> Builder {
    let variable = |name: &str| (name == "NOTES_KEY").then(|| "s3cret".to_owned());
    Engine::builder().network(network.clone()).environment(variable).working_dir(folder)
}

fn notes(connector: &str, options: &[(&str, OptionValue)]) -> ConnectionDef {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    ConnectionDef::new("n", connector, options)
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
    folder.join(name)
}

#[tokio::test]
async fn a_secret_from_the_environment_goes_to_the_manifests_host_alone() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "notes.yaml", NOTES);
    let other = || ("url", OptionValue::Text("https://other.example/".to_owned()));
    let cases = [
        (vec![], "https://notes.example/v1/teams/all/notes", Some("s3cret")),
        (
            vec![("team", OptionValue::Text("a b".to_owned()))],
            "https://notes.example/v1/teams/a%20b/notes",
            Some("s3cret"),
        ),
        (vec![other()], "https://other.example/teams/all/notes", None),
        (
            vec![other(), ("key", OptionValue::Env("NOTES_KEY".to_owned()))],
            "https://other.example/teams/all/notes",
            Some("s3cret"),
        ),
        (vec![("key", OptionValue::Text("mine".to_owned()))], "https://notes.example/v1/teams/all/notes", Some("mine")),
    ];
    for (options, url, key) in cases {
        let network = Arc::new(Notes::default());
        let engine = engine(&network, folder.path()).connection(notes("./notes.yaml", &options)).build().unwrap();
        assert_eq!(cost(&engine, "SELECT * FROM n.notes").await.unwrap(), (1, 1));
        assert_eq!(network.sent(), [(url.to_owned(), key.map(str::to_owned))]);
    }
}

#[test]
fn who_names_another_host_hears_why_the_variable_is_not_enough() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "notes.yaml", &NOTES.replace(", none ]", " ]"));
    let url = [("url", OptionValue::Text("https://other.example/".to_owned()))];
    let refused = engine(&Arc::default(), folder.path()).connection(notes("./notes.yaml", &url)).build().unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("NOTES_KEY is not sent to other.example") && refused.contains("env('NOTES_KEY')"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_as_data_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    // The note's text is the key, where a number is due.
    file(folder.path(), "notes.yaml", &NOTES.replace("text: text", "text: int"));
    let network = Arc::new(Notes::default());
    let key = [("key", OptionValue::Text("x-secret".to_owned()))];
    *network.1.lock().unwrap() = "[{\"id\": 1, \"text\": \"x-secret\"}]";
    let engine = engine(&network, folder.path()).connection(notes("./notes.yaml", &key)).build().unwrap();
    let error = cost(&engine, "SELECT * FROM n.notes").await.unwrap_err().to_string();
    assert!(error.contains("column text, row 1") && !error.contains("x-secret"), "{error}");
}

#[tokio::test]
async fn a_connector_is_a_file_or_a_name_in_the_users_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "mine/notes.yaml", NOTES);
    for connector in ["mine/notes.yaml", path.to_str().unwrap(), "notes"] {
        let network = Arc::new(Notes::default());
        let builder = engine(&network, folder.path()).connector_folder(folder.path().join("mine"));
        let engine = builder.connection(notes(connector, &[])).build().unwrap();
        assert_eq!(cost(&engine, "SELECT * FROM n.notes").await.unwrap(), (1, 1), "{connector}");
    }
    let missing = |connector: &str| {
        let builder = engine(&Arc::default(), folder.path()).connection(notes(connector, &[]));
        builder.build().unwrap_err().to_string()
    };
    assert!(missing("./gone.yaml").contains("gone.yaml cannot be read: "), "{}", missing("./gone.yaml"));
    assert!(missing("nots").contains("there is no connector nots; there are: odata, github, hubspot, stripe."));
    file(folder.path(), "bad.yaml", "connector: bad\ntabels: {}\ndocz: x\n");
    let bad = missing("./bad.yaml");
    assert!(bad.contains("bad.yaml:2:1: tabels: ") && bad.contains("connector check"), "{bad}");
}

#[tokio::test]
async fn a_replay_needs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "notes.yaml", &NOTES.replace(", none ]", " ]"));
    let tape = folder.path().join("tape");
    let network = Arc::new(Notes::default());
    let recorded =
        engine(&network, folder.path()).record(&tape).connection(notes("./notes.yaml", &[])).build().unwrap();
    let paid = cost(&recorded, "SELECT * FROM n.notes").await.unwrap();
    drop(recorded);
    assert!(!std::fs::read_to_string(&tape).unwrap().contains("s3cret"));
    let poor =
        || Engine::builder().environment(|_| None).working_dir(folder.path()).connection(notes("./notes.yaml", &[]));
    let replayed = poor().replay(&tape).build().unwrap();
    assert_eq!(cost(&replayed, "SELECT * FROM n.notes").await.unwrap(), paid);
    let refused = poor().build().unwrap_err().to_string();
    assert!(refused.contains("give the option key (or the variable NOTES_KEY)"), "{refused}");
}

#[tokio::test]
async fn a_bundled_connection_is_there_when_its_variable_is_set_and_gives_way_to_ones_own() {
    let none = Engine::builder().environment(|_| None).network(Arc::<Notes>::default()).build().unwrap();
    let session = none.session("me");
    let error = session.prepare("SELECT * FROM stripe.charges").await.unwrap_err().to_string();
    assert!(error.contains("as soon as the environment variable STRIPE_API_KEY is set"), "{error}");
    session.prepare("SELECT login FROM github.users WHERE login = 'octocat'").await.unwrap();

    let set = |name: &str| (name == "STRIPE_API_KEY").then(|| "sk".to_owned());
    let some = Engine::builder().environment(set).network(Arc::<Notes>::default()).build().unwrap();
    let session = some.session("me");
    session.prepare("SELECT id FROM stripe.charges").await.unwrap();
    for sql in ["CREATE CONNECTION stripe USING odata OPTIONS (url 'https://own.example')", "DROP CONNECTION stripe"] {
        session.prepare(sql).await.unwrap().execute(vec![]).await.unwrap();
    }
    assert!(session.prepare("SELECT id FROM stripe.charges").await.is_err(), "dropped in this session");
}

#[test]
fn trust_covers_the_manifests_that_a_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = file(folder.path(), "sub/notes.yaml", NOTES);
    let toml = file(folder.path(), "tidegate.toml", "[connections.n]\nconnector = \"sub/notes.yaml\"\n");
    let before = Config::read(&toml).unwrap();
    assert_eq!(before.connections[0].connector, manifest.display().to_string());
    file(folder.path(), "sub/notes.yaml", &NOTES.replace("notes.example", "evil.example"));
    assert_ne!(Config::read(&toml).unwrap().sha256, before.sha256);

    // What was read with the file is what is used.
    let network = Arc::new(Notes::default());
    let engine = engine(&network, folder.path()).build().unwrap();
    engine.take_manifests(&before);
    engine.add_connection(&before.connections[0]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cost(&engine, "SELECT * FROM n.notes")).unwrap();
    assert!(network.sent()[0].0.starts_with("https://notes.example/"), "{:?}", network.sent());
}
