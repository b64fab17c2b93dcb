//! Quotas of metered APIs, and the ledger of what was spent in them.
//!
//! An API sets several limits at once: calls a minute, calls a day, points a second, calls at the same time, errors an
//! hour. Each is a [`Quota`]; who shares its counters is a [`ScopeKey`]. A [`Call`] names all quotas that it comes out
//! of, and [`Ledger::acquire`] grants it when every one of them has room, says until when to wait, or that it never
//! fits. [`Ledger::settle`] puts in what became of it: the server's own figures, which know of other clients, are
//! merged with what was counted here, which knows of calls that are still under way.
//!
//! Being refused is a value with a time ([`Wait`]), not an error; "never fits" is another type ([`Never`]).
//!
//! Relies on a [`Clock`] and a [`Store`], both handed in. Knows neither HTTP nor SQL nor manifests: `tidegate-transport`
//! turns responses into [`Settlement`]s. The arithmetic (`scope`, `meter`) is pure: time is an argument.

mod answer;
mod call;
mod clock;
mod error;
mod ledger;
mod meter;
mod moment;
mod quota;
mod scope;
mod settlement;
mod spend;
mod store;
mod timeline;
mod view;

pub use answer::{Answer, Because, Grant, Never, Refusal, Wait};
pub use call::{Call, Priority, ScopeKey, ScopeUse};
pub use clock::{Clock, SystemClock, TestClock, Uptime};
pub use error::{Error, ErrorKind, Result};
pub use ledger::{Ledger, Patience};
pub use moment::Moment;
pub use quota::{Limit, Quota, Unit, Window};
pub use settlement::{Fate, Observation, Settlement, Throttling};
pub use spend::{Spend, SpendKey};
pub use store::{Change, FolderStore, MemoryStore, Slot, Store};
pub use view::{MeterView, ScopeView, Source};
