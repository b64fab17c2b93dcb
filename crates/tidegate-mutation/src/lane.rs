//! One lane: the rows of a partition on their way from the journal to the API, so many requests at a time.
//!
//! Doubtful rows of earlier runs come first. Whatever waits (pages of the journal, requests, clearing up) is one of several
//! pieces of work under way; what they bring decides, without waiting, what is begun next. Nothing is lost when a lane is
//! dropped at any moment: what matters is on disk.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tidegate_remote::write::{RowOutcome, Why};

use crate::answer::{Sorted, sort};
use crate::clear::{Cleared, Unclear, clear};
use crate::group::Grouping;
use crate::item::{Parcel, Ready};
use crate::load::{Loaded, Page, load};
use crate::request::{Made, make};
use crate::run::Run;
use crate::wire::{Halt, deliver};
use crate::{Ended, Error, Lane};

/// Rows in doubt that are cleared up together at the latest: reading some back costs as much as reading one.
const TOGETHER: usize = 100;

/// Rows in doubt above which no further rows are loaded.
const MOST_WAITING: usize = 500;

/// How long rows in doubt wait for others that might be cleared up with them.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a piece of work has brought.
enum Event {
    Loaded(Loaded),
    /// An answer, with one outcome a row of the request.
    Answered(Parcel, Vec<RowOutcome>),
    /// It was not sent: the run has ended meanwhile.
    Withheld(Parcel),
    Cleared(Cleared),
}

/// A lane at work.
struct Driver<'a> {
    run: &'a Run<'a>,
    lane: &'a Lane,
    page: Page,
    has_more: bool,
    /// Requests of earlier runs that are being cleared up.
    recalled: HashSet<u64>,
    grouping: Grouping,
    queue: VecDeque<Ready>,
    unclear: Unclear,
    loading: bool,
    clearing: bool,
    sending: usize,
    /// Its own quota has ended it.
    stopped: bool,
    work: FuturesUnordered<BoxFuture<'a, Result<Event, Error>>>,
}

/// Carries out the rows of a lane, as far as the run goes.
pub(crate) async fn drive(run: &Run<'_>, lane: &Lane) -> Result<(), Error> {
    let mut driver = Driver {
        run,
        lane,
        page: Page::first(),
        has_more: true,
        recalled: HashSet::new(),
        grouping: Grouping::new(run.job.policy.in_order),
        queue: VecDeque::new(),
        unclear: Unclear::default(),
        loading: false,
        clearing: false,
        sending: 0,
        stopped: false,
        work: FuturesUnordered::new(),
    };
    driver.begin();
    let mut first_error = None;
    while let Some(event) = driver.work.next().await {
        match event {
            Ok(event) => driver.take(event),
            // What is on the wire is waited for: its outcome may still be kept.
            Err(error) => {
                run.brake.halt(Ended::Stopped(error.to_string()));
                first_error.get_or_insert(error);
            }
        }
        driver.begin();
    }
    first_error.map_or(Ok(()), Err)
}

impl<'a> Driver<'a> {
    fn may_send(&self) -> bool {
        !self.stopped && self.run.may_send()
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.sending == 0 && !self.clearing && !self.loading && self.unclear.is_empty()
    }

    /// Begins all that can be begun. Work is under way afterwards unless the lane has ended.
    fn begin(&mut self) {
        if self.may_send() {
            self.begin_loading();
            while let Some(ready) = self.next_ready() {
                self.begin_sending(ready);
                if !self.may_send() {
                    break;
                }
            }
        }
        self.begin_clearing();
    }

    fn begin_loading(&mut self) {
        if !self.has_more && self.page.is_recall() && self.is_idle() {
            (self.page, self.has_more) = (self.page.rows(), true);
        }
        let is_hungry = self.queue.len() < self.run.job.policy.concurrency && self.unclear.len() < MOST_WAITING;
        if !self.has_more || self.loading || !is_hungry {
            return;
        }
        self.loading = true;
        let (run, lane, page) = (self.run, self.lane, self.page);
        self.work.push(Box::pin(async move { Ok(Event::Loaded(load(run, lane, page).await?)) }));
    }

    /// The next request, if one may be sent now.
    fn next_ready(&mut self) -> Option<Ready> {
        let policy = self.run.job.policy;
        let most = if policy.in_order { 1 } else { policy.concurrency.max(1) };
        let waits_for_order = policy.in_order && (self.clearing || !self.unclear.is_empty());
        if self.sending >= most || waits_for_order {
            return None;
        }
        if self.queue.is_empty() && !self.has_more && !self.loading {
            self.queue.extend(self.grouping.take(&self.run.job.table).map(Ready::New));
        }
        self.queue.pop_front()
    }

    fn begin_sending(&mut self, ready: Ready) {
        match make(self.run, self.lane, ready) {
            Made::Request(parcel, composed) => {
                self.sending += 1;
                let (run, lane) = (self.run, self.lane);
                self.work.push(Box::pin(async move {
                    run.book.sending(&parcel).await?;
                    let parcel = parcel.left();
                    // Another lane may have ended the run while the journal was written.
                    if !run.may_send() {
                        return Ok(Event::Withheld(parcel));
                    }
                    let outcomes = deliver(run.job, lane, *composed, &parcel.writes).await;
                    Ok(Event::Answered(parcel, outcomes))
                }));
            }
            Made::Smaller(groups) => self.first(groups.into_iter().map(Ready::New).collect()),
            Made::Unclear(doubted) => self.unclear.doubted.push(doubted),
            Made::Nothing => {}
        }
    }

    /// Begins to clear up, when there is enough, or nothing else to do. A run that has ended only reads, if that.
    fn begin_clearing(&mut self) {
        if self.clearing || self.unclear.is_empty() {
            return;
        }
        let may_send = self.may_send();
        if !may_send && (self.stopped || !self.run.may_read()) {
            let unclear = std::mem::take(&mut self.unclear);
            return self.run.book.returned(unclear.surely_not_done());
        }
        let has_nothing_else = self.queue.is_empty() && self.sending == 0 && !self.loading;
        let is_due = || self.unclear.is_due(self.run.job.clock.elapsed(), PATIENCE);
        let in_order = self.run.job.policy.in_order && self.sending == 0;
        if !(in_order || has_nothing_else || !may_send || self.unclear.len() >= TOGETHER || is_due()) {
            return;
        }
        self.clearing = true;
        let (run, lane, unclear) = (self.run, self.lane, std::mem::take(&mut self.unclear));
        self.work.push(Box::pin(async move { Ok(Event::Cleared(clear(run, lane, unclear, may_send).await?)) }));
    }

    /// Takes what a piece of work has brought.
    fn take(&mut self, event: Event) {
        match event {
            Event::Loaded(loaded) => self.loaded(loaded),
            Event::Answered(parcel, outcomes) => {
                self.sending -= 1;
                let Sorted { ready, unclear, halt } = sort(self.run, parcel, outcomes);
                self.first(ready);
                self.unclear.add(unclear);
                self.halt(halt);
            }
            Event::Withheld(parcel) => {
                self.sending -= 1;
                self.run.book.returned(parcel.open.iter().map(|(_, item)| item));
            }
            Event::Cleared(cleared) => {
                self.clearing = false;
                self.first(cleared.ready);
                self.unclear.add(cleared.unclear);
                self.halt(cleared.halt);
            }
        }
    }

    fn loaded(&mut self, loaded: Loaded) {
        self.loading = false;
        (self.page, self.has_more) = (loaded.next, loaded.has_more);
        self.halt(loaded.halt);
        let recalled = &mut self.recalled;
        self.unclear
            .doubted
            .extend(loaded.doubted.into_iter().filter(|doubted| recalled.insert(doubted.parcel.number)));
        for item in loaded.items {
            let groups = self.grouping.add(&self.run.job.table, item);
            self.queue.extend(groups.into_iter().map(Ready::New));
        }
    }

    /// Puts what comes before all that waits, in the order of its rows.
    fn first(&mut self, mut ready: Vec<Ready>) {
        ready.sort_by_key(Ready::ordinal);
        for ready in ready.into_iter().rev() {
            self.queue.push_front(ready);
        }
    }

    fn halt(&mut self, halt: Option<Halt>) {
        let Some(Halt { why, said }) = halt else { return };
        self.stopped |= why == Why::Quota;
        self.run.brake.not_sent(why, said);
    }
}
