//! Exit codes, and what is said when something is wrong.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::Home;

#[test]
fn the_exit_code_says_how_it_went() {
    let home = Home::new();
    home.write("marked.sql", "\u{feff}SELECT 1;\r\nSELECT 2;\r\n");
    std::fs::write(home.path("latin1.sql"), b"SELECT 'f\xfcr'").unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["-c", "SELECT 1"], 0, ""),
        (&["-c", ""], 0, ""),
        (&["-c", "SELECT"], 1, "error: "),
        (&["-c", "SELECT 'open"], 1, "error: Unterminated string"),
        (&["-c", "SELECT nope"], 1, "nope"),
        (&["-f", "marked.sql"], 0, ""),
        (&["-f", "latin1.sql"], 1, "error: cannot read latin1.sql: byte 10 is not UTF-8"),
        (&["-f", "."], 1, "error: cannot read ."),
        (&["SELECT 1"], 2, "statements are given with -c"),
        (&["-f", "missing.sql"], 1, "error: cannot read missing.sql"),
        (&["--config", "missing.toml", "-c", "SELECT 1"], 1, "missing.toml"),
        (&["--replay", "missing", "-c", "SELECT 1"], 1, "missing"),
        (&["doctor", "nope"], 1, "error: there is no connection nope"),
        (&["trust", "missing.toml"], 1, "missing.toml"),
        (&["-c", "SELECT 1", "-f", "x"], 2, "cannot be used with"),
        (&["-c", "SELECT 1", "demo"], 2, "cannot be combined"),
        (&["--record", "a", "--replay", "b", "-c", "SELECT 1"], 2, "cannot be used with"),
        (&["--format", "xml", "-c", "SELECT 1"], 2, "possible values: table"),
        (&["--nope"], 2, "--nope"),
        (&["login", "x"], 1, "error: there is no connection x"),
        (&["shell"], 2, "needs a terminal"),
    ];
    for (arguments, code, said) in cases {
        let ran = home.run(arguments);
        assert_eq!(ran.code, *code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn the_first_failure_stops_the_script_and_is_named() {
    let ran = Home::new().run(&["-c", "SELECT 1 AS a;\nSELECT nope\nFROM (SELECT 1 AS b);\nSELECT 3 AS c"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "a\n1\n"));
    assert!(ran.err.contains("in statement 2 of 3: SELECT nope …"), "{}", ran.err);
}

#[test]
fn an_error_repeats_no_secret() {
    let home = Home::new();
    let cases = [
        ("url 'https://u:s3cret@host', pasword 's3cret'", "there is no option pasword"),
        ("url 'https://u:s3cret@ho st'", "option url is not a URL"),
        ("url 'https://h', token s3cret", "a text in quotes"),
        ("url 'https://h', token = \"s3cret\"", "a text in quotes"),
        ("url 'https://h' token 's3cret'", "Expected"),
        ("url 'https://h', token 's3cret", "Unterminated"),
    ];
    for (options, expected) in cases {
        let sql = format!("SELECT 1;\nCREATE CONNECTION a USING odata OPTIONS ({options})");
        let ran = home.run(&["-c", &sql]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains(expected), "{}", ran.err);
        assert!(!ran.err.contains("s3cret"), "{}", ran.err);
    }
    assert_eq!(home.files_with("s3cret"), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_server_that_is_not_there_is_one_clear_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let sql = format!("CREATE CONNECTION a USING odata OPTIONS (url 'http://{free}/x'); SELECT * FROM a.t");
    let ran = Home::new().run(&["-c", &sql]);
    assert_eq!((ran.code, ran.err.lines().count()), (1, 2), "{}", ran.err);
    for said in
        [format!("error: a (http://{free}/x/$metadata): cannot connect to {free}"), "after 2 attempts".to_owned()]
    {
        assert!(ran.err.contains(&said), "{said}: {}", ran.err);
    }
    assert!(ran.err.contains("\n  in statement 2 of 2: SELECT * FROM a.t"), "{}", ran.err);
}

#[test]
fn two_binary_results_are_refused() {
    let ran = Home::new().run(&["--format", "arrow", "-c", "SELECT 1 AS a; SELECT 2 AS b"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("one statement that returns rows"), "{}", ran.err);
}

/// As `| head` does: takes one line and closes.
fn first_line_of(sql: &str) -> (String, i32, String) {
    let home = Home::new();
    let mut child = home.command(&["-c", sql]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    (line, output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let endless = "SELECT value FROM generate_series(1, 100000000)";
    assert_eq!(first_line_of(endless), ("value\n".to_owned(), 0, String::new()));
    let (_, code, said) = first_line_of(&format!("{endless}; SELECT 2"));
    assert_eq!(code, 1, "something that was asked for was not done");
    assert!(said.contains("later statements were not run"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_clear_error() {
    let home = Home::new();
    for format in ["csv", "json", "table", "parquet", "arrow"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = home.command(&["--format", format, "-c", "SELECT 1 AS a"]);
        let ran: crate::program::Ran = command.stdout(Stdio::from(full)).output().unwrap().into();
        assert_eq!(ran.code, 1, "{format}");
        assert!(ran.err.starts_with("error: cannot write the results: No space left"), "{format}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{format}: {}", ran.err);
    }
}
