//! Rules of single meters, one by one, and what holds whatever happens.

mod edges;
mod property;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::{Ask, Counted, Counters, Meter, Verdict, Way, calendar};
use crate::{Because, Limit, Moment, Observation, Quota, Unit, Window};

const SECOND: i64 = 1_000_000;

/// A meter at a time, driven as a scope drives it. Calls are units of one; latency is what a test says.
struct Bench {
    meter: Meter,
    quota: Quota,
    under_way: u64,
    way: Way,
}

/// Seconds after an arbitrary moment.
fn at(seconds: f64) -> Moment {
    Moment(1_700_000_000 * SECOND + (seconds * 1e6).round() as i64)
}

fn wall(moment: Moment) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(moment.0 as u64)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn quota(limit: Limit) -> Quota {
    Quota { name: "q".into(), unit: Unit::Calls, limit, is_reported: false }
}

fn window(limit: impl Into<Option<u64>>, window: Window) -> Quota {
    quota(Limit::Window { limit: limit.into(), window })
}

fn seen() -> Observation {
    Observation {
        scope: 0,
        quota: "q".into(),
        limit: None,
        remaining: None,
        used: None,
        resets_in: None,
        window: None,
        per_second: None,
    }
}

impl Bench {
    fn new(quota: Quota) -> Self {
        let meter = Meter::declared(&quota, at(0.0));
        Self { meter, quota, under_way: 0, way: Way::default() }
    }

    fn roll(&mut self, now: Moment) {
        let window = match self.quota.limit {
            Limit::Window { window, .. } => Some(window),
            _ => None,
        };
        self.meter.roll(now, wall(now), window, self.way);
    }

    fn ask_for(&mut self, now: f64, needs: u64, reserve: u64) -> Verdict {
        self.roll(at(now));
        let ask = Ask { needs, reserve, ahead: 0, under_way: self.under_way };
        self.meter.ask(ask, at(now), self.way)
    }

    fn ask(&mut self, now: f64) -> Verdict {
        self.ask_for(now, 1, 0)
    }

    /// Sends a call, which must fit.
    fn send(&mut self, now: f64) {
        assert_eq!(self.ask(now), Verdict::Fits, "at {now}");
        self.meter.grant(1, self.under_way, at(now));
        self.under_way += 1;
    }

    fn settle(&mut self, sent: f64, now: f64, seen: Option<&Observation>) {
        self.roll(at(now));
        self.under_way -= 1;
        let call = Counted { sent: at(sent), by: at(now), is_sure: true, units: 1 };
        self.meter.settle(call, seen, self.under_way, at(now));
    }

    /// Sends `calls` and settles them a tenth of a second later.
    fn spend(&mut self, now: f64, calls: u64) {
        for _ in 0..calls {
            self.send(now);
        }
        for _ in 0..calls {
            self.settle(now, now + 0.1, None);
        }
    }

    fn counters(&mut self, now: f64) -> Counters {
        self.roll(at(now));
        self.meter.counters(self.under_way, at(now))
    }
}

fn spent(until: f64) -> Verdict {
    Verdict::Wait { at: Some(at(until)), because: Because::Spent }
}

fn under_way() -> Verdict {
    Verdict::Wait { at: None, because: Because::Spent }
}

#[test]
fn sliding_units_come_back_a_window_after_their_responses() {
    let mut bench = Bench::new(window(3, Window::Sliding(seconds(10.0))));
    bench.spend(0.0, 2);
    bench.spend(4.0, 1);
    assert_eq!(bench.ask(5.0), spent(10.1));
    assert_eq!(bench.ask_for(5.0, 3, 0), spent(14.1));
    assert_eq!(bench.ask(10.1), Verdict::Fits);
    assert_eq!(bench.counters(10.1).left, Some(2));
}

#[test]
fn constant_latency_costs_nothing() {
    let mut bench = Bench::new(window(2, Window::Sliding(seconds(10.0))));
    bench.way = Way { least: SECOND / 10, most: SECOND / 10 };
    bench.spend(0.0, 2);
    assert_eq!(bench.ask(1.0), spent(10.0));
    bench.spend(10.0, 2);
}

#[test]
fn a_log_of_many_calls_keeps_units_at_most_a_hundredth_of_the_window_too_long() {
    let mut bench = Bench::new(window(100_000, Window::Sliding(seconds(100.0))));
    for call in 0..1000 {
        let now = f64::from(call) / 10.0;
        bench.send(now);
        bench.settle(now, now, None);
    }
    for later in [100.0, 130.0, 160.0, 199.0] {
        let used = bench.counters(later).used.expect("counted");
        let exact = (10.0 * (199.9 - later)).max(0.0);
        assert!(used as f64 >= exact && used as f64 <= exact + 11.0, "{used} at {later}, {exact} would be exact");
    }
}

#[test]
fn a_window_from_the_first_call_ends_a_length_after_its_response() {
    let mut bench = Bench::new(window(3, Window::FirstCall(seconds(10.0))));
    bench.send(0.0);
    bench.send(0.0);
    bench.send(0.0);
    assert_eq!(bench.ask(1.0), under_way());
    for _ in 0..3 {
        bench.settle(0.0, 2.0, None);
    }
    assert_eq!(bench.ask(11.9), spent(12.0));
    assert_eq!(bench.ask(12.0), Verdict::Fits);
}

#[test]
fn calls_over_the_end_of_a_window_count_in_both() {
    let mut bench = Bench::new(window(3, Window::FirstCall(seconds(10.0))));
    bench.spend(0.0, 2);
    bench.send(9.0);
    assert_eq!(bench.counters(10.2).used, Some(1));
    bench.settle(9.0, 10.5, None);
    assert_eq!(bench.counters(10.6).used, Some(1));
    bench.spend(10.6, 2);
    assert!(matches!(bench.ask(10.8), Verdict::Wait { .. }));
}

#[test]
fn a_call_that_may_never_have_arrived_does_not_tell_when_a_window_ends() {
    let mut bench = Bench::new(window(2, Window::FirstCall(seconds(10.0))));
    bench.send(0.0);
    bench.send(0.0);
    bench.under_way -= 1;
    let lost = Counted { sent: at(0.0), by: at(1.0), is_sure: false, units: 1 };
    bench.meter.settle(lost, None, bench.under_way, at(1.0));
    bench.settle(0.0, 5.0, None);
    assert_eq!(bench.ask(14.9), spent(15.0));
}

#[test]
fn calendar_windows_end_by_the_calendar() {
    // 2023-11-14T22:13:20Z is 23:13:20 in Amsterdam.
    let mut bench = Bench::new(window(2, Window::Day(chrono_tz::Europe::Amsterdam)));
    bench.spend(0.0, 2);
    assert_eq!(bench.ask(1.0), spent(46.0 * 60.0 + 40.0));
    bench.spend(46.0 * 60.0 + 40.0, 2);
    assert_eq!(bench.ask(3000.0), spent(46.0 * 60.0 + 40.0 + 86_400.0));
}

#[test]
fn ends_of_windows_follow_the_zone() {
    let utc = |text: &str| SystemTime::from(text.parse::<DateTime<Utc>>().expect("a time"));
    let amsterdam = Window::Day(chrono_tz::Europe::Amsterdam);
    let cases = [
        (Window::Aligned(seconds(60.0)), "2024-01-01T00:00:59.999999Z", "2024-01-01T00:01:00Z"),
        (Window::Aligned(seconds(60.0)), "2024-01-01T00:01:00Z", "2024-01-01T00:02:00Z"),
        (Window::Day(chrono_tz::UTC), "2024-02-28T12:00:00Z", "2024-02-29T00:00:00Z"),
        (amsterdam, "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"),
        (amsterdam, "2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"),
        (Window::Month(chrono_tz::UTC), "2024-01-31T12:00:00Z", "2024-02-01T00:00:00Z"),
        (Window::Month(chrono_tz::America::New_York), "2024-03-05T00:00:00Z", "2024-04-01T04:00:00Z"),
        // Midnight does not exist there that day.
        (Window::Day(chrono_tz::America::Sao_Paulo), "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"),
    ];
    for (window, now, end) in cases {
        assert_eq!(calendar::end_after(window, utc(now)), Some(utc(end)), "{window:?} at {now}");
    }
}

#[test]
fn a_wall_clock_that_jumps_grants_no_window_twice() {
    let hour = 3600.0;
    for jump in [-30.0 * hour, -5.0 * hour, -60.0, 60.0, 5.0 * hour, 30.0 * hour] {
        let mut bench = Bench::new(window(2, Window::Day(chrono_tz::UTC)));
        let mut grants = Vec::new();
        for step in 0..(24 * 10 * 4) {
            let now = f64::from(step) * hour / 4.0;
            let is_wrong = (40..60).contains(&step) || (180..300).contains(&step);
            let shown = wall(at(now + if is_wrong { jump } else { 0.0 }));
            let day = Window::Day(chrono_tz::UTC);
            bench.meter.roll(at(now), shown, Some(day), Way::default());
            let ask = Ask { needs: 1, reserve: 0, ahead: 0, under_way: 0 };
            if bench.meter.ask(ask, at(now), Way::default()) == Verdict::Fits {
                grants.push(now);
                let call = Counted { sent: at(now), by: at(now), is_sure: true, units: 1 };
                bench.meter.settle(call, None, 0, at(now));
            }
        }
        let days = 11;
        assert!(grants.len() <= 2 * days, "{} grants in {days} days after {jump}", grants.len());
        assert!(grants.len() >= 2 * (days - 4), "{} grants in {days} days after {jump}", grants.len());
    }
}

/// A limit, what is left and the time to the reset.
fn left(limit: u64, left: u64, resets_in: f64) -> Observation {
    Observation { limit: Some(limit), remaining: Some(left), resets_in: Some(seconds(resets_in)), ..seen() }
}

#[test]
fn the_server_knows_of_other_clients() {
    let mut bench = Bench::new(window(100, Window::FirstCall(seconds(60.0))));
    bench.send(0.0);
    bench.settle(0.0, 0.1, Some(&left(100, 40, 30.0)));
    assert_eq!(bench.counters(1.0).left, Some(40));
    assert_eq!(bench.ask_for(1.0, 41, 0), spent(30.1));
    assert_eq!(bench.ask_for(30.1, 100, 0), Verdict::Fits);
}

#[test]
fn calls_under_way_are_not_in_a_count() {
    let mut bench = Bench::new(window(10, Window::FirstCall(seconds(60.0))));
    for _ in 0..4 {
        bench.send(0.0);
    }
    bench.settle(0.0, 0.1, Some(&left(10, 9, 60.0)));
    assert_eq!(bench.counters(0.1).used, Some(4));
    // Of a higher count it is known that it came later.
    bench.settle(0.0, 0.2, Some(&left(10, 6, 60.0)));
    bench.settle(0.0, 0.3, Some(&left(10, 7, 60.0)));
    bench.settle(0.0, 0.4, Some(&left(10, 8, 60.0)));
    assert_eq!(bench.counters(0.4).used, Some(4));
}

#[test]
fn a_call_without_figures_counts_until_a_later_count_includes_it() {
    let mut bench = Bench::new(window(10, Window::FirstCall(seconds(60.0))));
    bench.send(0.0);
    bench.send(0.0);
    bench.settle(0.0, 0.1, None);
    bench.settle(0.0, 0.2, Some(&left(10, 9, 60.0)));
    assert_eq!(bench.counters(0.2).used, Some(2));
    bench.send(0.3);
    bench.settle(0.3, 0.4, Some(&left(10, 7, 59.0)));
    assert_eq!(bench.counters(0.4).used, Some(3));
}

#[test]
fn what_was_refunded_is_believed_when_nothing_is_under_way() {
    let mut bench = Bench::new(window(10, Window::FirstCall(seconds(60.0))));
    bench.send(0.0);
    bench.settle(0.0, 0.1, Some(&left(10, 2, 60.0)));
    bench.send(1.0);
    bench.send(1.0);
    bench.settle(1.0, 1.1, Some(&left(10, 7, 59.0)));
    assert_eq!(bench.counters(1.1).left, Some(1));
    bench.settle(1.0, 1.2, Some(&left(10, 6, 59.0)));
    bench.send(2.0);
    bench.settle(2.0, 2.1, Some(&left(10, 5, 58.0)));
    assert_eq!(bench.counters(2.1).left, Some(5));
}

#[test]
fn a_reset_that_wobbles_by_rounding_is_of_the_same_window() {
    let mut bench = Bench::new(window(10, Window::Sliding(seconds(60.0))));
    for (now, left_over, resets_in) in [(0.0, 9, 60.0), (1.3, 8, 59.0), (2.6, 7, 59.0), (4.9, 6, 55.0)] {
        bench.send(now);
        bench.settle(now, now + 0.1, Some(&left(10, left_over, resets_in)));
        assert_eq!(bench.counters(now + 0.1).left, Some(left_over));
    }
    assert_eq!(bench.ask_for(6.0, 7, 0), spent(60.0));
}

#[test]
fn a_window_that_is_told_restarts_the_count_and_one_that_is_over_is_ignored() {
    let mut bench = Bench::new(window(10, Window::Sliding(seconds(60.0))));
    bench.send(0.0);
    bench.send(0.0);
    bench.settle(0.0, 0.1, Some(&left(10, 1, 20.0)));
    bench.send(20.5);
    bench.settle(20.5, 20.6, Some(&left(10, 8, 60.0)));
    assert_eq!(bench.counters(20.6).used, Some(3));
    bench.settle(0.0, 20.7, Some(&left(10, 0, 0.0)));
    assert_eq!(bench.counters(20.8).left, Some(8));
}

#[test]
fn a_limit_or_rest_of_nothing_holds_until_the_reset() {
    for figures in [left(0, 0, 10.0), left(5, 0, 10.0)] {
        let mut bench = Bench::new(window(None, Window::FirstCall(seconds(60.0))));
        bench.send(0.0);
        bench.settle(0.0, 0.1, Some(&figures));
        assert_eq!(bench.ask(1.0), spent(10.1), "{figures:?}");
        assert_eq!(bench.ask(10.1), Verdict::Fits, "{figures:?}");
    }
}

#[test]
fn the_newest_limit_is_believed() {
    let mut bench = Bench::new(window(100, Window::FirstCall(seconds(60.0))));
    bench.send(0.0);
    bench.settle(0.0, 0.1, Some(&left(300, 299, 60.0)));
    assert_eq!(bench.counters(0.1).left, Some(299));
    bench.send(1.0);
    bench.settle(1.0, 1.1, Some(&left(60, 58, 59.0)));
    assert_eq!(bench.counters(1.1), Counters { used: Some(2), left: Some(58), resets: Some(at(60.1)) });
}

#[test]
fn what_is_left_without_a_limit_is_enough_to_go_by() {
    let mut bench = Bench::new(window(None, Window::FirstCall(seconds(60.0))));
    let told = |left| Observation { remaining: Some(left), resets_in: Some(seconds(50.0)), ..seen() };
    bench.send(0.0);
    bench.settle(0.0, 0.1, Some(&told(2)));
    let counters = bench.counters(0.1);
    assert_eq!((counters.used, counters.left), (None, Some(2)));
    bench.send(1.0);
    bench.send(1.0);
    assert_eq!(bench.ask(1.0), under_way());
}

#[test]
fn figures_are_unknown_until_told_and_after_the_window() {
    let mut reported = window(10, Window::FirstCall(seconds(60.0)));
    reported.is_reported = true;
    let mut bench = Bench::new(reported);
    bench.send(0.0);
    assert_eq!(bench.counters(0.0), Counters::default());
    bench.settle(0.0, 0.1, Some(&left(10, 4, 20.0)));
    assert_eq!(bench.counters(1.0).left, Some(4));
    assert_eq!(bench.counters(20.1), Counters::default());
    assert_eq!(bench.ask_for(20.1, 10, 0), Verdict::Fits);
}

#[test]
fn a_bucket_is_refilled_and_never_holds_more_than_it_can() {
    let mut bench = Bench::new(quota(Limit::Bucket { capacity: 4.0, per_second: 2.0 }));
    bench.spend(0.0, 4);
    assert_eq!(bench.counters(0.1).left, Some(0));
    let Verdict::Wait { at: Some(until), because: Because::Spent } = bench.ask_for(0.1, 2, 0) else {
        panic!("it is empty")
    };
    assert!(until >= at(1.1) && until <= at(1.1) + Duration::from_micros(2), "{until:?}");
    assert_eq!(bench.counters(100.0).left, Some(4));
    assert_eq!(bench.ask_for(100.0, 5, 0), Verdict::Never { limit: 4 });
}

#[test]
fn a_bucket_is_given_back_what_a_call_did_not_cost() {
    let mut points = quota(Limit::Bucket { capacity: 100.0, per_second: 1.0 });
    points.unit = Unit::Points;
    let mut bench = Bench::new(points);
    bench.under_way = 60;
    assert_eq!(bench.counters(0.0).left, Some(40));
    bench.under_way = 0;
    let call = Counted { sent: at(0.0), by: at(0.5), is_sure: true, units: 10 };
    bench.meter.settle(call, None, 0, at(0.5));
    assert_eq!(bench.counters(0.5).left, Some(90));
    let told = Observation { limit: Some(100), remaining: Some(50), ..seen() };
    let call = Counted { sent: at(1.0), by: at(1.5), is_sure: true, units: 10 };
    bench.meter.settle(call, Some(&told), 0, at(1.5));
    assert_eq!(bench.counters(1.5).left, Some(50));
}

#[test]
fn calls_at_once_are_bounded() {
    let mut bench = Bench::new(quota(Limit::Concurrent { limit: 2 }));
    bench.send(0.0);
    bench.send(0.0);
    assert_eq!(bench.ask(0.0), Verdict::Wait { at: None, because: Because::Concurrency });
    bench.settle(0.0, 1.0, None);
    assert_eq!(bench.ask(1.0), Verdict::Fits);
}

#[test]
fn a_reserve_is_left_over() {
    let mut bench = Bench::new(window(10, Window::FirstCall(seconds(60.0))));
    bench.spend(0.0, 6);
    assert_eq!(bench.ask_for(1.0, 1, 3), Verdict::Fits);
    assert_eq!(bench.ask_for(1.0, 1, 4), Verdict::Wait { at: Some(at(60.1)), because: Because::Reserve });
    assert_eq!(bench.ask_for(1.0, 1, 10), Verdict::Never { limit: 0 });
    assert_eq!(bench.ask_for(1.0, 11, 0), Verdict::Never { limit: 10 });
}

#[test]
fn a_meter_is_what_is_declared_now() {
    let mut bench = Bench::new(window(3, Window::Sliding(seconds(10.0))));
    bench.spend(0.0, 3);
    bench.meter.declare(&window(5, Window::Sliding(seconds(10.0))), at(1.0));
    assert_eq!(bench.counters(1.0).left, Some(2));
    bench.meter.declare(&quota(Limit::Concurrent { limit: 7 }), at(1.0));
    assert_eq!(bench.counters(1.0).left, Some(7));
}
