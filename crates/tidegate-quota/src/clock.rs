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
    /// Whether time goes on by itself. Where it does not, nothing is put off to a later time that nobody brings about.
    fn is_real(&self) -> bool {
        true
    }
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

/// A clock for tests: sleeping moves it on at once, and it remembers how long was slept. Of several sleepers the one
/// that is to wake first moves it, so that those who sleep at the same time share the time.
#[derive(Debug)]
pub struct TestClock {
    start: Mutex<SystemTime>,
    state: Mutex<TestTime>,
}

#[derive(Debug, Default)]
struct TestTime {
    elapsed: Duration,
    sleeps: Vec<Duration>,
    /// When each of those that sleep wakes.
    wakes: Vec<(u64, Duration)>,
    sleepers: u64,
}

/// A sleeper, for as long as it sleeps.
struct Sleeper<'a> {
    clock: &'a TestClock,
    id: u64,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.lock().wakes.retain(|(id, _)| *id != self.id);
    }
}

impl Sleeper<'_> {
    /// Wakes this one if it is the first to wake, and moves the clock to that time.
    fn wakes(&self) -> bool {
        let mut time = self.clock.lock();
        let Some(mine) = time.wakes.iter().find(|(id, _)| *id == self.id).map(|(_, wake)| *wake) else { return true };
        let is_first = time.wakes.iter().all(|(_, wake)| *wake >= mine);
        if is_first {
            time.elapsed = time.elapsed.max(mine);
        }
        is_first || time.elapsed >= mine
    }
}

impl TestClock {
    /// Turns that others get before a sleeper moves the clock: enough to hand a message on and to go to sleep.
    const TURNS: usize = 3;

    /// A clock that starts at `start`.
    #[must_use]
    pub fn new(start: SystemTime) -> Self {
        Self { start: Mutex::new(start), state: Mutex::default() }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        self.lock().elapsed += duration;
    }

    /// Sets the wall clock to another time, as a user or a time server does. [`Clock::elapsed`] goes on.
    pub fn set_wall(&self, now: SystemTime) {
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) = now - self.elapsed();
    }

    /// Every sleep so far, in order.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().sleeps.clone()
    }

    fn lie_down(&self, duration: Duration) -> Sleeper<'_> {
        let mut time = self.lock();
        time.sleeps.push(duration);
        time.sleepers += 1;
        let (id, wake) = (time.sleepers, time.elapsed + duration);
        time.wakes.push((id, wake));
        Sleeper { clock: self, id }
    }

    fn lock(&self) -> MutexGuard<'_, TestTime> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.start.lock().unwrap_or_else(PoisonError::into_inner) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.lock().elapsed
    }

    async fn sleep(&self, duration: Duration) {
        let sleeper = self.lie_down(duration);
        for _ in 0..Self::TURNS {
            tokio::task::yield_now().await;
        }
        while !sleeper.wakes() {
            tokio::task::yield_now().await;
        }
    }

    fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { boot: "test".to_owned(), since: self.elapsed() })
    }

    fn is_real(&self) -> bool {
        false
    }
}
