//! Next links and redirects that lead to another origin, which the connection allows: they are followed, and nothing
//! secret goes with them ([`Subject::ask`] looks at every request).

use super::cases::{Count, fault_page, honest};
use super::manifests;
use super::mock::{Behaviour, ELSEWHERE, Fault, FaultKind, Next};
use super::subject::{CONNECTION, Subject};
use super::target::{Target, has_links};

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = format!("https://{ELSEWHERE}");
    let mut tried = 0;
    for (name, file) in manifests::that_say(folder.path(), &["paging: link", "next_url:"]) {
        let subject = Subject::open_with(&name, &file, &[("allow_origins", &allowed)]);
        for table in subject.tables.iter().filter(|table| has_links(&table.endpoints[0])).take(4) {
            let target = Target::new(table, 0);
            let elsewhere = Behaviour { next: Next::Elsewhere, ..honest(&target).unwrap() };
            tried += usize::from(check(&subject, &target, elsewhere).await);
            let location = ("location".to_owned(), format!("https://{ELSEWHERE}/base%20path/v1/nothing"));
            let kind = FaultKind::Answer(307, vec![location], String::new());
            let fault = Some(Fault { at: fault_page(&target), is_lasting: false, kind });
            tried += usize::from(check(&subject, &target, Behaviour { fault, ..honest(&target).unwrap() }).await);
        }
    }
    assert!(tried >= 6, "{tried} scans were led elsewhere");
}

/// All rows or an error; whether a request went elsewhere.
async fn check(subject: &Subject, target: &Target<'_>, behaviour: Behaviour) -> bool {
    let rows = target.rows(Count::Many.of(target.page));
    let filter = target.filter();
    let is_led_on = behaviour.fault.is_none();
    let (outcome, log) = subject.ask(target.table, &rows, behaviour, &target.sql(CONNECTION, &filter)).await;
    let place = format!("{}.{}", subject.name, target.table.name);
    match outcome {
        Ok(outcome) => assert_eq!(outcome.sorted_rows(), target.truth(&rows, &filter), "{place}"),
        Err(error) => assert!(!is_led_on, "{place}: {error}"),
    }
    log.iter().any(|entry| entry.url.host_str() == Some(ELSEWHERE))
}
