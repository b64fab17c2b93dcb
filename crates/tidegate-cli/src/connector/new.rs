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
    // Before calls are spent on what could not be written.
    if let Some(file) = output.filter(|file| file.exists()) {
        let message =
            format!("{} exists, and nothing is written over it: give another name, or remove it", file.display());
        return Err(Error::new(ErrorKind::Local, message));
    }
    let of_file = output.and_then(Path::file_stem).and_then(|stem| stem.to_str()).map(str::to_owned);
    let of_file = of_file.filter(|stem| stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    let of_file = of_file.filter(|stem| stem.starts_with(|c: char| c.is_ascii_lowercase()));
    let name = name.map(str::to_owned).or(of_file).unwrap_or_else(|| infer::connector_name(url));
    let inferred = open::engine(options)?.infer(&name, url, token_env.zip(token.as_ref())).await?;
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
    target.write_all(text.as_bytes()).map_err(|error| {
        // What is half there would be in the way of the next try.
        drop(std::fs::remove_file(file));
        fail(error)
    })
}
