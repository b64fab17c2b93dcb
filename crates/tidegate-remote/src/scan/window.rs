//! OData's window on the result: `$top` for the rows wanted at first, then `$skip` for what is behind them.

use crate::render::Range;

/// `$top` of the first request after the rows wanted at first did not do. Each one after it is four times as
/// large: few calls, and no service is asked for a whole table because ten rows were not enough.
const SECOND_TOP: u64 = 1000;

/// The window, if the service has one and not all rows are wanted at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Rows wanted at first.
    wanted: Option<u64>,
    asked: Option<Asked>,
}

/// `$top` as it was sent, and what has come of it.
#[derive(Debug, Clone, Copy)]
struct Asked {
    top: u64,
    received: u64,
}

impl Window {
    pub(super) fn new(wanted: Option<u64>) -> Self {
        Self { wanted: wanted.filter(|&rows| rows > 0), asked: None }
    }

    /// For the first request.
    pub(super) fn first(&mut self) -> Range {
        self.asked = self.wanted.map(|top| Asked { top, received: 0 });
        Range { top: self.wanted, ..Range::default() }
    }

    /// For the rows behind those that were read.
    pub(super) fn next(&mut self, read: u64) -> Range {
        let top = self.asked.map_or(SECOND_TOP, |asked| asked.top.saturating_mul(4).max(SECOND_TOP));
        self.asked = Some(Asked { top, received: 0 });
        Range { skip: Some(read), top: Some(top), ..Range::default() }
    }

    pub(super) fn received(&mut self, rows: u64) {
        if let Some(asked) = &mut self.asked {
            asked.received += rows;
        }
    }

    /// Whether exactly `$top` rows came, so that there may be more.
    pub(super) fn is_full(&self) -> bool {
        self.asked.is_some_and(|asked| asked.received == asked.top)
    }
}
