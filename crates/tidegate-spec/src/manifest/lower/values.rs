//! Values of options, and the texts that hold them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::document::{Document, OptionSpec};
use crate::manifest::problem::{At, quoted, suggestion};
use crate::manifest::template::{self, Part};

use super::Lower;

/// Options that every connector has.
pub(in crate::manifest) const COMMON_OPTIONS: [&str; 5] =
    ["url", "writes", "allow_origins", "partitions", "default_partitions"];
/// The name that stands for a partition's code.
pub(in crate::manifest) const PARTITION: &str = "partition";

/// What a connection sets, or stand-ins while a manifest is checked.
#[derive(Debug)]
pub(in crate::manifest) struct Values<'d> {
    document: &'d Document,
    given: Option<&'d BTreeMap<String, String>>,
    used: RefCell<BTreeSet<String>>,
}

/// What is known of a name in a template.
enum Value {
    Known(String),
    Unset,
    Unknown,
}

impl<'d> Values<'d> {
    /// Every option has a stand-in.
    pub(in crate::manifest) fn to_check(document: &'d Document) -> Self {
        Self { document, given: None, used: RefCell::default() }
    }

    /// What a connection sets; the rest has its default.
    pub(in crate::manifest) fn given(document: &'d Document, given: &'d BTreeMap<String, String>) -> Self {
        Self { document, given: Some(given), used: RefCell::default() }
    }

    /// Notes that a template uses an option.
    pub(in crate::manifest) fn mark_used(&self, name: &str) {
        self.used.borrow_mut().insert(name.to_owned());
    }

    /// Whether any text used this option.
    pub(in crate::manifest) fn is_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// The value of an option, with its default expanded.
    fn value(&self, name: &str, depth: usize) -> Value {
        let Some(option) = self.document.options.get(name) else { return Value::Unknown };
        self.mark_used(name);
        if let Some(value) = self.given.and_then(|given| given.get(name)) {
            return Value::Known(value.clone());
        }
        match &option.default {
            // As deep as there are options is a circle, which is reported where options are checked.
            Some(text) if depth <= self.document.options.0.len() => {
                let expand = |name: &str| match self.value(name, depth + 1) {
                    Value::Known(value) => Some(value),
                    _ => None,
                };
                template::Template::new(text.as_str()).expand(expand).map_or(Value::Unset, Value::Known)
            }
            None if self.given.is_none() => Value::Known(name.to_owned()),
            _ => Value::Unset,
        }
    }
}

/// What a text is for; decides which options it may hold and whether they must be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) enum Use {
    /// Part of a URL: secrets must not be in it, and all options must be set.
    Url,
    /// A constant in a request: no secrets; it is left out when an option is not set.
    Constant,
    /// A credential.
    Auth,
}

impl Lower<'_, '_, '_> {
    /// The text with its options, `None` when one is not set or something is wrong with it. `{partition}` is kept.
    pub(in crate::manifest) fn expand(&mut self, text: &str, purpose: Use, at: &At) -> Option<String> {
        let parts = match template::parse(text) {
            Ok(parts) => parts,
            Err(message) => {
                self.report.say(at, message);
                return None;
            }
        };
        let mut expanded = Some(String::with_capacity(text.len()));
        for part in parts {
            let piece = match part {
                Part::Text(text) => Some(text),
                Part::Name(name) if name == PARTITION => Some("{partition}".to_owned()),
                Part::Name(name) => self.option(&name, purpose, at),
            };
            expanded = expanded.zip(piece).map(|(text, piece)| text + &piece);
        }
        expanded
    }

    /// The value of an option that a text names.
    pub(in crate::manifest) fn option(&mut self, name: &str, purpose: Use, at: &At) -> Option<String> {
        let is_secret = self.document.options.get(name).is_some_and(|option| option.secret);
        if is_secret && purpose != Use::Auth {
            let place =
                if purpose == Use::Url { "in the URL, where logs and servers show it" } else { "in a constant" };
            self.values.mark_used(name);
            self.report.say(at, format!("the secret option {name:?} would stand {place}; use `auth`"));
            return None;
        }
        match self.values.value(name, 0) {
            Value::Known(value) => Some(value),
            Value::Unset if purpose == Use::Url => {
                self.report.say(
                    at,
                    format!("the option {name:?} is not set; {}", how_to_set(name, self.document.options.get(name))),
                );
                None
            }
            Value::Unset => None,
            Value::Unknown => {
                let is_written = |root: &crate::manifest::yaml::Node| {
                    root.get("options").is_some_and(|options| options.get(name).is_some())
                };
                if !is_written(self.report.root()) {
                    let hint = suggestion(name, self.document.options.names());
                    self.report.say(at, format!("{} is no option{hint}", quoted(&format!("{{{name}}}"))));
                }
                None
            }
        }
    }
}

/// What a user can do about an option that is not set.
pub(in crate::manifest) fn how_to_set(name: &str, option: Option<&OptionSpec>) -> String {
    match option.and_then(|option| option.env.as_deref()) {
        Some(variable) => format!("set {name} at the connection or the environment variable {variable}"),
        None => format!("set {name} at the connection"),
    }
}
