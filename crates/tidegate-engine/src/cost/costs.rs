//! What a prediction goes by, beside the plan.

/// How far the reader of some rows reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// To their end.
    End,
    /// Perhaps to their end.
    Perhaps,
    /// Until it has so many, or to their end.
    Rows(u64),
}

impl Until {
    /// Whether it may end early.
    pub(crate) fn may_stop(self) -> bool {
        self != Self::End
    }

    /// The same where the reader reads at most `rows` of them.
    pub(crate) fn at_most(self, rows: u64) -> Self {
        match self {
            Self::Rows(fewer) => Self::Rows(fewer.min(rows)),
            Self::End | Self::Perhaps => Self::Rows(rows),
        }
    }

    /// The same of rows of which it is not known how many make one that is read.
    pub(crate) fn of_others(self) -> Self {
        if self.may_stop() { Self::Perhaps } else { Self::End }
    }
}

/// What a prediction goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Costs {
    /// How far the rows are read.
    pub(crate) until: Until,
    /// Whether `low` is raised by what was seen lately. Otherwise it is what will surely be sent.
    pub(crate) believes: bool,
    /// Whether only the first rows in an order are wanted, which are sorted here.
    pub(crate) sorts_first: bool,
}

impl Costs {
    /// What is expected, by all that is known.
    pub(crate) const EXPECTED: Self = Self { until: Until::End, believes: true, sorts_first: false };

    /// What is sure.
    pub(crate) const SURE: Self = Self { believes: false, ..Self::EXPECTED };

    /// The same for rows that are read so far.
    pub(crate) fn reading(self, until: Until) -> Self {
        Self { until, ..self }
    }
}
