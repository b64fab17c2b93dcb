//! What comes in place of a description, and revalidation.

use super::{Description, odata_metadata};
use crate::test_support::{Reply, Script};

const DOCUMENT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="S" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="A"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/></EntityType>
<EntityContainer Name="C"><EntitySet Name="As" EntityType="S.A"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"#;

async fn fetch(
    reply: Reply,
    cached: Option<&Description>,
) -> (Result<Option<Description>, String>, Vec<http::HeaderMap>) {
    let script = Script::replies([reply]);
    let result = odata_metadata(&script.source(), cached).await;
    assert_eq!(script.asked(), ["$metadata"]);
    let headers = script.requests().into_iter().map(|request| request.headers).collect();
    (result.map_err(|error| error.to_string()), headers)
}

#[tokio::test]
async fn keeps_the_document_and_its_validators() {
    let mut reply = Reply::new(200, format!("\u{feff}{DOCUMENT}"));
    reply.headers = vec![("etag", "W/\"7\""), ("last-modified", "Sat, 21 Nov 2026 20:00:00 GMT")];
    let (result, headers) = fetch(reply, None).await;
    let description = result.unwrap().unwrap();
    assert_eq!(description.document, DOCUMENT);
    assert_eq!(description.etag.as_deref(), Some("W/\"7\""));
    assert_eq!(headers[0]["accept"], "application/xml");
    assert!(!headers[0].contains_key("if-none-match"));

    let (result, headers) = fetch(Reply::new(304, ""), Some(&description)).await;
    assert_eq!(result.unwrap(), None);
    assert_eq!(headers[0]["if-none-match"], "W/\"7\"");
    assert_eq!(headers[0]["if-modified-since"], "Sat, 21 Nov 2026 20:00:00 GMT");
}

#[tokio::test]
async fn says_what_came_in_its_place() {
    for (reply, expected) in [
        (Reply::new(200, "<!DOCTYPE html><title>Sign in</title>"), "an HTML page (Sign in)"),
        (Reply::new(200, r#"{"error":{"message":"use v4"}}"#), "JSON (use v4)"),
        (Reply::new(200, ""), "an empty body"),
        (Reply::new(200, "hello"), "something that is not XML"),
        (
            Reply::new(404, "<html><title>Not here</title></html>"),
            "404 Not Found: is https://api.test/odata/ the service root?",
        ),
        (
            Reply::new(404, r#"{"error":{"message":"No service"}}"#),
            "No service; is https://api.test/odata/ the service root?",
        ),
        (Reply::new(401, ""), "check the credentials of connection crm"),
        (Reply::new(304, ""), "304 Not Modified"),
    ] {
        let (result, _) = fetch(reply, None).await;
        let error = result.unwrap_err();
        assert!(error.starts_with("crm (https://api.test/odata/$metadata): "), "{error}");
        assert!(error.contains(expected), "{error} does not say {expected}");
    }
}
