//! What a document declares, by name: types, the container, aliases, annotations.

use std::collections::{HashMap, HashSet};

use super::Error;
use super::xml::{Element, Space};
use crate::ODataVersion;

/// Longest chain of base types, or of containers that extend one another.
const MAX_CHAIN: usize = 64;

/// The declarations of one document. Full names are qualified by the namespace, never by its alias.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    pub(super) document: &'a str,
    pub(super) version: ODataVersion,
    aliases: HashMap<&'a str, &'a str>,
    types: HashMap<String, &'a Element>,
    containers: Vec<Named<'a>>,
    annotations: HashMap<String, Vec<&'a Element>>,
}

/// An element with its full name.
#[derive(Debug, Clone)]
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) element: &'a Element,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a str, root: &'a Element) -> Result<Self, Error> {
        if root.name != "Edmx" {
            return Err(root.error(document, foreign_root(&root.name)));
        }
        let services: Vec<&Element> = root.all("DataServices").collect();
        let schemas: Vec<&Element> = services.iter().flat_map(|service| service.all("Schema")).collect();
        let mut this = Self {
            document,
            version: version(document, root, &services, &schemas)?,
            aliases: aliases(root, &schemas),
            types: HashMap::new(),
            containers: Vec::new(),
            annotations: HashMap::new(),
        };
        for schema in schemas {
            this.add(schema)?;
        }
        Ok(this)
    }

    fn add(&mut self, schema: &'a Element) -> Result<(), Error> {
        let namespace = self.required(schema, "Namespace")?;
        for child in &schema.children {
            match child.name.as_str() {
                "EntityType" | "ComplexType" | "EnumType" | "TypeDefinition" => {
                    self.types.insert(format!("{namespace}.{}", self.required(child, "Name")?), child);
                }
                "EntityContainer" => {
                    let name = format!("{namespace}.{}", self.required(child, "Name")?);
                    self.containers.push(Named { name, element: child });
                }
                "Annotations" if child.attribute("Qualifier").is_none() => {
                    let target = self.full_name(self.required(child, "Target")?);
                    self.annotations.entry(target).or_default().extend(child.all("Annotation"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of an attribute without which the element means nothing.
    pub(super) fn required(&self, element: &'a Element, attribute: &str) -> Result<&'a str, Error> {
        element
            .attribute(attribute)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| element.error(self.document, format!("<{}> has no attribute {attribute}", element.name)))
    }

    /// A name, or a path that begins with one, with the alias of its namespace resolved.
    pub(super) fn full_name(&self, name: &str) -> String {
        let (first, rest) = name.split_at(name.find(['/', '(']).unwrap_or(name.len()));
        let resolved = first.rsplit_once('.').and_then(|(qualifier, simple)| {
            self.aliases.get(qualifier).map(|namespace| format!("{namespace}.{simple}{rest}"))
        });
        resolved.unwrap_or_else(|| name.to_owned())
    }

    /// The declaration of a type; `None` when the document does not have it.
    pub(super) fn type_named(&self, name: &str) -> Option<Named<'a>> {
        let name = self.full_name(name);
        let element = self.types.get(&name)?;
        Some(Named { name, element })
    }

    /// A type after the types that it derives from, the most basic first. `None` when the document lacks one.
    pub(super) fn with_bases(&self, named: Named<'a>) -> Result<Option<Vec<Named<'a>>>, Error> {
        let mut chain = vec![named];
        while let Some(base) = chain.last().and_then(|last| last.element.attribute("BaseType")) {
            let Some(base) = self.type_named(base) else { return Ok(None) };
            self.extend_chain(&mut chain, base, "BaseType")?;
        }
        chain.reverse();
        Ok(Some(chain))
    }

    /// `attribute` is the one that leads from the end of the chain to the next.
    fn extend_chain(&self, chain: &mut Vec<Named<'a>>, next: Named<'a>, attribute: &str) -> Result<(), Error> {
        let fail = |message| Err(next.element.error(self.document, message));
        if chain.iter().any(|seen| seen.name == next.name) {
            return fail(format!("{} leads back to itself through {attribute}", next.name));
        }
        if chain.len() == MAX_CHAIN {
            return fail(format!("{} is reached through more than {MAX_CHAIN} steps of {attribute}", next.name));
        }
        chain.push(next);
        Ok(())
    }

    /// Names of the types from which others derive.
    pub(super) fn bases(&self) -> HashSet<String> {
        let bases = self.types.values().filter_map(|element| element.attribute("BaseType"));
        bases.map(|base| self.full_name(base)).collect()
    }

    /// The container of the service, after those that it extends, and the names of others.
    ///
    /// Since V4 there is one. Before, `m:IsDefaultEntityContainer` tells whose sets are addressed by bare names.
    pub(super) fn containers(&self) -> Result<(Vec<Named<'a>>, Vec<&str>), Error> {
        let Some(found) = self.default_container() else {
            return Err(Error::new(
                "the service description has no <EntityContainer>, so it tells no tables; check that the URL is the \
                 service's root",
            ));
        };
        let mut chain = vec![found.clone()];
        while let Some(base) = chain.last().and_then(|last| last.element.attribute("Extends")) {
            let Some(base) = self.container_named(base) else { break };
            self.extend_chain(&mut chain, base.clone(), "Extends")?;
        }
        chain.reverse();
        let others = self.containers.iter().map(|other| other.name.as_str());
        let others = others.filter(|name| chain.iter().all(|used| used.name != *name)).collect();
        Ok((chain, others))
    }

    /// The one that is marked, else the first that no other one extends.
    fn default_container(&self) -> Option<&Named<'a>> {
        let marked = |container: &&Named<'a>| {
            container.element.attribute_in(Space::Metadata, "IsDefaultEntityContainer") == Some("true")
        };
        let extended: HashSet<String> = self
            .containers
            .iter()
            .filter_map(|container| Some(self.container_named(container.element.attribute("Extends")?)?.name.clone()))
            .collect();
        let outermost = || self.containers.iter().find(|container| !extended.contains(&container.name));
        self.containers.iter().find(marked).or_else(outermost).or(self.containers.first())
    }

    /// By full name or, as V3 allows, by simple name.
    fn container_named(&self, name: &str) -> Option<&Named<'a>> {
        let full = self.full_name(name);
        let simple = |container: &&Named<'a>| container.element.attribute("Name") == Some(name);
        self.containers.iter().find(|container| container.name == full).or_else(|| self.containers.iter().find(simple))
    }

    /// The annotation with this term, written on the element or elsewhere for its target path.
    pub(super) fn annotation(&self, element: &'a Element, target: &str, term: &str) -> Option<&'a Element> {
        let outside = self.annotations.get(target).into_iter().flatten().copied();
        element.all("Annotation").chain(outside).find(|annotation| {
            annotation.attribute("Qualifier").is_none()
                && annotation.attribute("Term").is_some_and(|name| self.full_name(name) == term)
        })
    }
}

fn foreign_root(name: &str) -> String {
    match name {
        "service" => "this is the service document, not the service description, which is at `$metadata` below the \
                      service's root; check the URL"
            .to_owned(),
        "error" => "the service answered with an error document; check the URL and the credentials".to_owned(),
        "Schema" => "the schema stands alone; a service description begins with <edmx:Edmx>".to_owned(),
        _ => format!("the document begins with <{name}>, a service description with <edmx:Edmx>; check the URL"),
    }
}

fn aliases<'a>(root: &'a Element, schemas: &[&'a Element]) -> HashMap<&'a str, &'a str> {
    let includes = root.all("Reference").flat_map(|reference| reference.all("Include"));
    let usings = schemas.iter().flat_map(|schema| schema.all("Using"));
    includes
        .chain(usings)
        .chain(schemas.iter().copied())
        .filter_map(|element| Some((element.attribute("Alias")?, element.attribute("Namespace")?)))
        .collect()
}

fn version(document: &str, root: &Element, services: &[&Element], schemas: &[&Element]) -> Result<ODataVersion, Error> {
    match root.attribute("Version") {
        Some("4.0") => Ok(ODataVersion::V4),
        Some(version) if version.starts_with("4.") => Ok(ODataVersion::V401),
        Some("1.0") | None => Ok(if is_v3(services, schemas) { ODataVersion::V3 } else { ODataVersion::V2 }),
        Some(other) => Err(root.error(document, format!("version '{other}' of <Edmx> is not known; 1.0 and 4.x are"))),
    }
}

/// V3 services say so, or use V3's schema namespace (MC-CSDL, section 2.2).
fn is_v3(services: &[&Element], schemas: &[&Element]) -> bool {
    let says = |service: &&Element| {
        ["MaxDataServiceVersion", "DataServiceVersion"]
            .iter()
            .filter_map(|name| service.attribute_in(Space::Metadata, name))
            .any(|version| version.trim().starts_with('3'))
    };
    let namespace = |schema: &&Element| schema.namespace.as_deref().is_some_and(|uri| uri.contains("/ado/2009/11/edm"));
    services.iter().any(says) || schemas.iter().any(namespace)
}
