//! What is said beside the results, on standard error. A stream that is closed must not end the program, so failures
//! to write are dropped.

use std::borrow::Cow;
use std::error::Error as _;
use std::io::Write;

use tidegate::{Error, ErrorKind};

/// A plain line.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", without_controls(text));
}

/// A plain line on standard output, for what is itself the result: a tour.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", without_controls(text));
}

/// A failure of the program's own.
pub(crate) fn failure(text: &str) {
    say(&format!("error: {text}"));
}

/// Something that did not stop the work.
pub(crate) fn warning(text: &str) {
    say(&format!("warning: {text}"));
}

/// An error of the engine: its message, and those of its causes that say something new.
pub(crate) fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    // These say all there is to say: their causes are the same in other words, for one partition or page.
    if matches!(error.kind(), ErrorKind::QuotaExhausted | ErrorKind::CallBound) {
        return text;
    }
    let known = text.clone();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    // A message that ends with the root of the trouble was made of the whole chain: what lies between are the
    // names of other people's layers ("client error (Connect)").
    if causes.last().is_some_and(|root| known.contains(root)) {
        return text;
    }
    // A cause often wraps the same words, or is what they were taken from.
    for cause in causes.iter().filter(|cause| !known.contains(*cause) && !cause.contains(&known)) {
        text.push_str("\n  cause: ");
        text.push_str(cause);
    }
    text
}

/// What an API sent may hold codes that steer the terminal: they are shown, not obeyed. Line breaks stay.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_added_when_they_say_something_new() {
        let plain = Error::new(ErrorKind::Remote, "no answer from crm");
        let same = Error::new(ErrorKind::Remote, "no answer from crm: timed out").with_source("timed out");
        let wrapped = Error::new(ErrorKind::Syntax, "expected a name").with_source("SQL error: expected a name");
        let layers = Error::new(ErrorKind::Remote, "no answer from crm: timed out")
            .with_source(Error::new(ErrorKind::Remote, "client error (Connect)").with_source("timed out"));
        let more = Error::new(ErrorKind::Remote, "no answer from crm").with_source("timed out");
        let spent = Error::new(ErrorKind::QuotaExhausted, "daily is spent in 1 and 2").with_source("1: daily is spent");
        assert_eq!(describe(&plain), "no answer from crm");
        assert_eq!(describe(&same), "no answer from crm: timed out");
        assert_eq!(describe(&wrapped), "expected a name");
        assert_eq!(describe(&layers), "no answer from crm: timed out");
        assert_eq!(describe(&more), "no answer from crm\n  cause: timed out");
        assert_eq!(describe(&spent), "daily is spent in 1 and 2");
    }

    #[test]
    fn codes_for_the_terminal_are_shown() {
        assert_eq!(without_controls("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
        assert!(matches!(without_controls("plain ü"), Cow::Borrowed(_)));
    }
}
