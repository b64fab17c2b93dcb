//! The library.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_sim::{Config, Shape, Sim};

use super::client::get;

async fn start() -> Sim {
    Sim::start(Config { shape: Shape::Library, rows: 130, ..Config::default() }).await.unwrap()
}

async fn json(sim: &Sim, path: &str) -> Value {
    let answer = get(sim, path).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.json()
}

#[tokio::test]
async fn books_come_in_pages_of_fifty_at_most() {
    let sim = start().await;
    let mut ids = BTreeSet::new();
    for (page, rows) in [(1, 50), (2, 50), (3, 30), (4, 0)] {
        let body = json(&sim, &format!("books?page={page}&per_page=50")).await;
        let books = body["books"].as_array().unwrap();
        assert_eq!((books.len(), &body["total"]), (rows, &Value::from(130)));
        ids.extend(books.iter().map(|book| book["id"].as_u64().unwrap()));
    }
    assert_eq!(ids.len(), 130);
}

#[tokio::test]
async fn filters_and_sorts_hold() {
    let sim = start().await;
    let first = json(&sim, "books/1").await;
    let author = first["author"]["name"].as_str().unwrap().to_ascii_uppercase();
    let found = json(&sim, &format!("books?author={author}&per_page=50")).await;
    assert!(found["books"].as_array().unwrap().contains(&first));
    let newer = json(&sim, "books?published_since=2000-01-01&sort=-published&per_page=50").await;
    let days: Vec<&str> = newer["books"].as_array().unwrap().iter().map(|b| b["published"].as_str().unwrap()).collect();
    assert!(!days.is_empty() && days.iter().all(|day| *day >= "2000-01-01") && days.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn loans_follow_a_cursor_and_members_a_keyset() {
    let sim = start().await;
    let mut most = 0;
    for book in 1..=20 {
        let (mut path, mut loans) = (format!("books/{book}/loans"), Vec::new());
        for _ in 0..5 {
            let body = json(&sim, &path).await;
            loans.extend(body["loans"].as_array().unwrap().iter().map(|loan| loan["number"].as_u64().unwrap()));
            let Some(cursor) = body["next_cursor"].as_str() else { break };
            path = format!("books/{book}/loans?cursor={cursor}");
        }
        assert!(loans.iter().copied().eq(1..=loans.len() as u64), "{loans:?}");
        most = most.max(loans.len());
    }
    assert!(most > 20, "some book has several pages of loans");
    let (mut path, mut members) = ("members?limit=10".to_owned(), Vec::new());
    for _ in 0..6 {
        let body = json(&sim, &path).await;
        members.extend(body["members"].as_array().unwrap().iter().map(|member| member["id"].as_u64().unwrap()));
        if body["has_more"] == false {
            break;
        }
        path = format!("members?limit=10&after={}", members.last().unwrap());
    }
    assert!(members.iter().copied().eq(1001..1040), "{members:?}");
}

#[tokio::test]
async fn what_it_does_not_know_is_refused() {
    let sim = start().await;
    for (path, status) in [
        ("books?colour=red", 422),
        ("books?per_page=51", 422),
        ("books?page=0", 422),
        ("books?published_since=2000", 422),
        ("books?sort=price", 422),
        ("books/131", 404),
        ("books/x/loans", 404),
        ("books/1/loans?cursor=zz", 422),
        ("shelves", 404),
    ] {
        assert_eq!(get(&sim, path).await.status, status, "{path}");
    }
}
