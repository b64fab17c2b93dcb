//! What a service says that it does for an entity set, and for each of its properties.
//!
//! Sources: OASIS "OData Vocabularies: Capabilities" (V1), and SAP Gateway's `sap:` attributes for V2. Where a
//! service says nothing, OData's intermediate conformance level is assumed: filter, sort, window and projection.

use std::collections::{HashMap, HashSet};

use super::TextComparison;
use super::annotations::{affirms, denies, items, property, records, string, truth};
use super::comparison;
use super::csdl::{Named, Schemas};
use super::types::Compared;
use super::xml::{Element, Space};
use crate::Operator::{Contains, EndsWith, Eq, Gt, GtEq, In, Lt, LtEq, NotLike, StartsWith};
use crate::{Exactness, Operator};

const VOCABULARY: &str = "Org.OData.Capabilities.V1.";

/// What an entity set can do.
#[derive(Debug)]
pub(super) struct Capabilities {
    /// Whether it can be read at all.
    pub(super) readable: bool,
    /// Whether it refuses requests without a filter.
    pub(super) requires_filter: bool,
    pub(super) window: bool,
    pub(super) count: bool,
    pub(super) select: bool,
    filterable: bool,
    sortable: bool,
    required: HashSet<String>,
    not_filterable: HashSet<String>,
    not_sortable: HashSet<String>,
    restricted: HashMap<String, Restriction>,
    /// Names of the functions for filters, where the service lists them.
    functions: Option<HashSet<String>>,
}

/// Forms of filters to which a property is restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Restriction {
    SingleValue,
    MultiValue,
    SingleRange,
    MultiRange,
    Search,
    MultiRangeOrSearch,
    /// A form that is not known here.
    Other,
}

impl Restriction {
    fn named(name: &str) -> Self {
        match name {
            "SingleValue" | "single-value" => Self::SingleValue,
            "MultiValue" | "multi-value" => Self::MultiValue,
            "SingleRange" | "interval" => Self::SingleRange,
            "MultiRange" => Self::MultiRange,
            "SearchExpression" => Self::Search,
            "MultiRangeOrSearchExpression" => Self::MultiRangeOrSearch,
            _ => Self::Other,
        }
    }

    fn allows(self, operator: Operator) -> bool {
        let range = matches!(operator, Eq | Lt | LtEq | Gt | GtEq);
        let search = matches!(operator, StartsWith | EndsWith | Contains);
        match self {
            Self::SingleValue => operator == Eq,
            Self::MultiValue => matches!(operator, Eq | In),
            Self::SingleRange => range,
            Self::MultiRange => range || operator == In,
            Self::Search => search,
            Self::MultiRangeOrSearch => range || operator == In || search,
            Self::Other => false,
        }
    }
}

/// What is said of an entity set.
#[derive(Debug)]
pub(super) struct SetTerms<'s, 'a> {
    pub(super) schemas: &'s Schemas<'a>,
    pub(super) container: &'s Named<'a>,
    pub(super) set: &'a Element,
    /// Its path for annotations elsewhere.
    pub(super) target: String,
}

impl<'s, 'a> SetTerms<'s, 'a> {
    /// Of the set of this name in a container.
    pub(super) fn new(schemas: &'s Schemas<'a>, container: &'s Named<'a>, set: &'a Element, name: &str) -> Self {
        Self { schemas, container, set, target: format!("{}/{name}", container.name) }
    }

    /// A term of the vocabulary Capabilities; annotations of the container hold for sets that have none.
    pub(super) fn capability(&self, term: &str) -> Option<&'a Element> {
        let term = format!("{VOCABULARY}{term}");
        let own = self.schemas.annotation(self.set, &self.target, &term);
        own.or_else(|| self.schemas.annotation(self.container.element, &self.container.name, &term))
    }

    /// A term of any vocabulary, of the set itself.
    pub(super) fn set_annotation(&self, term: &str) -> Option<&'a Element> {
        self.schemas.annotation(self.set, &self.target, term)
    }

    /// A term of any vocabulary, of the container.
    pub(super) fn container_annotation(&self, term: &str) -> Option<&'a Element> {
        self.schemas.annotation(self.container.element, &self.container.name, term)
    }

    /// A term of the vocabulary Core, of the set itself.
    pub(super) fn core(&self, term: &str) -> Option<&'a Element> {
        self.schemas.annotation(self.set, &self.target, &format!("Org.OData.Core.V1.{term}"))
    }
}

impl Capabilities {
    /// Of an entity set.
    pub(super) fn of(terms: &SetTerms<'_, '_>) -> Self {
        let term = |name: &str| terms.capability(name);
        let denied = |name: &str, member: &str| term(name).is_some_and(|annotation| denies(annotation, member));
        let supported = |name: &str| term(name).and_then(truth) != Some(false);
        let sap = |name: &str| terms.set.attribute_in(Space::Sap, name);

        let filter = term("FilterRestrictions");
        let sort = term("SortRestrictions");
        let one_way = ["NonSortableProperties", "AscendingOnlyProperties", "DescendingOnlyProperties"];
        let pageable = sap("pageable") != Some("false") && sap("topable") != Some("false");
        Self {
            readable: !denied("ReadRestrictions", "Readable") && sap("addressable") != Some("false"),
            requires_filter: filter.is_some_and(|annotation| affirms(annotation, "RequiresFilter"))
                || sap("requires-filter") == Some("true"),
            window: supported("TopSupported") && supported("SkipSupported") && pageable,
            count: !denied("CountRestrictions", "Countable") && sap("countable") != Some("false"),
            select: !denied("SelectSupport", "Supported"),
            filterable: !denied("FilterRestrictions", "Filterable"),
            sortable: !denied("SortRestrictions", "Sortable"),
            required: paths(filter, "RequiredProperties").collect(),
            not_filterable: paths(filter, "NonFilterableProperties").collect(),
            not_sortable: one_way.into_iter().flat_map(|name| paths(sort, name)).collect(),
            restricted: restrictions(filter),
            functions: term("FilterFunctions").map(|annotation| {
                items(annotation).map(|name| name.trim_start_matches("odata.").to_ascii_lowercase()).collect()
            }),
        }
    }

    /// Adds what the property itself says.
    pub(super) fn read_property(&mut self, property: &Element, name: &str) {
        let sap = |attribute: &str| property.attribute_in(Space::Sap, attribute);
        if sap("filterable") == Some("false") {
            self.not_filterable.insert(name.to_owned());
        }
        if sap("sortable") == Some("false") {
            self.not_sortable.insert(name.to_owned());
        }
        if sap("required-in-filter") == Some("true") {
            self.required.insert(name.to_owned());
        }
        if let Some(restriction) = sap("filter-restriction") {
            self.restricted.insert(name.to_owned(), Restriction::named(restriction));
        }
    }

    /// Whether the service wants this property in every filter.
    pub(super) fn requires(&self, property: &str) -> bool {
        self.required.contains(property)
    }

    /// Whether comparisons may be joined by OR: `a eq 1 or a eq 2` breaks a restriction to one value or range.
    pub(super) fn or(&self) -> bool {
        self.restricted.is_empty()
    }

    /// Operators that the service evaluates on a property, with how exactly it does them.
    pub(super) fn operators(
        &self,
        property: &str,
        compared: Compared,
        text: TextComparison,
    ) -> Vec<(Operator, Exactness)> {
        if !self.filterable || self.not_filterable.contains(property) {
            return Vec::new();
        }
        let restriction = self.restricted.get(property);
        let mut operators = comparison::operators(compared, text);
        operators.retain(|(operator, _)| {
            restriction.is_none_or(|restriction| restriction.allows(*operator)) && self.has_function(*operator)
        });
        operators
    }

    /// Whether the service sorts by this property in SQL's order.
    pub(super) fn sorts(&self, property: &str, compared: Compared, text: TextComparison) -> bool {
        self.sortable && !self.not_sortable.contains(property) && comparison::is_ordered(compared, text)
    }

    fn has_function(&self, operator: Operator) -> bool {
        let Some(functions) = &self.functions else { return true };
        let has = |name: &str| functions.contains(name);
        match operator {
            StartsWith => has("startswith"),
            EndsWith => has("endswith"),
            Contains => has("contains") || has("substringof"),
            NotLike => has("startswith") && has("endswith") && (has("contains") || has("substringof")),
            _ => true,
        }
    }
}

fn paths<'a>(annotation: Option<&'a Element>, name: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let value = annotation.and_then(|annotation| property(annotation, name));
    value.into_iter().flat_map(items).map(str::to_owned)
}

fn restrictions(annotation: Option<&Element>) -> HashMap<String, Restriction> {
    let value = annotation.and_then(|annotation| property(annotation, "FilterExpressionRestrictions"));
    let members = value.into_iter().flat_map(records).filter_map(|record| {
        let path = string(property(record, "Property")?)?.to_owned();
        Some((path, Restriction::named(string(property(record, "AllowedExpressions")?)?)))
    });
    members.collect()
}
