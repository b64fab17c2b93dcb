//! Numbers in decimal digits.

/// Most digits of 64 bits.
const MOST: usize = 20;

/// Appends a whole number.
pub(super) fn integer(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    let mut buffer = [b'0'; MOST];
    out.push_str(digits(value.unsigned_abs(), &mut buffer));
}

/// Appends a decimal number of `scale` digits behind the point. False, with nothing written, for one that is not as usual:
/// wider than 64 bits or than its precision, without digits behind the point or with more than 64 bits have.
pub(super) fn decimal(value: i128, precision: u8, scale: i8, out: &mut String) -> bool {
    let Ok(whole) = i64::try_from(value) else { return false };
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| (1..MOST).contains(scale)) else { return false };
    let mut buffer = [b'0'; MOST];
    let digits = digits(whole.unsigned_abs(), &mut buffer);
    if digits.len() > usize::from(precision) {
        return false;
    }
    if whole < 0 {
        out.push('-');
    }
    match digits.len().checked_sub(scale) {
        Some(point) if point > 0 => {
            out.push_str(&digits[..point]);
            out.push('.');
            out.push_str(&digits[point..]);
        }
        _ => {
            out.push_str("0.");
            (digits.len()..scale).for_each(|_| out.push('0'));
            out.push_str(digits);
        }
    }
    true
}

/// The digits of a number, written from the end of the buffer on.
fn digits(mut value: u64, buffer: &mut [u8; MOST]) -> &str {
    let mut at = MOST;
    loop {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    // Digits are ASCII.
    std::str::from_utf8(&buffer[at..]).unwrap_or_default()
}
