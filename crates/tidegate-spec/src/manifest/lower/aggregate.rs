//! Groups that an endpoint returns in place of its rows.

use crate::ColumnType::{Bool, Decimal, Int16, Int32, Int64};
use crate::manifest::document::{Aggregate as Spec, AggregateName, GroupColumns, PlaceSpec};
use crate::manifest::problem::{At, quoted};
use crate::manifest::tree;
use crate::{
    Aggregate, AggregateForm, AggregateLanguage, Aggregation, ColumnSource, ColumnType, Endpoint, EndpointKind,
    Envelope, NamesAt, Paging,
};

use super::paging::PagingContext;
use super::path::EndpointPath;
use super::{Lower, Scope};

impl Lower<'_, '_, '_> {
    /// What the endpoint groups; `path` is its own.
    pub(super) fn aggregation(
        &mut self,
        scope: &Scope<'_>,
        spec: &Spec,
        at: &At,
        (endpoint, path): (&Endpoint, &EndpointPath),
    ) -> Option<Aggregation> {
        if matches!(endpoint.kind, EndpointKind::Get | EndpointKind::GetMany) {
            self.report.say(at, "an endpoint of kind get or get_many returns single rows, and makes no groups of them");
            return None;
        }
        let groups = self.group_columns(scope, spec, at);
        let values = self.aggregate_values(scope, spec, at);
        let groups_at = match &spec.group_by {
            Some(by) => {
                let at = at.path(&["group_by", "in"]);
                Some(self.names_at(&by.place, by.separator.as_deref(), &at)?)
            }
            None => None,
        };
        let values_at = match &spec.values {
            Some(list) => {
                let at = at.path(&["values", "in"]);
                Some(self.names_at(&list.place, list.separator.as_deref(), &at)?)
            }
            None => None,
        };
        let form = AggregateForm {
            path: self.aggregate_path(scope, spec, at, path)?,
            rows: match &spec.rows {
                Some(rows) => self.paths(rows.as_slice(), &at.member("rows")),
                None => endpoint.envelope.rows.clone(),
            },
            paging: self.aggregate_paging(scope, spec, at, endpoint),
            groups_at,
            values_at,
            groups: groups.clone(),
            values: values.clone(),
        };
        Some(Aggregation {
            language: AggregateLanguage::Form(Box::new(form)),
            groups: groups.into_iter().map(|(column, _)| column).collect(),
            values: values.into_iter().map(|(value, _)| value).collect(),
            filters: spec.filters.unwrap_or(true),
        })
    }

    /// Its path, which has no other columns than the endpoint's own: their filters are required by that alone.
    fn aggregate_path(&mut self, scope: &Scope<'_>, spec: &Spec, at: &At, own: &EndpointPath) -> Option<String> {
        let Some(text) = &spec.path else { return Some(own.text.clone()) };
        let at = at.member("path");
        let path = self.path(scope, text, &at)?;
        let other = path.columns.iter().find(|column| !own.columns.contains(column));
        if let Some(&column) = other {
            let name = &scope.columns[column].name;
            self.report.say(&at, format!("the endpoint's own path has no {{{name}}}, so that groups cannot have it"));
            return None;
        }
        Some(path.text)
    }

    fn aggregate_paging(&mut self, scope: &Scope<'_>, spec: &Spec, at: &At, endpoint: &Endpoint) -> Paging {
        let Some(paging) = &spec.paging else { return Paging::Single };
        let at = at.member("paging");
        let mut envelope = Envelope::default();
        let mut cx = PagingContext { scope, next: None, envelope: &mut envelope };
        let paging = self.paging(paging, &at, &mut cx).unwrap_or(Paging::Single);
        if matches!(paging, Paging::Keyset { .. }) {
            self.report.say(&at, "groups have no key to page by; expected another way");
        }
        let says_next = !envelope.next.is_empty() || !envelope.more.is_empty();
        if says_next && (envelope.next != endpoint.envelope.next || envelope.more != endpoint.envelope.more) {
            self.report.say(&at, "groups are paged as the endpoint's rows are, or not at all; expected its `paging`");
        }
        paging
    }

    fn group_columns(&mut self, scope: &Scope<'_>, spec: &Spec, at: &At) -> Vec<(usize, crate::Named)> {
        let Some(by) = &spec.group_by else { return Vec::new() };
        let at = at.path(&["group_by", "columns"]);
        let named: Vec<(&str, Option<&AggregateName>, At)> = match &by.columns {
            GroupColumns::Names(names) => {
                names.iter().enumerate().map(|(place, name)| (name.as_str(), None, at.member(place))).collect()
            }
            GroupColumns::Mapped(names) => names.iter().map(|(name, api)| (name, Some(api), at.member(name))).collect(),
        };
        let mut groups: Vec<(usize, crate::Named)> = Vec::new();
        for (name, api, at) in named {
            let Some(column) = self.column(scope, name, &at) else { continue };
            if scope.columns[column].source != ColumnSource::Row || groups.iter().any(|(known, _)| *known == column) {
                self.report.say(&at, format!("{} cannot be grouped by here, or is so already", quoted(name)));
                continue;
            }
            let own =
                crate::Named { ask: scope.columns[column].path.join("."), path: scope.columns[column].path.clone() };
            let named = match api {
                Some(api) => self.aggregate_name(api, &at),
                None => Some(own),
            };
            groups.extend(named.map(|named| (column, named)));
        }
        groups
    }

    fn aggregate_values(&mut self, scope: &Scope<'_>, spec: &Spec, at: &At) -> Vec<(Aggregate, crate::Named)> {
        let count = self.aggregate_name(&spec.count, &at.member("count"));
        let mut values: Vec<_> = count.map(|named| (Aggregate::Count, named)).into_iter().collect();
        type Make = fn(usize) -> Aggregate;
        let kinds: [(&str, &tree::Named<AggregateName>, Make); 3] = [
            ("sum", &spec.sum, Aggregate::Sum),
            ("min", &spec.min, Aggregate::Min),
            ("max", &spec.max, Aggregate::Max),
        ];
        for (function, columns, make) in kinds {
            for (name, api) in columns.iter() {
                let at = at.path(&[function, name]);
                let Some(column) = self.column(scope, name, &at) else { continue };
                if !is_computed(function, &scope.columns[column].data_type) {
                    self.report.say(&at, format!("{function} of a column of this type is computed by no API exactly"));
                    continue;
                }
                values.extend(self.aggregate_name(api, &at).map(|named| (make(column), named)));
            }
        }
        values
    }

    fn aggregate_name(&mut self, name: &AggregateName, at: &At) -> Option<crate::Named> {
        let (ask, member) = match name {
            AggregateName::Same(name) => (name, name),
            AggregateName::Said(said) => (&said.ask, &said.member),
        };
        Some(crate::Named { ask: ask.clone(), path: self.steps(member, at)? })
    }

    fn names_at(&mut self, place: &PlaceSpec, separator: Option<&str>, at: &At) -> Option<NamesAt> {
        let separator = separator.unwrap_or(",").to_owned();
        Some(NamesAt { place: self.place_spec(place, at)?, separator })
    }
}

fn is_computed(function: &str, data_type: &ColumnType) -> bool {
    match function {
        "sum" => matches!(data_type, Int16 | Int32 | Int64 | Decimal { .. }),
        _ => !matches!(
            data_type,
            Bool | ColumnType::Binary | ColumnType::Json | ColumnType::List(_) | ColumnType::Struct(_)
        ),
    }
}
