//! Randomness, handed in so that tests replay from a seed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Randomness for backoff.
#[derive(Debug)]
pub struct Jitter(Mutex<StdRng>);

impl Jitter {
    /// The same sequence for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// A sequence that nobody can foretell.
    #[must_use]
    pub fn from_entropy() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// A duration from zero up to `most`, evenly spread ("full jitter").
    #[must_use]
    pub fn up_to(&self, most: Duration) -> Duration {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        most.mul_f64(rng.random_range(0.0..=1.0))
    }
}
