//! Documents made to hurt: each ends in an error or a small model, soon and without a panic.

use proptest::prelude::*;

use super::*;

fn service(types: &str, sets: &str) -> String {
    format!(
        "<Edmx Version=\"4.0\"><DataServices><Schema Namespace=\"A\">{types}
         <EntityContainer Name=\"C\">{sets}</EntityContainer></Schema></DataServices></Edmx>"
    )
}

fn check_refused(document: &str, words: &str) {
    let error = parse(document, &Options::default()).unwrap_err().to_string();
    assert!(error.contains(words), "'{words}' is missing in '{error}'");
}

#[test]
fn sizes_are_bounded() {
    check_refused(&"<a>".repeat(100_000), "nested deeper than 64");
    check_refused(&format!("<Edmx a=\"{}\"/>", "x".repeat(10 << 20)), "an attribute has more than 1024 KiB");
    check_refused(&format!("<Edmx>{}</Edmx>", "x".repeat(2 << 20)), "a text has more than 1024 KiB");
    let attributes: String = (0..300).map(|n| format!(" a{n}=\"\"")).collect();
    check_refused(&format!("<Edmx{attributes}/>"), "more than 256 attributes");
    check_refused(&" ".repeat((64 << 20) + 1).replacen("  ", "<a", 1), "more than 64 MiB");
}

#[test]
fn few_types_cannot_make_many_columns() {
    let properties: String = (0..2_000).map(|n| format!("<Property Name=\"p{n}\" Type=\"Edm.Int32\"/>")).collect();
    let sets: String = (0..2_000).map(|n| format!("<EntitySet Name=\"S{n}\" EntityType=\"A.X\"/>")).collect();
    check_refused(
        &service(&format!("<EntityType Name=\"X\">{properties}</EntityType>"), &sets),
        "more than 250000 columns",
    );
}

#[test]
fn a_long_chain_of_types_is_refused() {
    let types: String = (0..200).map(|n| format!("<EntityType Name=\"X{n}\" BaseType=\"A.X{}\"/>", n + 1)).collect();
    let types = types + "<EntityType Name=\"X200\"><Property Name=\"p\"/></EntityType>";
    check_refused(&service(&types, "<EntitySet Name=\"S\" EntityType=\"A.X0\"/>"), "more than 64 steps of BaseType");
}

#[test]
fn complex_types_that_multiply_become_json() {
    let fields = |level: usize| -> String {
        (0..50).map(|n| format!("<Property Name=\"p{n}\" Type=\"A.C{}\"/>", level + 1)).collect()
    };
    let complex: String = (0..8).map(|n| format!("<ComplexType Name=\"C{n}\">{}</ComplexType>", fields(n))).collect();
    let types = complex + "<EntityType Name=\"X\"><Property Name=\"p\" Type=\"A.C0\"/></EntityType>";
    let model = parse(&service(&types, "<EntitySet Name=\"S\" EntityType=\"A.X\"/>"), &Options::default()).unwrap();
    assert_eq!(model.tables[0].columns[0].data_type, crate::ColumnType::Json);
    assert!(model.notes.iter().any(|note| note.contains("more than 1000 fields")), "{:?}", model.notes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = parse(&text, &Options::default());
        let _ = parse(&format!("<Edmx>{text}"), &Options::default());
    }

    #[test]
    fn damaged_documents_are_read_or_refused(
        which in 0..3_usize,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, "[<>/\"=&;a-zA-Z .()]{0,6}"), 1..6),
    ) {
        let mut document = [V4, V2, V3][which].to_owned();
        for (at, length, replacement) in cuts {
            let mut start = at.index(document.len());
            while !document.is_char_boundary(start) { start -= 1; }
            let mut end = (start + length).min(document.len());
            while !document.is_char_boundary(end) { end -= 1; }
            document.replace_range(start..end.max(start), &replacement);
            prop_assume!(!document.is_empty());
        }
        if let Ok(model) = parse(&document, &Options::default()) {
            let mut names: Vec<_> = model.tables.iter().map(|table| &table.name).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), model.tables.len());
            for table in &model.tables {
                prop_assert!(table.key.iter().all(|column| *column < table.columns.len()));
            }
        }
    }
}
