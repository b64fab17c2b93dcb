//! Holds the table of ARCHITECTURE.md against `cargo metadata`.

use std::collections::BTreeMap;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::Result;

/// A crate, which of ours it may import, and which outside crates it must not.
struct Rule {
    name: &'static str,
    ours: &'static [&'static str],
    never: &'static [&'static str],
}

const MUTATION_OURS: &[&str] = &["tidegate-remote", "tidegate-spec", "tidegate-state", "tidegate-transport"];

const ENGINE_OURS: &[&str] = &[
    "tidegate-mutation",
    "tidegate-quota",
    "tidegate-remote",
    "tidegate-spec",
    "tidegate-state",
    "tidegate-transport",
];

const FACADE_OURS: &[&str] = &[
    "tidegate-engine",
    "tidegate-mutation",
    "tidegate-quota",
    "tidegate-remote",
    "tidegate-spec",
    "tidegate-state",
    "tidegate-transport",
];

const RULES: &[Rule] = &[
    Rule { name: "tidegate-spec", ours: &[], never: &["arrow", "datafusion", "reqwest", "tokio"] },
    Rule { name: "tidegate-state", ours: &[], never: &["arrow", "datafusion", "http", "reqwest", "tokio"] },
    Rule { name: "tidegate-quota", ours: &["tidegate-state"], never: &["arrow", "datafusion", "http", "reqwest"] },
    Rule { name: "tidegate-transport", ours: &["tidegate-quota"], never: &["arrow", "datafusion"] },
    Rule { name: "tidegate-remote", ours: &["tidegate-spec", "tidegate-transport"], never: &["datafusion", "reqwest"] },
    Rule { name: "tidegate-mutation", ours: MUTATION_OURS, never: &["arrow", "datafusion", "reqwest", "rusqlite"] },
    Rule { name: "tidegate-engine", ours: ENGINE_OURS, never: &["reqwest", "rusqlite"] },
    Rule { name: "tidegate", ours: FACADE_OURS, never: &["reqwest", "rusqlite"] },
    Rule { name: "tidegate-cli", ours: &["tidegate", "tidegate-sim"], never: &["reqwest", "rusqlite"] },
    Rule { name: "tidegate-sim", ours: &[], never: &["arrow", "datafusion", "reqwest"] },
];

/// Libraries of which a second copy would be another, incompatible type system.
const ONE_COPY: &[&str] = &["arrow", "arrow-array", "arrow-schema", "datafusion", "parquet", "sqlparser"];

/// Test tools live outside the product's layers.
const OUTSIDE: &[&str] = &["tidegate-tests", "tidegate-benches", "tidegate-first-row", "xtask"];

pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let metadata = MetadataCommand::new().current_dir(root).exec()?;
    let mut complaints = Vec::new();
    for package in metadata.workspace_packages() {
        match RULES.iter().find(|rule| rule.name == package.name.as_str()) {
            Some(rule) => complaints.extend(check_imports(package, rule)),
            None if OUTSIDE.contains(&package.name.as_str()) => {}
            None => complaints.push(format!("crate {} has no rule in xtask/src/crates.rs", package.name)),
        }
    }
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in &metadata.packages {
        if let Some(name) = ONE_COPY.iter().find(|name| **name == package.name.as_str()) {
            versions.entry(name).or_default().push(package.version.to_string());
        }
    }
    for (name, versions) in versions {
        if versions.len() > 1 {
            complaints.push(format!("{name} is in the tree {} times: {}", versions.len(), versions.join(", ")));
        }
    }
    Ok(complaints)
}

fn check_imports(package: &Package, rule: &Rule) -> Vec<String> {
    let imports = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    let mut complaints = Vec::new();
    for import in imports {
        let name = import.name.as_str();
        let is_ours = name == "tidegate" || name.starts_with("tidegate-");
        if rule.never.contains(&name) || (is_ours && !rule.ours.contains(&name)) {
            complaints.push(format!("crate {} must not import {name} (ARCHITECTURE.md, Map)", package.name));
        }
    }
    complaints
}
