//! How the answer to a batch tells what became of each row.

use crate::manifest::document::{
    Batch as BatchSpec, BatchAnswer as AnswerSpec, Match, MatchKey, MatchTrace, UnlistedName,
};
use crate::manifest::problem::At;
use crate::write::{Answer, BatchAnswer, ItemDone, ItemList, ListOf, Matching, Unlisted, WriteColumn, WriteKind};

use super::super::Lower;
use super::Context;

impl Lower<'_, '_, '_> {
    pub(super) fn batch_answer(
        &mut self,
        cx: &Context<'_>,
        spec: &BatchSpec,
        columns: &[WriteColumn],
    ) -> Option<BatchAnswer> {
        let at = cx.at.path(&["batch", "answer"]);
        let usual = self.verdict(cx);
        if spec.odata {
            return Some(BatchAnswer::ODataJson { answer: usual });
        }
        let Some(answer) = &spec.answer else { return Some(BatchAnswer::Whole { answer: usual, affected: None }) };
        let lists = self.lists(answer, &at);
        if lists.is_empty() {
            self.whole_answer(answer, &at, usual)
        } else {
            self.items(cx, answer, &at, lists, columns)
        }
    }

    fn lists(&mut self, spec: &AnswerSpec, at: &At) -> Vec<ItemList> {
        let lists = [
            ("items", &spec.items, ListOf::Any),
            ("done", &spec.done, ListOf::Done),
            ("failed", &spec.failed, ListOf::Failed),
        ];
        let mut found: Vec<ItemList> = Vec::new();
        for (name, path, of) in lists {
            let Some(path) = path else { continue };
            let Some(steps) = self.steps(path, &at.member(name)) else { continue };
            if found.iter().any(|list| list.at == steps) {
                self.report.say(&at.member(name), format!("{path:?} is another list of the answer already"));
            }
            found.push(ItemList { at: steps, of });
        }
        found
    }

    /// The answer speaks of all rows at once.
    fn whole_answer(&mut self, spec: &AnswerSpec, at: &At, usual: Answer) -> Option<BatchAnswer> {
        let lists = ["items", "done", "failed"];
        let of_items = [
            ("match", spec.matching.is_some()),
            ("status", spec.status.is_some()),
            ("row", spec.row.is_some()),
            ("unlisted", spec.unlisted.is_some()),
        ];
        if !lists.iter().any(|name| self.has(&at.member(name))) {
            for (name, _) in of_items.into_iter().filter(|(_, is_given)| *is_given) {
                let message =
                    format!("{name:?} is about lists of rows; expected one of items, done and failed beside it");
                self.report.say(&at.member(name), message);
            }
        }
        let mut answer = usual;
        if let Some(paths) = &spec.failure {
            answer.failure = self.paths(paths.as_slice(), &at.member("failure"));
        }
        if let Some(paths) = &spec.success {
            answer.success = self.paths(paths.as_slice(), &at.member("success"));
        }
        if let Some(paths) = &spec.message {
            answer.message = self.paths(paths.as_slice(), &at.member("message"));
        }
        if let Some(statuses) = &spec.statuses {
            self.statuses(statuses, &at.member("statuses"), &mut answer);
        }
        let affected = spec.affected.as_deref().and_then(|path| self.steps(path, &at.member("affected")));
        Some(BatchAnswer::Whole { answer, affected })
    }

    fn items(
        &mut self,
        cx: &Context<'_>,
        spec: &AnswerSpec,
        at: &At,
        lists: Vec<ItemList>,
        columns: &[WriteColumn],
    ) -> Option<BatchAnswer> {
        for (name, is_given) in [("affected", spec.affected.is_some()), ("statuses", spec.statuses.is_some())] {
            if is_given {
                self.report.say(&at.member(name), format!("{name:?} is for answers without lists of rows"));
            }
        }
        let done = ItemDone {
            status: spec.status.as_deref().and_then(|path| self.steps(path, &at.member("status"))),
            success: self.only(spec.success.as_ref().map(|paths| paths.as_slice()), &at.member("success")),
            failure: self.answer_paths(spec.failure.as_ref().map(|paths| (paths, at.member("failure")))),
        };
        let says = done.status.is_some() || done.success.is_some() || !done.failure.is_empty();
        let has_any = lists.iter().any(|list| list.of == ListOf::Any);
        if has_any && !says && !["status", "success", "failure"].iter().any(|name| self.has(&at.member(name))) {
            self.report.say(at, "nothing says which items were done; expected one of status, success and failure");
        }
        if says && !has_any {
            let name = ["status", "success", "failure"].into_iter().find(|name| self.has(&at.member(name)));
            let message = "the lists say already which rows were done; it is for `items`";
            self.report.say(&at.member(name.unwrap_or("status")), message);
        }
        let matching = self.matching(cx, spec, at, &lists, columns);
        let message = self.answer_paths(spec.message.as_ref().map(|paths| (paths, at.member("message"))));
        let row = spec.row.as_deref().and_then(|path| self.steps(path, &at.member("row")));
        let unlisted = match spec.unlisted {
            None | Some(UnlistedName::Unknown) => Unlisted::Unknown,
            Some(UnlistedName::Done) => Unlisted::Done,
            Some(UnlistedName::Failed) => Unlisted::Failed,
        };
        Some(BatchAnswer::Items { lists, matching: matching?, done, message, row, unlisted })
    }

    fn only(&mut self, paths: Option<&[String]>, at: &At) -> Option<crate::Path> {
        match paths {
            None | Some([]) => None,
            Some([path]) => self.steps(path, at),
            Some(_) => {
                self.report.say(at, "an item has one member that says so; expected one path");
                None
            }
        }
    }

    fn matching(
        &mut self,
        cx: &Context<'_>,
        spec: &AnswerSpec,
        at: &At,
        lists: &[ItemList],
        columns: &[WriteColumn],
    ) -> Option<Matching> {
        let at_match = at.member("match");
        let is_one = matches!(lists, [ItemList { of: ListOf::Any, .. }]);
        match &spec.matching {
            None if self.has(&at_match) => None,
            None | Some(Match::Word(_)) => {
                if !is_one {
                    let message = "items of several lists, or of some rows, have no order; expected `match: { key: … }` or \
                                   `match: { trace: … }`";
                    self.report.say(if spec.matching.is_some() { &at_match } else { at }, message);
                }
                Some(Matching::Order)
            }
            Some(Match::Key(MatchKey { key, at: paths })) => {
                let column = self.column(cx.scope, key, &at_match.member("key"))?;
                let is_known = match cx.kind {
                    WriteKind::Insert => columns.iter().any(|written| written.column == column),
                    _ => cx.scope.key.contains(&column),
                };
                if !is_known {
                    let message = match cx.kind {
                        WriteKind::Insert => {
                            format!("{key} is not known before the row is made; expected a column that is written")
                        }
                        _ => format!("{key} is not in the table's key"),
                    };
                    self.report.say(&at_match.member("key"), message);
                }
                let paths = match paths {
                    Some(paths) => self.paths(paths.as_slice(), &at_match.member("at")),
                    None => vec![cx.scope.columns[column].path.clone()],
                };
                Some(Matching::Key { at: paths, column })
            }
            Some(Match::Trace(MatchTrace { trace, at: paths })) => {
                let sent = self.steps(trace, &at_match.member("trace")).filter(|steps| !steps.is_empty())?;
                let paths = match paths {
                    Some(paths) => self.paths(paths.as_slice(), &at_match.member("at")),
                    None => vec![sent.clone()],
                };
                Some(Matching::Trace { sent, at: paths })
            }
        }
    }
}
