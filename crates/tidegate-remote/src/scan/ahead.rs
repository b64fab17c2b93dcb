//! Requests that are under way before their turn: the reader has said that it is going to read their pages.
//!
//! They are sent by a task of their own, so that they do not time out while the reader is busy with the pages before
//! them; it ends, and gives up what is under way, when the scan is dropped. It sends them in the order in which they were
//! asked for. An answer is taken only for the very request that the scan makes in its turn: what the pager, the loop
//! guard and the other checks see is what they would see of one page after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tidegate_spec::Place;
use tidegate_transport::{Operation, Sent};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::paging::{Ask, Foresight};
use crate::call::{self, Answer};
use crate::render::{Outgoing, Range};
use crate::{ErrorKind, Source};

/// What is under way for one scan.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Requests at once, at least one.
    most: usize,
    /// In the order of their turns.
    under_way: VecDeque<UnderWay>,
    /// Behind the last of them.
    foresight: Option<Foresight>,
    /// To the task that sends them, once there is one.
    jobs: Option<mpsc::UnboundedSender<Job>>,
}

/// What a request for a page is written from, beside what all requests of the scan say.
pub(super) type Said = (Range, Vec<(Place, String)>);

#[derive(Debug)]
struct UnderWay {
    request: Arc<Outgoing>,
    /// What it was written from, if it was foreseen.
    said: Option<Said>,
    early: Early,
}

/// The answer to a request that was sent before its turn.
#[derive(Debug)]
pub(super) struct Early {
    /// Whether pages in front of it had not come when it was sent.
    pub(super) is_foreseen: bool,
    answer: oneshot::Receiver<Result<Answer, ErrorKind>>,
}

/// One request to send.
#[derive(Debug)]
struct Job {
    request: Outgoing,
    operation: Operation,
    answer: oneshot::Sender<Result<Answer, ErrorKind>>,
}

impl Ahead {
    /// Room for `most` requests; `None` for none.
    pub(super) fn new(most: usize) -> Option<Self> {
        (most > 0).then(|| Self { most, under_way: VecDeque::new(), foresight: None, jobs: None })
    }

    /// Number of requests under way.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether one more may be put behind those that are under way.
    pub(super) fn has_room(&self) -> bool {
        (1..self.most).contains(&self.under_way.len())
    }

    /// Whether this request is the next one under way. If another is, none of them is of use: all are given up.
    pub(super) fn has_next(&mut self, request: &Arc<Outgoing>) -> bool {
        let is_same = |next: &Arc<Outgoing>| Arc::ptr_eq(next, request) || next == request;
        let is_next = self.under_way.front().is_some_and(|next| is_same(&next.request));
        if !is_next {
            self.give_up();
        }
        is_next
    }

    /// The next request under way, if it was written from this: it need not be written again to be known.
    pub(super) fn written(&self, said: &Said) -> Option<Arc<Outgoing>> {
        let next = self.under_way.front().filter(|next| next.said.as_ref() == Some(said))?;
        Some(Arc::clone(&next.request))
    }

    /// Gives up all that is under way: what the scan's requests say has changed.
    pub(super) fn give_up(&mut self) {
        self.under_way.clear();
        self.foresight = None;
    }

    /// The next request that is foreseen, behind those that are under way. `now` foresees from the last of them on.
    pub(super) fn foresee(&mut self, total: Option<u64>, now: impl FnOnce() -> Option<Foresight>) -> Option<Ask> {
        if self.foresight.is_none() && self.under_way.len() == 1 {
            self.foresight = now();
        }
        self.foresight.as_mut()?.next(total)
    }

    /// Sends a request behind those that are under way, and tells whether it could: outside of a runtime it is left to
    /// its turn.
    pub(super) fn send(
        &mut self,
        source: &Source,
        request: Arc<Outgoing>,
        said: Option<Said>,
        operation: Operation,
    ) -> bool {
        let Some(jobs) = self.jobs.take().or_else(|| start(source)) else { return false };
        let is_foreseen = !self.under_way.is_empty();
        let (sender, answer) = oneshot::channel();
        let job = Job { request: Outgoing::clone(&request), operation, answer: sender };
        let is_sent = jobs.send(job).is_ok();
        if is_sent {
            self.under_way.push_back(UnderWay { request, said, early: Early { is_foreseen, answer } });
            self.jobs = Some(jobs);
        }
        is_sent
    }

    /// The answer to this request, if it is under way.
    pub(super) fn take(&mut self, request: &Arc<Outgoing>) -> Option<Early> {
        let is_next = self.has_next(request);
        self.under_way.pop_front().filter(|_| is_next).map(|next| next.early)
    }
}

impl Early {
    pub(super) async fn answer(self) -> Result<Answer, ErrorKind> {
        let lost = || {
            let what = "the task that sends requests ended before this one was answered; run the query again";
            tidegate_transport::Error::new(tidegate_transport::ErrorKind::Broken, Sent::Maybe, what).into()
        };
        self.answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Job {
    /// Sends the request, unless nobody waits for its answer any more.
    async fn run(mut self, source: &Source) {
        let answer = tokio::select! {
            biased;
            () = self.answer.closed() => return,
            answer = call::send(source, self.request, self.operation) => answer,
        };
        self.answer.send(answer).ok();
    }
}

/// A task that sends what it is given.
fn start(source: &Source) -> Option<mpsc::UnboundedSender<Job>> {
    let (jobs, received) = mpsc::unbounded_channel();
    Handle::try_current().ok()?.spawn(send_all(source.clone(), received));
    Some(jobs)
}

/// Sends what it is given until its scan is dropped.
async fn send_all(source: Source, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            job = jobs.recv() => match job {
                Some(job) => under_way.push(job.run(&source)),
                None => return,
            },
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    }
}
