//! A refusal, before it has a wire form.

/// Status, code and message of an OData error.
#[derive(Debug, Clone)]
pub(crate) struct Fail {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Fail {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 400: the request is wrong.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(404, "NotFound", message)
    }

    /// 501: right, but this service does not do it.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(501, "NotImplemented", message)
    }
}
