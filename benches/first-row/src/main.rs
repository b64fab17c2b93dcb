//! How long a program that embeds the engine waits for the first row: `tidegate-first-row CONNECT SELECT TIMES`.
//!
//! It runs `CONNECT`, then `SELECT` once so that the connection is warm, then `SELECT` again and again to its end. What it
//! prints is JSON: the seconds from execute to the first row of each, and how many rows there were. `cargo xtask bench` uses it.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::time::Instant;

use futures::StreamExt;
use tidegate::{Engine, Session};

/// The message is all that is used of it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Seconds to the first row, and the rows of all.
struct Seen {
    first_row: f64,
    rows: u64,
}

async fn read(session: &Session, sql: &str) -> Result<Seen> {
    let prepared = session.prepare(sql).await?;
    let start = Instant::now();
    let mut stream = prepared.execute(Vec::new()).await?.stream;
    let mut seen = Seen { first_row: f64::NAN, rows: 0 };
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if seen.rows == 0 && batch.num_rows() > 0 {
            seen.first_row = start.elapsed().as_secs_f64();
        }
        seen.rows += batch.num_rows() as u64;
    }
    Ok(seen)
}

#[tokio::main]
async fn main() -> Result<()> {
    let [connect, select, times] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: tidegate-first-row CONNECT SELECT TIMES")?;
    let engine = Engine::builder().build()?;
    let session = engine.session("local");
    read(&session, &connect).await?;
    read(&session, &select).await?;
    let (mut first_row, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..times.parse()? {
        let seen = read(&session, &select).await?;
        first_row.push(seen.first_row);
        rows.push(seen.rows);
    }
    println!("{}", serde_json::json!({ "first_row": first_row, "rows": rows }));
    engine.settle().await;
    Ok(())
}
