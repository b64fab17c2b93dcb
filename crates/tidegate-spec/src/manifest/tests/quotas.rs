//! Quotas: what can be said, what it means, and what is wrong.

use std::time::Duration;

use super::*;

fn terms(quota: &str) -> QuotaTerms {
    let manifest = parsed(&manifest_of(&format!("quotas: [{quota}]"), "", ""));
    manifest.quotas()[0].terms().unwrap_or_else(|problems| panic!("{quota}: {problems:?}"))
}

fn header(name: &str) -> Option<FigurePlace> {
    Some(FigurePlace::Header(name.to_owned()))
}

#[test]
fn every_kind_of_limit_can_be_said() {
    let window = |limit, window| QuotaLimit::Window { limit, window };
    let seconds = |seconds, starts| QuotaWindow::Length(Duration::from_secs(seconds), starts);
    let amsterdam = chrono_tz::Europe::Amsterdam;
    let bucket =
        |capacity, per_second| QuotaLimit::Bucket(Bucket { capacity, per_second: Rate::new(per_second).unwrap() });
    for (text, limit) in [
        ("window: 60s, limit: 30", window(Some(30), seconds(60, WindowStart::Sliding))),
        ("window: 1d, limit: 30, starts: aligned", window(Some(30), seconds(86_400, WindowStart::Aligned))),
        ("window: 1h, limit: 30, starts: first_call", window(Some(30), seconds(3_600, WindowStart::FirstCall))),
        ("window: day, limit: 5000", window(Some(5000), QuotaWindow::Day(chrono_tz::UTC))),
        ("window: day, zone: Europe/Amsterdam, limit: 5", window(Some(5), QuotaWindow::Day(amsterdam))),
        ("window: month, zone: Europe/Amsterdam, limit: 5", window(Some(5), QuotaWindow::Month(amsterdam))),
        ("window: 1h, remaining: { header: Left }", window(None, seconds(3_600, WindowStart::Sliding))),
        ("window: 1h, limit: { header: Most }", window(None, seconds(3_600, WindowStart::Sliding))),
        ("window: 1h, used_of_limit: { header: Usage }", window(None, seconds(3_600, WindowStart::Sliding))),
        ("concurrent: 10", QuotaLimit::Concurrent(10)),
        ("bucket: { capacity: 40, per_second: 2 }", bucket(40, 2.0)),
        ("bucket: { capacity: 1000, per_second: 0.5 }, of: points", bucket(1000, 0.5)),
    ] {
        assert_eq!(terms(&format!("{{ name: q, {text} }}")).limit, limit, "{text}");
    }
}

#[test]
fn every_figure_can_be_said() {
    let read = terms(
        "{ name: q, of: points, bucket: { capacity: 2000, per_second: 100 }, cost: 10, per: partition, for: reads, \
         each_endpoint: true, only: [things], remaining: { header: X-Left }, used: { header: Usage, pair: used }, \
         reported_limit: { body: extensions.cost.most }, reported_cost: { body: extensions.cost.actual }, \
         per_second: { header: X-Rate }, free_statuses: [304] }",
    );
    let body = |name: &str| Some(FigurePlace::Body(vec!["extensions".to_owned(), "cost".to_owned(), name.to_owned()]));
    assert_eq!(read.figures.remaining, header("X-Left"));
    assert_eq!(read.figures.used, Some(FigurePlace::Pair("Usage".to_owned(), "used".to_owned())));
    assert_eq!((read.figures.limit, read.figures.cost), (body("most"), body("actual")));
    assert_eq!(read.figures.per_second, header("X-Rate"));
    assert_eq!((read.per, read.of, read.cost), (QuotaScope::Partition, QuotaUnit::Points, 10));
    assert_eq!((read.operations, read.each_endpoint), (Some(QuotaOperations::Reads), true));
    assert_eq!(read.only, ["things"]);
    assert_eq!(read.free_statuses, [304]);

    let read = terms(
        "{ name: q, window: 1h, limit: { header: Most }, reset: { header: Reset, as: iso8601 }, of: points, \
         cost: { body: cost } }",
    );
    assert_eq!(read.figures.limit, header("Most"));
    assert_eq!(read.figures.reset, header("Reset").zip(Some(ReportedForm::Iso8601)));
    assert_eq!((read.cost, read.figures.cost), (1, Some(FigurePlace::Body(vec!["cost".to_owned()]))));
    let read = terms("{ name: q, window: day, limit: 5, used_of_limit: { header: Usage } }");
    assert_eq!(read.figures.used_of_limit, header("Usage"));
}

#[test]
fn each_mistake_is_said_where_it_stands() {
    let cases = [
        ("name: Q, window: 1s, limit: 1", "name", "is no name of a quota"),
        ("name: concurrency, concurrent: 1", "name", "own pacing"),
        ("name: q", "", "\"window\" is missing"),
        ("name: q, window: 1s", "", "\"limit\" is missing"),
        ("name: q, window: 1s, limit: 0", "limit", "at least 1"),
        ("name: q, window: 1s, limit: -1", "limit", "at least 0"),
        ("name: q, window: weekly, limit: 1", "window", "is no length of time"),
        ("name: q, window: 3661d, limit: 1", "window", "longer than ten years"),
        ("name: q, window: 1s, limit: 1, zone: UTC", "zone", "`window: day` and `window: month` alone"),
        ("name: q, window: day, limit: 1, zone: Europe/Amsterdm", "zone", "did you mean \"Europe/Amsterdam\"?"),
        ("name: q, window: day, limit: 1, zone: Nowhere/Atlantis", "zone", "is no time zone; expected such as"),
        ("name: q, window: day, limit: 1, starts: aligned", "starts", "starts at midnight"),
        ("name: q, window: 1s, limit: 1, starts: alignd", "starts", "did you mean \"aligned\"?"),
        ("name: q, concurrent: 0", "concurrent", "at least 1"),
        ("name: q, concurrent: 1, limit: 1", "", "in place of"),
        ("name: q, concurrent: 1, of: points", "of", "of calls alone"),
        ("name: q, concurrent: 1, reset: { header: R, as: seconds }", "reset", "no window"),
        ("name: q, bucket: { capacity: 0, per_second: 1 }", "bucket.capacity", "at least 1"),
        ("name: q, bucket: { capacity: 1, per_second: 0 }", "bucket.per_second", "more than 0"),
        ("name: q, bucket: { capacity: 1, per_second: fast }", "bucket.per_second", "expected a number"),
        ("name: q, bucket: { capacity: 1.5, per_second: 1 }", "bucket.capacity", "a whole number"),
        ("name: q, bucket: { capacity: 1 }", "bucket", "\"per_second\" is missing"),
        ("name: q, bucket: { capacity: 1, per_second: 1 }, window: 1s", "", "`bucket` stands in place of"),
        ("name: q, bucket: { capacity: 1, per_second: 1 }, of: errors", "of", "calls or points"),
        ("name: q, window: 1s, limit: 1, of: token", "of", "expected calls, points, errors, token_requests"),
        ("name: q, window: 1s, limit: 1, of: token_requests, for: reads", "of", "of no table"),
        ("name: q, window: 1s, limit: 1, of: token_requests, per: partition", "per", "of no partition"),
        ("name: q, window: 1s, limit: 1, free_statuses: [30]", "free_statuses", "30 is no status of a response"),
        ("name: q, concurrent: 1, free_statuses: [304]", "free_statuses", "takes its place"),
        ("name: q, window: 1s, limit: 1, cost: 5", "cost", "`of: points` alone"),
        ("name: q, window: 1s, limit: 1, per_second: { header: R }", "per_second", "`bucket` alone"),
        ("name: q, window: 1s, limit: 1, remaining: { header: R, as: seconds }", "remaining.as", "`reset` alone"),
        ("name: q, window: 1s, limit: 1, reset: { header: R }", "reset", "\"as\" is missing"),
        ("name: q, window: 1s, limit: 1, remaining: { pair: left }", "remaining", "within a `header`"),
        ("name: q, window: 1s, limit: 1, remaining: {}", "remaining", "expected header or body"),
        ("name: q, window: 1s, limit: 1, remaining: { header: a, body: b }", "remaining", "expected one"),
        ("name: q, window: 1s, limit: 1, remaining: { header: 'a b' }", "remaining.header", "no name of a header"),
        ("name: q, window: 1s, limit: 1, remaining: { body: a..b }", "remaining.body", "empty step"),
        ("name: q, window: 1s, limit: { header: a }, reported_limit: { header: b }", "reported_limit", "already"),
        ("name: q, window: 1s, limit: 1, only: [thing]", "only.0", "did you mean \"things\"?"),
        ("name: q, window: 1s, limit: 1, only: [quota_check]", "only.0", "there is no table"),
    ];
    for (quota, path, message) in cases {
        let text = manifest_of(&format!("quotas: [{{ {quota} }}]"), "", "");
        let problems = Manifest::parse(&text, "test.yaml").expect_err(quota);
        let path = if path.is_empty() { "quotas.0".to_owned() } else { format!("quotas.0.{path}") };
        let found = problems.iter().any(|problem| problem.path == path && problem.message.contains(message));
        assert!(found, "expected {path}: {message}, found\n{}in {quota}", lines(&problems));
        assert!(problems.iter().all(|problem| problem.line > 0), "{}", lines(&problems));
    }
}

#[test]
fn a_connections_quota_gives_what_it_changes() {
    let quota = |text: &str| parsed(&manifest_of(&format!("quotas: [{{ {text} }}]"), "", "")).quotas()[0].clone();
    let base = quota(
        "name: q, per: partition, window: 1h, limit: 60, starts: first_call, only: [things], \
         reset: { header: Reset, as: epoch_s }",
    );
    let own = |own: Quota| own.or(&base).terms().unwrap();
    let limit = own(Quota { name: "q".to_owned(), limit: Some(Amount::Number(5)), ..Quota::default() });
    let hour = QuotaWindow::Length(Duration::from_secs(3_600), WindowStart::FirstCall);
    assert_eq!(limit.limit, QuotaLimit::Window { limit: Some(5), window: hour });
    assert_eq!((limit.per, limit.only.len(), limit.figures.reset.is_some()), (QuotaScope::Partition, 1, true));

    let window = own(quota("name: q, window: 1m, limit: 5"));
    let minute = QuotaWindow::Length(Duration::from_secs(60), WindowStart::Sliding);
    assert_eq!(window.limit, QuotaLimit::Window { limit: Some(5), window: minute });

    let other = own(quota("name: q, concurrent: 5, per: connection"));
    assert_eq!((other.limit, other.per), (QuotaLimit::Concurrent(5), QuotaScope::Connection));
    assert_eq!(other.figures.reset, None, "calls at once have no window");
}

#[test]
fn a_request_for_the_figures_is_an_endpoint() {
    let text = manifest_of(
        "headers: { Accept: application/json }\nquota_check: 'limits/{partition}'\nquotas: [{ name: q, concurrent: 3, only: [quota_check] }]",
        "",
        "",
    );
    let model = parsed(&text).compile(&BTreeMap::new()).unwrap();
    let check = model.quota_check.unwrap();
    assert_eq!(
        (check.name.as_str(), check.path.as_str(), check.constants.len()),
        ("quota_check", "limits/{partition}", 1)
    );
    let wrong = manifest_of("quota_check: 'limits/{who}?a=1'", "", "");
    let problems = lines(&Manifest::parse(&wrong, "test.yaml").unwrap_err());
    assert!(problems.contains("quota_check: ") && problems.contains("a path has no query"), "{problems}");
}
