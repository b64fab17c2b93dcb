//! Filters of an endpoint: each with a place of its own, or in a language.

use crate::manifest::document::{ColumnFilters, FilterForm as FormSpec, FilterSpec, ODataVersionName, Text, Values};
use crate::manifest::problem::At;
use crate::manifest::template::{self, Part};
use crate::{
    ColumnFilter, ColumnSource, ColumnType, DEFAULT_LIST_MAX, Dialect, Exactness, FilterForm, Filters, ItemDialect,
    ItemForm, ListForm, ListStyle, ODataVersion, Operator, Place, TextDialect, TextTerm, ValueForm,
};

use super::operators::{applies, is_time, named, time_form, written};
use super::path::EndpointPath;
use super::{Lower, Scope, type_name};
use crate::manifest::document::Endpoint as EndpointSpec;

/// Filters as they are put together, with where the file says each.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) forms: Vec<(FilterForm, At)>,
    terms: Vec<TextTerm>,
    items: Vec<ItemForm>,
    columns: Vec<ColumnFilter>,
}

/// The endpoint whose filters are read.
pub(super) struct Context<'e> {
    pub(super) scope: &'e Scope<'e>,
    pub(super) at: &'e At,
    pub(super) path: &'e EndpointPath,
    pub(super) text: Option<(&'e Text, At)>,
    pub(super) items: Option<(&'e crate::manifest::document::Items, At)>,
    pub(super) odata: Option<ODataVersionName>,
    pub(super) or: Option<bool>,
}

/// One comparison that is read.
struct Comparison<'e> {
    column: usize,
    operator: Operator,
    form: &'e FormSpec,
    at: &'e At,
}

/// Whether languages of terms write its values in quotes: numbers and booleans stand as they are.
fn is_text(data_type: &ColumnType) -> bool {
    use ColumnType::{Bool, Decimal, Float32, Float64, Int16, Int32, Int64};
    !matches!(data_type, Bool | Int16 | Int32 | Int64 | Float32 | Float64 | Decimal { .. })
}

impl Lower<'_, '_, '_> {
    pub(super) fn filters(&mut self, cx: &Context<'_>, spec: &EndpointSpec) -> (Filters, Vec<(FilterForm, At)>) {
        let mut all = Collected::default();
        let at = cx.at.member("filters");
        for (name, filters) in spec.filters.iter() {
            let at = at.member(name);
            if let Some(column) = self.column(cx.scope, name, &at) {
                if cx.scope.columns[column].source == ColumnSource::Annotation {
                    self.report.say(&at, format!("{name} is an annotation, and no member of the row to filter by"));
                    continue;
                }
                self.column_filters(cx, column, filters, &at, &mut all);
            }
        }
        let implied = FormSpec::default();
        for &column in &cx.path.columns {
            if !all.forms.iter().any(|(form, _)| form.column == column && form.operator == Operator::Eq) {
                let at = cx.at.member("path");
                self.comparison(cx, &Comparison { column, operator: Operator::Eq, form: &implied, at: &at }, &mut all);
            }
        }
        all.columns.sort_by_key(|filter| filter.column);
        let dialect = self.dialect(cx, all.terms, all.items);
        let or = match &dialect {
            Some(Dialect::OData(_)) => cx.or.unwrap_or(true),
            Some(Dialect::Text(text)) => text.or.is_some() && cx.or.unwrap_or(true),
            _ => false,
        };
        if cx.or == Some(true) && !or {
            self.report.say(&cx.at.member("or"), "OR needs `odata`, or `text` with `or`");
        }
        let forms = all.forms.iter().map(|(form, _)| form.clone()).collect();
        (Filters { dialect, forms, or, columns: all.columns }, all.forms)
    }

    fn column_filters(
        &mut self,
        cx: &Context<'_>,
        column: usize,
        filters: &ColumnFilters,
        at: &At,
        all: &mut Collected,
    ) {
        match filters {
            ColumnFilters::Operators(names) => {
                let implied = FormSpec::default();
                for operator in names.iter().flat_map(|name| named(*name).iter().copied()) {
                    self.comparison(cx, &Comparison { column, operator, form: &implied, at }, all);
                }
            }
            ColumnFilters::Forms(forms) => {
                for (operator, spec, at) in written(forms, at) {
                    let short;
                    let form = match spec {
                        FilterSpec::Form(form) => form,
                        FilterSpec::Parameter(name) => {
                            short = FormSpec { parameter: Some(name.clone()), ..FormSpec::default() };
                            &short
                        }
                    };
                    self.comparison(cx, &Comparison { column, operator, form, at: &at }, all);
                }
            }
        }
    }

    fn comparison(&mut self, cx: &Context<'_>, this: &Comparison<'_>, all: &mut Collected) {
        let column = &cx.scope.columns[this.column];
        if !applies(this.operator, &column.data_type) {
            let message = format!("a column of type {} has no `{}`", type_name(&column.data_type), this.operator.sql());
            self.report.say(this.at, message);
            return;
        }
        let known = all.columns.iter().find(|filter| filter.column == this.column);
        if known.is_some_and(|filter| filter.operators.iter().any(|(operator, _)| *operator == this.operator)) {
            self.report.say(this.at, format!("`{}` on {} is declared twice", this.operator.sql(), column.name));
            return;
        }
        let is_in_path = this.operator == Operator::Eq && cx.path.columns.contains(&this.column);
        self.written_at(cx, this, is_in_path, all);
        let is_request = column.source == ColumnSource::Request && this.operator == Operator::Eq;
        let exactness = if this.form.exact || is_request { Exactness::Exact } else { Exactness::Superset };
        let required = this.form.required || is_in_path || (is_request && !column.nullable);
        match all.columns.iter_mut().find(|filter| filter.column == this.column) {
            Some(filter) => {
                filter.operators.push((this.operator, exactness));
                filter.required |= required;
            }
            None => {
                let operators = vec![(this.operator, exactness)];
                all.columns.push(ColumnFilter { column: this.column, operators, required });
            }
        }
    }

    /// Puts a comparison where it is written.
    fn written_at(&mut self, cx: &Context<'_>, this: &Comparison<'_>, is_in_path: bool, all: &mut Collected) {
        let (column, operator, form) = (this.column, this.operator, this.form);
        let named =
            [&form.parameter, &form.header, &form.body, &form.term].iter().filter(|place| place.is_some()).count();
        if named + usize::from(form.item.is_some()) > 1 {
            self.report.say(this.at, "found several of parameter, header, body, term and item; expected one");
            return;
        }
        let place = self.place(form.parameter.as_deref(), form.header.as_deref(), form.body.as_deref(), this.at);
        let has_place = form.parameter.is_some() || form.header.is_some() || form.body.is_some();
        if is_in_path && (has_place || form.term.is_some() || form.item.is_some()) {
            self.report.say(this.at, "the path has this column already; a value stands at one place");
            return;
        }
        let place = if is_in_path { Some(Place::Path(cx.scope.columns[column].name.clone())) } else { place };
        let value = self.value_form(cx, this);
        let list = self.list_form(this, matches!(place, Some(Place::Body(_))) || form.item.is_some());
        if let Some(term) = &form.term {
            all.terms.extend(self.term(cx, this, term, value, list));
        } else if let Some(item) = &form.item {
            if cx.items.is_none() {
                self.report.say(&this.at.member("item"), "an item needs the endpoint's `items`");
            }
            all.items.push(ItemForm { column, operator, item: item.clone(), value, list });
        } else if let Some(place) = place {
            if matches!(list.style, ListStyle::Repeated) && !matches!(place, Place::Query(_)) {
                self.report.say(&this.at.member("list"), "only a query parameter can be repeated");
            }
            if matches!(operator, Operator::IsNull | Operator::IsNotNull) && form.value.is_none() {
                self.report.say(this.at, "`value` is missing: what is sent, since there is no value to compare with");
            }
            all.forms.push((FilterForm { column, operator, place, value, list }, this.at.clone()));
        } else if cx.odata.is_none() && !has_place {
            let message = "nothing says where it is written; expected one of parameter, header, body, term and item";
            self.report.say(this.at, message);
        }
    }

    fn value_form(&mut self, cx: &Context<'_>, this: &Comparison<'_>) -> ValueForm {
        let form = this.form;
        let data_type = &cx.scope.columns[this.column].data_type;
        if form.time.is_some() && !is_time(data_type) {
            let message = format!("a column of type {} is no point in time", type_name(data_type));
            self.report.say(&this.at.member("time"), message);
        }
        let is_null = matches!(this.operator, Operator::IsNull | Operator::IsNotNull);
        if form.value.is_some() && !is_null {
            self.report.say(&this.at.member("value"), "only `is null` and `is not null` send a fixed value");
        }
        let known = form.values.as_ref().map(|values| match values {
            Values::Same(values) => values.iter().map(|value| (value.clone(), value.clone())).collect(),
            Values::Mapped(values) => values.iter().map(|(sql, api)| (sql.to_owned(), api.clone())).collect::<Vec<_>>(),
        });
        if known.as_ref().is_some_and(Vec::is_empty) {
            self.report.say(&this.at.member("values"), "there is no value; leave `values` out to take any");
        }
        let before = format!("{}{}", form.before, form.value.as_deref().filter(|_| is_null).unwrap_or_default());
        ValueForm { before, after: form.after.clone(), known, time: form.time.map(time_form) }
    }

    fn list_form(&mut self, this: &Comparison<'_>, in_body: bool) -> ListForm {
        let form = this.form;
        if this.operator != Operator::In {
            for (name, is_given) in [("list", form.list.is_some()), ("max", form.max.is_some())] {
                if is_given {
                    self.report.say(&this.at.member(name), format!("`{name}` is for `in` alone"));
                }
            }
            return ListForm::default();
        }
        let style = list_style(form.list.as_deref(), in_body);
        if style == ListStyle::Array && !in_body {
            self.report.say(
                &this.at.member("list"),
                "an array stands in a body or item alone; expected `repeat` or a separator",
            );
        }
        let max = form.max.map_or(DEFAULT_LIST_MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        ListForm { style, max }
    }

    fn term(
        &mut self,
        cx: &Context<'_>,
        this: &Comparison<'_>,
        term: &str,
        value: ValueForm,
        list: ListForm,
    ) -> Option<TextTerm> {
        let at = this.at.member("term");
        let Some((text, _)) = &cx.text else {
            self.report.say(&at, "a term needs the endpoint's `text`");
            return None;
        };
        let parts = match template::parse(term) {
            Ok(parts) => parts,
            Err(message) => {
                self.report.say(&at, message);
                return None;
            }
        };
        let is_null = matches!(this.operator, Operator::IsNull | Operator::IsNotNull);
        let (mut before, mut after, mut has_value) = (String::new(), String::new(), false);
        for part in parts {
            match part {
                Part::Text(text) => if has_value { &mut after } else { &mut before }.push_str(&text),
                Part::Name(name) if name == "value" && !has_value && !is_null => has_value = true,
                Part::Name(name) => {
                    self.report.say(&at, format!("a term has {{value}} once at most, not {{{name}}}"));
                    return None;
                }
            }
        }
        let quoted =
            this.form.quoted.unwrap_or(!text.quote.is_empty() && is_text(&cx.scope.columns[this.column].data_type));
        let value = ValueForm { before: before + &value.before, after: value.after + &after, ..value };
        Some(TextTerm { column: this.column, operator: this.operator, value, list, quoted })
    }

    fn dialect(&mut self, cx: &Context<'_>, terms: Vec<TextTerm>, items: Vec<ItemForm>) -> Option<Dialect> {
        let languages = [cx.text.is_some(), cx.items.is_some(), cx.odata.is_some()];
        if languages.iter().filter(|given| **given).count() > 1 {
            self.report.say(cx.at, "an endpoint has one of text, items and odata");
            return None;
        }
        if let Some((text, at)) = &cx.text {
            return self.text(text, at, terms).map(|text| Dialect::Text(Box::new(text)));
        }
        if let Some((spec, at)) = &cx.items {
            let at_path = self.steps(&spec.at, &at.member("at"))?;
            if at_path.is_empty() {
                self.report.say(&at.member("at"), "the array has no name; expected members joined by `.`");
            }
            let max_items = spec.max.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
            return Some(Dialect::Items(Box::new(ItemDialect { at: at_path, items, max_items })));
        }
        let version = match cx.odata? {
            ODataVersionName::V2 => ODataVersion::V2,
            ODataVersionName::V3 => ODataVersion::V3,
            ODataVersionName::V4 => ODataVersion::V4,
            ODataVersionName::V401 => ODataVersion::V401,
        };
        Some(Dialect::OData(version))
    }

    fn text(&mut self, spec: &Text, at: &At, terms: Vec<TextTerm>) -> Option<TextDialect> {
        let place = self.place_needed(spec.parameter.as_deref(), spec.header.as_deref(), spec.body.as_deref(), at)?;
        let constant = match &spec.constant {
            Some(text) => self.constant(text, &at.member("constant")),
            None => None,
        };
        let group = match spec.group.as_deref() {
            None => ("(".to_owned(), ")".to_owned()),
            Some([open, close]) => (open.clone(), close.clone()),
            Some(_) => {
                self.report.say(&at.member("group"), "expected two texts, such as `[\"(\", \")\"]`");
                return None;
            }
        };
        Some(TextDialect {
            place,
            constant,
            and: spec.and.clone(),
            or: spec.or.clone(),
            group,
            quote: spec.quote.clone(),
            escape: spec.escape.clone(),
            terms,
            max_terms: spec.max.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
        })
    }
}

/// How several values are put together.
pub(super) fn list_style(list: Option<&str>, in_body: bool) -> ListStyle {
    match list {
        None if in_body => ListStyle::Array,
        None => ListStyle::Joined(",".to_owned()),
        Some("array") => ListStyle::Array,
        Some("repeat") => ListStyle::Repeated,
        Some(separator) => ListStyle::Joined(separator.to_owned()),
    }
}
