//! Templates: what is read expands, values stand in it as they are, and names come back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_spec::manifest::Template;

fuzz_target!(|text: &str| {
    let Ok(template) = Template::parse(text) else { return };
    let names = template.options();
    assert_eq!(template.as_str(), text);
    let expanded = template.expand(|_| Some("<{value}>".to_owned())).expect("every option has a value");
    assert_eq!(expanded.contains("<{value}>"), !names.is_empty() || text.contains("<{{value}}>"));
    match template.expand(|_| None) {
        Ok(literal) => assert!(names.is_empty() && literal.len() <= text.len()),
        Err(name) => assert_eq!(Some(&name), names.first()),
    }
});
