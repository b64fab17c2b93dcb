//! The form of source files: each says what it is for, and holds one concern.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// Lines a source file may have; tests may have half as many again.
const MAX_LINES: usize = 500;

/// Folders that hold sources.
const FOLDERS: &[&str] = &["crates", "tests", "benches", "xtask", "fuzz"];

pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for folder in FOLDERS {
        for file in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&file)?;
            let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            if !text.starts_with("//!") && !text.starts_with("#![no_main]") {
                complaints.push(format!("{name} does not open with `//!`: what is it for?"));
            }
            let is_test = name.contains("/tests/") || name.ends_with("tests.rs");
            let most = if is_test { MAX_LINES * 3 / 2 } else { MAX_LINES };
            let lines = text.lines().count();
            if lines > most {
                complaints.push(format!("{name} has {lines} lines, more than {most}: is it one concern?"));
            }
        }
    }
    Ok(complaints)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | "corpus") {
            files.extend(rust_files(&path)?);
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
