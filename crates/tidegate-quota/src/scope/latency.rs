//! How long calls take, as seen lately.

use serde::{Deserialize, Serialize};

use crate::meter::Way;

/// Calls in a generation; two generations are looked at.
const GENERATION: u32 = 64;
/// Calls that must have been seen before anything is made of them.
const ENOUGH: u32 = 24;

/// Shortest and longest time to a response, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Latency {
    /// Calls, shortest, longest; of this generation and the one before.
    generations: [(u32, i64, i64); 2],
}

impl Latency {
    pub(super) fn saw(&mut self, micros: i64) {
        let [current, before] = &mut self.generations;
        if current.0 >= GENERATION {
            *before = *current;
            *current = (0, 0, 0);
        }
        let is_first = current.0 == 0;
        let least = if is_first { micros } else { current.1.min(micros) };
        *current = (current.0 + 1, least, current.2.max(micros));
    }

    /// Shortest and longest time; `None` until enough was seen.
    pub(super) fn bounds(&self) -> Option<(i64, i64)> {
        let [current, before] = self.generations;
        let least = if before.0 == 0 { current.1 } else { current.1.min(before.1) };
        (current.0 + before.0 >= ENOUGH).then_some((least, current.2.max(before.2)))
    }

    /// What may be relied upon. The shortest time that was seen is not the shortest there is: that may be as much
    /// shorter as the longest was longer.
    pub(super) fn way(&self) -> Way {
        let [current, before] = self.generations;
        let most = current.2.max(before.2);
        let least = self.bounds().map_or(0, |(least, most)| (2 * least - most).max(0));
        Way { least, most }
    }
}
