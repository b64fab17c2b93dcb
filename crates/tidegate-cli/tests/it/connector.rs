//! `tidegate connector …`

use super::program::Home;

const LIBRARY: &str = "connector: library\nurl: http://127.0.0.1:1/api/\ntables:\n  books:\n    key: id\n    \
                       columns: { id: int, title: text }\n    list: { path: books, rows: books }\n";

#[test]
fn list_and_show_tell_what_there_is() {
    let home = Home::new();
    home.write(".config/tidegate/connectors/library.yaml", LIBRARY);
    let ran = home.run(&["connector", "list", "--format", "csv"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for name in ["odata,built in,", "github,bundled,", "stripe,bundled,", "library,"] {
        assert!(ran.out.lines().any(|line| line.starts_with(name)), "{name}: {}", ran.out);
    }
    let ran = home.run(&["connector", "show", "library", "--format", "csv"]);
    assert!(ran.out.contains("books,id,int,true,false"), "{ran:?}");
    assert!(ran.err.contains("options of a connection:\n  url: "), "{ran:?}");
    let ran = home.run(&["connector", "show", "odata"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    let ran = home.run(&["connector", "show", "librarie"]);
    assert!(ran.code == 1 && ran.err.contains("there is no connector librarie"), "{ran:?}");
}

#[test]
fn check_names_every_mistake_with_its_line() {
    let home = Home::new();
    home.write("good.yaml", LIBRARY);
    let ran = home.run(&["connector", "check", "good.yaml"]);
    assert!(ran.code == 0 && ran.err.contains("good.yaml: connector library, 1 table, 2 columns"), "{ran:?}");
    home.write("bad.yaml", &LIBRARY.replace("key: id", "key: isbn").replace("title: text", "title: txt"));
    let ran = home.run(&["connector", "check", "bad.yaml"]);
    assert!(
        ran.code == 1
            && ran.err.contains("bad.yaml:5:5: tables.books.key: ")
            && ran.err.contains("bad.yaml:6:25: tables.books.columns.title: "),
        "{ran:?}"
    );
    assert!(ran.err.contains("error: bad.yaml: 2 mistakes"), "{ran:?}");
    let ran = home.run(&["connector", "check", "gone.yaml"]);
    assert!(ran.code == 1 && ran.err.contains("gone.yaml cannot be read"), "{ran:?}");
}

#[test]
fn new_says_what_is_wrong_and_writes_over_nothing() {
    let home = Home::new();
    let ran = home.run(&["connector", "new", "http://127.0.0.1:1/books"]);
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.contains("127.0.0.1:1"), "{ran:?}");
    let ran = home.run(&["connector", "new", "http://127.0.0.1:1/books?api_key=s3cret"]);
    assert!(ran.code == 1 && !ran.err.contains("s3cret"), "{ran:?}");
    let ran = home.run(&["connector", "new", "http://127.0.0.1:1/books", "--token-env", "NOT_THERE"]);
    assert!(ran.err.contains("the environment variable NOT_THERE is not set"), "{ran:?}");
    assert_eq!(home.run(&["connector", "new", "books"]).code, 2);
}
