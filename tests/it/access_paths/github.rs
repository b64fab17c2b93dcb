//! GitHub's manifest: issues of all repositories of one owner, and of one organisation.
//!
//! The network is a server that knows these lists alone, as GitHub's documentation has them: `GET /users/{user}/repos`,
//! `GET /orgs/{org}/repos`, `GET /repos/{owner}/{repo}/issues`, each with `per_page` up to 100, and no `Link` header on a
//! last page (<https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};
use tidegate::transport::{Error, Request, Response, Transport};
use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

const OWNER: &str = "tide";
const REPOSITORIES: [&str; 7] = ["buoy", "dyke", "ebb", "flood", "harbour", "mole", "quay"];
/// Of every so many issues one is closed.
const CLOSED: usize = 3;
const ISSUES: usize = 12;

/// The server, and what it was asked for.
#[derive(Debug, Default)]
struct GitHub {
    log: Mutex<Vec<String>>,
}

impl GitHub {
    /// Requests since the last time: paths, with what they say of the state.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn repository(id: usize, name: &str) -> Json {
    json!({
        "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": format!("{OWNER}/{name}"), "private": false,
        "owner": { "login": OWNER, "type": "Organization" }, "fork": false, "html_url": format!("https://github.com/{OWNER}/{name}"),
    })
}

fn issue(repo: usize, number: usize) -> Json {
    let is_closed = number.is_multiple_of(CLOSED);
    json!({
        "id": repo * 1_000 + number, "node_id": format!("I_{repo}_{number}"), "number": number, "locked": false,
        "title": format!("{} needs care, {number}", REPOSITORIES[repo]), "state": if is_closed { "closed" } else { "open" },
        "user": { "login": "ebb" }, "labels": [], "comments": 0, "html_url": format!("https://github.com/{OWNER}/{number}"),
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "closed_at": null,
    })
}

/// Rows of a list, or 404.
fn answer(path: &str, state: &str) -> Option<Vec<Json>> {
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    match steps.as_slice() {
        ["users" | "orgs", OWNER, "repos"] => {
            Some(REPOSITORIES.iter().enumerate().map(|(id, name)| repository(id + 1, name)).collect())
        }
        ["repos", OWNER, repo, "issues"] => {
            let repo = REPOSITORIES.iter().position(|name| name == repo)?;
            let issues = (1..=ISSUES).map(|number| issue(repo, number));
            Some(issues.filter(|issue| state == "all" || issue["state"] == state).collect())
        }
        _ => None,
    }
}

#[async_trait]
impl Transport for GitHub {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let pairs: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let state = pairs.get("state").map_or("open", String::as_str);
        let path = request.url.path().to_owned();
        let logged = pairs.get("state").map_or(path.clone(), |state| format!("{path} {state}"));
        self.log.lock().unwrap().push(logged);
        assert!(pairs.get("page").is_none_or(|page| page == "1"), "no list has a second page: {}", request.url);
        let (status, body) = match answer(&path, state) {
            Some(rows) => (StatusCode::OK, json!(rows)),
            None => (StatusCode::NOT_FOUND, json!({ "message": "Not Found" })),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        Ok(Response { status, headers, body: Bytes::from(body.to_string()).into(), url: request.url })
    }
}

fn start() -> (Arc<GitHub>, Session) {
    let github = Arc::new(GitHub::default());
    let def = ConnectionDef::new("github", "github", BTreeMap::new()).with("token", "ghp_of_nobody");
    let engine = Engine::builder().connection(def).jitter_seed(1).network(Arc::clone(&github) as Arc<dyn Transport>);
    let session = engine.build().unwrap().session("test");
    (github, session)
}

/// `EXPLAIN CALLS`: the lines by column, the total last.
async fn explained(session: &Session, sql: &str) -> Vec<BTreeMap<String, String>> {
    let outcome = run(session, &format!("EXPLAIN CALLS {sql}")).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let schema = outcome.batches.first().expect("lines").schema();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    outcome.rows().into_iter().map(|row| names.iter().cloned().zip(row).collect()).collect()
}

/// A query, and the list of repositories that it takes.
const QUERIES: [(&str, &str); 3] = [
    (
        "SELECT r.name, count(*) AS open FROM github.repositories r
         JOIN github.issues i ON i.owner = r.owner AND i.repo = r.name
         WHERE r.org = 'tide' AND i.state = 'open' GROUP BY r.name ORDER BY r.name",
        "/orgs/tide/repos",
    ),
    (
        "SELECT r.name, count(*) AS open FROM github.repositories r
         JOIN github.issues i ON i.owner = r.owner AND i.repo = r.name
         WHERE r.owner = 'tide' AND i.state = 'open' GROUP BY r.name ORDER BY r.name",
        "/users/tide/repos",
    ),
    (
        "SELECT r.name, count(*) AS open FROM github.organization_repositories r
         JOIN github.issues i ON i.owner = r.org AND i.repo = r.name
         WHERE r.org = 'tide' AND i.state = 'open' GROUP BY r.name ORDER BY r.name",
        "/orgs/tide/repos",
    ),
];

#[tokio::test]
async fn one_list_of_repositories_and_one_of_issues_each() {
    for (sql, list) in QUERIES {
        let (github, session) = start();
        let before = explained(&session, sql).await;
        assert_eq!(github.taken(), Vec::<String>::new(), "a plan asks nobody");
        let tables: Vec<&str> = before.iter().map(|line| line["table"].as_str()).collect();
        assert!(tables.iter().any(|table| table.ends_with("repositories")) && tables.contains(&"issues"), "{before:?}");
        let issues = before.iter().find(|line| line["table"] == "issues").unwrap();
        assert!(issues["how"].contains("lookup") && issues["pushed"].contains("state"), "{issues:?}");

        let rows = run(&session, sql).await.unwrap().rows();
        let wanted: Vec<Vec<String>> =
            REPOSITORIES.iter().map(|name| vec![(*name).to_owned(), "8".to_owned()]).collect();
        assert_eq!(rows, wanted);
        let mut asked = github.taken();
        assert_eq!(asked.remove(0), list);
        asked.sort();
        let each = REPOSITORIES.iter().map(|name| format!("/repos/tide/{name}/issues open"));
        assert_eq!(asked, each.collect::<Vec<_>>());

        // The repositories are counted now, so that it is known how many lists of issues they are.
        let after = explained(&session, sql).await;
        assert_eq!(github.taken(), Vec::<String>::new(), "a plan asks nobody");
        let total = after.last().unwrap();
        assert_eq!(total["calls"], "8", "{after:?}");
        let (low, high) = (&total["calls_low"], &total["calls_high"]);
        assert!(low.parse::<u64>().unwrap() <= 8 && (high == "NULL" || high.parse::<u64>().unwrap() >= 8), "{total:?}");
    }
}
