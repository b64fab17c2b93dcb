//! Reads one configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tidegate_engine::{ConnectionDef, OptionValue};
use toml::{Spanned, Value};

use crate::connect::hex;
use crate::connector::{self, is_path};
use crate::{Error, ErrorKind, Result};

/// A configuration file, read. Its connections are not yet opened.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its content, in hex: what trust is given to.
    pub sha256: String,
    /// Its connections, by name.
    pub connections: Vec<ConnectionDef>,
    /// The manifests that its connections name by path, as they were read. Trust is in them too.
    pub manifests: Vec<(PathBuf, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    connections: BTreeMap<String, Spanned<RawConnection>>,
}

/// Members with their places, so that an error can name the line.
type RawConnection = BTreeMap<String, Spanned<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnv {
    env: String,
}

const CONNECTOR: &str = "connector";

/// What the documentation of later versions shows. To go on without a limit that is asked for would be worse than
/// to stop.
const LATER: &[&str] = &["quotas", "partitions", "default_partitions"];

const TAKES: &str = "takes a text, a whole number, true or false, a list of texts, or { env = \"VARIABLE\" }";

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or has members that are not known. The message names file and line,
    /// and never shows a value: it may be a secret.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| fail(path, None, format!("cannot be read: {error}")).with_source(error))?;
        Self::parse(path, &text)
    }

    /// Reads this text, and the manifests that it names by paths from the file's folder.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let file = File { path, text };
        let raw: RawConfig = toml::from_str(text).map_err(|error| file.malformed(&error))?;
        let mut connections: Vec<ConnectionDef> = Vec::with_capacity(raw.connections.len());
        for (name, raw) in raw.connections {
            if let Some(other) = connections.iter().find(|other| other.name.eq_ignore_ascii_case(&name)) {
                let message = format!("connection {name}: there is {} too, and SQL takes both for one", other.name);
                return Err(file.fail(raw.span().start, message));
            }
            connections.push(file.connection(name, raw)?);
        }
        let manifests = manifests(path, &mut connections);
        let sha256 = digest(text, &manifests);
        Ok(Self { path: path.to_owned(), sha256, connections, manifests })
    }
}

/// Makes the paths of manifests absolute, and reads those that can be read: the others fail when they are used.
fn manifests(path: &Path, connections: &mut [ConnectionDef]) -> Vec<(PathBuf, String)> {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let mut manifests: Vec<(PathBuf, String)> = Vec::new();
    for def in connections.iter_mut().filter(|def| is_path(&def.connector)) {
        let file: PathBuf = folder.as_deref().unwrap_or(Path::new("")).join(&def.connector).components().collect();
        def.connector = file.display().to_string();
        if let Ok(text) = connector::read_manifest(&file)
            && manifests.iter().all(|(known, _)| *known != file)
        {
            manifests.push((file, text));
        }
    }
    manifests
}

/// What trust is given to: the file, and the manifests that say where its secrets go.
fn digest(text: &str, manifests: &[(PathBuf, String)]) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for (path, text) in manifests {
        hash.update([0]);
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(text.as_bytes()));
    }
    hex(&hash.finalize())
}

/// A file with its text, for errors that name the line.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// The parser's own message, without the value that it may quote.
    fn malformed(&self, error: &toml::de::Error) -> Error {
        let message = error.message().lines().next().unwrap_or("is not TOML");
        let message = match message.split_once(", expected ") {
            Some((wrong, expected)) if wrong.starts_with("invalid ") => {
                let kind = if expected == "a map" { "a table" } else { expected };
                format!("expected {kind} here")
            }
            _ => message.to_owned(),
        };
        match error.span() {
            Some(span) if message == "duplicate key" => {
                let key = self.text.get(span.clone()).unwrap_or_default();
                self.fail(span.start, format!("{key} is there twice"))
            }
            Some(span) => self.fail(span.start, message),
            None => fail(self.path, None, message),
        }
    }

    fn connection(&self, name: String, raw: Spanned<RawConnection>) -> Result<ConnectionDef> {
        let start = raw.span().start;
        let mut members = raw.into_inner();
        let connector = match members.remove(CONNECTOR).map(|value| (value.span().start, value.into_inner())) {
            Some((_, Value::String(connector))) => connector,
            Some((start, _)) => {
                return Err(self.fail(start, format!("connection {name}: connector must be a text, such as \"odata\"")));
            }
            None => {
                let message = format!("connection {name}: its connector is missing, such as connector = \"odata\"");
                return Err(self.fail(start, message));
            }
        };
        let mut options = BTreeMap::new();
        for (option, value) in members {
            let start = value.span().start;
            let value = read(&option, value.into_inner())
                .map_err(|message| self.fail(start, format!("connection {name}, option {option}: {message}")))?;
            options.insert(option, value);
        }
        Ok(ConnectionDef::new(&name, &connector, options))
    }

    fn fail(&self, start: usize, message: impl std::fmt::Display) -> Error {
        let before = self.text.get(..start).unwrap_or_default();
        fail(self.path, Some(before.matches('\n').count() + 1), message)
    }
}

fn read(option: &str, value: Value) -> Result<OptionValue, &'static str> {
    if LATER.contains(&option) {
        return Err("this version does not know it; take it out");
    }
    Ok(match value {
        Value::String(text) => OptionValue::Text(text),
        Value::Boolean(value) => OptionValue::Text(value.to_string()),
        Value::Integer(value) => OptionValue::Text(value.to_string()),
        Value::Table(table) => match table.try_into() {
            Ok(RawEnv { env }) => OptionValue::Env(env),
            Err(_) => return Err("a table must be { env = \"VARIABLE\" }"),
        },
        Value::Array(items) => OptionValue::Text(list(&items).ok_or("a list must hold texts")?),
        Value::Float(_) | Value::Datetime(_) => return Err(TAKES),
    })
}

fn list(items: &[Value]) -> Option<String> {
    items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(","))
}

fn fail(path: &Path, line: Option<usize>, message: impl std::fmt::Display) -> Error {
    let line = line.map_or_else(String::new, |line| format!(", line {line}"));
    Error::new(ErrorKind::Connection, format!("{}{line}: {message}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(Path::new("tidegate.toml"), text)
    }

    #[test]
    fn connections_are_read_with_their_options() {
        let config = parse(
            r#"
            [connections.erp]
            connector = "odata"
            url = "https://host/odata"
            token = { env = "ERP_TOKEN" }
            writes = true
            allow_origins = ["https://a", "https://b"]
            "#,
        )
        .unwrap();
        let [erp] = config.connections.as_slice() else { panic!("one connection: {config:?}") };
        assert_eq!((erp.name.as_str(), erp.connector.as_str()), ("erp", "odata"));
        assert_eq!(erp.options["token"], OptionValue::Env("ERP_TOKEN".to_owned()));
        assert_eq!(erp.options["writes"], OptionValue::Text("true".to_owned()));
        assert_eq!(erp.options["allow_origins"], OptionValue::Text("https://a,https://b".to_owned()));
    }

    #[test]
    fn trust_follows_the_content() {
        let (one, other) = (parse("").unwrap(), parse("# changed").unwrap());
        assert_ne!(one.sha256, other.sha256);
        assert_eq!(one.sha256.len(), 64);
    }

    #[test]
    fn errors_name_file_and_line_and_show_no_value() {
        let erp = "[connections.erp]\nconnector = \"odata\"\n";
        let cases = [
            (format!("{erp}token = \"s3cret\n"), "tidegate.toml, line 3: "),
            ("[connection.erp]\nconnector = \"odata\"\n".to_owned(), "line 1: unknown field `connection`"),
            ("\n[settings]\nmax_calls = 5\n".to_owned(), "line 2: unknown field `settings`"),
            (
                "[connections.erp]\nurl = \"https://u:s3cret@host\"\n".to_owned(),
                "line 1: connection erp: its connector is",
            ),
            ("[connections.erp]\nconnector = 5\n".to_owned(), "line 2: connection erp: connector must be a text"),
            ("[connections]\nerp = \"s3cret\"\n".to_owned(), "line 2: expected a table here"),
            ("connections = \"s3cret\"\n".to_owned(), "line 1: expected a table here"),
            (format!("{erp}{erp}"), "line 3: "),
            (format!("{erp}url = \"s3cret\"\nurl = \"x\"\n"), "line 4: url is there twice"),
            (
                format!("{erp}[connections.ERP]\nconnector = \"odata\"\n"),
                "there is ERP too, and SQL takes both for one",
            ),
            (format!("{erp}token = {{ emv = \"s3cret\" }}\n"), "line 3: connection erp, option token: a table must be"),
            (format!("{erp}token = 1.5\n"), "line 3: connection erp, option token: takes a text"),
            (format!("{erp}allow_origins = [1]\n"), "line 3: connection erp, option allow_origins: a list must"),
            (
                format!("{erp}\n[[connections.erp.quotas]]\nlimit = 60\n"),
                "option quotas: this version does not know it",
            ),
            (
                format!("{erp}partitions = [{{ code = \"s3cret\" }}]\n"),
                "line 3: connection erp, option partitions: this version",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
