//! A row on its way through a lane, and the requests that carry rows.

use std::time::{Duration, SystemTime};

use tidegate_remote::write::{RowOutcome, RowWrite, Way};

use crate::Row;
use crate::decide::{After, Doubt};

/// A row that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) row: Row,
    /// Whether an earlier request that carried it may have been acted on.
    pub(crate) in_doubt: bool,
    /// Key that its next request has to carry for this row, since an earlier one did.
    pub(crate) row_key: Option<String>,
    /// Whether it was selected anew in this run.
    pub(crate) reselected: bool,
    /// How often it was sent again in this run because nobody knew what became of it.
    pub(crate) repeats: u32,
    /// What the last answer said of it.
    pub(crate) said: Said,
}

impl Item {
    pub(crate) fn new(row: Row) -> Self {
        let said = Said { status: row.status, message: row.error.clone() };
        Self { row, in_doubt: false, row_key: None, reselected: false, repeats: 0, said }
    }

    /// To be sent by a new request, since what carried it before surely changed nothing. It stays in doubt if it was: what
    /// was read back may be older than what an answer says later.
    pub(crate) fn renewed(self) -> Self {
        Self { row_key: None, ..self }
    }
}

/// Rows that go into one request, before it is made.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) items: Vec<Item>,
    pub(crate) way: Way,
}

/// What a lane sends next.
#[derive(Debug)]
pub(crate) enum Ready {
    /// A new request.
    New(Group),
    /// The same request again, under the same key.
    Again(Parcel),
}

impl Ready {
    /// Its first row that has no outcome.
    pub(crate) fn ordinal(&self) -> Option<u64> {
        match self {
            Self::New(group) => group.items.first().map(|item| item.row.ordinal),
            Self::Again(parcel) => parcel.open.first().map(|(_, item)| item.row.ordinal),
        }
    }
}

/// A request that was sent, or is about to be: with what is needed to send the very same again.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// Its number in the journal.
    pub(crate) number: u64,
    pub(crate) way: Way,
    /// Key of the whole request, where the API has such keys and it may be sent again under it.
    pub(crate) key: Option<String>,
    /// Whether the API has keys of rows.
    pub(crate) has_row_keys: bool,
    pub(crate) digest: String,
    /// When it was first sent under its key.
    pub(crate) sent_at: SystemTime,
    /// Whether it was sent before.
    pub(crate) is_again: bool,
    /// All rows of it, as they were sent.
    pub(crate) writes: Vec<RowWrite>,
    /// Rows of it whose outcome is not known, with their places in it.
    pub(crate) open: Vec<(usize, Item)>,
}

impl Parcel {
    /// Key under which the API does the row at this place once.
    pub(crate) fn key_of(&self, place: usize) -> Option<String> {
        let row_key = || self.writes.get(place).filter(|_| self.has_row_keys).map(|write| write.row_key.clone());
        self.key.clone().or_else(row_key)
    }

    /// When this row was first sent under the key that it has now.
    pub(crate) fn first_sent(&self, item: &Item) -> SystemTime {
        item.row.sent_at.filter(|_| item.row_key.is_some()).unwrap_or(self.sent_at)
    }

    /// What an answer to it says of earlier requests that carried this row.
    pub(crate) fn doubt(&self, item: &Item) -> Doubt {
        match item.in_doubt {
            false => Doubt::None,
            true if self.is_again || item.row_key.is_some() => Doubt::Keyed,
            true => Doubt::Open,
        }
    }
}

/// Rows of one request that have to be cleared up.
#[derive(Debug)]
pub(crate) struct Doubted {
    pub(crate) parcel: Parcel,
    /// What comes after a row was found not to be done.
    pub(crate) after: After,
    /// [`tidegate_transport::Clock::elapsed`] before which nothing is tried, so that a late effect is seen.
    pub(crate) not_before: Duration,
}

/// What an answer says, for the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: Option<u16>,
    pub(crate) message: Option<String>,
}

impl Said {
    pub(crate) fn of(outcome: &RowOutcome) -> Self {
        Self { status: outcome.status, message: outcome.message.clone() }
    }

    /// As the end of a sentence.
    pub(crate) fn sentence(&self) -> String {
        match (&self.message, self.status) {
            (Some(message), _) => message.clone(),
            (None, Some(status)) => format!("the server answered {status}"),
            (None, None) => "the server said no more".to_owned(),
        }
    }
}
