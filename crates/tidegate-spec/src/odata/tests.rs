//! Whole documents as models.

use std::fmt::Write as _;

use super::*;
use crate::names::NameStyle;
use crate::{Exactness, ODataVersion, Table};

mod aggregation;
mod capabilities;
mod hostile;
mod writes;

pub(super) const V4: &str = include_str!("../../tests/data/v4.xml");
pub(super) const V2: &str = include_str!("../../tests/data/v2.xml");
pub(super) const V3: &str = include_str!("../../tests/data/v3.xml");

/// A model in a form that is short enough to be read whole. `~` marks an operator whose rows are rechecked.
fn render(model: &Model) -> String {
    let mut out = String::new();
    for table in &model.tables {
        let about = table.description.as_deref().unwrap_or("-");
        writeln!(out, "table {} ({}) key {:?} \"{about}\"", table.name, table.api_name, table.key).unwrap();
        let endpoint = &table.endpoints[0];
        writeln!(
            out,
            "  {} {} window {:?} count {:?} {:?} or {}",
            endpoint.name, endpoint.path, endpoint.window, endpoint.count, endpoint.projection, endpoint.filters.or
        )
        .unwrap();
        for index in 0..table.columns.len() {
            render_column(&mut out, table, index);
        }
    }
    for note in &model.notes {
        writeln!(out, "note {note}").unwrap();
    }
    out
}

fn render_column(out: &mut String, table: &Table, index: usize) {
    let column = &table.columns[index];
    let null = if column.nullable { "" } else { " not null" };
    write!(out, "  {} {:?} {:?}{null}", column.name, column.path, column.data_type).unwrap();
    if let Some(about) = &column.description {
        write!(out, " \"{about}\"").unwrap();
    }
    for (operator, exactness) in operators(table, index) {
        write!(out, " {}{operator:?}", if exactness == Exactness::Exact { "" } else { "~" }).unwrap();
    }
    if table.endpoints[0].sort.iter().any(|sort| sort.column == index) {
        out.push_str(" sorts");
    }
    out.push('\n');
}

pub(super) fn operators(table: &Table, column: usize) -> Vec<(crate::Operator, Exactness)> {
    table.endpoints[0].filters.column(column).map(|entry| entry.operators.clone()).unwrap_or_default()
}

#[test]
fn v4() {
    insta::assert_snapshot!(render(&parse(V4, &Options::default()).unwrap()));
}

#[test]
fn v4_with_snake_case_and_binary_text() {
    let options = Options { names: NameStyle::Snake, text: TextComparison::Binary, ..Options::default() };
    insta::assert_snapshot!(render(&parse(V4, &options).unwrap()));
}

#[test]
fn totals_that_are_not_trusted_are_not_asked_for() {
    let options = Options { totals: super::Totals::Ignore, ..Options::default() };
    for (options, trusted) in [(options, false), (Options::default(), true)] {
        let model = parse(V4, &options).unwrap();
        assert_eq!(model.tables.iter().any(|table| table.endpoints[0].count.is_some()), trusted);
    }
}

#[test]
fn v2_of_sap_gateway() {
    insta::assert_snapshot!(render(&parse(V2, &Options::default()).unwrap()));
}

#[test]
fn v3() {
    insta::assert_snapshot!(render(&parse(V3, &Options::default()).unwrap()));
}

#[test]
fn versions_have_their_dialect_and_envelope() {
    let v401 = V4.replacen("Version=\"4.0\"", "Version=\"4.01\"", 1);
    let cases = [
        (V2, ODataVersion::V2, "d/results d", "d/__next", "d/__count"),
        (V3, ODataVersion::V3, "value d/results d", "odata.nextLink d/__next", "odata.count d/__count"),
        (V4, ODataVersion::V4, "value", "@odata.nextLink @nextLink", "@odata.count @count"),
        (&v401, ODataVersion::V401, "value", "@odata.nextLink @nextLink", "@odata.count @count"),
    ];
    let joined = |paths: &[crate::Path]| paths.iter().map(|path| path.join("/")).collect::<Vec<_>>().join(" ");
    for (document, version, rows, next, count) in cases {
        let model = parse(document, &Options::default()).unwrap();
        let endpoint = &model.tables[0].endpoints[0];
        assert_eq!(endpoint.filters.dialect, Some(crate::Dialect::OData(version)));
        let envelope = &endpoint.envelope;
        assert_eq!(joined(&envelope.rows), rows);
        assert_eq!(joined(&envelope.next), next);
        assert_eq!(joined(&envelope.count), count);
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(parse(&format!("\u{feff}{V4}"), &Options::default()), parse(V4, &Options::default()));
}

#[test]
fn what_is_no_description_says_what_it_is_and_what_to_do() {
    let edmx = |inside: &str| {
        format!("<Edmx Version=\"4.0\"><DataServices>\n<Schema Namespace=\"A\">{inside}</Schema></DataServices></Edmx>")
    };
    let cyclic = edmx(
        "<EntityType Name=\"X\" BaseType=\"A.Y\"/><EntityType Name=\"Y\" BaseType=\"A.X\"/>
         <EntityContainer Name=\"C\"><EntitySet Name=\"S\" EntityType=\"A.X\"/></EntityContainer>",
    );
    let extends = edmx("<EntityContainer Name=\"C\" Extends=\"A.D\"/><EntityContainer Name=\"D\" Extends=\"A.C\"/>");
    let cases: &[(&str, &[&str])] = &[
        (" \n", &["empty", "check the URL"]),
        ("{\"$Version\":\"4.0\"}", &["JSON", "Accept: application/xml"]),
        ("<!DOCTYPE html><html></html>", &["HTML page", "credentials"]),
        ("<?xml version=\"1.0\"?>\n<html xmlns=\"x\"/>", &["HTML page"]),
        ("Not found", &["plain text", "check the URL"]),
        ("<service/>", &["service document", "$metadata"]),
        ("<feed/>", &["begins with <feed>", "check the URL"]),
        ("<Edmx Version=\"5.0\"/>", &["version '5.0'", "line 1, column 1"]),
        ("<Edmx Version=\"4.0\"/>", &["no <EntityContainer>"]),
        ("<Edmx>\n  <DataServices>", &["line 2, column 3", "<DataServices>", "cut off"]),
        ("<Edmx></Other>", &["no XML", "line 1"]),
        ("<Edmx>&lol;</Edmx>", &["&lol;", "not defined"]),
        ("<Edmx/><Edmx/>", &["second outermost element", "column 8"]),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><Edmx/>", &["document type", "line 1, column 1"]),
        (&edmx("<EntityType/>"), &["line 2", "<EntityType> has no attribute Name"]),
        (&cyclic, &["leads back to itself", "BaseType", "line 2"]),
        (&extends, &["leads back to itself", "Extends"]),
    ];
    for (document, words) in cases {
        let error = parse(document, &Options::default()).unwrap_err().to_string();
        for word in *words {
            assert!(error.contains(word), "'{word}' is missing in '{error}' for {document}");
        }
    }
}
