//! How fast something is filled.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MILLIONTHS: f64 = 1_000_000.0;

/// Units a second, to the millionth: greater than 0, at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// This many units a second; `None` for what is no rate.
    #[must_use]
    pub fn new(per_second: f64) -> Option<Self> {
        let millionths = (per_second * MILLIONTHS).round();
        let is_rate = millionths >= 1.0 && per_second <= MILLIONTHS;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded in the condition")]
        is_rate.then_some(Self(millionths as u64))
    }

    /// Units a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "at most 10^12, which a double holds exactly")]
        let millionths = self.0 as f64;
        millionths / MILLIONTHS
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.per_second())
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| D::Error::custom("expected a number greater than 0, at most 1000000"))
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000 })
    }
}
