//! The APIs of the collected conventions: what their answers say of the quotas that are declared for them.

use super::*;

struct Case {
    api: &'static str,
    quotas: Vec<MeteredQuota>,
    partition: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    says: &'static [&'static str],
    points: Option<u64>,
}

fn case(api: &'static str, quotas: Vec<MeteredQuota>) -> Case {
    Case { api, quotas, partition: None, headers: &[], body: "", says: &[], points: None }
}

fn check(case: &Case) {
    let metering = metering(case.quotas.clone(), Vec::new());
    let (settlement, complaints) = reading(&metering, case.partition, 200, case.headers, case.body);
    assert_eq!(says(&settlement), case.says, "{}", case.api);
    assert_eq!(settlement.points, case.points, "{}", case.api);
    assert_eq!(complaints, [], "{}", case.api);
}

const DAY: u64 = 24 * 60 * 60;

fn bucket(capacity: f64, per_second: f64) -> Limit {
    Limit::Bucket { capacity, per_second }
}

fn xyz(prefix: &'static str, form: &'static str) -> [(&'static str, String); 3] {
    [
        ("limit", format!("{prefix}-limit")),
        ("remaining", format!("{prefix}-remaining")),
        (form, format!("{prefix}-reset")),
    ]
}

fn three(name: &str, seconds: u64, prefix: &'static str, form: &'static str) -> MeteredQuota {
    let figures = xyz(prefix, form);
    let figures: Vec<(&str, &str)> = figures.iter().map(|(figure, at)| (*figure, at.as_str())).collect();
    quota(name, seconds, &figures)
}

fn with_epochs() -> Vec<Case> {
    vec![
        Case {
            partition: Some("123"),
            headers: &[
                ("X-RateLimit-Limit", "5000"),
                ("X-RateLimit-Remaining", "4999"),
                ("X-RateLimit-Reset", "784166400000"),
                ("X-RateLimit-Minutely-Limit", "60"),
                ("X-RateLimit-Minutely-Remaining", "59"),
                ("X-RateLimit-Minutely-Reset", "784111800000"),
            ],
            says: &[
                "partition daily: limit 5000 remaining 4999 resets 54623",
                "partition minutely: limit 60 remaining 59 resets 23",
            ],
            ..case(
                "Exact Online",
                vec![
                    per(Per::Partition, three("daily", DAY, "x-ratelimit", "reset epoch ms")),
                    per(Per::Partition, three("minutely", 60, "x-ratelimit-minutely", "reset epoch ms")),
                ],
            )
        },
        Case {
            headers: &[
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "4990"),
                ("x-ratelimit-used", "10"),
                ("x-ratelimit-reset", "784113577"),
                ("x-ratelimit-resource", "core"),
            ],
            says: &["credential core: limit 5000 remaining 4990 resets 1801"],
            ..case("GitHub", vec![three("core", 3600, "x-ratelimit", "reset epoch s")])
        },
        Case {
            headers: &[
                ("x-ratelimit-limit", "30"),
                ("x-ratelimit-remaining", "29"),
                ("x-ratelimit-used", "1"),
                ("x-ratelimit-reset", "784111837"),
                ("x-ratelimit-resource", "search"),
            ],
            says: &["credential search: limit 30 remaining 29 used 1 resets 61"],
            ..case("GitHub, undeclared", Vec::new())
        },
        Case {
            headers: &[
                ("RateLimit-Limit", "60"),
                ("RateLimit-Observed", "67"),
                ("RateLimit-Remaining", "0"),
                ("RateLimit-Reset", "784111837"),
                ("RateLimit-ResetTime", "Sun, 06 Nov 1994 08:50:37 GMT"),
                ("RateLimit-Name", "throttle_web"),
            ],
            says: &["credential throttle_web: limit 60 remaining 0 used 67 resets 61"],
            ..case("GitLab, undeclared", Vec::new())
        },
        Case {
            headers: &[
                ("X-RateLimit-Limit", "5"),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", "784111778.5"),
                ("X-RateLimit-Reset-After", "1.5"),
                ("X-RateLimit-Bucket", "abcd1234"),
            ],
            says: &["credential abcd1234: limit 5 remaining 0 resets 1.5"],
            ..case("Discord, undeclared", Vec::new())
        },
        Case {
            headers: &[
                ("X-RateLimit-Limit", "5"),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", "784111778.5"),
            ],
            says: &["credential route: limit 5 remaining 0 resets 1.5"],
            ..case("Discord", vec![three("route", 5, "x-ratelimit", "reset epoch s")])
        },
    ]
}

fn with_deltas() -> Vec<Case> {
    vec![
        Case {
            headers: &[
                ("X-HubSpot-RateLimit-Max", "190"),
                ("X-HubSpot-RateLimit-Remaining", "188"),
                ("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"),
                ("X-HubSpot-RateLimit-Daily", "500000"),
                ("X-HubSpot-RateLimit-Daily-Remaining", "499000"),
            ],
            says: &[
                "credential burst: limit 190 remaining 188 resets 10",
                "credential daily: limit 500000 remaining 499000",
            ],
            ..case(
                "HubSpot",
                vec![
                    quota(
                        "burst",
                        10,
                        &[
                            ("limit", "x-hubspot-ratelimit-max"),
                            ("remaining", "x-hubspot-ratelimit-remaining"),
                            ("reset ms", "x-hubspot-ratelimit-interval-milliseconds"),
                        ],
                    ),
                    quota(
                        "daily",
                        DAY,
                        &[("limit", "x-hubspot-ratelimit-daily"), ("remaining", "x-hubspot-ratelimit-daily-remaining")],
                    ),
                ],
            )
        },
        Case {
            headers: &[
                ("X-Rate-Limit", "700"),
                ("X-Rate-Limit-Remaining", "699"),
                ("ratelimit-limit", "700"),
                ("ratelimit-remaining", "699"),
                ("ratelimit-reset", "41"),
                ("zendesk-ratelimit-tickets-index", "total=100; remaining=99; resets=41"),
            ],
            says: &[
                "credential account: limit 700 remaining 699 resets 42",
                "credential tickets: limit 100 remaining 99 resets 42",
            ],
            ..case(
                "Zendesk",
                vec![
                    three("account", 60, "ratelimit", "reset seconds"),
                    quota(
                        "tickets",
                        60,
                        &[
                            ("limit", "zendesk-ratelimit-tickets-index#total"),
                            ("remaining", "zendesk-ratelimit-tickets-index#remaining"),
                            ("reset seconds", "zendesk-ratelimit-tickets-index#resets"),
                        ],
                    ),
                ],
            )
        },
        Case {
            headers: &[("X-Rate-Limit", "700"), ("X-Rate-Limit-Remaining", "699")],
            says: &["credential rate_limit: limit 700 remaining 699"],
            ..case("Zendesk, undeclared", Vec::new())
        },
        Case {
            headers: &[
                ("X-RateLimit-Limit", "100"),
                ("X-RateLimit-Period", "60"),
                ("X-RateLimit-Remaining", "90"),
                ("X-RateLimit-Reset", "35"),
                ("X-RateLimit-Name", "metrics_query"),
            ],
            says: &["credential metrics_query: limit 100 remaining 90 resets 36 window 60"],
            ..case("Datadog, undeclared", Vec::new())
        },
        Case {
            partition: Some("t1"),
            headers: &[
                ("X-DayLimit-Remaining", "4998"),
                ("X-MinLimit-Remaining", "59"),
                ("X-AppMinLimit-Remaining", "9999"),
            ],
            says: &[
                "partition daily: remaining 4998",
                "partition minutely: remaining 59",
                "credential app: remaining 9999",
            ],
            ..case(
                "Xero",
                vec![
                    per(Per::Partition, quota("daily", DAY, &[("remaining", "x-daylimit-remaining")])),
                    per(Per::Partition, quota("minutely", 60, &[("remaining", "x-minlimit-remaining")])),
                    quota("app", 60, &[("remaining", "x-appminlimit-remaining")]),
                ],
            )
        },
        Case {
            headers: &[("x-ms-ratelimit-burst-remaining-xrm-requests", "5999")],
            says: &["credential requests: remaining 5999"],
            ..case(
                "Dataverse",
                vec![quota("requests", 300, &[("remaining", "x-ms-ratelimit-burst-remaining-xrm-requests")])],
            )
        },
    ]
}

fn with_others() -> Vec<Case> {
    const SHOPIFY: &str = r#"{"data":{"x":[{"extensions":1}]},"extensions":{"cost":{"requestedQueryCost":101,
        "actualQueryCost":46,"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":1954.5,"restoreRate":100.0}}}}"#;
    vec![
        Case {
            headers: &[("X-Shopify-Shop-Api-Call-Limit", "32/40")],
            says: &["credential calls: limit 40 remaining 8 used 32"],
            ..case(
                "Shopify REST",
                vec![of(
                    Unit::Calls,
                    bucket(40.0, 2.0),
                    quota("calls", 1, &[("used/limit", "x-shopify-shop-api-call-limit")]),
                )],
            )
        },
        Case {
            body: SHOPIFY,
            says: &["credential points: limit 2000 remaining 1954 rate 100"],
            points: Some(46),
            ..case(
                "Shopify GraphQL",
                vec![of(
                    Unit::Points,
                    bucket(2000.0, 100.0),
                    quota(
                        "points",
                        1,
                        &[
                            ("limit", "$extensions.cost.throttleStatus.maximumAvailable"),
                            ("remaining", "$extensions.cost.throttleStatus.currentlyAvailable"),
                            ("rate", "$extensions.cost.throttleStatus.restoreRate"),
                            ("cost", "$extensions.cost.actualQueryCost"),
                        ],
                    ),
                )],
            )
        },
        Case {
            headers: &[("Sforce-Limit-Info", "api-usage=18/15000; per-app-api-usage=17/250(appName=sample)")],
            says: &[
                "credential daily: limit 15000 remaining 14982 used 18",
                "credential app: limit 250 remaining 233 used 17",
            ],
            ..case(
                "Salesforce",
                vec![
                    quota("daily", DAY, &[("used/limit", "sforce-limit-info")]),
                    quota("app", DAY, &[("used/limit", "sforce-limit-info#per-app-api-usage")]),
                ],
            )
        },
        Case {
            headers: &[
                ("X-RateLimit-Limit", "100"),
                ("X-RateLimit-Remaining", "99"),
                ("X-RateLimit-Reset", "1994-11-06T08:50Z"),
                ("X-RateLimit-NearLimit", "false"),
                ("Beta-RateLimit-Policy", "\"global\";q=65000;w=3600"),
            ],
            says: &["credential burst: limit 100 remaining 99 resets 83"],
            ..case("Jira Cloud", vec![three("burst", 3600, "x-ratelimit", "reset iso")])
        },
        Case {
            headers: &[
                ("RateLimit-Policy", "\"burst\";q=100;w=60,\"daily\";q=1000;w=86400"),
                ("RateLimit", "\"burst\";r=50;t=30"),
            ],
            says: &[
                "credential burst: limit 100 remaining 50 resets 31 window 60",
                "credential daily: limit 1000 window 86400",
            ],
            ..case("the standard", Vec::new())
        },
        Case { headers: &[("Stripe-Rate-Limited-Reason", "global-rate")], ..case("Stripe", Vec::new()) },
        case("Notion, Slack, Graph, Airtable, QuickBooks, Google: nothing but on 429", Vec::new()),
        Case {
            headers: &[("x-reset", "Sun, 06 Nov 1994 08:50:37 GMT"), ("x-left", "7")],
            says: &["credential a: remaining 7 resets 61"],
            ..case("a date", vec![quota("a", 3600, &[("remaining", "x-left"), ("reset date", "x-reset")])])
        },
    ]
}

#[test]
fn every_api_of_the_conventions_is_read() {
    for case in with_epochs().into_iter().chain(with_deltas()).chain(with_others()) {
        check(&case);
    }
}

#[test]
fn what_makes_no_sense_is_left_out_and_told() {
    let quotas = || vec![three("q", 60, "x-q", "reset seconds")];
    for (headers, says_so, told) in [
        (vec![("x-q-remaining", "-3"), ("x-q-limit", "60")], "credential q: limit 60 remaining 0", vec![]),
        (vec![("x-q-remaining", "3"), ("x-q-limit", "-1")], "credential q: remaining 3", vec!["header x-q-limit -1"]),
        (vec![("x-q-remaining", "3.9"), ("x-q-limit", "60, 60;w=60")], "credential q: limit 60 remaining 3", vec![]),
        (vec![("x-q-remaining", "many")], "", vec!["header x-q-remaining many"]),
        (
            vec![("x-q-remaining", "3"), ("x-q-reset", "1753095600000")],
            "credential q: remaining 3",
            vec!["header x-q-reset 1753095600000"],
        ),
        (vec![("x-q-reset", "9")], "", vec![]),
        (vec![("x-q-limit", "\u{e9}")], "", vec![]),
    ] {
        let (settlement, complaints) = reading(&metering(quotas(), Vec::new()), None, 200, &headers, "");
        assert_eq!(says(&settlement).join("|"), says_so, "{headers:?}");
        let complaints: Vec<_> = complaints.iter().map(|told| format!("{} {}", told.place, told.text)).collect();
        assert_eq!(complaints, told, "{headers:?}");
    }
}

#[test]
fn bodies_are_looked_into_as_far_as_they_need() {
    let places = [("remaining", "$a.left"), ("cost", "$a.cost")];
    let calls = || quota("q", 60, &places);
    let points = || of(Unit::Points, bucket(100.0, 1.0), calls());
    let large = format!(r#"{{"rows":"{}","a":{{"left":5,"cost":2.1}}}}"#, "x".repeat(64 * 1024));
    for (metered, body, says_so, cost) in [
        (calls(), r#"{"a":{"left":5,"cost":2}}"#, "credential q: remaining 5", None),
        (points(), r#"{"a":{"left":"5","cost":2.1}}"#, "credential q: remaining 5", Some(3)),
        (calls(), large.as_str(), "", None),
        (points(), large.as_str(), "credential q: remaining 5", Some(3)),
        (points(), r#"{"a":[{"left":5}],"b":{"left":6}}"#, "", None),
        (points(), r#"{"a":{"left":null,"cost":true}}"#, "", None),
        (points(), r#"{"a":{"left":5,"cost":2}"#, "", None),
        (points(), "", "", None),
    ] {
        let (settlement, _) = reading(&metering(vec![metered], Vec::new()), None, 200, &[], body);
        assert_eq!((says(&settlement).join("|").as_str(), settlement.points), (says_so, cost), "{body:.40}");
    }
}
