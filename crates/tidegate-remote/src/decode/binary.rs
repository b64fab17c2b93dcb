//! Base64 in the alphabets of RFC 4648, sections 4 and 5, padding optional.

/// Writes the bytes that `text` stands for; false when it is not base64.
///
/// OData V4 writes the URL-safe alphabet, V2 the other; some services mix them up, so both are read.
pub(super) fn decode(text: &str, out: &mut Vec<u8>) -> bool {
    out.clear();
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if padding > 2 || digits.len() % 4 == 1 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return false;
    }
    out.reserve(digits.len() / 4 * 3 + 2);
    for group in digits.as_bytes().chunks(4) {
        let mut bits: u32 = 0;
        for &byte in group {
            let Some(six) = sextet(byte) else { return false };
            bits = bits << 6 | u32::from(six);
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&bytes[..group.len() * 3 / 4]);
    }
    true
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
