//! Marks a scope around each of our own writes, so that no answer from before it is used as it is.
//!
//! What an API only accepts at first is done later: so the requests that a statement sends after its writes mark the scope
//! too, such as those that ask how far a job is.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::http_cache::HttpCache;
use crate::{Request, Response, Result, Sent, Transport};

/// How long a write may still take effect after nobody has seen its end.
const LATE: Duration = Duration::from_secs(60);

/// Sends a write, or what follows one, marking its scope before and after.
pub(super) async fn send(
    inner: &dyn Transport,
    shared: &Arc<HttpCache>,
    scope: &Arc<str>,
    request: Request,
) -> Result<Response> {
    let connection = Arc::clone(&request.operation.connection);
    request.operation.statement.note_written(scope);
    let begun = shared.marks.begin(scope, shared.clock.as_ref());
    let mut write = Write { shared, scope, connection, is_open: true };
    shared.note_write(scope, begun, &write.connection).await;
    let result = inner.send(request).await;
    let is_known = result.as_ref().map_or_else(|error| error.sent() == Sent::No, |response| !is_open(response.status));
    write.is_open = false;
    let ended = shared.marks.end(scope, shared.clock.as_ref(), if is_known { Duration::ZERO } else { LATE });
    shared.note_write(scope, ended, &write.connection).await;
    result
}

/// Whether a write that is answered so may take effect later: it was only accepted, or somebody on the way gave up.
fn is_open(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::ACCEPTED | StatusCode::REQUEST_TIMEOUT)
}

/// A write under way. Dropped open, nobody knows whether it takes effect.
struct Write<'a> {
    shared: &'a Arc<HttpCache>,
    scope: &'a Arc<str>,
    connection: Arc<str>,
    is_open: bool,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let ended = self.shared.marks.end(self.scope, self.shared.clock.as_ref(), LATE);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (shared, scope) = (Arc::clone(self.shared), Arc::clone(self.scope));
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move { shared.note_write(&scope, ended, &connection).await });
        }
    }
}
