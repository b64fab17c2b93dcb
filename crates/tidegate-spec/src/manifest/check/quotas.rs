//! Quotas, throttling and partitions.

use crate::manifest::document::Quota;
use crate::manifest::lower::Lower;
use crate::manifest::lower::values::PARTITION;
use crate::manifest::problem::{At, suggestion};
use crate::manifest::template::Template;
use crate::{Model, Place};

impl Lower<'_, '_, '_> {
    pub(super) fn quotas(&mut self, model: &Model) {
        let document = self.document;
        for (index, quota) in document.quotas.iter().enumerate() {
            let at = At::root().member("quotas").member(index);
            if document.quotas[..index].iter().any(|other| other.name == quota.name) {
                self.report.say(&at.member("name"), format!("there is a quota {:?} already", quota.name));
            }
            self.quota(quota, &at);
            for (position, name) in quota.only.iter().enumerate() {
                self.quota_scope(name, &at.member("only").member(position), model);
            }
        }
    }

    fn quota(&mut self, quota: &Quota, at: &At) {
        match (&quota.window, quota.limit, quota.concurrent) {
            (None, None, Some(0)) => self.report.say(&at.member("concurrent"), "found 0; expected at least 1"),
            (None, None, Some(_)) => {}
            (_, _, Some(_)) => self.report.say(at, "`concurrent` stands in place of `window` and `limit`"),
            (None, _, None) => {
                self.report.say(at, "\"window\" is missing, such as `window: 1h`; or `concurrent` for calls at once");
            }
            (Some(_), None, None) if quota.reported_limit.is_none() && quota.remaining.is_none() => {
                self.report.say(at, "\"limit\" is missing: most calls in a window");
            }
            (Some(_), Some(0), None) => self.report.say(&at.member("limit"), "found 0; expected at least 1"),
            _ => {}
        }
        if let Some(window) = &quota.window {
            self.duration(window, &at.member("window"));
        }
        for (name, reported) in
            [("remaining", &quota.remaining), ("reported_limit", &quota.reported_limit), ("used", &quota.used)]
        {
            if reported.as_ref().is_some_and(|reported| reported.form.is_some()) {
                self.report.say(&at.member(name).member("as"), "`as` is for `reset` alone; this is a number");
            }
        }
        if quota.reset.as_ref().is_some_and(|reset| reset.form.is_none()) {
            self.report.say(&at.member("reset"), "\"as\" is missing: how the time is written, such as `as: epoch_s`");
        }
    }

    fn quota_scope(&mut self, name: &str, at: &At, model: &Model) {
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
        {
            let hint = suggestion(endpoint, found.endpoints.iter().map(|known| known.name.as_str()));
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
        let placeholder = format!("{{{PARTITION}}}");
        let in_url = self
            .document
            .url
            .as_ref()
            .is_some_and(|url| Template::new(url).options().iter().any(|name| name == PARTITION));
        let table = model.tables.iter().find(|table| table.name == partitions.table);
        let in_requests = table.is_some_and(|table| {
            table.endpoints.iter().any(|endpoint| {
                let constants = endpoint.constants.iter().filter(|(place, _)| !matches!(place, Place::Path(_)));
                endpoint.path.contains(&placeholder)
                    || constants.into_iter().any(|(_, value)| value.contains(&placeholder))
            })
        });
        if in_url || in_requests {
            let message = format!(
                "a circle: the requests of table {:?}, which lists the partitions, need {{{PARTITION}}} themselves; \
                 write it into the paths of the other tables",
                partitions.table
            );
            self.report.say(&at.member("table"), message);
        }
    }
}
