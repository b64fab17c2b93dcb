//! PLAN and APPLY, RESUME in this process and another, and the tables of the journal.

use std::time::Duration;

use tidegate_engine::ErrorKind;
use tidegate_sim::EffectKind;
use tidegate_state::{Journal, MutationState};

use super::support::Shop;

#[tokio::test]
async fn what_is_planned_is_sent_when_it_is_applied() {
    let shop = Shop::new().await;
    let rows = shop.rows("PLAN UPDATE shop.products SET stock = 777 WHERE id <= 4 RETURNING id, stock, _outcome").await;
    assert_eq!(rows, ["1|777|selected", "2|777|selected", "3|777|selected", "4|777|selected"]);
    assert_eq!(shop.writes(), 0);
    let id = shop.summary().id;
    let planned = "SELECT state, rows_selected, rows_left FROM system.mutations";
    assert_eq!(shop.rows(planned).await, ["planned|4|4"]);
    assert!(shop.error(&format!("RESUME MUTATION '{id}'")).await.1.contains("APPLY MUTATION"));
    shop.sim.change(0, "Products", "2", &serde_json::json!({"Stock": 5})).expect("a product");
    let (counts, error) = shop.run(&format!("APPLY MUTATION '{}'", &id[..8])).await;
    assert!(counts[0].contains("|done|4|3|0|0|1|0|0|"), "{counts:?}");
    assert_eq!(error.expect("a row was changed since").kind(), ErrorKind::MutationIncomplete);
    assert_eq!(shop.changed(EffectKind::Update), [1, 3, 4]);
    assert_eq!(shop.product(2, "Stock"), 5);
    assert!(shop.error(&format!("APPLY MUTATION '{id}'")).await.1.contains("was applied before"));
}

#[tokio::test]
async fn another_process_goes_on_with_what_is_left() {
    let shop = Shop::new().await;
    shop.rows("SELECT id FROM shop.products").await;
    shop.rows("SET tidegate.max_calls = 6").await;
    shop.error("UPDATE shop.products SET stock = 7 LIMIT 10").await;
    let id = shop.summary().id;
    let done = shop.changed(EffectKind::Update).len();
    assert!(done < 10, "{done}");
    let other = shop.other_process();
    let session = other.session("ann");
    assert!(shop.run_in(&other.session("eve"), &format!("RESUME MUTATION '{id}'")).await.1.is_some());
    // The bound of then is the bound of now, until the session says otherwise.
    let (counts, _) = shop.run_in(&session, &format!("RESUME MUTATION '{id}'")).await;
    assert!(counts[0].contains("|10|"), "{counts:?}");
    shop.run_in(&session, "SET tidegate.max_calls = 1000").await;
    let (counts, error) = shop.run_in(&session, &format!("RESUME MUTATION '{id}'")).await;
    assert!(error.is_none() && counts[0].contains("|done|10|10|0|0|0|0|0|"), "{counts:?}: {error:?}");
    let mut changed = shop.changed(EffectKind::Update);
    changed.sort_unstable();
    changed.dedup();
    assert_eq!(changed.len(), 10);
}

#[tokio::test]
async fn one_process_at_a_time_runs_a_mutation() {
    let shop = Shop::new().await;
    shop.rows("PLAN UPDATE shop.products SET stock = 7 LIMIT 3").await;
    let id = shop.summary().id;
    let journal = Journal::in_folder(shop.folder());
    let claim = journal.claim(&id).expect("nobody runs it");
    let (_, message) = shop.error(&format!("APPLY MUTATION '{id}'")).await;
    assert!(message.contains("is being run"), "{message}");
    assert_eq!(shop.writes(), 0);
    drop(claim);
    shop.rows(&format!("APPLY MUTATION '{id}'")).await;
}

#[tokio::test]
async fn rows_go_where_they_were_to_go() {
    let shop = Shop::new().await;
    shop.rows("PLAN UPDATE shop.products SET stock = 7 LIMIT 3").await;
    let id = shop.summary().id;
    let url = shop.sim.url();
    for (options, part) in [("user 'bob'".to_owned(), "another credential"), (String::new(), "no connection shop")] {
        shop.rows("DROP CONNECTION shop").await;
        if !options.is_empty() {
            shop.rows(&format!("CREATE CONNECTION shop USING odata OPTIONS (url '{url}', {options})")).await;
        }
        let (_, message) = shop.error(&format!("APPLY MUTATION '{id}'")).await;
        assert!(message.contains(part), "{message}");
    }
    shop.rows("CREATE CONNECTION shop USING odata OPTIONS (url 'https://elsewhere.example/')").await;
    let (_, message) = shop.error(&format!("APPLY MUTATION '{id}'")).await;
    assert!(message.contains("went to"), "{message}");
    assert_eq!(shop.writes(), 0);
}

#[tokio::test]
async fn one_that_was_killed_while_selecting_selects_afresh() {
    let shop = Shop::new().await;
    shop.rows("PLAN UPDATE shop.products SET stock = 7 WHERE id < 4").await;
    let id = shop.summary().id;
    // As a process that was killed leaves it: begun and not sealed.
    let journal = Journal::in_folder(shop.folder());
    let mut start = journal.mutation(&id).expect("a journal").expect("a mutation").start;
    start.id = "0b1c2d3e-killed".to_owned();
    start.is_planned = false;
    start.statement = start.statement.replace("PLAN ", "");
    journal.create(&start).expect("a mutation");
    assert_eq!(shop.rows("SELECT state FROM system.mutations WHERE mutation_id LIKE '%killed'").await, ["interrupted"]);
    let counts = shop.rows("RESUME MUTATION '0b1c'").await;
    assert!(counts[0].contains("|done|3|3|"), "{counts:?}");
    assert_eq!(journal.mutation(&start.id).expect("a journal").expect("it").state, MutationState::Done);
}

#[tokio::test]
async fn an_old_selection_is_looked_at_again() {
    let shop = Shop::new().await;
    shop.rows("SELECT id FROM shop.products").await;
    let limited = "UPDATE /*+ max_calls(5) */ shop.products SET stock = 7 WHERE stock < 1000 LIMIT 6";
    shop.error(limited).await;
    let id = shop.summary().id;
    let left = shop
        .rows("SELECT CAST(key AS varchar) FROM system.mutation_rows WHERE outcome = 'selected' ORDER BY ordinal")
        .await;
    let key: String = left[0].chars().filter(char::is_ascii_digit).collect();
    shop.sim.change(0, "Products", &key, &serde_json::json!({"Stock": 2000})).expect("a product");
    shop.clock.advance(Duration::from_secs(7_200));
    shop.rows("SET tidegate.max_calls = 1000").await;
    let (counts, error) = shop.run(&format!("RESUME MUTATION '{id}'")).await;
    assert!(counts[0].contains("|done|6|5|0|0|1|0|0|"), "{counts:?}");
    assert!(error.expect("a row was changed since").to_string().contains("1 was skipped"));
    assert_eq!(shop.product(key.parse().expect("a number"), "Stock"), 2000);
}

#[tokio::test]
async fn the_journal_is_two_tables() {
    let shop = Shop::new().await;
    shop.rows("SET tidegate.label = 'night'").await;
    shop.rows("UPDATE shop.products SET stock = 7 WHERE id = 9").await;
    let mutations = "SELECT kind, state, connection, table_name, rows_selected, rows_applied, rows_unknown, calls > 0, \
                     label, ended_at IS NOT NULL, statement FROM system.mutations";
    let expected = "update|done|shop|products|1|1|0|true|night|true|UPDATE shop.products SET stock = 7 WHERE id = 9";
    assert_eq!(shop.rows(mutations).await, [expected]);
    let rows = "SELECT ordinal, kind, key, new_values, outcome, attempts, error IS NULL FROM system.mutation_rows";
    assert_eq!(shop.rows(rows).await, [r#"0|update|{"id":9}|{"stock":7}|applied|1|true"#]);
    let other = shop.engine.session("eve");
    assert!(shop.run_in(&other, "SELECT * FROM system.mutations").await.0.is_empty());
    let missing = shop.error("RESUME MUTATION 'ffff'").await.1;
    assert!(missing.contains("there is no mutation 'ffff'"), "{missing}");
}
