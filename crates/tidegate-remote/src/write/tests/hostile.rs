//! Answers of servers that are broken, or want to be believed.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tidegate_spec::{ODataVersion, Table};

use super::batches::{addition, change, check, outcomes, three};
use crate::write::testing::{contacts, delete, entries, insert, odata};
use crate::write::{RowWrite, Verdict};

/// Bodies that would take a hundred times their size as a tree of documents.
#[test]
fn a_huge_answer_is_no_trouble() {
    let many = |item: &str| {
        let mut body = format!("{{\"results\":[{item}");
        while body.len() < 3_000_000 {
            body.push(',');
            body.push_str(item);
        }
        body + "]}"
    };
    let started = std::time::Instant::now();
    for item in ["1", "{\"id\":1}", "[[[[[]]]]]"] {
        check(&contacts(), &three(change), 200, &many(item), &["Doubtful"; 3]);
    }
    let deep = "[".repeat(1_000_000);
    check(&contacts(), &three(change), 200, &deep, &["Doubtful"; 3]);
    check(&contacts(), &three(change), 200, &format!("{{\"results\":{deep}"), &["Doubtful"; 3]);
    let named = format!("{{\"results\":[{{\"id\":\"{}\"}}]}}", "x".repeat(1_000_000));
    check(&contacts(), &three(change), 200, &named, &["Doubtful"; 3]);
    let said = outcomes(&contacts(), &three(change), 400, "x".repeat(1_000_000).as_bytes());
    assert!(said[0].message.as_ref().unwrap().len() < 1_000);
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// Documents of the names and values that answers are made of, in any arrangement.
fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-2_i64..6).prop_map(Json::from),
        prop::sample::select(vec![200, 201, 202, 204, 400, 404, 412, 429, 500]).prop_map(Json::from),
        prop::sample::select(vec!["1", "2", "3", "row-1", "x", "", "\u{0}", "204"]).prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let names = vec![
            "results",
            "errors",
            "responses",
            "id",
            "ID",
            "status",
            "body",
            "headers",
            "trace",
            "context",
            "ids",
            "row",
            "error",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(prop::sample::select(names), inner, 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn tables() -> Vec<(Table, Vec<RowWrite>)> {
    let entry = |number| insert(number, json!({"amount": "1", "book": "b"}));
    vec![
        (contacts(), three(change)),
        (contacts(), three(addition)),
        (contacts(), three(delete)),
        (odata(ODataVersion::V4, true), three(change)),
        (entries(), vec![entry(1), entry(2), entry(3)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_row_has_an_outcome_whatever_is_answered(
        document in document(),
        status in prop::sample::select(vec![200_u16, 202, 207, 400, 409, 422, 500]),
        cut in 0_usize..400,
    ) {
        let text = document.to_string();
        let body = &text.as_bytes()[..cut.min(text.len())];
        for (table, rows) in tables() {
            let found = outcomes(&table, &rows, status, body);
            prop_assert_eq!(found.len(), rows.len());
            for (row, outcome) in rows.iter().zip(&found) {
                let is_done = matches!(outcome.verdict, Verdict::Applied | Verdict::Accepted);
                // The API for entries and a 202 say "done" by saying nothing; the others have to name the row.
                let silent = table.name == "entries" || status == 202 || row.key.is_empty();
                let id = row.key.get("id").map(Json::to_string).unwrap_or_default();
                prop_assert!(!is_done || silent || String::from_utf8_lossy(body).contains(&id), "{} {}", table.name, id);
                prop_assert!(!is_done || status < 500);
                prop_assert!(is_done || outcome.message.is_some());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_trouble(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (table, rows) in tables() {
            prop_assert_eq!(outcomes(&table, &rows, 200, &body).len(), rows.len());
        }
    }
}
