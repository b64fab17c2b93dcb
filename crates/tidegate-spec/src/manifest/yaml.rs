//! YAML as a tree that knows the line and column of everything.
//!
//! Relies on `saphyr-parser` for the events of YAML 1.2 and resolves plain scalars by the core schema (so that `no` is
//! text). Everything is bounded: size, depth, and the number of nodes after aliases were put in place.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value as Json;

/// Largest manifest, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 48;
/// Most that all values weigh together, with those that aliases repeat.
const MAX_WEIGHT: usize = 100_000;

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool, String),
    Int(i64, String),
    Float(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) value: Node,
}

impl Node {
    /// A value that stands in no YAML: nothing of it has a line.
    pub(super) fn from_json(value: &Json) -> Self {
        let kind = match value {
            Json::Null => Kind::Null,
            Json::Bool(value) => Kind::Bool(*value, value.to_string()),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Kind::Int(whole, number.to_string()),
                (None, value) => Kind::Float(value.unwrap_or(f64::NAN), number.to_string()),
            },
            Json::String(text) => Kind::Text(text.clone()),
            Json::Array(items) => Kind::List(items.iter().map(Self::from_json).collect()),
            Json::Object(members) => {
                let member = |(name, value): (&String, &Json)| Member {
                    name: name.clone(),
                    line: 0,
                    column: 0,
                    value: Self::from_json(value),
                };
                Kind::Map(members.iter().map(member).collect())
            }
        };
        Self { line: 0, column: 0, kind }
    }

    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// Members of an object; none of anything else.
    pub(super) fn members(&self) -> &[Member] {
        if let Kind::Map(members) = &self.kind { members } else { &[] }
    }

    /// Text of a scalar, as it was written.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Bool(_, text) | Kind::Int(_, text) | Kind::Float(_, text) => Some(text),
            _ => None,
        }
    }

    /// What these steps lead to.
    pub(super) fn find(&self, steps: &[String]) -> Option<&Node> {
        steps.iter().try_fold(self, |node, step| match &node.kind {
            Kind::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => node.get(step),
        })
    }

    /// Line and column of what these steps lead to, or of the last of them that is there. For a member of an object that
    /// is where its name stands.
    pub(super) fn position(&self, steps: &[String]) -> (usize, usize) {
        let (mut node, mut position) = (self, (self.line, self.column));
        for step in steps {
            let Some(next) = node.find(std::slice::from_ref(step)) else { break };
            let member = node.members().iter().find(|member| member.name == *step);
            position = member.map_or((next.line, next.column), |member| (member.line, member.column));
            node = next;
        }
        position
    }

    /// As a message says it.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "an object".to_owned(),
            Kind::Text(text) => super::problem::quoted(text),
            Kind::Bool(_, text) | Kind::Int(_, text) | Kind::Float(_, text) => text.clone(),
        }
    }
}

/// What makes a text no YAML, or is wrong in it; line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

impl Fault {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self { line: span.start.line(), column: span.start.col() + 1, message: message.into() }
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        let (line, column) = (error.marker().line(), error.marker().col() + 1);
        Self { line, column, message: format!("this is no YAML: {}", error.info()) }
    }
}

/// Reads one document. Faults beside the tree are those with which it can still be read: names that stand twice in an
/// object (the first is kept), tags.
pub(super) fn read(text: &str) -> Result<(Node, Vec<Fault>), Fault> {
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; a manifest has at most {MAX_BYTES}", text.len());
        return Err(Fault { line: 1, column: 1, message });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { open: Vec::new(), anchors: HashMap::new(), weight: 0, faults: Vec::new(), root: None };
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err(Fault::at(span, "a second document begins here; a manifest is one document"));
            }
        }
        reader.event(event, span)?;
    }
    match reader.root {
        Some(root) => Ok((root, reader.faults)),
        None => Err(Fault { line: 1, column: 1, message: "the file is empty; expected a manifest".to_owned() }),
    }
}

/// A list or object of which the end has not been read.
struct Open {
    node: Node,
    anchor: usize,
    /// Name and position of the member whose value comes next.
    name: Option<(String, usize, usize)>,
    /// Weight of all that was read before it.
    before: usize,
}

struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    /// Weight of all that was read, with copies.
    weight: usize,
    faults: Vec<Fault>,
    root: Option<Node>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = text.into_owned();
                self.tag(tag.is_some(), span);
                let kind = if style == ScalarStyle::Plain { resolve(text) } else { Kind::Text(text) };
                let value = node(span, kind);
                let weight = weight(&value);
                self.weight = self.weight.saturating_add(weight);
                self.value(value, anchor, weight, span)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Kind::List(Vec::new()), anchor, tag.is_some(), span),
            Event::MappingStart(anchor, tag) => self.begin(Kind::Map(Vec::new()), anchor, tag.is_some(), span),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let weight = self.weight - open.before;
                    self.value(open.node, open.anchor, weight, span)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some((copy, weight)) => {
                    self.weight = self.weight.saturating_add(weight);
                    self.value(Node { line: span.start.line(), column: span.start.col() + 1, ..copy }, 0, weight, span)
                }
                None => Err(Fault::at(span, "this alias stands within what it repeats")),
            },
            _ => Ok(()),
        }
    }

    fn tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            self.faults.push(Fault::at(span, "a tag stands here; manifests have none, put text in quotes"));
        }
    }

    fn begin(&mut self, kind: Kind, anchor: usize, tagged: bool, span: Span) -> Result<(), Fault> {
        self.tag(tagged, span);
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::at(span, format!("this is nested more than {MAX_DEPTH} deep")));
        }
        if let Some(Open { node: Node { kind: Kind::Map(_), .. }, name: None, .. }) = self.open.last() {
            return Err(Fault::at(span, "the name of a member must be text, not a list or an object"));
        }
        self.open.push(Open { node: node(span, kind), anchor, name: None, before: self.weight });
        self.weight = self.weight.saturating_add(1);
        Ok(())
    }

    /// A value is complete, and weighed.
    fn value(&mut self, value: Node, anchor: usize, weight: usize, span: Span) -> Result<(), Fault> {
        if self.weight > MAX_WEIGHT {
            let message = "the file has far more values than a manifest, counting those that aliases repeat";
            return Err(Fault::at(span, message));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), weight));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(value),
            Kind::Map(members) => match open.name.take() {
                None => match value.text() {
                    Some(name) => open.name = Some((name.to_owned(), value.line, value.column)),
                    None if value.kind == Kind::Null => open.name = Some(("null".to_owned(), value.line, value.column)),
                    None => return Err(Fault::at(span, "the name of a member must be text, not a list or an object")),
                },
                Some((name, line, column)) => match members.iter().find(|member| member.name == name) {
                    Some(first) => {
                        let message = format!("{name:?} stands here again; it is on line {} already", first.line);
                        self.faults.push(Fault { line, column, message });
                    }
                    None => members.push(Member { name, line, column, value }),
                },
            },
            _ => {}
        }
        Ok(())
    }
}

/// What a value takes of the bound: one, and one more for each 64 bytes of text, so that aliases of a long text are
/// bounded too.
fn weight(scalar: &Node) -> usize {
    1 + scalar.text().map_or(0, |text| text.len() / 64)
}

fn node(span: Span, kind: Kind) -> Node {
    Node { line: span.start.line(), column: span.start.col() + 1, kind }
}

/// Plain scalars by the core schema (YAML 1.2.2, section 10.3.2). Octal and hexadecimal numbers are left as text: no
/// member of a manifest is written so.
fn resolve(text: String) -> Kind {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true, text),
        "false" | "False" | "FALSE" => return Kind::Bool(false, text),
        _ => {}
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return Kind::Text(text);
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Kind::Text(text);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Kind::Int(number, text);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Kind::Float(number, text),
        _ => Kind::Text(text),
    }
}
