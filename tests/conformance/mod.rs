//! One suite that every manifest runs: those of `connectors/`, found when the test runs, and those that are put
//! together from `tests/fixtures/`, one for each way of paging with a table for each way of filtering.
//!
//! The API is a mock that knows the typed model and nothing else ([`mock`]). Cases are data ([`cases::CASES`]); each
//! says how the server behaves and what has to come of it, to the row and the call.
//!
//! `CONFORMANCE_ONLY=text` runs the cases with this in their names (`connector.table.endpoint: case`).

mod cases;
mod ceilings;
mod data;
mod details;
mod keys;
mod manifests;
mod mock;
mod operators;
mod origins;
mod reach;
mod required;
mod subject;
mod target;
mod throttles;
mod tokens;

use tidegate::Error;
use tidegate_spec::{Endpoint, EndpointKind};
use tidegate_tests::run::Outcome;

use self::cases::{CASES, Case, Count, Expect, RETRY_AFTER, fault_page};
use self::data::Row;
use self::mock::{Behaviour, Entry, Fidelity};
use self::subject::{CONNECTION, SECRET, Scope, Subject};
use self::target::Target;
use tokio::task::JoinSet;

/// Columns beside the key where it makes no difference which.
const FEW_COLUMNS: usize = 2;

/// Queries that the whole suite runs at least: a selection that selects nothing would pass.
const FEWEST_QUERIES: usize = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_manifest_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut checks = JoinSet::new();
    for (name, file) in manifests::all(folder.path()) {
        checks.spawn(async move { check_subject(&Subject::open(&name, &file)).await });
    }
    let (mut failures, mut queries) = (Vec::new(), 0);
    while let Some(checked) = checks.join_next().await {
        let (found, ran) = checked.unwrap();
        failures.extend(found);
        queries += ran;
    }
    failures.sort();
    assert!(failures.is_empty(), "{} of {queries} queries:\n\n{}", failures.len(), failures.join("\n\n"));
    let is_whole = std::env::var_os("CONFORMANCE_ONLY").is_none();
    assert!(!is_whole || queries >= FEWEST_QUERIES, "{queries} queries: what became of the others?");
}

/// Failures, and how many queries were run.
async fn check_subject(subject: &Subject) -> (Vec<String>, usize) {
    let only = std::env::var("CONFORMANCE_ONLY").unwrap_or_default();
    let (mut failures, mut queries, mut styles) = (Vec::new(), 0, Vec::new());
    for table in &subject.tables {
        for (index, endpoint) in table.endpoints.iter().enumerate() {
            if !lists(endpoint) {
                queries += keys::check(subject, table, index, &mut failures).await;
                continue;
            }
            queries += details::check(subject, table, index, &mut failures).await;
            let target = Target::new(table, index);
            let scope = subject.scope(table, endpoint, &mut styles);
            for case in CASES {
                let name = format!("{}.{}.{}: {}", subject.name, table.name, endpoint.name, case.name);
                let Some(behaviour) = (case.behave)(&target).filter(|_| name.contains(&only)) else { continue };
                if !scope.has(case, &behaviour) {
                    continue;
                }
                queries += 1;
                if let Err(failure) = check(subject, &target, case, behaviour).await {
                    failures.push(format!("{name}\n  {failure}"));
                }
            }
            if scope == Scope::All && format!("{}.{} reach", subject.name, table.name).contains(&only) {
                queries += reach::check(subject, &target, &mut failures).await;
            }
            queries += required::check(subject, &target, &mut failures).await;
            if subject.has_filters_checked(&table.name)
                && format!("{}.{} filters", subject.name, table.name).contains(&only)
            {
                queries += operators::check(subject, &target, &mut failures).await;
            }
        }
    }
    (failures, queries)
}

fn lists(endpoint: &Endpoint) -> bool {
    matches!(endpoint.kind, EndpointKind::List | EndpointKind::Search)
}

async fn check(subject: &Subject, target: &Target<'_>, case: &Case, behaviour: Behaviour) -> Result<(), String> {
    let count = case.rows.of(target.page);
    let mut rows = target.rows(count);
    if case.rows == Count::Nulls {
        rows = cases::nulled(target, rows);
    }
    for (number, row) in rows.iter_mut().enumerate() {
        data::derive(target.table, number, row, &behaviour.shape);
    }
    let filter = target.filter();
    let columns = shown(target, case, &behaviour);
    let truth = target.truth_of(&rows, &columns, &filter);
    assert_eq!(truth.len() as u64, count, "{}: rows of the case", target.table.name);
    let slept = subject.clock.sleeps().len();
    let sql = target.sql_of(CONNECTION, &columns, &filter);
    let (outcome, log) = subject.ask(target.table, &rows, behaviour.clone(), &sql).await;
    let mut told = vec![sql];
    told.extend(
        log.iter().map(|entry| format!("{} {} -> {} {:?}", entry.url, entry.body, entry.status, entry.refused)),
    );
    let told = told.join("\n  ");
    let failed = |what: String| Err(format!("{what}\n  {told}"));
    // Another endpoint may serve the query for fewer calls: what is expected is then its own.
    let asked = log.first().and_then(|entry| entry.endpoint).unwrap_or(target.index);
    if asked != target.index {
        return if log.iter().all(|entry| entry.endpoint.is_none_or(|index| index == asked)) {
            rows_are(outcome, &truth, &told)
        } else {
            failed("endpoints were mixed".to_owned())
        };
    }
    if let Some(what) = wrong_request(&log, target.index, &behaviour) {
        return failed(what);
    }
    let outcome = outcome.map(|outcome| outcome.sorted_rows());
    let calls = log.len() as u64;
    match (&case.expect, outcome) {
        (Expect::RowsOrError, Err(_)) => Ok(()),
        (Expect::Error(words, most), Err(error)) => {
            let message = error.to_string();
            let words: Vec<String> = words.iter().map(|word| filled(word, target)).collect();
            match words.iter().find(|word| !message.contains(word.as_str())) {
                Some(word) => failed(format!("the error does not say {word:?}: {message}")),
                None if message.contains(SECRET) => failed(format!("the error shows a secret: {message}")),
                None if calls > *most => failed(format!("{calls} calls, where {most} are the most: {message}")),
                None => Ok(()),
            }
        }
        (Expect::Error(..), Ok(rows)) => failed(format!("no error, and {} rows of {}", rows.len(), truth.len())),
        (_, Err(error)) => failed(format!("{error}")),
        (_, Ok(rows)) if rows != truth => {
            let missing: Vec<_> = truth.iter().filter(|row| !rows.contains(row)).take(2).collect();
            let more: Vec<_> = rows.iter().filter(|row| !truth.contains(row)).take(2).collect();
            failed(format!("{} rows in place of {}\n  missing: {missing:?}\n  more: {more:?}", rows.len(), truth.len()))
        }
        (Expect::Rows(more), Ok(_)) => {
            let ignored = behaviour.fidelity == Fidelity::Ignoring;
            let honest = target.calls(if ignored { sent(&rows, target) } else { count });
            let is_throttled = case.name.starts_with("throttled");
            if calls != honest + more {
                return failed(format!("{calls} calls in place of {}", honest + more));
            }
            if is_throttled && !throttles::is_among(&subject.clock.sleeps()[slept..], RETRY_AFTER) {
                return failed("it did not wait as long as the server asked for".to_owned());
            }
            Ok(())
        }
        (_, Ok(_)) => Ok(()),
    }
}

/// All columns where the case is about what rows hold, else a few: planning is what takes the suite's time.
fn shown(target: &Target<'_>, case: &Case, behaviour: &Behaviour) -> Vec<usize> {
    let mut columns = target.columns();
    if !case.is_brief && behaviour.shape == data::Shape::default() {
        let key = &target.table.key;
        let few: Vec<usize> =
            columns.iter().copied().filter(|column| !key.contains(column)).take(FEW_COLUMNS).collect();
        columns.retain(|column| key.contains(column) || few.contains(column));
    }
    columns
}

/// An error is as good as the rows: how the server behaves was meant for another endpoint.
fn rows_are(outcome: Result<Outcome, Error>, truth: &[Vec<String>], told: &str) -> Result<(), String> {
    match outcome.map(|outcome| outcome.sorted_rows()) {
        Ok(rows) if rows != truth => Err(format!("{} rows in place of {}\n  {told}", rows.len(), truth.len())),
        _ => Ok(()),
    }
}

/// Rows that a server sends which ignores every filter but those in the path.
fn sent(rows: &[Row], target: &Target<'_>) -> u64 {
    target.truth(rows, &target.filter()).len() as u64
}

fn filled(word: &str, target: &Target<'_>) -> String {
    let column = cases::never_null(target).map_or("", |index| &target.table.columns[index].name);
    word.replace("{page}", &fault_page(target).to_string()).replace("{past}", "3").replace("{column}", column)
}

/// What is wrong with the requests themselves, whatever became of them.
fn wrong_request(log: &[Entry], endpoint: usize, behaviour: &Behaviour) -> Option<String> {
    for entry in log {
        let is_past = entry.status == 404 && behaviour.fault.is_none();
        if let Some(refused) = entry.refused.as_ref().filter(|_| !is_past || !refused_past(entry)) {
            return Some(format!("a request was refused: {refused}"));
        }
        if entry.endpoint.is_some_and(|index| index != endpoint) {
            return Some("another endpoint was asked".to_owned());
        }
    }
    None
}

fn refused_past(entry: &Entry) -> bool {
    entry.refused.as_deref() == Some("there is no such page")
}
