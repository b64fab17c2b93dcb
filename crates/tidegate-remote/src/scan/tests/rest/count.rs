//! Counting by what every page tells.

use tidegate_spec::{Ceiling, Count, Endpoint};

use super::super::super::count;
use super::{exact, items, page, request, with};
use crate::test_support::Script;

#[tokio::test]
async fn a_page_tells_how_many_rows_there_are() {
    let told = || Endpoint { count: Some(Count::Told), ..page(exact()) };
    let ceiling = Some(Ceiling { rows: 1_000, slice_by: None });
    let cases = [
        ("in the body", told(), items(0..1, r#""total":2500"#), Ok(2_500)),
        ("in a header", told(), with(items(0..1, ""), ("x-total", "7")), Ok(7)),
        ("the body first", told(), with(items(0..1, r#""total":8"#), ("x-total", "7")), Ok(8)),
        ("none", told(), items(0..1, ""), Err("declares that it counts; take `count` out of")),
        ("an error inside", told(), items([], r#""total":0,"ok":false,"message":"try later""#), Err("try later")),
        ("behind the ceiling", Endpoint { ceiling, ..told() }, items(0..1, r#""total":2500"#), Ok(2_500)),
        ("at the ceiling", Endpoint { ceiling, ..told() }, items(0..1, r#""total":1000"#), Err("stops at 1000 rows")),
        ("not declared", page(exact()), items(0..1, r#""total":1"#), Err("does not count")),
    ];
    for (what, endpoint, reply, expected) in cases {
        let script = Script::replies([reply]);
        match (count(script.source(), request(endpoint)).await, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found, expected, "{what}");
                assert_eq!(script.asked(), ["items?limit=1"], "{what}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{what}: {error}"),
            (found, _) => panic!("{what}: {found:?}"),
        }
    }
}
