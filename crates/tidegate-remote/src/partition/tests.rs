//! What a code becomes at each place, and what it cannot do there.

use futures::StreamExt;
use tidegate_spec::ODataVersion;

use super::*;
use crate::test_support::{Reply, Script, request, table};

fn based(base: &str) -> Source {
    Source { base: Url::parse(base).unwrap(), ..Script::replies([]).source() }
}

#[test]
fn a_code_is_written_into_the_base() {
    let cases = [
        ("https://api.test/v1/{partition}/", "123", "https://api.test/v1/123/"),
        ("https://api.test/v1/%7Bpartition%7D/x/", "123", "https://api.test/v1/123/x/"),
        ("https://api.test/v1/%7bpartition%7d/", "a b/c?d#e@f%", "https://api.test/v1/a%20b%2Fc%3Fd%23e%40f%25/"),
        ("https://api.test/companies({partition})/", "é", "https://api.test/companies(%C3%A9)/"),
        ("https://api.test/x/?company={partition}", "a&b=c d", "https://api.test/x/?company=a%26b%3Dc%20d"),
        ("https://api.test/v1/", "123", "https://api.test/v1/"),
    ];
    for (base, code, expected) in cases {
        let source = based(base).with_partition(code).unwrap();
        assert_eq!(source.base.as_str(), expected, "{base}");
        assert_eq!(source.partition.as_deref(), Some(code));
        assert!(!in_base(&source.base));
    }
}

#[test]
fn a_code_cannot_lead_elsewhere() {
    let paths = ["..", ".", "%2e%2E", "../x", "a/..", "..\\x", "", "a\nb", "a\r\nX: y", "{partition}"];
    for code in paths {
        assert!(based("https://api.test/v1/{partition}/").with_partition(code).is_err(), "{code:?}");
    }
    assert!(based("https://api.test/v1/.{partition}/").with_partition(".").is_err());
    let anything = (0..=255_u8).map(char::from).map(|character| format!("a{character}b"));
    for code in anything {
        let Ok(source) = based("https://api.test/v1/{partition}/x/").with_partition(&code) else { continue };
        assert_eq!(source.base.host_str(), Some("api.test"), "{code:?}");
        assert_eq!(source.base.path().split('/').count(), 5, "{code:?}");
        assert!(source.base.path().starts_with("/v1/a") && source.base.path().ends_with("b/x/"), "{code:?}");
        assert!(source.base.query().is_none() && source.base.fragment().is_none(), "{code:?}");
    }
}

fn templated() -> ScanRequest {
    let mut table = table(ODataVersion::V4);
    let header = |name: &str| Place::Header(name.to_owned());
    let endpoint = &mut table.endpoints[0];
    endpoint.path = "{partition}/Accounts".to_owned();
    endpoint.constants = vec![
        (header("x-division"), "division {partition}".to_owned()),
        (Place::Query("company".to_owned()), "{partition}".to_owned()),
    ];
    endpoint.body = Some(serde_json::json!({"scope": ["of {partition}", 1], "{partition}": null}));
    request(table)
}

#[tokio::test]
async fn a_code_is_written_into_requests_and_relative_links_stay_below_it() {
    let script = Script::replies([
        Reply::page([1], Some("a%20b/Accounts?$skiptoken=2")),
        Reply::page([2], Some("Accounts?$skiptoken=3")),
        Reply::page([3], None),
    ]);
    let source = script.source().with_partition("a b").unwrap();
    let pages: Vec<_> = crate::scan(source, templated()).collect().await;
    assert!(pages.iter().all(Result::is_ok), "{pages:?}");
    let requests = script.requests();
    let urls: Vec<&str> = requests.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(
        urls,
        [
            "https://api.test/odata/a%20b/Accounts?company=a%20b&%24select=Name,ID&%24count=true"
                .replace("%24", "$")
                .as_str(),
            "https://api.test/odata/a%20b/Accounts?$skiptoken=2",
            "https://api.test/odata/a%20b/Accounts?$skiptoken=3",
        ]
    );
    for request in &requests {
        assert_eq!(request.operation.partition.as_deref(), Some("a b"));
        assert_eq!(request.headers["x-division"], "division a b");
        assert_eq!(request.body, r#"{"scope":["of a b",1],"{partition}":null}"#);
    }
}

#[tokio::test]
async fn errors_name_the_partition() {
    let script = Script::replies([Reply::new(403, "{}")]);
    let source = script.source().with_partition("7").unwrap();
    let pages: Vec<_> = crate::scan(source, templated()).collect().await;
    let error = pages[0].as_ref().unwrap_err().to_string();
    assert!(error.starts_with("crm.accounts, partition 7, page 1 (https://api.test/odata/7/Accounts"), "{error}");
}

#[tokio::test]
async fn without_a_partition_nothing_is_sent() {
    let script = Script::replies([]);
    let cases =
        [script.source(), Source { base: Url::parse("https://api.test/{partition}/").unwrap(), ..script.source() }];
    for source in cases {
        for result in [
            crate::scan(source.clone(), templated()).next().await.unwrap().map(drop),
            crate::count(source.clone(), templated()).await.map(drop),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("give the connection its `partitions`"), "{error}");
        }
    }
    assert_eq!(script.asked(), Vec::<String>::new());
}
