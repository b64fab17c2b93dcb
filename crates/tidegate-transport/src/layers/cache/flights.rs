//! Equal requests that are under way at the same time become one.
//!
//! Who comes first asks; the others wait for what it gets. Dropping a [`Lead`], for whatever reason, wakes them: they
//! then ask themselves, each for itself, so that a failure is not waited for once for each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::answer::Answer;
use crate::CacheKey;

type Outcome = Option<Arc<Answer>>;

/// Requests under way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<CacheKey, Flight>>,
}

#[derive(Debug)]
struct Flight {
    asked_at: SystemTime,
    followers: Arc<Followers>,
}

/// Those who wait for what a request gets: there is a channel to them once somebody does, which is seldom.
#[derive(Debug, Default)]
struct Followers(OnceLock<watch::Sender<Outcome>>);

/// Who asks, and who waits.
#[derive(Debug)]
pub(super) enum Joined<'a> {
    Lead(Lead<'a>),
    Follow(Follow),
}

/// The right and the duty to ask.
#[derive(Debug)]
pub(super) struct Lead<'a> {
    flights: &'a Flights,
    key: CacheKey,
    followers: Arc<Followers>,
}

/// Waits for what another request gets.
#[derive(Debug)]
pub(super) struct Follow(watch::Receiver<Outcome>);

impl Flights {
    /// Joins a request for `key`. One that was asked for when the scope was last written or before tells nothing of what
    /// it is now, and is not joined.
    pub(super) fn join(&self, key: &CacheKey, asked_at: SystemTime, written: Option<SystemTime>) -> Joined<'_> {
        let mut under_way = self.lock();
        if let Some(flight) = under_way.get(key)
            && written.is_none_or(|written| flight.asked_at > written)
        {
            let followers = flight.followers.0.get_or_init(|| watch::Sender::new(None));
            return Joined::Follow(Follow(followers.subscribe()));
        }
        let followers = Arc::<Followers>::default();
        under_way.insert(*key, Flight { asked_at, followers: Arc::clone(&followers) });
        Joined::Lead(Lead { flights: self, key: *key, followers })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CacheKey, Flight>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead<'_> {
    /// Ends the request, so that who comes later asks anew, and tells whether somebody waits for what it got.
    pub(super) fn end(&self) -> bool {
        let mut under_way = self.flights.lock();
        // A later one may stand in its place.
        if under_way.get(&self.key).is_some_and(|flight| Arc::ptr_eq(&flight.followers, &self.followers)) {
            under_way.remove(&self.key);
        }
        self.followers.0.get().is_some()
    }

    /// Hands the answer to all who wait.
    pub(super) fn share(&self, answer: &Arc<Answer>) {
        if let Some(followers) = self.followers.0.get() {
            followers.send_replace(Some(Arc::clone(answer)));
        }
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Follow {
    /// What the request got, if that may be shared.
    pub(super) async fn answer(mut self) -> Outcome {
        // The sender is gone when this fails, whether or not it has sent something.
        let _ = self.0.wait_for(Option::is_some).await;
        self.0.borrow().clone()
    }
}
