//! Headers of quotas that nobody declared.

use super::*;

/// What these headers say without any declaration, at a status of 200.
fn check(name: &str, headers: &[(&str, &str)], says_so: &[&str]) {
    let (settlement, _) = reading(&metering(Vec::new(), Vec::new()), None, 200, headers, "");
    assert_eq!(says(&settlement), says_so, "{name}");
}

#[test]
fn the_standards_headers_in_each_of_their_forms() {
    let cases: &[(&str, Headers<'_>, &[&str])] = &[
        (
            "draft 6",
            &[("ratelimit-limit", "100"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")],
            &["credential rate_limit: limit 100 remaining 50 resets 31"],
        ),
        (
            "draft 6, with a policy of its own",
            &[
                ("ratelimit-policy", "100;w=60"),
                ("ratelimit-limit", "100"),
                ("ratelimit-remaining", "99"),
                ("ratelimit-reset", "60"),
            ],
            &["credential rate_limit: limit 100 remaining 99 resets 60 window 60"],
        ),
        (
            "draft 3, with policies in the limit",
            &[
                ("ratelimit-limit", "100, 100;w=60, 5000;w=86400;comment=\"a day\""),
                ("ratelimit-remaining", "50"),
                ("ratelimit-reset", "30"),
            ],
            &[
                "credential rate_limit_60s: limit 100 remaining 50 resets 31 window 60",
                "credential rate_limit_86400s: limit 5000 window 86400",
            ],
        ),
        (
            "draft 6, of two policies the second",
            &[
                ("ratelimit-limit", "5000"),
                ("ratelimit-policy", "100;w=60, 5000;w=86400"),
                ("ratelimit-remaining", "4"),
                ("ratelimit-reset", "3000"),
            ],
            &[
                "credential rate_limit_86400s: limit 5000 remaining 4 resets 3001 window 86400",
                "credential rate_limit_60s: limit 100 window 60",
            ],
        ),
        ("draft 6 without what is left", &[("ratelimit-limit", "100"), ("ratelimit-reset", "30")], &[]),
        (
            "draft 7",
            &[("ratelimit-policy", "5;w=60"), ("ratelimit", "limit=5, remaining=4, reset=10")],
            &["credential rate_limit: limit 5 remaining 4 resets 11 window 60"],
        ),
        (
            "draft 7, in two lines",
            &[
                ("ratelimit-policy", "5;w=60"),
                ("ratelimit-policy", "100;w=3600"),
                ("ratelimit", "limit=5, remaining=4, reset=10"),
                ("ratelimit", "limit=100, remaining=80, reset=1000"),
            ],
            &[
                "credential rate_limit_60s: limit 5 remaining 4 resets 11 window 60",
                "credential rate_limit_3600s: limit 100 remaining 80 resets 1001 window 3600",
            ],
        ),
        (
            "draft 7 without a policy",
            &[("ratelimit", "limit=5, remaining=0, reset=10")],
            &["credential rate_limit: limit 5 remaining 0 resets 11"],
        ),
        (
            "draft 8",
            &[
                ("ratelimit-policy", r#""5-in-1min"; q=5; w=60; pk=:ZGY2MjNmNWI5ZGQ0:"#),
                ("ratelimit", r#""5-in-1min"; r=4; t=60"#),
            ],
            &["credential 5-in-1min: limit 5 remaining 4 resets 60 window 60"],
        ),
        (
            "draft 8, several, combined and in lines",
            &[
                ("ratelimit-policy", r#""burst";q=100;w=60,"daily";q=1000;w=86400"#),
                ("ratelimit-policy", r#""monthly";q=9000"#),
                ("ratelimit", r#""daily";r=50;t=3000"#),
                ("ratelimit", r#""burst";r=-2;t=2.5"#),
            ],
            &[
                "credential burst: limit 100 remaining 0 resets 2.5 window 60",
                "credential daily: limit 1000 remaining 50 resets 3001 window 86400",
                "credential monthly: limit 9000",
            ],
        ),
        (
            "draft 9, units other than requests",
            &[
                ("ratelimit-policy", r#""a";q=10;w=60;qu="requests", "b";q=1000;w=60;qu="content-bytes""#),
                ("ratelimit", r#""a";r=9;t=5"#),
            ],
            &["credential a: limit 10 remaining 9 resets 6 window 60"],
        ),
        (
            "the same name twice, for two keys",
            &[("ratelimit", r#""a";r=9;pk=:YQ==:, "a";r=3;t=7;pk=:Yg==:"#)],
            &["credential a: remaining 3 resets 8"],
        ),
        (
            "a token in place of a string",
            &[("ratelimit", "default;r=9;t=5"), ("ratelimit-policy", "default;q=10;w=60")],
            &["credential default: limit 10 remaining 9 resets 6 window 60"],
        ),
        ("a name that is none", &[("ratelimit", r#"" a\"b ";r=9"#)], &["credential a_b: remaining 9"]),
        ("an end in years", &[("ratelimit", r#""a";r=9;t=999999999"#)], &["credential a: remaining 9"]),
        ("not a structured field", &[("ratelimit", r#""burst;r=50"#), ("ratelimit-policy", "100;w")], &[]),
        ("nothing", &[("ratelimit", "")], &[]),
        ("something else", &[("ratelimit", "unlimited")], &[]),
    ];
    for (name, headers, says_so) in cases {
        check(name, headers, says_so);
    }
}

#[test]
fn common_headers_where_they_can_mean_one_thing_only() {
    let cases: &[(&str, Headers<'_>, &[&str])] = &[
        (
            "express, legacy",
            &[("x-ratelimit-limit", "5"), ("x-ratelimit-remaining", "4"), ("x-ratelimit-reset", "784111837")],
            &["credential rate_limit: limit 5 remaining 4 resets 61"],
        ),
        (
            "on the server's clock",
            &[
                ("date", "Sun, 06 Nov 1994 09:49:37 GMT"),
                ("x-ratelimit-remaining", "4"),
                ("x-ratelimit-reset", "784115437"),
            ],
            &["credential rate_limit: remaining 4 resets 61"],
        ),
        (
            "a delta",
            &[("x-rate-limit-limit", "5"), ("x-rate-limit-remaining", "4"), ("x-rate-limit-reset", "9")],
            &["credential rate_limit: limit 5 remaining 4 resets 10"],
        ),
        (
            "an end that may be anything",
            &[("x-ratelimit-remaining", "4"), ("x-ratelimit-reset", "100000000")],
            &["credential rate_limit: remaining 4"],
        ),
        ("a limit of nobody knows what", &[("x-ratelimit-limit", "5"), ("x-ratelimit-reset", "9")], &[]),
        ("lines that differ", &[("x-ratelimit-remaining", "5"), ("x-ratelimit-remaining", "70")], &[]),
        (
            "lines that do not",
            &[("x-ratelimit-remaining", "5"), ("x-ratelimit-remaining", "5")],
            &["credential rate_limit: remaining 5"],
        ),
        ("no numbers", &[("x-ratelimit-remaining", "plenty"), ("x-ratelimit-limit", "5")], &[]),
        (
            "the standard goes first",
            &[("ratelimit", "limit=5, remaining=4, reset=10"), ("x-ratelimit-remaining", "3")],
            &["credential rate_limit: limit 5 remaining 4 resets 11"],
        ),
    ];
    for (name, headers, says_so) in cases {
        check(name, headers, says_so);
    }
}

#[test]
fn what_is_not_declared_counts_in_the_partition_if_there_is_one() {
    let headers = [("x-ratelimit-remaining", "5")];
    let (settlement, _) = reading(&metering(Vec::new(), Vec::new()), Some("b1"), 200, &headers, "");
    assert_eq!(says(&settlement), ["partition rate_limit: remaining 5"]);
}

#[test]
fn nothing_is_read_twice() {
    let remaining = |name: &'static str| vec![quota("own", 60, &[("remaining", name)])];
    let all = [("ratelimit-remaining", "4"), ("ratelimit", "\"a\";r=3"), ("x-ratelimit-remaining", "5")];
    for (declared, says_so) in [
        ("x-ratelimit-remaining", vec!["credential own: remaining 5", "credential a: remaining 3"]),
        ("ratelimit-remaining", vec!["credential own: remaining 4", "credential a: remaining 3"]),
        ("ratelimit", vec!["credential rate_limit: remaining 4"]),
        ("x-other", vec!["credential a: remaining 3"]),
    ] {
        let (settlement, _) = reading(&metering(remaining(declared), Vec::new()), None, 200, &all, "");
        assert_eq!(says(&settlement), says_so, "{declared}");
    }
}
