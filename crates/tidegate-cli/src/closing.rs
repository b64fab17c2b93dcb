//! The line that ends a statement: what it gave, and what it cost.

use std::time::Duration;

use tidegate::StatementCounts;
use tidegate::transport::Left;

use crate::quotas;
use crate::words::{counted, grouped, seconds};

/// `5 rows · 1 call · 3 answers from the cache · 0.12 s · 59 of 60 left of crm minutely`; `rows` is `None` for a statement that returns none.
pub(crate) fn line(rows: Option<u64>, counts: &StatementCounts, elapsed: Duration, left: Option<&Left>) -> String {
    let mut parts = vec![rows.map_or_else(|| "done".to_owned(), |rows| counted(rows, "row"))];
    parts.push(counted(counts.calls, "call"));
    if counts.retries > 0 {
        let retries = if counts.retries == 1 { "retry" } else { "retries" };
        parts.push(format!("{} {retries}", grouped(counts.retries)));
    }
    if counts.cache_hits > 0 {
        parts.push(format!("{} from the cache", counted(counts.cache_hits, "answer")));
    }
    if counts.revalidated > 0 {
        parts.push(format!("{} unchanged", grouped(counts.revalidated)));
    }
    parts.push(seconds(elapsed));
    parts.extend(left.map(quotas::left));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_with_rows_calls_and_time() {
        let counts = |calls, retries| StatementCounts { calls, retries, ..StatementCounts::default() };
        let cases = [
            (Some(5), counts(1, 0), 120, "5 rows · 1 call · 0.12 s"),
            (Some(1), counts(0, 0), 4, "1 row · 0 calls · 0.00 s"),
            (Some(1_234_567), counts(1_000, 1), 61_000, "1,234,567 rows · 1,000 calls · 1 retry · 1 min 01 s"),
            (None, counts(2, 2), 3_720_000, "done · 2 calls · 2 retries · 1 h 02 min"),
        ];
        for (rows, counts, millis, expected) in cases {
            assert_eq!(line(rows, &counts, Duration::from_millis(millis), None), expected);
        }
        let cached = StatementCounts { cache_hits: 3, revalidated: 1, ..counts(1, 0) };
        let expected = "9 rows · 1 call · 3 answers from the cache · 1 unchanged · 0.00 s";
        assert_eq!(line(Some(9), &cached, Duration::ZERO, None), expected);
        let left = Left {
            connection: "crm".into(),
            partition: None,
            quota: "minutely".into(),
            remaining: 59,
            limit: 60,
            resets_at: None,
        };
        let expected = "6 rows · 61 calls · 1 min 01 s · 59 of 60 left of crm minutely";
        assert_eq!(line(Some(6), &counts(61, 0), Duration::from_secs(61), Some(&left)), expected);
    }
}
