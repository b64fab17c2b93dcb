//! A table of each entity set.

use std::collections::HashSet;

use super::aggregation::Applies;
use super::annotations::description;
use super::capabilities::{Capabilities, SetTerms};
use super::csdl::{Named, Schemas};
use super::endpoint::endpoint;
use super::types::{Compared, Resolver, is_nullable};
use super::write::{ETAG, Writable, etag_column};
use super::xml::Element;
use super::{Error, Options};
use crate::names::NameStyle;
use crate::{Column, ColumnSource, ColumnType, Model, ODataVersion, Table};

/// The model of a service.
pub(super) fn model(schemas: &Schemas<'_>, options: &Options) -> Result<Model, Error> {
    let (containers, others) = schemas.containers()?;
    let mut builder = Builder { schemas, options, resolver: Resolver::new(schemas), derived_from: schemas.bases() };
    for other in others {
        builder.note(other, "is not the service's default container; its entity sets are left out");
    }
    let mut tables = Vec::new();
    for container in &containers {
        for child in &container.element.children {
            match child.name.as_str() {
                "EntitySet" => tables.extend(builder.table(container, child)?),
                "Singleton" => {
                    builder.note(schemas.required(child, "Name")?, "is a single entity, not a set of rows; left out");
                }
                _ => {}
            }
        }
    }
    let names: Vec<&str> = tables.iter().map(|table: &Table| table.api_name.as_str()).collect();
    let names = options.names.assign(&names);
    for (table, name) in tables.iter_mut().zip(names) {
        table.name = name;
    }
    if options.batch.is_some() && schemas.version < ODataVersion::V4 {
        builder.note("batches", "are sent as JSON, which OData has since version 4; each row is written by itself");
    }
    Ok(Model { tables, notes: builder.resolver.notes.sentences(), quota_check: None })
}

struct Builder<'s, 'a> {
    schemas: &'s Schemas<'a>,
    options: &'s Options,
    resolver: Resolver<'s, 'a>,
    /// Types from which others derive.
    derived_from: HashSet<String>,
}

impl<'a> Builder<'_, 'a> {
    /// The table of an entity set; `None`, with a note, where there can be none. Its SQL name is given later.
    fn table(&mut self, container: &Named<'a>, set: &'a Element) -> Result<Option<Table>, Error> {
        let name = self.schemas.required(set, "Name")?;
        let terms = SetTerms::new(self.schemas, container, set, name);
        let mut capabilities = Capabilities::of(&terms);
        if !capabilities.readable {
            self.note(name, "cannot be read by the service's own word; left out");
            return Ok(None);
        }
        let Some(chain) = self.entity_type(name, self.schemas.required(set, "EntityType")?)? else { return Ok(None) };
        if capabilities.requires_filter {
            self.note(name, "must be asked with a filter; the service refuses a query without one");
        }
        let mut writable = Writable::of(&terms, &chain, self.options);
        let mut applies = Applies::of(self.schemas.version, self.options, &terms);
        let said = (&mut capabilities, &mut writable, applies.as_mut());
        let (mut columns, mut compared) = self.columns(name, &chain, said)?;
        if columns.is_empty() {
            self.note(name, "has no properties that stand in rows; left out");
            return Ok(None);
        }
        let key = self.key(name, &chain, &columns);
        if writable.has_etags {
            self.add_etag(name, &mut columns, &mut compared);
        }
        let (version, options) = (self.schemas.version, self.options);
        let described = description(self.schemas, set, &terms.target);
        let type_described = || chain.last().and_then(|own| description(self.schemas, own.element, &own.name));
        Ok(Some(Table {
            name: String::new(),
            api_name: name.to_owned(),
            description: described.or_else(type_described),
            details: Vec::new(),
            writes: writable.writes(version, options, name, &columns, &key),
            endpoints: vec![endpoint(version, options, name, (&capabilities, applies.as_ref()), &columns, &compared)],
            key,
            columns,
        }))
    }

    /// Adds the column of versions, unless a property has its name.
    fn add_etag(&mut self, set: &str, columns: &mut Vec<Column>, compared: &mut Vec<Compared>) {
        if columns.iter().any(|column| column.name == ETAG) {
            self.note(set, format!("has a property named {ETAG}; the versions of its rows are not shown, nor sent"));
            return;
        }
        columns.push(etag_column(self.schemas.version));
        compared.push(Compared::Never);
    }

    fn note(&mut self, place: &str, reason: impl Into<String>) {
        self.resolver.notes.add(place, reason);
    }

    /// The entity type of a set after its bases, the most basic first; `None`, with a note, when it is not there.
    fn entity_type(&mut self, set: &str, type_name: &str) -> Result<Option<Vec<Named<'a>>>, Error> {
        let entity = self.schemas.type_named(type_name).filter(|entity| entity.element.name == "EntityType");
        let Some(entity) = entity else {
            self.note(set, format!("has the type '{type_name}', which the description does not have; left out"));
            return Ok(None);
        };
        let name = entity.name.clone();
        let Some(chain) = self.schemas.with_bases(entity)? else {
            self.note(set, format!("{name} derives from a type that the description does not have; left out"));
            return Ok(None);
        };
        if chain.iter().any(|part| part.element.attribute("OpenType") == Some("true")) {
            self.note(set, "rows may have members that the description does not list; they are left out");
        }
        if self.derived_from.contains(&name) {
            self.note(set, "rows may be of a derived type; the properties that it adds are left out");
        }
        Ok(Some(chain))
    }

    /// The columns, and what comparisons of each one are worth.
    fn columns(
        &mut self,
        set: &str,
        chain: &[Named<'a>],
        (capabilities, writable, mut applies): (&mut Capabilities, &mut Writable, Option<&mut Applies>),
    ) -> Result<(Vec<Column>, Vec<Compared>), Error> {
        let (mut columns, mut compared): (Vec<Column>, Vec<Compared>) = (Vec::new(), Vec::new());
        let mut seen: HashSet<&str> = HashSet::new();
        for part in chain {
            for property in part.element.all("Property") {
                let name = self.schemas.required(property, "Name")?;
                // One JSON member is one column, even where a broken document declares it twice.
                if !seen.insert(name) {
                    continue;
                }
                let place = format!("{set}.{name}");
                let Some(resolved) = self.resolver.property(property, &place)? else { continue };
                capabilities.read_property(property, name);
                let target = format!("{}/{name}", part.name);
                writable.read_property(self.schemas, property, &target, name);
                if let Some(applies) = applies.as_deref_mut() {
                    applies.read_property(self.schemas, property, &target, name);
                }
                if capabilities.requires(name) {
                    self.note(&place, "must be in the filter; the service refuses a query without it");
                }
                compared.push(resolved.compared);
                columns.push(Column {
                    name: String::new(),
                    path: vec![name.to_owned()],
                    data_type: with_sql_names(resolved.data_type, self.options.names),
                    nullable: is_nullable(property),
                    description: description(self.schemas, property, &target),
                    source: ColumnSource::Row,
                });
            }
        }
        let names: Vec<&str> = columns.iter().filter_map(|column| column.path.first()).map(String::as_str).collect();
        let names = self.options.names.assign(&names);
        for (column, name) in columns.iter_mut().zip(names) {
            column.name = name;
        }
        Ok((columns, compared))
    }

    /// Columns of the key; none when a part of it lies within a complex property, which has no column of its own.
    fn key(&mut self, set: &str, chain: &[Named<'a>], columns: &[Column]) -> Vec<usize> {
        let Some(key) = chain.iter().find_map(|part| part.element.child("Key")) else { return Vec::new() };
        let column = |part: &Element| {
            let name = part.attribute("Name")?;
            columns.iter().position(|column| column.path.first().is_some_and(|step| step == name))
        };
        key.all("PropertyRef").map(column).collect::<Option<Vec<_>>>().unwrap_or_else(|| {
            self.note(set, "has a key that is not made of columns; shown without a key");
            Vec::new()
        })
    }
}

/// Names the fields of structs, at every depth.
fn with_sql_names(data_type: ColumnType, style: NameStyle) -> ColumnType {
    match data_type {
        ColumnType::List(item) => ColumnType::List(Box::new(with_sql_names(*item, style))),
        ColumnType::Struct(mut fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.api_name.as_str()).collect();
            let names = style.assign(&names);
            for (field, name) in fields.iter_mut().zip(names) {
                field.name = name;
                let inner = std::mem::replace(&mut field.data_type, ColumnType::Json);
                field.data_type = with_sql_names(inner, style);
            }
            ColumnType::Struct(fields)
        }
        other => other,
    }
}
