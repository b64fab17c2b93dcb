//! How many calls are sent at once where nobody says: additive increase, multiplicative decrease.

use serde::{Deserialize, Serialize};

use crate::Moment;

const START: f64 = 4.0;
const MOST: f64 = 64.0;

/// Most calls at once, as found out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pacing {
    #[serde(rename = "w")]
    window: f64,
    /// When it was last made smaller: what was sent before says nothing more.
    #[serde(rename = "c", default)]
    cut: Moment,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { window: START, cut: Moment::default() }
    }
}

/// What became of a call, for pacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It was answered in a usual time.
    Good,
    /// It took several times as long as others.
    Slow,
    /// The server was in trouble, or refused it.
    Bad,
}

impl Pacing {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 64")]
    pub(super) fn most(&self) -> u64 {
        self.window.clamp(1.0, MOST) as u64
    }

    /// A call that was sent at `sent` is over, and `at_once` were under way with it.
    pub(super) fn saw(&mut self, sign: Sign, sent: Moment, now: Moment, at_once: u64) {
        let is_full = at_once >= self.most();
        let (factor, least) = match sign {
            Sign::Good if is_full => {
                self.window = (self.window + 1.0 / self.window).min(MOST);
                return;
            }
            // Where times vary, a slow answer is no sign of trouble: so never below the start.
            Sign::Slow if is_full => (0.9, START.min(self.window)),
            Sign::Bad => (0.5, 1.0),
            _ => return,
        };
        if sent >= self.cut {
            self.window = (self.window * factor).max(least);
            self.cut = now;
        }
    }
}
