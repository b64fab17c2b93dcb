//! What an answer's status and body say of success, where no list tells each row.

use crate::manifest::document::{OneOrMany, Statuses};
use crate::manifest::problem::At;
use crate::model::Path;
use crate::write::Answer;

use super::super::Lower;
use super::Context;

impl Lower<'_, '_, '_> {
    /// The verdict of an answer as the write declares it. What `defaults` of endpoints say of failures inside a success
    /// holds for writes too: one that was overlooked would be taken for done.
    pub(super) fn verdict(&mut self, cx: &Context<'_>) -> Answer {
        let of_endpoints = self.document.defaults.as_deref();
        let at_endpoints = At::root().member("defaults");
        let failure = cx.get("failure", |write| write.failure.as_ref()).map(|(paths, at, _)| (paths, at));
        let of_all = || Some((of_endpoints?.failure.as_ref()?, at_endpoints.member("failure")));
        let failure = failure.or_else(of_all);
        let success = cx.get("success", |write| write.success.as_ref()).map(|(paths, at, _)| (paths, at));
        let of_all = || Some((of_endpoints?.success.as_ref()?, at_endpoints.member("success")));
        let success = success.or_else(of_all);
        let message = cx.get("message", |write| write.message.as_ref()).map(|(paths, at, _)| (paths, at));
        let mut answer = Answer {
            row: None,
            failure: self.answer_paths(failure),
            success: self.answer_paths(success),
            message: self.answer_paths(message),
            ..Answer::default()
        };
        if let Some((statuses, at, _)) = cx.get("statuses", |write| write.statuses.as_ref()) {
            self.statuses(statuses, &at, &mut answer);
        }
        answer
    }

    pub(super) fn answer_paths(&mut self, member: Option<(&OneOrMany<String>, At)>) -> Vec<Path> {
        member.map(|(texts, at)| self.paths(texts.as_slice(), &at)).unwrap_or_default()
    }

    /// Statuses with a meaning of their own; each has one.
    pub(super) fn statuses(&mut self, spec: &Statuses, at: &At, answer: &mut Answer) {
        for status in &spec.absent {
            if spec.stale.contains(status) {
                self.report.say(&at.member("stale"), format!("status {status} stands under `absent` too"));
            }
        }
        answer.absent.clone_from(&spec.absent);
        answer.stale.clone_from(&spec.stale);
        answer.not_done.clone_from(&spec.not_done);
    }
}
