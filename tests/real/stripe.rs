//! localstripe: every table that it has is read over several pages and compared with what was put in.
//!
//! It is an old Stripe in part, so only columns that it sends are asked for. It has no prices, disputes, promotion codes,
//! transfers, credit notes and checkout sessions, and takes few filters; `prism.rs` has the others. Its lists come
//! oldest first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

use crate::served::{Served, decoded};

const KEY: &str = "sk_test_tidegate";

/// More than two full pages, and two that are full and nothing more.
const CUSTOMERS: usize = 250;
const MANY: usize = 120;
const TWO_PAGES: usize = 200;

struct Stripe {
    served: Served,
    session: Session,
}

impl Stripe {
    fn start() -> Self {
        let served = Served::start("stripe");
        let def = ConnectionDef::new("api", "stripe", BTreeMap::new());
        let def = def.with("url", &served.at("/")).with("api_key", KEY);
        let session = Engine::builder().connection(def).build().unwrap().session("test");
        Self { served, session }
    }

    fn send(&self, method: &str, path: &str, form: Option<&str>) -> Json {
        self.served.call(method, path, &[&format!("Authorization: Bearer {KEY}")], form)
    }

    /// Makes one object; `form` holds no character that would need an escape.
    fn post(&self, path: &str, form: &str) -> Json {
        self.send("POST", path, Some(form))
    }

    fn id(&self, path: &str, form: &str) -> String {
        self.post(path, form)["id"].as_str().unwrap().to_owned()
    }

    /// Rows of a statement and the requests that it took.
    async fn query(&self, sql: &str) -> (Vec<Vec<String>>, Vec<String>) {
        self.served.log();
        let mut rows = run(&self.session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows();
        rows.sort();
        let log = self.served.log();
        (rows, log.iter().map(|path| decoded(path.as_str().unwrap())).collect())
    }

    /// All objects of a list, in one answer, with these members as SQL would show them.
    fn all(&self, path: &str, members: &[&str]) -> Vec<Vec<String>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let list = self.send("GET", &format!("{path}{joint}limit=100000"), None);
        let objects = list["data"].as_array().unwrap();
        let mut rows: Vec<Vec<String>> =
            objects.iter().map(|object| members.iter().map(|member| shown(&object[*member])).collect()).collect();
        rows.sort();
        rows
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => "NULL".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localstripe() {
    let stripe = Stripe::start();
    tokio::time::timeout(Duration::from_secs(600), async {
        let seeded = seed(&stripe);
        lists_are_read_whole(&stripe).await;
        filters_are_sent(&stripe, &seeded).await;
        one_is_asked_for_by_id(&stripe, &seeded).await;
        times_and_numbers_survive(&stripe).await;
        a_wrong_key_is_refused(&stripe).await;
    })
    .await
    .expect("the tests end in time");
}

/// Some of what was put in.
struct Seeded {
    payer: String,
    product: String,
    cancelled: String,
    charge: String,
}

fn seed(stripe: &Stripe) -> Seeded {
    let card = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123";
    let token = stripe.id("/v1/tokens", card);
    let payer = stripe.id("/v1/customers", &format!("email=payer@example.com&name=Payer&source={token}"));
    for n in 1..CUSTOMERS {
        stripe.post("/v1/customers", &format!("email=c{n}@example.com&name=Customer{n}&metadata[n]={n}"));
    }
    let product = stripe.id("/v1/products", "name=First");
    let mut cancelled = String::new();
    for n in 0..MANY {
        let plan =
            format!("id=plan{n}&product={product}&amount={n}00&currency=eur&interval=month&active={}", n % 2 == 0);
        stripe.post("/v1/plans", &plan);
        let subscription = stripe.id("/v1/subscriptions", &format!("customer={payer}&items[0][plan]=plan{n}"));
        if n % 3 == 0 {
            stripe.send("DELETE", &format!("/v1/subscriptions/{subscription}"), None);
            cancelled = subscription;
        }
        stripe.post("/v1/coupons", &format!("id=coupon{n}&percent_off=12.5&duration=once"));
        stripe.post("/v1/tax_rates", &format!("display_name=VAT{n}&percentage=19.5&inclusive=false"));
        stripe.post("/v1/payouts", &format!("amount={}&currency=eur&status=paid", n + 1));
        stripe.post("/v1/setup_intents", &format!("customer={payer}&usage=off_session"));
    }
    for n in 1..MANY {
        stripe.post("/v1/products", &format!("name=Product{n}&active={}", n % 2 == 0));
    }
    let mut charge = String::new();
    for n in 0..TWO_PAGES {
        charge = stripe.id("/v1/charges", &format!("customer={payer}&amount={}&currency=eur", 1000 + n));
        stripe.post("/v1/refunds", &format!("charge={charge}&amount=10"));
        stripe.post("/v1/invoiceitems", &format!("customer={payer}&amount={n}&currency=eur"));
    }
    Seeded { payer, product, cancelled, charge }
}

async fn lists_are_read_whole(stripe: &Stripe) {
    let lists: &[(&str, &str, &[&str])] = &[
        ("customers", "/v1/customers", &["id", "email", "name", "description", "delinquent", "currency"]),
        ("charges", "/v1/charges", &["id", "amount", "currency", "status", "customer", "paid", "payment_intent"]),
        ("payment_intents", "/v1/payment_intents", &["id", "amount", "currency", "status", "customer"]),
        ("setup_intents", "/v1/setup_intents", &["id", "status", "usage", "customer"]),
        (
            "invoices",
            "/v1/invoices",
            &["id", "customer", "subscription", "status", "total", "amount_due", "amount_paid"],
        ),
        (
            "invoice_items",
            "/v1/invoiceitems",
            &["id", "customer", "invoice", "amount", "currency", "quantity", "proration"],
        ),
        ("subscriptions", "/v1/subscriptions?status=all", &["id", "customer", "status", "cancel_at_period_end"]),
        ("products", "/v1/products", &["id", "name", "active", "shippable"]),
        ("plans", "/v1/plans", &["id", "product", "amount", "interval", "interval_count", "active"]),
        ("coupons", "/v1/coupons", &["id", "percent_off", "duration", "times_redeemed", "valid"]),
        ("tax_rates", "/v1/tax_rates", &["id", "display_name", "percentage", "inclusive", "active"]),
        ("refunds", "/v1/refunds", &["id", "amount", "currency", "status", "charge"]),
        (
            "balance_transactions",
            "/v1/balance_transactions",
            &["id", "amount", "fee", "net", "type", "source", "status"],
        ),
        ("payouts", "/v1/payouts", &["id", "amount", "currency", "status", "automatic", "method"]),
        ("events", "/v1/events", &["id", "type", "api_version"]),
    ];
    for (table, path, members) in lists {
        let expected = stripe.all(path, members);
        let (rows, requests) = stripe.query(&format!("SELECT \"{}\" FROM api.{table}", members.join("\", \""))).await;
        assert!(rows == expected, "{table}: {} rows, expected {}", rows.len(), expected.len());
        let pages = expected.len().div_ceil(100);
        assert!(pages > 1 && requests.len() == pages, "{table}: {} rows, {requests:?}", rows.len());
        assert!(requests.iter().all(|request| request.contains("limit=100")), "{table}: {requests:?}");
        assert!(requests[1..].iter().all(|request| request.contains("starting_after=")), "{table}: {requests:?}");
    }
}

async fn filters_are_sent(stripe: &Stripe, seeded: &Seeded) {
    let Seeded { payer, product, charge, .. } = seeded;
    let cases = [
        ("customers", "email = 'c7@example.com'".to_owned(), "email=c7@example.com", 1),
        ("charges", format!("customer = '{payer}'"), "customer=cus_", 0),
        ("charges", "created > TIMESTAMP '2020-01-01'".to_owned(), "created[gt]=1577836800", 0),
        ("invoices", format!("customer = '{payer}'"), "customer=cus_", 0),
        ("invoice_items", format!("customer = '{payer}'"), "customer=cus_", 0),
        ("subscriptions", "status = 'canceled'".to_owned(), "status=canceled", MANY / 3),
        ("subscriptions", "status = 'active'".to_owned(), "status=active", MANY - MANY / 3),
        ("products", "active = false".to_owned(), "active=false", MANY / 2),
        ("plans", format!("product = '{product}' AND active = true"), "active=true", MANY / 2),
        ("refunds", format!("charge = '{charge}'"), "charge=ch_", 1),
        ("events", "type = 'plan.created'".to_owned(), "type=plan.created", MANY),
        ("events", "created >= TIMESTAMP '2020-01-01'".to_owned(), "created[gte]=1577836800", 0),
        ("events", "created < TIMESTAMP '2020-01-01'".to_owned(), "created[lt]=1577836800", 0),
    ];
    for (table, filter, part, found) in cases {
        let sql = format!("SELECT id FROM api.{table} WHERE {filter}");
        let (rows, requests) = stripe.query(&sql).await;
        assert!(!requests.is_empty() && requests.iter().all(|request| request.contains(part)), "{sql}: {requests:?}");
        assert!(found == 0 || rows.len() == found, "{sql}: {} rows", rows.len());
        // The same rows as without pushdown, which reads every column, and localstripe lacks some.
        run(&stripe.session, "SET tidegate.on_bad_value = 'null'").await.unwrap();
        run(&stripe.session, "SET tidegate.pushdown = false").await.unwrap();
        let (local, requests) = stripe.query(&sql).await;
        run(&stripe.session, "SET tidegate.pushdown = true").await.unwrap();
        run(&stripe.session, "SET tidegate.on_bad_value = 'fail'").await.unwrap();
        assert!(requests.iter().all(|request| !request.contains(part)), "{sql}: {requests:?}");
        assert!(rows == local, "{sql}: {} rows, and {} of all", rows.len(), local.len());
    }
}

async fn one_is_asked_for_by_id(stripe: &Stripe, seeded: &Seeded) {
    let Seeded { payer, cancelled, .. } = seeded;
    let sql = format!("SELECT email, name FROM api.customers WHERE id = '{payer}'");
    let (rows, requests) = stripe.query(&sql).await;
    assert_eq!(rows, [["payer@example.com", "Payer"]]);
    assert_eq!(requests, [format!("/v1/customers/{payer}")]);
    let (rows, requests) = stripe.query("SELECT email, name FROM api.customers WHERE id = 'cus_nobody'").await;
    assert_eq!((rows.len(), requests.len()), (0, 1), "{requests:?}");
    let sql = format!("SELECT status FROM api.subscriptions WHERE id = '{cancelled}'");
    assert_eq!(stripe.query(&sql).await.0, [["canceled"]], "cancelled ones are there");
    let sql = "SELECT id, amount FROM api.plans WHERE id IN ('plan1', 'plan7', 'plan-none')";
    let (rows, requests) = stripe.query(sql).await;
    assert_eq!(rows, [["plan1", "100"], ["plan7", "700"]]);
    assert!(requests.len() <= 3, "{requests:?}");
}

async fn times_and_numbers_survive(stripe: &Stripe) {
    let payout = &stripe.send("GET", "/v1/payouts?limit=1", None)["data"][0];
    let (id, arrival) = (payout["id"].as_str().unwrap(), &payout["arrival_date"]);
    let sql = format!("SELECT amount, date_part('epoch', arrival_date)::BIGINT FROM api.payouts WHERE id = '{id}'");
    assert_eq!(stripe.query(&sql).await.0, [["1".to_owned(), arrival.to_string()]]);
    let sum: usize = (1..=MANY).sum();
    assert_eq!(stripe.query("SELECT sum(amount) FROM api.payouts").await.0, [[sum.to_string()]]);
}

async fn a_wrong_key_is_refused(stripe: &Stripe) {
    let def = ConnectionDef::new("api", "stripe", BTreeMap::new());
    let def = def.with("url", &stripe.served.at("/")).with("api_key", "pk_hunter22");
    let session = Engine::builder().connection(def).build().unwrap().session("test");
    let error = run(&session, "SELECT id FROM api.products").await.unwrap_err().to_string();
    assert!(error.contains("401") && !error.contains("hunter22"), "{error}");
}
