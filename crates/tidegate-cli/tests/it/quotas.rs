//! Quotas as the program shows them: what ends a statement, what the next process knows, and what is warned of.

use tidegate_sim::Config;

use crate::api::{Api, small};
use crate::program::Home;

const DAILY: &str = "[[connections.crm.quotas]]\nname = \"daily\"\nwindow = \"1d\"\nlimit = 4\n";

#[test]
fn a_spent_quota_is_one_error_and_the_next_process_knows_it() {
    let api = Api::start(small());
    let home = Home::new();
    home.write("c.toml", &api.config(DAILY));
    let run = |sql: &str| home.run(&["--config", "c.toml", "-c", sql]);
    // One call for the description, and three of the five pages.
    let first = run("SET tidegate.on_quota_exhausted = stop; SELECT count(DISTINCT id) FROM crm.accounts");
    assert_eq!((first.code, first.out.as_str()), (1, ""), "{}", first.err);
    assert!(first.err.contains("crm") && first.err.contains("quota daily is spent (0 of 4 left)"), "{}", first.err);
    assert!(!first.err.contains("cause:"), "{}", first.err);
    assert_eq!(api.data_calls(), 3);
    let left = run("SELECT name, quota_limit, used, remaining, source FROM system.quotas");
    assert_eq!(left.out, "name,quota_limit,used,remaining,source\ndaily,4,4,0,declared\n", "{}", left.err);
    let spent = run("SELECT table_name, calls FROM system.spend ORDER BY table_name");
    assert_eq!(spent.out, "table_name,calls\naccounts,3\n,1\n", "{}", spent.err);
    let second = run("SET tidegate.on_quota_exhausted = stop; SELECT id FROM crm.products");
    assert!(second.code == 1 && second.err.contains("quota daily is spent"), "{}", second.err);
    assert_eq!(api.data_calls(), 3, "nothing is sent that would be refused");
    api.stop();
}

#[test]
fn missing_partitions_are_warned_of_where_that_is_allowed() {
    let api = Api::start(Config { divisions: 2, ..small() });
    let home = Home::new();
    let url = api.sim.url().to_string().replace("/1/", "/{partition}/");
    let config =
        format!("[connections.crm]\nconnector = \"odata\"\nurl = \"{url}\"\npartitions = [\"1\", \"2\", \"9\"]\n");
    home.write("c.toml", &config);
    let sql = "SELECT _partition, count(DISTINCT id) AS n FROM crm.products GROUP BY 1 ORDER BY 1";
    let strict = home.run(&["--config", "c.toml", "-c", sql]);
    assert!(strict.code == 1 && strict.err.contains("1 of 3 partitions failed: 9"), "{}", strict.err);
    let sql = sql.replace("SELECT _partition", "SELECT /*+ partial_results(warn) */ _partition");
    let some = home.run(&["--config", "c.toml", "-c", &sql]);
    assert_eq!(some.code, 0, "{}", some.err);
    assert_eq!(some.out.lines().count(), 3, "{}", some.out);
    assert!(some.err.starts_with("warning: crm.products: 1 of 3 partitions failed"), "{}", some.err);
    let complete = "SELECT complete FROM system.statements WHERE sql LIKE 'SELECT /*+%'";
    assert_eq!(home.run(&["--config", "c.toml", "-c", complete]).out, "complete\nfalse\n");
    api.stop();
}
