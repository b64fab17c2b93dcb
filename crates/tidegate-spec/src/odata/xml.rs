//! XML as a tree of elements, within bounds.
//!
//! Knows nothing of OData but the namespaces of attributes that matter. A document type is refused, so that no
//! entity can be declared and expanded.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::Error;

/// Largest document that is read, in bytes; the largest descriptions known (Microsoft Graph, SAP) have 10 MiB.
const MAX_DOCUMENT: usize = 64 << 20;
pub(super) const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 1_000_000;
const MAX_ATTRIBUTES: usize = 256;
/// Longest attribute value or text of an element, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// Namespace of an attribute. Attributes of other namespaces are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// CSDL's own attributes have no prefix.
    None,
    /// `m:` by custom, in OData V2 and V3.
    Metadata,
    /// `sap:` by custom, in OData V2.
    Sap,
}

const SPACES: [(&str, Space); 2] = [
    ("http://schemas.microsoft.com/ado/2007/08/dataservices/metadata", Space::Metadata),
    ("http://www.sap.com/Protocols/SAPData", Space::Sap),
];

#[derive(Debug)]
struct Attribute {
    space: Space,
    name: String,
    value: String,
}

/// An element with all that is in it.
#[derive(Debug)]
pub(super) struct Element {
    /// Name without prefix.
    pub(super) name: String,
    /// Namespace of the name, if any.
    pub(super) namespace: Option<String>,
    /// Text directly within, as far as it is more than blanks.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    attributes: Vec<Attribute>,
    /// Where it begins in the document, in bytes.
    at: usize,
}

impl Element {
    /// Value of an attribute without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_in(Space::None, name)
    }

    pub(super) fn attribute_in(&self, space: Space, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.space == space && attribute.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// Children with this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn child<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.all(name).next()
    }

    /// An error about this element of the document.
    pub(super) fn error(&self, document: &str, message: impl Into<String>) -> Error {
        Error::at(document, self.at, message)
    }
}

/// The document's outermost element.
pub(super) fn read(document: &str) -> Result<Element, Error> {
    if document.len() > MAX_DOCUMENT {
        return Err(Error::new(format!("the service description has more than {} MiB", MAX_DOCUMENT >> 20)));
    }
    let mut reader = NsReader::from_str(document);
    let mut tree = Tree { document, open: Vec::new(), root: None, elements: 0 };
    loop {
        let at = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            Error::at(document, offset(reader.error_position()), format!("this is no XML: {error}"))
        })?;
        match event {
            Event::Start(tag) => {
                let element = tree.element(&reader, &tag, at)?;
                tree.open(element)?;
            }
            Event::Empty(tag) => {
                let element = tree.element(&reader, &tag, at)?;
                tree.open(element)?;
                tree.close();
            }
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.text(&text.xml10_content(), at)?,
            Event::CData(text) => tree.text(&text.xml10_content(), at)?,
            Event::GeneralRef(reference) => tree.reference(&reference, at)?,
            Event::DocType(_) => {
                return tree.fail(at, "a document type (<!DOCTYPE …>) has no place in a service description");
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// The tree while it is read.
struct Tree<'d> {
    document: &'d str,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree<'_> {
    fn fail<T>(&self, at: usize, message: impl Into<String>) -> Result<T, Error> {
        Err(Error::at(self.document, at, message))
    }

    fn element(&self, reader: &NsReader<&[u8]>, tag: &BytesStart<'_>, at: usize) -> Result<Element, Error> {
        let (namespace, name) = reader.resolver().resolve_element(tag.name());
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(uri)) => Some(uri.to_owned()),
            _ => None,
        };
        let mut attributes = Vec::new();
        for (count, attribute) in tag.attributes().with_checks(false).enumerate() {
            if count == MAX_ATTRIBUTES {
                return self.fail(at, format!("an element has more than {MAX_ATTRIBUTES} attributes"));
            }
            let attribute = attribute.or_else(|error| self.fail(at, format!("this is no XML: {error}")))?;
            let (space, local) = reader.resolver().resolve_attribute(attribute.key);
            let Some(space) = space_of(&space) else { continue };
            if attribute.value.len() > MAX_TEXT {
                return self.fail(at, format!("an attribute has more than {} KiB", MAX_TEXT >> 10));
            }
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .or_else(|error| self.fail(at, format!("this is no XML: {error}")))?;
            attributes.push(Attribute { space, name: local.as_ref().to_owned(), value: value.into_owned() });
        }
        let name = name.as_ref().to_owned();
        Ok(Element { name, namespace, text: String::new(), children: Vec::new(), attributes, at })
    }

    fn open(&mut self, element: Element) -> Result<(), Error> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return self.fail(element.at, format!("the document has more than {MAX_ELEMENTS} elements"));
        }
        if self.open.len() == MAX_DEPTH {
            return self.fail(element.at, format!("elements are nested deeper than {MAX_DEPTH}"));
        }
        if self.root.is_some() {
            return self.fail(element.at, "this is no XML: a second outermost element");
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) {
        // The reader itself refuses an end without a start.
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), Error> {
        let blank = text.trim_matches([' ', '\t', '\r', '\n']).is_empty();
        let Some(element) = self.open.last_mut() else {
            return if blank { Ok(()) } else { self.fail(at, "this is no XML: text outside of any element") };
        };
        if blank && element.text.is_empty() {
            return Ok(());
        }
        if element.text.len() + text.len() > MAX_TEXT {
            return self.fail(at, format!("a text has more than {} KiB", MAX_TEXT >> 10));
        }
        element.text.push_str(text);
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>, at: usize) -> Result<(), Error> {
        match reference.resolve_char_ref() {
            Ok(Some(letter)) => self.text(letter.encode_utf8(&mut [0; 4]), at),
            Ok(None) => match resolve_predefined_entity(reference) {
                Some(text) => self.text(text, at),
                None => self.fail(at, format!("the entity &{}; is not defined", &**reference)),
            },
            Err(error) => self.fail(at, format!("this is no XML: {error}")),
        }
    }

    fn finish(mut self) -> Result<Element, Error> {
        match (self.open.pop(), self.root.take()) {
            (Some(open), _) => {
                let name = &open.name;
                self.fail(open.at, format!("the document ends within <{name}>, which begins here: it was cut off"))
            }
            (None, Some(root)) => Ok(root),
            (None, None) => self.fail(0, "this is no XML: there is no element in it"),
        }
    }
}

fn space_of(namespace: &ResolveResult<'_>) -> Option<Space> {
    match namespace {
        ResolveResult::Unbound => Some(Space::None),
        ResolveResult::Bound(Namespace(uri)) => SPACES.iter().find(|(known, _)| known == uri).map(|(_, space)| *space),
        ResolveResult::Unknown(_) => None,
    }
}
