//! What is left of quotas and what is waited for, in the words of the progress line and the closing line.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate::transport::{Left, Waiting};

use crate::words::grouped;

/// `53 of 60 left of eol 101 minutely`.
pub(crate) fn left(left: &Left) -> String {
    let whose = whose(&left.connection, left.partition.as_deref());
    format!("{} of {} left of {whose} {}", grouped(left.remaining), grouped(left.limit), left.quota)
}

/// `waiting 12 s for eol 101 minutely (until 14:03:05 UTC) and 2 more`: the wait that ends first, and in how many other
/// partitions calls wait. What matters most comes first: the line may be cut off.
pub(crate) fn waiting(waits: &[Waiting], now: SystemTime) -> Option<String> {
    let first = waits.iter().min_by_key(|wait| (wait.until.is_none(), wait.until))?;
    let whose = whose(&first.connection, first.partition.as_deref());
    let (away, until) = match first.until {
        Some(until) => {
            let away = until.duration_since(now).unwrap_or_default();
            (format!(" {}", countdown(away)), format!(" (until {})", at(until)))
        }
        None => (String::new(), String::new()),
    };
    let partitions: BTreeSet<_> = waits.iter().map(|wait| (&wait.connection, &wait.partition)).collect();
    let others = match partitions.len() {
        0 | 1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    Some(format!("waiting{away} for {whose} {}{until}{others}", first.quota))
}

fn whose(connection: &str, partition: Option<&str>) -> String {
    partition.map_or_else(|| connection.to_owned(), |partition| format!("{connection} {partition}"))
}

/// The time of day.
fn at(time: SystemTime) -> String {
    let second = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
}

/// Whole seconds, rounded up: it is never over before it says so.
fn countdown(away: Duration) -> String {
    let seconds = away.as_secs() + u64::from(away.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(partition: Option<&str>, quota: &str, until: Option<u64>) -> Waiting {
        Waiting {
            connection: "eol".into(),
            partition: partition.map(Into::into),
            quota: quota.into(),
            until: until.map(|second| UNIX_EPOCH + Duration::from_secs(second)),
        }
    }

    #[test]
    fn the_wait_that_ends_first_is_shown() {
        let now = UNIX_EPOCH + Duration::from_millis(86_400_000 + 13 * 3_600_000 - 500);
        let (soon, later) = (86_400 + 13 * 3600 + 11, 86_400 + 15 * 3600);
        let cases = [
            (vec![], None),
            (vec![wait(None, "concurrency", None)], Some("waiting for eol concurrency")),
            (vec![wait(None, "minutely", Some(soon))], Some("waiting 12 s for eol minutely (until 13:00:11 UTC)")),
            (
                vec![wait(Some("102"), "daily", Some(later)), wait(Some("101"), "minutely", Some(soon))],
                Some("waiting 12 s for eol 101 minutely (until 13:00:11 UTC) and 1 more"),
            ),
            (
                vec![wait(Some("101"), "daily", Some(later)), wait(Some("101"), "slots", None)],
                Some("waiting 2 h 00 min for eol 101 daily (until 15:00:00 UTC)"),
            ),
            (vec![wait(None, "minutely", Some(5))], Some("waiting 0 s for eol minutely (until 00:00:05 UTC)")),
        ];
        for (waits, expected) in cases {
            assert_eq!(waiting(&waits, now).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_left_names_connection_partition_and_quota() {
        let of = |partition: Option<&str>| Left {
            connection: "eol".into(),
            partition: partition.map(Into::into),
            quota: "daily".into(),
            remaining: 4499,
            limit: 5000,
            resets_at: None,
        };
        assert_eq!(left(&of(None)), "4,499 of 5,000 left of eol daily");
        assert_eq!(left(&of(Some("101"))), "4,499 of 5,000 left of eol 101 daily");
    }
}
