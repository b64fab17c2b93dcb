//! Time, handed in so that tests run in milliseconds.
//!
//! Wall-clock time may jump; [`Clock::elapsed`] never does, but begins anew with each process. [`Clock::uptime`] is the
//! time that processes of one machine share and that does not jump: the ledger counts its windows in it.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// A source of time.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// Wall-clock time: what servers speak of. It may jump.
    fn now(&self) -> SystemTime;
    /// Time since some fixed moment. It never goes back.
    fn elapsed(&self) -> Duration;
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
    /// Time since the machine was started; `None` where the machine does not tell.
    fn uptime(&self) -> Option<Uptime>;
}

/// Time since a machine was started. It never jumps, goes on while the machine sleeps, and is the same in all its
/// processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// Tells this start of the machine from others.
    pub boot: String,
    /// Time since.
    pub since: Duration,
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

    fn uptime(&self) -> Option<Uptime> {
        boot::uptime()
    }
}

#[cfg(target_os = "linux")]
mod boot {
    use std::sync::OnceLock;
    use std::time::Duration;

    use nix::time::{ClockId, clock_gettime};

    use super::Uptime;

    /// `CLOCK_BOOTTIME`, with the id that Linux gives each boot (`random(4)`).
    pub(super) fn uptime() -> Option<Uptime> {
        static BOOT: OnceLock<Option<String>> = OnceLock::new();
        let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let boot = BOOT.get_or_init(read).as_ref()?.trim().to_owned();
        Some(Uptime { boot, since: Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?) })
    }
}

#[cfg(not(target_os = "linux"))]
mod boot {
    /// Not told in a way that is the same in all processes.
    pub(super) fn uptime() -> Option<super::Uptime> {
        None
    }
}

/// A clock for tests: sleeping moves it on at once, and it remembers how long was slept.
#[derive(Debug)]
pub struct TestClock {
    start: Mutex<SystemTime>,
    state: Mutex<(Duration, Vec<Duration>)>,
}

impl TestClock {
    /// A clock that starts at `start`.
    #[must_use]
    pub fn new(start: SystemTime) -> Self {
        Self { start: Mutex::new(start), state: Mutex::default() }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        self.lock().0 += duration;
    }

    /// Sets the wall clock to another time, as a user or a time server does. [`Clock::elapsed`] goes on.
    pub fn set_wall(&self, now: SystemTime) {
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = now - self.elapsed();
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
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) + self.elapsed()
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

    fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { boot: "test".to_owned(), since: self.elapsed() })
    }
}
