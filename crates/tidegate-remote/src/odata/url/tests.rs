//! Encoding, and where next links point.

use url::Url;

use super::{encode, next_link, resource};

#[test]
fn encodes_all_that_is_not_plain() {
    for (text, expected) in [
        ("Name eq 'O''Neil'", "Name%20eq%20%27O%27%27Neil%27"),
        ("a+b&c=d#e%f?g;h$i@j", "a%2Bb%26c%3Dd%23e%25f%3Fg%3Bh%24i%40j"),
        ("Größe eq '🌊'", "Gr%C3%B6%C3%9Fe%20eq%20%27%F0%9F%8C%8A%27"),
        ("Address/City,ID", "Address/City,ID"),
        ("2020-01-01T00:00:00Z (x_~.)", "2020-01-01T00:00:00Z%20(x_~.)"),
        ("\"<>\\^`{|}[]", "%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"),
    ] {
        assert_eq!(encode(text), expected);
        let decoded = percent_encoding::percent_decode_str(expected).decode_utf8().unwrap();
        assert_eq!(decoded, text);
    }
}

#[test]
fn puts_paths_below_the_base_and_keeps_its_query() {
    let options = vec![("$filter", "a eq 'b c'".to_owned()), ("$top", "1".to_owned())];
    for (base, path, expected) in [
        ("https://h/odata/", "Accounts", "https://h/odata/Accounts?$filter=a%20eq%20%27b%20c%27&$top=1"),
        ("https://h/odata", "Accounts", "https://h/odata/Accounts?$filter=a%20eq%20%27b%20c%27&$top=1"),
        (
            "https://h/odata/?sap-client=100",
            "crm/Accounts",
            "https://h/odata/crm/Accounts?sap-client=100&$filter=a%20eq%20%27b%20c%27&$top=1",
        ),
        ("https://h:8443/", "ns:Set", "https://h:8443/ns:Set?$filter=a%20eq%20%27b%20c%27&$top=1"),
        ("https://h/x/?#frag", "A", "https://h/x/A?$filter=a%20eq%20%27b%20c%27&$top=1"),
    ] {
        assert_eq!(resource(&Url::parse(base).unwrap(), path, &options).unwrap().as_str(), expected);
    }
    let base = Url::parse("https://h/odata/?x=1").unwrap();
    assert_eq!(resource(&base, "$metadata", &Vec::new()).unwrap().as_str(), "https://h/odata/$metadata?x=1");
}

/// Base, endpoint path, URL that answered, link, and where it points.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[test]
fn resolves_next_links() {
    const BASE: &str = "https://h/odata/v4/sales/";
    let cases: &[Case] = &[
        // Absolute.
        (BASE, "Accounts", "https://h/odata/v4/sales/Accounts", "https://h/x?t=1", "https://h/x?t=1"),
        (BASE, "Accounts", "https://h/odata/v4/sales/Accounts", "https://other/x", "https://other/x"),
        // Relative to the service root, as SAP CAP writes them.
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts?$select=name",
            "Accounts?%24select=name&%24skiptoken=1000",
            "https://h/odata/v4/sales/Accounts?%24select=name&%24skiptoken=1000",
        ),
        (
            BASE,
            "crm/Accounts",
            "https://h/odata/v4/sales/crm/Accounts",
            "crm/Accounts?s=1",
            "https://h/odata/v4/sales/crm/Accounts?s=1",
        ),
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts/",
            "Accounts?s=1",
            "https://h/odata/v4/sales/Accounts?s=1",
        ),
        // Relative to the request.
        (
            BASE,
            "crm/Accounts",
            "https://h/odata/v4/sales/crm/Accounts",
            "Accounts?s=1",
            "https://h/odata/v4/sales/crm/Accounts?s=1",
        ),
        (
            BASE,
            "Accounts(1)/Items",
            "https://h/odata/v4/sales/Accounts(1)/Items",
            "Items?s=1",
            "https://h/odata/v4/sales/Accounts(1)/Items?s=1",
        ),
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts?$top=3",
            "?$skip=3",
            "https://h/odata/v4/sales/Accounts?$skip=3",
        ),
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts?$top=3",
            "/odata/v4/sales/Accounts?s=1",
            "https://h/odata/v4/sales/Accounts?s=1",
        ),
        (BASE, "Accounts", "https://h/odata/v4/sales/Accounts", "//cdn.h/Accounts?s=1", "https://cdn.h/Accounts?s=1"),
        // A name that only begins like the path is no mention of it.
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts",
            "AccountsArchive?s=1",
            "https://h/odata/v4/sales/AccountsArchive?s=1",
        ),
        // After a redirect, the root is where the answer came from.
        (BASE, "Accounts", "https://eu.h/api/Accounts", "Accounts?s=1", "https://eu.h/api/Accounts?s=1"),
        // The second page answered from elsewhere: the connection's root again.
        (BASE, "Accounts", "https://h/odata/v4/pages/2", "Accounts?s=1", "https://h/odata/v4/sales/Accounts?s=1"),
        ("https://h/odata/?c=1", "Accounts", "https://h/pages/2", "Accounts?s=1", "https://h/odata/Accounts?s=1"),
        // Raw characters and fragments.
        (
            BASE,
            "Accounts",
            "https://h/odata/v4/sales/Accounts",
            "Accounts?f=a b'ü#x",
            "https://h/odata/v4/sales/Accounts?f=a%20b%27%C3%BC",
        ),
    ];
    for (base, path, answered, link, expected) in cases {
        let url = next_link(&Url::parse(base).unwrap(), path, &Url::parse(answered).unwrap(), link).unwrap();
        assert_eq!(url.as_str(), *expected, "{link} after {answered}");
    }
}

#[test]
fn refuses_links_that_lead_nowhere() {
    let base = Url::parse("https://h/odata/").unwrap();
    for link in ["ftp://h/x", "javascript:alert(1)", "file:///etc/passwd", "https://"] {
        let error = next_link(&base, "Accounts", &base, link).unwrap_err().to_string();
        assert!(error.contains("cannot be followed"), "{error}");
    }
}
