//! `tidegate connector new`: a manifest to begin with, and what was found beside it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use tidegate::transport::Secret;
use tidegate::{Error, ErrorKind, infer};
use url::Url;

use crate::args::Options;
use crate::{messages, open};

pub(super) async fn run(
    options: &Options,
    url: &Url,
    name: Option<&str>,
    token_env: Option<&str>,
    output: Option<&Path>,
) -> Result<(), Error> {
    let token = token_env.map(token).transpose()?;
    let name = name.map_or_else(|| infer::connector_name(url), str::to_owned);
    let inferred = open::engine(options)?.infer(&name, url, token.as_ref()).await?;
    match output {
        Some(file) => write(file, &inferred.yaml)?,
        None => messages::tell(inferred.yaml.trim_end()),
    }
    for note in &inferred.notes {
        messages::say(&format!("note: {note}"));
    }
    if let Some(file) = output {
        let file = file.display();
        messages::say(&format!("wrote {file}; look at its comments, then: tidegate connector check {file}"));
    }
    Ok(())
}

fn token(variable: &str) -> Result<Secret, Error> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    let missing = || Error::new(ErrorKind::Local, format!("the environment variable {variable} is not set"));
    value.map(Secret::new).ok_or_else(missing)
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    let fail = |error: std::io::Error| {
        Error::new(ErrorKind::Local, format!("cannot write {}: {error}", file.display())).with_source(error)
    };
    let mut target = OpenOptions::new().write(true).create_new(true).open(file).map_err(fail)?;
    target.write_all(text.as_bytes()).map_err(fail)
}
