//! The tables of GitHub's manifest, and what each pushes down.

use super::Case;

const REPO: &str = "owner = 'octocat' AND repo = 'Hello-World'";
const NUMBERED: &str = "owner = 'octocat' AND repo = 'Hello-World' AND number = 1347";

const fn list(table: &'static str, path: &'static str) -> Case {
    Case { table, required: REPO, path, pushed: &[] }
}

const fn of_org(table: &'static str, path: &'static str) -> Case {
    Case { table, required: "org = 'github'", path, pushed: &[] }
}

pub(crate) const CASES: &[Case] = &[
    Case { table: "repositories", required: "owner = 'octocat'", path: "/users/octocat/repos", pushed: &[] },
    Case {
        table: "repositories",
        required: "owner = 'octocat' AND name = 'Hello-World'",
        path: "/repos/octocat/Hello-World",
        pushed: &[],
    },
    Case {
        table: "organization_repositories",
        required: "org = 'github'",
        path: "/orgs/github/repos",
        pushed: &[("private = false", "type=public&")],
    },
    Case {
        table: "my_repositories",
        required: "",
        path: "/user/repos",
        pushed: &[
            ("visibility = 'public'", "visibility=public&"),
            ("updated_at > TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T11:59:59Z&"),
            ("updated_at < TIMESTAMP '2024-01-31T12:00:00Z'", "before=2024-01-31T12:00:00Z&"),
        ],
    },
    Case {
        table: "repository_details",
        required: "owner = 'octocat' AND name = 'Hello-World'",
        path: "/repos/octocat/Hello-World",
        pushed: &[],
    },
    list("forks", "/repos/octocat/Hello-World/forks"),
    Case {
        table: "issues",
        required: REPO,
        path: "/repos/octocat/Hello-World/issues",
        pushed: &[
            ("title <> ''", "state=all&"),
            ("state = 'open'", "state=open&"),
            ("state = 'closed'", "state=closed&"),
            ("updated_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&"),
            ("user_login = 'octocat'", "creator=octocat&"),
            ("assignee_login = 'octocat'", "assignee=octocat&"),
            ("assignee_login IS NULL", "assignee=none&"),
            ("assignee_login IS NOT NULL", "assignee=*&"),
            ("milestone_number = 1", "milestone=1&"),
            ("milestone_number IS NULL", "milestone=none&"),
            ("milestone_number IS NOT NULL", "milestone=*&"),
            ("ORDER BY created_at DESC", "direction=desc&"),
            ("ORDER BY updated_at", "sort=updated&"),
            ("ORDER BY comments DESC", "sort=comments&"),
        ],
    },
    Case { table: "issues", required: NUMBERED, path: "/repos/octocat/Hello-World/issues/1347", pushed: &[] },
    Case {
        table: "issue_comments",
        required: REPO,
        path: "/repos/octocat/Hello-World/issues/comments",
        pushed: &[
            ("updated_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&"),
            ("ORDER BY created_at DESC", "sort=created&"),
            ("ORDER BY updated_at DESC", "sort=updated&"),
        ],
    },
    Case {
        table: "issue_comments",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 1",
        path: "/repos/octocat/Hello-World/issues/comments/1",
        pushed: &[],
    },
    Case {
        table: "comments_of_issue",
        required: NUMBERED,
        path: "/repos/octocat/Hello-World/issues/1347/comments",
        pushed: &[("updated_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&")],
    },
    Case {
        table: "pull_requests",
        required: REPO,
        path: "/repos/octocat/Hello-World/pulls",
        pushed: &[
            ("title <> ''", "state=all&"),
            ("state = 'closed'", "state=closed&"),
            ("base_ref = 'master'", "base=master&"),
            ("head_label = 'octocat:new-topic'", "head=octocat:new-topic&"),
            ("ORDER BY created_at DESC", "sort=created&"),
            ("ORDER BY updated_at DESC", "sort=updated&"),
        ],
    },
    Case { table: "pull_requests", required: NUMBERED, path: "/repos/octocat/Hello-World/pulls/1347", pushed: &[] },
    Case {
        table: "pull_request_details",
        required: NUMBERED,
        path: "/repos/octocat/Hello-World/pulls/1347",
        pushed: &[],
    },
    Case {
        table: "pull_request_files",
        required: NUMBERED,
        path: "/repos/octocat/Hello-World/pulls/1347/files",
        pushed: &[],
    },
    Case {
        table: "pull_request_reviews",
        required: NUMBERED,
        path: "/repos/octocat/Hello-World/pulls/1347/reviews",
        pushed: &[],
    },
    Case {
        table: "pull_request_reviews",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND number = 1347 AND id = 80",
        path: "/repos/octocat/Hello-World/pulls/1347/reviews/80",
        pushed: &[],
    },
    Case {
        table: "review_comments",
        required: REPO,
        path: "/repos/octocat/Hello-World/pulls/comments",
        pushed: &[
            ("updated_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&"),
            ("ORDER BY created_at DESC", "sort=created&"),
            ("ORDER BY updated_at DESC", "sort=updated&"),
        ],
    },
    Case {
        table: "review_comments",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 10",
        path: "/repos/octocat/Hello-World/pulls/comments/10",
        pushed: &[],
    },
    Case {
        table: "commits",
        required: REPO,
        path: "/repos/octocat/Hello-World/commits",
        pushed: &[
            ("committed_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&"),
            ("committed_at <= TIMESTAMP '2024-01-31T12:00:00Z'", "until=2024-01-31T12:00:00Z&"),
            ("author_login = 'octocat'", "author=octocat&"),
            ("committer_login = 'octocat'", "committer=octocat&"),
            ("author_email = 'support@github.com'", "author=support@github.com&"),
            ("committer_email = 'support@github.com'", "committer=support@github.com&"),
        ],
    },
    Case {
        table: "branch_commits",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND ref = 'topic/1'",
        path: "/repos/octocat/Hello-World/commits",
        pushed: &[
            ("message <> ''", "sha=topic/1&"),
            ("committed_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&"),
            ("committed_at < TIMESTAMP '2024-01-31T12:00:00Z'", "until=2024-01-31T12:00:00Z&"),
            ("author_login = 'octocat'", "author=octocat&"),
        ],
    },
    Case {
        table: "commit_details",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND sha = '6dcb09b'",
        path: "/repos/octocat/Hello-World/commits/6dcb09b",
        pushed: &[],
    },
    list("branches", "/repos/octocat/Hello-World/branches"),
    Case {
        table: "branches",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND name = 'topic/1'",
        path: "/repos/octocat/Hello-World/branches/topic/1",
        pushed: &[],
    },
    list("tags", "/repos/octocat/Hello-World/tags"),
    list("releases", "/repos/octocat/Hello-World/releases"),
    Case {
        table: "releases",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 1",
        path: "/repos/octocat/Hello-World/releases/1",
        pushed: &[],
    },
    list("workflows", "/repos/octocat/Hello-World/actions/workflows"),
    Case {
        table: "workflows",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 161335",
        path: "/repos/octocat/Hello-World/actions/workflows/161335",
        pushed: &[],
    },
    Case {
        table: "workflow_runs",
        required: REPO,
        path: "/repos/octocat/Hello-World/actions/runs",
        pushed: &[
            ("head_branch = 'main'", "branch=main&"),
            ("event = 'push'", "event=push&"),
            ("actor_login = 'octocat'", "actor=octocat&"),
            (
                "head_sha = 'acb5820ced9479c074f688cc328bf03f341a511d'",
                "head_sha=acb5820ced9479c074f688cc328bf03f341a511d&",
            ),
            ("check_suite_id = 42", "check_suite_id=42&"),
            ("status = 'completed'", "status=completed&"),
            ("conclusion = 'failure'", "status=failure&"),
            ("created_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "created=>=2024-01-31T12:00:00Z&"),
            ("created_at <= TIMESTAMP '2024-01-31T12:00:00Z'", "created=<=2024-01-31T12:00:00Z&"),
        ],
    },
    Case {
        table: "workflow_runs",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 30433642",
        path: "/repos/octocat/Hello-World/actions/runs/30433642",
        pushed: &[],
    },
    Case {
        table: "workflow_jobs",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND run_id = 29679449",
        path: "/repos/octocat/Hello-World/actions/runs/29679449/jobs",
        pushed: &[("name <> ''", "filter=all&")],
    },
    Case {
        table: "artifacts",
        required: REPO,
        path: "/repos/octocat/Hello-World/actions/artifacts",
        pushed: &[("name = 'Rails v2'", "name=Rails v2&")],
    },
    Case {
        table: "artifacts",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 11",
        path: "/repos/octocat/Hello-World/actions/artifacts/11",
        pushed: &[],
    },
    list("labels", "/repos/octocat/Hello-World/labels"),
    Case {
        table: "labels",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND name = 'good first issue'",
        path: "/repos/octocat/Hello-World/labels/good first issue",
        pushed: &[],
    },
    Case {
        table: "milestones",
        required: REPO,
        path: "/repos/octocat/Hello-World/milestones",
        pushed: &[("title <> ''", "state=all&"), ("state = 'open'", "state=open&")],
    },
    Case { table: "milestones", required: NUMBERED, path: "/repos/octocat/Hello-World/milestones/1347", pushed: &[] },
    Case {
        table: "deployments",
        required: REPO,
        path: "/repos/octocat/Hello-World/deployments",
        pushed: &[
            ("sha = 'a84d88e'", "sha=a84d88e&"),
            ("ref = 'topic-branch'", "ref=topic-branch&"),
            ("task = 'deploy'", "task=deploy&"),
            ("environment = 'production'", "environment=production&"),
        ],
    },
    Case {
        table: "deployments",
        required: "owner = 'octocat' AND repo = 'Hello-World' AND id = 1",
        path: "/repos/octocat/Hello-World/deployments/1",
        pushed: &[],
    },
    list("contributors", "/repos/octocat/Hello-World/contributors"),
    list("collaborators", "/repos/octocat/Hello-World/collaborators"),
    list("stargazers", "/repos/octocat/Hello-World/stargazers"),
    list("watchers", "/repos/octocat/Hello-World/subscribers"),
    list("repository_events", "/repos/octocat/Hello-World/events"),
    Case { table: "user_events", required: "login = 'octocat'", path: "/users/octocat/events/public", pushed: &[] },
    Case { table: "users", required: "login = 'octocat'", path: "/users/octocat", pushed: &[] },
    Case { table: "followers", required: "\"user\" = 'octocat'", path: "/users/octocat/followers", pushed: &[] },
    Case {
        table: "gists",
        required: "\"user\" = 'octocat'",
        path: "/users/octocat/gists",
        pushed: &[("updated_at >= TIMESTAMP '2024-01-31T12:00:00Z'", "since=2024-01-31T12:00:00Z&")],
    },
    Case { table: "organizations", required: "login = 'github'", path: "/orgs/github", pushed: &[] },
    of_org("organization_members", "/orgs/github/members"),
    of_org("teams", "/orgs/github/teams"),
    Case {
        table: "teams",
        required: "org = 'github' AND slug = 'justice-league'",
        path: "/orgs/github/teams/justice-league",
        pushed: &[],
    },
    Case {
        table: "team_members",
        required: "org = 'github' AND team_slug = 'justice-league'",
        path: "/orgs/github/teams/justice-league/members",
        pushed: &[],
    },
    Case {
        table: "search_repositories",
        required: "query = 'tetris in:name'",
        path: "/search/repositories",
        pushed: &[
            ("name <> ''", "q=fork:true tetris in:name&"),
            ("ORDER BY stargazers_count DESC", "sort=stars&"),
            ("ORDER BY forks_count DESC", "sort=forks&"),
        ],
    },
    Case {
        table: "search_issues",
        required: "query = 'repo:octocat/Hello-World is:issue'",
        path: "/search/issues",
        pushed: &[
            ("title <> ''", "q=repo:octocat/Hello-World is:issue&"),
            ("ORDER BY created_at DESC", "sort=created&"),
            ("ORDER BY updated_at DESC", "sort=updated&"),
            ("ORDER BY comments DESC", "sort=comments&"),
        ],
    },
    Case {
        table: "search_code",
        required: "query = 'addClass'",
        path: "/search/code",
        pushed: &[("name <> ''", "q=addClass&")],
    },
    Case {
        table: "search_users",
        required: "query = 'tom repos:>42'",
        path: "/search/users",
        pushed: &[("login <> ''", "q=tom repos:>42&")],
    },
];
