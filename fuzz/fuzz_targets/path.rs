//! Paths of endpoints and of members: what is accepted makes a path of a URL whose places are those of filters.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_spec::{Manifest, Place};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    path: &'a str,
    rows: &'a str,
    option: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let text = format!(
        "connector: fuzz\nurl: https://api.test/\noptions: {{ o: {{ default: a }} }}\nheaders: {{ X-O: '{{o}}' }}\n\
         tables:\n  t:\n    columns: {{ a: int, b: text, c: uuid }}\n    list:\n      path: {}\n      rows: {}\n",
        serde_json::Value::from(input.path),
        serde_json::Value::from(input.rows),
    );
    let Ok(manifest) = Manifest::parse(&text, "fuzz.yaml") else { return };
    let options = BTreeMap::from([("o".to_owned(), input.option.to_owned())]);
    let Ok(model) = manifest.compile(&options) else { return };
    let endpoint = &model.tables[0].endpoints[0];
    assert!(!endpoint.path.starts_with('/'), "{:?} leaves the base URL", endpoint.path);
    let mut literal = endpoint.path.clone();
    for form in &endpoint.filters.forms {
        let Place::Path(name) = &form.place else { panic!("a path makes filters in the path") };
        let place = format!("{{{name}}}");
        assert!(literal.contains(&place));
        literal = literal.replace(&place, "");
    }
    literal = literal.replace("{partition}", "");
    let is_url = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
    assert!(literal.bytes().all(is_url), "{literal:?} is no path of a URL");
    assert!(literal.split('/').all(|segment| segment != ".."), "{literal:?} leaves the base URL");
    for path in &endpoint.envelope.rows {
        assert!(path.iter().all(|step| !step.is_empty()));
    }
});
