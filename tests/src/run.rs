//! Runs SQL and turns rows into text.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use tidegate::{Error, Session, StatementCounts};

/// What a statement came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// What it spent.
    pub counts: StatementCounts,
}

impl Outcome {
    /// The rows as text, `NULL` for null.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &self.batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).expect("every type has a text form"))
                .collect();
            rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()));
        }
        rows
    }

    /// The rows as text in an order that does not depend on how they came.
    #[must_use]
    pub fn sorted_rows(&self) -> Vec<Vec<String>> {
        let mut rows = self.rows();
        rows.sort();
        rows
    }
}

/// Runs one statement to its end.
///
/// # Errors
/// Those of the statement.
pub async fn run(session: &Session, sql: &str) -> Result<Outcome, Error> {
    let execution = session.prepare(sql).await?.execute(vec![]).await?;
    let batches: Vec<RecordBatch> = execution.stream.try_collect().await.map_err(Error::from)?;
    Ok(Outcome { batches, counts: execution.summary.counts() })
}
