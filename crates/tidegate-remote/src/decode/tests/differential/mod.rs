//! The decoder beside serde_json, on random documents: whether they are taken, and what the columns hold.
//!
//! Both must say the same but for this, which is so on purpose:
//! - Nesting deeper than 128 within one value is refused; serde_json passes over any depth.
//! - Of a member that stands twice the last one counts, as in serde_json's tree; a body with its rows twice is refused.
//! - Half of a surrogate pair is right where nobody reads it, as with serde_json's `IgnoredAny`, and a bad value where
//!   somebody does.
//! - A float is the nearest to what is written; serde_json's is near it, as long as its `float_roundtrip` is off.
//!
//! `TIDEGATE_DIFFERENTIAL=1000000 cargo test -p tidegate-remote differential` runs a million documents, and
//! `TIDEGATE_DIFFERENTIAL_FROM` says with which seed to begin. A failure names its seed.

mod generate;
mod oracle;

use std::sync::LazyLock;

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use tidegate_spec::ColumnType::*;
use tidegate_spec::{Column, Envelope, Field, TimestampFormat};

use super::super::{Decoded, Decoder};
use super::{column, path, table};
use crate::{BadValue, ErrorKind};
use oracle::{Cell, Verdict};

/// Documents of an ordinary run, which is to take seconds where nothing is optimised.
const DOCUMENTS: u64 = 20_000;

/// What decoding may pass over: [`super::super::scanner::MAX_DEPTH`] within one value.
const DEPTH: usize = 128;
/// Levels around the values of a row: the page, its rows, the row, and a member on a column's path.
const AROUND: usize = 4;

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let field =
        |name: &str, data_type| Field { name: name.to_owned(), api_name: name.to_owned(), data_type, nullable: true };
    vec![
        column("t", Text),
        column("i", Int64),
        column("m", Decimal { precision: 20, scale: 4 }),
        column("f", Float64),
        column("b", Bool),
        column("at", Timestamp { format: TimestampFormat::Iso8601, instant: true }),
        column("ms", Timestamp { format: TimestampFormat::EpochMillis, instant: true }),
        column("j", Json),
        column("l", List(Box::new(Int64))),
        column("s", Struct(vec![field("x", Int64), field("y", Text)])),
        column("n.x", Int64),
        column("n.y", Text),
    ]
});

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

#[test]
fn documents_are_read_as_serde_json_reads_them() {
    let from = number("TIDEGATE_DIFFERENTIAL_FROM").unwrap_or(0);
    let count = number("TIDEGATE_DIFFERENTIAL").unwrap_or(DOCUMENTS);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let check = Check::new();
                let mut seen = [0_u64; 4];
                for seed in (from + thread..from + count).step_by(threads as usize) {
                    seen[check.seed(seed) as usize] += 1;
                }
                // Neither side of any comparison may be empty without anybody noticing.
                assert!(count < DOCUMENTS || seen.iter().all(|seen| *seen > 0), "{seen:?}");
            });
        }
    });
}

/// What a document was.
#[derive(Clone, Copy)]
enum Kind {
    NotJson,
    NoPage,
    BadValues,
    Right,
}

/// Decoders for all columns, in both ways to take bad values, and for none.
struct Check {
    null: Decoder,
    fail: Decoder,
    none: Decoder,
}

impl Check {
    fn new() -> Self {
        let table = table(COLUMNS.clone());
        let envelope = Envelope { rows: vec![path("value")], ..Envelope::default() };
        let all: Vec<usize> = (0..COLUMNS.len()).collect();
        Self {
            null: Decoder::new(&table, &all, &envelope, BadValue::Null),
            fail: Decoder::new(&table, &all, &envelope, BadValue::Fail),
            none: Decoder::new(&table, &[], &envelope, BadValue::Fail),
        }
    }

    fn seed(&self, seed: u64) -> Kind {
        let (body, was_cut) = generate::document(seed);
        let verdict = oracle::judge(&body, &COLUMNS);
        self.compare(&body, was_cut, &verdict)
            .unwrap_or_else(|what| panic!("seed {seed}: {what}\n{}\n{body:?}", String::from_utf8_lossy(&body)))
    }

    fn compare(&self, body: &[u8], was_cut: bool, verdict: &Verdict) -> Result<Kind, String> {
        let read = [self.null.decode(body), self.fail.decode(body), self.none.decode(body)];
        if let Some(error) = read.iter().find_map(|read| too_deep(read.as_ref().err()?)) {
            let depth = oracle::depth(body);
            return if depth > DEPTH { Ok(Kind::NotJson) } else { Err(format!("{error}, which has {depth} levels")) };
        }
        let [null, fail, none] = &read;
        match verdict {
            Verdict::NotJson => {
                let cut = |error: &ErrorKind| {
                    ["in the middle", "empty body"].iter().any(|how| error.to_string().contains(how))
                };
                for read in &read {
                    let Err(error) = read else { return Err("what is no JSON was taken".to_owned()) };
                    if !is_syntax(error) || (was_cut && !cut(error)) {
                        return Err(format!("what is no JSON was refused as {error}"));
                    }
                }
                Ok(Kind::NotJson)
            }
            Verdict::NoPage => {
                // Without columns a row may still not be anything but an object.
                match read.iter().all(|read| read.as_ref().is_err_and(|error| !is_syntax(error))) {
                    true => Ok(Kind::NoPage),
                    false => Err(format!("JSON that is no page gives {null:?}, {fail:?} and {none:?}")),
                }
            }
            Verdict::Rows(rows, bad) => {
                let depth = oracle::depth(body);
                if depth > DEPTH + AROUND {
                    return Err(format!("{depth} levels were taken"));
                }
                let Ok(null) = null else { return Err(format!("a page was refused: {null:?}")) };
                if none.as_ref().ok().map(|none| none.batch.num_rows()) != Some(rows.len()) {
                    return Err(format!("without columns a page gives {none:?}"));
                }
                cells(null, rows)?;
                match (fail, bad) {
                    (Ok(fail), None) => cells(fail, rows).map(|()| Kind::Right),
                    (Err(ErrorKind::BadValue { column, row, .. }), Some((bad_row, bad_column)))
                        if (row, column) == (bad_row, bad_column) =>
                    {
                        Ok(Kind::BadValues)
                    }
                    _ => Err(format!("with a first bad value of {bad:?} a page gives {fail:?}")),
                }
            }
        }
    }
}

fn too_deep(error: &ErrorKind) -> Option<String> {
    Some(error.to_string()).filter(|text| text.contains("nested deeper"))
}

fn is_syntax(error: &ErrorKind) -> bool {
    let text = error.to_string();
    ["not JSON", "in the middle", "not UTF-8", "empty body", "where JSON was expected"]
        .iter()
        .any(|how| text.contains(how))
}

/// Compares every cell.
fn cells(decoded: &Decoded, expected: &[Vec<Cell>]) -> Result<(), String> {
    let batch = &decoded.batch;
    if batch.num_rows() != expected.len() {
        return Err(format!("{} rows instead of {}", batch.num_rows(), expected.len()));
    }
    for (row, cells) in expected.iter().enumerate() {
        for (column, (array, expected)) in COLUMNS.iter().zip(batch.columns().iter().zip(cells)) {
            let found = cell(array, row);
            if !same(&found, expected) {
                return Err(format!("row {} has {found:?} in {}, not {expected:?}", row + 1, column.name));
            }
        }
    }
    Ok(())
}

fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int64 => Cell::Whole(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::Decimal128(..) => Cell::Whole(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Timestamp(..) => Cell::Whole(array.as_primitive::<TimestampMicrosecondType>().value(row).into()),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Cell::Many((0..items.len()).map(|item| cell(&items, item)).collect())
        }
        DataType::Struct(_) => Cell::Many(array.as_struct().columns().iter().map(|member| cell(member, row)).collect()),
        other => panic!("no column is {other}"),
    }
}

fn same(ours: &Cell, theirs: &Cell) -> bool {
    match (ours, theirs) {
        (Cell::Float(ours), Cell::Float(theirs)) => {
            (ours.is_nan() && theirs.is_nan()) || ours.to_bits() == theirs.to_bits()
        }
        (Cell::Many(ours), Cell::Many(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        _ => ours == theirs,
    }
}
