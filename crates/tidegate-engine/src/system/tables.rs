//! The system tables: columns, and where their rows come from.

use datafusion::common::Result;
use futures::future::BoxFuture;
use tidegate_transport::CacheOutcome;

use super::mutations::Pages;
use super::rows::Kind::{Bool, Day, Int, Millis, Money, Text, Time};
use super::rows::{Kind, Value};
use super::{api, cache, mutations, quotas};
use crate::session::Shared;
use crate::settings::{ALL as SETTINGS, PREFIX};
use crate::{Connection, Error};

/// Statements looked through in the state folder, newest first; those of other principals are not shown.
const MOST_STATEMENTS: u32 = 10_000;

pub(super) type Rows = Result<Vec<Vec<Value>>>;

/// One system table.
#[derive(Debug)]
pub(super) struct SystemTable {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    pub(super) rows: Reader,
    pub(super) wants: Wants,
}

/// Where the rows come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reader {
    /// Memory, or a short look into the state folder.
    Now(fn(&Shared) -> Rows),
    /// The ledger, which other processes may be using.
    Ledger(for<'a> fn(&'a Shared) -> BoxFuture<'a, Rows>),
    /// The journal of mutations, which may be long.
    Journal(fn(&Shared) -> Pages),
}

/// What a table wants of every connection before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Nothing,
    /// Its description.
    Tables,
    /// The list of its partitions.
    Partitions,
}

use Reader::{Journal, Ledger, Now};

/// All of them, by name.
pub(super) const ALL: &[SystemTable] = &[
    SystemTable {
        name: "cache",
        columns: &[
            ("connection", Text),
            ("table_name", Text),
            ("url", Text),
            ("bytes", Int),
            ("stored_at", Time),
            ("used_at", Time),
            ("fresh_until", Time),
            ("hits", Int),
        ],
        rows: Now(cache::cache),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "columns",
        columns: &[
            ("connection", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("api_name", Text),
            ("ordinal", Int),
            ("data_type", Text),
            ("nullable", Bool),
            ("key_ordinal", Int),
            ("pushed_exactly", Text),
            ("pushed_and_rechecked", Text),
            ("sortable", Bool),
            ("description", Text),
            ("source", Text),
            ("operators", Text),
            ("required_by", Text),
        ],
        rows: Now(api::columns),
        wants: Wants::Tables,
    },
    SystemTable {
        name: "connections",
        columns: &[
            ("name", Text),
            ("connector", Text),
            ("url", Text),
            ("writes", Bool),
            ("tables", Int),
            ("is_default", Bool),
        ],
        rows: Now(connections),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "endpoints",
        columns: &[
            ("connection", Text),
            ("table_name", Text),
            ("endpoint", Text),
            ("kind", Text),
            ("path", Text),
            ("filters", Text),
            ("sorts", Int),
            ("paging", Text),
            ("window", Text),
            ("projection", Text),
            ("count", Text),
            ("max_url_length", Int),
            ("method", Text),
            ("page_size_max", Int),
            ("required_filters", Text),
            ("returns", Text),
            ("ceiling", Int),
            ("sliced_by", Text),
            ("stable", Bool),
            ("consistency", Text),
        ],
        rows: Now(api::endpoints),
        wants: Wants::Tables,
    },
    SystemTable {
        name: "mutation_rows",
        columns: &[
            ("mutation_id", Text),
            ("ordinal", Int),
            ("partition", Text),
            ("kind", Text),
            ("key", Text),
            ("old_values", Text),
            ("new_values", Text),
            ("returned_values", Text),
            ("outcome", Text),
            ("status", Int),
            ("error", Text),
            ("attempts", Int),
            ("idempotency_key", Text),
            ("sent_at", Time),
            ("ended_at", Time),
        ],
        rows: Journal(mutations::mutation_rows),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "mutations",
        columns: &[
            ("mutation_id", Text),
            ("statement", Text),
            ("kind", Text),
            ("state", Text),
            ("connection", Text),
            ("table_name", Text),
            ("rows_selected", Int),
            ("rows_applied", Int),
            ("rows_accepted", Int),
            ("rows_failed", Int),
            ("rows_skipped", Int),
            ("rows_unknown", Int),
            ("rows_left", Int),
            ("rows_sent", Int),
            ("calls", Int),
            ("reason", Text),
            ("label", Text),
            ("undo_of", Text),
            ("started_at", Time),
            ("sealed_at", Time),
            ("ended_at", Time),
        ],
        rows: Journal(mutations::mutations),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "partitions",
        columns: &[
            ("provider_name", Text),
            ("provider_data_container_alias", Text),
            ("code", Text),
            ("name", Text),
            ("is_selected", Bool),
            ("daily_limit", Int),
            ("daily_used", Int),
            ("daily_remaining", Int),
            ("daily_reset_date_utc", Time),
            ("hourly_limit", Int),
            ("hourly_used", Int),
            ("hourly_remaining", Int),
            ("hourly_reset_date_utc", Time),
            ("minutely_limit", Int),
            ("minutely_used", Int),
            ("minutely_remaining", Int),
            ("minutely_reset_date_utc", Time),
            ("in_flight", Int),
            ("waiting", Int),
            ("last_call_utc", Time),
        ],
        rows: Ledger(quotas::partitions),
        wants: Wants::Partitions,
    },
    SystemTable {
        name: "quotas",
        columns: &[
            ("connection", Text),
            ("partition", Text),
            ("name", Text),
            ("unit", Text),
            ("window", Text),
            ("quota_limit", Int),
            ("used", Int),
            ("remaining", Int),
            ("resets_at", Time),
            ("source", Text),
            ("in_flight", Int),
            ("waiting", Int),
            ("refused", Int),
        ],
        rows: Ledger(quotas::quotas),
        wants: Wants::Partitions,
    },
    SystemTable {
        name: "requests",
        columns: &[
            ("statement_id", Int),
            ("connection", Text),
            ("table_name", Text),
            ("endpoint", Text),
            ("page", Int),
            ("method", Text),
            ("url", Text),
            ("status", Int),
            ("attempt", Int),
            ("bytes", Int),
            ("milliseconds", Millis),
            ("started_at", Time),
            ("error", Text),
            ("quota_wait", Millis),
            ("cache", Text),
        ],
        rows: Now(requests),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "settings",
        columns: &[("name", Text), ("value", Text), ("default_value", Text), ("description", Text)],
        rows: Now(settings),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "spend",
        columns: &[
            ("day", Day),
            ("connection", Text),
            ("partition", Text),
            ("table_name", Text),
            ("label", Text),
            ("calls", Int),
            ("points", Int),
            ("money", Money),
        ],
        rows: Ledger(quotas::spend),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "statements",
        columns: &[
            ("statement_id", Int),
            ("process_id", Int),
            ("principal", Text),
            ("kind", Text),
            ("sql", Text),
            ("label", Text),
            ("state", Text),
            ("complete", Bool),
            ("rows", Int),
            ("predicted_low", Int),
            ("predicted", Int),
            ("predicted_high", Int),
            ("calls", Int),
            ("cache_hits", Int),
            ("revalidated", Int),
            ("retries", Int),
            ("bytes", Int),
            ("waited_milliseconds", Millis),
            ("milliseconds", Millis),
            ("started_at", Time),
            ("ended_at", Time),
            ("error", Text),
        ],
        rows: Now(statements),
        wants: Wants::Nothing,
    },
    SystemTable {
        name: "tables",
        columns: &[
            ("connection", Text),
            ("table_name", Text),
            ("api_name", Text),
            ("columns", Int),
            ("endpoints", Int),
            ("description", Text),
        ],
        rows: Now(api::tables),
        wants: Wants::Tables,
    },
    SystemTable {
        name: "warnings",
        columns: &[("at", Time), ("connection", Text), ("message", Text)],
        rows: Now(warnings),
        wants: Wants::Nothing,
    },
];

fn connections(shared: &Shared) -> Rows {
    let default = shared.default_schema();
    let row = |(name, connection): (String, std::sync::Arc<Connection>)| {
        let known = shared.engine().models().known(&connection);
        vec![
            name.as_str().into(),
            connection.def.connector.as_str().into(),
            tidegate_transport::redact_url(&connection.base).into(),
            connection.writes.into(),
            known.map(|known| known.tables.len()).into(),
            (name == default).into(),
        ]
    };
    Ok(shared.connections().into_iter().map(row).collect())
}

/// Those of the session's principal: URLs hold the values of filters.
fn requests(shared: &Shared) -> Rows {
    let mut records = shared.engine().parts().requests.snapshot();
    records.retain(|record| *record.principal == **shared.principal());
    let row = |record: tidegate_transport::RequestRecord| {
        vec![
            record.statement.into(),
            record.connection.as_ref().into(),
            record.table.as_deref().into(),
            record.endpoint.as_ref().into(),
            record.page.into(),
            record.method.as_str().into(),
            record.url.into(),
            record.status.into(),
            record.attempt.into(),
            record.bytes.into(),
            record.took.into(),
            record.started_at.into(),
            record.error.into(),
            record.quota_wait.into(),
            record.cache.map(CacheOutcome::name).into(),
        ]
    };
    Ok(records.into_iter().map(row).collect())
}

fn statements(shared: &Shared) -> Rows {
    let mut records = shared.engine().parts().state.statements(MOST_STATEMENTS).map_err(Error::from)?;
    records.retain(|record| *record.start.principal == **shared.principal());
    let row = |record: tidegate_state::StatementRecord| {
        let (start, end) = (record.start, record.end.as_ref());
        vec![
            record.id.into(),
            record.process.into(),
            start.principal.into(),
            start.kind.into(),
            start.sql.into(),
            start.label.into(),
            end.map_or("running", |end| end.state.as_str()).into(),
            end.map(|end| end.state == "done").into(),
            end.map(|end| end.rows).into(),
            end.and_then(|end| end.predicted_low).into(),
            end.and_then(|end| end.predicted).into(),
            end.and_then(|end| end.predicted_high).into(),
            end.map(|end| end.calls).into(),
            end.map(|end| end.cache_hits).into(),
            end.map(|end| end.revalidated).into(),
            end.map(|end| end.retries).into(),
            end.map(|end| end.bytes).into(),
            end.map(|end| end.waited).into(),
            end.and_then(|end| end.ended_at.duration_since(start.started_at).ok()).into(),
            start.started_at.into(),
            end.map(|end| end.ended_at).into(),
            end.and_then(|end| end.error.as_deref()).into(),
        ]
    };
    Ok(records.into_iter().map(row).collect())
}

fn settings(shared: &Shared) -> Rows {
    let (settings, defaults) = (shared.settings(), crate::Settings::default());
    let row = |setting: &crate::settings::Setting| {
        vec![
            format!("{PREFIX}{}", setting.name).into(),
            setting.get(&settings).into(),
            setting.get(&defaults).into(),
            setting.description.into(),
        ]
    };
    Ok(SETTINGS.iter().map(row).collect())
}

fn warnings(shared: &Shared) -> Rows {
    let warnings = shared.engine().warnings().snapshot(shared.principal());
    let row =
        |warning: super::warnings::Warning| vec![warning.at.into(), warning.connection.into(), warning.message.into()];
    Ok(warnings.into_iter().map(row).collect())
}
