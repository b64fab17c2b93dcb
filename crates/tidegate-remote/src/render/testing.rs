//! Endpoints without OData, for tests.

use tidegate_spec::{
    ColumnFilter, Dialect, Endpoint, Exactness, FilterForm, Filters, ItemDialect, ItemForm, ListForm, ListStyle,
    ODataVersion, Operator, Place, Table, TextDialect, TextTerm, TimeForm, ValueForm,
};

use crate::test_support::table;

/// The table of every kind of column, read by this endpoint alone.
pub(crate) fn read_by(endpoint: Endpoint) -> Table {
    Table { endpoints: vec![endpoint], ..table(ODataVersion::V4) }
}

/// A list with these forms, each of which it evaluates exactly.
pub(crate) fn with_forms(forms: Vec<FilterForm>) -> Endpoint {
    let filters =
        Filters { columns: declared(forms.iter().map(|form| (form.column, form.operator))), ..Filters::default() };
    Endpoint { filters: Filters { forms, ..filters }, ..Endpoint::new("list", "accounts") }
}

/// A list whose language is a text at `q`.
pub(crate) fn with_terms(terms: Vec<TextTerm>) -> Endpoint {
    let columns = declared(terms.iter().map(|term| (term.column, term.operator)));
    let dialect = TextDialect {
        place: query("q"),
        constant: None,
        and: " AND ".to_owned(),
        or: Some(" OR ".to_owned()),
        group: ("(".to_owned(), ")".to_owned()),
        quote: "\"".to_owned(),
        escape: Some("\\".to_owned()),
        terms,
        max_terms: None,
    };
    let dialect = Some(Dialect::Text(Box::new(dialect)));
    Endpoint { filters: Filters { dialect, or: true, columns, forms: Vec::new() }, ..Endpoint::new("list", "accounts") }
}

/// A search with items in its body.
pub(crate) fn with_items(items: Vec<ItemForm>) -> Endpoint {
    let columns = declared(items.iter().map(|item| (item.column, item.operator)));
    let dialect = ItemDialect { at: path("groups.0.filters"), items, max_items: None };
    let dialect = Some(Dialect::Items(Box::new(dialect)));
    let filters = Filters { dialect, columns, ..Filters::default() };
    Endpoint { filters, method: tidegate_spec::Method::Post, ..Endpoint::new("search", "accounts/search") }
}

/// The dialect of [`with_terms`], to change it.
pub(crate) fn text_of(endpoint: &mut Endpoint) -> &mut TextDialect {
    match &mut endpoint.filters.dialect {
        Some(Dialect::Text(dialect)) => dialect,
        other => panic!("{other:?}"),
    }
}

/// The dialect of [`with_items`], to change it.
pub(crate) fn items_of(endpoint: &mut Endpoint) -> &mut ItemDialect {
    match &mut endpoint.filters.dialect {
        Some(Dialect::Items(dialect)) => dialect,
        other => panic!("{other:?}"),
    }
}

/// The endpoint cannot be asked without a filter on the column.
pub(crate) fn requiring(mut endpoint: Endpoint, columns: &[usize]) -> Endpoint {
    for entry in endpoint.filters.columns.iter_mut().filter(|entry| columns.contains(&entry.column)) {
        entry.required = true;
    }
    endpoint
}

fn declared(pairs: impl Iterator<Item = (usize, Operator)>) -> Vec<ColumnFilter> {
    let mut columns: Vec<ColumnFilter> = Vec::new();
    for (column, operator) in pairs {
        let declared = (operator, Exactness::Exact);
        match columns.iter_mut().find(|entry| entry.column == column) {
            Some(entry) => entry.operators.push(declared),
            None => columns.push(ColumnFilter { column, operators: vec![declared], required: false }),
        }
    }
    columns
}

pub(crate) fn form(column: usize, operator: Operator, place: Place) -> FilterForm {
    FilterForm { column, operator, place, value: ValueForm::default(), list: ListForm::default() }
}

/// A form in another time form.
pub(crate) fn timed(column: usize, operator: Operator, place: Place, time: TimeForm) -> FilterForm {
    FilterForm { value: ValueForm { time: Some(time), ..ValueForm::default() }, ..form(column, operator, place) }
}

pub(crate) fn term(column: usize, operator: Operator, before: &str, quoted: bool) -> TextTerm {
    let value = ValueForm { before: before.to_owned(), ..ValueForm::default() };
    TextTerm { column, operator, value, list: ListForm::default(), quoted }
}

pub(crate) fn item(column: usize, operator: Operator, item: serde_json::Value) -> ItemForm {
    ItemForm { column, operator, item, value: ValueForm::default(), list: ListForm::default() }
}

pub(crate) fn list(style: ListStyle, max: usize) -> ListForm {
    ListForm { style, max }
}

pub(crate) fn joined(separator: &str) -> ListStyle {
    ListStyle::Joined(separator.to_owned())
}

pub(crate) fn query(name: &str) -> Place {
    Place::Query(name.to_owned())
}

pub(crate) fn segment(name: &str) -> Place {
    Place::Path(name.to_owned())
}

pub(crate) fn header(name: &str) -> Place {
    Place::Header(name.to_owned())
}

pub(crate) fn body(at: &str) -> Place {
    Place::Body(path(at))
}

pub(crate) fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}
