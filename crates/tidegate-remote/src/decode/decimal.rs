//! Exact decimal numbers from text, never through a float.

/// `text * 10^scale` as an integer of at most `precision` digits; `None` when it is no number, has digits
/// behind the scale that are not zeros, or is too large. Takes JSON's form of a number and, for strings, also
/// `.5` and `5.`.
pub(super) fn parse(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut mantissa: u128 = 0;
    let mut zeros: i64 = 0; // behind the last digit that is not zero
    let mut shift = i64::from(scale);
    let (mut any, mut behind_point) = (false, false);
    let mut at = 0;
    while let Some(&byte) = digits.get(at) {
        match byte {
            b'0'..=b'9' => {
                any = true;
                shift -= i64::from(behind_point);
                if byte == b'0' {
                    zeros += i64::from(mantissa != 0);
                } else {
                    let power = power_of_ten(zeros + 1)?;
                    mantissa = mantissa.checked_mul(power)?.checked_add(u128::from(byte - b'0'))?;
                    zeros = 0;
                }
            }
            b'.' if !behind_point => behind_point = true,
            b'e' | b'E' => {
                shift += exponent(&digits[at + 1..])?;
                break;
            }
            _ => return None,
        }
        at += 1;
    }
    if !any {
        return None;
    }
    if mantissa == 0 {
        return Some(0);
    }
    let value = mantissa.checked_mul(power_of_ten(zeros + shift)?)?;
    if value >= power_of_ten(i64::from(precision))? {
        return None;
    }
    let value = i128::try_from(value).ok()?;
    Some(if negative { -value } else { value })
}

/// An integer; other forms of whole numbers (`1e3`, `12.0`) are read too.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return i64::try_from(parse(text, 19, 0)?).ok();
    }
    let value = digits.iter().fold(0, |value: i64, byte| value * 10 + i64::from(byte - b'0'));
    Some(if negative { -value } else { value })
}

fn exponent(text: &[u8]) -> Option<i64> {
    /// Far beyond any number of digits that a body can hold, and far from overflow.
    const LIMIT: i64 = 1 << 40;
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(sign * digits.iter().fold(0, |value: i64, byte| (value * 10 + i64::from(byte - b'0')).min(LIMIT)))
}

fn power_of_ten(exponent: i64) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(exponent).ok()?)
}
