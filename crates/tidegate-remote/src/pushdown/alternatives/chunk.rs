//! Divides the values of an IN.

use std::collections::HashSet;

use tidegate_spec::{Endpoint, Operator, Table};

use super::super::pusher::Pusher;
use crate::render::url_length;
use crate::render::way::Way;
use crate::{CompareOp, Predicate, Scalar};

/// Values of one column.
#[derive(Clone, Copy)]
pub(super) struct Chunker<'a> {
    pub(super) table: &'a Table,
    pub(super) endpoint: &'a Endpoint,
    pub(super) column: usize,
    /// Bytes of the URL that a list may take.
    pub(super) longest: usize,
}

impl Chunker<'_> {
    /// Lists of as many values as the endpoint takes, and for which there is room in the URL. `None` when it takes no lists, or not one of the values.
    pub(super) fn lists(self, values: &[Scalar]) -> Option<Vec<Vec<Scalar>>> {
        let way = Way::of(&self.endpoint.filters, self.column, Operator::In)?;
        let distinct = self.distinct(values, |value| self.list(std::slice::from_ref(value)))?;
        let first = std::slice::from_ref(distinct.first()?);
        let alone = self.length(first)?;
        let mut chunks: Vec<Vec<Scalar>> = Vec::new();
        let (mut chunk, mut length) = (Vec::new(), 0);
        for value in distinct.iter().cloned() {
            let own = self.length(&[first[0].clone(), value.clone()]).map_or(alone, |both| both.saturating_sub(alone));
            let is_full = chunk.len() >= way.max_values().max(1) || length + own > self.longest;
            if is_full && !chunk.is_empty() {
                chunks.push(std::mem::take(&mut chunk));
                length = 0;
            }
            length += own;
            chunk.push(value);
        }
        chunks.push(chunk);
        // Together they may be what none of them is: an empty separator tells no two values apart.
        chunks.iter().all(|chunk| self.list(chunk).is_some()).then_some(chunks)
    }

    /// Whether one list may have all of the values.
    pub(super) fn has_room(self, values: &[Scalar]) -> bool {
        self.length(values).is_none_or(|length| length <= self.longest)
    }

    /// Each value by itself. `None` when the endpoint does not take one of them.
    pub(super) fn single(self, values: &[Scalar]) -> Option<Vec<Vec<Scalar>>> {
        let equal = |value: &Scalar| {
            let predicate = Predicate::Compare { column: self.column, op: CompareOp::Eq, value: value.clone() };
            match self.pusher().push(&predicate).predicate? {
                Predicate::Compare { op: CompareOp::Eq, value, .. } => Some(value),
                _ => None,
            }
        };
        Some(self.distinct(values, equal)?.into_iter().map(|value| vec![value]).collect())
    }

    /// The values as they are sent, each once.
    fn distinct(self, values: &[Scalar], sent: impl Fn(&Scalar) -> Option<Scalar>) -> Option<Vec<Scalar>> {
        let mut seen = HashSet::new();
        let mut distinct = Vec::with_capacity(values.len());
        for value in values {
            let value = sent(value)?;
            if seen.insert(format!("{value:?}")) {
                distinct.push(value);
            }
        }
        Some(distinct)
    }

    /// The first of the values as the endpoint takes it in a list of them all.
    fn list(self, values: &[Scalar]) -> Option<Scalar> {
        let predicate = Predicate::In { column: self.column, values: values.to_vec(), negated: false };
        match self.pusher().push(&predicate).predicate? {
            Predicate::In { values: sent, .. } if sent.len() == values.len() => sent.into_iter().next(),
            _ => None,
        }
    }

    fn length(self, values: &[Scalar]) -> Option<usize> {
        let predicate = Predicate::In { column: self.column, values: values.to_vec(), negated: false };
        url_length(self.table, self.endpoint, &predicate).ok()
    }

    fn pusher(&self) -> Pusher<'_> {
        Pusher::new(self.table, &self.endpoint.filters)
    }
}
