//! How long the product's JSON reader takes from a body to Arrow arrays, beside other readers that do the same work:
//! arrow-json with the projected schema; serde_json, simd-json and sonic-rs into structs that borrow from the body; and
//! sonic-rs by path. The shapes are pages of 100 rows as real APIs send them, made by this program: see `shapes`.
//!
//! ```text
//! cd benches/readers
//! cargo run --release                               # the table
//! cargo run --release -- accounts                   # of one shape
//! cargo run --release -- accounts tidegate 100      # 100 pages by one reader, to be run under a profiler
//! ```
//!
//! Before anything is measured, each reader must have read the same as ours. Readers take turns, and of each the
//! fastest round counts: what else a machine does only ever adds. The table gives MB of body in a second and, as
//! machines differ, the time as a ratio to ours: above 1.00 is slower than ours. Each body is read as a whole page;
//! fetching is not measured. All are built for the same target: on x86-64 without `-C target-cpu` that is SSE2 at
//! compile time, and simd-json finds out for itself what the machine has.
//!
//! The work is the same but for this: ours and arrow-json's read decimals exactly, the others through a float; ours and
//! serde_json and simd-json check all of the body, sonic-rs by path does not check what it passes over.

mod random;
mod readers;
mod shapes;

use std::hint::black_box;
use std::time::{Duration, Instant};

use shapes::{ROWS, Shape};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often each reader has its turn.
const ROUNDS: usize = 40;
/// How long a turn takes, about.
const TURN: Duration = Duration::from_millis(8);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |shape: &Shape| arguments.first().is_none_or(|name| *name == shape.name);
    for shape in shapes::all().iter().filter(|shape| wanted(shape)) {
        match arguments.get(1) {
            None => compare(shape)?,
            Some(reader) => repeat(shape, reader, arguments.get(2).map_or(Ok(1), |times| times.parse())?)?,
        }
    }
    Ok(())
}

/// Prints a shape's part of the table.
fn compare(shape: &Shape) -> Result<()> {
    let body = &shape.body;
    let mut readers = readers::all(shape)?;
    let mut pages = Vec::new();
    let mut ours = None;
    for (name, read) in &mut readers {
        let batch = read(body).map_err(|error| format!("{name} does not read {}: {error}", shape.name))?;
        if !shapes::same(ours.get_or_insert_with(|| batch.clone()), &batch)? {
            return Err(format!("{name} reads {} otherwise than the first reader", shape.name).into());
        }
        let start = Instant::now();
        read(body)?;
        pages.push((TURN.as_nanos() / start.elapsed().as_nanos().max(1)).clamp(1, 10_000) as u32);
    }
    let mut best = vec![Duration::MAX; readers.len()];
    for _ in 0..ROUNDS {
        for (((_, read), &pages), best) in readers.iter_mut().zip(&pages).zip(&mut best) {
            let start = Instant::now();
            for _ in 0..pages {
                black_box(read(black_box(body))?);
            }
            *best = start.elapsed().div_f64(pages.into()).min(*best);
        }
    }
    let columns = shape.columns.len();
    println!("{}: {} bytes a row, {columns} columns read", shape.name, body.len() / ROWS);
    for ((name, _), time) in readers.iter().zip(&best) {
        let seconds = time.as_secs_f64();
        println!(
            "  {name:<20} {:>7.0} MB/s {:>8.0} ns/row {:>6.2}",
            body.len() as f64 / seconds / 1e6,
            seconds * 1e9 / ROWS as f64,
            seconds / best[0].as_secs_f64()
        );
    }
    Ok(())
}

/// Reads the same page again and again.
fn repeat(shape: &Shape, reader: &str, times: usize) -> Result<()> {
    let mut readers = readers::all(shape)?;
    let (_, read) = readers.iter_mut().find(|(name, _)| *name == reader).ok_or("no such reader")?;
    for _ in 0..times {
        black_box(read(black_box(&shape.body))?);
    }
    Ok(())
}
