//! The `Rest` shape: each way of writing, idempotency keys, and what really happened.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_sim::{Clock, Config, Fault, ManualClock, Match, Shape, Sim, What};

use crate::client::{get, send_body, write};

async fn start() -> Sim {
    Sim::start(Config { shape: Shape::Rest, rows: 50, ..Config::default() }).await.unwrap()
}

/// What was done, in a form that fits a line: `update 3`.
fn effects(sim: &Sim) -> Vec<String> {
    sim.effects().iter().map(|effect| format!("{} {}", effect.kind.name(), effect.key)).collect()
}

/// A request, the status of its answer, what its body has at a place, and how many effects it had.
async fn check(sim: &Sim, cases: &[(&str, &str, Value, u16, &str, Value, usize)]) {
    for (method, path, body, status, at, want, count) in cases {
        let before = sim.effects().len();
        let answer = write(sim, method, path, &[], &body.to_string()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, *status, "{method} {path} {body}: {text}");
        if !answer.body.is_empty() {
            assert_eq!(answer.json().pointer(at), Some(want), "{method} {path} {body}: {text}");
        }
        assert_eq!(sim.effects().len() - before, *count, "{method} {path} {body}: {:?}", effects(sim));
    }
}

#[tokio::test]
async fn rows_one_by_one() {
    let sim = start().await;
    let text = |text: &str| json!(text);
    check(
        &sim,
        &[
            ("POST", "items", json!({ "name": "A", "stock": 3 }), 201, "/id", json!(51), 1),
            ("POST", "items", json!({ "stock": 3 }), 422, "/error/message", text("name is required"), 0),
            (
                "PATCH",
                "items/3",
                json!({ "stock": 8, "address": { "city": "Ulm" } }),
                200,
                "/address/country",
                text("BE"),
                1,
            ),
            ("PATCH", "items/3", json!({ "stock": -1 }), 422, "/error/message", text("stock must not be -1"), 0),
            ("PATCH", "items/3", json!({ "id": 4 }), 422, "/error/message", text("id cannot be written"), 0),
            ("PATCH", "items/99", json!({ "stock": 1 }), 404, "/error/message", text("there is no item 99"), 0),
            ("PUT", "items/4", json!({ "name": "B" }), 200, "/status", text("open"), 1),
            ("DELETE", "items/5", Value::Null, 204, "", Value::Null, 1),
            ("DELETE", "items/5", Value::Null, 404, "/error/message", text("there is no item 5"), 0),
            ("PATCH", "soft/6", json!({ "stock": "x" }), 200, "/ok", json!(false), 0),
            ("PATCH", "soft/6", json!({ "stock": 6 }), 200, "/item/stock", json!(6), 1),
        ],
    )
    .await;
    let target = "/api/items/7";
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = send_body(&sim, "PATCH", target, &form, "note=&stock=9&address%5Bcity%5D=Bad+Ems").await;
    assert_eq!((&answer.json()["note"], &answer.json()["stock"]), (&Value::Null, &json!(9)));
    assert_eq!(answer.json()["address"]["city"], "Bad Ems");
    let etag = format!("If-Match: {}", answer.header("etag").unwrap());
    assert_eq!(write(&sim, "PATCH", "items/7", &[&etag], r#"{"stock":10}"#).await.status, 200);
    assert_eq!(write(&sim, "PATCH", "items/7", &[&etag], r#"{"stock":11}"#).await.status, 412);

    let found = get(&sim, "items?ids=5,7,51,60").await.json();
    assert_eq!((&found["total"], &found["items"][0]["stock"]), (&json!(2), &json!(10)));
    let page = get(&sim, "items?page=2&per_page=40").await.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (10, &json!(50)));
    assert_eq!(sim.rows(0, "items").len(), 50);
    sim.stop().await;
}

#[tokio::test]
async fn many_in_one_request() {
    let sim = start().await;
    let bad = json!({ "id": 2, "stock": -5 });
    let rows = json!([{ "id": 1, "stock": 5 }, bad, { "id": 3, "stock": 5 }]);
    let inputs = |rows: &[(u32, i32)]| {
        let input = |(id, stock): &(u32, i32)| json!({ "id": id.to_string(), "properties": { "stock": stock } });
        json!({ "inputs": rows.iter().map(input).collect::<Vec<_>>() })
    };
    let made = json!({ "inputs": [{ "trace": "t1", "properties": { "name": "A" } }] });
    check(
        &sim,
        &[
            (
                "POST",
                "items/batch/update",
                inputs(&[(1, 5), (2, -5), (3, 5)]),
                207,
                "/errors/0/context/ids/0",
                json!("2"),
                2,
            ),
            ("POST", "items/batch/update", inputs(&[(1, 5), (3, 5)]), 200, "/results/0/id", json!(3), 2),
            ("POST", "items/batch/create", made, 201, "/results/0/trace", json!("t1"), 1),
            ("POST", "items/batch/archive", inputs(&[(10, 0), (99, 0)]), 204, "", Value::Null, 1),
            ("PATCH", "items/bulk", json!({ "items": rows }), 200, "/1/success", json!(false), 2),
            ("POST", "items/bulk", json!({ "items": [{ "name": "B" }, {}] }), 200, "/0/id", json!(52), 1),
            ("POST", "items/bulk/delete", json!({ "ids": [4, 4] }), 200, "/1/success", json!(false), 1),
            ("PATCH", "items/all", rows.clone(), 422, "/error/message", json!("stock must not be -5"), 0),
            (
                "PATCH",
                "items/all",
                json!([{ "id": 5, "stock": 1 }, { "id": 6, "stock": 1 }]),
                200,
                "/done",
                json!(2),
                2,
            ),
            ("PATCH", "items?ids=7,8,9,99&limit=2", json!({ "status": "held" }), 200, "/affected", json!(2), 2),
            ("DELETE", "items?ids=7,99", Value::Null, 200, "/affected", json!(1), 1),
            ("POST", "items/jobs", json!({ "rows": rows }), 202, "/job", json!("1"), 2),
            (
                "PATCH",
                "items/all",
                json!(vec![json!({ "id": 5, "stock": 1 }); 101]),
                422,
                "/error/message",
                json!("a batch takes 100 rows at most, and not 101"),
                0,
            ),
        ],
    )
    .await;
    for state in ["running", "running", "complete"] {
        assert_eq!(get(&sim, "items/jobs/1").await.json()["state"], state);
    }
    let results = get(&sim, "items/jobs/1").await.json()["results"].clone();
    assert_eq!((&results[0]["ok"], &results[1]["ok"]), (&json!(true), &json!(false)));
    sim.stop().await;
}

#[tokio::test]
async fn entries_are_written_once_by_their_request_id() {
    let sim = start().await;
    let entry = |level: u32, id: &str| json!({ "level": level, "message": "m", "request_id": id });
    let batch = json!({ "entries": [entry(1, "a"), entry(9, "b"), entry(1, "c")] });
    let many = "streams/s/entries:batchWrite";
    check(
        &sim,
        &[
            ("POST", "streams/s/entries:write", entry(1, "a"), 202, "", json!({}), 1),
            ("POST", many, batch.clone(), 202, "/results/1/accepted", json!(false), 1),
            ("POST", many, batch, 202, "/results/0/accepted", json!(true), 0),
            ("POST", "streams/t/entries:write", json!({ "level": 1, "message": "m" }), 202, "", json!({}), 1),
            ("POST", "streams/t/entries:write", json!({ "level": 1, "message": "m" }), 202, "", json!({}), 1),
        ],
    )
    .await;
    let summary = get(&sim, "streams/s/entries:summary").await.json();
    assert_eq!(summary, json!({ "levels": [{ "level": 1, "count": 2 }] }));
    assert_eq!(sim.effects()[0].idempotency_key.as_deref(), Some("a"));
    sim.stop().await;
}

#[tokio::test]
async fn a_key_makes_a_request_happen_once() {
    let clock = ManualClock::at(1_000_000);
    let config = Config { shape: Shape::Rest, rows: 5, clock: Clock::Manual(clock.clone()), ..Config::default() };
    let sim = Sim::start(config).await.unwrap();
    let body = r#"{"name":"A"}"#;
    let key = ["Idempotency-Key: \"k1\""];
    sim.faults(vec![Fault::new(Match::Writes, What::CutAfter).times(1)]);
    assert_eq!(write(&sim, "POST", "items", &key, body).await.status, 0);
    let again = write(&sim, "POST", "items", &key, body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(write(&sim, "POST", "items", &key, r#"{"name":"B"}"#).await.status, 422);
    assert_eq!(effects(&sim), ["insert 6"]);
    assert_eq!(sim.effects()[0].idempotency_key.as_deref(), Some("k1"));

    sim.faults(vec![Fault::new(Match::Writes, What::Delay(Duration::from_millis(300))).times(1)]);
    let other = ["Idempotency-Key: k2"];
    let (first, second) = tokio::join!(write(&sim, "POST", "items", &other, body), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        write(&sim, "POST", "items", &other, body).await
    });
    assert_eq!((first.status, second.status), (201, 409));

    clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(write(&sim, "POST", "items", &key, body).await.status, 201);
    assert_eq!(effects(&sim), ["insert 6", "insert 7", "insert 8"], "a key that is forgotten is new");
    sim.stop().await;
}

#[tokio::test]
async fn divisions_have_rows_of_their_own() {
    let sim = Sim::start(Config { shape: Shape::Rest, rows: 5, divisions: 2, ..Config::default() }).await.unwrap();
    let target = format!("{}items/1", sim.division_url(2).path());
    let json = ["Content-Type: application/json"];
    assert_eq!(send_body(&sim, "PATCH", &target, &json, r#"{"name":"mine"}"#).await.status, 200);
    assert_eq!(sim.effects()[0].division, 2);
    assert_eq!(sim.rows(2, "items")[0]["name"], "mine");
    assert_eq!(sim.rows(1, "items")[0]["name"], "Item 00001");
    let told = crate::client::send(&sim, "GET", "/_effects", &[]).await.json();
    assert_eq!((&told[0]["division"], &told[0]["kind"]), (&json!(2), &json!("update")));
    assert_eq!(crate::client::send(&sim, "GET", "/_requests", &[]).await.json()["count"], 1);
    sim.stop().await;
}
