//! The reference of manifests in Markdown, generated from the JSON Schema.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::schema::schema;

/// Markdown with a section for each object: its members, their types, defaults and descriptions; and one for each list
/// of words.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    let mut text = String::new();
    section(&mut text, "Manifest", schema);
    let definitions = schema.get("$defs").and_then(Json::as_object);
    for (name, schema) in definitions.into_iter().flatten() {
        section(&mut text, name, schema);
    }
    text
}

fn section(text: &mut String, name: &str, schema: &Json) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "## {name}\n");
    if let Some(description) = description(schema) {
        let _ = writeln!(text, "{description}\n");
    }
    if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
        members(text, schema, properties);
    }
    for form in alternatives(schema) {
        let what = match form.get("const").and_then(Json::as_str) {
            Some(word) => format!("`{word}`"),
            None => type_of(form),
        };
        let description = description(form).unwrap_or_default();
        let _ = writeln!(text, "- {what}{}{description}", if description.is_empty() { "" } else { ": " });
    }
    if !alternatives(schema).is_empty() {
        text.push('\n');
    }
}

fn members(text: &mut String, schema: &Json, properties: &Map<String, Json>) {
    let required: Vec<&str> =
        schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    text.push_str("| member | type | default | meaning |\n|---|---|---|---|\n");
    for (name, member) in properties {
        let default = match member.get("default") {
            Some(Json::String(word)) => format!("`{word:?}`").replace("\"", if word.is_empty() { "\"" } else { "" }),
            Some(value) => format!("`{value}`"),
            None if required.contains(&name.as_str()) => "required".to_owned(),
            None => String::new(),
        };
        let meaning = description(member).unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | {} | {default} | {} |", cell(&type_of(member)), cell(&meaning));
    }
    text.push('\n');
}

/// Text of a table's cell: on one line, with no `|` of its own.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn description(schema: &Json) -> Option<String> {
    schema.get("description").and_then(Json::as_str).map(|text| text.replace('\n', " "))
}

fn alternatives(schema: &Json) -> &[Json] {
    ["anyOf", "oneOf"]
        .iter()
        .find_map(|keyword| schema.get(*keyword).and_then(Json::as_array))
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The type of a member, with links to the sections of objects.
fn type_of(schema: &Json) -> String {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let alternatives = alternatives(schema);
    if !alternatives.is_empty() {
        return alternatives.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(word) = schema.get("const") {
        return format!("`{}`", word.as_str().unwrap_or_default());
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        let words = words.iter().filter_map(Json::as_str).map(|word| format!("`{word}`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    match schema.get("type").and_then(Json::as_str) {
        Some("string") => "text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("array") => format!("list of {}", schema.get("items").map_or_else(|| "anything".to_owned(), type_of)),
        Some("object") => match schema.get("additionalProperties") {
            Some(value @ Json::Object(_)) => format!("names, each with {}", type_of(value)),
            _ => "object".to_owned(),
        },
        _ => "any value".to_owned(),
    }
}
