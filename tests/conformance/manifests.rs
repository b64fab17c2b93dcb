//! Finds manifests, puts those of the fixtures together, and compiles them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidegate_spec::manifest::{Auth, Credential, Reported, Throttled};
use tidegate_spec::{Manifest, Model};

use url::Url;

use super::subject::{BASE, SECRET};

/// What the suite wants to know of a manifest.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) connector: String,
    pub(crate) model: Model,
    /// Value of each of its options.
    pub(crate) options: BTreeMap<String, String>,
    /// How it signs requests when every option is set.
    pub(crate) auth: Auth,
    /// What being throttled looks like, besides status 429.
    pub(crate) throttled: Vec<Throttled>,
    /// Header with the time at which calls are taken again.
    pub(crate) reset: Option<Reported>,
}

impl Described {
    /// Query parameters that carry credentials.
    pub(crate) fn credential_parameters(&self) -> Vec<String> {
        let name = |credential: &Credential| match credential {
            Credential::Query { name, .. } => Some(name.clone()),
            _ => None,
        };
        self.auth.credentials.iter().filter_map(name).collect()
    }

    /// Where tokens are asked for.
    pub(crate) fn token_url(&self) -> Option<Url> {
        let url = |credential: &Credential| match credential {
            Credential::OAuth2(oauth2) => {
                let text = oauth2.token_url.expand(|name| self.options.get(name).cloned()).expect("known options");
                Some(Url::parse(&text).expect("a URL"))
            }
            _ => None,
        };
        self.auth.credentials.iter().find_map(url)
    }
}

/// Every manifest, by a name for messages. Those of the fixtures are written into `folder`.
pub(crate) fn all(folder: &Path) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = bundled(&root.join("../connectors"));
    let fixtures = root.join("fixtures");
    for name in ["shapes", "limits"] {
        found.push((name.to_owned(), fixtures.join(format!("{name}.yaml"))));
    }
    found.extend(paging(folder));
    found
}

/// Those whose text has one of these.
pub(crate) fn that_say(folder: &Path, texts: &[&str]) -> Vec<(String, PathBuf)> {
    let mut found = all(folder);
    found.retain(|(_, file)| {
        let text = read_text(file);
        texts.iter().any(|part| text.contains(part))
    });
    found
}

/// The fixtures' manifests, one for each way of paging.
pub(crate) fn paging(folder: &Path) -> Vec<(String, PathBuf)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let written = |fragment: PathBuf| {
        let name = stem(&fragment);
        let file = folder.join(format!("{name}.yaml"));
        std::fs::write(&file, composed(&fixtures, &name, &read_text(&fragment))).unwrap();
        (name, file)
    };
    fragments(&fixtures.join("paging")).into_iter().map(written).collect()
}

/// A manifest whose requests are signed by tokens that it asks for.
pub(crate) fn signed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/signed.yaml")
}

/// Copies of the manifests that have ceilings, with ceilings at so few rows.
pub(crate) fn with_low_ceilings(folder: &Path, rows: u64) -> Vec<(String, PathBuf)> {
    let mut copies = Vec::new();
    for (name, file) in all(folder) {
        let text = read_text(&file);
        let mut parts = text.split("ceiling: { rows: ");
        let mut copy = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            copy +=
                &format!("ceiling: {{ rows: {rows}{}", part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
        }
        if copy != text {
            let file = folder.join(format!("{name}_low.yaml"));
            std::fs::write(&file, copy).unwrap();
            copies.push((name, file));
        }
    }
    copies
}

/// Reads and compiles a manifest with a value for every option that has no default.
pub(crate) fn read(file: &Path) -> Described {
    let shown = file.display().to_string();
    let parsed = Manifest::parse(&read_text(file), &shown).map_err(|problems| said(&problems));
    let manifest = parsed.unwrap_or_else(|problems| panic!("{problems}"));
    let needed = manifest.options().into_iter().filter(|option| option.default.is_none());
    let mut options: BTreeMap<_, _> =
        needed.map(|option| (option.name.clone(), format!("{SECRET}{}", option.name))).collect();
    options.insert("url".to_owned(), BASE.to_owned());
    let model = manifest.compile(&options).unwrap_or_else(|problems| panic!("{}", said(&problems)));
    assert!(!model.tables.is_empty(), "{shown} has tables");
    let auth = manifest.auth().into_iter().next().expect("a way of signing");
    let reset = manifest.quotas().iter().find_map(|quota| quota.reset.clone());
    Described { connector: manifest.name().to_owned(), model, options, auth, throttled: manifest.throttled(), reset }
}

fn said(problems: &[tidegate_spec::Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn bundled(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("manifest.yaml").exists())
        .map(|path| (stem(&path), path.join("manifest.yaml")))
        .collect();
    found.sort();
    found
}

fn fragments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty(), "{} has fragments", folder.display());
    found
}

/// A manifest with one way of paging, and a table for each way of filtering.
fn composed(fixtures: &Path, name: &str, paging: &str) -> String {
    let table = read_text(&fixtures.join("things.yaml"));
    let table: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    let mut text = format!(
        "connector: {name}\nurl: https://api.example/v1/\noptions:\n  token: {{ secret: true }}\nauth: {{ bearer: \"{{token}}\" }}\ntables:\n"
    );
    for filters in fragments(&fixtures.join("filters")) {
        let filtering = read_text(&filters);
        let has_body = filtering.contains("method: POST");
        let members = format!("{filtering}{}", placed(paging, has_body));
        let indented: String = members.lines().map(|line| format!("      {line}\n")).collect();
        text += &format!("  {}:\n{}\n    list:\n{indented}", stem(&filters), table.join("\n"));
    }
    text
}

/// Puts places where `<name>` stands: a query parameter, or a member of the body.
fn placed(paging: &str, has_body: bool) -> String {
    let mut text = String::new();
    let mut rest = paging;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').expect("a closing >");
        let (before, place) = match (before.strip_suffix("place: "), has_body) {
            (Some(before), true) => (before, format!("body: paging.{name}")),
            (Some(before), false) => (before, format!("parameter: {name}")),
            (None, true) => (before, format!("{{ body: paging.{name} }}")),
            (None, false) => (before, name.to_owned()),
        };
        text += before;
        text += &place;
        rest = after;
    }
    text + rest
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file's name").to_string_lossy().into_owned()
}

fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
