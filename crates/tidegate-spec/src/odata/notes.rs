//! What a description has and the model leaves out, gathered by reason: one note names all the places.

use std::collections::BTreeMap;

/// How many places a note names; the others are counted.
const SHOWN: usize = 8;

/// Notes while they are gathered.
#[derive(Debug, Default)]
pub(super) struct Notes {
    reasons: BTreeMap<String, Places>,
}

#[derive(Debug, Default)]
struct Places {
    shown: Vec<String>,
    more: usize,
}

impl Notes {
    /// `place` is a table or a column of one, in the API's spelling; `reason` ends a sentence that begins with it.
    pub(super) fn add(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        let places = self.reasons.entry(reason.into()).or_default();
        if places.shown.len() < SHOWN {
            places.shown.push(place.into());
        } else {
            places.more += 1;
        }
    }

    /// One sentence each, in the order of their reasons.
    pub(super) fn sentences(self) -> Vec<String> {
        let sentence = |(reason, places): (String, Places)| {
            let more = if places.more == 0 { String::new() } else { format!(" and {} more", places.more) };
            format!("{}{more}: {reason}", places.shown.join(", "))
        };
        self.reasons.into_iter().map(sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_gathered_and_bounded() {
        let mut notes = Notes::default();
        notes.add("a.x", "left out");
        for n in 0..10 {
            notes.add(format!("b.{n}"), "kept as JSON");
        }
        assert_eq!(
            notes.sentences(),
            ["b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7 and 2 more: kept as JSON", "a.x: left out"]
        );
    }
}
