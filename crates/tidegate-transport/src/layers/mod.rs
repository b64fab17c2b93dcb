//! The layers, a file each. `lib.rs` says in which order they stand and why.

mod auth;
mod cache;
mod collect;
mod exchange;
mod fault;
mod http;
mod observe;
mod origin;
mod quota;
mod record;
mod redirect;
mod replay;
mod retry;

pub use self::auth::{Auth, Credentials, TokenSource};
pub use self::cache::{Cache, HttpCache};
pub use self::collect::Collect;
pub use self::fault::{Fault, FaultScript, FaultStep};
pub use self::http::{Http, HttpOptions};
pub use self::observe::Observe;
pub use self::origin::OriginGuard;
pub use self::quota::{Meter, Throttle, ThrottledBody};
pub use self::record::{Record, Recorder};
pub use self::redirect::{MAX_REDIRECTS, Redirect};
pub use self::replay::Replay;
pub use self::retry::{MAX_THROTTLED, Retry, RetryPolicy, retry_after};
