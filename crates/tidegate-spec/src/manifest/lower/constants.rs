//! What is sent with every request: headers, query parameters, bodies.

use serde_json::Value as Json;

use crate::Place;
use crate::manifest::document::Endpoint as EndpointSpec;
use crate::manifest::problem::{At, quoted};
use crate::manifest::secrets::looks_like_secret;
use crate::manifest::template;
use crate::manifest::tree::Named;

use super::Lower;
use super::values::Use;

impl Lower<'_, '_, '_> {
    /// Constants of an endpoint, with those of the whole API. Of two at one place the nearer wins.
    pub(super) fn constants(&mut self, spec: &EndpointSpec, at: &At) -> Vec<(Place, String)> {
        let root = At::root();
        let defaults = root.member("defaults");
        let mut constants = Vec::new();
        let document = self.document;
        self.headers(&document.headers, &root.member("headers"), &mut constants);
        if let Some(shared) = &document.defaults {
            self.headers(&shared.headers, &defaults.member("headers"), &mut constants);
            self.query(&shared.query, &defaults.member("query"), &mut constants);
        }
        self.headers(&spec.headers, &at.member("headers"), &mut constants);
        self.query(&spec.query, &at.member("query"), &mut constants);
        constants
    }

    /// Headers of every request alone.
    pub(super) fn shared_headers(&mut self) -> Vec<(Place, String)> {
        let (mut constants, document) = (Vec::new(), self.document);
        self.headers(&document.headers, &At::root().member("headers"), &mut constants);
        constants
    }

    pub(super) fn headers(&mut self, headers: &Named<String>, at: &At, constants: &mut Vec<(Place, String)>) {
        for (name, value) in headers.iter() {
            let at = at.member(name);
            if !self.header_name(name, &at) {
                continue;
            }
            if value.chars().any(|letter| letter.is_control()) || !value.is_ascii() {
                self.report.say(&at, "a header's value is printable ASCII");
                continue;
            }
            constants.retain(|(place, _)| !matches!(place, Place::Header(known) if known.eq_ignore_ascii_case(name)));
            if let Some(value) = self.constant(value, &at) {
                constants.push((Place::Header(name.to_owned()), value));
            }
        }
    }

    pub(super) fn query(&mut self, query: &Named<String>, at: &At, constants: &mut Vec<(Place, String)>) {
        for (name, value) in query.iter() {
            let at = at.member(name);
            if name.is_empty() {
                self.report.say(&at, "a query parameter has no name; expected its name");
                continue;
            }
            constants.retain(|(place, _)| !matches!(place, Place::Query(known) if known == name));
            if let Some(value) = self.constant(value, &at) {
                constants.push((Place::Query(name.to_owned()), value));
            }
        }
    }

    pub(super) fn constant(&mut self, value: &str, at: &At) -> Option<String> {
        if looks_like_secret(value) {
            self.report.say(at, "this looks like a secret; make it an option with `secret: true` and use it in `auth`");
        }
        self.expand(value, Use::Constant, at)
    }

    /// A JSON body. In its texts only `{name}` of a known option is replaced: bodies such as GraphQL's have braces of
    /// their own.
    pub(super) fn body(&mut self, body: &Json, at: &At) -> Json {
        match body {
            Json::String(text) => Json::String(self.body_text(text, at)),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.body(item, at)).collect()),
            Json::Object(members) => {
                Json::Object(members.iter().map(|(name, value)| (name.clone(), self.body(value, at))).collect())
            }
            other => other.clone(),
        }
    }

    fn body_text(&mut self, text: &str, at: &At) -> String {
        if looks_like_secret(text) {
            self.report.say(at, format!("{} looks like a secret; secrets belong into `auth`", quoted("…")));
        }
        let mut replaced = text.to_owned();
        let document = self.document;
        for name in document.options.names().filter(|name| template::is_name(name)) {
            let place = format!("{{{name}}}");
            if replaced.contains(&place) {
                let value = self.option(name, Use::Constant, at).unwrap_or_default();
                replaced = replaced.replace(&place, &value);
            }
        }
        replaced
    }
}
