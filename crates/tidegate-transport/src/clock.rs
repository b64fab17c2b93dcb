//! Time and randomness, handed in so that tests run in milliseconds and replay from a seed.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A source of time.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// Wall-clock time: what servers speak of. It may jump.
    fn now(&self) -> SystemTime;
    /// Time since some fixed moment. It never goes back.
    fn elapsed(&self) -> Duration;
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The machine's time.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock for tests: sleeping moves it on at once, and it remembers how long was slept.
#[derive(Debug)]
pub struct TestClock {
    start: SystemTime,
    state: Mutex<(Duration, Vec<Duration>)>,
}

impl TestClock {
    /// A clock that starts at `start`.
    #[must_use]
    pub fn new(start: SystemTime) -> Self {
        Self { start, state: Mutex::default() }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        self.lock().0 += duration;
    }

    /// Every sleep so far, in order.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().1.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Duration, Vec<Duration>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.lock().0
    }

    async fn sleep(&self, duration: Duration) {
        {
            let mut state = self.lock();
            state.0 += duration;
            state.1.push(duration);
        }
        tokio::task::yield_now().await;
    }
}

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
