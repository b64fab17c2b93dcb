//! Whatever stands in headers and bodies: it is read without a panic, and what is read is in bounds.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 17] = [
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "ratelimit-observed",
    "ratelimit-name",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-resource",
    "x-rate-limit-remaining",
    "retry-after",
    "date",
    "x-declared",
    "x-reset",
];

/// Texts like those of servers, and others.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let number =
        prop_oneof![any::<i64>().prop_map(|number| number.to_string()), any::<f64>().prop_map(|n| n.to_string())];
    let like =
        r#"("[a-z]{0,3}";)?(limit|remaining|reset|r|q|t|w|used)?=?-?[0-9]{0,13}(\.[0-9]{0,4})?[,;/]? ?(w=[0-9]{0,5})?"#;
    let date = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(\.[0-9]+)?(Z|\+[0-9]{2}:?[0-9]{2})?";
    prop_oneof![
        number.prop_map(String::into_bytes),
        proptest::string::string_regex(like).unwrap().prop_map(String::into_bytes),
        proptest::string::string_regex(date).unwrap().prop_map(String::into_bytes),
        proptest::collection::vec(0x20_u8..=0xff, 0..40),
    ]
}

fn quotas() -> Vec<MeteredQuota> {
    let forms = ["reset epoch s", "reset epoch ms", "reset seconds", "reset ms", "reset iso", "reset date"];
    let headers = forms.map(|form| quota(form, 60, &[("remaining", "x-declared"), (form, "x-reset")]));
    let places = [
        ("limit", "$a.limit"),
        ("used/limit", "x-declared"),
        ("used", "x-declared#used"),
        ("cost", "$a.cost"),
        ("rate", "$rate"),
        ("reset iso", "$a.at"),
    ];
    let bucket = Limit::Bucket { capacity: 10.0, per_second: 1.0 };
    headers.into_iter().chain([of(Unit::Points, bucket, quota("points", 60, &places))]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_too_strange(
        headers in proptest::collection::vec((0..NAMES.len(), value()), 0..8),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            (value(), any::<f64>()).prop_map(|(text, rate)| {
                let text = String::from_utf8_lossy(&text).into_owned();
                serde_json::json!({"a": {"limit": rate, "cost": text, "at": text}, "rate": rate}).to_string().into_bytes()
            }),
        ],
        status in prop_oneof![Just(200_u16), Just(403), Just(429), Just(503)],
        is_declared in any::<bool>(),
    ) {
        let throttles = vec![body_says("a.cost", "1"), header(throttle(403), "x-declared", "0")];
        let metering = if is_declared { metering(quotas(), throttles) } else { metering(Vec::new(), Vec::new()) };
        let operation = operation(None, Purpose::Read);
        let outlay = Outlay::new(&metering, &operation);
        let headers: HeaderMap = headers
            .iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_static(NAMES[*name]), HeaderValue::from_bytes(value).ok()?))
            })
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answered::new(status, &headers, Some(&body), clock().now());
        let Reading { settlement, complaints } = read(&metering, &outlay, &answer, true);
        for seen in &settlement.observations {
            prop_assert!(seen.scope < outlay.call.scopes.len());
            prop_assert!(!seen.quota.is_empty() && seen.quota.len() <= 64);
            prop_assert!(seen.limit.or(seen.remaining).or(seen.used).is_some() || seen.per_second.is_some());
            prop_assert!(seen.resets_in.is_none_or(|left| !left.is_zero() && left.as_secs() <= 367 * 86_400));
            prop_assert!(seen.per_second.is_none_or(|rate| rate.is_finite() && rate > 0.0));
        }
        prop_assert!(complaints.iter().all(|told| told.text.chars().count() <= 80));
        if status == StatusCode::TOO_MANY_REQUESTS {
            prop_assert!(settlement.throttled.is_some());
        }
    }
}

fn body_says(path: &str, contains: &str) -> Throttle {
    let throttle = Throttle { status: None, headers: Vec::new(), body: None };
    super::body(throttle, path, contains)
}
