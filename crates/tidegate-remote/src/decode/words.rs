//! Searching and comparing several bytes at a time, without knowing what they mean.
//!
//! What is short is looked at in words of eight bytes, what is long in chunks that the compiler turns into vector
//! instructions. Subtracting a constant from each byte of a word borrows into the high bit of exactly the bytes that
//! were smaller, counted from the lowest; only bytes above the first hit can be wrong.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;
const CHUNK: usize = 32;
/// Words before chunks are tried: most strings are no longer than that.
const SHORT: usize = 3;

/// Where the first quote, backslash or control character stands at or behind `at`; the end if none does.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..SHORT {
        let Some(word) = word(bytes, at) else { return at + rest(bytes, at) };
        let hits = stops(word);
        if hits != 0 {
            return at + first(hits);
        }
        at += 8;
    }
    plain_end_of_long(bytes, at)
}

fn plain_end_of_long(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes[at..].first_chunk::<CHUNK>() {
        // Without a branch between the bytes, so that it becomes vector instructions.
        if chunk.iter().fold(false, |hit, &byte| hit | (byte == b'"') | (byte == b'\\') | (byte < 0x20)) {
            break;
        }
        at += CHUNK;
    }
    while let Some(word) = word(bytes, at) {
        let hits = stops(word);
        if hits != 0 {
            return at + first(hits);
        }
        at += 8;
    }
    at + rest(bytes, at)
}

/// Where the first backslash stands at or behind `at`; the end if none does.
#[inline]
pub(super) fn backslash(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let differs = word ^ (ONES * u64::from(b'\\'));
        let hits = differs.wrapping_sub(ONES) & !differs & HIGH;
        if hits != 0 {
            return at + first(hits);
        }
        at += 8;
    }
    at + bytes[at..].iter().position(|&byte| byte == b'\\').unwrap_or(bytes.len() - at)
}

/// Whether both are the same; for short ones a call of `memcmp` costs more than it compares.
#[inline]
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (Some(left_end), Some(right_end)) = (left.last_chunk::<8>(), right.last_chunk::<8>()) else {
        return left.iter().zip(right).all(|(left, right)| left == right);
    };
    let (left_words, _) = left.as_chunks::<8>();
    let (right_words, _) = right.as_chunks::<8>();
    left_words.iter().zip(right_words).all(|(left, right)| left == right) && left_end == right_end
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[inline]
fn first(hits: u64) -> usize {
    hits.trailing_zeros() as usize / 8
}

/// The high bits of the quotes, backslashes and control characters.
#[inline]
fn stops(word: u64) -> u64 {
    // Flipping the second bit moves the quote, 0x22, right behind the control characters, and those among themselves.
    let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & HIGH
}

/// How many of the bytes behind `at` come before the first that ends plain text.
fn rest(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    //! Against a walk byte by byte, with each byte at each place.

    use super::{backslash, plain_end, same};

    #[test]
    fn each_byte_is_found_or_passed_at_each_place() {
        for len in 0..80 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![if len % 2 == 0 { b'a' } else { 0xc3 }; len];
                    text[at] = byte;
                    let plain = |from: usize, stops: fn(u8) -> bool| {
                        text[from..].iter().position(|&byte| stops(byte)).map_or(len, |at| from + at)
                    };
                    for from in [0, at / 2, at] {
                        let stops = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
                        assert_eq!(plain_end(&text, from), plain(from, stops), "{text:?} from {from}");
                        assert_eq!(backslash(&text, from), plain(from, |byte| byte == b'\\'), "{text:?} from {from}");
                    }
                }
            }
        }
    }

    #[test]
    fn texts_are_the_same_when_every_byte_is() {
        for len in 0..40 {
            let text: Vec<u8> = (0..len).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &[text.as_slice(), b"x"].concat()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{at} of {len}");
            }
        }
    }
}
