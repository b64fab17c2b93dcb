//! What makes reading cheap: validators and freshness, groups, lists by ids, lists under a parent, details.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_sim::{
    Apply, Caching, Clock, Collation, Config, ManualClock, ODataOptions, Quota, RestOptions, Shape, Sim,
};

use crate::client::{get, send, write};

fn cached(shape: Shape) -> (Config, ManualClock) {
    let clock = ManualClock::at(1_800_000_000_500);
    let caching =
        Caching { etag: true, last_modified: true, control: Some("private, max-age=60".to_owned()), free_304: true };
    let quotas = vec![Quota::minute(100)];
    let config = Config { shape, rows: 120, caching, quotas, clock: Clock::Manual(clock.clone()), ..Config::default() };
    (config, clock)
}

#[tokio::test]
async fn answers_that_are_known_are_not_sent_again() {
    for (shape, path) in [(Shape::ODataV4, "Accounts"), (Shape::Rest, "items"), (Shape::Library, "books")] {
        let (config, _clock) = cached(shape);
        let sim = Sim::start(config).await.unwrap();
        let target = format!("{}{path}", sim.url().path());
        let first = get(&sim, path).await;
        assert_eq!((first.status, first.header("cache-control")), (200, Some("private, max-age=60")));
        assert_eq!(first.header("date"), Some("Fri, 15 Jan 2027 08:00:00 GMT"));
        let (etag, since) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
        let (known, old) = (format!("If-None-Match: \"x\", W/{etag}"), format!("If-Modified-Since: {since}"));
        let cases: [(&[&str], u16); 5] = [
            (&[&known], 304),
            (&[&old], 304),
            (&["If-None-Match: \"x\"", &old], 200),
            (&["If-Modified-Since: Fri, 15 Jan 2027 07:59:59 GMT"], 200),
            (&["If-None-Match: *"], 304),
        ];
        for (headers, status) in cases {
            let answer = send(&sim, "GET", &target, headers).await;
            assert_eq!((answer.status, answer.body.is_empty()), (status, status == 304), "{path} {headers:?}");
            assert_eq!(answer.header("etag"), Some(etag), "{path} {headers:?}");
        }
        let used = sim.quotas(0)[0].used;
        assert_eq!(used, 3, "{path}: a 304 takes nothing");
        assert_eq!(sim.requests().iter().filter(|request| request.status == Some(304)).count(), 3);
    }
}

#[tokio::test]
async fn a_change_makes_answers_new() {
    let (config, clock) = cached(Shape::Rest);
    let sim = Sim::start(config).await.unwrap();
    let first = get(&sim, "items/3").await;
    let list = get(&sim, "sites").await;
    clock.advance(Duration::from_secs(10));
    sim.change(0, "items", "3", &json!({ "stock": 5 })).unwrap();
    for (path, first, status) in [("items/3", &first, 200), ("sites", &list, 304)] {
        let known = format!("If-None-Match: {}", first.header("etag").unwrap());
        assert_eq!(send(&sim, "GET", &format!("/api/{path}"), &[&known]).await.status, status, "{path}");
    }
    let since = format!("If-Modified-Since: {}", first.header("last-modified").unwrap());
    let answer = send(&sim, "GET", "/api/sites", &[&since]).await;
    assert_eq!(answer.status, 200, "times are of the whole API");
    assert_eq!(answer.header("last-modified"), Some("Fri, 15 Jan 2027 08:00:10 GMT"));
    assert!(write(&sim, "PATCH", "items/4", &[], r#"{"stock":1}"#).await.header("cache-control").is_none());
}

async fn odata(odata: ODataOptions) -> Sim {
    Sim::start(Config { rows: 300, page_size: 100, odata, ..Config::default() }).await.unwrap()
}

/// The rows of `Accounts`, without the server's grouping.
async fn accounts(sim: &Sim) -> Vec<Value> {
    sim.rows(0, "Accounts")
}

#[tokio::test]
async fn groups_are_those_of_the_rows() {
    let sim = odata(ODataOptions { apply: Apply::Declared, ..ODataOptions::default() }).await;
    let rows = accounts(&sim).await;
    let query = "Accounts?$apply=filter(Priority ge 0)/groupby((Region),aggregate($count as n,Priority with sum as \
                 s,Employees with max as m,Employees with countdistinct as d,Employees with min as l))";
    let answer = get(&sim, query).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let groups = answer.json()["value"].as_array().unwrap().clone();
    let mut regions: Vec<Value> = rows.iter().map(|row| row["Region"].clone()).collect();
    regions.sort_by_key(Value::to_string);
    regions.dedup();
    assert_eq!(groups.len(), regions.len());
    for region in regions {
        let of = rows.iter().filter(|row| row["Region"] == region && row["Priority"].as_i64().unwrap() >= 0);
        let of: Vec<&Value> = of.collect();
        let employees = || of.iter().filter_map(|row| row["Employees"].as_i64());
        let distinct: std::collections::BTreeSet<i64> = employees().collect();
        let group = groups.iter().find(|group| group["Region"] == region).unwrap();
        let want = json!({
            "@odata.id": null, "Region": region, "n@odata.type": "#Decimal", "n": of.len(),
            "s@odata.type": "#Int64", "s": of.iter().filter_map(|row| row["Priority"].as_i64()).sum::<i64>(),
            "m": employees().max(), "d@odata.type": "#Decimal", "d": distinct.len(), "l": employees().min(),
        });
        assert_eq!(group, &want);
    }
    assert!(groups.iter().any(|group| group["Region"].is_null()), "null is a group");
    let metadata = get(&sim, "$metadata").await;
    assert!(String::from_utf8_lossy(&metadata.body).contains("Aggregation.ApplySupported"));
}

#[tokio::test]
async fn groups_in_other_forms() {
    let sim = odata(ODataOptions { apply: Apply::Undeclared, ..ODataOptions::default() }).await;
    assert!(!String::from_utf8_lossy(&get(&sim, "$metadata").await.body).contains("Aggregation"));
    let cases = [
        ("aggregate($count as n)", 200, "/value/0/n", json!(300)),
        ("filter(Priority gt 99)/aggregate($count as n,Priority with sum as s)", 200, "/value/0/s", json!(null)),
        ("filter(Priority gt 99)/groupby((Region))", 200, "/value", json!([])),
        ("groupby((Code))&$top=7&$count=true", 200, "/@odata.count", json!(300)),
        ("groupby((Address/City))&$orderby=Address/City&$top=1", 200, "/value/0/@odata.id", json!(null)),
        ("aggregate(Revenue with sum as Name)", 400, "/error/code", json!("BadRequest")),
        ("aggregate(Name with sum as s)", 400, "/error/code", json!("BadRequest")),
        ("groupby(Region)", 400, "/error/code", json!("BadRequest")),
        ("groupby((Region),aggregate($count as n)", 400, "/error/code", json!("BadRequest")),
        ("topcount(3,Priority)", 501, "/error/code", json!("NotImplemented")),
        ("groupby((Region))&$filter=Priority eq 1", 501, "/error/code", json!("NotImplemented")),
    ];
    for (apply, status, at, want) in cases {
        let answer = get(&sim, &format!("Accounts?$apply={apply}")).await;
        assert_eq!((answer.status, answer.json().pointer(at)), (status, Some(&want)), "{apply}: {}", answer.json());
    }
    let headers = ["Accept: application/json;IEEE754Compatible=true"];
    let target = "/odata/v4/Accounts?$apply=aggregate(Revenue%20with%20sum%20as%20s)";
    assert!(send(&sim, "GET", target, &headers).await.json()["value"][0]["s"].is_string());
    let (mut target, mut names) = ("Accounts?$apply=groupby((Code))".to_owned(), 0);
    let mut pages = 0;
    while !target.is_empty() {
        let page = if pages == 0 { get(&sim, &target).await } else { send(&sim, "GET", &target, &[]).await };
        let page = page.json();
        names += page["value"].as_array().unwrap().len();
        target = page["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
        pages += 1;
    }
    assert_eq!((names, pages), (300, 3), "groups have pages");
    let none = odata(ODataOptions::default()).await;
    assert_eq!(get(&none, "Accounts?$apply=aggregate($count as n)").await.status, 501);
    let folding = ODataOptions {
        apply: Apply::Undeclared,
        collation: Collation::CaseInsensitive,
        in_max: 2,
        ..ODataOptions::default()
    };
    let folding = odata(folding).await;
    assert_eq!(get(&folding, "Accounts?$filter=Priority in (1,2)").await.status, 200);
    assert_eq!(get(&folding, "Accounts?$filter=Active and Priority in (1,2,3)").await.status, 400);
}

#[tokio::test]
async fn lists_by_ids_parents_and_details() {
    let rest = RestOptions { batch_max: 3, folds_case: true, ..RestOptions::default() };
    let sim =
        Sim::start(Config { shape: Shape::Rest, rows: 60, rest, page_size: 20, ..Config::default() }).await.unwrap();
    let cases = [
        ("items?ids=3,1,99", 200, "/items/1/id", json!(3)),
        ("items?ids=1,2,3,4", 400, "/error/message", json!("ids takes 3 at most, and not 4")),
        ("items?name=ITEM%2000007", 200, "/items/0/id", json!(7)),
        ("items?sort=-name&per_page=2", 200, "/items/0/id", json!(60)),
        ("items/50/details", 404, "/error/message", json!("there are no details of item 50")),
        ("items/51/details", 200, "/id", json!(51)),
        ("sites?country=be", 200, "/total", json!(3)),
        ("sites/S002", 200, "/country", json!("NL")),
        ("sites/S002/bins?offset=25&limit=9", 200, "/bins/4/number", json!(30)),
        ("sites/S002/bins?state=free", 200, "/total", json!(10)),
        ("sites/S099/bins", 404, "/error/message", json!("there is no site S099")),
        ("sites/S002/bins/31", 404, "/error/message", json!("there is no bin 31")),
        ("movements", 400, "/error/message", json!("sites is required")),
        ("movements?sites=S001,S002", 200, "/total", json!(40)),
        ("movements?sites=S001,S002,S003,S004", 400, "/error/message", json!("sites takes 3 at most, and not 4")),
        ("movements?sites=S001&colour=red", 422, "/error/message", json!("unknown parameter colour")),
    ];
    for (path, status, at, want) in cases {
        let target = format!("{}{path}", sim.url().path());
        let answer = send(&sim, "GET", &target, &[]).await;
        assert_eq!((answer.status, answer.json().pointer(at)), (status, Some(&want)), "{path}: {}", answer.json());
    }
    let found = write(&sim, "POST", "items/query", &[], r#"{"ids":[5,"4",99]}"#).await.json();
    let ids: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!(4), json!(5)]);
    assert_eq!(write(&sim, "POST", "items/query", &[], r#"{"ids":[1,2,3,4]}"#).await.status, 400);
    let target = "/api/items?sort=-stock&per_page=20";
    let stocks = send(&sim, "GET", target, &[]).await.json()["items"].clone();
    let stocks: Vec<u64> = stocks.as_array().unwrap().iter().map(|item| item["stock"].as_u64().unwrap()).collect();
    assert!(stocks.is_sorted_by(|left, right| left >= right), "{stocks:?}");
    assert_eq!(sim.effect_count(), 0);
}
