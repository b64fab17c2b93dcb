//! What a test sees of the rows, and does to them, without a request.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use crate::config::Shape;
use crate::data::Source;
use crate::data::changes::Data;
use crate::data::sales::SETS;
use crate::data::schema::EntitySet;
use crate::effect::Effect;
use crate::handle::source;
use crate::odata::filter::ast::Dialect;
use crate::odata::{self, Ask};
use crate::rest;
use crate::server::Sim;

impl Sim {
    /// What was really changed since the start, in the order in which it happened.
    pub fn effects(&self) -> Vec<Effect> {
        self.inner().store.effects.all()
    }

    /// Number of effects since the start.
    pub fn effect_count(&self) -> usize {
        self.inner().store.effects.len()
    }

    /// All rows of an entity set (or of `items`) as they are now, in its own order, with all columns; 64-bit integers and
    /// decimals of OData are strings. `division` is 0 if there are none. Empty for a set that is not there.
    pub fn rows(&self, division: u32, table: &str) -> Vec<Value> {
        let inner = self.inner();
        let source = source(&inner.config, division);
        if inner.config.shape == Shape::Rest {
            return rest::all(&inner.config, &source, &inner.store, division);
        }
        let Some(set) = SETS.iter().find(|set| set.name == table) else { return Vec::new() };
        let changes = inner.store.odata(division);
        let data = Data { source: &source, changes: changes.get() };
        let rows = (0..data.end(set)).filter(|row| data.has(set, *row));
        rows.map(|row| serde_json::from_slice(&odata::plain(data, set, row)).unwrap_or_default()).collect()
    }

    /// Changes these columns of a row, as another client would. `key` is as in [`Effect::key`].
    ///
    /// # Errors
    /// What the API says against it.
    pub fn change(&self, division: u32, table: &str, key: &str, values: &Value) -> Result<(), String> {
        self.write(division, table, key, Some(values))
    }

    /// Removes a row, as another client would.
    ///
    /// # Errors
    /// What the API says against it.
    pub fn remove(&self, division: u32, table: &str, key: &str) -> Result<(), String> {
        self.write(division, table, key, None)
    }

    fn write(&self, division: u32, table: &str, key: &str, values: Option<&Value>) -> Result<(), String> {
        let source = source(&self.inner().config, division);
        let body = values.map(Value::to_string).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static("*"));
        let set = SETS.iter().find(|set| set.name == table);
        match (self.inner().config.shape, set) {
            (Shape::ODataV4 | Shape::ODataV2, Some(set)) => {
                self.write_odata(division, &source, set, key, &headers, &body)
            }
            (Shape::Rest, _) => rest::change(&self.rest_call(division, &source, &headers), key, values.cloned()),
            _ => Err(format!("there is no {table} to write to")),
        }
    }

    fn write_odata(
        &self,
        division: u32,
        source: &Source,
        set: &EntitySet,
        key: &str,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<(), String> {
        let inner = self.inner();
        let ask = Ask {
            config: &inner.config,
            source,
            cache: &inner.cache,
            store: &inner.store,
            division,
            n: 0,
            dialect: if inner.config.shape == Shape::ODataV2 { Dialect::V2 } else { Dialect::V4 },
            origin: &inner.origin,
            root: "/",
            method: &Method::PATCH,
            path: "",
            pairs: &[],
            headers,
            body: body.as_bytes(),
            faults: &[],
        };
        odata::change(&ask, set, key, body.is_empty()).map_err(|fail| fail.message)
    }

    fn rest_call<'a>(&'a self, division: u32, source: &'a Source, headers: &'a HeaderMap) -> rest::Call<'a> {
        let inner = self.inner();
        rest::Call {
            config: &inner.config,
            source,
            store: &inner.store,
            division,
            n: 0,
            method: &Method::PATCH,
            path: "",
            pairs: &[],
            headers,
            body: b"",
        }
    }
}
