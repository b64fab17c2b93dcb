//! A number that is not known yet, with the bounds that are.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// A number of calls or rows. `low <= expected <= high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// It is surely no less.
    pub low: u64,
    /// What is expected.
    pub expected: u64,
    /// It is surely no more; `u64::MAX` where nothing bounds it.
    pub high: u64,
}

impl Estimate {
    /// None at all.
    pub const ZERO: Self = Self::exact(0);

    /// Just this.
    #[must_use]
    pub const fn exact(number: u64) -> Self {
        Self { low: number, expected: number, high: number }
    }

    /// About so many, and anything is possible.
    #[must_use]
    pub const fn about(expected: u64) -> Self {
        Self { low: 0, expected, high: u64::MAX }
    }

    /// Each of the three by `function`, which must not fall.
    #[must_use]
    pub fn map(self, function: impl Fn(u64) -> u64) -> Self {
        let high = if self.high == u64::MAX { u64::MAX } else { function(self.high) };
        Self { low: function(self.low), expected: function(self.expected), high }
    }

    /// At most `most`.
    #[must_use]
    pub fn at_most(self, most: u64) -> Self {
        Self { low: self.low.min(most), expected: self.expected.min(most), high: self.high.min(most) }
    }

    /// The same, but nothing of it may be needed.
    #[must_use]
    pub const fn perhaps(self) -> Self {
        Self { low: 0, ..self }
    }

    /// The same, but nothing is sure up to `high`.
    #[must_use]
    pub const fn up_to(self, high: u64) -> Self {
        Self { low: 0, expected: self.expected, high }
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: u64) -> Self {
        self.map(|number| number.saturating_mul(factor))
    }
}

impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            low: self.low.saturating_add(other.low),
            expected: self.expected.saturating_add(other.expected),
            high: self.high.saturating_add(other.high),
        }
    }
}

impl Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(estimates: I) -> Self {
        estimates.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { low, high, .. } if low == high => write!(f, "{low}"),
            Self { low, expected, high: u64::MAX } => write!(f, "{low}/{expected}/?"),
            Self { low, expected, high } => write!(f, "{low}/{expected}/{high}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept() {
        let some = Estimate { low: 1, expected: 10, high: u64::MAX };
        assert_eq!(some + Estimate::exact(5), Estimate { low: 6, expected: 15, high: u64::MAX });
        assert_eq!(some.times(3), Estimate { low: 3, expected: 30, high: u64::MAX });
        assert_eq!(some.at_most(5), Estimate { low: 1, expected: 5, high: 5 });
        assert_eq!([some, some].into_iter().sum::<Estimate>().expected, 20);
        assert_eq!([Estimate::exact(7), some, some.at_most(12)].map(|one| one.to_string()), ["7", "1/10/?", "1/10/12"]);
    }
}
