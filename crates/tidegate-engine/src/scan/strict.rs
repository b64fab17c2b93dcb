//! Reads that decide what is changed: complete, of values that can be read, and of nothing that lags behind writes.

use std::sync::Arc;

use datafusion::execution::SessionState;
use tidegate_remote::BadValue;

use crate::{PartialResults, Settings};

/// Marks the configuration of a run whose reads are strict. Scans find it as an extension.
#[derive(Debug)]
pub(super) struct StrictReads;

/// The state for reads that are strict, whatever the session's settings are.
///
/// No endpoint is asked whose answers may lag behind writes, a value that cannot be read fails the scan, and so does a
/// partition that cannot be read.
pub(crate) fn strict(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    let settings = state.config().get_extension::<Settings>().unwrap_or_default();
    let settings =
        Settings { on_bad_value: BadValue::Fail, partial_results: PartialResults::Fail, ..Settings::clone(&settings) };
    let config = state.config_mut();
    config.set_extension(Arc::new(settings));
    config.set_extension(Arc::new(StrictReads));
    state
}
