//! What a connection's calls come out of, and how its responses tell of it: plain data for the quota layer.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use tidegate_quota::{Ledger, Quota, ScopeKey, ScopeUse};

use crate::Throttle;

/// Quotas of one connection, and the ledger that they are counted in.
pub struct Metering {
    /// Where calls are counted.
    pub ledger: Arc<Ledger>,
    /// Counters of all who sign with the same credential at the same origin.
    pub credential: ScopeKey,
    /// Counters of this connection alone.
    pub connection: ScopeKey,
    /// Declared quotas, of the connector and of the connection.
    pub quotas: Vec<MeteredQuota>,
    /// Answers that mean the same as 429.
    pub throttles: Vec<Throttle>,
    /// Takes the connection's name and what a user should know: a call that was refused by surprise.
    pub warn: Box<Warn>,
}

/// Takes a connection's name and a message.
pub type Warn = dyn Fn(&str, String) + Send + Sync;

/// A declared quota, which calls come out of it, and where responses tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MeteredQuota {
    /// The quota.
    pub quota: Arc<Quota>,
    /// Who shares it.
    pub per: Per,
    /// Tables (`issues`) or endpoints (`issues.search`) that come out of it; empty for all.
    pub only: Vec<String>,
    /// Which operations do.
    pub operations: Operations,
    /// Whether each endpoint has counters of its own.
    pub each_endpoint: bool,
    /// Points that a call is expected to cost, where points are counted.
    pub cost: u64,
    /// Statuses of responses that spend nothing of it.
    pub free: Vec<StatusCode>,
    /// Where responses tell of it.
    pub figures: Figures,
}

/// Who shares a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Per {
    /// All who sign with the same credential.
    #[default]
    Credential,
    /// The connection.
    Connection,
    /// Each partition of the connection, for all who sign with the same credential.
    Partition,
}

/// Which operations come out of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Operations {
    /// All.
    #[default]
    All,
    /// Those that read.
    Reads,
    /// Those that change something.
    Writes,
}

/// Where responses tell of a quota. Nothing is read that is not declared here, but for the header sets whose form is
/// unambiguous.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Units that the window or bucket has.
    pub limit: Option<FigurePlace>,
    /// Units that are left.
    pub remaining: Option<FigurePlace>,
    /// Units that were spent.
    pub used: Option<FigurePlace>,
    /// Spent and limit in one text: `18/15000`, `api-usage=18/15000`.
    pub used_of_limit: Option<FigurePlace>,
    /// When the window ends, and how that is written.
    pub reset: Option<(FigurePlace, TimeForm)>,
    /// Points that the call has cost.
    pub cost: Option<FigurePlace>,
    /// Units a second that a bucket is filled with.
    pub per_second: Option<FigurePlace>,
}

/// Where a figure stands in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FigurePlace {
    /// In a header.
    Header(HeaderName),
    /// In a header that holds `name=value` pairs, under this name (`zendesk-ratelimit-…: total=100; remaining=99`).
    Pair(HeaderName, String),
    /// In the JSON body: the members that lead to it. Bodies above 64 KiB are not looked into, unless they are read
    /// for a quota of points.
    Body(Vec<String>),
}

/// How the end of a window is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeForm {
    /// Seconds since 1970, perhaps with a fraction.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Seconds from now, perhaps with a fraction.
    Seconds,
    /// Milliseconds from now.
    Millis,
    /// A point in time in ISO 8601 (RFC 3339).
    Iso8601,
    /// A date as in HTTP headers (RFC 9110, section 5.6.7).
    HttpDate,
}

impl MeteredQuota {
    /// Whether calls to an endpoint come out of it, requests for tokens aside. Without a table it is the endpoint of a
    /// name of its own, such as `quota_check`.
    #[must_use]
    pub fn covers(&self, table: Option<&str>, endpoint: &str, is_write: bool) -> bool {
        let operations = match self.operations {
            Operations::All => true,
            Operations::Reads => !is_write,
            Operations::Writes => is_write,
        };
        operations && (self.only.is_empty() || self.only.iter().any(|only| is_of(only, table, endpoint)))
    }
}

/// Whether it names this table (`issues`) or this endpoint of it (`issues.search`).
fn is_of(only: &str, table: Option<&str>, endpoint: &str) -> bool {
    let Some(table) = table else { return only == endpoint };
    let rest = only.strip_prefix(table);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.') == Some(endpoint))
}

impl Metering {
    /// Without declared quotas, and with nobody to warn. `credential` names who signs, and at which origin; `connection`
    /// tells the connection from others that sign the same.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, credential: &str, connection: &str) -> Self {
        Self {
            ledger,
            credential: ScopeKey(credential.into()),
            connection: ScopeKey(format!("{credential}|connection:{connection}").into()),
            quotas: Vec::new(),
            throttles: Vec::new(),
            warn: Box::new(|_, _| {}),
        }
    }

    /// The scopes of a partition's calls with all their declared quotas: for showing counters. One with counters for each
    /// endpoint stands for them.
    #[must_use]
    pub fn scopes(&self, partition: Option<&str>) -> Vec<ScopeUse> {
        let of = |per: Per| {
            let quotas = self.quotas.iter().filter(|metered| metered.per == per);
            quotas.map(|metered| Arc::clone(&metered.quota)).collect()
        };
        let mut scopes = vec![
            ScopeUse { key: self.credential.clone(), quotas: of(Per::Credential), is_paced: partition.is_none() },
            ScopeUse { key: self.connection.clone(), quotas: of(Per::Connection), is_paced: false },
        ];
        let partition = partition.map(|code| self.partition(code));
        scopes.extend(partition.map(|key| ScopeUse { key, quotas: of(Per::Partition), is_paced: true }));
        scopes
    }

    /// Counters of a partition, for all who sign with the same credential.
    #[must_use]
    pub fn partition(&self, code: &str) -> ScopeKey {
        ScopeKey(format!("{}|partition:{code}", self.credential).into())
    }
}

impl fmt::Debug for Metering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metering")
            .field("credential", &self.credential)
            .field("quotas", &self.quotas)
            .finish_non_exhaustive()
    }
}
