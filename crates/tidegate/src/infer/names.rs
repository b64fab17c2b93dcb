//! Names: SQL names from those of an API, and the key among columns.

use tidegate_spec::names::NameStyle;

/// A name without case and signs, to compare spellings: `next_page`, `nextPage` and `@odata.nextPage`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A name of lower-case ASCII letters, digits and `_`, beginning with a letter.
pub(super) fn snake(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    for letter in NameStyle::Snake.apply(name).chars() {
        if letter.is_ascii_alphanumeric() {
            words.push(letter);
        } else if !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
    }
    let words = words.trim_end_matches('_');
    match words.as_bytes().first() {
        None => "column".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{words}"),
        Some(_) => words.to_owned(),
    }
}

/// Whether this is a connector's name: `[a-z][a-z0-9_]*`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `orders` is `order`, `companies` is `company`: as far as it takes to know `order_id` for the key of `orders`.
pub(super) fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}
