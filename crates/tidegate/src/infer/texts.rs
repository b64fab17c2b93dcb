//! What a text in JSON stands for, by its form.
//!
//! Stricter than the decoder, which takes more forms once a type is declared: what is not surely a date stays text.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Date,
    /// A point in time with an offset or `Z`.
    Instant,
    /// A point in time without.
    Local,
    /// `/Date(ms)/`
    Microsoft,
    Uuid,
    Other,
}

pub(super) fn form(text: &str) -> Form {
    if is_uuid(text) {
        return Form::Uuid;
    }
    if text.strip_prefix("/Date(").is_some_and(|rest| rest.ends_with(")/") && rest.len() > 2) {
        return Form::Microsoft;
    }
    let Some(rest) = date(text.as_bytes()) else { return Form::Other };
    match rest {
        [] => Form::Date,
        [b'T' | b't' | b' ', clock @ ..] => point_in_time(clock).unwrap_or(Form::Other),
        _ => Form::Other,
    }
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// What follows `YYYY-MM-DD`.
fn date(text: &[u8]) -> Option<&[u8]> {
    let (_, rest) = digits(text, 4, 9999)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2, 12)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2, 31)?;
    (month > 0 && day > 0).then_some(rest)
}

fn point_in_time(text: &[u8]) -> Option<Form> {
    let (_, rest) = digits(text, 2, 23)?;
    let (_, rest) = digits(rest.strip_prefix(b":")?, 2, 59)?;
    let rest = match rest.strip_prefix(b":") {
        Some(seconds) => fraction(digits(seconds, 2, 59)?.1)?,
        None => rest,
    };
    match rest {
        [] => Some(Form::Local),
        b"Z" | b"z" => Some(Form::Instant),
        [b'+' | b'-', offset @ ..] => {
            let (_, minutes) = digits(offset, 2, 23)?;
            let minutes = minutes.strip_prefix(b":").unwrap_or(minutes);
            (minutes.is_empty() || digits(minutes, 2, 59)?.1.is_empty()).then_some(Form::Instant)
        }
        _ => None,
    }
}

fn fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(digits) = text.strip_prefix(b".") else { return Some(text) };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length > 0).then(|| &digits[length..])
}

/// A number of so many digits, and what follows it.
fn digits(text: &[u8], length: usize, most: u32) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(length)?;
    let number = std::str::from_utf8(number).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    number.parse().ok().filter(|number| *number <= most).map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_text() {
        for (text, expected) in [
            ("2024-02-29", Form::Date),
            ("2024-02-29T08:00:00Z", Form::Instant),
            ("2024-02-29T08:00:00.123456789+02:00", Form::Instant),
            ("2024-02-29 08:00:00+0200", Form::Instant),
            ("2024-02-29T08:00:00-05", Form::Instant),
            ("2024-02-29T08:00", Form::Local),
            ("2024-02-29 08:00:00", Form::Local),
            ("/Date(1700000000000)/", Form::Microsoft),
            ("/Date()/", Form::Other),
            ("6F9619FF-8B86-D011-B42D-00C04FC964FF", Form::Uuid),
            ("6F9619FF-8B86-D011-B42D-00C04FC964FG", Form::Other),
            ("0000-00-00", Form::Other),
            ("2024-13-01", Form::Other),
            ("2024-02-29T24:00:00Z", Form::Other),
            ("2024-02-29T08:00:00.Z", Form::Other),
            ("2024-02-29Tomorrow", Form::Other),
            ("2024-02", Form::Other),
            ("20240229", Form::Other),
            ("12.50", Form::Other),
            ("ü024-02-29", Form::Other),
            ("", Form::Other),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }
}
