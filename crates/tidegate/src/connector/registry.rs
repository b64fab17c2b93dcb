//! Where a connector's name leads.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_engine::ConnectionDef;
use tidegate_spec::Manifest;
use tidegate_spec::manifest::Problem;

use super::bundled::{BUNDLED, Bundled};
use super::{Access, ODATA, manifest, odata};
use crate::environment::Environment;
use crate::oauth::{OAuthConfig, OAuthParts};
use crate::options::fail;
use crate::{Error, ErrorKind, Result};

/// Largest manifest that is read, in bytes; the parser sets a limit of its own.
const MAX_FILE: u64 = 16 << 20;

/// Where a connector comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectorKind {
    /// It discovers its tables.
    BuiltIn,
    /// A manifest within the program.
    Bundled,
    /// A manifest in a file.
    File(PathBuf),
}

/// A connector as it is listed.
#[derive(Debug, Clone)]
pub struct ConnectorInfo {
    /// Name, as `USING` takes it.
    pub name: String,
    /// Where it comes from.
    pub kind: ConnectorKind,
    /// What it is for.
    pub description: String,
    /// Options with what they take.
    pub options: Vec<(String, String)>,
    /// Its tables; `None` for one that discovers them.
    pub tables: Option<usize>,
    /// The connection that is there without being made: whether it can be used now, and what it would need.
    pub ready: Option<String>,
}

/// All connectors of an engine.
#[derive(Debug)]
pub(crate) struct Registry {
    environment: Environment,
    /// Folder that relative paths start from.
    working_dir: PathBuf,
    /// The user's own connectors, `NAME.yaml` each.
    folder: Option<PathBuf>,
    /// Bundled manifests that were read, by name.
    read: Mutex<HashMap<&'static str, Arc<Manifest>>>,
    /// Texts that stand for files, whatever these hold by then.
    handed_in: Mutex<HashMap<PathBuf, String>>,
}

/// Whether the connector of a connection is a file: it has a `/` in it or ends in `.yaml` or `.yml`.
#[must_use]
pub fn is_path(connector: &str) -> bool {
    connector.contains(['/', '\\']) || connector.ends_with(".yaml") || connector.ends_with(".yml")
}

impl Registry {
    pub(crate) fn new(environment: Environment, working_dir: PathBuf, folder: Option<PathBuf>) -> Self {
        Self { environment, working_dir, folder, read: Mutex::default(), handed_in: Mutex::default() }
    }

    /// Takes this text for the manifest at `path`, whatever the file holds by then.
    pub(crate) fn hand_in(&self, path: &Path, text: &str) {
        self.handed_in.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), text.to_owned());
    }

    /// Opens a connection: reads its options, and its connector's manifest if it has one. Sends nothing. Without
    /// `oauth` it is for a replay, and needs no credentials.
    pub(crate) fn open(&self, def: &ConnectionDef, oauth: Option<&OAuthParts>) -> Result<Access> {
        if def.connector == ODATA {
            return odata::open(def, &self.environment);
        }
        let manifest = self.manifest(&def.connector).map_err(|error| fail(def, error))?;
        manifest::open(def, &manifest, &self.environment, oauth)
    }

    /// What a login of this connection is made with.
    ///
    /// # Errors
    /// When it signs in without one.
    pub(crate) fn login(&self, def: &ConnectionDef) -> Result<OAuthConfig> {
        let config = match def.connector.as_str() {
            ODATA => None,
            connector => manifest::login(def, self.manifest(connector)?.as_ref(), &self.environment)?,
        };
        config.ok_or_else(|| fail(def, format!("it needs no login: {} signs in with its options", def.connector)))
    }

    /// The manifest of this name or at this path.
    pub(crate) fn manifest(&self, connector: &str) -> Result<Arc<Manifest>> {
        if is_path(connector) {
            let path: PathBuf = self.working_dir.join(connector).components().collect();
            return self.file(&path);
        }
        // One's own goes before a bundled one of the same name.
        match (self.folder_file(connector).filter(|path| path.is_file()), bundled(connector)) {
            (Some(path), _) => self.file(&path),
            (None, Some(bundled)) => self.bundled(bundled),
            (None, None) => Err(self.unknown(connector)),
        }
    }

    /// The connection that is there without being made.
    pub(crate) fn offered(&self, name: &str) -> Option<ConnectionDef> {
        let bundled = bundled(name).filter(|bundled| bundled.anonymous || self.is_set(bundled.variable))?;
        Some(ConnectionDef::new(bundled.name, bundled.name, Default::default()))
    }

    /// Names of those whose variable is set.
    pub(crate) fn offered_names(&self) -> Vec<String> {
        BUNDLED.iter().filter(|bundled| self.is_set(bundled.variable)).map(|bundled| bundled.name.to_owned()).collect()
    }

    /// What an offered connection would need, for one who asks for a table of it.
    pub(crate) fn missing(&self, name: &str) -> Option<String> {
        let bundled = bundled(name).filter(|bundled| !bundled.anonymous && !self.is_set(bundled.variable))?;
        Some(format!("the connection {name} is there as soon as the environment variable {} is set", bundled.variable))
    }

    /// All connectors: built in, bundled, and in the user's folder. A file that cannot be read says so in its
    /// description.
    pub(crate) fn list(&self) -> Vec<ConnectorInfo> {
        let odata = ConnectorInfo {
            name: ODATA.to_owned(),
            kind: ConnectorKind::BuiltIn,
            description: "any OData service (V2 to V4.01): its tables are discovered".to_owned(),
            options: odata::options().into_iter().map(|(name, takes)| (name.to_owned(), takes.to_owned())).collect(),
            tables: None,
            ready: None,
        };
        let bundled = BUNDLED.iter().filter_map(|bundled| {
            let manifest = self.bundled(bundled).ok()?;
            let ready = match (self.is_set(bundled.variable), bundled.anonymous) {
                (true, _) => format!("yes: {} is set", bundled.variable),
                (false, true) => format!("yes, anonymously; with more quota when {} is set", bundled.variable),
                (false, false) => format!("when {} is set", bundled.variable),
            };
            Some(ConnectorInfo { ready: Some(ready), ..info(&manifest, ConnectorKind::Bundled) })
        });
        let files = self.folder_files().into_iter().map(|path| match self.file(&path) {
            Ok(manifest) => info(&manifest, ConnectorKind::File(path)),
            Err(error) => ConnectorInfo {
                name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                description: format!("cannot be used: {error}"),
                kind: ConnectorKind::File(path),
                options: Vec::new(),
                tables: None,
                ready: None,
            },
        });
        std::iter::once(odata).chain(bundled).chain(files).collect()
    }

    fn is_set(&self, variable: &str) -> bool {
        self.environment.get(variable).is_some_and(|value| !value.is_empty())
    }

    fn bundled(&self, bundled: &Bundled) -> Result<Arc<Manifest>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = read.get(bundled.name) {
            return Ok(Arc::clone(manifest));
        }
        let manifest = Arc::new(parse(bundled.text, bundled.file)?);
        read.insert(bundled.name, Arc::clone(&manifest));
        Ok(manifest)
    }

    /// A file is read each time, since it may have changed, unless its text was handed in.
    fn file(&self, path: &Path) -> Result<Arc<Manifest>> {
        let handed_in = self.handed_in.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        let text = handed_in.map_or_else(|| read(path), Ok)?;
        Ok(Arc::new(parse(&text, &path.display().to_string())?))
    }

    fn folder_file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{name}.yaml")))
    }

    fn folder_files(&self) -> Vec<PathBuf> {
        let Some(entries) = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml") && path.is_file());
        files.sort();
        files
    }

    fn unknown(&self, connector: &str) -> Error {
        let own =
            self.folder_files().into_iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
        let bundled = BUNDLED.iter().map(|bundled| bundled.name.to_owned());
        let known: Vec<String> = std::iter::once(ODATA.to_owned()).chain(bundled).chain(own).collect();
        let message = format!(
            "there is no connector {connector}; there are: {}. A manifest of your own is given by its path, such as \
             './{connector}.yaml'",
            known.join(", ")
        );
        Error::new(ErrorKind::Connection, message)
    }
}

fn bundled(name: &str) -> Option<&'static Bundled> {
    BUNDLED.iter().find(|bundled| bundled.name == name)
}

/// What a manifest is for and takes, as it is listed.
#[must_use]
pub fn describe(manifest: &Manifest) -> ConnectorInfo {
    info(manifest, ConnectorKind::File(PathBuf::from(manifest.file())))
}

fn info(manifest: &Manifest, kind: ConnectorKind) -> ConnectorInfo {
    ConnectorInfo {
        name: manifest.name().to_owned(),
        kind,
        description: manifest.description().unwrap_or_default().trim().replace('\n', " "),
        options: manifest::options(manifest),
        tables: Some(manifest.document().tables.iter().count()),
        ready: None,
    }
}

/// Reads a manifest's file as text.
///
/// # Errors
/// It cannot be read, is too large, or no UTF-8.
pub fn read(path: &Path) -> Result<String> {
    let fail = |what: String| Error::new(ErrorKind::Connection, format!("the manifest {} {what}", path.display()));
    if path.is_dir() {
        return Err(fail("is a folder".to_owned()));
    }
    let unread = |error: std::io::Error| fail(format!("cannot be read: {error}")).with_source(error);
    let mut bytes = Vec::new();
    // A pipe has no size, and a device no end.
    File::open(path).map_err(unread)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail(format!("has more than {} MB, which is too much for a manifest", MAX_FILE >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fail(format!("is not UTF-8 (byte {at}): save it in that encoding")).with_source(error)
    })
}

fn parse(text: &str, file: &str) -> Result<Manifest> {
    Manifest::parse(text, file).map_err(|problems| Error::new(ErrorKind::Connection, summary(&problems)))
}

/// The first problem, and how many there are.
pub(super) fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => "the manifest cannot be used".to_owned(),
        [problem] => problem.to_string(),
        [first, rest @ ..] => {
            format!("{first}; and {} more: tidegate connector check {}", rest.len(), first.file)
        }
    }
}
