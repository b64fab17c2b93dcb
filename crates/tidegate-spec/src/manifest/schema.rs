//! The JSON Schema of a manifest: that of `connectors/manifest.schema.json`, which a test generates from the types in
//! [`super::document`]: each process would have to do that before it reads its first manifest.

use std::sync::OnceLock;

use serde_json::Value as Json;

/// The schema; read once.
pub(super) fn schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = include_str!("../../../../connectors/manifest.schema.json");
        // A test compares the whole of it with what is generated.
        serde_json::from_str(text).unwrap_or_default()
    })
}

/// The schema of the types as they are now.
#[cfg(test)]
pub(super) fn generated() -> Json {
    let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<super::document::Document>().to_value();
    simplify(&mut schema);
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Json::from("Tidegate connector manifest"));
    }
    schema
}

/// Takes out what says nothing to an author: null beside optional members (leaving a member out is the way to say
/// nothing), and formats that name Rust's types.
#[cfg(test)]
fn simplify(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            if let Some(Json::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if members.get("default") == Some(&Json::Null) {
                members.remove("default");
            }
            if members.get("format").and_then(Json::as_str).is_some_and(|format| format.starts_with("uint")) {
                members.remove("format");
            }
            for keyword in ["anyOf", "oneOf"] {
                drop_null(members, keyword);
            }
            members.values_mut().for_each(simplify);
        }
        Json::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

#[cfg(test)]
fn drop_null(members: &mut serde_json::Map<String, Json>, keyword: &str) {
    let Some(Json::Array(forms)) = members.get_mut(keyword) else { return };
    forms.retain(|form| form.get("type").is_none_or(|name| name != "null"));
    if let [Json::Object(only)] = forms.as_slice() {
        let only = only.clone();
        members.remove(keyword);
        for (name, value) in only {
            members.entry(name).or_insert(value);
        }
    }
}
