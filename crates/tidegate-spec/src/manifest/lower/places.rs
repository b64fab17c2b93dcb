//! No two things may be written at one place of a request.

use crate::manifest::problem::At;
use crate::{AggregateLanguage, Dialect, Endpoint, FilterForm, Method, Paging, Place, Projection};

use super::{Lower, Scope};

/// Something that is written into a request.
struct User {
    place: Place,
    /// As a message says it; users of the same name may share a place.
    name: String,
    at: At,
}

impl Lower<'_, '_, '_> {
    /// Says which members want the same place, and which a body that a GET has not.
    pub(super) fn places(&mut self, scope: &Scope<'_>, at: &At, endpoint: &Endpoint, forms: &[(FilterForm, At)]) {
        let users = users(scope, at, endpoint, forms);
        for (index, user) in users.iter().enumerate() {
            let clash =
                users[..index].iter().find(|other| other.name != user.name && overlaps(&other.place, &user.place));
            if let Some(other) = clash {
                let message = format!("{} and {} are both written at {}", other.name, user.name, describe(&user.place));
                self.report.say(&user.at, message);
            }
            if endpoint.method == Method::Get && matches!(user.place, Place::Body(_)) {
                self.report.say(
                    &user.at,
                    format!("{} stands in the body, which a GET has not; expected `method: POST`", user.name),
                );
            }
        }
        if endpoint.method == Method::Get && endpoint.body.is_some() {
            self.report.say(&at.member("body"), "a GET has no body; expected `method: POST`");
        }
    }
}

fn users(scope: &Scope<'_>, at: &At, endpoint: &Endpoint, forms: &[(FilterForm, At)]) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    let mut add = |place: &Place, name: String, at: At| users.push(User { place: place.clone(), name, at });
    for (form, at) in forms {
        add(&form.place, format!("the filter on {}", scope.columns[form.column].name), at.clone());
    }
    match &endpoint.filters.dialect {
        Some(Dialect::Text(text)) => add(&text.place, "the text of filters".to_owned(), at.member("text")),
        Some(Dialect::Items(items)) => {
            add(&Place::Body(items.at.clone()), "the array of filters".to_owned(), at.member("items"));
        }
        _ => {}
    }
    if let Some(sorting) = &endpoint.sorting {
        add(&sorting.place, "the order".to_owned(), at.member("sort"));
        if let Some(direction) = &sorting.direction {
            add(direction, "the direction".to_owned(), at.path(&["sort", "direction"]));
        }
    }
    if let Projection::Fields { place, .. } = &endpoint.projection {
        add(place, "the list of fields".to_owned(), at.member("fields"));
    }
    if let Some(place) = endpoint.page_size.as_ref().and_then(|size| size.place.as_ref()) {
        add(place, "the page size".to_owned(), at.member("page_size"));
    }
    if let Some(AggregateLanguage::Form(form)) = endpoint.aggregate.as_ref().map(|aggregate| &aggregate.language) {
        for (at_names, member) in [(&form.groups_at, "group_by"), (&form.values_at, "values")] {
            if let Some(names) = at_names {
                add(&names.place, format!("the names in `{member}`"), at.path(&["aggregate", member]));
            }
        }
    }
    match &endpoint.paging {
        Paging::Page { place, .. }
        | Paging::Offset { place, .. }
        | Paging::Cursor { place, .. }
        | Paging::Keyset { place, .. } => add(place, "the page".to_owned(), at.member("paging")),
        _ => {}
    }
    users
}

fn overlaps(a: &Place, b: &Place) -> bool {
    match (a, b) {
        (Place::Header(a), Place::Header(b)) => a.eq_ignore_ascii_case(b),
        (Place::Body(a), Place::Body(b)) => a.starts_with(b) || b.starts_with(a),
        (a, b) => a == b,
    }
}

fn describe(place: &Place) -> String {
    match place {
        Place::Path(name) => format!("{{{name}}} of the path"),
        Place::Query(name) => format!("the query parameter {name}"),
        Place::Header(name) => format!("the header {name}"),
        Place::Body(path) => format!("{} of the body", path.join(".")),
    }
}
