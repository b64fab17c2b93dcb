//! Numbers in decimal digits.

/// Most digits of 64 bits.
const MOST: usize = 20;

/// Appends a whole number.
pub(super) fn integer(value: i64, out: &mut Vec<u8>) -> bool {
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = [b'0'; MOST];
    out.extend_from_slice(digits(value.unsigned_abs(), &mut buffer));
    true
}

/// Appends a decimal number of `scale` digits behind the point. False, with nothing written, for one that is not as usual:
/// wider than 64 bits or than its precision, without digits behind the point or with more than 64 bits have.
pub(super) fn decimal(value: i128, precision: u8, scale: i8, out: &mut Vec<u8>) -> bool {
    let Ok(whole) = i64::try_from(value) else { return false };
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| (1..MOST).contains(scale)) else { return false };
    let mut buffer = [b'0'; MOST];
    let digits = digits(whole.unsigned_abs(), &mut buffer);
    if digits.len() > usize::from(precision) {
        return false;
    }
    if whole < 0 {
        out.push(b'-');
    }
    match digits.split_at_checked(digits.len().saturating_sub(scale)) {
        Some((whole, behind)) if !whole.is_empty() => {
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(behind);
        }
        _ => {
            out.extend_from_slice(b"0.");
            (digits.len()..scale).for_each(|_| out.push(b'0'));
            out.extend_from_slice(digits);
        }
    }
    true
}

/// The digits of a number, written from the end of the buffer on.
fn digits(mut value: u64, buffer: &mut [u8; MOST]) -> &[u8] {
    let mut at = MOST;
    for (place, digit) in buffer.iter_mut().enumerate().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        at = place;
        if value == 0 {
            break;
        }
    }
    buffer.get(at..).unwrap_or_default()
}
