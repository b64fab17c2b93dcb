//! What a request comes out of: the ledger's view of an operation.

use std::sync::Arc;

use tidegate_quota::{Call, ScopeKey, ScopeUse, SpendKey, Unit};

use crate::metering::{MeteredQuota, Metering, Per};
use crate::{Operation, Purpose};

/// A call, with what its response is to be read for.
#[derive(Debug)]
pub(super) struct Outlay<'a> {
    /// For the ledger.
    pub(super) call: Arc<Call>,
    /// The declared quotas that it comes out of.
    pub(super) quotas: Vec<Counted<'a>>,
    /// The scope of what is not declared: the partition's if there is one, else the credential's; for a request for a
    /// token one of its own, so that a token endpoint that refuses holds up no calls.
    pub(super) default_scope: usize,
}

/// A declared quota that a call comes out of.
#[derive(Debug)]
pub(super) struct Counted<'a> {
    pub(super) metered: &'a MeteredQuota,
    /// Its name in the ledger.
    pub(super) name: Arc<str>,
    /// Place of its scope in [`Call::scopes`].
    pub(super) scope: usize,
}

impl<'a> Outlay<'a> {
    pub(super) fn new(metering: &'a Metering, operation: &Operation) -> Self {
        let is_token_request = operation.purpose == Purpose::Token;
        let mut scopes = scopes(metering, operation);
        let last = scopes.len() - 1;
        let place = |per: Per| match per {
            Per::Credential => 0,
            Per::Connection => 1,
            // A call without a partition, such as for the API's description, is one of the connection.
            Per::Partition => last,
        };
        let quotas = metering.quotas.iter().filter(|metered| takes(metered, operation)).map(|metered| Counted {
            name: name(metered, operation),
            scope: place(metered.per),
            metered,
        });
        let quotas: Vec<Counted<'a>> = quotas.collect();
        for counted in &quotas {
            scopes[counted.scope].quotas.push(counted.quota());
        }
        let default_scope = if is_token_request {
            scopes.push(unpaced(ScopeKey(format!("{}|tokens", metering.credential).into())));
            scopes.len() - 1
        } else {
            let default_scope = if operation.partition.is_some() { last } else { 0 };
            scopes[default_scope].is_paced = true;
            default_scope
        };
        let points = quotas.iter().filter(|counted| counted.is_points()).map(|counted| counted.metered.cost).max();
        let bounds = operation.statement.bounds();
        let call = Call {
            scopes,
            points: points.unwrap_or(1),
            is_token_request,
            reserve: Arc::clone(&bounds.reserve),
            priority: bounds.priority,
            spend: Some(SpendKey {
                principal: Arc::clone(&operation.principal),
                connection: Arc::clone(&operation.connection),
                partition: operation.partition.clone(),
                table: operation.table.clone(),
                label: bounds.label.clone(),
            }),
        };
        Self { call: Arc::new(call), quotas, default_scope }
    }
}

impl Counted<'_> {
    /// The quota under the name that it has in the ledger.
    fn quota(&self) -> Arc<tidegate_quota::Quota> {
        let quota = &self.metered.quota;
        if self.name == quota.name {
            return Arc::clone(quota);
        }
        Arc::new(tidegate_quota::Quota { name: Arc::clone(&self.name), ..quota.as_ref().clone() })
    }

    pub(super) fn is_points(&self) -> bool {
        self.metered.quota.unit == Unit::Points
    }
}

/// The scopes of a call in the order of [`Metering::scopes`], without quotas.
fn scopes(metering: &Metering, operation: &Operation) -> Vec<ScopeUse> {
    let partition = operation.partition.as_deref().map(|code| metering.partition(code));
    let keys = [metering.credential.clone(), metering.connection.clone()].into_iter().chain(partition);
    keys.map(unpaced).collect()
}

fn unpaced(key: ScopeKey) -> ScopeUse {
    ScopeUse { key, quotas: Vec::new(), is_paced: false }
}

/// Whether an operation comes out of a quota.
fn takes(metered: &MeteredQuota, operation: &Operation) -> bool {
    let is_token_request = operation.purpose == Purpose::Token;
    if is_token_request || metered.quota.unit == Unit::TokenRequests {
        return is_token_request && metered.quota.unit == Unit::TokenRequests;
    }
    metered.covers(operation.table.as_deref(), &operation.endpoint, operation.purpose == Purpose::Write)
}

/// The name of a quota in the ledger: that of its endpoint goes in where each has counters of its own.
fn name(metered: &MeteredQuota, operation: &Operation) -> Arc<str> {
    let (name, endpoint) = (&metered.quota.name, &operation.endpoint);
    match (metered.each_endpoint, operation.table.as_deref()) {
        (false, _) => Arc::clone(name),
        (true, Some(table)) => format!("{name}@{table}.{endpoint}").into(),
        (true, None) => format!("{name}@{endpoint}").into(),
    }
}
