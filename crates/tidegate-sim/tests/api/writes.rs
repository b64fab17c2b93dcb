//! OData: rows are made, changed and removed, and what really happened is told apart from what was answered.

use serde_json::{Value, json};
use tidegate_sim::{Config, ETags, EffectKind, Fault, Match, ODataOptions, Shape, Sim, Unwanted, What};

use crate::client::{get, write};

async fn start(odata: ODataOptions) -> Sim {
    start_shape(Shape::ODataV4, odata).await
}

async fn start_shape(shape: Shape, odata: ODataOptions) -> Sim {
    let unwanted =
        vec![Unwanted { table: "Products".to_owned(), column: "Name".to_owned(), value: json!("bad"), status: 422 }];
    Sim::start(Config { rows: 100, shape, odata, unwanted, ..Config::default() }).await.unwrap()
}

/// Requests one after another, and their statuses.
async fn check(sim: &Sim, cases: &[(&str, &str, &[&str], &str, u16)]) {
    for (method, path, headers, body, status) in cases {
        let answer = write(sim, method, path, headers, body).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, *status, "{method} {path} {headers:?} {body}: {text}");
    }
}

fn effects(sim: &Sim) -> Vec<(EffectKind, String)> {
    sim.effects().into_iter().map(|effect| (effect.kind, effect.key)).collect()
}

const WIDGET: &str = r#"{"Name":"Widget","Price":1.50,"Stock":3,"Discontinued":false}"#;

#[tokio::test]
async fn rows_are_made_changed_and_removed() {
    let sim = start(ODataOptions::default()).await;
    check(
        &sim,
        &[
            ("POST", "Products", &[], WIDGET, 201),
            ("POST", "Products", &["Prefer: return=minimal"], &WIDGET.replace("{\"N", "{\"Id\":30,\"N"), 204),
            ("POST", "Products", &[], &WIDGET.replace("{\"N", "{\"Id\":30,\"N"), 409),
            ("POST", "Products", &[], r#"{"Name":"Widget"}"#, 400),
            ("POST", "Products", &[], &WIDGET.replace("Widget", "bad"), 422),
            ("PATCH", "Products(3)", &[], r#"{"Price":"2.25"}"#, 204),
            ("PATCH", "Products(3)", &["Prefer: return=representation"], r#"{"Stock":7}"#, 200),
            ("PATCH", "Products(3)", &[], r#"{"Stock":70000}"#, 400),
            ("PATCH", "Products(3)", &[], r#"{"Price":1.005}"#, 400),
            ("PATCH", "Products(3)", &[], r#"{"Name":null}"#, 400),
            ("PATCH", "Products(3)", &[], r#"{"Nonsense":1}"#, 400),
            ("PATCH", "Products(99)", &[], r#"{"Stock":7}"#, 404),
            ("PUT", "Products(4)", &[], WIDGET, 204),
            ("DELETE", "Products(5)", &[], "", 204),
            ("DELETE", "Products(5)", &[], "", 404),
            ("PATCH", "Products(5)", &[], r#"{"Stock":7}"#, 404),
            ("MERGE", "Products(3)", &[], r#"{"Stock":7}"#, 405),
        ],
    )
    .await;
    use EffectKind::{Delete, Insert, Update};
    let done = [(Insert, "21"), (Insert, "30"), (Update, "3"), (Update, "3"), (Update, "4"), (Delete, "5")];
    assert_eq!(effects(&sim), done.map(|(kind, key)| (kind, key.to_owned())));

    let read = |path: &'static str| async { get(&sim, path).await.json() };
    let third = read("Products(3)").await;
    assert_eq!((&third["Price"], &third["Stock"]), (&json!(2.25), &json!(7)));
    assert_eq!(read("Products(4)").await["Weight"], Value::Null, "a PUT takes away what it has not");
    let all = read("Products?$count=true&$filter=Id in (3,5,21,30,31)&$select=Id").await;
    let ids: Vec<_> = all["value"].as_array().unwrap().iter().map(|row| row["Id"].as_i64().unwrap()).collect();
    assert_eq!((ids, &all["@odata.count"]), (vec![3, 21, 30], &json!(3)));
    assert_eq!(get(&sim, "Products/$count").await.body, b"21");
    let pages = read("Products?$orderby=Id desc&$top=2&$select=Id").await;
    assert_eq!((&pages["value"][0]["Id"], &pages["value"][1]["Id"]), (&json!(30), &json!(21)));
    assert_eq!(sim.rows(0, "Products").len(), 21);
    sim.stop().await;
}

#[tokio::test]
async fn a_version_is_obeyed() {
    let sim = start(ODataOptions { etags: ETags::Declared, ..ODataOptions::default() }).await;
    let tag = get(&sim, "Products(3)").await.json()["@odata.etag"].as_str().unwrap().to_owned();
    let current = format!("If-Match: {tag}");
    check(
        &sim,
        &[
            ("PATCH", "Products(4)", &[&current], r#"{"Stock":7}"#, 412),
            ("PATCH", "Products(3)", &[&current], r#"{"Stock":7}"#, 204),
            ("PATCH", "Products(3)", &[&current], r#"{"Stock":8}"#, 412),
            ("DELETE", "Products(3)", &[&current], "", 412),
            ("DELETE", "Products(3)", &["If-Match: *"], "", 204),
        ],
    )
    .await;
    let metadata = String::from_utf8(get(&sim, "$metadata").await.body).unwrap();
    assert!(metadata.contains("Core.OptimisticConcurrency"), "{metadata}");
    sim.stop().await;

    let sim = start(ODataOptions { etags: ETags::Undeclared, needs_if_match: true, ..ODataOptions::default() }).await;
    check(&sim, &[("PATCH", "Products(4)", &[], r#"{"Stock":7}"#, 428)]).await;
    sim.change(0, "Products", "4", &json!({ "Stock": 9 })).unwrap();
    assert_eq!((sim.effects()[0].request, &sim.rows(0, "Products")[3]["Stock"]), (0, &json!(9)));
    sim.remove(0, "Products", "4").unwrap();
    assert!(sim.remove(0, "Products", "4").is_err());
    sim.stop().await;
}

#[tokio::test]
async fn what_is_declared_is_kept() {
    let odata = ODataOptions {
        computed: vec!["Products.Id".to_owned()],
        immutable: vec!["Products.Name".to_owned()],
        forbidden: vec![("Products".to_owned(), EffectKind::Delete)],
        upserts: true,
        ..ODataOptions::default()
    };
    let sim = start(odata).await;
    check(
        &sim,
        &[
            ("POST", "Products", &[], &WIDGET.replace("{\"N", "{\"Id\":30,\"N"), 400),
            ("POST", "Products", &[], WIDGET, 201),
            ("PATCH", "Products(1)", &[], r#"{"Name":"x"}"#, 400),
            ("DELETE", "Products(1)", &[], "", 405),
            ("PATCH", "OrderLines(OrderId=900,LineNo=1)", &["If-Match: *"], r#"{"Quantity":1}"#, 404),
            ("PATCH", "OrderLines(OrderId=900,LineNo=1)", &[], r#"{"ProductId":1,"Quantity":1,"Price":1}"#, 201),
        ],
    )
    .await;
    let metadata = String::from_utf8(get(&sim, "$metadata").await.body).unwrap();
    for said in ["Core.Computed", "Core.Immutable", "Capabilities.DeleteRestrictions", "<edmx:Reference"] {
        assert!(metadata.contains(said), "{said}: {metadata}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_batch_is_its_requests() {
    let sim = start(ODataOptions { batch_max: 4, ..ODataOptions::default() }).await;
    let item = |id: &str, key: u32, stock: u32| json!({ "id": id, "method": "PATCH", "url": format!("Products({key})"), "body": { "Stock": stock } });
    let requests = json!([item("a", 1, 5), item("b", 2, 99_999), item("c", 3, 6)]);
    let body = json!({ "requests": requests }).to_string();
    let statuses = |answer: &Value| -> Vec<(String, u64)> {
        let responses = answer["responses"].as_array().unwrap().iter();
        responses.map(|r| (r["id"].as_str().unwrap().to_owned(), r["status"].as_u64().unwrap())).collect()
    };
    let stops = write(&sim, "POST", "$batch", &[], &body).await.json();
    assert_eq!(statuses(&stops), [("a".to_owned(), 204), ("b".to_owned(), 400)]);
    let goes_on = write(&sim, "POST", "$batch", &["Prefer: continue-on-error"], &body).await.json();
    assert_eq!(statuses(&goes_on), [("a".to_owned(), 204), ("b".to_owned(), 400), ("c".to_owned(), 204)]);
    assert_eq!(sim.effects().len(), 3);
    let much = json!({ "requests": vec![item("a", 1, 5); 5] }).to_string();
    check(&sim, &[("POST", "$batch", &[], &much, 413)]).await;
    sim.stop().await;
}

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    let sim = start(ODataOptions::default()).await;
    for (what, status, effects) in [
        (What::Status { code: 503, retry_after: tidegate_sim::RetryAfter::None }, 503, 0),
        (What::CutBefore, 0, 0),
        (What::CutAfter, 0, 1),
        (What::FailAfter(502), 502, 1),
    ] {
        let before = sim.effects().len();
        sim.faults(vec![Fault::new(Match::Writes, what.clone())]);
        assert_eq!(get(&sim, "Products(1)").await.status, 200, "{what:?}");
        let answer = write(&sim, "PATCH", "Products(1)", &[], r#"{"Stock":7}"#).await;
        assert_eq!((answer.status, sim.effects().len() - before), (status, effects), "{what:?}");
    }
    let log = sim.requests();
    let last = log.last().unwrap();
    assert_eq!((last.json(), last.effect), (json!({ "Stock": 7 }), true));
    sim.stop().await;
}

#[tokio::test]
async fn version_two_merges() {
    let sim = start_shape(Shape::ODataV2, ODataOptions { etags: ETags::Declared, ..ODataOptions::default() }).await;
    let row = |key: usize| sim.rows(0, "Orders").swap_remove(key - 1);
    check(
        &sim,
        &[
            ("MERGE", "Orders(3L)", &[], r#"{"Total":"12.30","OrderDate":"/Date(1704067200000)/"}"#, 204),
            ("POST", "Orders(4L)", &["X-HTTP-Method: MERGE"], r#"{"Paid":true}"#, 204),
            ("PATCH", "Orders(4L)", &[], r#"{"Paid":true}"#, 405),
            ("POST", "Orders(5L)", &["X-HTTP-Method: DELETE"], "", 204),
        ],
    )
    .await;
    assert_eq!(
        (&row(3)["Total"], &row(3)["OrderDate"], &row(4)["Paid"]),
        (&json!("12.30"), &json!("2024-01-01"), &json!(true))
    );
    let metadata = String::from_utf8(get(&sim, "$metadata").await.body).unwrap();
    assert!(metadata.contains("ConcurrencyMode=\"Fixed\""), "{metadata}");
    sim.stop().await;
}
