//! Tokens in the state folder, off the threads that must not block.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate_state::{LeaseAnswer, State, StoredToken};
use tidegate_transport::{Error, ErrorKind, Result, Sent};

use super::assertion::random_text;

/// How long one holder may take: longer than a request with all its timeouts.
pub(super) const LEASE: Duration = Duration::from_secs(120);

/// The row of one connection's tokens.
#[derive(Debug, Clone)]
pub(super) struct TokenStore {
    state: Arc<State>,
    key: Arc<str>,
}

/// Who asks for a lease: unlike any other, also of this process.
#[derive(Debug, Clone)]
pub(super) struct Holder(Arc<str>);

impl Holder {
    pub(super) fn new() -> Result<Self> {
        let random = random_text::<16>().map_err(|wrong| Error::new(ErrorKind::File, Sent::No, wrong))?;
        Ok(Self(format!("{} {random}", std::process::id()).into()))
    }
}

impl TokenStore {
    pub(super) fn new(state: Arc<State>, key: String) -> Self {
        Self { state, key: key.into() }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) async fn token(&self) -> Result<Option<StoredToken>> {
        self.run(|state, key| state.token(key)).await
    }

    pub(super) async fn lease(&self, holder: &Holder, now: SystemTime) -> Result<LeaseAnswer> {
        let holder = holder.clone();
        self.run(move |state, key| state.lease_token(key, &holder.0, now, LEASE)).await
    }

    /// False when a newer one is there.
    pub(super) async fn put(&self, generation: i64, token: &StoredToken) -> Result<bool> {
        let token = token.clone();
        self.run(move |state, key| state.put_token(key, generation, &token)).await
    }

    pub(super) async fn replace(&self, token: &StoredToken) -> Result<()> {
        let token = token.clone();
        self.run(move |state, key| state.replace_token(key, &token)).await
    }

    pub(super) async fn release(&self, holder: &Holder, interrupted: bool) -> Result<()> {
        let holder = holder.clone();
        self.run(move |state, key| state.release_token(key, &holder.0, interrupted)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State, &str) -> tidegate_state::Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { state, key } = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&state, &key)).await;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::File, Sent::No, error.to_string()).with_source(error)
        };
        done.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
    }
}
