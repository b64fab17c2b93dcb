//! Figures in a JSON body, found in one pass that keeps nothing else of it.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::figure::Values;

/// The texts and numbers that these members lead to. Nothing for a body that is no JSON.
pub(super) fn values<'a>(body: &[u8], paths: &[&'a [String]]) -> Values<'a> {
    let mut found = Values::new();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let wanted = Wanted { paths, depth: 0, found: &mut found };
    let is_json = wanted.deserialize(&mut reader).is_ok() && reader.end().is_ok();
    if is_json { found } else { Values::new() }
}

/// Those of the paths that lead to a value or into it.
struct Wanted<'p, 'a, 'f> {
    paths: &'p [&'a [String]],
    depth: usize,
    found: &'f mut Values<'a>,
}

impl Wanted<'_, '_, '_> {
    fn keep(&mut self, text: &str) {
        for path in self.paths.iter().filter(|path| path.len() == self.depth) {
            self.found.insert(path, text.to_owned());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Wanted<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let leads = |path: &&&[String]| path.get(self.depth).is_some_and(|member| *member == name);
            let paths: Vec<_> = self.paths.iter().filter(leads).copied().collect();
            if paths.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                let below = Wanted { paths: &paths, depth: self.depth + 1, found: &mut *self.found };
                map.next_value_seed(below)?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.keep(text);
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.keep(&number.to_string());
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.keep(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        self.keep(&number.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
