//! What a connection signs with, kept where texts from its server are shown.
//!
//! The auth layer blanks answers that are no success. The body of a success is data and stays as it is; what is shown
//! of it in an error is blanked by this.

use std::sync::Arc;

use crate::{Credentials, Secret, redact_text};

/// The credentials of a connection, for blanking texts. Its `Debug` shows none of them.
#[derive(Debug, Clone, Default)]
pub struct Blanks(Arc<[Credentials]>);

impl Blanks {
    /// Blanks all that these hold, now and later.
    #[must_use]
    pub fn new(credentials: &[Credentials]) -> Self {
        Self(credentials.into())
    }

    /// Whether a secret stands in it.
    #[must_use]
    pub fn stand_in(&self, bytes: &[u8]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let text = String::from_utf8_lossy(bytes);
        let secrets: Vec<Secret> = self.0.iter().flat_map(Credentials::secrets).collect();
        !secrets.is_empty()
            && matches!(redact_text(&text, &secrets), std::borrow::Cow::Owned(blanked) if blanked != text)
    }

    /// The text without secrets.
    #[must_use]
    pub fn apply(&self, text: String) -> String {
        let secrets: Vec<Secret> = self.0.iter().flat_map(Credentials::secrets).collect();
        if secrets.is_empty() { text } else { redact_text(&text, &secrets).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blanked_however_it_came() {
        let blanks = Blanks::new(&[Credentials::Bearer(Secret::new("s3cret/token"))]);
        for (text, shown) in
            [("id \"s3cret/token\"", "id \"***\""), ("?cursor=s3cret%2Ftoken", "?cursor=***"), ("other", "other")]
        {
            assert_eq!(blanks.apply(text.to_owned()), shown);
        }
        assert_eq!(Blanks::default().apply("s3cret/token".to_owned()), "s3cret/token");
        assert!(blanks.stand_in(b"{\"next\": \"?key=s3cret%2Ftoken\"}") && !blanks.stand_in(b"{\"next\": null}"));
        assert!(!format!("{blanks:?}").contains("s3cret"));
    }
}
