//! Which configuration is used, and what `trust` shows.

use crate::program::Home;

const CONFIG: &str = "[connections.erp]\nconnector = \"odata\"\nurl = \"https://u:s3cret@erp.example/odata\"\n";
const CONNECTIONS: &str = "SELECT name FROM system.connections";

#[test]
fn a_file_that_is_merely_found_is_used_once_it_is_trusted() {
    let home = Home::new();
    let file = home.write("tidegate.toml", CONFIG);

    let ran = home.run(&["-c", CONNECTIONS]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "name\n"));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains(&format!("tidegate trust {}", file.display())), "{}", ran.err);

    let ran = home.run(&["trust"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("erp (odata): https://erp.example"), "{}", ran.err);
    assert!(!ran.err.contains("s3cret"), "{}", ran.err);

    let ran = home.run(&["-c", CONNECTIONS]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "name\nerp\n", ""));

    home.write("tidegate.toml", &CONFIG.replace("erp.example", "evil.example"));
    let ran = home.run(&["-c", CONNECTIONS]);
    assert_eq!(ran.out, "name\n");
    assert!(ran.err.contains("not used until you trust it"), "{}", ran.err);
}

#[test]
fn trust_in_a_state_that_ends_is_refused() {
    let home = Home::new();
    home.write("tidegate.toml", CONFIG);
    let ran = home.run(&["--state", ":memory:", "trust"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(":memory: ends with the program"), "{}", ran.err);
}

#[test]
fn a_given_file_needs_no_trust_and_the_users_own_neither() {
    let home = Home::new();
    let given = home.write("given.toml", CONFIG);
    let ran = home.run(&["--config", given.to_str().unwrap(), "-c", CONNECTIONS]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("name\nerp\n", ""));
    home.write(".config/tidegate/tidegate.toml", CONFIG);
    let ran = home.run(&["-c", CONNECTIONS]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("name\nerp\n", ""));
}

#[test]
fn a_connection_that_cannot_be_opened_leaves_the_others() {
    let home = Home::new();
    let other = "[connections.other]\nconnector = \"odata\"\nurl = \"https://h\"\ntoken = { env = \"NOT_SET\" }\n";
    let file = home.write("given.toml", &format!("{CONFIG}{other}"));
    let ran = home.run(&["--config", file.to_str().unwrap(), "-c", CONNECTIONS]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "name\nerp\n"));
    let place = format!("warning: {}: connection other", file.display());
    assert!(ran.err.starts_with(&place) && ran.err.contains("NOT_SET"), "{}", ran.err);
}

#[test]
fn state_is_kept_where_it_is_asked_for() {
    let home = Home::new();
    home.write("tidegate.toml", CONFIG);
    let default = home.path(".local/state/tidegate");
    assert_eq!(home.run(&["--state", "other", "trust"]).code, 0);
    assert!(home.path("other/state.db").exists() && !default.exists());
    assert_eq!(home.run(&["trust"]).code, 0);
    assert!(default.join("state.db").exists());
}
