//! How programs reach the simulator's plain pages, and what they ask for.

use std::fmt::Write as _;

use crate::Result;

/// Rows of a page.
pub(crate) const PAGE_SIZE: u64 = 100;

/// The manifest that a connection uses.
pub(crate) const MANIFEST: &str = include_str!("things.yaml");

/// Makes the connection `api` to the URL that follows.
pub(crate) const CONNECT: &str = "CREATE CONNECTION api USING './things.yaml' OPTIONS (url ";

/// 7 of the 12 fields: every kind that there is.
pub(crate) const COLUMNS: &[&str] = &["id", "name", "category", "amount", "quantity", "active", "created_at"];

/// 5 of 200, far from each other.
pub(super) const FEW: &[&str] = &["id", "created_at", "field_050", "field_099", "field_193"];

/// Types of the fields of wide things, which come in turn.
const TYPES: [&str; 8] = [
    "int!",
    "text!",
    "decimal(12,2)!",
    "bool!",
    "text?",
    "timestamp!",
    "\"struct({code: text, rank: int})\"",
    "list(int)",
];

/// The manifest of things with so many fields.
pub(super) fn wide(fields: u16) -> Result<String> {
    let mut more = String::new();
    for field in 13..=fields {
        let kind = TYPES[usize::from(field - 1) % TYPES.len()];
        writeln!(more, "      field_{field:03}: {kind}")?;
    }
    let last = "      description: text!\n";
    Ok(MANIFEST.replacen(last, &format!("{last}{more}"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_manifest_has_all_fields_of_the_simulator() {
        let manifest = wide(200).unwrap();
        for line in ["field_013: text?", "field_050: text!", "field_099: decimal(12,2)!", "field_200: list(int)"] {
            assert!(manifest.contains(&format!("\n      {line}\n")), "{line} is not in {manifest}");
        }
        assert_eq!(manifest.matches("field_").count(), 188);
    }
}
