//! How many requests of one scan are under way at once. Quotas and concurrency limits are kept further down.

use super::fanout::AT_ONCE;

/// Requests of one partition that are under way at once.
const OF_ONE: usize = 8;

/// What a scan does side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// Segments of a partition that are read at once.
    pub(super) segments: usize,
    /// Requests of a segment that may be under way before their turn; 0 for a reader that may stop anywhere.
    pub(super) ahead: usize,
}

impl Pace {
    /// Nothing is asked for before it is needed.
    pub(super) const IN_TURN: Self = Self { segments: 1, ahead: 0 };

    /// For a reader that reads to the end: segments before pages, since each has its first page to ask for, whatever is
    /// known of it. Together the partitions have no more under way than one request each where there are many.
    pub(super) fn of(partitions: usize, segments: usize) -> Self {
        let each = (AT_ONCE / partitions.clamp(1, AT_ONCE)).min(OF_ONE);
        let segments = segments.clamp(1, each);
        Self { segments, ahead: each / segments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_has_so_many_requests_under_way() {
        let cases = [
            ((1, 1), (1, 8)),
            ((1, 2), (2, 4)),
            ((1, 3), (3, 2)),
            ((1, 8), (8, 1)),
            ((1, 10_000), (8, 1)),
            ((4, 1), (1, 8)),
            ((8, 100), (4, 1)),
            ((20, 5), (1, 1)),
            ((32, 1), (1, 1)),
            ((5_000, 7), (1, 1)),
        ];
        for ((partitions, parts), (segments, ahead)) in cases {
            assert_eq!(Pace::of(partitions, parts), Pace { segments, ahead }, "{partitions} × {parts}");
        }
    }
}
