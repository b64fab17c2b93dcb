//! Runs a statement that writes, and tells what became of its rows.

use datafusion::arrow::array::RecordBatch;
use futures::TryStreamExt;
use tidegate::{Session, StatementCounts};
use tidegate_engine::{MutationCounts, MutationSummary};
use tidegate_tests::run::{Outcome, run};

/// What a mutation came to.
#[derive(Debug)]
pub(crate) struct Mutated {
    /// What it showed: the rows of RETURNING, or its summary.
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) summary: MutationSummary,
    /// The error that stands behind its rows, if any.
    pub(crate) error: Option<String>,
    /// Some of the rows that were not applied: key, outcome and why.
    pub(crate) others: Vec<Vec<String>>,
}

impl Mutated {
    /// All rows that were selected were applied, so many, and nothing is wrong.
    #[track_caller]
    pub(crate) fn assert_applied(&self, rows: u64) {
        let MutationCounts { selected, applied, .. } = self.summary.counts;
        let is_whole = self.error.is_none() && self.others.is_empty() && selected == rows && applied == rows;
        assert!(is_whole, "{rows} expected: {self:#?}");
    }
}

/// Runs one statement that writes to its end.
pub(crate) async fn mutate(session: &Session, sql: &str) -> Mutated {
    let prepared = session.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut execution = prepared.execute(vec![]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut batches: Vec<RecordBatch> = Vec::new();
    let error = loop {
        match execution.stream.try_next().await {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => break None,
            Err(error) => break Some(tidegate::Error::from(error).to_string()),
        }
    };
    let rows = Outcome { batches, counts: StatementCounts::default() }.rows();
    let summary = execution.summary.mutation().unwrap_or_else(|| panic!("{sql} is no mutation: {error:?}"));
    let sql = format!(
        "SELECT key, outcome, error FROM system.mutation_rows
         WHERE mutation_id = '{}' AND outcome NOT IN ('applied', 'accepted') LIMIT 5",
        summary.id
    );
    let others = run(session, &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows();
    Mutated { rows, summary, error, others }
}
