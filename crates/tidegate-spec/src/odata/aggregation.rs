//! What a service says of `$apply`: whether it groups an entity set, by which properties, and what it computes.
//!
//! Source: OASIS "OData Extension for Data Aggregation 4.0" and its vocabulary `Org.OData.Aggregation.V1`. A service that
//! says nothing is not asked, since few take `$apply`.

use std::collections::{HashMap, HashSet};

use super::annotations::{affirms, items, property, records, string, truth};
use super::capabilities::SetTerms;
use super::comparison;
use super::csdl::Schemas;
use super::types::Compared;
use super::xml::Element;
use super::{Apply, Options, TextComparison};
use crate::ColumnType::{Decimal, Int16, Int32, Int64};
use crate::{Aggregate, AggregateLanguage, Aggregation, Column, ODataVersion};

const VOCABULARY: &str = "Org.OData.Aggregation.V1.";

/// What is said of an entity set.
#[derive(Debug)]
pub(super) struct Applies {
    filters: bool,
    /// Whether only properties that say so can be used.
    restricted: bool,
    groupable: HashSet<String>,
    /// Names of the methods of each property; `None` for all.
    aggregatable: HashMap<String, Option<HashSet<String>>>,
}

impl Applies {
    /// Of an entity set; `None` where it is not asked to group.
    pub(super) fn of(version: ODataVersion, options: &Options, terms: &SetTerms<'_, '_>) -> Option<Self> {
        if version < ODataVersion::V4 || options.apply == Apply::Ignore {
            return None;
        }
        let own = terms.set_annotation(&format!("{VOCABULARY}ApplySupported"));
        let of_all = ["ApplySupported", "ApplySupportedDefaults"];
        let of_all = || of_all.iter().find_map(|term| terms.container_annotation(&format!("{VOCABULARY}{term}")));
        let said = own.or_else(of_all);
        let is_forced = options.apply == Apply::Always;
        if !is_forced && said.is_none_or(|annotation| truth(annotation) == Some(false)) {
            return None;
        }
        let transformations = said.and_then(|annotation| property(annotation, "Transformations"));
        let names: Option<HashSet<&str>> = transformations.map(|value| items(value).collect());
        let has = |name: &str| is_forced || names.as_ref().is_none_or(|names| names.contains(name));
        if !has("aggregate") || !has("groupby") {
            return None;
        }
        let listed = |name: &'static str| said.and_then(|annotation| property(annotation, name));
        let (groupable, aggregatable) = (listed("GroupableProperties"), listed("AggregatableProperties"));
        let is_listed = groupable.is_some() || aggregatable.is_some();
        Some(Self {
            filters: has("filter"),
            restricted: is_listed || said.is_some_and(|annotation| affirms(annotation, "PropertyRestrictions")),
            groupable: groupable.into_iter().flat_map(items).map(str::to_owned).collect(),
            aggregatable: aggregatable.into_iter().flat_map(records).filter_map(methods_of).collect(),
        })
    }

    /// Adds what the property itself says; `target` is its path for annotations elsewhere.
    pub(super) fn read_property<'a>(&mut self, schemas: &Schemas<'a>, element: &'a Element, target: &str, name: &str) {
        let tagged = |term: &str| {
            let annotation = schemas.annotation(element, target, &format!("{VOCABULARY}{term}"));
            annotation.is_some_and(|annotation| truth(annotation) == Some(true))
        };
        if tagged("Groupable") {
            self.groupable.insert(name.to_owned());
        }
        if tagged("Aggregatable") {
            self.aggregatable.entry(name.to_owned()).or_insert(None);
        }
    }

    /// The groups that the service makes; `compared` has an entry for each column.
    pub(super) fn aggregation(&self, columns: &[Column], compared: &[Compared], text: TextComparison) -> Aggregation {
        let mut groups = Vec::new();
        let mut values = vec![Aggregate::Count];
        for (index, (column, compared)) in columns.iter().zip(compared).enumerate() {
            let name = column.path.join("/");
            if comparison::is_grouped(*compared, text) && self.groups_by(&name) {
                groups.push(index);
            }
            let is_number = matches!(column.data_type, Int16 | Int32 | Int64 | Decimal { .. });
            if is_number && *compared == Compared::Exactly && self.computes(&name, "sum") {
                values.push(Aggregate::Sum(index));
            }
            // OData orders no booleans.
            if *compared != Compared::AsBool && comparison::is_ordered(*compared, text) {
                values.extend(self.computes(&name, "min").then_some(Aggregate::Min(index)));
                values.extend(self.computes(&name, "max").then_some(Aggregate::Max(index)));
            }
        }
        Aggregation { language: AggregateLanguage::Apply, groups, values, filters: self.filters }
    }

    fn groups_by(&self, name: &str) -> bool {
        !self.restricted || self.groupable.contains(name)
    }

    fn computes(&self, name: &str, method: &str) -> bool {
        match self.aggregatable.get(name) {
            Some(methods) => methods.as_ref().is_none_or(|methods| methods.contains(method)),
            None => !self.restricted,
        }
    }
}

/// A property that can be aggregated, and the methods that are named with it.
fn methods_of(record: &Element) -> Option<(String, Option<HashSet<String>>)> {
    let name = string(property(record, "Property")?)?.to_owned();
    let methods = property(record, "SupportedAggregationMethods");
    Some((name, methods.map(|value| items(value).map(str::to_owned).collect())))
}
