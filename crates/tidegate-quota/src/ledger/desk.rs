//! What tasks want of the store, in order, and who sees to it.
//!
//! Tasks post jobs. Whoever finds nobody at work takes all that was posted and does it in one update, so that many tasks
//! cost few updates. A task that is dropped meanwhile leaves its work to the runtime: an update that has begun is
//! finished, and what it granted is given back by whoever holds it then.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::batch::Job;
use super::shared::{Done, Shared};
use crate::{Error, Result};

/// Jobs of one update at most.
const AT_ONCE: usize = 64;

/// Jobs that wait to be done.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    posted: VecDeque<Posted>,
    /// Whether somebody is at work.
    is_busy: bool,
}

/// A job, and who waits for it.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) job: Job,
    /// `None` when nobody does.
    pub(crate) reply: Option<oneshot::Sender<Result<Done>>>,
    /// Whether it is to be done without waiting for another job.
    is_urgent: bool,
}

/// The right to work. Given up before its end, it fails those who wait, since nobody else would.
struct Turn {
    shared: Arc<Shared>,
    is_over: bool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a job to the next update.
    pub(crate) fn leave(&self, job: Job) {
        self.lock().posted.push_back(Posted { job, reply: None, is_urgent: false });
    }

    /// Puts jobs back whose update failed, before all others. Nobody waits for them any more.
    pub(crate) fn put_back(&self, jobs: Vec<Job>) {
        let mut queue = self.lock();
        for job in jobs.into_iter().rev() {
            queue.posted.push_front(Posted { job, reply: None, is_urgent: false });
        }
    }

    /// All that is posted, more than one update does.
    pub(crate) fn take_all(&self) -> Vec<Posted> {
        self.lock().posted.drain(..).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().posted.is_empty()
    }

    /// Whether nothing is posted and nobody is at work.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = self.lock();
        queue.posted.is_empty() && !queue.is_busy
    }

    fn take(&self) -> Vec<Posted> {
        let mut queue = self.lock();
        let many = queue.posted.len().min(AT_ONCE);
        queue.posted.drain(..many).collect()
    }
}

impl Turn {
    /// Ends the turn if nothing is to be done.
    fn ends(&mut self) -> bool {
        let mut queue = self.shared.desk.lock();
        self.is_over = !queue.posted.iter().any(|posted| posted.is_urgent);
        queue.is_busy = !self.is_over;
        self.is_over
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut queue = self.shared.desk.lock();
        queue.is_busy = false;
        queue.posted.retain(|posted| posted.reply.is_none());
    }
}

/// Posts a job and waits until it is done.
pub(crate) async fn ask(shared: &Arc<Shared>, job: Job) -> Result<Done> {
    let (reply, done) = oneshot::channel();
    let turn = {
        let mut queue = shared.desk.lock();
        queue.posted.push_back(Posted { job, reply: Some(reply), is_urgent: true });
        turn(shared, &mut queue)
    };
    if let Some(turn) = turn {
        Working { work: Some(Box::pin(work(turn))) }.await;
    }
    done.await.map_err(|_| Error::interrupted())?
}

/// Posts a job that nobody waits for, and has it done soon.
pub(crate) fn post(shared: &Arc<Shared>, job: Job) {
    shared.desk.lock().posted.push_back(Posted { job, reply: None, is_urgent: true });
    run(shared);
}

/// Has what was posted done by the runtime, if there is one and nobody is at work. Without a runtime it is done with
/// the next job.
pub(crate) fn run(shared: &Arc<Shared>) {
    let Ok(runtime) = Handle::try_current() else { return };
    let turn = turn(shared, &mut shared.desk.lock());
    if let Some(turn) = turn {
        runtime.spawn(work_on(turn));
    }
}

fn turn(shared: &Arc<Shared>, queue: &mut Queue) -> Option<Turn> {
    let is_mine = !std::mem::replace(&mut queue.is_busy, true);
    is_mine.then(|| Turn { shared: Arc::clone(shared), is_over: false })
}

/// Does one update, and leaves the rest to the runtime.
async fn work(mut turn: Turn) {
    if turn.shared.clock.is_real() {
        // A task that has several calls under way posts them one after the other: all of them are one update.
        tokio::task::yield_now().await;
    }
    turn.shared.run_batch(turn.shared.desk.take()).await;
    if turn.ends() {
        return;
    }
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work_on(turn))),
        Err(_) => work_on(turn).await,
    }
}

/// Does all updates that are wanted.
async fn work_on(mut turn: Turn) {
    loop {
        turn.shared.run_batch(turn.shared.desk.take()).await;
        if turn.ends() {
            return;
        }
    }
}

/// Work that goes on when the task that began it is dropped.
struct Working {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Future for Working {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let done = work.as_mut().poll(context);
        if done.is_ready() {
            self.work = None;
        }
        done
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}
