//! Opens the engine as the command line asks for it: state folder, recording, configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate::config::{self, Found};
use tidegate::{Engine, Error, ErrorKind, Session, StateLocation};

use crate::args::Options;
use crate::messages;

/// On whose behalf the program's statements run.
const PRINCIPAL: &str = "local";

/// An engine without connections.
pub(crate) fn engine(options: &Options) -> Result<Engine, Error> {
    let mut builder = Engine::builder().state(state(options)?);
    if let Some(folder) = config::user_config_dir(variable) {
        builder = builder.connector_folder(folder.join("connectors"));
    }
    if let Some(file) = &options.record {
        builder = builder.record(file);
    }
    if let Some(file) = &options.replay {
        builder = builder.replay(file);
    }
    builder.build()
}

/// An engine with the connections of the configuration that applies. A connection that cannot be opened is warned
/// of and left out, since the statement may not need it.
pub(crate) fn configured(options: &Options) -> Result<Engine, Error> {
    let engine = engine(options)?;
    let found = found(options, &engine)?;
    if let Some(file) = &found.untrusted {
        let file = file.display();
        let why = if found.has_changed {
            "(or a manifest that it names) has changed, and is not used until you trust it again"
        } else {
            "is not used until you trust it"
        };
        messages::say(&format!("note: {file} {why}: tidegate trust {file}"));
    }
    if let Some(config) = &found.config {
        engine.take_manifests(config);
        for def in &config.connections {
            if let Err(error) = engine.add_connection(def) {
                messages::warning(&format!("{}: {}", config.path.display(), messages::describe(&error)));
            }
        }
    }
    Ok(engine)
}

/// A session as the command line asks for it.
pub(crate) fn session(options: &Options, engine: &Engine) -> Arc<Session> {
    let session = engine.session(PRINCIPAL);
    if options.read_only {
        session.lock_read_only();
    }
    Arc::new(session)
}

/// The state folder; `None` when state ends with the program.
pub(crate) fn state_folder(options: &Options) -> Result<Option<PathBuf>, Error> {
    match state(options)? {
        StateLocation::Memory => Ok(None),
        StateLocation::Folder(folder) => Ok(Some(folder)),
    }
}

fn state(options: &Options) -> Result<StateLocation, Error> {
    let given = options.state.clone().or_else(|| variable("TIDEGATE_STATE").map(PathBuf::from));
    state_location(given, variable)
        .ok_or_else(|| Error::new(ErrorKind::Local, "there is no home folder to keep state in: give one with --state"))
}

fn state_location(given: Option<PathBuf>, variable: impl Fn(&str) -> Option<String>) -> Option<StateLocation> {
    if given.as_deref() == Some(Path::new(":memory:")) {
        return Some(StateLocation::Memory);
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    given
        .or_else(|| absolute("XDG_STATE_HOME").map(|base| base.join("tidegate")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state/tidegate")))
        .map(StateLocation::Folder)
}

fn found(options: &Options, engine: &Engine) -> Result<Found, Error> {
    let start = std::env::current_dir()
        .map_err(|error| Error::new(ErrorKind::Local, format!("cannot tell the current folder: {error}")))?;
    let user = config::user_config_dir(variable);
    config::find(options.config.as_deref(), &start, user.as_deref(), engine.state())
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_kept_where_the_user_says_else_where_xdg_says() {
        let folder = |path: &str| Some(StateLocation::Folder(PathBuf::from(path)));
        let home: &[(&str, &str)] = &[("HOME", "/h")];
        let both: &[(&str, &str)] = &[("HOME", "/h"), ("XDG_STATE_HOME", "/s")];
        let cases = [
            (Some("/x"), both, folder("/x")),
            (Some(":memory:"), both, Some(StateLocation::Memory)),
            (None, both, folder("/s/tidegate")),
            (None, home, folder("/h/.local/state/tidegate")),
            (None, &[("XDG_STATE_HOME", "relative")], None),
        ];
        for (given, variables, expected) in cases {
            let lookup =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(state_location(given.map(PathBuf::from), lookup), expected, "{given:?} {variables:?}");
        }
    }
}
