//! What holds of a meter whatever happens, against the plainest server of its kind: one that keeps every arrival.

use proptest::prelude::*;

use super::*;

const LENGTH: i64 = 10 * SECOND;

/// One call: the wait before it, its way there, and its way back, in milliseconds.
type Trip = (i64, i64, i64);

fn trips(wait: i64) -> impl Strategy<Value = Vec<Trip>> {
    prop::collection::vec((0..wait, 1..400_i64, 1..400_i64), 1..80)
}

/// Sends calls one after the other as soon as the meter allows, several under way at once, and returns arrivals.
fn arrivals(quota: &Quota, trips: &[Trip], tell: impl Fn(&[Moment], Moment) -> Option<Observation>) -> Vec<Moment> {
    let mut bench = Bench::new(quota.clone());
    let mut now = at(0.0).0;
    let mut arrived: Vec<Moment> = Vec::new();
    let mut flying: Vec<(i64, i64, i64)> = Vec::new();
    for (wait, up, down) in trips {
        now += wait * 1000;
        for _ in 0..1000 {
            let next = flying.iter().map(|call| call.2).filter(|received| *received <= now).min();
            if let Some(received) = next {
                let place = flying.iter().position(|call| call.2 == received).expect("it is there");
                let (sent, arrival, _) = flying.remove(place);
                let seen = tell(&arrived, Moment(arrival));
                let elapsed = |moment: i64| (moment - at(0.0).0) as f64 / 1e6;
                bench.settle(elapsed(sent), elapsed(received), seen.as_ref());
                continue;
            }
            bench.roll(Moment(now));
            let ask = Ask { needs: 1, reserve: 0, ahead: 0, under_way: bench.under_way };
            match bench.meter.ask(ask, Moment(now), bench.way) {
                Verdict::Fits => break,
                Verdict::Wait { at: Some(until), .. } => {
                    assert!(until.0 > now, "a wait that is over");
                    let next = flying.iter().map(|call| call.2).min().unwrap_or(i64::MAX);
                    now = until.0.min(next);
                }
                Verdict::Wait { at: None, .. } => {
                    now = flying.iter().map(|call| call.2).min().expect("it waits for calls under way");
                }
                Verdict::Never { .. } => panic!("one call fits"),
            }
        }
        bench.meter.grant(1, bench.under_way, Moment(now));
        bench.under_way += 1;
        flying.push((now, now + up * 1000, now + (up + down) * 1000));
        arrived.push(Moment(now + up * 1000));
    }
    arrived.sort();
    arrived
}

/// Most arrivals in any interval of the length.
fn most_in_any(arrived: &[Moment]) -> usize {
    let count = |from: &Moment| arrived.iter().filter(|at| **at >= *from && at.0 < from.0 + LENGTH).count();
    arrived.iter().map(count).max().unwrap_or(0)
}

/// Most arrivals in a window that begins with its first.
fn most_from_first(arrived: &[Moment]) -> usize {
    let mut most = 0;
    let mut rest = arrived;
    while let Some(first) = rest.first() {
        let end = rest.partition_point(|at| at.0 < first.0 + LENGTH);
        most = most.max(end);
        rest = &rest[end..];
    }
    most
}

fn most_aligned(arrived: &[Moment]) -> usize {
    let window = |at: &Moment| at.0.div_euclid(LENGTH);
    arrived.iter().map(|of| arrived.iter().filter(|at| window(at) == window(of)).count()).max().unwrap_or(0)
}

fn length() -> Duration {
    Duration::from_micros(LENGTH as u64)
}

proptest! {
    #[test]
    fn no_interval_holds_more_than_a_sliding_window(limit in 1..12_u64, trips in trips(1500)) {
        let arrived = arrivals(&window(limit, Window::Sliding(length())), &trips, |_, _| None);
        prop_assert!(most_in_any(&arrived) as u64 <= limit);
    }

    #[test]
    fn no_window_from_its_first_call_holds_more(limit in 1..12_u64, trips in trips(1500)) {
        let arrived = arrivals(&window(limit, Window::FirstCall(length())), &trips, |_, _| None);
        prop_assert!(most_from_first(&arrived) as u64 <= limit);
    }

    #[test]
    fn no_aligned_window_holds_more(limit in 1..12_u64, trips in trips(1500)) {
        let arrived = arrivals(&window(limit, Window::Aligned(length())), &trips, |_, _| None);
        prop_assert!(most_aligned(&arrived) as u64 <= limit);
    }

    #[test]
    fn no_aligned_window_that_is_told_holds_more(limit in 1..12_u64, trips in trips(1500), is_sliding in any::<bool>()) {
        let shape = if is_sliding { Window::Sliding(length()) } else { Window::FirstCall(length()) };
        let tell = |arrived: &[Moment], at: Moment| {
            let begin = at.0.div_euclid(LENGTH) * LENGTH;
            let used = arrived.iter().filter(|other| other.0 >= begin && **other <= at).count() as u64;
            let resets_in = Some(Duration::from_micros((begin + LENGTH - at.0) as u64));
            Some(Observation { limit: Some(limit), used: Some(used), resets_in, ..seen() })
        };
        let arrived = arrivals(&window(limit, shape), &trips, tell);
        prop_assert!(most_aligned(&arrived) as u64 <= limit);
    }

    #[test]
    fn no_bucket_is_overdrawn(capacity in 1..12_u64, per_second in 1..8_u64, trips in trips(400)) {
        let (capacity, per_second) = (capacity as f64, per_second as f64);
        let arrived = arrivals(&quota(Limit::Bucket { capacity, per_second }), &trips, |_, _| None);
        let (mut level, mut last) = (capacity, at(0.0));
        for at in arrived {
            level = (level + at.since(last).as_secs_f64() * per_second).min(capacity) - 1.0;
            last = at;
            prop_assert!(level > -1e-3, "{level} at {at:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again(limit in 1..50_u64, trips in trips(1500)) {
        let mut bench = Bench::new(window(limit, Window::Sliding(length())));
        for (index, _) in trips.iter().enumerate() {
            let now = index as f64 / 10.0;
            if bench.ask(now) == Verdict::Fits {
                bench.send(now);
                bench.settle(now, now + 0.05, None);
            }
        }
        let text = serde_json::to_string(&bench.meter).expect("written");
        prop_assert_eq!(serde_json::from_str::<Meter>(&text).expect("read"), bench.meter);
    }
}
