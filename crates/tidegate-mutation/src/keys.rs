//! Keys under which an API does a write once, and texts that trace a row: made from what the journal keeps, without chance.
//!
//! A row whose last request surely changed nothing gets a new key with its next request: APIs remember refusals too. The
//! number of the request tells one from the other, which no two requests of a mutation share. A request that is sent again
//! takes its key from the journal.

use sha2::{Digest, Sha256};
use tidegate_spec::WriteKind;
use uuid::Builder;

use crate::Row;

/// Key of the request with this number, which is made of these rows.
pub(crate) fn request_key<'a>(mutation: &str, number: u64, rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut hash = hash("request", mutation);
    hash.update(number.to_be_bytes());
    for row in rows {
        add(&mut hash, row.kind, row.ordinal);
    }
    uuid(hash)
}

/// Key of a row, made for the request with this number.
pub(crate) fn row_key(mutation: &str, number: u64, row: &Row) -> String {
    let mut hash = hash("row", mutation);
    hash.update(number.to_be_bytes());
    add(&mut hash, row.kind, row.ordinal);
    uuid(hash)
}

/// Text that traces a row in the answer to a batch. The same with every request, so that a repeated request has the same
/// bytes.
pub(crate) fn trace(mutation: &str, row: &Row) -> String {
    let mut hash = hash("trace", mutation);
    add(&mut hash, row.kind, row.ordinal);
    uuid(hash)
}

fn hash(what: &str, mutation: &str) -> Sha256 {
    let mut hash = Sha256::new();
    for text in ["tidegate", what, mutation] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hash
}

fn add(hash: &mut Sha256, kind: WriteKind, ordinal: u64) {
    hash.update(kind.name().as_bytes());
    hash.update([0]);
    hash.update(ordinal.to_be_bytes());
}

/// The first half of the digest as a UUID of version 8 (RFC 9562, 5.8).
fn uuid(hash: Sha256) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ordinal: u64) -> Row {
        Row::selected(ordinal, None, WriteKind::Update)
    }

    #[test]
    fn a_key_is_of_mutation_request_kind_and_rows() {
        let delete = Row { kind: WriteKind::Delete, ..row(1) };
        let keys = [
            request_key("m", 1, [&row(1)]),
            request_key("n", 1, [&row(1)]),
            request_key("m", 1, [&row(2)]),
            request_key("m", 2, [&row(1)]),
            request_key("m", 1, [&row(1), &row(2)]),
            request_key("m", 1, [&delete]),
            row_key("m", 1, &row(1)),
            row_key("m", 2, &row(1)),
            trace("m", &row(1)),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
        assert_eq!(keys[0], request_key("m", 1, [&row(1)]));
        assert_eq!(trace("m", &row(1)), trace("m", &Row { attempts: 5, ..row(1) }));
        assert_eq!(uuid::Uuid::parse_str(&keys[0]).unwrap().get_version_num(), 8);
    }
}
