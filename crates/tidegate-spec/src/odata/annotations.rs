//! Values of annotations: constants, records and collections. Dynamic expressions have no value here.

use super::csdl::Schemas;
use super::xml::{Element, Space};

/// Longest description that is kept, in characters.
const MAX_DESCRIPTION: usize = 2_000;

/// Terms that describe a table or column, the best first.
const DESCRIPTIONS: [&str; 4] = [
    "Org.OData.Core.V1.Description",
    "com.sap.vocabularies.Common.v1.Label",
    "Org.OData.Core.V1.LongDescription",
    "com.sap.vocabularies.Common.v1.QuickInfo",
];

/// A constant, written as attribute (`Bool="true"`) or as child (`<Bool>true</Bool>`).
fn constant<'a>(element: &'a Element, kind: &'a str) -> Option<&'a str> {
    element.attribute(kind).or_else(|| element.child(kind).map(|child| child.text.trim()))
}

/// The truth of an annotation or of a record's property. One without a value is true, as tagging terms are.
pub(super) fn truth(element: &Element) -> Option<bool> {
    match constant(element, "Bool") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => None,
        None => element.children.iter().all(|child| child.name == "Annotation").then_some(true),
    }
}

/// A property of the annotation's record.
pub(super) fn property<'a>(annotation: &'a Element, name: &'a str) -> Option<&'a Element> {
    let record = if annotation.name == "Record" { annotation } else { annotation.child("Record")? };
    record.all("PropertyValue").find(|value| value.attribute("Property") == Some(name))
}

/// Whether a property of the annotation's record says `false`.
pub(super) fn denies(annotation: &Element, name: &str) -> bool {
    property(annotation, name).and_then(truth) == Some(false)
}

/// Whether a property of the annotation's record says `true`.
pub(super) fn affirms(annotation: &Element, name: &str) -> bool {
    property(annotation, name).and_then(truth) == Some(true)
}

/// Items of a collection of records.
pub(super) fn records(value: &Element) -> impl Iterator<Item = &Element> {
    value.child("Collection").into_iter().flat_map(|collection| collection.all("Record"))
}

/// Items of a collection of strings or paths.
pub(super) fn items(value: &Element) -> impl Iterator<Item = &str> {
    let items = value.child("Collection").into_iter().flat_map(|collection| &collection.children);
    items.filter(|item| item.name != "Annotation").map(|item| item.text.trim())
}

/// A string, path or enumeration member.
pub(super) fn string(value: &Element) -> Option<&str> {
    ["String", "PropertyPath", "Path", "EnumMember"].into_iter().find_map(|kind| constant(value, kind))
}

/// What the document says of this element, whose target path for annotations elsewhere is `target`.
pub(super) fn description<'a>(schemas: &Schemas<'a>, element: &'a Element, target: &str) -> Option<String> {
    let annotated = DESCRIPTIONS.iter().find_map(|term| string(schemas.annotation(element, target, term)?));
    let sap = || ["label", "quickinfo"].iter().find_map(|name| element.attribute_in(Space::Sap, name));
    let documented = || {
        let documentation = element.child("Documentation")?;
        let parts = ["Summary", "LongDescription"].into_iter().filter_map(|name| documentation.child(name));
        parts.map(|part| part.text.as_str()).find(|text| !text.trim().is_empty())
    };
    let text = annotated.or_else(sap).or_else(documented)?.trim();
    let shortened: String = text.chars().take(MAX_DESCRIPTION).collect();
    (!shortened.is_empty()).then_some(shortened)
}
