//! Where tokens come from that do not last: the seam between signing and OAuth2.

use async_trait::async_trait;

use crate::{Operation, Result, Secret};

/// Gives out the token that holds now, and renews it when it has run out or was refused.
#[async_trait]
pub trait TokenSource: Send + Sync + std::fmt::Debug {
    /// The token to sign a request with. May send requests of its own, which `operation`'s statement pays for.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials) when there is none and none can be had; others when
    /// the request for one failed.
    async fn token(&self, operation: &Operation) -> Result<Secret>;

    /// The server refused this very token. It is not given out again; another, which may have replaced it meanwhile,
    /// stays.
    async fn refused(&self, token: &Secret);

    /// The secrets that are in use now: what must not appear in anything that is kept.
    fn secrets(&self) -> Vec<Secret>;

    /// Whose tokens these are, without telling any: two connections with the same one may share what is cached.
    fn identity(&self) -> &str;
}
