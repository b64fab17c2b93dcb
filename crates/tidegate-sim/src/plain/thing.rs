//! One thing as JSON. Figures are written digit by digit: a client that is measured must not wait for the server's
//! formatting.

use crate::data::Source;
use crate::data::civil::{self, DAY, SECOND};
use crate::fault::What;

use super::wrong;

/// Salt of this list among the generated sets.
const SET: u64 = 100;

/// Fields that every thing has.
pub(super) const FIELDS: usize = 12;

const SECONDS_A_DAY: i64 = (DAY / SECOND) as i64;
/// 2015-01-01.
const EPOCH_DAY: i64 = 16_436;
const WORDS: [&str; 8] = ["harbour", "lantern", "meadow", "granite", "compass", "orchard", "voyage", "timber"];

/// About how many bytes one with so many fields takes.
pub(super) fn size(fields: usize) -> usize {
    600 + 36 * (fields - FIELDS)
}

/// Writes the thing of a row.
pub(super) fn write(out: &mut Vec<u8>, source: &Source, row: u64, fields: usize, faults: &[What]) {
    let bits = source.bits(SET, row, 0);
    let more = source.bits(SET, row, 1);
    let mut object = Object { out, row, faults, is_empty: true };
    object.field("id", |out| decimal(out, row + 1));
    object.field("name", |out| {
        text(out, |out| {
            out.extend_from_slice(b"Thing ");
            padded(out, row + 1, 8);
        })
    });
    object
        .field("category", |out| text(out, |out| push(out, ["alpha", "beta", "gamma", "delta"][(bits % 4) as usize])));
    object.field("owner", |out| {
        text(out, |out| {
            out.extend_from_slice(b"user");
            decimal(out, more % 5_000);
            out.extend_from_slice(b"@example.com");
        })
    });
    object.field("amount", |out| cents(out, (bits >> 8) % 100_000, (bits >> 40) % 100));
    object.field("quantity", |out| decimal(out, (more >> 8) % 1_000));
    object.field("active", |out| boolean(out, bits & 1 << 33 != 0));
    object.field("rating", |out| match more.is_multiple_of(7) {
        true => out.extend_from_slice(b"null"),
        false => decimal(out, more % 50),
    });
    let created = (EPOCH_DAY + (bits % 3_650) as i64) * SECONDS_A_DAY + (more % 86_400) as i64;
    object.field("created_at", |out| text(out, |out| stamp(out, created)));
    object.field("updated_at", |out| text(out, |out| stamp(out, created + (bits % 9_999) as i64)));
    object.field("reference", |out| {
        text(out, |out| {
            hexadecimal(out, bits);
            out.push(b'-');
            hexadecimal(out, more);
        })
    });
    object.field("description", |out| text(out, |out| filler(out, more)));
    for field in FIELDS..fields {
        extra(&mut object, source.bits(SET, row, field), field);
    }
    out.push(b'}');
}

/// A field of a wide thing: `field_013` and up, of all the kinds that JSON has, in turn.
fn extra(object: &mut Object<'_>, bits: u64, field: usize) {
    let mut name = [0; 9];
    name.copy_from_slice(b"field_000");
    for (place, unit) in [(6, 100), (7, 10), (8, 1)] {
        name[place] = b'0' + ((field + 1) / unit % 10) as u8;
    }
    // ASCII throughout.
    let name = std::str::from_utf8(&name).unwrap_or_default();
    object.field(name, |out| match field % 8 {
        0 => decimal(out, bits % 1_000_000),
        1 => text(out, |out| push(out, WORDS[(bits % 8) as usize])),
        2 => cents(out, bits % 10_000, (bits >> 20) % 100),
        3 => boolean(out, bits.is_multiple_of(2)),
        4 => out.extend_from_slice(b"null"),
        5 => text(out, |out| stamp(out, EPOCH_DAY * SECONDS_A_DAY + (bits % 300_000_000) as i64)),
        6 => {
            out.extend_from_slice(b"{\"code\":\"");
            padded(out, bits % 10_000, 4);
            out.extend_from_slice(b"\",\"rank\":");
            decimal(out, (bits >> 20) % 100);
            out.push(b'}');
        }
        _ => {
            out.push(b'[');
            decimal(out, bits % 100);
            out.push(b',');
            decimal(out, (bits >> 20) % 100);
            out.push(b']');
        }
    });
}

struct Object<'a> {
    out: &'a mut Vec<u8>,
    row: u64,
    faults: &'a [What],
    is_empty: bool,
}

impl Object<'_> {
    fn field(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(if self.is_empty { b'{' } else { b',' });
        self.is_empty = false;
        self.out.push(b'"');
        push(self.out, name);
        self.out.extend_from_slice(b"\":");
        match wrong(self.faults, self.row, name) {
            Some(json) => push(self.out, json),
            None => value(self.out),
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A text of which nothing needs to be escaped.
fn text(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    push(out, if value { "true" } else { "false" });
}

fn decimal(out: &mut Vec<u8>, number: u64) {
    padded(out, number, 1);
}

/// With zeros before it up to this many digits.
fn padded(out: &mut Vec<u8>, mut number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    while number > 0 || digits.len() - first < least {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[first..]);
}

/// Whole units and hundredths.
fn cents(out: &mut Vec<u8>, units: u64, hundredths: u64) {
    decimal(out, units);
    out.push(b'.');
    padded(out, hundredths, 2);
}

/// 16 digits.
fn hexadecimal(out: &mut Vec<u8>, bits: u64) {
    for nibble in (0..16).rev() {
        out.push(b"0123456789abcdef"[(bits >> (4 * nibble) & 15) as usize]);
    }
}

/// `2024-02-29T09:30:00Z` from seconds since 1970.
fn stamp(out: &mut Vec<u8>, seconds: i64) {
    let (year, month, day) = civil::date(seconds.div_euclid(SECONDS_A_DAY));
    let time = seconds.rem_euclid(SECONDS_A_DAY);
    let parts = [(year, 4, b'-'), (month, 2, b'-'), (day, 2, b'T'), (time / 3_600, 2, b':'), (time / 60 % 60, 2, b':')];
    for (number, digits, after) in parts {
        padded(out, number.unsigned_abs(), digits);
        out.push(after);
    }
    padded(out, (time % 60).unsigned_abs(), 2);
    out.push(b'Z');
}

fn filler(out: &mut Vec<u8>, bits: u64) {
    for word in 0..32 {
        if word > 0 {
            out.push(b' ');
        }
        push(out, WORDS[(bits >> (word * 2) & 7) as usize]);
    }
}
