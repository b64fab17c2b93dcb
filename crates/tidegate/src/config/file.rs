//! Reads one configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tidegate_engine::{ConnectionDef, OptionValue};

use crate::connect::hex;
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    connections: BTreeMap<String, RawConnection>,
}

#[derive(Deserialize)]
struct RawConnection {
    connector: String,
    #[serde(flatten)]
    options: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnv {
    env: String,
}

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

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            fail(path, line, error.message().lines().next().unwrap_or("is not TOML"))
        })?;
        let connections = raw.connections.into_iter().map(|(name, raw)| connection(path, name, raw));
        Ok(Self {
            path: path.to_owned(),
            sha256: hex(&Sha256::digest(text.as_bytes())),
            connections: connections.collect::<Result<_>>()?,
        })
    }
}

fn connection(path: &Path, name: String, raw: RawConnection) -> Result<ConnectionDef> {
    let mut options = BTreeMap::new();
    for (option, value) in raw.options {
        let at = |message: &str| fail(path, None, format!("connection {name}, option {option}: {message}"));
        let value = match value {
            toml::Value::String(text) => OptionValue::Text(text),
            toml::Value::Boolean(value) => OptionValue::Text(value.to_string()),
            toml::Value::Integer(value) => OptionValue::Text(value.to_string()),
            toml::Value::Table(table) => match table.try_into() {
                Ok(RawEnv { env }) => OptionValue::Env(env),
                Err(_) => return Err(at("a table must be { env = \"VARIABLE\" }")),
            },
            toml::Value::Array(items) => OptionValue::Text(list(&items).ok_or_else(|| at("a list must hold texts"))?),
            toml::Value::Float(_) | toml::Value::Datetime(_) => {
                return Err(at(
                    "takes a text, a whole number, true or false, a list of texts, or { env = \"VARIABLE\" }",
                ));
            }
        };
        options.insert(option, value);
    }
    Ok(ConnectionDef { name, connector: raw.connector, options })
}

fn list(items: &[toml::Value]) -> Option<String> {
    items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>().map(|items| items.join(","))
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
        let cases = [
            ("[connections.erp]\nconnector = \"odata\"\ntoken = \"s3cret\n", "tidegate.toml, line 3: "),
            ("[connection.erp]\nconnector = \"odata\"\n", "unknown field `connection`"),
            ("[connections.erp]\nurl = \"https://u:s3cret@host\"\n", "missing field `connector`"),
            (
                "[connections.erp]\nconnector = \"odata\"\ntoken = { emv = \"s3cret\" }\n",
                "option token: a table must be",
            ),
            ("[connections.erp]\nconnector = \"odata\"\ntoken = 1.5\n", "option token: takes a text"),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }
}
