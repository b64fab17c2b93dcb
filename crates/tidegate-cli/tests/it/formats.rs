//! What results look like, and where statements come from.

use crate::program::Home;

const SQL: &str = "SELECT 1 AS id, 'a,b' AS name UNION ALL SELECT 2, NULL ORDER BY id";

#[test]
fn each_format_prints_the_result_and_nothing_else() {
    let home = Home::new();
    let cases = [
        ("csv", "id,name\n1,\"a,b\"\n2,\n"),
        ("json", "[{\"id\":1,\"name\":\"a,b\"},{\"id\":2,\"name\":null}]\n"),
        ("ndjson", "{\"id\":1,\"name\":\"a,b\"}\n{\"id\":2,\"name\":null}\n"),
        ("markdown", "| id | name |\n| ---: | --- |\n| 1 | a,b |\n| 2 |  |\n\n"),
        ("table", "┌────┬──────┐\n│ id │ name │\n├────┼──────┤\n│  1 │ a,b  │\n│  2 │ NULL │\n└────┴──────┘\n"),
    ];
    for (format, expected) in cases {
        let ran = home.run(&["--format", format, "-c", SQL]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""), "{format}");
    }
}

#[test]
fn binary_formats_are_whole_files() {
    let home = Home::new();
    for (format, begins, ends) in [("parquet", "PAR1", "PAR1"), ("arrow", "", "\0\0\0\0")] {
        let ran = home.run(&["--format", format, "-c", SQL]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{format}");
        assert!(ran.out.starts_with(begins) && ran.out.ends_with(ends), "{format}");
    }
}

#[test]
fn a_pipe_gets_csv_and_statements_come_from_where_they_are_asked_for() {
    let home = Home::new();
    let file = home.write("statements.sql", "-- two statements\nSELECT 1 AS a;\nSELECT ';' AS b;\n");
    let expected = "a\n1\nb\n;\n";
    let text = std::fs::read_to_string(&file).unwrap();
    let runs = [
        home.run(&["-c", "SELECT 1 AS a; SELECT ';' AS b"]),
        home.run(&["-c", "SELECT 1 AS a", "-c", "SELECT ';' AS b"]),
        home.run(&["-f", file.to_str().unwrap()]),
        home.feed(&[], &text),
        home.feed(&["-f", "-"], &text),
    ];
    for ran in runs {
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    }
}

#[test]
fn json_is_one_array_a_line_for_each_statement_that_returns_rows() {
    let ran = Home::new().run(&[
        "--format",
        "json",
        "-c",
        "SELECT 1 AS a; SET tidegate.label = 'x'; SELECT 2 AS b WHERE false",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "[{\"a\":1}]\n[]\n"), "{}", ran.err);
}

#[test]
fn help_and_version_open_nothing() {
    let home = Home::new();
    for (argument, expected) in [("--help", "Exit codes: 0 done"), ("--version", "tidegate ")] {
        let ran = home.run(&[argument]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
    assert_eq!(std::fs::read_dir(home.path("")).unwrap().count(), 0, "no state folder was made");
}

#[test]
fn read_only_is_a_setting_of_the_session() {
    let home = Home::new();
    let ran = home.run(&[
        "--read-only",
        "-c",
        "SHOW tidegate.read_only; SELECT count(*) AS n FROM system.statements WHERE state = 'abandoned'",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "name,value\ntidegate.read_only,true\nn\n0\n"), "{}", ran.err);
}
