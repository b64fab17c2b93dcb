//! Reads the order that is asked for.

use tidegate_spec::Sorting;

use super::read::{Read, refuse};

/// Columns, and whether each descends.
pub(crate) fn parse(sorting: &Sorting, text: &str, direction: Option<&str>) -> Read<Vec<(usize, bool)>> {
    let parts: Vec<&str> = match &sorting.separator {
        Some(separator) => text.split(separator.as_str()).collect(),
        None => vec![text],
    };
    parts.into_iter().map(|part| key(sorting, part, direction)).collect()
}

fn key(sorting: &Sorting, part: &str, direction: Option<&str>) -> Read<(usize, bool)> {
    let found = sorting.names.iter().find_map(|(column, name)| {
        let write = |template: &str| template.replace("{column}", name);
        if sorting.direction.is_none() {
            let descends = if part == write(&sorting.ascending) {
                Some(false)
            } else {
                (part == write(&sorting.descending)).then_some(true)
            };
            return descends.map(|descends| (*column, descends));
        }
        let descends = match direction {
            Some(text) if text == sorting.ascending => false,
            Some(text) if text == sorting.descending => true,
            _ => return None,
        };
        (part == name).then_some((*column, descends))
    });
    found.map_or_else(|| refuse(format!("no order by {part:?} {direction:?}")), Ok)
}
