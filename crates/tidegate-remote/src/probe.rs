//! Asks an API for nothing but its quotas: one cheap request whose answer's headers are read by the layers below.

use std::sync::Arc;

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use tidegate_spec::{Endpoint, QUOTA_CHECK, Table};
use tidegate_transport::{Operation, Purpose, redact_url};

use crate::render::{self, Outgoing, Range};
use crate::{BadValue, Error, ErrorKind, Place, Result, ScanRequest, Source, call, partition};

/// Sends one request and lets its answer go: to `endpoint`, which belongs to no table, or else to the base itself, which
/// in OData describes the service in a few lines (OData 4.01 part 1, 11.1.1).
///
/// # Errors
/// No answer, or one that is no success; a request that needs a partition where the source has none.
pub async fn probe(source: &Source, endpoint: Option<&Endpoint>) -> Result<()> {
    let place = |url: String| Place {
        connection: source.connection.to_string(),
        partition: source.partition.as_deref().map(str::to_owned),
        url,
        ..Place::default()
    };
    let outgoing = outgoing(source, endpoint).map_err(|kind| Error { place: place(String::new()), kind })?;
    let url = redact_url(&outgoing.url);
    let operation = source.operation(None, QUOTA_CHECK, Purpose::Metadata, None);
    let failed = |kind| Error { place: place(url), kind }.blanked(&source.blanks);
    send(source, outgoing, operation).await.map_err(failed)
}

async fn send(source: &Source, outgoing: Outgoing, operation: Operation) -> Result<(), ErrorKind> {
    let answer = call::send(source, outgoing, operation).await?;
    // Whatever a success carries is as good here.
    if answer.status.is_success() { Ok(()) } else { call::expect_ok(source, answer).map(drop) }
}

fn outgoing(source: &Source, endpoint: Option<&Endpoint>) -> Result<Outgoing, ErrorKind> {
    let Some(endpoint) = endpoint else {
        partition::check_base(source)?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let url = source.base.clone();
        return Ok(Outgoing { method: http::Method::GET, url, headers, body: bytes::Bytes::new() });
    };
    let table = Table {
        name: QUOTA_CHECK.to_owned(),
        api_name: QUOTA_CHECK.to_owned(),
        description: None,
        columns: Vec::new(),
        key: Vec::new(),
        details: Vec::new(),
        writes: tidegate_spec::Writes::default(),
        endpoints: vec![endpoint.clone()],
    };
    let request = ScanRequest {
        table: Arc::new(table),
        endpoint: 0,
        columns: Vec::new(),
        filter: None,
        sort: Vec::new(),
        fetch: None,
        skip: 0,
        on_bad_value: BadValue::Fail,
    };
    let request = partition::for_source(source, request)?;
    render::rows(&source.base, &request, &[], Range::default(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{Reply, Script};
    use url::Url;

    #[tokio::test]
    async fn one_request_in_the_partition() {
        let limits = Endpoint::new(QUOTA_CHECK, "{partition}/limits");
        let cases = [(None, "https://api.test/v1/7/"), (Some(&limits), "https://api.test/v1/7/7/limits")];
        for (endpoint, expected) in cases {
            let script = Script::replies([Reply::new(204, "")]);
            let base = Url::parse("https://api.test/v1/{partition}/").unwrap();
            let source = Source { base, ..script.source() };
            probe(&source.with_partition("7").unwrap(), endpoint).await.unwrap();
            let requests = script.requests();
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].url.as_str(), expected);
            assert_eq!(requests[0].operation.endpoint.as_ref(), QUOTA_CHECK);
            let error = probe(&source, endpoint).await.unwrap_err().to_string();
            assert!(error.contains("{partition}"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_no_success_is_an_error() {
        let script = Script::replies([Reply::new(401, "")]);
        let error = probe(&script.source(), None).await.unwrap_err().to_string();
        assert!(error.contains("401") && error.contains("check the credentials"), "{error}");
    }
}
