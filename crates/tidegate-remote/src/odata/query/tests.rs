//! Query options of whole requests.

use tidegate_spec::{ColumnSource, ODataVersion, Projection};

use super::{Range, count, headers, rows};
use crate::test_support::{self as columns, request, table};
use crate::{CompareOp, Predicate, Scalar, ScanRequest, SortKey};

fn written(request: &ScanRequest, version: ODataVersion, columns: &[usize], range: Range) -> String {
    let options = rows(request, version, columns, range).unwrap();
    options.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn filtered(version: ODataVersion) -> ScanRequest {
    let mut request = request(table(version));
    request.filter = Some(Predicate::Compare { column: columns::SERIAL, op: CompareOp::Gt, value: Scalar::Int(5) });
    request
}

#[test]
fn all_options() {
    let mut request = filtered(ODataVersion::V4);
    request.sort = vec![
        SortKey { column: columns::REVENUE, descending: true },
        SortKey { column: columns::CITY, descending: false },
    ];
    let range = Range { skip: Some(10), top: Some(5), total: true };
    assert_eq!(
        written(&request, ODataVersion::V4, &[columns::CITY, columns::ID, columns::CITY], range),
        "$select=Address/City,ID&$filter=Serial gt 5&$orderby=Revenue desc,Address/City&$skip=10&$top=5&$count=true"
    );
}

#[test]
fn projection() {
    let v4 = request(table(ODataVersion::V4));
    assert_eq!(written(&v4, ODataVersion::V4, &[], Range::default()), "");
    let v2 = request(table(ODataVersion::V2));
    assert_eq!(
        written(&v2, ODataVersion::V2, &[columns::CITY, columns::NAME], Range::default()),
        "$select=Address,Name"
    );
    let mut whole = table(ODataVersion::V4);
    whole.endpoints[0].projection = Projection::Whole;
    assert_eq!(written(&request(whole), ODataVersion::V4, &[columns::NAME], Range::default()), "");
}

#[test]
fn what_is_said_about_a_row_is_not_selected() {
    let mut versioned = table(ODataVersion::V4);
    versioned.columns[columns::NAME].source = ColumnSource::Annotation;
    let request = request(versioned);
    let said = |columns: &[usize]| written(&request, ODataVersion::V4, columns, Range::default());
    assert_eq!(said(&[columns::ID, columns::NAME]), "$select=ID");
    assert_eq!(said(&[columns::NAME]), "");
}

#[test]
fn counts() {
    let options = |version| count(&filtered(version), version).unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        options(ODataVersion::V4),
        [("$filter", text("Serial gt 5")), ("$count", text("true")), ("$top", text("0"))]
    );
    assert_eq!(
        options(ODataVersion::V2),
        [("$filter", text("Serial gt 5L")), ("$inlinecount", text("allpages")), ("$top", text("0"))]
    );
}

#[test]
fn headers_name_format_and_version() {
    for (version, name, value) in [
        (ODataVersion::V2, "MaxDataServiceVersion", "2.0"),
        (ODataVersion::V3, "MaxDataServiceVersion", "3.0"),
        (ODataVersion::V4, "OData-MaxVersion", "4.0"),
        (ODataVersion::V401, "OData-MaxVersion", "4.01"),
    ] {
        let headers = headers(version);
        assert_eq!(headers[name], value);
        assert_eq!(headers["accept"], "application/json");
    }
}
