//! How numbers, states and hashes stand in the journal's tables.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::{MutationState, RowState, Stop};
use crate::encode::saturate;

/// Bits of a row's id that are its ordinal; the others are its mutation's number.
const ORDINAL_BITS: u32 = 32;

/// The ids that a mutation's rows may have: the first and the last.
pub(super) fn ids(mutation: i64) -> (i64, i64) {
    let first = mutation << ORDINAL_BITS;
    (first, first + ((1 << ORDINAL_BITS) - 1))
}

/// Id of a row.
pub(super) fn id(mutation: i64, ordinal: u64) -> Result<i64, Stop> {
    let (first, last) = ids(mutation);
    first.checked_add(saturate(ordinal)).filter(|id| *id <= last).ok_or_else(|| {
        Stop::Refused(format!("row {ordinal} cannot be kept: a mutation has at most {} rows", 1_u64 << ORDINAL_BITS))
    })
}

/// Ordinal of the row with this id.
pub(super) fn ordinal(id: i64) -> u64 {
    id.unsigned_abs() & ((1 << ORDINAL_BITS) - 1)
}

pub(super) fn mutation_state(code: i64) -> rusqlite::Result<MutationState> {
    at(&MutationState::ALL, code)
}

pub(super) fn row_state(code: i64) -> rusqlite::Result<RowState> {
    at(&RowState::ALL, code)
}

fn at<T: Copy>(all: &[T], code: i64) -> rusqlite::Result<T> {
    let found = usize::try_from(code).ok().and_then(|place| all.get(place));
    found.copied().ok_or(rusqlite::Error::IntegralValueOutOfRange(0, code))
}

/// Where a UUID's text has dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// A text for the database: a SHA-256 or a UUID in lower case as the bytes that it stands for, which is half as long.
pub(super) fn pack(text: &str) -> ToSqlOutput<'_> {
    let bytes = match text.as_bytes() {
        hash if hash.len() == 64 => unhex::<32>(hash.iter()),
        uuid if uuid.len() == 36 && DASHES.iter().all(|place| uuid[*place] == b'-') => {
            unhex::<16>(uuid.iter().enumerate().filter(|(place, _)| !DASHES.contains(place)).map(|(_, digit)| digit))
        }
        _ => None,
    };
    match bytes {
        Some(bytes) => ToSqlOutput::Owned(Value::Blob(bytes)),
        None => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
    }
}

/// The bytes that so many pairs of digits stand for, unless one is none, or in upper case.
fn unhex<'a, const BYTES: usize>(mut digits: impl Iterator<Item = &'a u8>) -> Option<Vec<u8>> {
    let mut value = || match digits.next()? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    (0..BYTES).map(|_| Some(value()? << 4 | value()?)).collect()
}

/// The inverse.
pub(super) fn unpack(value: ValueRef<'_>) -> rusqlite::Result<Option<String>> {
    let ValueRef::Blob(bytes) = value else { return Ok(value.as_str_or_null()?.map(str::to_owned)) };
    let mut text = String::with_capacity(2 * bytes.len() + DASHES.len());
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        if bytes.len() == 16 && DASHES.contains(&text.len()) {
            text.push('-');
        }
        text.extend(char::from_digit(digit.into(), 16));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_as_it_was() {
        let (uuid, hash) = ("01890a5d-ac96-874b-b2a5-3a0f9c2d7e11", "0f".repeat(32));
        let cases = [
            (uuid.to_owned(), true),
            (hash.clone(), true),
            (uuid.to_uppercase(), false),
            (hash.to_uppercase(), false),
            (uuid.replace('-', "0"), false),
            (uuid.replace("6-8", "-68"), false),
            ("g".repeat(64), false),
            ("é".repeat(18), false),
            (String::new(), false),
            ("order-17".to_owned(), false),
        ];
        for (text, is_packed) in cases {
            let packed = pack(&text);
            let value = match &packed {
                ToSqlOutput::Owned(value) => ValueRef::from(value),
                ToSqlOutput::Borrowed(value) => *value,
                other => panic!("{other:?}"),
            };
            assert_eq!(matches!(value, ValueRef::Blob(_)), is_packed, "{text}");
            assert_eq!(unpack(value).unwrap().as_deref(), Some(text.as_str()));
        }
        assert_eq!(unpack(ValueRef::Null).unwrap(), None);
    }

    #[test]
    fn ids_of_two_mutations_never_meet() {
        let most = (1 << ORDINAL_BITS) - 1;
        assert_eq!(id(3, 0).unwrap(), ids(3).0);
        assert_eq!(id(3, most).unwrap(), ids(3).1);
        assert_eq!(ids(3).1 + 1, ids(4).0);
        assert_eq!(ordinal(id(3, most).unwrap()), most);
        for ordinal in [most + 1, u64::MAX] {
            assert!(matches!(id(3, ordinal), Err(Stop::Refused(_))), "{ordinal}");
        }
    }

    #[test]
    fn states_stand_in_the_database_by_their_place() {
        for (code, state) in (0..).zip(MutationState::ALL) {
            assert_eq!((state as i64, mutation_state(code).unwrap()), (code, state));
        }
        for (code, state) in (0..).zip(RowState::ALL) {
            assert_eq!((state as i64, row_state(code).unwrap()), (code, state));
        }
        assert!(row_state(7).is_err() && mutation_state(-1).is_err());
    }
}
