//! The program's flags about plain pages, and about how bodies travel.

use clap::Args;
use tidegate_sim::{PastEnd, PlainOptions};

/// Pages, things and their encoding.
#[derive(Debug, Args)]
pub(crate) struct PageFlags {
    /// Plain pages repeat the last page for ever.
    #[arg(long)]
    repeat_last: bool,
    /// Plain pages tell how many rows and pages there are: X-Total-Count, X-Total-Pages.
    #[arg(long)]
    totals: bool,
    /// Fields of a thing.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(12..=999))]
    fields: u16,
    /// Plain pages are made once and kept in memory, for clients that are measured.
    #[arg(long)]
    prepared: bool,
    /// Compress bodies for clients that take gzip.
    #[arg(long)]
    pub(crate) gzip: bool,
}

impl PageFlags {
    pub(crate) fn plain(&self) -> PlainOptions {
        PlainOptions {
            past_end: if self.repeat_last { PastEnd::RepeatLast } else { PastEnd::Empty },
            totals: self.totals,
            fields: self.fields.into(),
            prepared: self.prepared,
        }
    }
}
