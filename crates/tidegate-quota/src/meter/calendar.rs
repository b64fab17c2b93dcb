//! Ends of windows that the calendar sets.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::Window;

/// First end of such a window after `wall`; `None` when the window does not go by the calendar, or the calendar ends.
pub(crate) fn end_after(window: Window, wall: SystemTime) -> Option<SystemTime> {
    match window {
        Window::Sliding(_) | Window::FirstCall(_) => None,
        Window::Aligned(length) => {
            let length = length.as_nanos().max(1);
            let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let end = (since / length + 1) * length;
            let seconds = u64::try_from(end / 1_000_000_000).ok()?;
            let nanos = u32::try_from(end % 1_000_000_000).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
        }
        Window::Day(zone) => first_midnight(zone, wall, |day| day.checked_add_days(Days::new(1))),
        Window::Month(zone) => first_midnight(zone, wall, |day| day.with_day(1)?.checked_add_months(Months::new(1))),
    }
}

fn first_midnight(zone: Tz, wall: SystemTime, next: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Option<SystemTime> {
    let mut day = DateTime::<Utc>::from(wall).with_timezone(&zone).date_naive();
    // A day may begin twice, or have no midnight, where clocks are changed at midnight.
    for _ in 0..3 {
        day = next(day)?;
        let begin = SystemTime::from(begin_of(zone, day)?);
        if begin > wall {
            return Some(begin);
        }
    }
    None
}

/// First moment of a day: midnight, or where there is none, the end of the gap.
fn begin_of(zone: Tz, day: NaiveDate) -> Option<DateTime<Tz>> {
    const STEP: Duration = Duration::from_secs(15 * 60);
    let mut time = day.and_time(NaiveTime::MIN);
    // The longest gap that there was is a whole day (Samoa, 2011): then the next day's begin is as good.
    for _ in 0..=96 {
        match zone.from_local_datetime(&time) {
            LocalResult::Single(begin) | LocalResult::Ambiguous(begin, _) => return Some(begin),
            LocalResult::None => time += STEP,
        }
    }
    None
}
