//! What is counted where it cannot be known which window it is of.

use super::*;

#[test]
fn a_call_that_was_answered_on_the_edge_counts_in_the_next_window_too() {
    let mut bench = Bench::new(window(5, Window::FirstCall(seconds(10.0))));
    bench.spend(0.0, 1);
    bench.send(9.9);
    bench.settle(9.9, 10.05, None);
    assert_eq!(bench.counters(10.06).used, Some(2));
    assert_eq!(bench.counters(10.1).used, Some(1));
    // When nothing follows, it is over a length later.
    assert_eq!(bench.counters(20.05).used, Some(0));
}

#[test]
fn after_a_jump_of_the_wall_clock_a_window_is_as_long_as_usual() {
    let day = 86_400.0;
    let zone = Window::Day(chrono_tz::UTC);
    let mut bench = Bench::new(window(1, zone));
    // 22:13:20 UTC.
    let first = 6400.0;
    let ends = |bench: &mut Bench, now: f64, ahead: f64| {
        let shown = wall(at(now)) + seconds(ahead);
        bench.meter.roll(at(now), shown, Some(zone), Way::default());
        let resets = bench.meter.counters(0, at(now)).resets.expect("it is open");
        resets.since(at(0.0)).as_secs_f64()
    };
    assert_eq!(ends(&mut bench, 0.0, 0.0), first);
    assert_eq!(ends(&mut bench, first, 5.0 * 3600.0), first + day);
    // Back again: as if nothing had been.
    assert_eq!(ends(&mut bench, first + day, 0.0), first + 2.0 * day);
    assert_eq!(ends(&mut bench, first + 2.0 * day, 5.0 * 3600.0), first + 3.0 * day);
    // It stays so: then it is believed, in a window that is longer.
    assert_eq!(ends(&mut bench, first + 3.0 * day, 5.0 * 3600.0), first + 5.0 * day - 5.0 * 3600.0);
}

#[test]
fn what_a_bucket_is_told_does_not_include_what_came_after() {
    let mut bench = Bench::new(quota(Limit::Bucket { capacity: 10.0, per_second: 0.001 }));
    bench.send(0.0);
    bench.send(0.0);
    bench.settle(0.0, 1.0, None);
    bench.settle(0.0, 1.1, Some(&Observation { remaining: Some(9), ..seen() }));
    assert_eq!(bench.counters(1.1).left, Some(8));
    // A later response includes both.
    bench.send(2.0);
    bench.settle(2.0, 2.1, Some(&Observation { remaining: Some(7), ..seen() }));
    assert_eq!(bench.counters(2.1).left, Some(7));
}

#[test]
fn other_clients_of_a_sliding_window_are_seen_while_own_units_expire() {
    let mut bench = Bench::new(window(10, Window::Sliding(seconds(10.0))));
    bench.way = Way { least: 0, most: SECOND / 5 };
    bench.spend(0.0, 3);
    bench.send(10.05);
    bench.settle(10.05, 10.2, Some(&Observation { limit: Some(10), used: Some(9), ..seen() }));
    assert_eq!(bench.counters(10.2).left, Some(1));
    assert_eq!(bench.ask_for(10.3, 2, 0), spent(20.2));
    assert_eq!(bench.counters(20.2).left, Some(10));
}

#[test]
fn a_response_that_was_on_its_way_for_most_of_a_window_tells_nothing_but_that_it_was_counted() {
    let mut bench = Bench::new(window(10, Window::FirstCall(seconds(10.0))));
    bench.send(0.0);
    bench.settle(0.0, 9.0, Some(&left(10, 0, 5.0)));
    assert_eq!(bench.counters(9.0).used, Some(1));
}

#[test]
fn a_sliding_window_that_turns_out_to_be_fixed_is_used_as_such() {
    let mut bench = Bench::new(window(2, Window::Sliding(seconds(60.0))));
    bench.send(50.0);
    bench.send(50.0);
    bench.settle(50.0, 50.1, Some(&left(2, 0, 10.0)));
    bench.settle(50.0, 50.1, Some(&left(2, 1, 10.0)));
    // Its end is told; but only when the server has told of the next window is it sure that it is a fixed one.
    assert_eq!(bench.ask(50.2), spent(60.1));
    bench.send(60.1);
    assert!(matches!(bench.ask(60.1), Verdict::Wait { .. }));
    bench.settle(60.1, 60.2, Some(&left(2, 1, 60.0)));
    bench.send(60.3);
    bench.settle(60.3, 60.4, Some(&left(2, 0, 60.0)));
    assert_eq!(bench.ask(61.0), spent(120.2));
}

#[test]
fn how_long_a_window_is_is_shown_only_when_it_was_told() {
    for (told, shown) in [(None, None), (Some(seconds(60.0)), Some(seconds(60.0)))] {
        let seen = Observation { resets_in: Some(seconds(40.0)), window: told, ..left(10, 9, 40.0) };
        let mut meter = Meter::observed(&seen, at(0.0));
        let call = Counted { sent: at(0.0), by: at(0.1), units: 1, is_sure: true };
        meter.settle(call, Some(&seen), 0, at(0.1));
        assert_eq!(meter.length(), shown);
    }
}

#[test]
fn a_quota_that_is_no_longer_told_is_forgotten_in_the_end() {
    let days = |days: f64| at(days * 86_400.0);
    for (length, kept, forgotten) in [(60.0, 1.9, 2.1), (86_400.0 * 30.0, 59.0, 61.0)] {
        let seen = Observation { window: Some(seconds(length)), ..left(10, 9, length) };
        let mut meter = Meter::observed(&seen, at(0.0));
        meter.settle(Counted { sent: at(0.0), by: at(0.0), units: 1, is_sure: true }, Some(&seen), 0, at(0.0));
        assert!(!meter.is_forgotten(days(kept)) && meter.is_forgotten(days(forgotten)), "{length}");
    }
    assert!(!Meter::declared(&window(10, Window::Sliding(seconds(1.0))), at(0.0)).is_forgotten(days(999.0)));
}
