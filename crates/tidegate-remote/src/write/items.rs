//! Answers that speak of each row by itself.
//!
//! What such an answer says is believed only where it is plain: a row that two items speak of in different ways, that no
//! item speaks of, or of which it cannot be told whether an item speaks of it, is doubtful.

use std::collections::HashMap;

use http::HeaderMap;
use tidegate_spec::{Answer, BatchAnswer, ItemDone, ItemList, ListOf, Matching, Path, Unlisted};

use super::answer::{self, Said, words_of};
use super::batch::odata_id;
use super::part::Part;
use super::parts::Context;
use super::verdict::{self, Asked};
use super::{Cell, Cells, RowOutcome, RowWrite, Verdict, path, told};

/// Items that are read beyond as many as rows were sent: errors that speak of several, and rows told twice.
const MORE_ITEMS: usize = 1_000;

/// What became of rows by an answer that lists them.
pub(super) fn outcomes(
    context: &Context<'_>,
    answer: &BatchAnswer,
    asked: Asked,
    rows: &[RowWrite],
    said: Said<'_>,
) -> Vec<RowOutcome> {
    let plain = Answer::default();
    let of_all = |answer: &Answer| vec![answer::whole(context, answer, asked, said); rows.len()];
    match answer {
        BatchAnswer::ODataJson { answer } => match verdict::of_status(said.status, answer, asked) {
            Some(_) => of_all(answer),
            None => odata(context, answer, rows, said),
        },
        BatchAnswer::Items { lists, matching, done, message, row, unlisted } => {
            let listed = Listed { context, lists, matching, done, message, row: row.as_ref(), unlisted: *unlisted };
            // An API may refuse some rows under a status of refusal, and tell each one's fate all the same.
            let may_list = matches!(said.status, 200..=299 | 400 | 409 | 422 | 424);
            match may_list.then(|| Part::of(said.body)).flatten().and_then(|body| listed.outcomes(body, rows, said)) {
                Some(outcomes) => outcomes,
                None => {
                    let whole = answer::whole(context, &plain, asked, said);
                    unlisted_outcomes(whole, *unlisted, rows.len(), said)
                }
            }
        }
        BatchAnswer::Whole { answer, .. } => of_all(answer),
    }
}

/// An answer without any of its lists.
fn unlisted_outcomes(whole: RowOutcome, unlisted: Unlisted, rows: usize, said: Said<'_>) -> Vec<RowOutcome> {
    let outcome = match (whole.verdict, unlisted) {
        // Nothing is listed, and what is not listed was done: `204 No Content`, for one.
        (Verdict::Applied, Unlisted::Done) | (Verdict::Accepted, _) => whole,
        (Verdict::Applied, _) => {
            RowOutcome::doubtful(Some(said.status), "the answer does not say what became of the rows")
        }
        _ => whole,
    };
    vec![outcome; rows]
}

/// An answer that lists rows, as it is declared.
struct Listed<'a> {
    context: &'a Context<'a>,
    lists: &'a [ItemList],
    matching: &'a Matching,
    done: &'a ItemDone,
    message: &'a [Path],
    row: Option<&'a Path>,
    unlisted: Unlisted,
}

/// What was found in the lists.
struct Found {
    outcomes: Vec<Option<RowOutcome>>,
    /// What an item says that speaks of no row that was sent.
    stray: Option<String>,
    /// Whether such an item says that a row was done, or says it of a row that was never sent.
    is_strange: bool,
}

impl Listed<'_> {
    /// `None` when none of the lists is there.
    fn outcomes(&self, body: Part<'_>, rows: &[RowWrite], said: Said<'_>) -> Option<Vec<RowOutcome>> {
        let there: Vec<(&ItemList, Part<'_>)> = self
            .lists
            .iter()
            .filter_map(|list| Some((list, body.at(&list.at).filter(|part| part.is_array())?)))
            .collect();
        if there.is_empty() {
            return None;
        }
        let ids = self.ids(rows);
        let mut found = Found { outcomes: vec![None; rows.len()], stray: None, is_strange: false };
        for (list, part) in there {
            let items = part.items(rows.len().saturating_mul(2).saturating_add(MORE_ITEMS));
            let is_short = matches!(self.matching, Matching::Order) && items.items.len() != rows.len();
            if items.has_more || is_short {
                let why = format!("the answer speaks of another number of rows than the {} that were sent", rows.len());
                return Some(vec![RowOutcome::doubtful(Some(said.status), why); rows.len()]);
            }
            for (index, item) in items.items.into_iter().enumerate() {
                let targets = self.targets(item, index, &ids);
                self.note(&mut found, list.of, item, targets.as_deref(), rows, said);
            }
        }
        let Found { outcomes, stray, is_strange } = found;
        let missing = || self.of_unlisted(stray.as_deref(), is_strange, said);
        Some(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
    }

    /// Rows by the text by which items speak of them.
    fn ids(&self, rows: &[RowWrite]) -> HashMap<String, Vec<usize>> {
        let mut ids: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            let id = match self.matching {
                Matching::Order => None,
                Matching::Key { column, .. } => {
                    let name = self.context.table.columns.get(*column).map(|column| column.name.as_str());
                    name.and_then(|name| path::value(self.context.kind, row, name)).map(id_of)
                }
                Matching::Trace { .. } => Some(row.row_key.clone()),
            };
            if let Some(id) = id {
                ids.entry(id).or_default().push(index);
            }
        }
        ids
    }

    /// The rows that an item speaks of; `None` when it names one that was not sent, or none at all.
    fn targets(&self, item: Part<'_>, index: usize, ids: &HashMap<String, Vec<usize>>) -> Option<Vec<usize>> {
        let at = match self.matching {
            Matching::Order => return Some(vec![index]),
            Matching::Key { at, .. } | Matching::Trace { at, .. } => at,
        };
        let named = item.first(at)?;
        let names = if named.is_array() {
            let items = named.items(ids.len().saturating_add(MORE_ITEMS));
            if items.has_more {
                return None;
            }
            items.items
        } else {
            vec![named]
        };
        let find = |name: Part<'_>| {
            let id = name.text()?;
            ids.get(&id).or_else(|| ids.get(&id.to_ascii_lowercase())).cloned()
        };
        let rows = names.into_iter().map(find).collect::<Option<Vec<_>>>()?;
        (!rows.is_empty()).then(|| rows.concat())
    }

    fn note(
        &self,
        found: &mut Found,
        of: ListOf,
        item: Part<'_>,
        targets: Option<&[usize]>,
        rows: &[RowWrite],
        said: Said<'_>,
    ) {
        let outcome = self.outcome(of, item, said);
        let Some(targets) = targets else {
            found.is_strange |= outcome.verdict != Verdict::Refused;
            found.stray = found.stray.take().or(outcome.message);
            return;
        };
        let told = match (self.row, targets, outcome.verdict) {
            (Some(at), [_], Verdict::Applied | Verdict::Accepted) => {
                item.at(at).map(|part| told::row(self.context.table, part)).unwrap_or_default()
            }
            _ => Cells::new(),
        };
        for &target in targets {
            let outcome = if told::is_another(self.context, &told, &rows[target]) {
                RowOutcome::doubtful(Some(said.status), "the server answers with a row of another key")
            } else {
                let version = told::version(self.context, &told, &HeaderMap::new());
                RowOutcome { row: told.clone(), version, ..outcome.clone() }
            };
            let place = &mut found.outcomes[target];
            *place = Some(match place.take() {
                None => outcome,
                Some(before) if before.verdict == outcome.verdict => before,
                Some(_) => RowOutcome::doubtful(
                    Some(said.status),
                    "the answer says of the row that it was done, and that it was not",
                ),
            });
        }
    }

    /// What one item says.
    fn outcome(&self, of: ListOf, item: Part<'_>, said: Said<'_>) -> RowOutcome {
        let status = self.done.status.as_ref().and_then(|path| item.at(path)).and_then(Part::number::<u16>);
        let shown = status.or(Some(said.status));
        let refused = |verdict: Verdict| {
            let words = item.first(self.message).and_then(words_of).or_else(|| words_of(item));
            RowOutcome::new(verdict, shown, words)
        };
        let done = || {
            let accepted = status.unwrap_or(said.status) == 202;
            RowOutcome::new(if accepted { Verdict::Accepted } else { Verdict::Applied }, shown, None)
        };
        let by_status = status.and_then(|status| verdict::of_item(status, self.context.kind));
        match of {
            ListOf::Failed => refused(by_status.unwrap_or(Verdict::Refused)),
            ListOf::Done => done(),
            ListOf::Any => {
                let failed = self.done.failure.iter().any(|path| item.at(path).is_some_and(|part| !part.is_nothing()));
                let success = self.done.success.as_ref().map(|path| item.at(path).and_then(Part::truth));
                let open = (self.done.status.is_some() && status.is_none()) || success == Some(None);
                match (by_status, failed || success == Some(Some(false))) {
                    (Some(verdict), _) => refused(verdict),
                    (None, true) => refused(Verdict::Refused),
                    (None, false) if open => {
                        RowOutcome::doubtful(shown, "the answer does not say whether the row was done")
                    }
                    (None, false) => done(),
                }
            }
        }
    }

    fn of_unlisted(&self, stray: Option<&str>, is_strange: bool, said: Said<'_>) -> RowOutcome {
        let status = Some(said.status);
        let is_success = (200..300).contains(&said.status);
        match self.unlisted {
            _ if is_strange => {
                RowOutcome::doubtful(status, "the answer does not speak of the row, but of rows that were not sent")
            }
            Unlisted::Failed => {
                let words = stray.unwrap_or("the answer does not list the row among those that were done");
                RowOutcome::new(Verdict::Refused, status, Some(words.to_owned()))
            }
            Unlisted::Done if is_success && stray.is_none() => RowOutcome::new(Verdict::Applied, status, None),
            Unlisted::Done | Unlisted::Unknown => {
                let words = stray.map_or_else(String::new, |words| format!(": {words}"));
                RowOutcome::doubtful(status, format!("the answer does not say what became of the row{words}"))
            }
        }
    }
}

/// A key's value as answers write it: text, or the digits of a number.
fn id_of(cell: &Cell) -> String {
    match cell {
        Cell::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// OData's JSON batch (JSON Format 4.01, 19.2): an answer for each request, in any order.
fn odata(context: &Context<'_>, answer: &Answer, rows: &[RowWrite], said: Said<'_>) -> Vec<RowOutcome> {
    let silent = || RowOutcome::doubtful(Some(said.status), "the answer of the batch does not speak of the row");
    let responses = Part::of(said.body).and_then(|body| body.at(&["responses".to_owned()]));
    let items = responses.filter(|part| part.is_array()).map(|part| part.items(rows.len().saturating_add(MORE_ITEMS)));
    let Some(items) = items.filter(|items| !items.has_more) else { return rows.iter().map(|_| silent()).collect() };
    let mut by_id: HashMap<String, Vec<Part<'_>>> = HashMap::new();
    for item in items.items {
        if let Some(id) = item.at(&["id".to_owned()]).and_then(Part::text) {
            by_id.entry(id).or_default().push(item);
        }
    }
    let one = |(index, row): (usize, &RowWrite)| match by_id.get(&odata_id(index)).map(Vec::as_slice) {
        Some([item]) => odata_item(context, answer, row, *item).unwrap_or_else(silent),
        Some(_) => RowOutcome::doubtful(Some(said.status), "the answer of the batch speaks of the row more than once"),
        None => silent(),
    };
    rows.iter().enumerate().map(one).collect()
}

fn odata_item(context: &Context<'_>, answer: &Answer, row: &RowWrite, item: Part<'_>) -> Option<RowOutcome> {
    let status: u16 = item.at(&["status".to_owned()])?.number()?;
    let mut headers = HeaderMap::new();
    if let Some(version) = context.write.version.as_ref().and_then(|version| version.header.as_deref()) {
        let of_item = item.at(&["headers".to_owned()]);
        let spelt = |name: &str| of_item?.at(&[name.to_owned()])?.text();
        let value = [version, &version.to_ascii_lowercase()].into_iter().find_map(spelt);
        let name = http::HeaderName::from_bytes(version.as_bytes()).ok();
        if let Some((name, value)) = name.zip(value.and_then(|value| http::HeaderValue::from_str(&value).ok())) {
            headers.insert(name, value);
        }
    }
    let body = item.at(&["body".to_owned()]).filter(|part| !part.is_null()).map_or("", Part::raw);
    let said = Said { status, headers: &headers, body: body.as_bytes() };
    let kind = context.kind;
    let asked = Asked { kind, rows: 1, is_single: true, is_atomic: false, is_keyed: false, is_again: false };
    let outcome = answer::of_single(context, answer, asked, row, said);
    Some(match outcome.verdict {
        // The batch itself was let in.
        Verdict::NotSent(super::Why::Connection) => RowOutcome { verdict: Verdict::Refused, ..outcome },
        _ => outcome,
    })
}
