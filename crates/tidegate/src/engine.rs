//! The engine that people embed.

use std::sync::Arc;

use tidegate_state::State;
use tidegate_transport::Clock;

use crate::{Builder, ConnectionDef, Result, Session};

/// Connections, sockets, caches and state, shared by all sessions of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) inner: tidegate_engine::Engine,
    pub(crate) state: Arc<State>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Engine {
    /// Starts to build one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens a session for `principal`: a name of your own for whoever runs its statements.
    #[must_use]
    pub fn session(&self, principal: &str) -> Session {
        self.inner.session(principal)
    }

    /// Adds a connection that every later session sees. Sends nothing.
    ///
    /// # Errors
    /// An unknown connector or option, a missing or malformed one, a variable that is not set, a name that is
    /// taken or reserved.
    pub fn add_connection(&self, def: &ConnectionDef) -> Result<()> {
        self.inner.add_connection(def)
    }

    /// The state folder in use.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }
}
