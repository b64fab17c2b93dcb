//! GitHub's and Stripe's own descriptions, mocked by Prism: every table, every filter and every order asks only what the
//! vendor says may be asked, and what is written is what it takes.
//!
//! `prism/start.sh` first holds the manifests against the descriptions (`prism/check.mjs`). Prism answers with examples,
//! whatever is asked, so that rows tell nothing here: only that they can be read. A filter that is recomputed may leave
//! none.
//!
//! What the descriptions contradict themselves in, and who bears it:
//! - GitHub, `actions/runs`: `created` is a date-time by its schema and a range by its text. Put right in
//!   `prism/descriptions.mjs`.
//! - GitHub, `actions/workflows/{workflow_id}`: exactly one of number and text, and every number is a text. Likewise.
//! - GitHub, jobs of a run: the example has no `created_at`, which is required. The column may be null.
//! - GitHub, one issue, and others: the example stands one level too deep. Put right likewise.
//! - GitHub: examples miss members that are required and that no column reads; Prism does not check answers.
//! - Stripe, invoices: `id` may be missing, in previews alone. The column is the key and never null.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

use crate::served::{Served, decoded};

mod github;
mod stripe;
mod writes;

/// A table, the filters without which it cannot be asked, and what is pushed down besides.
pub(crate) struct Case {
    table: &'static str,
    /// Predicate with the required filters; empty for none.
    required: &'static str,
    /// Path of the request, to its `?`.
    path: &'static str,
    /// A predicate or an order each, and what the request then has, decoded.
    pushed: &'static [(&'static str, &'static str)],
}

fn session(served: &Served, connector: &str) -> Session {
    let def = ConnectionDef::new("api", connector, BTreeMap::new());
    let def = def.with("url", &served.at(&format!("/{connector}/"))).with("writes", "true");
    let def = if connector == "stripe" { def.with("api_key", "sk_test_tidegate") } else { def };
    Engine::builder().connection(def).build().unwrap().session("test")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vendors_descriptions() {
    let served = Served::start("prism");
    tokio::time::timeout(Duration::from_secs(900), async {
        let mut wrong = Vec::new();
        for (connector, cases) in [("github", github::CASES), ("stripe", stripe::CASES)] {
            every_table_has_a_case(&served, connector, cases).await;
            for case in cases {
                wrong.extend(check(&served, connector, case).await);
            }
        }
        wrong.extend(lists_feed_lists(&served).await.err());
        wrong.extend(writes::check(&served).await);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await
    .expect("the tests end in time");
}

async fn every_table_has_a_case(served: &Served, connector: &str, cases: &[Case]) {
    let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'api' ORDER BY 1";
    let tables = run(&session(served, connector), sql).await.unwrap().rows().concat();
    let mut cased: Vec<_> = cases.iter().map(|case| case.table.to_owned()).collect();
    cased.sort();
    cased.dedup();
    assert_eq!(tables, cased, "{connector}");
}

/// What is wrong with the table, statement by statement.
async fn check(served: &Served, connector: &str, case: &Case) -> Vec<String> {
    let session = session(served, connector);
    let filter = if case.required.is_empty() { "TRUE" } else { case.required };
    // Columns of details are asked for elsewhere.
    let columns = format!(
        "SELECT string_agg('\"' || column_name || '\"', ', ' ORDER BY ordinal) FROM system.columns \
         WHERE connection = 'api' AND table_name = '{}' AND source <> 'detail'",
        case.table
    );
    let columns = match run(&session, &columns).await {
        Ok(columns) => columns.rows().concat().concat(),
        Err(error) => return vec![format!("{}: {error}", case.table)],
    };
    let whole = format!("SELECT {columns} FROM api.{} WHERE {filter}", case.table);
    let mut wrong = Vec::new();
    for (pushed, expected) in std::iter::once(&("", "")).chain(case.pushed) {
        let sql = match *pushed {
            "" => whole.clone(),
            order if order.starts_with("ORDER BY") => format!("{whole} {order} LIMIT 1"),
            filter => format!("{whole} AND {filter}"),
        };
        if let Err(problem) = request(served, &session, &sql, case.path, expected).await {
            wrong.push(format!("{sql}: {problem}"));
        }
    }
    wrong
}

/// One list of repositories, and one of issues for each repository in it: the example has one.
async fn lists_feed_lists(served: &Served) -> Result<(), String> {
    let session = session(served, "github");
    for (table, owner, by, list) in [
        ("repositories", "owner", "org", "/orgs/octocat/repos"),
        ("repositories", "owner", "owner", "/users/octocat/repos"),
        ("organization_repositories", "org", "org", "/orgs/octocat/repos"),
    ] {
        served.log();
        let sql = format!(
            "SELECT r.name, i.number FROM api.{table} r JOIN api.issues i ON i.owner = r.{owner} AND i.repo = r.name
             WHERE r.{by} = 'octocat' AND i.state = 'open'"
        );
        let outcome = run(&session, &sql).await;
        let log = served.log();
        if let Some(refused) = log.iter().find(|entry| entry["status"] != 200 || !entry["violations"].is_null()) {
            return Err(format!("{sql}: refused: {refused}"));
        }
        outcome.map_err(|error| format!("{sql}: {error}"))?;
        let sent: Vec<_> = log.iter().map(|entry| decoded(entry["path"].as_str().unwrap())).collect();
        let paths: Vec<_> = sent.iter().map(|sent| sent.split('?').next().unwrap_or_default()).collect();
        let is_open = sent.last().is_some_and(|sent| sent.contains("state=open"));
        if paths != [list, "/repos/octocat/Hello-World/issues"] || !is_open {
            return Err(format!("{sql}: {sent:?}"));
        }
    }
    Ok(())
}

/// Runs the statement, which asks this path with this part in its query, and for nothing that Prism refuses.
async fn request(served: &Served, session: &Session, sql: &str, path: &str, part: &str) -> Result<(), String> {
    served.log();
    let outcome = run(session, sql).await;
    let log = served.log();
    if let Some(refused) = log.iter().find(|entry| entry["status"] != 200 || !entry["violations"].is_null()) {
        return Err(format!("refused: {refused}"));
    }
    outcome.map_err(|error| error.to_string())?;
    let sent: Vec<_> = log.iter().map(|entry| decoded(entry["path"].as_str().unwrap())).collect();
    let fits = |sent: &String| {
        let (asked, query) = sent.split_once('?').unwrap_or((sent, ""));
        asked == path && format!("{query}&").contains(part)
    };
    if sent.is_empty() || !sent.iter().all(fits) {
        return Err(format!("expected {path} with {part}: {sent:?}"));
    }
    Ok(())
}
