//! Options: their names, what is said of them together, and circles.

use crate::manifest::document::OptionSpec;
use crate::manifest::lower::Lower;
use crate::manifest::lower::values::{COMMON_OPTIONS, PARTITION};
use crate::manifest::problem::{At, quoted, suggestion};
use crate::manifest::secrets::looks_like_secret;
use crate::manifest::template::{self, Part};

/// Names with a meaning of their own in connections and templates.
const RESERVED: [&str; 7] = ["connector", "name", "quotas", "value", "values", "column", PARTITION];

impl Lower<'_, '_, '_> {
    pub(super) fn options(&mut self) {
        let document = self.document;
        for (name, option) in document.options.iter() {
            let at = At::root().member("options").member(name);
            self.option_name(name, &at);
            self.option_members(option, &at);
            if let Some(text) = &option.default {
                self.default(name, text, &at.member("default"));
            }
            if let Some(circle) = self.circle(name) {
                self.report.say(&at, format!("the default goes round in a circle: {}", circle.join(" -> ")));
            }
        }
        for (name, _) in document.options.iter().filter(|(name, _)| !self.values.is_used(name)) {
            let at = At::root().member("options").member(name);
            self.report.say(&at, format!("nothing uses the option {name:?}; write {{{name}}} where its value belongs"));
        }
    }

    fn option_name(&mut self, name: &str, at: &At) {
        if !template::is_lower_name(name) {
            let message = format!(
                "{} is no name of an option: expected lower-case letters, digits and `_`, a letter first",
                quoted(name)
            );
            self.report.say(at, message);
        } else if COMMON_OPTIONS.contains(&name) {
            self.report.say(at, format!("every connector has the option {name:?} already"));
        } else if RESERVED.contains(&name) {
            self.report.say(at, format!("{name:?} has another meaning; give the option another name"));
        }
    }

    fn option_members(&mut self, option: &OptionSpec, at: &At) {
        if option.secret && option.default.is_some() {
            self.report.say(&at.member("default"), "a secret has no default: a manifest is no place for it");
        }
        if option.required && option.default.is_some() {
            self.report.say(&at.member("required"), "an option with a default is never missing; leave one of them out");
        }
        if let Some(variable) = &option.env
            && (!template::is_name(variable) || variable.bytes().any(|byte| byte.is_ascii_lowercase()))
        {
            let message =
                format!("{} is no environment variable: expected upper-case letters, digits and `_`", quoted(variable));
            self.report.say(&at.member("env"), message);
        }
    }

    fn default(&mut self, name: &str, text: &str, at: &At) {
        if looks_like_secret(text) {
            self.report.say(at, "this looks like a secret; leave the default out, with `secret: true`");
        }
        match template::parse(text) {
            Err(message) => self.report.say(at, message),
            Ok(parts) => {
                for part in parts {
                    let Part::Name(other) = part else { continue };
                    match self.document.options.get(&other) {
                        None => {
                            let hint = suggestion(&other, self.document.options.names());
                            self.report.say(at, format!("{{{other}}} is no option{hint}"));
                        }
                        Some(option) if option.secret && other != name => {
                            let message = format!("the secret option {other:?} would show in the default of {name:?}");
                            self.report.say(at, message);
                        }
                        Some(_) => self.values.mark_used(&other),
                    }
                }
            }
        }
    }

    /// Options through which a default leads back to itself, from the first of them in the file only.
    fn circle(&self, start: &str) -> Option<Vec<String>> {
        let document = self.document;
        let references = |name: &str| -> Vec<String> {
            let text = document.options.get(name).and_then(|option| option.default.clone());
            text.map(|text| template::Template::new(text).options()).unwrap_or_default()
        };
        let mut open = vec![vec![start.to_owned()]];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(trail) = open.pop() {
            for next in trail.last().map(|last| references(last)).unwrap_or_default() {
                let mut trail = trail.clone();
                trail.push(next.clone());
                if next == start {
                    let position = |name: &str| document.options.names().position(|known| known == name);
                    let is_first = trail.iter().all(|name| position(name) >= position(start));
                    return is_first.then_some(trail);
                }
                if seen.insert(next) {
                    open.push(trail);
                }
            }
        }
        None
    }
}
