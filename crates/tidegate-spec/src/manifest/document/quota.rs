//! Quotas as they are written: in manifests, and at connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rate;

/// A limit that the API sets: so much in a window (`window`, `limit`), a bucket that fills (`bucket`), or calls at once
/// (`concurrent`). A connection may have quotas of its own, with the same members; of one that has the name of the
/// connector's, it gives what it changes, and the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Name, unique among the quotas of the API: lower-case letters, digits and `_`. `daily`, `hourly` and `minutely` are
    /// those that `system.partitions` shows.
    pub name: String,
    /// Who shares it. Default: `credential`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<QuotaScope>,
    /// What is counted. Default: `calls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<QuotaUnit>,
    /// How long the window is, such as `60s`, `1h`, `1d`; or a calendar `day` or `month`, in the time zone `zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Time zone of a calendar day or month, such as `Europe/Amsterdam`. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When a window begins, as long as no response says when it ends. Default: `sliding`, which keeps within the others
    /// too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<WindowStart>,
    /// Most in a window; or where a response says it, as `reported_limit` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amount>,
    /// Most calls at once, in place of `window` and `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
    /// A bucket that is filled at a steady rate (token bucket, leaky bucket), in place of `window` and `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// Points that a call is expected to cost, where points are counted, default 1; or where a response says it, as
    /// `reported_cost` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Amount>,
    /// Where a response says how much is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Reported>,
    /// Where a response says how much the window or bucket has, when that is not the same for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_limit: Option<Reported>,
    /// Where a response says how much was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Reported>,
    /// Where a response says both in one text, as `18/15000` or `api-usage=18/15000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_of_limit: Option<Reported>,
    /// Where a response says when the window ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reported>,
    /// Where a response says how many points the call has cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<Reported>,
    /// Where a response says how much is added to the bucket each second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<Reported>,
    /// Tables (`issues`) or endpoints (`issues.search`) that spend it, and `quota_check`; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Which operations spend it. Default: all.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub operations: Option<QuotaOperations>,
    /// Whether each endpoint has counters of its own. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each_endpoint: Option<bool>,
    /// Statuses of responses that spend nothing of it, such as 304 where a call whose stored answer still holds is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_statuses: Option<Vec<u16>>,
}

/// Who shares a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum QuotaScope {
    /// All who sign with the same credential.
    #[default]
    Credential,
    /// The connection.
    Connection,
    /// Each partition of the connection, for all who sign with the same credential.
    Partition,
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum QuotaUnit {
    /// HTTP requests, with those that are repeated.
    #[default]
    Calls,
    /// Points, of which a call costs as many as the response says, or as `cost` does.
    Points,
    /// Responses with status 400 to 499, less those that refuse a call as one too many.
    Errors,
    /// Requests for tokens; nothing else spends it.
    TokenRequests,
}

/// When a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum WindowStart {
    /// At any time: no interval of that length may have more.
    #[default]
    Sliding,
    /// With the first call after the last window has ended.
    FirstCall,
    /// At multiples of its length since 1970 (UTC).
    Aligned,
}

/// Which operations spend a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuotaOperations {
    /// Those that read.
    Reads,
    /// Those that change something.
    Writes,
}

/// A bucket that is filled at a steady rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Most that it holds.
    pub capacity: u64,
    /// How much is added each second, such as `2` or `0.5`.
    pub per_second: Rate,
}

/// A number, or where a response says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Amount {
    /// Always the same.
    Number(u64),
    /// A response says it.
    Reported(Reported),
}

/// A figure in a response: in a header, or in its JSON body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// Header that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Name of the pair that has it, in a header of pairs such as `total=100; remaining=99`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Members of the body that lead to it, joined by `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How it is written; for `reset`.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub form: Option<ReportedForm>,
}

/// How the end of a window is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportedForm {
    /// Seconds since 1970, perhaps with a fraction.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
    /// Seconds from now, perhaps with a fraction.
    Seconds,
    /// Milliseconds from now.
    Millis,
    /// A point in time in ISO 8601.
    Iso8601,
    /// A date as in HTTP headers (RFC 9110, section 5.6.7).
    HttpDate,
}

impl Quota {
    /// This quota, with what it does not say taken from `base`. A limit of another kind (`window`, `bucket`,
    /// `concurrent`) takes nothing of the base's limit.
    #[must_use]
    pub fn or(&self, base: &Self) -> Self {
        let of = |quota: &Self| (quota.window.is_some(), quota.bucket.is_some(), quota.concurrent.is_some());
        let is_same = matches!(of(self), (false, false, false)) || of(self) == of(base);
        let own = self.clone();
        // The zone and start of a window belong to its length.
        let is_same_window = self.window.is_none() || self.window == base.window;
        let limit = |of: &Self| of.limit.clone().filter(|_| is_same);
        Self {
            name: own.name,
            per: own.per.or(base.per),
            of: own.of.or(base.of),
            window: own.window.or_else(|| base.window.clone().filter(|_| is_same)),
            zone: own.zone.or_else(|| base.zone.clone().filter(|_| is_same && is_same_window)),
            starts: own.starts.or(base.starts.filter(|_| is_same && is_same_window)),
            limit: own.limit.or_else(|| limit(base)),
            concurrent: own.concurrent.or(base.concurrent.filter(|_| is_same)),
            bucket: own.bucket.or(base.bucket.filter(|_| is_same)),
            cost: own.cost.or_else(|| base.cost.clone()),
            remaining: own.remaining.or_else(|| base.remaining.clone()),
            reported_limit: own.reported_limit.or_else(|| base.reported_limit.clone()),
            used: own.used.or_else(|| base.used.clone()),
            used_of_limit: own.used_of_limit.or_else(|| base.used_of_limit.clone()),
            reset: own.reset.or_else(|| base.reset.clone().filter(|_| is_same)),
            reported_cost: own.reported_cost.or_else(|| base.reported_cost.clone()),
            per_second: own.per_second.or_else(|| base.per_second.clone().filter(|_| is_same)),
            only: own.only.or_else(|| base.only.clone()),
            operations: own.operations.or(base.operations),
            each_endpoint: own.each_endpoint.or(base.each_endpoint),
            free_statuses: own.free_statuses.or_else(|| base.free_statuses.clone()),
        }
    }
}
