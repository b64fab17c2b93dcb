//! The format of a file of kept pages.
//!
//! A file begins with a head: 16 bytes that name the format and its version, the 32 bytes that name the statement, and a
//! checksum of both. Records follow, each a header of [`HEADER`] bytes, then `meta`, then `body`:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `TGKP` |
//! | 4 | length of `meta` |
//! | 4 | length of `body` |
//! | 4 | checksum of `meta` and `body` |
//! | 8 | when the page was asked for, microseconds since 1970 UTC |
//! | 32 | digest of its request |
//! | 4 | checksum of the 56 bytes before |
//!
//! Numbers are little-endian; checksums are CRC-32 (ISO-HDLC). A change of the format changes the name in the head, and
//! files of another format count as empty.

/// Names the format and its version.
const FORMAT: &[u8; 16] = b"tidegate kept 1\n";
const MAGIC: &[u8; 4] = b"TGKP";

/// Bytes of the head of a file.
pub(super) const HEAD: usize = 52;
/// Bytes of the header of a record.
pub(super) const HEADER: usize = 60;

/// Header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) meta: u32,
    pub(super) body: u32,
    pub(super) checksum: u32,
    /// In microseconds.
    pub(super) asked_at: i64,
    pub(super) digest: [u8; 32],
}

impl Header {
    /// The header of a page; `None` for one too long for the format.
    pub(super) fn of(digest: &[u8; 32], meta: &[u8], body: &[u8], asked_at: i64) -> Option<Self> {
        Some(Self {
            meta: meta.len().try_into().ok()?,
            body: body.len().try_into().ok()?,
            checksum: checksum(&[meta, body]),
            asked_at,
            digest: *digest,
        })
    }

    /// Bytes of the whole record.
    pub(super) fn record(&self) -> u64 {
        HEADER as u64 + u64::from(self.meta) + u64::from(self.body)
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields: [&[u8]; 6] = [
            MAGIC,
            &self.meta.to_le_bytes(),
            &self.body.to_le_bytes(),
            &self.checksum.to_le_bytes(),
            &self.asked_at.to_le_bytes(),
            &self.digest,
        ];
        seal(&mut bytes, &fields);
        bytes
    }

    /// The inverse; `None` for anything else.
    pub(super) fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let rest = unseal(bytes)?.strip_prefix(MAGIC)?;
        let (meta, rest) = rest.split_first_chunk()?;
        let (body, rest) = rest.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let (asked_at, digest) = rest.split_first_chunk()?;
        Some(Self {
            meta: u32::from_le_bytes(*meta),
            body: u32::from_le_bytes(*body),
            checksum: u32::from_le_bytes(*checksum),
            asked_at: i64::from_le_bytes(*asked_at),
            digest: digest.try_into().ok()?,
        })
    }
}

/// The head of the file of this statement.
pub(super) fn head(name: &[u8; 32]) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    seal(&mut bytes, &[FORMAT, name]);
    bytes
}

/// Checksum of these bytes one after another.
pub(super) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Fills `bytes` with the fields and their checksum.
fn seal(bytes: &mut [u8], fields: &[&[u8]]) {
    let checksum = checksum(fields).to_le_bytes();
    let all = fields.iter().flat_map(|field| field.iter()).chain(&checksum);
    bytes.iter_mut().zip(all).for_each(|(byte, value)| *byte = *value);
}

/// What stands before a checksum that fits it.
fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (fields, found) = bytes.split_last_chunk::<4>()?;
    (checksum(&[fields]).to_le_bytes() == *found).then_some(fields)
}
