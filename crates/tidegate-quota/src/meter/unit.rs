//! [`Unit`] as one letter, for records.

use serde::{Deserialize, Deserializer, Serializer};

use crate::Unit;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn serialize<S: Serializer>(unit: &Unit, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match unit {
        Unit::Calls => "c",
        Unit::Points => "p",
        Unit::Errors => "e",
        Unit::TokenRequests => "t",
    })
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Unit, D::Error> {
    let letter = String::deserialize(from)?;
    Ok(match letter.as_str() {
        "p" => Unit::Points,
        "e" => Unit::Errors,
        "t" => Unit::TokenRequests,
        _ => Unit::Calls,
    })
}
