//! Answers that a manifest declares to mean "not now", in mid-stream: the scan waits as long as it is told, asks again,
//! and loses nothing.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use tidegate::transport::Clock;
use tidegate_spec::manifest::{ReportedForm, Throttled};

use super::cases::{Count, RETRY_AFTER, fault_page, honest};
use super::data::set;
use super::manifests;
use super::mock::{Behaviour, Fault, FaultKind};
use super::subject::{CONNECTION, Subject};
use super::target::Target;

/// Until the window of a quota ends.
const RESET: Duration = Duration::from_secs(41);

#[tokio::test]
async fn what_is_declared_to_be_throttled_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for (name, file) in manifests::that_say(folder.path(), &["\nthrottled:"]) {
        let described = manifests::read(&file);
        let subject = Subject::open(&name, &file);
        for rule in &described.throttled {
            tried += 1;
            let told = [("retry-after".to_owned(), RETRY_AFTER.as_secs().to_string())];
            check(&subject, rule, &told, RETRY_AFTER).await;
            let Some(reset) = described.reset.as_ref().filter(|reset| reset.form == Some(ReportedForm::EpochS)) else {
                continue;
            };
            let at = subject.clock.now().duration_since(UNIX_EPOCH).unwrap() + RESET;
            check(&subject, rule, &[(reset.header.clone().unwrap(), at.as_secs().to_string())], RESET).await;
        }
    }
    assert!(tried >= 4, "{tried} rules");
}

async fn check(subject: &Subject, rule: &Throttled, told: &[(String, String)], wait: Duration) {
    let listed = subject.tables.iter().find(|table| table.endpoints[0].filters.required().next().is_none());
    let target = Target::new(listed.expect("a table that can be listed"), 0);
    let rows = target.rows(Count::Many.of(target.page));
    let mut headers = rule.headers.clone();
    headers.extend(told.iter().cloned());
    let mut body = json!({"message": "so it is scripted"});
    if let Some(part) = &rule.body {
        let says = part.equals.clone().or(part.contains.as_ref().map(|text| format!("it is {text}!")));
        set(&mut body, &part.path, json!(says.unwrap_or_else(|| "yes".to_owned())));
    }
    let kind = FaultKind::Answer(rule.status.unwrap_or(403), headers, body.to_string());
    let fault = Some(Fault { at: fault_page(&target), is_lasting: false, kind });
    let slept = subject.clock.sleeps().len();
    let behaviour = Behaviour { fault, ..honest(&target).unwrap() };
    let (outcome, log) = subject.ask(target.table, &rows, behaviour, &target.sql(CONNECTION, &[])).await;
    let place = format!("{}.{}: {rule:?}", subject.name, target.table.name);
    let outcome = outcome.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(outcome.sorted_rows(), target.truth(&rows, &[]), "{place}");
    assert_eq!(log.len() as u64, target.calls(rows.len() as u64) + 1, "{place}: one call is repeated");
    let sleeps = subject.clock.sleeps().split_off(slept);
    assert!(is_among(&sleeps, wait), "{place}: {sleeps:?} in place of {wait:?}");
}

/// Whether this is among what was waited, to a second: times are written in whole ones. Other waits are for quotas that
/// the manifest declares.
pub(crate) fn is_among(sleeps: &[Duration], wait: Duration) -> bool {
    sleeps.iter().any(|slept| slept.abs_diff(wait) <= Duration::from_secs(1))
}
