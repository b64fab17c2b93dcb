//! The token of a connection: kept, given out, renewed in time, by one at a time.
//!
//! Who renews takes the lease of the row, reads it again, asks the server, and has the answer on the disk before it is
//! used; everybody else, in this process and in others, waits and takes that. A renewal runs in a task of its own: the
//! statement that needed it may be cancelled, and the token that is under way must not be lost with it.

mod renew;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tidegate_state::StoredToken;
use tidegate_transport::{Clock, Error, ErrorKind, Operation, Result, Secret, Sent, TokenSource};
use tokio::sync::Mutex;

use super::config::{Grant, OAuthConfig};
use super::exchange::Exchange;
use super::store::TokenStore;
use super::{OAuthParts, Renewals};

/// A token is renewed this long before it ends, so that no request is under way when it does.
const MARGIN: Duration = Duration::from_secs(60);

/// Of a token that does not live long, this part of its life is the margin.
const MARGIN_PART: u32 = 10;

/// Tokens whose text is blanked: an answer that is late may still hold the one before.
const REMEMBERED: usize = 6;

/// The tokens of one connection.
#[derive(Debug)]
pub(super) struct Source {
    shared: Arc<Shared>,
    current: Arc<Mutex<Current>>,
    renewals: Renewals,
}

/// What a renewal needs.
#[derive(Debug)]
struct Shared {
    config: OAuthConfig,
    connection: Arc<str>,
    exchange: Exchange,
    store: TokenStore,
    clock: Arc<dyn Clock>,
    shown: StdMutex<Vec<Secret>>,
    failures: AtomicU64,
}

/// What this process knows.
#[derive(Debug, Default)]
struct Current {
    token: Option<StoredToken>,
    /// An access token that the server does not take any more.
    refused: Option<Secret>,
    /// Number and message of the last renewal that failed.
    failed: Option<(u64, String)>,
}

impl Source {
    pub(super) fn new(
        config: OAuthConfig,
        connection: &str,
        exchange: Exchange,
        store: TokenStore,
        parts: &OAuthParts,
    ) -> Self {
        let shared = Shared {
            config,
            connection: Arc::from(connection),
            exchange,
            store,
            clock: Arc::clone(&parts.clock),
            shown: StdMutex::default(),
            failures: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), current: Arc::default(), renewals: parts.renewals.clone() }
    }
}

#[async_trait]
impl TokenSource for Source {
    async fn token(&self, operation: &Operation) -> Result<Secret> {
        let failures = self.shared.failures.load(Ordering::Relaxed);
        let mut current = Arc::clone(&self.current).lock_owned().await;
        if let Some(token) = current.token.as_ref().filter(|token| self.shared.holds(token, &current)) {
            return Ok(Secret::new(&token.access));
        }
        // Who waited while a renewal failed hears the same, rather than ask for it once more.
        if let Some((_, message)) = current.failed.as_ref().filter(|(number, _)| *number > failures) {
            let message = message.clone();
            return Err(Error::new(ErrorKind::Credentials, Sent::No, message));
        }
        let (shared, operation) = (Arc::clone(&self.shared), operation.clone());
        let cancelled = operation.statement.cancellation().clone();
        let renewal = self.renewals.0.spawn(async move {
            let result = shared.renew(&mut current, &operation).await;
            if let Err(error) = &result {
                let number = shared.failures.fetch_add(1, Ordering::Relaxed) + 1;
                current.failed = (!error.is_cancelled()).then(|| (number, error.to_string()));
            }
            result
        });
        tokio::select! {
            biased;
            result = renewal => result.unwrap_or_else(|error| {
                let message = format!("the renewal of a token ended early: {error}");
                Err(Error::new(ErrorKind::Credentials, Sent::No, message).with_source(error))
            }),
            () = cancelled.cancelled() => Err(cancellation()),
        }
    }

    async fn refused(&self, token: &Secret) {
        let mut current = self.current.lock().await;
        if current.token.as_ref().is_some_and(|held| held.access == token.expose()) {
            current.refused = Some(token.clone());
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.shared.config.secrets();
        secrets.extend(self.shared.shown.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        secrets
    }

    fn identity(&self) -> &str {
        self.shared.store.key()
    }
}

impl Shared {
    /// Whether requests can be signed with a token now.
    fn holds(&self, token: &StoredToken, current: &Current) -> bool {
        let is_refused = current.refused.as_ref().is_some_and(|refused| refused.expose() == token.access);
        !is_refused && self.renewed_from(token).is_none_or(|due| self.clock.now() < due)
    }

    /// When a token is renewed; `None` for one whose end is not known.
    fn renewed_from(&self, token: &StoredToken) -> Option<SystemTime> {
        let expires_at = token.expires_at?;
        if !self.can_renew(token) {
            return Some(expires_at);
        }
        let life = expires_at.duration_since(token.obtained_at).unwrap_or_default();
        let margin = MARGIN.min(life / MARGIN_PART);
        let early = expires_at.checked_sub(margin).unwrap_or(expires_at);
        Some(early.max(expires_at.min(self.renewable_from(token))))
    }

    /// The first moment at which the server lets it be renewed.
    fn renewable_from(&self, token: &StoredToken) -> SystemTime {
        token.obtained_at.checked_add(self.config.min_age).unwrap_or(token.obtained_at)
    }

    fn can_renew(&self, token: &StoredToken) -> bool {
        match self.config.grant {
            Grant::ClientCredentials | Grant::JwtBearer => true,
            Grant::RefreshToken | Grant::AuthorizationCode => token.refresh.is_some(),
        }
    }

    /// Takes over what the state folder has, or what the server just gave.
    fn adopt(&self, current: &mut Current, token: StoredToken) -> Secret {
        let access = Secret::new(&token.access);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let refresh = token.refresh.as_ref().map(Secret::new);
        for secret in refresh.into_iter().chain([access.clone()]) {
            if !shown.contains(&secret) {
                shown.push(secret);
            }
        }
        let surplus = shown.len().saturating_sub(REMEMBERED);
        shown.drain(..surplus);
        current.token = Some(token);
        access
    }

    fn failed(&self, message: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Credentials, Sent::No, format!("connection {}: {message}", self.connection))
    }
}

fn cancellation() -> Error {
    Error::new(ErrorKind::Cancelled, Sent::No, "the statement was cancelled")
}
