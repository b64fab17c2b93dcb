//! SAP CAP is written to: bounds, filters that OData cannot say, ETags, batches, and connections that break. What counts
//! is the server's own log of what changed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;
use tidegate::{ConnectionDef, Engine, Session};
use tidegate_tests::run::run;

use crate::cap_server::Cap;
use crate::mutated::mutate;
use crate::proxy::{Fault, Proxy};

/// The two ways in which rows are written.
const WAYS: [(&str, &[(&str, &str)]); 2] = [("single", &[]), ("batch", &[("batch", "json"), ("batch_size", "7")])];

/// The service with a proxy before it.
struct Service {
    cap: Cap,
    proxy: Proxy,
}

impl Service {
    fn start() -> Self {
        let cap = Cap::start_to_write();
        let proxy = Proxy::start(&cap.service("sales"));
        Self { cap, proxy }
    }

    fn session(&self, options: &[(&str, &str)]) -> Session {
        let def = ConnectionDef::odata("cap", self.proxy.url());
        let def = options.iter().fold(def, |def, (option, value)| def.with(option, value));
        Engine::builder().connection(def).build().unwrap().session("test")
    }

    /// One that may write.
    fn writer(&self, options: &[(&str, &str)]) -> Session {
        self.session(&[options, &[("writes", "true")]].concat())
    }

    /// Changes of this kind alone, so many, and none of them twice.
    #[track_caller]
    fn assert_changed(&self, what: &str, event: &str, entity: &str, rows: u64) -> Vec<Json> {
        let effects = self.cap.effects();
        let keys: BTreeSet<_> = effects.iter().map(|effect| effect["key"].to_string()).collect();
        let strange = effects.iter().find(|effect| effect["event"] != event || effect["entity"] != entity);
        assert!(strange.is_none(), "{what}: {strange:?}");
        assert_eq!((effects.len() as u64, keys.len() as u64), (rows, rows), "{what}: changes, and rows that changed");
        effects
    }
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    run(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows()
}

/// One server for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_cap_is_written_to() {
    let service = Service::start();
    tokio::time::timeout(Duration::from_secs(900), async {
        a_bound_is_a_bound(&service).await;
        filters_and_values_are_sqls(&service).await;
        rows_are_made_and_removed(&service).await;
        many_rows_are_one_call(&service).await;
        what_is_not_allowed_is_not_sent(&service).await;
        refusals_are_told_row_by_row(&service).await;
        a_row_that_changed_since_is_left_alone(&service).await;
        what_was_done_can_be_undone(&service).await;
        for (number, (way, options)) in WAYS.into_iter().enumerate() {
            faults_repeat_and_lose_nothing(&service, way, options, 200_000 + 1_000 * number).await;
        }
        an_insert_without_a_key_is_never_repeated(&service).await;
    })
    .await
    .expect("the tests end in time");
}

async fn a_bound_is_a_bound(service: &Service) {
    let session = service.writer(&[]);
    let sql = "UPDATE cap.accounts SET employees = 7001 WHERE region = 'EMEA' LIMIT 100";
    mutate(&session, sql).await.assert_applied(100);
    let effects = service.assert_changed(sql, "UPDATE", "Accounts", 100);
    assert!(effects.iter().all(|effect| effect["data"]["employees"] == 7001), "{:?}", effects[0]);
    let writes: Vec<_> = service.proxy.seen().into_iter().filter(crate::proxy::Seen::is_write).collect();
    assert_eq!(writes.len(), 100);
    assert!(
        writes.iter().all(|write| write.method == "PATCH" && write.header("if-match").is_some()),
        "{:?}",
        writes[0]
    );
    assert_eq!(rows(&session, "SELECT count(*) FROM cap.accounts WHERE employees = 7001").await, [["100"]]);

    service.proxy.seen();
    for sql in [
        "UPDATE cap.accounts SET employees = 7002 LIMIT 0",
        "UPDATE cap.accounts SET employees = 7002 WHERE FALSE",
        "DELETE FROM cap.accounts LIMIT 0",
    ] {
        mutate(&session, sql).await.assert_applied(0);
        service.assert_changed(sql, "", "", 0);
    }
    let asked = service.proxy.seen();
    assert!(asked.iter().all(|seen| seen.path.contains("$metadata")), "nothing is asked for: {asked:?}");

    let top = "SELECT id FROM cap.accounts ORDER BY revenue DESC NULLS LAST, id LIMIT 5";
    let mut expected = rows(&session, top).await.concat();
    let sql = "UPDATE cap.accounts SET rating = 1.5 ORDER BY revenue DESC NULLS LAST, id LIMIT 5";
    mutate(&session, sql).await.assert_applied(5);
    let effects = service.assert_changed(sql, "UPDATE", "Accounts", 5);
    let mut changed: Vec<_> = effects.iter().map(|effect| effect["key"]["ID"].as_str().unwrap().to_owned()).collect();
    expected.sort();
    changed.sort();
    assert_eq!(changed, expected);
}

async fn filters_and_values_are_sqls(service: &Service) {
    let session = service.writer(&[]);
    let filter = "reverse(name) LIKE '21%' AND md5(name) >= '8'";
    let matching: u64 =
        rows(&session, &format!("SELECT count(*) FROM cap.accounts WHERE {filter}")).await[0][0].parse().unwrap();
    assert!(matching > 40, "{matching}");
    for limit in [30, matching + 10] {
        let sql = format!("UPDATE cap.accounts SET notes = upper(name) || ' {limit}' WHERE {filter} LIMIT {limit}");
        mutate(&session, &sql).await.assert_applied(limit.min(matching));
        let effects = service.assert_changed(&sql, "UPDATE", "Accounts", limit.min(matching));
        let said = |effect: &Json| effect["data"]["notes"].as_str().unwrap().ends_with(&format!(" {limit}"));
        assert!(effects.iter().all(said), "{effects:?}");
    }
    let sql =
        format!("SELECT count(*) FROM cap.accounts WHERE {filter} AND notes = upper(name) || ' {}'", matching + 10);
    assert_eq!(rows(&session, &sql).await, [[matching.to_string()]]);

    // Keys of two columns, with what URLs and OData escape.
    let sql = "UPDATE cap.products SET title = 'Ünï ''quoted'' / 100%' WHERE variant = 'ü %' LIMIT 3
               RETURNING sku, variant, title";
    let done = mutate(&session, sql).await;
    done.assert_applied(3);
    service.assert_changed(sql, "UPDATE", "Products", 3);
    assert!(
        done.rows.len() == 3 && done.rows.iter().all(|row| row[1] == "ü %" && row[2].ends_with("100%")),
        "{done:?}"
    );
}

async fn rows_are_made_and_removed(service: &Service) {
    let session = service.writer(&[]);
    let columns = "s, u, b, u8, i16, i32, i64, dec, num, dbl, d, t, dt, ts, bin, addr_street, addr_city, tags";
    let sql = format!(
        "INSERT INTO cap.nulls (id, {columns}) SELECT id + 100000, {columns} FROM cap.nulls WHERE id BETWEEN 1 AND 60"
    );
    mutate(&session, &sql).await.assert_applied(60);
    service.assert_changed(&sql, "CREATE", "Nulls", 60);
    let all =
        |first| format!("SELECT {columns} FROM cap.nulls WHERE id BETWEEN {first} + 1 AND {first} + 60 ORDER BY id");
    assert_eq!(rows(&session, &all(100_000)).await, rows(&session, &all(0)).await, "every type survives");

    let sql =
        "INSERT INTO cap.accounts (name, createdat) VALUES ('Fresh A', now()), ('Fresh B', now()) RETURNING id, name";
    let done = mutate(&session, sql).await;
    done.assert_applied(2);
    let effects = service.assert_changed(sql, "CREATE", "Accounts", 2);
    let mut made: Vec<_> = effects.iter().map(|effect| effect["key"]["ID"].as_str().unwrap()).collect();
    let mut told: Vec<_> = done.rows.iter().map(|row| row[0].as_str()).collect();
    made.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, made, "RETURNING has the keys that the server chose");

    let sql = "DELETE FROM cap.nulls WHERE id > 100000 LIMIT 20";
    mutate(&session, sql).await.assert_applied(20);
    service.assert_changed(sql, "DELETE", "Nulls", 20);
    let sql = "DELETE FROM cap.accounts WHERE name LIKE 'Fresh _'";
    mutate(&session, sql).await.assert_applied(2);
    service.assert_changed(sql, "DELETE", "Accounts", 2);
    assert_eq!(rows(&session, "SELECT count(*) FROM cap.nulls WHERE id > 100000").await, [["40"]]);
}

async fn many_rows_are_one_call(service: &Service) {
    let session = service.writer(&[("batch", "json")]);
    for (sql, event, entity, rows) in [
        ("UPDATE cap.orders SET note = 'seen' WHERE quantity > 50 LIMIT 120", "UPDATE", "Orders", 120),
        ("UPDATE cap.accounts SET employees = 7003 WHERE region = 'APJ' LIMIT 120", "UPDATE", "Accounts", 120),
        (
            "INSERT INTO cap.nulls (id, s) SELECT id + 110000, s FROM cap.nulls WHERE id BETWEEN 1 AND 120",
            "CREATE",
            "Nulls",
            120,
        ),
        ("DELETE FROM cap.nulls WHERE id > 110000", "DELETE", "Nulls", 120),
    ] {
        service.proxy.seen();
        mutate(&session, sql).await.assert_applied(rows);
        service.assert_changed(sql, event, entity, rows);
        let writes: Vec<_> = service.proxy.seen().into_iter().filter(crate::proxy::Seen::is_write).collect();
        let are_batches = writes.iter().all(|write| write.path.ends_with("/$batch"));
        assert!(writes.len() == 3 && are_batches, "{sql}: {:?}", writes.iter().map(|w| &w.path).collect::<Vec<_>>());
    }
}

async fn what_is_not_allowed_is_not_sent(service: &Service) {
    service.proxy.seen();
    let (reader, writer) = (service.session(&[]), service.writer(&[]));
    let cases = [
        (&reader, "UPDATE cap.accounts SET employees = 1 LIMIT 1", "writes"),
        (&writer, "UPDATE cap.accounts SET modifiedat = now() LIMIT 1", "modifiedat"),
        (&writer, "UPDATE cap.orders SET id = 1 WHERE id = 2", "key"),
        (&writer, "UPDATE cap.orders SET nmae = 1 WHERE id = 2", "nmae"),
        (&writer, "DELETE FROM cap.inbox LIMIT 1", "inbox"),
    ];
    for (session, sql, part) in cases {
        let outcome = match session.prepare(sql).await {
            Ok(prepared) => prepared.execute(vec![]).await.map(drop),
            Err(error) => Err(error),
        };
        let error = outcome.err().unwrap_or_else(|| panic!("{sql} is not refused")).to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }
    assert!(service.proxy.seen().iter().all(|seen| seen.path.contains("$metadata")));
    service.assert_changed("all", "", "", 0);
}

async fn refusals_are_told_row_by_row(service: &Service) {
    for (way, options) in WAYS {
        let session = service.writer(options);
        // Titles may have 80 characters: two rows have none that is longer.
        let sql = "UPDATE cap.products SET title = CASE WHEN length(sku || variant) % 2 = 0 THEN repeat('x', 81) ELSE 'fits' END
                   WHERE title IS NOT NULL LIMIT 12";
        run(&session, "SET tidegate.on_mutation_error = 'continue'").await.unwrap();
        let done = mutate(&session, sql).await;
        let counts = &done.summary.counts;
        assert_eq!((counts.selected, counts.applied + counts.failed, counts.unknown), (12, 12, 0), "{way}: {done:?}");
        service.assert_changed(way, "UPDATE", "Products", counts.applied);
        let sql = format!(
            "SELECT DISTINCT outcome, error FROM system.mutation_rows
             WHERE mutation_id = '{}' AND outcome = 'failed'",
            done.summary.id
        );
        let told = rows(&session, &sql).await;
        assert!(
            counts.failed == 0 || told.iter().all(|row| row[1].contains("not a valid String(80)")),
            "{way}: {told:?}"
        );
    }
}

async fn a_row_that_changed_since_is_left_alone(service: &Service) {
    let session = service.writer(&[]);
    let plan = mutate(&session, "PLAN UPDATE cap.accounts SET notes = 'planned' WHERE region = 'LATAM' LIMIT 10").await;
    service.assert_changed("a plan", "", "", 0);
    let sql = "SELECT key FROM system.mutation_rows WHERE mutation_id = '{}' LIMIT 1".replace("{}", &plan.summary.id);
    let key: Json = serde_json::from_str(&rows(&session, &sql).await[0][0]).unwrap();
    let id = key["id"].as_str().unwrap();
    let other = service.writer(&[]);
    mutate(&other, &format!("UPDATE cap.accounts SET notes = 'theirs' WHERE id = '{id}'")).await.assert_applied(1);
    service.cap.effects();

    let done = mutate(&session, &format!("APPLY MUTATION '{}'", plan.summary.id)).await;
    assert_eq!((done.summary.counts.applied, done.summary.counts.skipped), (9, 1), "{done:?}");
    service.assert_changed("APPLY", "UPDATE", "Accounts", 9);
    let notes = rows(&session, &format!("SELECT notes FROM cap.accounts WHERE id = '{id}'")).await;
    assert_eq!(notes, [["theirs"]]);
}

async fn what_was_done_can_be_undone(service: &Service) {
    let session = service.writer(&[("batch", "json")]);
    let select = "SELECT id, note, quantity FROM cap.orders WHERE id <= 40 ORDER BY id";
    let before = rows(&session, select).await;
    let sql = "UPDATE cap.orders SET note = 'undone soon', quantity = coalesce(quantity, 0) + 1 WHERE id <= 40";
    let done = mutate(&session, sql).await;
    done.assert_applied(before.len() as u64);
    service.assert_changed(sql, "UPDATE", "Orders", before.len() as u64);
    assert_ne!(rows(&session, select).await, before);
    let sql = format!("UNDO MUTATION '{}'", done.summary.id);
    mutate(&session, &sql).await.assert_applied(before.len() as u64);
    service.assert_changed(&sql, "UPDATE", "Orders", before.len() as u64);
    assert_eq!(rows(&session, select).await, before);
}

/// Of nine writes one fails in each of four ways.
fn faulty(number: usize) -> Option<Fault> {
    match number % 9 {
        1 => Some(Fault::CutBefore),
        3 => Some(Fault::CutAfter),
        5 => Some(Fault::Unavailable),
        7 => Some(Fault::Torn),
        _ => None,
    }
}

/// Each change exactly once, whatever way its request failed in.
async fn faults_repeat_and_lose_nothing(service: &Service, way: &str, options: &[(&str, &str)], first: usize) {
    let session = service.writer(options);
    let insert = format!(
        "INSERT INTO cap.nulls (id, s, i32, dec) SELECT id + {first}, 'new', i32, dec FROM cap.nulls WHERE id BETWEEN 1 AND 60"
    );
    for (sql, event, entity) in [
        (insert, "CREATE", "Nulls"),
        (format!("UPDATE cap.accounts SET employees = {first} WHERE region = 'AMER' LIMIT 60"), "UPDATE", "Accounts"),
        (format!("UPDATE cap.orders SET note = '{way}' WHERE quantity < 50 LIMIT 60"), "UPDATE", "Orders"),
        (format!("DELETE FROM cap.nulls WHERE id BETWEEN {first} AND {first} + 999"), "DELETE", "Nulls"),
    ] {
        service.proxy.seen();
        service.proxy.set_faults(faulty);
        let done = mutate(&session, &sql).await;
        service.proxy.set_faults(|_| None);
        done.assert_applied(60);
        service.assert_changed(&format!("{way}: {sql}"), event, entity, 60);
        let faults = service.proxy.seen().iter().filter(|seen| seen.fault.is_some()).count();
        assert!(faults >= 3, "{way}: {sql}: {faults} faults");
    }
}

/// The server chooses the key, so nobody can tell which row was made by a request whose answer is lost.
async fn an_insert_without_a_key_is_never_repeated(service: &Service) {
    let session = service.writer(&[]);
    service.proxy.seen();
    service.proxy.set_faults(faulty);
    let sql = "INSERT INTO cap.accounts (name, createdat) SELECT 'Once ' || id, now() FROM cap.nulls WHERE id BETWEEN 1 AND 40";
    run(&session, "SET tidegate.on_mutation_error = 'continue'").await.unwrap();
    let done = mutate(&session, sql).await;
    service.proxy.set_faults(|_| None);
    let seen = service.proxy.seen();
    let count = |faults: &[Fault]| {
        seen.iter().filter(|seen| seen.fault.is_some_and(|fault| faults.contains(&fault))).count() as u64
    };
    let counts = &done.summary.counts;
    let (lost, torn) = (count(&[Fault::CutBefore, Fault::CutAfter, Fault::Unavailable]), count(&[Fault::Torn]));
    // The status of a torn answer says that the row was made; the key that it chose is in what is missing.
    let is_told = counts.unknown >= lost && counts.unknown <= lost + torn && counts.applied + counts.unknown == 40;
    assert!(counts.selected == 40 && is_told && lost + torn > 10, "{lost} lost, {torn} torn: {done:?}");
    assert_eq!(seen.iter().filter(|seen| seen.is_write()).count(), 40, "none is sent twice");
    let made = 40 - count(&[Fault::CutBefore, Fault::Unavailable]);
    service.assert_changed(sql, "CREATE", "Accounts", made);
    let sql = "SELECT count(*), count(DISTINCT name) FROM cap.accounts WHERE name LIKE 'Once %'";
    assert_eq!(rows(&session, sql).await, [[made.to_string(), made.to_string()]]);
}
