//! Finds out what became of rows in doubt, and selects anew rows that somebody else has changed.
//!
//! Rows are read back together, since one request tells of many. What is sent again goes back to the lane.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_remote::write::Cells;
use tidegate_spec::{Table, WriteKind};
use tidegate_state::RowState;

use crate::book::Ending;
use crate::decide::{After, Clearing, Means, clearing};
use crate::found::{self, Found};
use crate::group::{group, split};
use crate::item::{Doubted, Group, Item, Parcel, Ready, Said};
use crate::reselect::select_anew;
use crate::run::Run;
use crate::wire::{self, Halt, Keying};
use crate::{Error, Lane};

/// How often a row is sent again in one run because nobody knows what became of it.
pub(crate) const MAX_REPEATS: u32 = 5;

/// Most rows that are read back at a time.
const CHUNK: usize = 500;

/// Rows that have to be cleared up.
#[derive(Debug, Default)]
pub(crate) struct Unclear {
    /// Nobody knows whether they were done.
    pub(crate) doubted: Vec<Doubted>,
    /// Somebody else has changed them: they were not done.
    pub(crate) stale: Vec<Item>,
}

impl Unclear {
    /// Rows of it.
    pub(crate) fn len(&self) -> usize {
        self.doubted.iter().map(|doubted| doubted.parcel.open.len()).sum::<usize>() + self.stale.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.doubted.is_empty() && self.stale.is_empty()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.doubted.extend(other.doubted);
        self.stale.extend(other.stale);
    }

    /// Whether some have waited for others long enough.
    pub(crate) fn is_due(&self, now: Duration, patience: Duration) -> bool {
        self.doubted.iter().any(|doubted| doubted.not_before + patience <= now)
    }

    /// Rows of it that are on disk as sent, and surely were not done.
    pub(crate) fn surely_not_done(&self) -> impl Iterator<Item = &Item> {
        self.stale.iter().filter(|item| !item.in_doubt)
    }

    /// When all of it may be tried.
    fn not_before(&self) -> Duration {
        self.doubted.iter().map(|doubted| doubted.not_before).max().unwrap_or_default()
    }
}

/// What clearing up has brought, beside outcomes.
#[derive(Debug, Default)]
pub(crate) struct Cleared {
    pub(crate) ready: Vec<Ready>,
    pub(crate) unclear: Unclear,
    pub(crate) halt: Option<Halt>,
}

/// A row that is read back.
#[derive(Debug)]
struct Question {
    /// Which of the requests carried it.
    request: usize,
    after: After,
    item: Item,
}

/// Clears rows up. Unless it `may_send`, rows are only read.
pub(crate) async fn clear(run: &Run<'_>, lane: &Lane, unclear: Unclear, may_send: bool) -> Result<Cleared, Error> {
    let mut cleared = Cleared::default();
    let wait = unclear.not_before().saturating_sub(run.job.clock.elapsed());
    let is_cancelled = tokio::select! {
        biased;
        () = run.job.statement.cancellation().cancelled() => true,
        () = pause(run, wait) => false,
    };
    if is_cancelled {
        run.book.returned(unclear.surely_not_done());
        return Ok(cleared);
    }
    let Unclear { doubted, mut stale } = unclear;
    let mut questions = Vec::new();
    for (request, doubted) in doubted.into_iter().enumerate() {
        let (ready, asked) = sort(run, doubted, request);
        questions.extend(asked);
        // What is not sent again now is on disk as sent: a later run goes on with it.
        cleared.ready.extend(ready.into_iter().filter(|_| may_send));
    }
    while !questions.is_empty() && cleared.halt.is_none() {
        let rest = questions.split_off(questions.len().min(CHUNK));
        match ask(run, lane, &questions).await {
            Ok(found) => {
                let (ready, later) = conclude(run, questions, found, may_send);
                cleared.ready.extend(ready);
                stale.extend(later);
            }
            Err(halt) => cleared.halt = Some(halt),
        }
        questions = rest;
    }
    if cleared.halt.is_some() || !may_send {
        run.book.returned(stale.iter().filter(|item| !item.in_doubt));
        return Ok(cleared);
    }
    let (items, halt) = select_anew(run, lane, stale).await;
    cleared.ready.extend(items.into_iter().map(|item| Ready::New(group(&run.job.table, vec![item]))));
    cleared.halt = halt;
    Ok(cleared)
}

async fn pause(run: &Run<'_>, wait: Duration) {
    if !wait.is_zero() {
        run.job.clock.sleep(wait).await;
    }
}

/// Sorts the rows of a request by how they are cleared up. Those that cannot be have their outcome at once.
fn sort(run: &Run<'_>, Doubted { mut parcel, after, .. }: Doubted, request: usize) -> (Vec<Ready>, Vec<Question>) {
    let (mut repeated, mut compared, mut questions) = (Vec::new(), Vec::new(), Vec::new());
    for (place, mut item) in std::mem::take(&mut parcel.open) {
        match clearing(after, means(run, &parcel, &item)) {
            Clearing::Repeat => {
                item.repeats += 1;
                repeated.push((place, item));
            }
            Clearing::Compare => {
                item.repeats += 1;
                compared.push(item.renewed());
            }
            Clearing::Read => questions.push(Question { request, after, item }),
            Clearing::Impossible if item.row.state == RowState::Unknown => {}
            Clearing::Impossible => unknown(run, &item, "it was sent, and nothing tells whether it was done"),
        }
    }
    let mut ready = Vec::new();
    if !compared.is_empty() {
        ready.push(Ready::New(Group { items: compared, way: parcel.way }));
    }
    if !repeated.is_empty() && parcel.has_row_keys {
        let keyed = |(place, item): (usize, Item)| Item { row_key: parcel.key_of(place), ..item };
        let items = repeated.into_iter().map(keyed).collect();
        ready.push(Ready::New(Group { items, way: parcel.way }));
    } else if !repeated.is_empty() {
        ready.push(Ready::Again(Parcel { open: repeated, ..parcel }));
    }
    (ready, questions)
}

/// What can tell whether this row of a request was done.
fn means(run: &Run<'_>, parcel: &Parcel, item: &Item) -> Means {
    let table = &run.job.table;
    let may_repeat = item.repeats < MAX_REPEATS;
    let key = match wire::keying(table, item.row.kind, parcel.way) {
        Keying::Request(lifetime) => parcel.key.is_some() && lives(run, Some(parcel.sent_at), lifetime),
        Keying::Row(lifetime) => item.row.idempotency_key.is_some() && lives(run, item.row.sent_at, lifetime),
        Keying::None => false,
    };
    Means {
        key: may_repeat && key,
        version: may_repeat && wire::compares(table, &item.row),
        read: wire::can_read(table, &item.row),
    }
}

/// Whether the API still remembers a key when a request with it arrives that may wait for its quota first.
fn lives(run: &Run<'_>, sent_at: Option<std::time::SystemTime>, lifetime: Duration) -> bool {
    let margin = run.job.statement.bounds().max_wait + lifetime / 10;
    let age = sent_at.and_then(|sent_at| run.job.clock.now().duration_since(sent_at).ok());
    age.is_some_and(|age| age + margin < lifetime)
}

/// Reads rows back.
async fn ask(run: &Run<'_>, lane: &Lane, questions: &[Question]) -> Result<Vec<Option<Cells>>, Halt> {
    let rows: Vec<_> = questions.iter().map(|question| &question.item.row).collect();
    wire::read(run.job, lane, &rows, &columns(&run.job.table, questions)).await
}

/// Columns that tell, and the version.
fn columns(table: &Table, questions: &[Question]) -> Vec<usize> {
    let rows = || questions.iter().map(|question| &question.item.row);
    let told = rows().flat_map(found::columns);
    let versions = rows().filter_map(|row| wire::version_column(table, row.kind));
    told.chain(versions).filter_map(|name| table.column_index(name)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What was found says what becomes of each row: what is sent, and what somebody else has changed.
fn conclude(
    run: &Run<'_>,
    questions: Vec<Question>,
    found: Vec<Option<Cells>>,
    may_send: bool,
) -> (Vec<Ready>, Vec<Item>) {
    let table = &run.job.table;
    let (mut ready, mut stale) = (Vec::new(), Vec::new());
    let mut again: Vec<(usize, Item)> = Vec::new();
    let mut apart: Vec<(usize, Item)> = Vec::new();
    for (Question { request, after, item }, now) in questions.into_iter().zip(found) {
        match found::look(table, &item.row, now.as_ref()) {
            Found::Done => {
                let version =
                    wire::version_column(table, item.row.kind).and_then(|name| version(now.as_ref()?.get(name)?));
                run.end(&item.row, Ending::found(item.said.status, version));
            }
            Found::Neither(why) => unknown(run, &item, &why),
            Found::NotDone if after == After::Failed => run.failed(&item.row, &item.said),
            Found::NotDone if after == After::Again && item.repeats >= MAX_REPEATS => {
                let message = format!("sent {} times, and not done: {}", item.repeats + 1, item.said.sentence());
                run.failed(&item.row, &Said { status: item.said.status, message: Some(message) });
            }
            Found::NotDone if after == After::Stale => stale.push(item),
            // A selection that is old, or was shown: its WHERE may hold no longer.
            Found::NotDone if after == After::Again && may_send && is_to_be_verified(run, &item) => stale.push(item),
            Found::NotDone if !may_send => take_back(run, &item),
            Found::NotDone if after == After::Split => apart.push((request, item.renewed())),
            Found::NotDone => again.push((request, Item { repeats: item.repeats + 1, ..item.renewed() })),
        }
    }
    for items in by_request(again) {
        ready.push(Ready::New(group(table, items)));
    }
    for items in by_request(apart) {
        ready.extend(split(table, items).into_iter().map(Ready::New));
    }
    (ready, stale)
}

/// Whether a row has to be selected anew before it is sent again, once.
fn is_to_be_verified(run: &Run<'_>, item: &Item) -> bool {
    let is_there = item.row.kind != WriteKind::Insert;
    is_there && run.job.verify && run.job.reselect.is_some() && !item.reselected
}

/// Rows that were one request, apart from others.
fn by_request(items: Vec<(usize, Item)>) -> Vec<Vec<Item>> {
    let mut requests: Vec<(usize, Vec<Item>)> = Vec::new();
    for (request, item) in items {
        match requests.last_mut() {
            Some((last, items)) if *last == request => items.push(item),
            _ => requests.push((request, vec![item])),
        }
    }
    requests.into_iter().map(|(_, items)| items).collect()
}

/// A row that was found not to be done, and is not sent again in this run.
fn take_back(run: &Run<'_>, item: &Item) {
    if item.row.state == RowState::Sent {
        run.book.returned([item]);
    }
}

fn unknown(run: &Run<'_>, item: &Item, why: &str) {
    let why = format!("{why}: {}", item.said.sentence());
    run.end(&item.row, Ending::without(RowState::Unknown, item.said.status, why));
}

/// A version as it is sent.
pub(crate) fn version(cell: &serde_json::Value) -> Option<String> {
    match cell {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
