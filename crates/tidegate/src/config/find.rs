//! Finds the configuration file that applies.

use std::path::{Path, PathBuf};

use tidegate_state::State;

use super::Config;
use crate::failure::local;
use crate::{Error, ErrorKind, Result};

const FILE_NAME: &str = "tidegate.toml";

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The configuration to use.
    pub config: Option<Config>,
    /// A file above the current folder that would be used if it were trusted.
    pub untrusted: Option<PathBuf>,
    /// Whether that file was trusted, before it or a manifest that it names was changed.
    pub has_changed: bool,
}

/// Folder of the user's own configuration: `$XDG_CONFIG_HOME/tidegate`, else `$HOME/.config/tidegate`.
#[must_use]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("tidegate"))
}

/// The configuration that applies: `given`, else the nearest trusted `tidegate.toml` in `start` or above, else
/// the one in the user's folder.
///
/// # Errors
/// When the file that applies cannot be read, or the state folder cannot be asked about trust.
pub fn find(given: Option<&Path>, start: &Path, user_dir: Option<&Path>, state: &State) -> Result<Found> {
    if let Some(path) = given {
        return Ok(Found { config: Some(Config::read(path)?), ..Found::default() });
    }
    let own = user_dir.map(|dir| dir.join(FILE_NAME)).filter(|path| path.is_file());
    let (mut untrusted, mut has_changed) = (None, false);
    if let Some(path) = nearest(start).filter(|path| Some(path) != own.as_ref()) {
        if let Some(config) = trusted(&path, state)? {
            return Ok(Found { config: Some(config), ..Found::default() });
        }
        has_changed = state.was_trusted(&path).map_err(local)?;
        untrusted = Some(path);
    }
    let config = own.map(|path| Config::read(&path)).transpose()?;
    Ok(Found { config, untrusted, has_changed })
}

/// Trusts the file at `path`, or the nearest one in `start` or above, with its present content.
///
/// # Errors
/// When there is none, it cannot be read, or the state folder cannot be written.
pub fn trust(path: Option<&Path>, start: &Path, state: &State) -> Result<Config> {
    let path = path.map(Path::to_owned).or_else(|| nearest(start)).ok_or_else(|| {
        let message = format!("there is no {FILE_NAME} in {} or above it", start.display());
        Error::new(ErrorKind::Local, message)
    })?;
    let mut config = Config::read(&path)?;
    let path = found_as(&path).map_err(local)?;
    config.path.clone_from(&path);
    state.trust(&path, &config.sha256).map_err(local)?;
    Ok(config)
}

fn nearest(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

/// The file's content, if it is trusted: read once, so that nobody can change it between question and use. A file
/// that cannot be parsed is not trusted, rather than an error: it may be anybody's.
fn trusted(path: &Path, state: &State) -> Result<Option<Config>> {
    let Ok(config) = Config::read(path) else { return Ok(None) };
    let is_trusted = state.is_trusted(path, &config.sha256).map_err(local)?;
    Ok(is_trusted.then_some(config))
}

/// The path as [`nearest`] will find it: its folder without `..` and links. The file itself may be a link; trust is
/// in what it holds.
fn found_as(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize()?.join(name)),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[connections.a]\nconnector = \"odata\"\nurl = \"https://a\"\n";

    fn write(folder: &Path, text: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(FILE_NAME);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_file_found_above_is_used_only_while_its_content_is_trusted() {
        let root = tempfile::tempdir().unwrap();
        let (state, below) = (State::in_memory(), root.path().join("x/y"));
        std::fs::create_dir_all(&below).unwrap();
        let path = write(root.path(), TEXT);

        let found = find(None, &below, None, &state).unwrap();
        assert!(found.config.is_none());
        assert_eq!((found.untrusted.as_deref(), found.has_changed), (Some(path.as_path()), false));

        trust(None, &below, &state).unwrap();
        let found = find(None, &below, None, &state).unwrap();
        assert_eq!(found.config.unwrap().connections.len(), 1);
        assert!(found.untrusted.is_none());

        write(root.path(), &TEXT.replace("https://a", "https://evil"));
        let found = find(None, &below, None, &state).unwrap();
        assert!(found.config.is_none() && found.untrusted.is_some() && found.has_changed);
    }

    #[test]
    fn trust_holds_however_the_path_was_written() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (state, below) = (State::in_memory(), root.join("x"));
        std::fs::create_dir_all(&below).unwrap();
        let path = write(&root, TEXT);
        assert_eq!(trust(Some(&below.join("../tidegate.toml")), &below, &state).unwrap().path, path);
        assert!(find(None, &below, None, &state).unwrap().config.is_some());
    }

    #[test]
    fn a_given_file_needs_no_trust_and_hides_the_others() {
        let (root, user) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let given = write(&root.path().join("given"), TEXT);
        write(root.path(), "");
        write(user.path(), "");
        let found = find(Some(&given), root.path(), Some(user.path()), &State::in_memory()).unwrap();
        assert_eq!(found.config.unwrap().path, given);
    }

    #[test]
    fn the_users_own_file_comes_last_and_is_trusted() {
        let (root, user) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = write(user.path(), TEXT);
        let found = find(None, root.path(), Some(user.path()), &State::in_memory()).unwrap();
        assert_eq!(found.config.unwrap().path, own);
    }

    #[test]
    fn the_user_folder_follows_xdg() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(user_config_dir(env(&[("HOME", "/h")])), Some(PathBuf::from("/h/.config/tidegate")));
        let both = env(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")]);
        assert_eq!(user_config_dir(both), Some(PathBuf::from("/c/tidegate")));
        assert_eq!(user_config_dir(env(&[("XDG_CONFIG_HOME", "relative")])), None);
    }
}
