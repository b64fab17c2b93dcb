//! The shell's parts that need no terminal.

use reedline::{Color, FileBackedHistory, History, HistoryItem, SearchDirection, SearchQuery, Signal};

use super::highlight::pieces;
use super::{complete, history, is_yes, meta, validate};

#[test]
fn enter_ends_a_statement_at_its_semicolon() {
    let cases = [
        ("", true),
        ("SELECT 1;", true),
        ("SELECT 1; ", true),
        ("SELECT 1; -- done", true),
        ("SELECT 1; SELECT 2;", true),
        ("SELECT 1", false),
        ("SELECT ';", false),
        ("SELECT ';'", false),
        ("SELECT 1; SELECT 2", false),
        ("SELECT 1 -- ;", false),
        ("SELECT 1 /* ;", false),
        ("SELECT 1\nFROM x;", true),
        ("\\d accounts", true),
        ("quit", true),
    ];
    for (text, expected) in cases {
        assert_eq!(validate::is_complete(text), expected, "{text:?}");
    }
}

#[test]
fn secrets_are_blanked_before_they_are_kept() {
    let cases = [
        "CREATE CONNECTION a USING odata OPTIONS (url 'https://h', token 's3cret');",
        "create connection a using odata options (url 'https://u:s3cret@h', user 'u')",
        "CREATE CONNECTION a USING odata OPTIONS (pasword 's3cret');",
        "SELECT 1; CREATE CONNECTION a USING odata OPTIONS (pasword 's3cret');",
        "CREATE CONNECTION a USING odata OPTIONS (token 's3cret",
        "CREATE CONNECTION a\nUSING odata\nOPTIONS (password = 's3cret');",
    ];
    for text in cases {
        let kept = history::blanked(text);
        assert!(!kept.contains("s3cret"), "{kept}");
        assert!(kept.to_lowercase().starts_with(&text[..6].to_lowercase()), "{kept}");
    }
    assert_eq!(history::blanked("SELECT 'plain' FROM t;"), "SELECT 'plain' FROM t;");
}

#[test]
fn history_is_for_its_owner_alone_and_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = history::open(Some(folder.path()));
    kept.save(HistoryItem::from_command_line("SELECT 1,\n2;")).unwrap();
    kept.save(HistoryItem::from_command_line("SET x.token = 's3cret';")).unwrap();
    let file = folder.path().join("history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("SELECT 1,") && !text.contains("s3cret"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = FileBackedHistory::with_file(10, file).unwrap();
    let items = again.search(SearchQuery::everything(SearchDirection::Forward, None)).unwrap();
    assert_eq!(items[0].command_line, "SELECT 1,\n2;");
}

#[test]
fn colours_cover_the_whole_line_and_mark_what_matters() {
    let cases = [
        ("SELECT name FROM t", vec![("SELECT", Color::LightBlue), ("FROM", Color::LightBlue)]),
        ("where x = 'é' -- c", vec![("where", Color::LightBlue), ("'é'", Color::Green), ("-- c", Color::DarkGray)]),
        ("SELECT\n  42;", vec![("SELECT", Color::LightBlue), ("42", Color::Cyan)]),
        ("x = 'open; 1", vec![("'open; 1", Color::Green)]),
        ("\\d t", vec![("\\d t", Color::Purple)]),
    ];
    for (line, expected) in cases {
        let found = pieces(line);
        assert_eq!(found.iter().map(|(text, _)| *text).collect::<String>(), line);
        let coloured: Vec<_> = found.into_iter().filter_map(|(text, color)| color.map(|color| (text, color))).collect();
        assert_eq!(coloured, expected, "{line:?}");
    }
}

#[test]
fn every_keyword_is_found() {
    for keyword in ["all", "between", "connection", "select", "where", "with"] {
        assert_eq!(pieces(keyword), vec![(keyword, Some(Color::LightBlue))], "the list must be sorted");
    }
}

#[test]
fn a_completed_name_replaces_what_was_typed_of_it() {
    let cases = [("SELECT na", 7), ("SELECT * FROM crm.ac", 18), ("SELECT \"Na", 7), ("", 0), ("SELECT é.na", 10)];
    for (line, expected) in cases {
        assert_eq!(complete::word_start(line, line.len()), expected, "{line:?}");
    }
}

#[test]
fn commands_stand_for_statements() {
    assert_eq!(meta::sql("d", "crm.accounts").as_deref(), Some("DESCRIBE crm.accounts"));
    assert!(meta::sql("d", "").unwrap().contains("information_schema.tables"));
    assert!(meta::sql("dt", "o'x").unwrap().contains("table_schema = 'o''x'"));
    assert!(meta::sql("l", "").unwrap().contains("system.connections"));
    assert_eq!(meta::sql("nonsense", ""), None);
}

#[test]
fn a_question_is_answered_by_yes_alone() {
    let typed = |text: &str| Signal::Success(text.to_owned());
    let cases = [
        (typed("y"), true),
        (typed(" Yes "), true),
        (typed(""), false),
        (typed("n"), false),
        (typed("SELECT 42;"), false),
        (Signal::CtrlC, false),
        (Signal::CtrlD, false),
    ];
    for (answer, expected) in cases {
        assert_eq!(is_yes(&answer), expected, "{answer:?}");
    }
}
