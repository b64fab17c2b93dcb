//! One value of an answer, as the text that it was: no document tree is made, and no digit lost.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_spec::Path;

/// A JSON value of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a>(&'a RawValue);

impl<'a> Part<'a> {
    /// The body, if it is JSON.
    pub(super) fn of(body: &'a [u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        serde_json::from_slice::<&RawValue>(body).ok().map(Self)
    }

    /// Its text, without white space around it.
    pub(super) fn raw(self) -> &'a str {
        self.0.get().trim()
    }

    /// What stands at a path, one object member (or array index, in digits) a step.
    pub(super) fn at(self, path: &[String]) -> Option<Self> {
        path.iter().try_fold(self, |part, step| part.step(step))
    }

    fn step(self, step: &str) -> Option<Self> {
        if self.raw().starts_with('[') {
            let index: usize = step.parse().ok()?;
            return self.items(index.checked_add(1)?).items.get(index).copied();
        }
        let mut reader = serde_json::Deserializer::from_str(self.raw());
        reader.deserialize_map(Member { name: step }).ok()?.map(Self)
    }

    /// The first of these paths that has something.
    pub(super) fn first(self, paths: &[Path]) -> Option<Self> {
        paths.iter().find_map(|path| self.at(path).filter(|part| !part.is_null()))
    }

    /// The first items of an array.
    pub(super) fn items(self, most: usize) -> Items<'a> {
        let mut reader = serde_json::Deserializer::from_str(self.raw());
        let read = reader.deserialize_seq(First { most });
        read.unwrap_or(Items { items: Vec::new(), has_more: true })
    }

    pub(super) fn is_array(self) -> bool {
        self.raw().starts_with('[')
    }

    pub(super) fn is_object(self) -> bool {
        self.raw().starts_with('{')
    }

    pub(super) fn is_null(self) -> bool {
        self.raw() == "null"
    }

    /// A text, or the digits of a number.
    pub(super) fn text(self) -> Option<String> {
        match self.raw().as_bytes().first()? {
            b'"' => serde_json::from_str(self.raw()).ok(),
            b'-' | b'0'..=b'9' => Some(self.raw().to_owned()),
            _ => None,
        }
    }

    /// A whole number, also where it is written as text.
    pub(super) fn number<T: std::str::FromStr>(self) -> Option<T> {
        self.text()?.trim().parse().ok()
    }

    /// A boolean, also where it is written as text, or as 0 or 1.
    pub(super) fn truth(self) -> Option<bool> {
        let text = self.text();
        match text.as_deref().unwrap_or(self.raw()).to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// Whether the value says no more than that there is nothing: null, false, 0, an empty text, list or object.
    pub(super) fn is_nothing(self) -> bool {
        let raw = self.raw();
        let is_empty =
            |open: char, close: char| raw.strip_prefix(open).is_some_and(|rest| rest.trim_start().starts_with(close));
        matches!(raw, "null" | "false" | "0" | "\"\"") || is_empty('[', ']') || is_empty('{', '}')
    }
}

/// The first items of an array.
#[derive(Debug)]
pub(super) struct Items<'a> {
    pub(super) items: Vec<Part<'a>>,
    /// Whether there are more, or it is no array.
    pub(super) has_more: bool,
}

/// Reads no more items than anybody asked for, however many a server sends.
struct First {
    most: usize,
}

impl<'a> Visitor<'a> for First {
    type Value = Items<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Items<'a>, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.most {
            match seq.next_element::<&'a RawValue>()? {
                Some(item) => items.push(Part(item)),
                None => return Ok(Items { items, has_more: false }),
            }
        }
        let mut has_more = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            has_more = true;
        }
        Ok(Items { items, has_more })
    }
}

/// The member of this name; the last, if a server sends it twice.
struct Member<'n> {
    name: &'n str,
}

impl<'a> Visitor<'a> for Member<'_> {
    type Value = Option<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Cow<'a, str>>()? {
            if name == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
