//! Random WHERE clauses over the columns of a table, with literals taken from its rows.
//!
//! Literals that occur make predicates that select something; literals near them (another case, a blank more, one
//! more or less) are where services and SQL disagree.

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Makes predicates over one table; the same ones for the same seed and rows.
#[derive(Debug)]
pub struct Predicates {
    rng: StdRng,
    /// What stands before the name of a column.
    prefix: String,
    columns: Vec<(String, ArrayRef)>,
}

const COMPARISONS: &[&str] = &["=", "<>", "<", "<=", ">", ">="];

impl Predicates {
    /// Predicates over these rows of a table. Columns of nested types get null tests only.
    ///
    /// # Panics
    /// When there is no batch.
    #[must_use]
    pub fn new(seed: u64, batches: &[RecordBatch]) -> Self {
        let schema = batches.first().expect("a table with rows").schema();
        let all = concat_batches(&schema, batches).expect("batches of one schema");
        let names = schema.fields().iter().map(|field| field.name().clone());
        Self::over(seed, "", names.zip(all.columns().iter().cloned()).collect())
    }

    /// Predicates over these columns, named with something before, such as `o.`.
    #[must_use]
    pub fn over(seed: u64, prefix: &str, columns: Vec<(String, ArrayRef)>) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), prefix: prefix.to_owned(), columns }
    }

    /// The next predicate.
    pub fn next_predicate(&mut self) -> String {
        let depth = self.rng.random_range(0..=2);
        self.tree(depth)
    }

    /// A predicate of so many levels of AND, OR and NOT.
    pub fn tree(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.leaf();
        }
        match self.rng.random_range(0..5) {
            0 => format!("NOT ({})", self.tree(depth - 1)),
            1 | 2 => format!("({} AND {})", self.tree(depth - 1), self.tree(depth - 1)),
            _ => format!("({} OR {})", self.tree(depth - 1), self.tree(depth - 1)),
        }
    }

    fn leaf(&mut self) -> String {
        let (name, values) = self.columns.choose(&mut self.rng).cloned().expect("a table with columns");
        let name = format!("{}\"{name}\"", self.prefix);
        let negation = if self.rng.random_bool(0.25) { "NOT " } else { "" };
        if values.data_type().is_nested() || self.rng.random_bool(0.08) {
            return format!("{name} IS {negation}NULL");
        }
        let kind = self.rng.random_range(0..10);
        match values.data_type() {
            DataType::Boolean if kind < 4 => format!("{negation}{name}"),
            DataType::Utf8 if kind < 4 => format!("{name} {negation}LIKE {}", self.pattern(&values)),
            _ if kind == 4 => {
                let (low, high) = (self.literal(&values), self.literal(&values));
                format!("{name} {negation}BETWEEN {low} AND {high}")
            }
            _ if kind <= 6 => {
                let count = self.rng.random_range(1..=5);
                let list: Vec<_> = (0..count).map(|_| self.literal(&values)).collect();
                format!("{name} {negation}IN ({})", list.join(", "))
            }
            _ => {
                let comparison = COMPARISONS.choose(&mut self.rng).copied().unwrap_or("=");
                format!("{name} {comparison} {}", self.literal(&values))
            }
        }
    }

    fn pattern(&mut self, values: &ArrayRef) -> String {
        let text = self.sample(values).unwrap_or_default();
        let characters: Vec<char> = text.chars().collect();
        let start = self.rng.random_range(0..=characters.len());
        let end = self.rng.random_range(start..=characters.len());
        let mut part: String = characters[start..end].iter().collect();
        if self.rng.random_bool(0.2) {
            part = part.to_uppercase();
        }
        let part = part.replace('\\', "\\\\").replace('\'', "''");
        match self.rng.random_range(0..5) {
            0 => format!("'{part}%'"),
            1 => format!("'%{part}'"),
            2 => format!("'{part}'"),
            3 => format!("'_{part}%'"),
            _ => format!("'%{part}%'"),
        }
    }

    fn literal(&mut self, values: &ArrayRef) -> String {
        let Some(text) = self.sample(values) else { return "NULL".to_owned() };
        if self.rng.random_bool(0.02) {
            return "NULL".to_owned();
        }
        match values.data_type() {
            DataType::Utf8 => format!("'{}'", self.near(text).replace('\'', "''")),
            DataType::Date32 => format!("DATE '{text}'"),
            DataType::Time64(_) => format!("TIME '{text}'"),
            // A TIMESTAMP literal is in nanoseconds, and reaches no further than these years.
            DataType::Timestamp(_, _) if !("1678".."2262").contains(&text.as_str()) => "NULL".to_owned(),
            DataType::Timestamp(_, _) => format!("TIMESTAMP '{text}'"),
            DataType::Float32 | DataType::Float64 if text.contains(['N', 'i']) => format!("'{text}'::double"),
            DataType::Binary => "NULL".to_owned(),
            _ => text,
        }
    }

    /// Another text that a service may take for the same.
    fn near(&mut self, text: String) -> String {
        match self.rng.random_range(0..10) {
            0 => text.to_uppercase(),
            1 => format!("{text} "),
            2 => text.to_lowercase(),
            _ => text,
        }
    }

    fn sample(&mut self, values: &ArrayRef) -> Option<String> {
        let row = self.rng.random_range(0..values.len().max(1));
        if values.is_empty() || values.is_null(row) {
            return None;
        }
        let options = FormatOptions::default();
        ArrayFormatter::try_new(values, &options).ok().map(|formatter| formatter.value(row).to_string())
    }
}
