//! The number of rows that the service says there are, and what follows from it.
//!
//! OData is asked for it (`$count=true`) with the first page of a scan to the end, at no further call; other APIs
//! tell it with every page. It proves two things:
//! * **That rows are missing**: a last page that tells of more rows than came is an error, not a short result.
//! * **That a next link leads to nothing**: services that number their pages by offset name a next page
//!   whenever a page came full, and the last of them is empty.
//!
//! OData calls the count inexact at times (4.01 part 1, 11.2.6.5), and some services cap it. So a next link is left
//! alone only when two independent statements agree, and the number is none of the usual caps: the total told
//! by this very page is what was received, and the link itself is an offset of just that many rows.

use http::HeaderMap;
use tidegate_spec::Endpoint;
use url::Url;

use crate::ErrorKind;

/// Totals at which services stop to count: Dataverse 5,000 and 50,000, search indices 10,000 and 100,000.
const CAPS: [u64; 4] = [5_000, 10_000, 50_000, 100_000];

/// Whether the page behind this link is surely empty. `told` is the total that this page tells.
pub(super) fn is_past_the_end(next: &Url, told: Option<u64>, received: u64) -> bool {
    told == Some(received) && !is_a_cap(received) && offset(next) == Some(received)
}

/// The total that a response's header tells, where the endpoint has one for it.
pub(super) fn in_header(endpoint: &Endpoint, headers: &HeaderMap) -> Option<u64> {
    let name = endpoint.envelope.count_header.as_deref()?;
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Whether services stop to count at this number.
pub(super) fn is_a_cap(total: u64) -> bool {
    CAPS.contains(&total)
}

/// That a scan which ended has all rows that it was told of. `is_odata` tells what can be done against wrong totals.
pub(super) fn check_complete(told: Option<u64>, received: u64, is_odata: bool) -> Result<(), ErrorKind> {
    let remedy = if is_odata {
        "run the query again, or, if its totals are wrong, set the connection's option totals = 'ignore'"
    } else {
        "check the endpoint's `paging`; if that is right, run the query again; take `count` out of the manifest only if \
         the server's totals are wrong"
    };
    match told {
        Some(total) if received < total => Err(ErrorKind::Body(format!(
            "the server says that {total} rows match, sent {received}, and names no further page; {remedy}"
        ))),
        _ => Ok(()),
    }
}

/// The number of rows that a link skips, where it says so in digits.
fn offset(next: &Url) -> Option<u64> {
    let mut pairs = next.query_pairs();
    let (_, value) = pairs.find(|(name, _)| matches!(name.as_ref(), "$skiptoken" | "$skip"))?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_left_alone_only_when_total_and_offset_agree() {
        for (link, told, received, expected) in [
            ("A?%24skiptoken=2000", Some(2000), 2000, true),
            ("A?$select=x&$skip=2000", Some(2000), 2000, true),
            ("A?$skiptoken=2000", None, 2000, false),
            ("A?$skiptoken=2000", Some(2001), 2000, false),
            ("A?$skiptoken=1000", Some(2000), 2000, false),
            ("A?$skiptoken=x2000", Some(2000), 2000, false),
            ("A?page=2", Some(2000), 2000, false),
            ("A?$skiptoken=5000", Some(5000), 5000, false),
        ] {
            let next = Url::parse("https://api.test/").unwrap().join(link).unwrap();
            assert_eq!(is_past_the_end(&next, told, received), expected, "{link} {told:?} {received}");
        }
    }

    #[test]
    fn fewer_rows_than_told_are_an_error() {
        assert!(check_complete(None, 5, true).is_ok());
        assert!(check_complete(Some(5), 5, true).is_ok());
        assert!(check_complete(Some(4), 5, true).is_ok());
        for (is_odata, remedy) in [(true, "totals = 'ignore'"), (false, "take `count`")] {
            let error = check_complete(Some(6), 5, is_odata).unwrap_err().to_string();
            assert!(error.contains("6 rows match, sent 5") && error.contains(remedy), "{error}");
        }
    }
}
