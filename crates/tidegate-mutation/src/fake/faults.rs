//! What goes wrong, by a seed.

/// Random numbers that are the same for a seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is answered.
    None,
    /// The connection breaks before anything is done.
    CutBefore,
    /// The connection breaks before the answer, and it is done.
    CutAfter,
    /// The connection breaks, and it is done a little later.
    CutLate,
    /// 503, and nothing is done.
    FailsBefore,
    /// 503, and it is done.
    FailsAfter,
}

/// How often requests go wrong, in thousandths.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pub(crate) random: Random,
    pub(crate) writes: u64,
    pub(crate) reads: u64,
    /// Longest time that an answer takes, in milliseconds.
    pub(crate) delay: u64,
}

impl Faults {
    /// Nothing goes wrong.
    pub(crate) fn none() -> Self {
        Self { random: Random::new(0), writes: 0, reads: 0, delay: 0 }
    }

    pub(crate) fn write(&mut self) -> Fault {
        if self.random.below(1_000) >= self.writes {
            return Fault::None;
        }
        let faults = [Fault::CutBefore, Fault::CutAfter, Fault::CutLate, Fault::FailsBefore, Fault::FailsAfter];
        faults[self.random.below(faults.len() as u64) as usize]
    }

    pub(crate) fn read(&mut self) -> Fault {
        let fails = self.random.below(1_000) < self.reads;
        let fault = if self.random.below(2) == 0 { Fault::CutBefore } else { Fault::FailsBefore };
        if fails { fault } else { Fault::None }
    }
}
