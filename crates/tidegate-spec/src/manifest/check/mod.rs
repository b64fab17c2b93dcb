//! What is checked of a whole document beyond its form.

use super::document::Document;
use super::lower::values::Values;
use super::lower::{Lower, model};
use super::problem::{At, Report, quoted};
use super::template;

mod auth;
mod options;
mod quotas;
pub(super) mod url;

/// Names that mean something else in SQL or in Tidegate's own catalog.
const RESERVED: [&str; 9] =
    ["main", "system", "information_schema", "tidegate", "datafusion", "public", "temp", "memory", "all"];

/// Says all that is wrong with a document of right form.
pub(super) fn document(document: &Document, report: &mut Report<'_>) {
    let values = Values::to_check(document);
    let mut lower = Lower { document, values: &values, report };
    lower.name();
    lower.base_url();
    lower.auth();
    let model = model(&mut lower);
    lower.defaults();
    lower.quotas(&model);
    lower.throttled();
    lower.partitions(&model);
    lower.options();
}

impl Lower<'_, '_, '_> {
    fn name(&mut self) {
        let name = &self.document.connector;
        let at = At::root().member("connector");
        if !template::is_lower_name(name) {
            let message = format!(
                "{} is no name of a connector: expected lower-case letters, digits and `_`, a letter first, at most 63",
                quoted(name)
            );
            self.report.say(&at, message);
        } else if RESERVED.contains(&name.as_str()) {
            self.report.say(&at, format!("{name:?} cannot be a connector's name: Tidegate has a schema of that name"));
        }
        if let Some(docs) = &self.document.docs
            && !docs.starts_with("https://")
            && !docs.starts_with("http://")
        {
            self.report.say(&At::root().member("docs"), format!("{} is no link; expected https://…", quoted(docs)));
        }
    }

    fn defaults(&mut self) {
        let Some(defaults) = &self.document.defaults else { return };
        let at = At::root().member("defaults");
        let own = [
            ("kind", defaults.kind.is_some()),
            ("path", defaults.path.is_some()),
            ("filters", !defaults.filters.is_empty()),
            ("columns", defaults.columns.is_some()),
        ];
        for (name, _) in own.into_iter().filter(|(_, is_given)| *is_given) {
            self.report.say(&at.member(name), format!("{name:?} belongs to each endpoint, not to `defaults`"));
        }
    }
}
