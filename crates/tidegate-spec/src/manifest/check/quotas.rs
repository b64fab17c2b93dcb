//! Quotas, throttling and partitions.

use crate::manifest::document::Quota;
use crate::manifest::lower::Lower;
use crate::manifest::lower::values::PARTITION;
use crate::manifest::problem::{At, suggestion};
use crate::manifest::template::Template;
use crate::{Endpoint, Model, QUOTA_CHECK};

impl Lower<'_, '_, '_> {
    pub(super) fn quotas(&mut self, model: &Model) {
        let document = self.document;
        for (index, quota) in document.quotas.iter().enumerate() {
            let at = At::root().member("quotas").member(index);
            if document.quotas[..index].iter().any(|other| other.name == quota.name) {
                self.report.say(&at.member("name"), format!("there is a quota {:?} already", quota.name));
            }
            self.quota(quota, &at);
            for (position, name) in quota.only.iter().flatten().enumerate() {
                self.quota_scope(name, &at.member("only").member(position), model);
            }
        }
    }

    fn quota(&mut self, quota: &Quota, at: &At) {
        let Err(problems) = quota.terms() else { return };
        for problem in problems {
            // What stands there and could not be read was reported already.
            let is_written = |member: &&str| self.report.root().find(at.member(member).steps()).is_some();
            if !problem.missing.as_ref().is_some_and(is_written) {
                self.report.say(&at.path(&problem.at), problem.message);
            }
        }
    }

    fn quota_scope(&mut self, name: &str, at: &At, model: &Model) {
        if name == QUOTA_CHECK && model.quota_check.is_some() {
            return;
        }
        let (table, endpoint) = name.split_once('.').map_or((name, None), |(table, endpoint)| (table, Some(endpoint)));
        let Some(found) = model.tables.iter().find(|known| known.name == table) else {
            if self.document.tables.get(table).is_none() {
                let hint = suggestion(table, self.document.tables.names());
                self.report.say(at, format!("there is no table {table:?}{hint}"));
            }
            return;
        };
        if let Some(endpoint) = endpoint
            && !found.endpoints.iter().any(|known| known.name == endpoint)
            && !found.writes.iter().any(|(kind, _)| kind.name() == endpoint)
        {
            let reads = found.endpoints.iter().map(|known| known.name.as_str());
            let hint = suggestion(endpoint, reads.chain(found.writes.iter().map(|(kind, _)| kind.name())));
            self.report.say(at, format!("table {table:?} has no endpoint {endpoint:?}{hint}"));
        }
    }

    pub(super) fn throttled(&mut self) {
        for (index, rule) in self.document.throttled.iter().enumerate() {
            let at = At::root().member("throttled").member(index);
            if rule.status.is_none() && rule.header.is_empty() && rule.body.is_none() {
                self.report.say(&at, "this would hold for every response; expected status, header or body");
            }
            if rule.status.is_some_and(|status| !(100..600).contains(&status)) {
                self.report.say(&at.member("status"), "this is no status; expected 100 to 599");
            }
            if let Some(body) = &rule.body {
                let at = at.member("body");
                self.steps(&body.path, &at.member("path"));
                if body.contains.is_some() == body.equals.is_some() {
                    self.report.say(&at, "expected one of `contains` and `equals`");
                }
            }
        }
    }

    pub(super) fn partitions(&mut self, model: &Model) {
        let Some(partitions) = &self.document.partitions else { return };
        let at = At::root().member("partitions");
        let Some(spec) = self.document.tables.get(&partitions.table) else {
            let is_written =
                self.report.root().get("tables").is_some_and(|tables| tables.get(&partitions.table).is_some());
            if !is_written {
                let hint = suggestion(&partitions.table, self.document.tables.names());
                self.report.say(&at.member("table"), format!("there is no table {:?}{hint}", partitions.table));
            }
            return;
        };
        for (name, column) in [("code", Some(&partitions.code)), ("name", partitions.name.as_ref())] {
            let Some(column) = column else { continue };
            if spec.columns.get(column).is_none() {
                let hint = suggestion(column, spec.columns.names());
                self.report
                    .say(&at.member(name), format!("table {:?} has no column {column:?}{hint}", partitions.table));
            }
        }
        let in_url = self.document.url.as_deref().is_some_and(has_partition);
        let mut of_others = false;
        let mut of_its_own = false;
        for table in &model.tables {
            let is_needed = table.endpoints.iter().any(Endpoint::needs_partition)
                || table.writes.iter().any(|(_, write)| write.needs_partition());
            *(if table.name == partitions.table { &mut of_its_own } else { &mut of_others }) |= is_needed;
        }
        if in_url || of_its_own {
            let message = format!(
                "a circle: the requests of table {:?}, which lists the partitions, need {{{PARTITION}}} themselves; \
                 write it into the paths of the other tables",
                partitions.table
            );
            self.report.say(&at.member("table"), message);
        } else if !of_others && model.tables.len() == self.document.tables.0.len() {
            let message = format!("nothing uses {{{PARTITION}}}; write it where the other tables' requests name one");
            self.report.say(&at, message);
        }
    }
}

/// Whether a URL has a partition in it.
fn has_partition(url: &str) -> bool {
    Template::new(url).options().iter().any(|name| name == PARTITION)
}
