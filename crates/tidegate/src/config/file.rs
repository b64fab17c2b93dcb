//! Reads one configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tidegate_engine::{ConnectionDef, OptionValue};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::members::{self, Wrong};
use crate::connector::{self, is_path};
use crate::metering::hex;
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
        let mut def = ConnectionDef::new(&name, &connector, BTreeMap::new());
        for (option, value) in members {
            let start = value.span().start;
            if members::NAMES.contains(&option.as_str()) {
                let put = members::put(&mut def, &option, value.get_ref());
                put.map_err(|wrong| self.wrong(&name, start, &wrong))?;
                continue;
            }
            let value = read(value.into_inner())
                .map_err(|message| self.fail(start, format!("connection {name}, option {option}: {message}")))?;
            def.options.insert(option, value);
        }
        Ok(def)
    }

    /// What is wrong within a member, at its line.
    fn wrong(&self, connection: &str, start: usize, wrong: &Wrong) -> Error {
        let steps = ["connections", connection].into_iter().chain(wrong.at.iter().map(String::as_str));
        let start = self.position(steps).unwrap_or(start);
        self.fail(start, format!("connection {connection}, {}: {}", wrong.at.join("."), wrong.message))
    }

    /// Where the last of these members begins that is there.
    fn position<'s>(&self, steps: impl Iterator<Item = &'s str>) -> Option<usize> {
        let root = DeTable::parse(self.text).ok()?;
        let mut position = None;
        let mut steps = steps.peekable();
        let mut table = root.get_ref();
        while let Some(name) = steps.next() {
            let Some((key, mut value)) = table.iter().find(|(key, _)| key.get_ref() == name) else { break };
            position = Some(key.span().start);
            while let (DeValue::Array(items), Some(index)) = (value.get_ref(), steps.peek()) {
                let Some(item) = index.parse().ok().and_then(|index: usize| items.get(index)) else { break };
                (value, position) = (item, Some(item.span().start));
                steps.next();
            }
            let DeValue::Table(inner) = value.get_ref() else { break };
            table = inner;
        }
        position
    }

    fn fail(&self, start: usize, message: impl std::fmt::Display) -> Error {
        let before = self.text.get(..start).unwrap_or_default();
        fail(self.path, Some(before.matches('\n').count() + 1), message)
    }
}

fn read(value: Value) -> Result<OptionValue, &'static str> {
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
    use tidegate_spec::manifest::QuotaScope;

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
    fn partitions_and_quotas_are_read() {
        let config = parse(
            r#"
            [connections.erp]
            connector = "odata"
            url = "https://host/odata/{partition}/"
            partitions = [{ code = "101", name = "Amsterdam" }, "102", 103]
            default_partitions = ["101"]

            [[connections.erp.quotas]]
            name = "minutely"
            per = "partition"          # or "connection", "credential"
            window = "60s"
            limit = 60
            reset = { header = "X-RateLimit-Minutely-Reset", as = "epoch_ms" }
            [[connections.erp.quotas]]
            name = "daily"
            window = "day"
            zone = "Europe/Amsterdam"
            limit = { header = "X-RateLimit-Limit" }
            "#,
        );
        let config = config.unwrap();
        let [erp] = config.connections.as_slice() else { panic!("one connection: {config:?}") };
        let partitions: Vec<(&str, Option<&str>)> =
            erp.partitions.iter().flatten().map(|p| (p.code.as_str(), p.name.as_deref())).collect();
        assert_eq!(partitions, [("101", Some("Amsterdam")), ("102", None), ("103", None)]);
        assert_eq!(erp.default_partitions.as_deref(), Some(["101".to_owned()].as_slice()));
        assert_eq!(erp.options.keys().collect::<Vec<_>>(), ["url"]);
        let [minutely, daily] = erp.quotas.as_slice() else { panic!("two quotas: {erp:?}") };
        assert_eq!((minutely.name.as_str(), minutely.per), ("minutely", Some(QuotaScope::Partition)));
        assert_eq!(daily.zone.as_deref(), Some("Europe/Amsterdam"));
        assert!(minutely.terms().is_ok() && daily.terms().is_ok());
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
            (format!("{erp}quotas = 5\n"), "line 3: connection erp, quotas: takes tables"),
            (
                format!("{erp}\n[[connections.erp.quotas]]\nlimit = 60\n"),
                "line 4: connection erp, quotas.0: \"name\" is missing",
            ),
            (
                format!(
                    "{erp}\n[[connections.erp.quotas]]\nname = \"a\"\n[[connections.erp.quotas]]\nname = \"b\"\nlimt = 6\n"
                ),
                "line 8: connection erp, quotas.1.limt: \"limt\" is not known here; did you mean \"limit\"?",
            ),
            (
                format!(
                    "{erp}[[connections.erp.quotas]]\nname = \"a\"\nreset = {{ header = \"R\", as = \"epoch\" }}\n"
                ),
                "line 5: connection erp, quotas.0.reset.as: found \"epoch\"; expected epoch_s, epoch_ms",
            ),
            (format!("{erp}partitions = \"101\"\n"), "line 3: connection erp, partitions: takes a list"),
            (
                format!("{erp}partitions = [{{ nam = \"x\" }}]\n"),
                "line 3: connection erp, partitions.0.nam: a partition has",
            ),
            (
                format!("{erp}partitions = [\"1\",\n  {{ name = \"x\" }}]\n"),
                "line 4: connection erp, partitions.1: its code",
            ),
            (format!("{erp}partitions = [true]\n"), "line 3: connection erp, partitions.0: a code must be"),
            (format!("{erp}default_partitions = [1.5]\n"), "line 3: connection erp, default_partitions.0: a code"),
        ];
        for (text, expected) in cases {
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
