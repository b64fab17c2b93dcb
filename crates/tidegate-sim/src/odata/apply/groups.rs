//! Groups of rows and their values. Null is a group of its own, and no method takes it into account.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::config::Collation;
use crate::data::decimal::Decimal;
use crate::data::schema::EntitySet;
use crate::data::value::Value;
use crate::odata::Call;
use crate::odata::filter::eval::{Row, order};

use super::{Key, Measure, Method, Pipeline};

/// A group under way.
struct Group {
    keys: Vec<Value>,
    /// The values of each measure that are not null.
    values: Vec<Vec<Value>>,
    rows: i128,
}

/// The values of all groups, keys first, in the order in which the groups occur.
pub(super) fn all(call: &Call<'_>, set: &EntitySet, pipeline: &Pipeline) -> Vec<Vec<Value>> {
    let collation = call.config.odata.collation;
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    if !pipeline.is_grouped {
        known.insert(String::new(), 0);
        groups.push(Group::new(Vec::new(), pipeline));
    }
    for row in (0..call.data.end(set)).filter(|row| call.data.has(set, *row)) {
        let view = Row { data: call.data, set, row, collation, dialect: call.dialect };
        if !pipeline.filters.iter().all(|filter| view.keeps(filter)) {
            continue;
        }
        let keys: Vec<Value> = pipeline.keys.iter().map(|key| value(call, set, row, key)).collect();
        let name: String = keys.iter().map(|key| format!("{}\n", name(key, collation))).collect();
        let at = *known.entry(name).or_insert_with(|| {
            groups.push(Group::new(keys, pipeline));
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.rows += 1;
        for (values, measure) in group.values.iter_mut().zip(&pipeline.measures) {
            let value = measure.column.map(|column| call.data.value(set, row, column));
            values.extend(value.filter(|value| !value.is_null()));
        }
    }
    groups.into_iter().map(|group| group.finish(&pipeline.measures, collation)).collect()
}

fn value(call: &Call<'_>, set: &EntitySet, row: u64, key: &Key) -> Value {
    match (call.data.value(set, row, key.column), key.field) {
        (Value::Complex(mut fields), Some(field)) if field < fields.len() => fields.swap_remove(field),
        (_, Some(_)) => Value::Null,
        (value, None) => value,
    }
}

/// Values that are equal have the same name.
fn name(value: &Value, collation: Collation) -> String {
    match value {
        Value::Str(text) if collation == Collation::Binary => format!("{text:?}"),
        Value::Str(text) => format!("{:?}", collation.fold(text.trim_end_matches(' '))),
        // 1.50 is 1.5, and -0 is 0.
        Value::Dec(decimal) => plain(*decimal),
        Value::Double(double) => format!("{:?}", double + 0.0),
        other => format!("{other:?}"),
    }
}

fn plain(decimal: Decimal) -> String {
    let text = decimal.to_string();
    if decimal.scale == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

impl Group {
    fn new(keys: Vec<Value>, pipeline: &Pipeline) -> Self {
        Self { keys, values: pipeline.measures.iter().map(|_| Vec::new()).collect(), rows: 0 }
    }

    fn finish(self, measures: &[Measure], collation: Collation) -> Vec<Value> {
        let whole = |number: i128| Value::Dec(Decimal::new(number, 0));
        let rows = self.rows;
        let of = |(measure, values): (&Measure, Vec<Value>)| match measure.method {
            Method::Count => whole(rows),
            Method::CountDistinct => {
                let mut names: Vec<String> = values.iter().map(|value| name(value, collation)).collect();
                names.sort_unstable();
                names.dedup();
                whole(names.len() as i128)
            }
            Method::Min => extreme(values, Ordering::Less, collation),
            Method::Max => extreme(values, Ordering::Greater, collation),
            Method::Sum => sum(&values),
            Method::Average => average(&values),
        };
        self.keys.into_iter().chain(measures.iter().zip(self.values).map(of)).collect()
    }
}

/// The first of the values that are least, or greatest.
fn extreme(values: Vec<Value>, wanted: Ordering, collation: Collation) -> Value {
    let better = |best: Value, value: Value| if order(&value, &best, collation) == Some(wanted) { value } else { best };
    values.into_iter().reduce(better).unwrap_or(Value::Null)
}

fn sum(values: &[Value]) -> Value {
    let decimals = values.iter().map(|value| match value {
        Value::Int(number) => Some(Decimal::new(i128::from(*number), 0)),
        Value::Dec(decimal) => Some(*decimal),
        _ => None,
    });
    match decimals.collect::<Option<Vec<Decimal>>>() {
        _ if values.is_empty() => Value::Null,
        // Of one column, so of one scale.
        Some(decimals) => {
            let scale = decimals.iter().map(|decimal| decimal.scale).max().unwrap_or(0);
            Value::Dec(Decimal::new(decimals.iter().map(|decimal| decimal.units).sum(), scale))
        }
        None => Value::Double(values.iter().filter_map(double).sum()),
    }
}

fn average(values: &[Value]) -> Value {
    match values.len() {
        0 => Value::Null,
        count => Value::Double(values.iter().filter_map(double).sum::<f64>() / count as f64),
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Dec(decimal) => Some(decimal.to_f64()),
        Value::Double(double) => Some(*double),
        _ => None,
    }
}
