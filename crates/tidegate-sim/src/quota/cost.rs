//! What calls cost in points, and how answers say so.

use serde_json::{Value, json};

use super::QuotaState;
use crate::reply::Reply;

/// What a call costs in points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Points that are taken when a call arrives.
    pub asked: u64,
    /// Points for each started KiB of the answer: what was taken above that is given back. Zero gives nothing back.
    pub per_kib: u64,
    /// Header that tells what the call has cost.
    pub header: Option<String>,
    /// Whether `extensions.cost` of a JSON object tells what was taken, what it has cost, and how full the bucket is,
    /// in the form of Shopify's GraphQL API.
    pub in_body: bool,
}

impl Default for Cost {
    fn default() -> Self {
        Self { asked: 1, per_kib: 0, header: None, in_body: false }
    }
}

impl Cost {
    /// What an answer of this length has cost.
    pub(crate) fn actual(&self, bytes: usize) -> u64 {
        if self.per_kib == 0 { self.asked } else { self.asked.min(self.per_kib * bytes.div_ceil(1024).max(1) as u64) }
    }

    /// Puts into an answer what it has cost, and how full this quota is then.
    pub(crate) fn tell(&self, reply: &mut Reply, actual: u64, state: Option<&QuotaState>) {
        if let Some(header) = &self.header {
            reply.headers.push((header.clone(), actual.to_string()));
        }
        if !self.in_body {
            return;
        }
        let Ok(Value::Object(mut body)) = serde_json::from_slice(&reply.body) else { return };
        let status = state.map(|state| {
            json!({
                "maximumAvailable": state.limit as f64,
                "currentlyAvailable": state.remaining,
                "restoreRate": state.per_second,
            })
        });
        let cost = json!({ "requestedQueryCost": self.asked, "actualQueryCost": actual, "throttleStatus": status });
        body.insert("extensions".to_owned(), json!({ "cost": cost }));
        reply.body = Value::Object(body).to_string().into_bytes();
    }
}
