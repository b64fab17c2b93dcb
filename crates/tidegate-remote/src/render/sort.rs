//! An order, where the endpoint's language has no words for it.

use tidegate_spec::{Place, Sorting};

use crate::{ErrorKind, SortKey};

/// Stands for the column in the text of a direction.
const COLUMN: &str = "{column}";

/// What is written at which place for this order, which has at least one key.
pub(super) fn render(sorting: &Sorting, keys: &[SortKey]) -> Result<Vec<(Place, String)>, ErrorKind> {
    let separator = match (&sorting.separator, keys) {
        (Some(separator), _) => separator.as_str(),
        (None, [_]) => "",
        _ => return Err(ErrorKind::Unsupported("the endpoint sorts by one column alone".to_owned())),
    };
    let mut columns = Vec::with_capacity(keys.len());
    let mut directions = Vec::with_capacity(keys.len());
    for key in keys {
        let name = sorting.names.iter().find(|(column, _)| *column == key.column).map(|(_, name)| name.as_str());
        let name = name.ok_or_else(|| {
            ErrorKind::Unsupported(format!("the endpoint has no name for column number {} in an order", key.column))
        })?;
        let said = if key.descending { &sorting.descending } else { &sorting.ascending };
        directions.push(said.replace(COLUMN, name));
        columns.push(name);
    }
    let directions = directions.join(separator);
    Ok(match &sorting.direction {
        None => vec![(sorting.place.clone(), directions)],
        Some(place) => vec![(sorting.place.clone(), columns.join(separator)), (place.clone(), directions)],
    })
}
