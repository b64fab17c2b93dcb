//! Waiting for room: who tries when, for how long, and who is told.

use std::sync::Arc;
use std::time::Duration;

use super::Patience;
use super::batch::{Job, Place};
use super::desk;
use super::grant::Grant;
use super::lanes::{Expected, Lanes, Role, Spot};
use super::shared::{Done, Shared};
use crate::scope::{Decision, Now};
use crate::{Answer, Call, Error, Never, Refusal, Result, ScopeUse, Wait};

/// Shortest pause, in case a time has come and yet there is no room.
const SHORTEST: Duration = Duration::from_millis(1);

/// One call's way to its grant.
pub(crate) struct Acquiring<'a> {
    shared: &'a Arc<Shared>,
    call: &'a Arc<Call>,
    spend: Option<Arc<str>>,
    wait: Waiting<'a>,
}

/// What a try came to.
enum Tried {
    Granted(Grant),
    Never(Never),
    Wait(Expected),
}

impl<'a> Acquiring<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, call: &'a Arc<Call>, patience: Patience<'a>) -> Result<Self> {
        let spend = call.spend.as_ref().map(|key| key.entry(shared.clock.now())).transpose()?.map(Arc::from);
        Ok(Self { shared, call, spend, wait: Waiting::new(shared, patience) })
    }

    pub(crate) async fn run(self) -> Result<Answer> {
        let lane = self.shared.lanes.of(self.call);
        let arrival = self.shared.lanes.arrival();
        if !self.shared.lanes.has(lane) {
            match self.attempt(None).await? {
                Tried::Granted(grant) => return Ok(Answer::Granted(self.wait.end(grant))),
                Tried::Never(never) => return Ok(Answer::Refused(Refusal::Never(never))),
                Tried::Wait(expected) if self.wait.is_too_long(&expected) => {
                    return Ok(Answer::Refused(Refusal::Wait(expected.wait)));
                }
                Tried::Wait(_) => {}
            }
        }
        let spot = Lanes::enter(self.shared, lane, self.call, arrival);
        self.queue(spot).await
    }

    /// Waits in a lane.
    async fn queue(mut self, spot: Spot) -> Result<Answer> {
        let mut polls = 0;
        loop {
            if spot.is_first()
                && let Some(grant) = self.shared.next_of_run(self.call)
            {
                spot.served(self.shared.terms.linger);
                return Ok(Answer::Granted(self.wait.end(grant)));
            }
            let (expected, is_first) = match spot.role() {
                Role::Told(expected) => (Some(self.as_of_now(expected)), true),
                Role::First(place) => match self.attempt(Some(place)).await? {
                    Tried::Granted(grant) => {
                        spot.granted();
                        return Ok(Answer::Granted(self.wait.end(grant)));
                    }
                    Tried::Never(never) => return Ok(Answer::Refused(Refusal::Never(never))),
                    Tried::Wait(expected) => {
                        spot.expect(&expected, !self.shared.clock.is_real());
                        (Some(expected), true)
                    }
                },
                Role::Behind(expected) => (expected.map(|expected| self.as_of_now(expected)), false),
            };
            if let Some(expected) = &expected {
                if self.wait.is_too_long(expected) {
                    return Ok(Answer::Refused(Refusal::Wait(expected.wait.clone())));
                }
                self.wait.tell(expected);
            }
            polls = if expected.as_ref().is_some_and(|expected| expected.at.is_none()) { polls + 1 } else { 0 };
            let pause = self.pause(expected.as_ref(), polls, is_first);
            let is_timed = expected.is_some_and(|expected| expected.at.is_some());
            if self.wait.pause(&spot, pause, is_timed).await {
                polls = 0;
            }
        }
    }

    async fn attempt(&self, place: Option<Place>) -> Result<Tried> {
        let (call, lease) = (Arc::clone(self.call), self.shared.id());
        // Leases that wait for calls of their own must not keep this one waiting.
        self.shared.end_runs(|other| is_paced_with(other, &call));
        let ahead = self.shared.timeline.now().map_or(0, |now| self.shared.runs.wanted(&call, now.at));
        let job = Job::Try { call, lease, place, spend: self.spend.clone(), ahead };
        let scope = |place: usize| self.call.scopes.get(place).map(|scope| scope.key.clone());
        let unknown = || Error::new("the ledger named a scope that the call does not have; please report this");
        match desk::ask(self.shared, job).await? {
            Done::Granted(grant) => Ok(Tried::Granted(grant)),
            Done::Denied(Decision::Never { scope: place, quota, limit, needs }, _) => {
                Ok(Tried::Never(Never { quota, scope: scope(place).ok_or_else(unknown)?, limit, needs }))
            }
            Done::Denied(Decision::Wait { scope: place, quota, at, because }, now) => {
                let (after, until) = (at.map(|at| at.since(now.at)), at.map(|at| now.wall_of(at)));
                let wait = Wait { quota, scope: scope(place).ok_or_else(unknown)?, after, until, because };
                Ok(Tried::Wait(Expected { wait, at, asked: now.at }))
            }
            Done::Denied(Decision::Granted, _) | Done::Written => Err(Error::interrupted()),
        }
    }

    /// What another was told some time ago.
    fn as_of_now(&self, mut expected: Expected) -> Expected {
        let now: Option<Now> = self.shared.timeline.now();
        expected.wait.after = expected.at.zip(now).map(|(at, now)| at.since(now.at)).or(expected.wait.after);
        expected
    }

    /// How long to wait before looking again.
    fn pause(&self, expected: Option<&Expected>, polls: u32, is_first: bool) -> Pause {
        let terms = &self.shared.terms;
        let after = expected.and_then(|expected| expected.wait.after);
        match (is_first, after) {
            (true, Some(after)) => Pause::For(after.clamp(SHORTEST, terms.look)),
            (true, None) => {
                // Each look is a write; many that wait look less often.
                let many = u32::try_from(self.shared.lanes.count() / 16).unwrap_or(u32::MAX).max(1);
                let (shortest, longest) = terms.poll;
                Pause::Poll((shortest * 2_u32.saturating_pow(polls.min(10).saturating_sub(1))).min(longest) * many)
            }
            (false, _) => Pause::Behind(self.wait.left(after.is_some()).clamp(SHORTEST, terms.look)),
        }
    }
}

/// Whether the calls under way of one are counted for the other.
fn is_paced_with(one: &Call, other: &Call) -> bool {
    let is_paced = |scope: &ScopeUse| scope.is_paced && one.scopes.iter().any(|of| of.is_paced && of.key == scope.key);
    other.scopes.iter().any(is_paced)
}

/// How a waiting call waits.
#[derive(Debug, Clone, Copy)]
enum Pause {
    /// Until a time.
    For(Duration),
    /// For something that happens elsewhere.
    Poll(Duration),
    /// For another of this process.
    Behind(Duration),
}

/// How long was waited, and who is told.
struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    patience: Patience<'a>,
    /// Waited for times, and for calls under way.
    timed: Duration,
    untimed: Duration,
    told: Option<Expected>,
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Arc<Shared>, patience: Patience<'a>) -> Self {
        Self { shared, patience, timed: Duration::ZERO, untimed: Duration::ZERO, told: None }
    }

    /// Whether patience does not suffice.
    fn is_too_long(&self, expected: &Expected) -> bool {
        match expected.wait.after {
            Some(after) => self.timed + after > self.patience.at_most,
            None => self.left(false).is_zero(),
        }
    }

    /// Patience that is left.
    fn left(&self, is_timed: bool) -> Duration {
        let at_most = self.patience.at_most;
        match is_timed {
            true => at_most.saturating_sub(self.timed),
            false => at_most.max(self.shared.terms.stuck).saturating_sub(self.untimed),
        }
    }

    fn tell(&mut self, expected: &Expected) {
        if self.told.as_ref().is_none_or(|told| !told.is_like(expected)) {
            (self.patience.on_wait)(Some(&expected.wait));
            self.told = Some(expected.clone());
        }
    }

    /// Waits; tells whether it was woken.
    async fn pause(&mut self, spot: &Spot, pause: Pause, is_timed: bool) -> bool {
        let clock = &self.shared.clock;
        let before = clock.elapsed();
        let is_woken = match pause {
            Pause::Behind(_) if !clock.is_real() => {
                spot.wake.notified().await;
                true
            }
            // What happens elsewhere takes real time, in which a clock that stands still must not run ahead.
            Pause::Poll(pause) if !clock.is_real() => {
                let is_woken = tokio::time::timeout(pause, spot.wake.notified()).await.is_ok();
                if !is_woken {
                    clock.sleep(pause).await;
                }
                is_woken
            }
            Pause::For(pause) | Pause::Poll(pause) | Pause::Behind(pause) => {
                tokio::select! {
                    biased;
                    () = spot.wake.notified() => true,
                    () = clock.sleep(pause) => false,
                }
            }
        };
        let waited = clock.elapsed().saturating_sub(before);
        *(if is_timed { &mut self.timed } else { &mut self.untimed }) += waited;
        is_woken
    }

    fn end(self, grant: Grant) -> Grant {
        grant.deliver(self.timed + self.untimed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.told.is_some() {
            (self.patience.on_wait)(None);
        }
    }
}
