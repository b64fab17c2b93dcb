//! A JSON document in the making. Unlike `serde_json`'s it keeps the digits of decimal numbers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::ErrorKind;

/// A value of the document. Members are written in the order of their names, so that the same document has the same bytes.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Node {
    /// Any value that is not built further.
    Leaf(Json),
    /// A number with exactly these digits.
    Digits(Box<RawValue>),
    /// An array.
    List(Vec<Node>),
    /// An object.
    Object(BTreeMap<String, Node>),
}

impl Node {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Leaf(Json::String(text.into()))
    }

    pub(super) fn object() -> Self {
        Self::Object(BTreeMap::new())
    }

    /// The bytes in which the document is sent.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ErrorKind> {
        serde_json::to_vec(self).map_err(|error| ErrorKind::Unsupported(error.to_string()))
    }

    /// Writes a value at a path; what is missing on the way is made, an array where the step is a number.
    pub(super) fn put(&mut self, path: &[String], value: Self) -> Result<(), ErrorKind> {
        *self.at(path)? = value;
        Ok(())
    }

    /// Adds items to the array at a path.
    pub(super) fn append(&mut self, path: &[String], items: Vec<Self>) -> Result<(), ErrorKind> {
        match self.at(path)? {
            Self::List(list) => list.extend(items),
            empty if empty.is_empty() => *empty = Self::List(items),
            _ => return Err(in_the_way(path)),
        }
        Ok(())
    }

    /// Whether nothing was written here yet.
    fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(Json::Null) => true,
            Self::Object(members) => members.is_empty(),
            _ => false,
        }
    }

    fn at(&mut self, path: &[String]) -> Result<&mut Self, ErrorKind> {
        let mut place = self;
        for step in path {
            let index = step.parse::<usize>().ok();
            if place.is_empty() {
                *place = if index.is_some() { Self::List(Vec::new()) } else { Self::object() };
            }
            place = match (place, index) {
                (Self::Object(members), _) => members.entry(step.clone()).or_insert(Self::Leaf(Json::Null)),
                // An index further on would leave holes.
                (Self::List(items), Some(index)) if index <= items.len() => {
                    if index == items.len() {
                        items.push(Self::Leaf(Json::Null));
                    }
                    &mut items[index]
                }
                _ => return Err(in_the_way(path)),
            };
        }
        Ok(place)
    }
}

impl From<&Json> for Node {
    fn from(value: &Json) -> Self {
        match value {
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
            other => Self::Leaf(other.clone()),
        }
    }
}

fn in_the_way(path: &[String]) -> ErrorKind {
    let path = path.join(".");
    ErrorKind::Unsupported(format!(
        "nothing can be written at {path:?} of the request's body: something else stands there"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_document_is_built_at_paths() {
        let mut node = Node::from(&serde_json::json!({"z": 1, "a": {"list": [{"x": 1}]}}));
        node.put(&path("a.b.0.c"), Node::text("deep")).unwrap();
        node.put(&path("z"), Node::Digits(RawValue::from_string("12.30".to_owned()).unwrap())).unwrap();
        node.append(&path("a.list"), vec![Node::text("y")]).unwrap();
        node.append(&path("new"), vec![]).unwrap();
        let text = String::from_utf8(node.bytes().unwrap()).unwrap();
        assert_eq!(text, r#"{"a":{"b":[{"c":"deep"}],"list":[{"x":1},"y"]},"new":[],"z":12.30}"#);
        for wrong in ["z.b", "a.list.x", "a.list.7"] {
            assert!(node.put(&path(wrong), Node::text("x")).is_err(), "{wrong}");
        }
        assert!(node.append(&path("z"), vec![]).is_err());
        let mut list = Node::object();
        list.append(&[], vec![Node::text("x")]).unwrap();
        assert_eq!(list.bytes().unwrap(), br#"["x"]"#);
    }
}
