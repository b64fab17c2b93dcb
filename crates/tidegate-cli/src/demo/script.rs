//! The statements of the tour, in order.

/// One step: what it shows, and the statement that shows it. `{url}` is the simulated API's.
pub(super) struct Step {
    pub(super) about: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const STEPS: &[Step] = &[
    Step {
        about: "Connect to an API. All it takes is its URL; nothing is sent yet.",
        sql: "CREATE CONNECTION crm USING odata OPTIONS (url '{url}', text 'binary')",
    },
    Step { about: "What is connected?", sql: "SELECT name, connector, url FROM system.connections WHERE name = 'crm'" },
    Step {
        about: "The API describes itself: one call, then it is cached.",
        sql: "SELECT table_name, count(*) AS columns FROM information_schema.columns\n\
              WHERE table_schema = 'crm' GROUP BY table_name ORDER BY table_name",
    },
    Step {
        about: "Filter, order and limit are the API's work: one small page instead of twenty full ones.",
        sql: "SELECT name, region, revenue FROM crm.accounts\n\
              WHERE region = 'EMEA' AND name LIKE 'Acme%' AND revenue < 1000000 ORDER BY revenue DESC LIMIT 5",
    },
    Step {
        about: "Counting, too: the API counts, and no row is fetched.",
        sql: "SELECT count(*) AS accounts FROM crm.accounts WHERE region = 'EMEA'",
    },
    Step {
        about: "Two tables joined. What the API can filter is filtered there; the join is done here.",
        sql: "SELECT a.name, o.orderdate, o.total FROM crm.orders o JOIN crm.accounts a ON a.id = o.accountid\n\
              WHERE o.orderdate >= DATE '2024-11-01' AND o.total < 1000000 AND a.region = 'EMEA'\n\
              ORDER BY o.total DESC LIMIT 5",
    },
    Step {
        about: "EXPLAIN sends no data call. It shows what is asked of the API (pushed) and what is checked here (residual).",
        sql: "EXPLAIN SELECT name FROM crm.accounts\n\
              WHERE region = 'EMEA' AND length(name) > 10 ORDER BY revenue DESC LIMIT 5",
    },
    Step {
        about: "The first calls of this tour: every one is kept, with what was asked for.",
        sql: "SELECT statement_id AS statement, table_name, page, bytes,\n\
              substr(url, strpos(url, 'v4/') + 3) AS asked_for FROM system.requests\n\
              ORDER BY started_at LIMIT 6",
    },
];

/// What is to be done in the evening, and what there is to do it with.
pub(super) const EVENING: &[Step] = &[
    Step {
        about: "All administrations at once. How much is left of their calls costs one call each.",
        sql: "USE all@erp;\nREFRESH QUOTAS erp",
    },
    Step {
        about: "What is left, before. Looking costs nothing.",
        sql: "SELECT code, daily_limit, daily_remaining, minutely_remaining FROM SystemPartitions@DataDictionary\n\
              WHERE is_selected ORDER BY length(code), code LIMIT 3",
    },
    Step {
        about: "The bounds: leave 20 calls a day to everybody else, and stop when the rest is spent.",
        sql: "SET tidegate.quota_reserve = 'daily=20';\nSET tidegate.on_quota_exhausted = 'stop'",
    },
];

/// The job, which the quotas end, and what it came to.
pub(super) const TOMORROW: &[Step] = &[
    Step {
        about: "The job: every prospect becomes a closed account, as fast as the quotas allow.",
        sql: "UPDATE erp.accounts SET status = 'Closed' WHERE status = 'Prospect'",
    },
    Step {
        about: "What is left, after: the reserve.",
        sql: "SELECT code, daily_limit, daily_remaining FROM SystemPartitions@DataDictionary\n\
              WHERE is_selected ORDER BY length(code), code LIMIT 3",
    },
    Step {
        about: "Every row is in the journal, in the state folder. The tour removes its own; yours stays, and tomorrow\n   RESUME MUTATION goes on with what is left.",
        sql: "SELECT kind, state, rows_selected, rows_applied, rows_failed, rows_unknown FROM system.mutations",
    },
];
