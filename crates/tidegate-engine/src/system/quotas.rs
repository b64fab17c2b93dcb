//! Rows of the system tables about quotas: partitions, quotas, and what was spent.
//!
//! The counters are the ledger's at the moment of the scan, so that calls of other statements and processes show. One
//! read takes all counters of a connection, however many partitions it has.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tidegate_quota::{MeterView, Spend, Unit};

use super::counters::{Counters, scopes};
use super::rows::Value;
use super::tables::Rows;
use crate::partitions::{Selection, known_partitions};
use crate::session::Shared;
use crate::settings::duration_text;
use crate::{Connection, Error, Partition, Partitions};

/// A group of columns of `system.partitions`: the name that a quota has by preference, and the window that makes up for
/// another name.
const GROUPS: [(&str, Duration); 3] = [
    ("daily", Duration::from_secs(86_400)),
    ("hourly", Duration::from_secs(3_600)),
    ("minutely", Duration::from_secs(60)),
];

/// The partitions of a connection as far as they are known; `None` when it has none.
fn partitions_of(shared: &Shared, connection: &Connection) -> Option<Arc<[Partition]>> {
    if connection.partitions == Partitions::None {
        return None;
    }
    Some(known_partitions(shared.engine(), connection).unwrap_or_else(|| Arc::new([])))
}

pub(super) fn partitions(shared: &Shared) -> BoxFuture<'_, Rows> {
    async move {
        let mut rows = Vec::new();
        for (name, connection) in shared.connections() {
            let partitions = partitions_of(shared, &connection);
            let counters = Counters::read(&connection, &codes(partitions.as_deref().unwrap_or_default())).await?;
            let row = |partition| partition_row(&name, &connection, &counters, partition);
            let selection = shared.selection(&connection);
            match &partitions {
                Some(partitions) => rows.extend(partitions.iter().map(|known| row(Some((known, &selection))))),
                None => rows.push(row(None)),
            }
        }
        Ok(rows)
    }
    .boxed()
}

fn codes(partitions: &[Partition]) -> Vec<&str> {
    partitions.iter().map(|partition| partition.code.as_str()).collect()
}

fn partition_row(
    name: &str,
    connection: &Connection,
    counters: &Counters,
    partition: Option<(&Partition, &Selection)>,
) -> Vec<Value> {
    let keys = scopes(connection, partition.map(|(partition, _)| partition.code.as_str()));
    let scope = keys.first().and_then(|own| counters.scope(own));
    let mut row: Vec<Value> = vec![
        connection.def.connector.as_str().into(),
        name.into(),
        partition.map(|(partition, _)| partition.code.as_str()).into(),
        partition.and_then(|(partition, _)| partition.name.as_deref()).into(),
        partition.is_none_or(|(partition, selection)| selection.includes(&partition.code)).into(),
    ];
    for (quota, window) in GROUPS {
        let meter = group(counters.meters(&keys), quota, window);
        row.extend([
            meter.and_then(|meter| meter.limit).into(),
            meter.and_then(|meter| meter.used).into(),
            meter.and_then(|meter| meter.remaining).into(),
            meter.and_then(|meter| meter.resets_at).into(),
        ]);
    }
    row.extend([
        scope.map(|scope| scope.in_flight).into(),
        scope.map(|scope| scope.waiting).into(),
        scope.and_then(|scope| scope.last_call).into(),
    ]);
    row
}

/// The quota of this name; else, of those with this window, one of calls, else of points, and of these the tightest.
fn group<'a>(
    meters: impl Iterator<Item = &'a MeterView> + Clone,
    name: &str,
    window: Duration,
) -> Option<&'a MeterView> {
    let named = meters.clone().find(|meter| meter.name.eq_ignore_ascii_case(name));
    named.or_else(|| {
        let is_spent_by_calls = |meter: &&MeterView| matches!(meter.unit, Unit::Calls | Unit::Points);
        let of_window = meters.filter(|meter| meter.window == Some(window)).filter(is_spent_by_calls);
        of_window.min_by_key(|meter| (meter.unit != Unit::Calls, meter.remaining.or(meter.limit).unwrap_or(u64::MAX)))
    })
}

pub(super) fn quotas(shared: &Shared) -> BoxFuture<'_, Rows> {
    async move {
        let mut rows = Vec::new();
        for (name, connection) in shared.connections() {
            let partitions = partitions_of(shared, &connection);
            let partitions = partitions.as_deref().unwrap_or_default();
            let counters = Counters::read(&connection, &codes(partitions)).await?;
            let metering = &connection.metering;
            for meter in counters.meters(&[metering.credential.clone(), metering.connection.clone()]) {
                rows.push(quota_row(&name, None, meter));
            }
            for partition in partitions {
                for meter in counters.meters(&[metering.partition(&partition.code)]) {
                    rows.push(quota_row(&name, Some(&partition.code), meter));
                }
            }
        }
        Ok(rows)
    }
    .boxed()
}

fn quota_row(connection: &str, partition: Option<&str>, meter: &MeterView) -> Vec<Value> {
    vec![
        connection.into(),
        partition.into(),
        meter.name.as_ref().into(),
        unit(meter.unit).into(),
        meter.window.map(duration_text).into(),
        meter.limit.into(),
        meter.used.into(),
        meter.remaining.into(),
        meter.resets_at.into(),
        meter.source.name().into(),
        meter.in_flight.into(),
        meter.waiting.into(),
        meter.refused.into(),
    ]
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Calls => "calls",
        Unit::Points => "points",
        Unit::Errors => "errors",
        Unit::TokenRequests => "token requests",
    }
}

/// What the session's principal has spent. Money stays open: no price is configured anywhere yet.
pub(super) fn spend(shared: &Shared) -> BoxFuture<'_, Rows> {
    async move {
        let mut spent = shared.engine().parts().ledger.spent().await.map_err(Error::from)?;
        spent.retain(|spend| *spend.key.principal == **shared.principal());
        spent.sort_by(|a, b| (a.day, &a.key).cmp(&(b.day, &b.key)));
        let row = |spend: Spend| {
            vec![
                Value::Day(spend.day),
                spend.key.connection.as_ref().into(),
                spend.key.partition.as_deref().into(),
                spend.key.table.as_deref().into(),
                spend.key.label.as_deref().into(),
                spend.calls.into(),
                spend.points.into(),
                Value::Null,
            ]
        };
        Ok(spent.into_iter().map(row).collect())
    }
    .boxed()
}

#[cfg(test)]
mod tests {
    use tidegate_quota::Source;

    use super::*;

    fn meter(name: &str, unit: Unit, window: Option<u64>, remaining: Option<u64>) -> MeterView {
        MeterView {
            name: name.into(),
            unit,
            limit: Some(100),
            used: None,
            remaining,
            resets_at: None,
            window: window.map(Duration::from_secs),
            source: Source::Observed,
            in_flight: 0,
            waiting: 0,
            refused: 0,
            observed_at: None,
        }
    }

    #[test]
    fn a_group_of_columns_shows_the_quota_of_its_name_else_of_its_window() {
        let named = meter("Daily", Unit::Calls, None, Some(90));
        let points = meter("cost", Unit::Points, Some(86_400), Some(1));
        let loose = meter("app", Unit::Calls, Some(86_400), Some(80));
        let tight = meter("key", Unit::Calls, Some(86_400), Some(7));
        let unknown = meter("other", Unit::Calls, Some(86_400), None);
        let hour = meter("hour", Unit::Calls, Some(3_600), Some(3));
        let errors = meter("errors", Unit::Errors, Some(86_400), Some(2));
        let tokens = meter("tokens", Unit::TokenRequests, Some(86_400), Some(2));
        let cases: &[(&[&MeterView], Option<&str>)] = &[
            (&[&points, &tight, &named], Some("Daily")),
            (&[&points, &loose, &tight, &unknown, &hour], Some("key")),
            (&[&loose, &unknown], Some("app")),
            (&[&points, &hour], Some("cost")),
            (&[&hour], None),
            (&[&errors, &tokens], None),
        ];
        for (meters, expected) in cases {
            let found = group(meters.iter().copied(), "daily", Duration::from_secs(86_400));
            assert_eq!(found.map(|meter| meter.name.as_ref()), *expected);
        }
    }
}
