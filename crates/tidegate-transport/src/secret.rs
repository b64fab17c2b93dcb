//! A string that is sent and never shown.

/// A credential. It has neither `Display` nor `Serialize`, and its `Debug` shows nothing of it:
///
/// ```compile_fail
/// println!("{}", tidegate_transport::Secret::new("s3cret"));
/// ```
///
/// ```
/// assert_eq!(format!("{:?}", tidegate_transport::Secret::new("s3cret")), "Secret(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: only for signing a request.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
