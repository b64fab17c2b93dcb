//! Names: Invantive's notation, case, quotes, and what is said of a wrong one.

use tidegate_engine::{ErrorKind, Session};

use crate::script::Fixture;

#[tokio::test]
async fn all_notations_lead_to_the_same_table() {
    let fixture = Fixture::erp();
    fixture.rows("USE main").await;
    for name in [
        "erp.accounts",
        "ERP.Accounts",
        "tidegate.erp.accounts",
        "accounts@erp",
        "ACCOUNTS@ERP",
        "odatarest..accounts@erp",
        "\"accounts\"@erp",
        "\"accounts\"@\"erp\"",
        "accounts@\"erp\"",
        "api..\"accounts\"@erp",
        "erp.\"accounts\"",
    ] {
        assert_eq!(fixture.rows(&format!("SELECT a.ID FROM {name} AS a WHERE NAME = 'Bolt'")).await, ["2"], "{name}");
    }
    assert_eq!(fixture.rows("SELECT accounts@erp.id FROM accounts@erp LIMIT 1").await, ["1"]);
    fixture.rows("USE erp").await;
    assert_eq!(fixture.rows("SELECT id FROM api..accounts LIMIT 1").await, ["1"]);
    assert_eq!(fixture.rows("SELECT 'a@b', 'x..y'").await, ["a@b|x..y"], "texts are left alone");
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_the_right_one() {
    let fixture = Fixture::erp();
    let cases = [
        ("SELECT id FROM erp.acounts", "did you mean erp.accounts?\n  SELECT id FROM erp.accounts"),
        ("SELECT id FROM epr.accounts", "did you mean erp?\n  SELECT id FROM erp.accounts"),
        ("SELECT nmae FROM erp.accounts", "did you mean name?\n  SELECT name FROM erp.accounts"),
        ("SELECT id FROM accounts", "did you mean erp.accounts?"),
        ("SELECT id FROM erp.\"Accounts\"", "did you mean erp.accounts?"),
        ("SELECT id FROM erp.invoices", "there are: accounts, orders"),
        ("SELECT * FROM systemmutants@datadictionary", "there is no table system.mutants"),
        ("SELECT * FROM other.erp.accounts", "there is no catalog other"),
    ];
    for (sql, expected) in cases {
        let (kind, message) = fixture.error(sql).await;
        assert_eq!(kind, ErrorKind::Name, "{sql}: {message}");
        assert!(message.contains(expected), "{sql}: {message}");
    }
}

#[tokio::test]
async fn completion_knows_the_place() {
    let fixture = Fixture::erp();
    fixture.rows("SHOW TABLES").await;
    fixture.api("erp").take_requests();
    let cases = [
        ("SELECT * FROM erp.ac", "accounts", "table"),
        ("SELECT * FROM er", "erp", "schema"),
        ("SELECT * FROM system.req", "requests", "table"),
        ("SELECT a.n FROM erp.accounts a", "name", "column"),
        ("SELECT na FROM erp.accounts", "name", "column"),
        ("SELECT na FROM accounts@erp", "name", "column"),
        ("SET tide", "tidegate.label", "setting"),
        ("SET tidegate.la", "label", "setting"),
        ("USE e", "erp", "schema"),
        ("REFRESH QUOTAS e", "erp", "schema"),
        ("SET tidegate.quota", "quota_reserve", "setting"),
        ("SEL", "SELECT", "keyword"),
    ];
    for (line, text, kind) in cases {
        // The place is after the first word that the completion can go on with.
        let position = line.find(" FROM erp.accounts").or_else(|| line.find(" FROM accounts@")).unwrap_or(line.len());
        let found = fixture.session.complete(line, position);
        let has = found.iter().any(|completion| completion.text == text && completion.kind == kind);
        assert!(has, "{line}: {found:?}");
    }
    assert_eq!(fixture.api("erp").take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn names_of_connections_differ_in_more_than_case() {
    let fixture = Fixture::erp();
    let def = tidegate_engine::ConnectionDef::odata("ERP", "https://other.example/");
    let error = fixture.engine.add_connection(&def).expect_err("a name that is taken").to_string();
    assert!(error.contains("there is a connection ERP already"), "{error}");
}

#[tokio::test]
async fn completion_knows_what_is_cached_and_what_is_local() {
    let first = Fixture::erp();
    first.rows("SHOW TABLES").await;
    let fixture = Fixture::with_state(std::sync::Arc::clone(&first.state));
    fixture.add("erp");
    fixture.rows("CREATE TABLE notes AS SELECT 1 AS rating").await;
    let cases = [
        ("SELECT * FROM erp.ac", "", "accounts"),
        ("SELECT reve", " FROM erp.accounts", "revenue"),
        ("SELECT a.reve", " FROM erp.accounts a", "revenue"),
        ("SELECT rat", " FROM notes", "rating"),
        ("SELECT n.rat", " FROM main.notes n", "rating"),
        ("SELECT waited", " FROM system.statements", "waited_milliseconds"),
    ];
    for (before, after, text) in cases {
        let found = fixture.session.complete(&format!("{before}{after}"), before.len());
        assert!(found.iter().any(|completion| completion.text == text), "{before}: {found:?}");
    }
    let (_, message) = fixture.error("SELECT * FROM accounts").await;
    assert!(message.contains("did you mean erp.accounts?"), "{message}");
    assert_eq!(fixture.api("erp").take_requests(), Vec::<String>::new());
}

#[test]
fn texts_are_split_into_statements() {
    let cases: [(&str, &[&str]); 6] = [
        ("SELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; -- a; b\nSELECT 2", &["SELECT ';'", "-- a; b\nSELECT 2"]),
        (";; /* ; */ ;", &[]),
        ("SELECT $$a;b$$; SELECT \"x;y\"", &["SELECT $$a;b$$", "SELECT \"x;y\""]),
        ("SELECT 'é;ü'; SELECT 'ß'", &["SELECT 'é;ü'", "SELECT 'ß'"]),
        ("SELECT\n1;\n\nSELECT\n2", &["SELECT\n1", "SELECT\n2"]),
    ];
    for (text, expected) in cases {
        assert_eq!(Session::split(text).expect("statements"), expected, "{text}");
    }
    assert!(Session::split("SELECT 'open").is_err());
}
