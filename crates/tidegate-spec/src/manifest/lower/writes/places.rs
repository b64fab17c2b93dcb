//! No two things may be written at one place of a body.

use crate::Place;
use crate::manifest::problem::At;
use crate::model::Path;
use crate::write::{Batch, BatchAnswer, BatchForm, Matching, Single, Version, WriteBody, WriteColumn};

use super::super::Lower;
use super::Context;

/// Something that is written into a row, and where its problem is said.
struct User {
    path: Path,
    name: String,
    at: At,
}

impl Lower<'_, '_, '_> {
    /// Says which members of a row want the same place.
    pub(super) fn write_places(
        &mut self,
        cx: &Context<'_>,
        columns: &[WriteColumn],
        version: Option<&Version>,
        single: Option<&Single>,
        batch: Option<&Batch>,
    ) {
        let at_columns = cx.at.member("columns");
        let name = |column: &WriteColumn| cx.scope.columns[column.column].name.clone();
        let user = |column: &WriteColumn| User { path: column.at.clone(), name: name(column), at: at_columns.clone() };
        let mut users: Vec<User> = columns.iter().map(user).collect();
        if let Some(Version { place: Place::Body(path), .. }) = version {
            users.push(User { path: path.clone(), name: "the version".to_owned(), at: cx.at.member("if_match") });
        }
        if let Some(Single { idempotency: Some(key), body: WriteBody::Json { .. } | WriteBody::Form, .. }) = single
            && let Place::Body(path) = &key.place
        {
            let at = cx.at.member("idempotency");
            users.push(User { path: path.clone(), name: "the idempotency key".to_owned(), at });
        }
        self.one_place_each(&users);
        let Some(batch) = batch else { return };
        let BatchForm::Rows { key, .. } = &batch.form else { return };
        let at = cx.at.member("batch");
        let mut users: Vec<User> = columns.iter().map(user).collect();
        let of_key = |column: &WriteColumn| User { path: column.at.clone(), name: name(column), at: at.member("rows") };
        users.extend(key.iter().map(of_key));
        if let Some(key) = &batch.idempotency
            && let (Place::Body(path), crate::write::Per::Row) = (&key.place, key.per)
        {
            let at = at.member("idempotency");
            users.push(User { path: path.clone(), name: "the idempotency key".to_owned(), at });
        } else if let BatchAnswer::Items { matching: Matching::Trace { sent, .. }, .. } = &batch.answer {
            users.push(User { path: sent.clone(), name: "the trace".to_owned(), at: at.path(&["answer", "match"]) });
        }
        self.one_place_each(&users);
    }

    fn one_place_each(&mut self, users: &[User]) {
        for (index, user) in users.iter().enumerate() {
            let overlaps = |other: &&User| other.path.starts_with(&user.path) || user.path.starts_with(&other.path);
            if let Some(other) = users[..index].iter().find(overlaps) {
                let message = format!(
                    "{} and {} are both written at {}; expected `columns` with one of them, or `written` where they differ",
                    other.name,
                    user.name,
                    user.path.join(".")
                );
                self.report.say(&user.at, message);
            }
        }
    }
}
