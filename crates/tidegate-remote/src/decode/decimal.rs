//! Exact decimal numbers from text, never through a float.

/// `text * 10^scale` as an integer of at most `precision` digits; `None` when it is no number, has digits
/// behind the scale that are not zeros, or is too large. Takes JSON's form of a number and, for strings, also
/// `.5` and `5.`.
pub(super) fn parse(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let value = short(digits, scale).or_else(|| long(digits, scale))?;
    if value >= power_of_ten(i64::from(precision))? {
        return None;
    }
    let value = i128::try_from(value).ok()?;
    Some(if negative { -value } else { value })
}

/// What most numbers are: few digits, perhaps a point, no more digits behind it than the scale has. `None` leaves it to
/// [`long`].
fn short(digits: &[u8], scale: i8) -> Option<u128> {
    if digits.len() > SHORT + 1 {
        return None;
    }
    let (mut mantissa, mut point) = (0_u64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => mantissa = mantissa * 10 + u64::from(digit),
            _ if byte == b'.' && point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let fraction = point.map_or(0, |point| digits.len() - point - 1);
    let count = digits.len() - usize::from(point.is_some());
    let shift = i64::from(scale).checked_sub(i64::try_from(fraction).ok()?)?;
    if count == 0 || count > SHORT {
        return None;
    }
    u128::from(mantissa).checked_mul(power_of_ten(shift)?)
}

/// Digits that a `u64` holds whatever they are.
const SHORT: usize = 18;

/// Any number, digit by digit.
fn long(digits: &[u8], scale: i8) -> Option<u128> {
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
    mantissa.checked_mul(power_of_ten(zeros + shift)?)
}

/// An integer; other forms of whole numbers (`1e3`, `12.0`) are read too.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let long = || i64::try_from(parse(text, 19, 0)?).ok();
    if digits.is_empty() || digits.len() > SHORT {
        return long();
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return long();
        }
        value = value * 10 + i64::from(digit);
    }
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
    const POWERS: [u128; 39] = {
        let mut powers = [1; 39];
        let mut at = 1;
        while at < powers.len() {
            powers[at] = powers[at - 1] * 10;
            at += 1;
        }
        powers
    };
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}
