//! `tidegate trust [FILE]`: lets a configuration file be used, and shows what it may reach and read.

use std::path::Path;

use tidegate::config::{self, Config};
use tidegate::manifest::Manifest;
use tidegate::{ConnectionDef, Error, ErrorKind, OptionValue};

use crate::args::Options;
use crate::exit::Exit;
use crate::{messages, open};

/// Trusts the file, or the nearest here or above.
pub(crate) fn run(options: &Options, file: Option<&Path>) -> Exit {
    match trusted(options, file) {
        Ok(config) => {
            messages::say(&shown(&config));
            Exit::Done
        }
        Err(error) => {
            messages::failure(&messages::describe(&error));
            Exit::Failed
        }
    }
}

fn trusted(options: &Options, file: Option<&Path>) -> Result<Config, Error> {
    let engine = open::engine(options)?;
    if !engine.state().is_durable() {
        return Err(Error::new(
            ErrorKind::Local,
            "trust is kept in the state folder, and :memory: ends with the program",
        ));
    }
    let start = std::env::current_dir()
        .map_err(|error| Error::new(ErrorKind::Local, format!("cannot tell the current folder: {error}")))?;
    config::trust(file, &start, engine.state())
}

/// What is shown comes from the very content that was trusted, so that a change in between cannot hide.
fn shown(config: &Config) -> String {
    let mut text = format!("trusted {}, until its content changes", config.path.display());
    if config.connections.is_empty() {
        text.push_str("\n  it has no connections");
    }
    for def in &config.connections {
        let reads = variables(def);
        let reads = if reads.is_empty() { String::new() } else { format!(", reads {}", reads.join(", ")) };
        text.push_str(&format!("\n  {} ({}): {}{reads}", def.name, def.connector, host(def, config)));
    }
    text
}

/// Where the connection's secrets go.
fn host(def: &ConnectionDef, config: &Config) -> String {
    let manifest = config.manifests.iter().find(|(path, _)| path.display().to_string() == def.connector);
    if let (None, Some((_, text))) = (def.options.get("url"), manifest) {
        return match Manifest::parse(text, &def.connector) {
            Ok(manifest) => manifest.document().url.clone().unwrap_or_else(|| "no URL".to_owned()),
            Err(_) => "its manifest is wrong: tidegate connector check tells how".to_owned(),
        };
    }
    match def.options.get("url") {
        Some(OptionValue::Env(name)) => format!("the URL in {name}"),
        // Without the path and the user information, in which a secret may stand.
        Some(OptionValue::Text(text)) => match url::Url::parse(text) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => "not a URL".to_owned(),
        },
        None => "no URL".to_owned(),
    }
}

fn variables(def: &ConnectionDef) -> Vec<&str> {
    let options = def.options.values();
    options.filter_map(|value| if let OptionValue::Env(name) = value { Some(name.as_str()) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_variables_are_shown_and_no_value() {
        let mut def = ConnectionDef::odata("erp", "https://u:s3cret@host:444/path?key=s3cret").with("user", "s3cret");
        def.options.insert("token".to_owned(), OptionValue::Env("ERP_TOKEN".to_owned()));
        let config = Config {
            path: "/x/tidegate.toml".into(),
            sha256: String::new(),
            connections: vec![def],
            manifests: Vec::new(),
        };
        let expected =
            "trusted /x/tidegate.toml, until its content changes\n  erp (odata): https://host:444, reads ERP_TOKEN";
        assert_eq!(shown(&config), expected);
    }
}
