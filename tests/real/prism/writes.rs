//! Statements that write one row, and the request that each sends: Prism refuses a body that the vendor's description does
//! not allow. Where rows are selected first, they are those of the description's examples.
//!
//! Prism reads no arrays of objects in forms (`items[0][price]`).

use tidegate_engine::MutationCounts;

use super::session;
use crate::mutated::mutate;
use crate::served::{Served, decoded};

const CASES: &[(&str, &str, &str)] = &[
    (
        "github",
        "INSERT INTO api.issues (owner, repo, title, body, labels, milestone_number, assignee_login)
         VALUES ('octocat', 'Hello-World', 'Found a bug', 'How', '[\"bug\"]', 1, 'octocat')",
        "POST /repos/octocat/Hello-World/issues",
    ),
    (
        "github",
        "UPDATE api.issues SET title = 'Still', body = NULL, state = 'closed', state_reason = 'not_planned'
         WHERE owner = 'octocat' AND repo = 'Hello-World' AND number = 1347",
        "PATCH /repos/octocat/Hello-World/issues/1347",
    ),
    (
        "github",
        "INSERT INTO api.comments_of_issue (owner, repo, number, body) VALUES ('octocat', 'Hello-World', 1347, 'Me too')",
        "POST /repos/octocat/Hello-World/issues/1347/comments",
    ),
    (
        "github",
        "UPDATE api.issue_comments SET body = 'Me neither' WHERE owner = 'octocat' AND repo = 'Hello-World' AND id = 1",
        "PATCH /repos/octocat/Hello-World/issues/comments/1",
    ),
    (
        "github",
        "INSERT INTO api.labels (owner, repo, name, color) VALUES ('octocat', 'Hello-World', 'a / b', 'f29513')",
        "POST /repos/octocat/Hello-World/labels",
    ),
    (
        "github",
        "INSERT INTO api.milestones (owner, repo, title, state, due_on)
         VALUES ('octocat', 'Hello-World', 'v1.0', 'open', TIMESTAMP '2030-10-09T23:39:01Z')",
        "POST /repos/octocat/Hello-World/milestones",
    ),
    (
        "github",
        "INSERT INTO api.releases (owner, repo, tag_name, name, draft) VALUES ('octocat', 'Hello-World', 'v1.0.0', 'One', false)",
        "POST /repos/octocat/Hello-World/releases",
    ),
    (
        "github",
        "DELETE FROM api.releases WHERE owner = 'octocat' AND repo = 'Hello-World' AND id = 1",
        "DELETE /repos/octocat/Hello-World/releases/1",
    ),
    (
        "github",
        "INSERT INTO api.pull_requests (owner, repo, title, head_label, base_ref)
         VALUES ('octocat', 'Hello-World', 'Amazing', 'octocat:new-feature', 'master')",
        "POST /repos/octocat/Hello-World/pulls",
    ),
    (
        "github",
        "INSERT INTO api.organization_repositories (org, name, private) VALUES ('github', 'Hello-World', true)",
        "POST /orgs/github/repos",
    ),
    (
        "stripe",
        "INSERT INTO api.customers (email, name, balance, metadata, address)
         VALUES ('a@example.com', 'A & Ö', -5, '{\"k\": \"v\"}', '{\"city\": \"Delft\"}')",
        "POST /v1/customers",
    ),
    ("stripe", "INSERT INTO api.products (name, active, url) VALUES ('P', true, NULL)", "POST /v1/products"),
    (
        "stripe",
        "INSERT INTO api.coupons (id, percent_off, duration, redeem_by)
         VALUES ('c1', 12.5, 'once', TIMESTAMP '2030-01-01T00:00:00Z')",
        "POST /v1/coupons",
    ),
    (
        "stripe",
        "INSERT INTO api.tax_rates (display_name, percentage, inclusive) VALUES ('VAT', 19.5, false)",
        "POST /v1/tax_rates",
    ),
    ("stripe", "INSERT INTO api.refunds (charge, amount) VALUES ('ch_1', 100)", "POST /v1/refunds"),
];

/// What is wrong, statement by statement.
pub(super) async fn check(served: &Served) -> Vec<String> {
    let mut wrong = Vec::new();
    for (connector, sql, expected) in CASES {
        served.log();
        let done = mutate(&session(served, connector), sql).await;
        let log = served.log();
        let writes: Vec<_> = log.iter().filter(|entry| entry["method"] != "GET").collect();
        let sent: Vec<_> = writes.iter().map(|entry| (entry["method"].as_str(), entry["path"].as_str())).collect();
        let is_right = match sent[..] {
            [(Some(method), Some(path))] => format!("{method} {}", decoded(path)) == *expected,
            _ => false,
        };
        let MutationCounts { selected, applied, .. } = done.summary.counts;
        if !is_right || (selected, applied) != (1, 1) || writes.iter().any(|entry| !entry["violations"].is_null()) {
            wrong.push(format!("{connector}: {sql}: {writes:?}, {done:?}"));
        }
    }
    wrong
}
