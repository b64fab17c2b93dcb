//! Simulated SaaS APIs with deterministic data, quotas, faults and a request log.
//!
//! For tests, the demonstration and benchmarks. It shares no code with the engine, so that the two
//! cannot agree on a misreading of a protocol: `$filter` is parsed and evaluated here from the
//! specification alone.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use tidegate_sim::{Config, Fault, Match, Sim};
//!
//! let sim = Sim::start(Config { rows: 5_000, page_size: 100, ..Config::default() }).await?;
//! sim.faults(vec![Fault::status(Match::Path("Orders".into()), 503).times(1)]);
//! let root = sim.url(); // http://127.0.0.1:port/odata/v4/
//! // … let the software under test work …
//! assert!(sim.requests().iter().all(|r| r.path.starts_with(root.path())));
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod admit;
mod caching;
mod clock;
mod config;
mod data;
mod effect;
mod encoding;
mod fault;
mod handle;
mod library;
mod log;
mod looks;
mod net;
mod odata;
mod plain;
mod quota;
mod reply;
mod rest;
mod server;
mod store;

pub use clock::{Clock, ManualClock};
pub use config::{
    Apply, Auth, Caching, Capability, Collation, Config, ETags, NextLinks, ODataOptions, PastEnd, PlainOptions,
    RestOptions, Shape, Unwanted,
};
pub use effect::{Effect, EffectKind};
pub use fault::{Fault, Match, RandomFaults, RedirectTo, RetryAfter, What};
pub use log::LoggedRequest;
pub use quota::{Cost, Counts, Dialect, OtherClient, Quota, QuotaState, ResetForm, Rule, Throttled};
pub use server::Sim;
