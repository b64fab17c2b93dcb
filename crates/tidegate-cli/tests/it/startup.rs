//! What the program does not do before it needs to: each of these is time and memory of every run.

use crate::program::Home;

const STATE: &str = ".local/state/tidegate";

/// A connector of the user's own that cannot be read.
const BROKEN: &str = "this is no manifest\n";

#[test]
fn a_query_over_no_table_makes_no_state() {
    let home = Home::new();
    let texts = ["SELECT 1", "SELECT x + (SELECT 1) FROM (VALUES (1), (2)) AS t(x) WHERE x > 1 ORDER BY x LIMIT 1"];
    for text in texts {
        let ran = home.run(&["-c", text]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{text}");
    }
    assert_eq!(std::fs::read_dir(home.path("")).unwrap().count(), 0);
    // It is there for whoever looks, in the order of the statements.
    let ran = home.run(&["-c", "SELECT 1 AS a; SELECT sql, state FROM system.statements ORDER BY statement_id"]);
    let expected = "a\n1\nsql,state\nSELECT 1 AS a,done\n";
    assert!(ran.code == 0 && ran.out.starts_with(expected), "{} {}", ran.out, ran.err);
    assert!(home.path(STATE).join("state.db").exists());
}

#[test]
fn a_query_over_no_table_runs_though_no_state_can_be_kept() {
    let home = Home::new();
    let file = home.write("state", "a file");
    let ran = home.run(&["--state", file.to_str().unwrap(), "-c", "SELECT 1 AS a"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "a\n1\n", ""));
}

/// A connection that is there without being made is opened by who names it, or lists all.
#[test]
fn a_manifest_is_read_by_who_needs_it() {
    let home = Home::new();
    home.write(".config/tidegate/connectors/github.yaml", BROKEN);
    let warnings = "SELECT count(*) AS n FROM system.warnings WHERE connection = 'github'";
    let count = |before: &str| {
        let mut command = home.command(&["-c", &format!("{before}; {warnings}")]);
        let output = command.env("GITHUB_TOKEN", "token").output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(count("SELECT 1"), 0);
    assert!(count("SELECT name FROM system.connections") > 0, "the manifest cannot be read");
}

/// While the program writes a row that does not fit into the pipe, it has what it needed, and goes on when we read.
#[cfg(target_os = "linux")]
#[test]
fn a_query_over_no_table_starts_few_threads_and_opens_no_file() {
    use std::io::Read;

    let home = Home::new();
    let mut child = home.command(&["-c", "SELECT repeat('x', 1000000) AS x"]).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
    // What whoever runs the tests has open is handed down.
    let own = open_files("self");
    let files: Vec<_> = open_files(&child.id().to_string()).into_iter().filter(|file| !own.contains(file)).collect();
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(rest.len(), "\n".len() + 1_000_000 + "\n".len(), "the heading's first letter was read before");
    assert!(threads <= 3, "{threads} threads");
    assert_eq!(files, Vec::<std::path::PathBuf>::new());
}

/// The files and folders that a process has open; of devices there are those that it was given.
#[cfg(target_os = "linux")]
fn open_files(process: &str) -> Vec<std::path::PathBuf> {
    let links = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().map(|entry| entry.unwrap().path());
    links
        .filter_map(|link| std::fs::read_link(link).ok())
        .filter(|file| file.is_absolute() && !file.starts_with("/dev"))
        .collect()
}
