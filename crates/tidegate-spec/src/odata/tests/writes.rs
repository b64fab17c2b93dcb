//! What may be written of a service, by its own word.

use std::fmt::Write as _;

use super::*;
use crate::write::{NullForm, Sends, Write, WriteColumn};
use crate::{ColumnSource, Place};

const CAP: &str = include_str!("../../../tests/data/cap.xml");
const V2_WRITES: &str = include_str!("../../../tests/data/v2_writes.xml");

fn render_writes(document: &str, options: &Options) -> String {
    let model = parse(document, options).unwrap();
    let mut out = String::new();
    for table in &model.tables {
        let annotations = table.columns.iter().filter(|column| column.source == ColumnSource::Annotation);
        let annotations: Vec<String> =
            annotations.map(|column| format!(" {}={}", column.name, column.path.join("/"))).collect();
        writeln!(out, "{} key {:?}{}", table.name, table.key, annotations.concat()).unwrap();
        for (kind, write) in table.writes.iter() {
            writeln!(out, "  {} {}", kind.name(), line(table, write)).unwrap();
        }
    }
    for note in &model.notes {
        writeln!(out, "note {note}").unwrap();
    }
    out
}

/// Method, path, version, constants and columns. `!` is a column that must be given, `~` one that may be null.
fn line(table: &Table, write: &Write) -> String {
    let single = write.single.as_ref().unwrap();
    let column = |column: &WriteColumn| {
        let marks = if column.required { "!" } else { "" };
        let null = if column.null == NullForm::Null { "~" } else { "" };
        format!("{}{marks}{null}", table.columns[column.column].name)
    };
    let columns: Vec<String> = write.columns.iter().map(column).collect();
    let version = write.version.as_ref().map(|version| (&table.columns[version.column].name, &version.place));
    let version = version.map(|(name, place)| match place {
        Place::Header(header) => format!(" {header}={name}"),
        other => format!(" {other:?}={name}"),
    });
    let constants: Vec<String> = single.constants.iter().map(|(place, text)| format!(" {place:?}={text}")).collect();
    let whole = if write.sends == Sends::Whole { " whole" } else { "" };
    let row = single.answer.row.as_ref().map(|row| format!(" row:/{}", row.join("/"))).unwrap_or_default();
    let batch = write.batch.as_ref().map(|batch| format!(" batch of {} to {}", batch.max, batch.path));
    format!(
        "{:?} {}{:?}{}{}{whole}{row}{} [{}]",
        single.method,
        single.path,
        single.odata_key.unwrap(),
        version.unwrap_or_default(),
        constants.concat(),
        batch.unwrap_or_default(),
        columns.join(" ")
    )
}

#[test]
fn writes_of_cap() {
    insta::assert_snapshot!(render_writes(CAP, &Options::default()));
}

#[test]
fn writes_of_sap_gateway() {
    insta::assert_snapshot!(render_writes(V2_WRITES, &Options::default()));
}

#[test]
fn all_tables_have_versions_and_batches_if_the_connection_says_so() {
    let options = Options { etags: ETags::Always, batch: Some(20), ..Options::default() };
    let model = parse(CAP, &options).unwrap();
    let with_name_of_its_own = "marked";
    for table in &model.tables {
        let etag = table.columns.iter().position(|column| column.source == ColumnSource::Annotation);
        assert_eq!(etag.is_some(), table.name != with_name_of_its_own, "{}", table.name);
        for (kind, write) in table.writes.iter() {
            let version = write.version.as_ref().map(|version| version.column);
            assert_eq!(version, etag.filter(|_| kind != crate::WriteKind::Insert), "{} {kind:?}", table.name);
            assert_eq!(write.batch.as_ref().map(|batch| batch.max), Some(20));
        }
        let endpoint = &table.endpoints[0];
        if let Some(etag) = etag {
            assert!(endpoint.filters.column(etag).is_none() && endpoint.sort.iter().all(|sort| sort.column != etag));
        }
    }
    let model = parse(V2_WRITES, &options).unwrap();
    assert!(model.tables.iter().all(|table| table.writes.iter().all(|(_, write)| write.batch.is_none())));
    assert!(model.notes.iter().any(|note| note.starts_with("batches: are sent as JSON")), "{:?}", model.notes);
}

#[test]
fn version_3_has_patch_and_light_annotations() {
    let document = V2_WRITES.replace("DataServiceVersion=\"2.0\"", "DataServiceVersion=\"3.0\"");
    let text = render_writes(&document, &Options::default());
    assert!(text.contains("partnerset key [0] _etag=odata.etag"), "{text}");
    assert!(text.contains("update Patch PartnerSetV3 If-Match=_etag"), "{text}");
}
