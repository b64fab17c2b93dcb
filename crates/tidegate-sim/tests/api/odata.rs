//! Paging, query options, metadata, login and quotas of the OData shapes.

use serde_json::Value;
use tidegate_sim::{Auth, Capability, Clock, Config, ManualClock, NextLinks, ODataOptions, Quota, Shape, Sim};

use super::client::{get, send};

async fn start(config: Config) -> Sim {
    Sim::start(config).await.unwrap()
}

fn small() -> Config {
    Config { rows: 250, page_size: 100, ..Config::default() }
}

/// Follows next links from `first`; all rows, and the sizes of the pages.
async fn walk(sim: &Sim, first: &str) -> (Vec<Value>, Vec<usize>) {
    let root = sim.url();
    let mut target = format!("{}{}", root.path(), super::client::encode(first));
    let (mut rows, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let page = send(sim, "GET", &target, &[]).await.json();
        let list = page["value"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        sizes.push(list.len());
        rows.extend(list);
        match page["@odata.nextLink"].as_str() {
            Some(next) => target = root.join(next).unwrap().to_string(),
            None => return (rows, sizes),
        }
    }
    panic!("{first}: no end");
}

#[tokio::test]
async fn pages_hold_every_row_once() {
    for next_links in [NextLinks::Absolute, NextLinks::Relative, NextLinks::PathAbsolute] {
        let odata = ODataOptions { next_links, ..ODataOptions::default() };
        let sim = start(Config { odata, ..small() }).await;
        let cases: [(&str, &[usize]); 7] = [
            ("Accounts", &[100, 100, 50]),
            ("Accounts?$select=Id,Name&$top=150", &[100, 50]),
            ("Accounts?$skip=240", &[10]),
            ("Accounts?$orderby=Revenue desc,Name&$top=120&$skip=10", &[100, 20]),
            ("Accounts?$filter=Sequence lt 9007199254741193&$select=Id", &[100]),
            ("Accounts?$filter=Priority ge -3&$skip=30", &[100, 100, 20]),
            ("Accounts?$top=0", &[0]),
        ];
        for (query, want) in cases {
            let (rows, sizes) = walk(&sim, query).await;
            assert_eq!(sizes, want, "{query}");
            let mut ids: Vec<_> = rows.iter().map(|r| r["Id"].to_string()).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), rows.len(), "{query}");
        }
        sim.stop().await;
    }
}

#[tokio::test]
async fn order_puts_nulls_lowest_and_is_exact() {
    let sim = start(small()).await;
    let (rows, _) = walk(&sim, "Accounts?$orderby=Revenue,Sequence desc").await;
    let revenues: Vec<Option<f64>> = rows.iter().map(|r| r["Revenue"].as_f64()).collect();
    assert!(revenues[0].is_none() && revenues[249].is_some());
    assert!(revenues.windows(2).all(|w| w[0] <= w[1]), "None sorts below Some");
    let (down, _) = walk(&sim, "Accounts?$orderby=Revenue desc").await;
    assert!(down[249]["Revenue"].is_null());
}

#[tokio::test]
async fn filters_and_counts_agree() {
    let sim = start(small()).await;
    let (rows, _) = walk(&sim, "Accounts").await;
    let emea = rows.iter().filter(|r| r["Region"] == "EMEA").count();
    assert!(emea > 50);
    let (some, _) = walk(&sim, "Accounts?$filter=Region eq 'EMEA'").await;
    assert_eq!(some.len(), emea);
    assert!(some.iter().all(|r| r["Region"] == "EMEA"));
    let count = get(&sim, "Accounts/$count?$filter=Region eq 'EMEA'").await;
    assert_eq!(String::from_utf8_lossy(&count.body), emea.to_string());
    let page = get(&sim, "Accounts?$filter=Region eq 'EMEA'&$count=true&$top=1").await.json();
    assert_eq!(page["@odata.count"], emea);
    assert_eq!(page["value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn wrong_requests_get_the_protocols_error() {
    let sim = start(small()).await;
    let cases = [
        ("GET", "Nothing", 404),
        ("GET", "Accounts?$filter=Missing%20eq%201", 400),
        ("GET", "Accounts?$filter=Priority+eq+1", 400),
        ("GET", "Accounts?$filter=Name%20eq%20%ZZ", 400),
        ("GET", "Accounts?$filter=Name%20eq%20{x}", 400),
        ("GET", "Accounts?$filter=Active&$filter=Active", 400),
        ("GET", "Accounts?$select=Missing", 400),
        ("GET", "Accounts?$top=-1", 400),
        ("GET", "Accounts?$top=x", 400),
        ("GET", "Accounts?$skiptoken=x", 400),
        ("GET", "Accounts?$inlinecount=allpages", 400),
        ("GET", "Accounts?page=2", 400),
        ("GET", "Accounts?$expand=Orders", 501),
        ("GET", "Accounts?$format=atom", 406),
        ("GET", "Accounts/$count?$top=1", 400),
        ("GET", "Orders(999999)", 404),
        ("GET", "Orders('x')", 400),
        ("GET", "Orders(5)", 200),
        ("GET", "OrderLines(OrderId=5,LineNo=2)", 200),
        ("GET", "OrderLines(5)", 400),
        ("HEAD", "Accounts", 405),
        ("POST", "Accounts", 415),
        ("DELETE", "Accounts", 405),
    ];
    for (method, rest, want) in cases {
        let target = format!("{}{rest}", sim.url().path());
        let answer = send(&sim, method, &target, &[]).await;
        assert_eq!(answer.status, want, "{method} {rest}");
        if want >= 400 && method == "GET" {
            assert!(answer.json()["error"]["message"].is_string(), "{rest}");
        }
    }
}

#[tokio::test]
async fn an_entity_is_found_by_each_key_the_list_shows() {
    let sim = start(small()).await;
    let (rows, _) = walk(&sim, "Accounts?$select=Id,Name&$top=20").await;
    for row in rows {
        let one = get(&sim, &format!("Accounts({})", row["Id"].as_str().unwrap())).await.json();
        assert_eq!(one["Name"], row["Name"]);
    }
}

#[tokio::test]
async fn orders_refer_to_accounts_that_exist() {
    let sim = start(small()).await;
    let (orders, _) = walk(&sim, "Orders?$select=AccountId&$top=20").await;
    for order in orders {
        let id = order["AccountId"].as_str().unwrap();
        assert_eq!(get(&sim, &format!("Accounts({id})")).await.status, 200);
    }
}

#[tokio::test]
async fn metadata_answers_304_to_its_own_tag() {
    let sim = start(small()).await;
    let first = get(&sim, "$metadata").await;
    let text = String::from_utf8_lossy(&first.body).into_owned();
    for part in [
        "<Property Name=\"Revenue\" Type=\"Edm.Decimal\" Precision=\"15\" Scale=\"2\"/>",
        "<Property Name=\"Id\" Type=\"Edm.Guid\" Nullable=\"false\"/>",
        "<PropertyRef Name=\"LineNo\"/>",
        "<NavigationProperty Name=\"Account\" Type=\"Sales.Account\">",
        "Type=\"Collection(Edm.String)\"",
        "<EntitySet Name=\"Nulls\" EntityType=\"Sales.Nullable\">",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let tag = format!("If-None-Match: {}", first.header("etag").unwrap());
    let again = send(&sim, "GET", &format!("{}$metadata", sim.url().path()), &[&tag]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let json = send(&sim, "GET", &format!("{}$metadata", sim.url().path()), &["Accept: application/json"]).await;
    assert_eq!(json.status, 406);
}

#[tokio::test]
async fn numbers_are_strings_where_asked() {
    let sim = start(small()).await;
    let target = format!("{}Accounts?$top=1&$select=Sequence,Revenue", sim.url().path());
    let plain = send(&sim, "GET", &target, &["Accept: application/json"]).await;
    assert!(String::from_utf8_lossy(&plain.body).contains("\"Sequence\":9007199254740993"));
    let accept = "Accept: application/json;IEEE754Compatible=true";
    let quoted = send(&sim, "GET", &target, &[accept]).await.json();
    assert_eq!(quoted["value"][0]["Sequence"], "9007199254740993");
}

#[tokio::test]
async fn preferred_page_size_is_applied_below_the_servers() {
    let sim = start(small()).await;
    let target = format!("{}Accounts", sim.url().path());
    for (preference, rows, applied) in
        [("odata.maxpagesize=7", 7, Some("odata.maxpagesize=7")), ("odata.maxpagesize=5000", 100, None)]
    {
        let answer = send(&sim, "GET", &target, &[&format!("Prefer: {preference}")]).await;
        assert_eq!(answer.json()["value"].as_array().map(Vec::len), Some(rows));
        assert_eq!(answer.header("preference-applied"), applied);
    }
}

#[tokio::test]
async fn a_service_may_lack_or_ignore_options() {
    let odata = ODataOptions {
        refuse: vec![Capability::Top, Capability::Ne],
        ignore: vec![Capability::Select],
        ..ODataOptions::default()
    };
    let sim = start(Config { odata, ..small() }).await;
    assert_eq!(get(&sim, "Accounts?$top=1").await.status, 501);
    assert_eq!(get(&sim, "Accounts?$filter=not (Name ne 'x')").await.status, 501);
    assert_eq!(get(&sim, "Accounts?$filter=Name eq 'x'").await.status, 200);
    let page = get(&sim, "Accounts?$select=Id").await.json();
    assert!(page["value"][0]["Name"].is_string());
}

#[tokio::test]
async fn logins_are_checked() {
    let basic = Auth::Basic { user: "u".into(), password: "p:q".into() };
    let cases = [
        (basic.clone(), "Authorization: Basic dTpwOnE=", 200),
        (basic.clone(), "Authorization: Basic dTpw", 401),
        (basic, "X-Nothing: 1", 401),
        (Auth::Bearer("t0k".into()), "authorization: bearer t0k", 200),
        (Auth::Bearer("t0k".into()), "Authorization: Bearer t0", 401),
    ];
    for (auth, header, want) in cases {
        let sim = start(Config { auth, ..small() }).await;
        let answer = send(&sim, "GET", sim.url().path(), &[header]).await;
        assert_eq!(answer.status, want, "{header}");
        assert_eq!(answer.header("www-authenticate").is_some(), want == 401);
        assert_eq!(sim.requests()[0].effect, want == 200);
    }
}

#[tokio::test]
async fn divisions_have_their_own_rows_and_quotas() {
    let clock = ManualClock::at(1_000_000);
    let sim = start(Config {
        divisions: 2,
        quotas: vec![Quota::day(5), Quota::minute(1)],
        quota_retry_after: true,
        clock: Clock::Manual(clock.clone()),
        ..small()
    })
    .await;
    let target = |d| format!("{}Accounts?$top=1", sim.division_url(d).path());
    let first = send(&sim, "GET", &target(1), &[]).await;
    assert_eq!(first.header("x-ratelimit-minutely-remaining"), Some("0"));
    assert_eq!(first.header("x-ratelimit-minutely-reset"), Some("1020000"));
    let refused = send(&sim, "GET", &target(1), &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("20")));
    let other = send(&sim, "GET", &target(2), &[]).await;
    assert_ne!(other.json()["value"][0]["Id"], first.json()["value"][0]["Id"]);
    clock.advance(std::time::Duration::from_secs(20));
    assert_eq!(send(&sim, "GET", &target(1), &[]).await.status, 200);
    assert_eq!(send(&sim, "GET", "/api/v1/3/Accounts", &[]).await.status, 404);
    let effects: Vec<bool> = sim.requests().iter().map(|r| r.effect).collect();
    assert_eq!(effects, [true, false, true, true, false]);
}

#[tokio::test]
async fn version_two_speaks_verbose_json() {
    let sim = start(Config { shape: Shape::ODataV2, ..small() }).await;
    assert_eq!(get(&sim, "Accounts").await.status, 406, "Atom, unless JSON is asked for");
    let page = get(&sim, "Accounts?$format=json&$inlinecount=allpages&$filter=Sequence gt 9007199254740993L").await;
    assert_eq!(page.header("dataserviceversion"), Some("2.0"));
    assert!(String::from_utf8_lossy(&page.body).contains("\"\\/Date("));
    let d = &page.json()["d"];
    assert_eq!(d["__count"], "249");
    let row = &d["results"][0];
    assert_eq!(row["Sequence"], "9007199254740995");
    assert!(row["Kind"].is_number() && row.get("Tags").is_none());
    let next = send(&sim, "GET", d["__next"].as_str().unwrap(), &[]).await.json();
    assert_eq!(next["d"]["results"].as_array().map(Vec::len), Some(100));
    let uri = row["__metadata"]["uri"].as_str().unwrap();
    let one = send(&sim, "GET", uri, &["Accept: application/json"]).await.json();
    assert_eq!(one["d"]["Name"], row["Name"]);
    let error = get(&sim, "Accounts?$format=json&$count=true").await;
    assert!(error.status == 400 && error.json()["error"]["message"]["value"].is_string());
}
