//! The system tables: columns, and where their rows come from.

use datafusion::common::Result;
use tidegate_spec::{Column, Endpoint, Exactness, Table};

use super::rows::Kind::{Bool, Int, Millis, Text, Time};
use super::rows::{Kind, Value};
use super::types::sql_type;
use crate::session::Shared;
use crate::settings::{ALL as SETTINGS, PREFIX};
use crate::{Connection, Error};

/// Statements looked through in the state folder, newest first; those of other principals are not shown.
const MOST_STATEMENTS: u32 = 10_000;

type Rows = Result<Vec<Vec<Value>>>;

/// One system table.
#[derive(Debug)]
pub(super) struct SystemTable {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    pub(super) rows: fn(&Shared) -> Rows,
    /// Whether it wants every connection's description.
    pub(super) lists_tables: bool,
}

/// All of them, by name.
pub(super) const ALL: &[SystemTable] = &[
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
        ],
        rows: columns,
        lists_tables: true,
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
        rows: connections,
        lists_tables: false,
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
        ],
        rows: endpoints,
        lists_tables: true,
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
        ],
        rows: requests,
        lists_tables: false,
    },
    SystemTable {
        name: "settings",
        columns: &[("name", Text), ("value", Text), ("default_value", Text), ("description", Text)],
        rows: settings,
        lists_tables: false,
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
            ("calls", Int),
            ("retries", Int),
            ("bytes", Int),
            ("waited_milliseconds", Millis),
            ("milliseconds", Millis),
            ("started_at", Time),
            ("ended_at", Time),
            ("error", Text),
        ],
        rows: statements,
        lists_tables: false,
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
        rows: tables,
        lists_tables: true,
    },
    SystemTable {
        name: "warnings",
        columns: &[("at", Time), ("connection", Text), ("message", Text)],
        rows: warnings,
        lists_tables: false,
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

/// One row per table that is known, and whatever of it `rows` makes.
fn per_table(shared: &Shared, rows: impl Fn(&str, &Table) -> Vec<Vec<Value>>) -> Rows {
    let mut all = Vec::new();
    for (name, connection) in shared.connections() {
        if let Some(known) = shared.engine().models().known(&connection) {
            all.extend(known.tables.iter().flat_map(|table| rows(&name, table)));
        }
    }
    Ok(all)
}

fn tables(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        vec![vec![
            connection.into(),
            table.name.as_str().into(),
            table.api_name.as_str().into(),
            table.columns.len().into(),
            table.endpoints.len().into(),
            table.description.as_deref().into(),
        ]]
    })
}

fn columns(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        let column = |(at, column): (usize, &Column)| {
            let key = table.key.iter().position(|key| *key == at).map(|position| position + 1);
            vec![
                connection.into(),
                table.name.as_str().into(),
                column.name.as_str().into(),
                column.path.join("/").into(),
                (at + 1).into(),
                sql_type(&tidegate_remote::arrow_types::data_type(&column.data_type)).into(),
                column.nullable.into(),
                key.into(),
                operators(table, at, Exactness::Exact).into(),
                operators(table, at, Exactness::Superset).into(),
                table.endpoints.iter().any(|endpoint| endpoint.sort.iter().any(|sort| sort.column == at)).into(),
                column.description.as_deref().into(),
            ]
        };
        table.columns.iter().enumerate().map(column).collect()
    })
}

/// Operators that an endpoint evaluates this exactly on a column; `None` when there are none.
fn operators(table: &Table, column: usize, wanted: Exactness) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for endpoint in &table.endpoints {
        let operators = endpoint.filters.column(column).into_iter().flat_map(|filter| &filter.operators);
        for (operator, exactness) in operators {
            if *exactness == wanted && !names.contains(&operator.sql()) {
                names.push(operator.sql());
            }
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}

fn endpoints(shared: &Shared) -> Rows {
    per_table(shared, |connection, table| {
        let endpoint = |endpoint: &Endpoint| {
            vec![
                connection.into(),
                table.name.as_str().into(),
                endpoint.name.as_str().into(),
                format!("{:?}", endpoint.kind).to_lowercase().into(),
                endpoint.path.as_str().into(),
                endpoint.filters.dialect.as_ref().map(tidegate_spec::Dialect::name).into(),
                endpoint.sort.len().into(),
                format!("{:?}", endpoint.paging).to_lowercase().into(),
                endpoint.window.map(|window| format!("{window:?}").to_lowercase()).into(),
                format!("{:?}", endpoint.projection).to_lowercase().into(),
                endpoint.count.map(|count| format!("{count:?}").to_lowercase()).into(),
                endpoint.max_url_length.into(),
            ]
        };
        table.endpoints.iter().map(endpoint).collect()
    })
}

/// Those of the session's principal: URLs hold the values of filters.
fn requests(shared: &Shared) -> Rows {
    let mut records = shared.engine().parts().requests.snapshot();
    records.retain(|record| *record.principal == **shared.principal());
    let row = |record: tidegate_transport::RequestRecord| {
        vec![
            record.statement.into(),
            record.connection.into(),
            record.table.into(),
            record.endpoint.into(),
            record.page.into(),
            record.method.into(),
            record.url.into(),
            record.status.into(),
            record.attempt.into(),
            record.bytes.into(),
            record.took.into(),
            record.started_at.into(),
            record.error.into(),
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
            end.map(|end| end.calls).into(),
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
