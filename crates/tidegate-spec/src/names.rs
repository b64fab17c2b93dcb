//! SQL names from API names.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

/// How an API's name becomes a SQL name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum NameStyle {
    /// The API's name in lower case.
    #[default]
    Lower,
    /// Words separated by `_`: `InvoiceAttachmentType` is `invoice_attachment_type`.
    Snake,
}

impl NameStyle {
    /// The name in this style.
    #[must_use]
    pub fn apply(self, name: &str) -> String {
        match self {
            Self::Lower => name.to_lowercase(),
            Self::Snake => snake(name),
        }
    }

    /// SQL names of the tables of an API, or of the columns of a table, in their order.
    ///
    /// Names that would be the same in this style all keep the API's spelling and need quotes in SQL, so that no
    /// name depends on the order in which an API lists them. Should names be the same still, because the API
    /// lists one twice, the later ones get a number: `name_2`.
    #[must_use]
    pub fn assign(self, names: &[&str]) -> Vec<String> {
        let styled: Vec<String> = names.iter().map(|name| self.apply(name)).collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in &styled {
            *uses.entry(name).or_default() += 1;
        }
        let chosen = styled.iter().zip(names);
        let chosen = chosen.map(|(styled, name)| if uses[styled.as_str()] > 1 { *name } else { styled.as_str() });
        let mut taken: HashSet<String> = HashSet::with_capacity(names.len());
        let mut next: HashMap<&str, usize> = HashMap::new();
        chosen.map(|name| number(name, &mut taken, next.entry(name).or_insert(1))).collect()
    }
}

/// The name itself or, where it is taken, with the lowest number that is free. `next` starts at 1 for each name.
fn number(name: &str, taken: &mut HashSet<String>, next: &mut usize) -> String {
    loop {
        let candidate = if *next == 1 { name.to_owned() } else { format!("{name}_{next}") };
        *next += 1;
        if taken.insert(candidate.clone()) {
            return candidate;
        }
    }
}

/// A word begins at an upper-case letter after a letter or digit that is not upper-case, and at the last of
/// several upper-case letters when a lower-case one follows (`GLAccount` is `gl_account`).
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::with_capacity(name.len() + 4);
    for (at, &letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && at > 0 {
            let before = letters[at - 1];
            let ends_capitals = before.is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
            if ends_capitals || (before.is_alphanumeric() && !before.is_uppercase()) {
                words.push('_');
            }
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        let cases = [
            ("InvoiceAttachmentType", "invoiceattachmenttype", "invoice_attachment_type"),
            ("InvoiceID", "invoiceid", "invoice_id"),
            ("GLAccount", "glaccount", "gl_account"),
            ("already_snake", "already_snake", "already_snake"),
            ("Mixed_Case", "mixed_case", "mixed_case"),
            ("to_Item", "to_item", "to_item"),
            ("Line2Total", "line2total", "line2_total"),
            ("URL", "url", "url"),
            ("Größe", "größe", "größe"),
            ("ÄnderungAm", "änderungam", "änderung_am"),
            ("", "", ""),
        ];
        for (name, lower, snake) in cases {
            assert_eq!(NameStyle::Lower.apply(name), lower, "{name}");
            assert_eq!(NameStyle::Snake.apply(name), snake, "{name}");
            assert_eq!(NameStyle::Snake.apply(snake), snake, "snake case of {snake} is itself");
        }
    }

    #[test]
    fn names_that_collide_keep_the_apis_spelling_in_any_order() {
        let cases: [(NameStyle, &[&str], &[&str]); 6] = [
            (NameStyle::Lower, &["Name", "Id"], &["name", "id"]),
            (NameStyle::Lower, &["Name", "name", "Id"], &["Name", "name", "id"]),
            (NameStyle::Lower, &["name", "Id", "Name"], &["name", "id", "Name"]),
            (NameStyle::Lower, &["NAME", "Name", "nAme"], &["NAME", "Name", "nAme"]),
            (NameStyle::Snake, &["OrderID", "order_id"], &["OrderID", "order_id"]),
            (NameStyle::Snake, &["OrderID", "orderid"], &["order_id", "orderid"]),
        ];
        for (style, names, expected) in cases {
            assert_eq!(style.assign(names), expected, "{style:?} {names:?}");
        }
    }

    #[test]
    fn a_name_listed_twice_gets_a_number() {
        assert_eq!(NameStyle::Lower.assign(&["a", "a", "a_2", "a"]), ["a", "a_2", "a_2_2", "a_3"]);
    }
}
