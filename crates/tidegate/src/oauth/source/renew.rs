//! One renewal: lease, read again, ask, keep, use.

use std::time::Duration;

use tidegate_state::{LeaseAnswer, StoredToken, TokenLease};
use tidegate_transport::{Operation, Result, Secret, redact_url};

use super::{Current, Shared, cancellation};
use crate::oauth::ask::Ask;
use crate::oauth::config::Grant;
use crate::oauth::exchange::Failure;
use crate::oauth::store::{Holder, LEASE};

/// How often the row is looked at while another renews.
const POLL: Duration = Duration::from_millis(250);

/// Longest wait until a token may be renewed.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Rounds of one renewal, whatever clocks say: all polls of a lease, and some.
const MOST_ROUNDS: u32 = 1_000;

impl Shared {
    /// A token that holds: another's, if one renewed it meanwhile, else a new one.
    pub(super) async fn renew(&self, current: &mut Current, operation: &Operation) -> Result<Secret> {
        let holder = Holder::new()?;
        let started = self.clock.elapsed();
        for _ in 0..MOST_ROUNDS {
            let lease = match self.store.lease(&holder, self.clock.now()).await? {
                LeaseAnswer::Taken(lease) => lease,
                LeaseAnswer::HeldUntil(_) => {
                    if self.clock.elapsed().saturating_sub(started) > LEASE + POLL {
                        break;
                    }
                    self.wait(POLL, operation).await?;
                    match self.store.token().await?.filter(|token| self.holds(token, current)) {
                        Some(token) => return Ok(self.adopt(current, token)),
                        None => continue,
                    }
                }
            };
            if let Some(token) = lease.token.as_ref().filter(|token| self.holds(token, current)) {
                self.give_back(&holder, lease.interrupted).await?;
                return Ok(self.adopt(current, token.clone()));
            }
            if let Some(wait) = self.time_until_renewable(&lease) {
                self.give_back(&holder, lease.interrupted).await?;
                if wait > LONGEST_WAIT {
                    return Err(self.too_young(wait));
                }
                self.wait(wait, operation).await?;
                continue;
            }
            if let Some(token) = self.replace(&lease, &holder, operation).await? {
                // Some servers give the same token again. It is their word that it holds.
                current.refused = None;
                return Ok(self.adopt(current, token));
            }
        }
        Err(self.failed("another process is renewing its token and does not end; end that, or try again later"))
    }

    /// Asks the server for a token and keeps it; `None` when another was faster.
    async fn replace(&self, lease: &TokenLease, holder: &Holder, operation: &Operation) -> Result<Option<StoredToken>> {
        let refresh = self.refresh_token(lease);
        let ask = match self.ask(refresh.as_ref()) {
            Ok(ask) => ask,
            Err(wrong) => {
                self.give_back(holder, lease.interrupted).await?;
                return Err(self.failed(wrong));
            }
        };
        let (principal, statement) = (&operation.principal, &operation.statement);
        match self.exchange.send(ask, refresh.as_ref(), principal, statement).await {
            Ok(token) if self.store.put(lease.generation, &token).await? => Ok(Some(token)),
            Ok(_) => Ok(None),
            Err(failure) => {
                let is_unknown = self.config.is_single_use() && !failure.is_clear();
                // A doubt from before stays until there is a new token.
                self.give_back(holder, is_unknown || lease.interrupted).await?;
                Err(self.explain(&failure, is_unknown, lease))
            }
        }
    }

    fn ask(&self, refresh: Option<&Secret>) -> Result<Ask, String> {
        match (self.config.grant, refresh) {
            (Grant::ClientCredentials | Grant::JwtBearer, _) => Ask::anew(&self.config, self.clock.now()),
            (_, Some(refresh)) => Ok(Ask::refresh(&self.config, refresh)),
            (_, None) => Err(format!("nobody has logged in, or the login has ended; {}", self.remedy())),
        }
    }

    fn refresh_token(&self, lease: &TokenLease) -> Option<Secret> {
        let kept = lease.token.as_ref().and_then(|token| token.refresh.as_ref()).map(Secret::new);
        kept.or_else(|| self.config.refresh_token.clone())
    }

    fn time_until_renewable(&self, lease: &TokenLease) -> Option<Duration> {
        let from = self.renewable_from(lease.token.as_ref()?);
        let wait = from.duration_since(self.clock.now()).ok().filter(|wait| !wait.is_zero());
        // Further away than the age itself: the clock was set back.
        wait.filter(|wait| *wait <= self.config.min_age)
    }

    async fn give_back(&self, holder: &Holder, interrupted: bool) -> Result<()> {
        self.store.release(holder, interrupted).await
    }

    async fn wait(&self, wait: Duration, operation: &Operation) -> Result<()> {
        let from = self.clock.elapsed();
        let is_cancelled = tokio::select! {
            biased;
            () = operation.statement.cancellation().cancelled() => true,
            () = self.clock.sleep(wait) => false,
        };
        operation.statement.count_wait(self.clock.elapsed().saturating_sub(from));
        if is_cancelled { Err(cancellation()) } else { Ok(()) }
    }

    fn explain(&self, failure: &Failure, is_unknown: bool, lease: &TokenLease) -> tidegate_transport::Error {
        let (url, remedy) = (redact_url(&self.config.token_url), self.remedy());
        match failure {
            Failure::Refused(refusal) if refusal.is_invalid_grant() && self.is_in_doubt(lease) => {
                self.failed(format_args!(
                    "an earlier renewal of its token was interrupted, and {url} does not take the old one any more \
                 ({refusal}); {remedy}"
                ))
            }
            _ if is_unknown => self.failed(format_args!(
                "its token can be renewed once only, and what became of the request to {url} is not known ({failure}); \
                 run the statement again, which tries it once more, and if it is refused then: {remedy}"
            )),
            Failure::Refused(refusal) => self.failed(format_args!("{url} gives no token ({refusal}); {remedy}")),
            Failure::NoAnswer(error) => self.failed(format_args!("no token from {url}: {error}")),
        }
    }

    fn too_young(&self, wait: Duration) -> tidegate_transport::Error {
        let seconds = wait.as_secs() + 1;
        self.failed(format_args!(
            "its token is not taken any more, and may not be renewed before {} min {} s from now (min_age); try again then",
            seconds / 60,
            seconds % 60
        ))
    }

    /// Whether the refresh token may have been used up without anybody hearing of it.
    fn is_in_doubt(&self, lease: &TokenLease) -> bool {
        self.config.is_single_use() && lease.interrupted
    }

    fn remedy(&self) -> String {
        self.config.remedy(&self.connection)
    }
}
