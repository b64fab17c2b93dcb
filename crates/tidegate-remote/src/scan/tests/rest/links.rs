//! Pages to which the server names the URL.

use tidegate_spec::Paging;

use super::{check, endpoint, items, request, with};
use crate::test_support::Reply;

/// What it shows, answers, rows or a part of the error, and what is asked.
type Case = (&'static str, Vec<Reply>, Result<i32, &'static str>, &'static [&'static str]);

#[tokio::test]
async fn links_in_headers() {
    let link = |reply, value| with(reply, ("link", value));
    let two = || items(0..2, "");
    let cases: Vec<Case> = vec![
        (
            "relative",
            vec![link(two(), "</odata/items?page=9>; rel=last, <?page=2>; rel=\"next\""), items(2..3, "")],
            Ok(3),
            &["limit=4", "page=2"],
        ),
        (
            "absolute",
            vec![link(two(), "<https://api.test/odata/items?p=2>; rel=next"), items([], "")],
            Ok(2),
            &["limit=4", "p=2"],
        ),
        (
            "another host",
            vec![link(two(), "<https://other.test/2>; rel=next"), items(2..3, "")],
            Ok(3),
            &["limit=4", "https://other.test/2"],
        ),
        ("one", vec![items(0..4, "")], Ok(4), &["limit=4"]),
        ("no rows", vec![items([], "")], Ok(0), &["limit=4"]),
        ("no more", vec![link(items(0..4, r#""more":false"#), "<?page=2>; rel=next")], Ok(4), &["limit=4"]),
        ("more without a link", vec![items(0..4, r#""more":true"#)], Err("no link"), &["limit=4"]),
        (
            "in a circle",
            vec![link(two(), "<?page=2>; rel=next"), link(items([], ""), "<?page=2>; rel=next")],
            Err("in a circle"),
            &["limit=4", "page=2"],
        ),
        (
            "the last page again",
            vec![link(two(), "<?page=2>; rel=next"), link(two(), "<?page=3>; rel=next")],
            Err("repeats itself"),
            &["limit=4", "page=2"],
        ),
        ("unreadable", vec![link(two(), "?page=2; rel=next")], Err("Link cannot be read"), &["limit=4"]),
        ("too large a total", vec![items(0..4, r#""total":5"#)], Err("5 rows match"), &["limit=4"]),
    ];
    for (what, replies, expected, asked) in cases {
        check(what, request(endpoint(Paging::LinkHeader)), replies, expected, asked).await;
    }
}

#[tokio::test]
async fn links_in_bodies() {
    let next = |ids: std::ops::Range<i32>, link: &str| items(ids, &format!(r#""next":{link}"#));
    let redirected = Reply { answered: Some("https://api.test/moved/items?limit=4"), ..next(0..2, r#""?page=2""#) };
    let cases: Vec<Case> = vec![
        ("relative", vec![next(0..2, r#""?page=2""#), next(2..3, "null")], Ok(3), &["limit=4", "page=2"]),
        ("of who answered", vec![redirected, items(2..3, "")], Ok(3), &["limit=4", "https://api.test/moved/page=2"]),
        (
            "absolute",
            vec![next(0..2, r#""https://api.test/odata/items?p=2""#), items([], "")],
            Ok(2),
            &["limit=4", "p=2"],
        ),
        (
            "another host",
            vec![next(0..2, r#""https://other.test/2""#), items([], "")],
            Ok(2),
            &["limit=4", "https://other.test/2"],
        ),
        ("no more", vec![items(0..2, r#""next":"?page=2","more":false"#)], Ok(2), &["limit=4"]),
        ("more without a link", vec![items(0..2, r#""more":true"#)], Err("no link"), &["limit=4"]),
        ("a number", vec![next(0..2, "2")], Err("link to the next page is 2, not text"), &["limit=4"]),
    ];
    for (what, replies, expected, asked) in cases {
        check(what, request(endpoint(Paging::NextUrl)), replies, expected, asked).await;
    }
}
