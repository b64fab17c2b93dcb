//! One lane: the rows of a partition on their way from the journal to the API, so many requests at a time.
//!
//! Doubtful rows of earlier runs come first. A request is made, written into the journal together with others, and leaves
//! when there is room for it on the wire; `ahead` says how many may be written before there is.
//!
//! Whatever waits (pages of the journal, requests, clearing up) is one of several pieces of work under way; what they bring
//! decides, without waiting, what is begun next. Nothing is lost when a lane is dropped at any moment: what matters is on
//! disk.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tidegate_remote::write::{Composed, RowOutcome, Why};

use crate::ahead::{Foresight, Window};
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

/// A request that is ready to leave once its rows are on disk as sent.
type Leaving = (Parcel, Box<Composed>);

/// What a piece of work has brought.
enum Event {
    Loaded(Loaded),
    /// Rows of these requests are on disk as sent.
    Written(Vec<Leaving>),
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
    window: Window,
    foresight: Foresight,
    /// Requests that are being written into the journal.
    writing: usize,
    /// Requests that wait for room on the wire.
    written: VecDeque<Leaving>,
    unclear: Unclear,
    loading: bool,
    clearing: bool,
    /// Requests on the wire.
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
        window: Window::new(run.job.policy),
        foresight: Foresight::default(),
        writing: 0,
        written: VecDeque::new(),
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

    /// Requests that are on disk as sent, or are about to be, and have no answer.
    fn open(&self) -> usize {
        self.writing + self.written.len() + self.sending
    }

    /// Whether nothing is left to do but to clear up.
    fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.open() == 0 && !self.loading
    }

    fn is_idle(&self) -> bool {
        self.is_quiet() && !self.clearing && self.unclear.is_empty()
    }

    /// Begins all that can be begun. Work is under way afterwards unless the lane has ended.
    fn begin(&mut self) {
        if self.may_send() {
            self.begin_loading();
            self.begin_sending();
            self.begin_writing();
        }
        if !self.may_send() {
            self.withhold();
        }
        self.begin_clearing();
    }

    fn begin_loading(&mut self) {
        if !self.has_more && self.page.is_recall() && self.is_idle() {
            (self.page, self.has_more) = (self.page.rows(), true);
        }
        let is_hungry = self.queue.len() < self.window.most() && self.unclear.len() < MOST_WAITING;
        if !self.has_more || self.loading || !is_hungry {
            return;
        }
        self.loading = true;
        let (run, lane, page) = (self.run, self.lane, self.page);
        self.work.push(Box::pin(async move { Ok(Event::Loaded(load(run, lane, page).await?)) }));
    }

    /// Sends what is written, as far as there is room on the wire.
    fn begin_sending(&mut self) {
        while self.sending < self.window.wire()
            && let Some((parcel, composed)) = self.written.pop_front()
        {
            self.sending += 1;
            let (run, lane) = (self.run, self.lane);
            self.work.push(Box::pin(async move {
                // Another lane may have ended the run meanwhile.
                if !run.may_send() {
                    return Ok(Event::Withheld(parcel));
                }
                let outcomes = deliver(run.job, lane, *composed, &parcel.writes).await;
                Ok(Event::Answered(parcel, outcomes))
            }));
        }
    }

    /// Makes the next requests, and writes their rows into the journal together.
    fn begin_writing(&mut self) {
        if !self.window.is_short(self.open()) {
            return;
        }
        let mut leaving: Vec<Leaving> = Vec::new();
        while self.may_send()
            && let Some(ready) = self.next_ready()
        {
            match make(self.run, self.lane, ready) {
                Made::Request(parcel, composed) => {
                    self.writing += 1;
                    leaving.push((parcel, composed));
                }
                Made::Smaller(groups) => self.first(groups.into_iter().map(Ready::New).collect()),
                Made::Unclear(doubted) => self.unclear.doubted.push(doubted),
                Made::Nothing => {}
            }
        }
        if leaving.is_empty() {
            return;
        }
        let run = self.run;
        self.work.push(Box::pin(async move {
            run.book.sending(leaving.iter().map(|(parcel, _)| parcel)).await?;
            let left = leaving.into_iter().map(|(parcel, composed)| (parcel.left(), composed));
            Ok(Event::Written(left.collect()))
        }));
    }

    /// The next request, if one may be written now.
    fn next_ready(&mut self) -> Option<Ready> {
        let waits_for_order = self.run.job.policy.in_order && (self.clearing || !self.unclear.is_empty());
        if waits_for_order || !self.window.has_room(self.open(), true) {
            return None;
        }
        let table = &self.run.job.table;
        if self.queue.is_empty() && !self.has_more && !self.loading {
            self.queue.extend(self.grouping.take(table).map(Ready::New));
        }
        let may_be_ahead = self.foresight.may_be_ahead(table, self.queue.front()?);
        if !self.window.has_room(self.open(), may_be_ahead) {
            return None;
        }
        self.queue.pop_front()
    }

    /// Gives back what was written and has not left.
    fn withhold(&mut self) {
        for (parcel, _) in std::mem::take(&mut self.written) {
            self.run.book.returned(parcel.open.iter().map(|(_, item)| item));
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
        let is_due = || self.unclear.is_due(self.run.job.clock.elapsed(), PATIENCE);
        let in_order = self.run.job.policy.in_order && self.open() == 0;
        if !(in_order || self.is_quiet() || !may_send || self.unclear.len() >= TOGETHER || is_due()) {
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
            Event::Written(leaving) => {
                self.writing -= leaving.len();
                self.written.extend(leaving);
            }
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
