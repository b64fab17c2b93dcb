//! Annotations of an entity set, one at a time.

use super::*;

/// A set with the columns `n` (Int32) and `s` (String), annotated with these terms.
fn table(annotations: &str) -> Table {
    let document = format!(
        "<Edmx Version=\"4.0\"><DataServices><Schema Namespace=\"A\">
           <EntityType Name=\"X\"><Property Name=\"n\" Type=\"Edm.Int32\"/><Property Name=\"s\"/></EntityType>
           <EntityContainer Name=\"C\"><EntitySet Name=\"S\" EntityType=\"A.X\">{annotations}</EntitySet></EntityContainer>
         </Schema></DataServices></Edmx>"
    );
    parse(&document, &Options::default()).unwrap().tables.remove(0)
}

fn tag(term: &str, value: &str) -> String {
    format!("<Annotation Term=\"Org.OData.Capabilities.V1.{term}\" {value}/>")
}

fn record(term: &str, members: &str) -> String {
    format!("<Annotation Term=\"Org.OData.Capabilities.V1.{term}\"><Record>{members}</Record></Annotation>")
}

/// `window count select`, operators on `n` and `s`, and whether `n` sorts.
fn check(annotations: &str, expected: &str) {
    let table = table(annotations);
    let endpoint = &table.endpoints[0];
    let names =
        |column| operators(&table, column).iter().map(|(op, _)| format!("{op:?}")).collect::<Vec<_>>().join(",");
    let actual = format!(
        "{} {} {} n:{} s:{} sort:{}",
        endpoint.window.is_some(),
        endpoint.count.is_some(),
        endpoint.projection == crate::Projection::Select,
        names(0),
        names(1),
        endpoint.sort.len(),
    );
    assert_eq!(actual, expected, "{annotations}");
}

const N: &str = "n:Eq,NotEq,Lt,LtEq,Gt,GtEq,In,IsNull,IsNotNull";
const S: &str = "s:Eq,In,StartsWith,EndsWith,Contains,IsNull,IsNotNull";

#[test]
fn each_restriction_takes_what_it_names() {
    let off = |name: &str| format!("<PropertyValue Property=\"{name}\" Bool=\"false\"/>");
    let path = |name: &str| {
        format!(
            "<PropertyValue Property=\"{name}\"><Collection><PropertyPath>n</PropertyPath></Collection></PropertyValue>"
        )
    };
    let cases = [
        (String::new(), format!("true true true {N} {S} sort:1")),
        (tag("TopSupported", "Bool=\"false\""), format!("false true true {N} {S} sort:1")),
        (tag("SkipSupported", "Bool=\"false\""), format!("false true true {N} {S} sort:1")),
        (tag("TopSupported", ""), format!("true true true {N} {S} sort:1")),
        (tag("TopSupported", "Bool=\"false\" Qualifier=\"phone\""), format!("true true true {N} {S} sort:1")),
        (record("CountRestrictions", &off("Countable")), format!("true false true {N} {S} sort:1")),
        (record("SelectSupport", &off("Supported")), format!("true true false {N} {S} sort:1")),
        (record("SortRestrictions", &off("Sortable")), format!("true true true {N} {S} sort:0")),
        (record("SortRestrictions", &path("AscendingOnlyProperties")), format!("true true true {N} {S} sort:0")),
        (record("FilterRestrictions", &off("Filterable")), "true true true n: s: sort:1".to_owned()),
        (record("FilterRestrictions", &path("NonFilterableProperties")), format!("true true true n: {S} sort:1")),
    ];
    for (annotations, expected) in cases {
        check(&annotations, &expected);
    }
}

#[test]
fn restricted_expressions_and_functions() {
    let restricted = |expression: &str| {
        record(
            "FilterRestrictions",
            &format!(
                "<PropertyValue Property=\"FilterExpressionRestrictions\"><Collection><Record>
                   <PropertyValue Property=\"Property\" PropertyPath=\"n\"/>
                   <PropertyValue Property=\"AllowedExpressions\" String=\"{expression}\"/>
                 </Record></Collection></PropertyValue>"
            ),
        )
    };
    let cases = [
        ("SingleValue", "Eq"),
        ("MultiValue", "Eq,In"),
        ("SingleRange", "Eq,Lt,LtEq,Gt,GtEq"),
        ("MultiRange", "Eq,Lt,LtEq,Gt,GtEq,In"),
        ("SomethingNew", ""),
    ];
    for (expression, operators) in cases {
        check(&restricted(expression), &format!("true true true n:{operators} {S} sort:1"));
        assert!(!table(&restricted(expression)).endpoints[0].filters.or);
    }
    let functions = "<Annotation Term=\"Org.OData.Capabilities.V1.FilterFunctions\"><Collection>
                       <String>startswith</String><String>year</String></Collection></Annotation>";
    check(functions, &format!("true true true {N} s:Eq,In,StartsWith,IsNull,IsNotNull sort:1"));
}
