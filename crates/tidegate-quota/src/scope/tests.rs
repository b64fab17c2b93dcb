//! Rules of scopes: several records at once, the queue, dead holders, refusals, pacing, views.

mod simulation;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::{Fate, Limit, Observation, Priority, Quota, ScopeKey, ScopeUse, Source, Throttling, Window};

const START: i64 = 1_700_000_000_000_000;

fn now(seconds: f64) -> Now {
    let micros = (seconds * 1e6).round() as i64;
    Now { at: Moment(START + micros), wall: SystemTime::UNIX_EPOCH + Duration::from_micros((START + micros) as u64) }
}

fn lease(id: u64, seconds: f64) -> NewLease {
    NewLease { id, holder: 1, until: now(seconds + 30.0).at }
}

fn ticket(id: u64, priority: Priority, since: f64) -> Ticket {
    Ticket { id, priority, since: now(since).at, until: now(since + 100.0).at }
}

fn quota(name: &str, unit: Unit, limit: Limit) -> Arc<Quota> {
    Arc::new(Quota { name: name.into(), unit, limit, is_reported: false })
}

fn per_minute(name: &str, unit: Unit, limit: u64) -> Arc<Quota> {
    let window = Window::FirstCall(Duration::from_secs(60));
    quota(name, unit, Limit::Window { limit: Some(limit), window })
}

fn call(scopes: Vec<Vec<Arc<Quota>>>) -> Call {
    let scope = |quotas| ScopeUse { key: ScopeKey("scope".into()), quotas, is_paced: false };
    Call {
        scopes: scopes.into_iter().map(scope).collect(),
        points: 1,
        is_token_request: false,
        reserve: Arc::from([]),
        priority: Priority::Normal,
        spend: None,
    }
}

fn records(call: &Call) -> Vec<ScopeRecord> {
    vec![ScopeRecord::default(); call.scopes.len()]
}

fn throttled(wait: Option<u64>) -> Settlement {
    let throttling = Throttling { scope: 0, quota: None, wait: wait.map(Duration::from_secs) };
    Settlement { throttled: Some(throttling), ..Settlement::answered() }
}

/// Why it must wait, for which quota, and for how many seconds after the start.
fn waits(decision: &Decision) -> Option<(Because, &str, Option<f64>)> {
    let Decision::Wait { because, quota, at, .. } = decision else { return None };
    Some((*because, quota, at.map(|at| (at.0 - START) as f64 / 1e6)))
}

#[test]
fn all_scopes_grant_or_none() {
    let call = call(vec![vec![per_minute("a", Unit::Calls, 9)], vec![per_minute("b", Unit::Calls, 1)]]);
    let mut records = records(&call);
    assert_eq!(decide(now(0.0), &mut records, &call, lease(1, 0.0), None), Decision::Granted);
    settle(now(1.0), &mut records, &call, 1, &Settlement::answered());
    let decision = decide(now(2.0), &mut records, &call, lease(2, 2.0), None);
    assert_eq!(
        decision,
        Decision::Wait { scope: 1, quota: "b".into(), at: Some(now(61.0).at), because: Because::Spent }
    );
    let used = |index: usize| view(now(2.0), &records[index], &call.scopes[index]).meters[0].used;
    assert_eq!((used(0), used(1)), (Some(1), Some(1)));
}

#[test]
fn the_longest_wait_is_told_and_never_before_all() {
    let call_of = |limit| {
        let month = Limit::Window { limit: Some(limit), window: Window::FirstCall(Duration::from_secs(600)) };
        let mut call = call(vec![vec![per_minute("minute", Unit::Calls, 1), quota("long", Unit::Points, month)]]);
        call.points = 5;
        call
    };
    let mut records = records(&call_of(5));
    assert_eq!(decide(now(0.0), &mut records, &call_of(5), lease(1, 0.0), None), Decision::Granted);
    settle(now(1.0), &mut records, &call_of(5), 1, &Settlement::answered());
    let decision = decide(now(2.0), &mut records, &call_of(5), lease(2, 2.0), None);
    assert_eq!(waits(&decision), Some((Because::Spent, "long", Some(601.0))));
    let never = decide(now(2.0), &mut records, &call_of(4), lease(2, 2.0), None);
    assert_eq!(never, Decision::Never { scope: 0, quota: "long".into(), limit: 4, needs: 5 });
}

#[test]
fn what_a_call_takes_depends_on_what_it_is() {
    let quotas = vec![
        per_minute("calls", Unit::Calls, 10),
        per_minute("points", Unit::Points, 100),
        per_minute("errors", Unit::Errors, 10),
        per_minute("tokens", Unit::TokenRequests, 10),
    ];
    let used = |is_token_request, settlement: Option<&Settlement>| {
        let mut call = call(vec![quotas.clone()]);
        (call.points, call.is_token_request) = (7, is_token_request);
        let mut records = records(&call);
        assert_eq!(decide(now(0.0), &mut records, &call, lease(1, 0.0), None), Decision::Granted);
        if let Some(settlement) = settlement {
            settle(now(1.0), &mut records, &call, 1, settlement);
        }
        let view = view(now(2.0), &records[0], &call.scopes[0]);
        // By name: calls, errors, points, tokens.
        view.meters.into_iter().map(|meter| meter.used.expect("counted")).collect::<Vec<_>>()
    };
    let answered = Settlement::answered();
    let failed = Settlement { is_error: true, ..Settlement::answered() };
    let cheap = Settlement { points: Some(2), ..Settlement::answered() };
    let free = |names: &[&str]| Settlement {
        free: names.iter().map(|name| (0, Arc::from(*name))).collect(),
        ..Settlement { is_error: true, ..Settlement::answered() }
    };
    let (free_call, free_all, of_another) = (free(&["calls"]), free(&["calls", "points", "errors"]), free(&["other"]));
    let cases = [
        (false, Some(&free_call), [0, 1, 7, 0]),
        (false, Some(&free_all), [0, 0, 0, 0]),
        (false, Some(&of_another), [1, 1, 7, 0]),
        (false, None, [1, 1, 7, 0]),
        (false, Some(&answered), [1, 0, 7, 0]),
        (false, Some(&failed), [1, 1, 7, 0]),
        (false, Some(&cheap), [1, 0, 2, 0]),
        (false, Some(&Settlement::of(Fate::NotSent)), [0, 0, 0, 0]),
        (false, Some(&Settlement::of(Fate::Lost)), [1, 1, 7, 0]),
        (true, None, [0, 0, 0, 1]),
        (true, Some(&answered), [0, 0, 0, 1]),
    ];
    for (is_token_request, settlement, expected) in cases {
        assert_eq!(used(is_token_request, settlement), expected, "{is_token_request} {settlement:?}");
    }
}

#[test]
fn a_dead_holders_units_are_spent_and_its_place_is_free() {
    let at_once = quota("at_once", Unit::Calls, Limit::Concurrent { limit: 1 });
    let call = call(vec![vec![per_minute("calls", Unit::Calls, 5), at_once]]);
    let mut records = records(&call);
    decide(now(0.0), &mut records, &call, lease(1, 0.0), None);
    assert!(renew(&mut records[0], &[1], now(40.0).at));
    let decision = decide(now(35.0), &mut records, &call, lease(2, 35.0), None);
    assert_eq!(waits(&decision), Some((Because::Concurrency, "at_once", None)));
    assert_eq!(decide(now(40.0), &mut records, &call, lease(2, 40.0), None), Decision::Granted);
    let view = view(now(40.0), &records[0], &call.scopes[0]);
    let used: Vec<_> = view.meters.iter().map(|meter| (&*meter.name, meter.used)).collect();
    assert_eq!(used, [("at_once", Some(1)), ("calls", Some(2))]);
    // It was not dead after all: nothing is counted twice.
    settle(now(41.0), &mut records, &call, 1, &Settlement::answered());
    assert_eq!(super::view(now(41.0), &records[0], &call.scopes[0]).meters[1].used, Some(2));
    assert!(!renew(&mut records[0], &[1], now(80.0).at));
}

#[test]
fn who_waits_is_served_by_priority_and_then_in_turn() {
    let at_once = quota("at_once", Unit::Calls, Limit::Concurrent { limit: 1 });
    let call = call(vec![vec![at_once]]);
    let mut records = records(&call);
    decide(now(0.0), &mut records, &call, lease(1, 0.0), None);
    let waiting =
        [(7, Priority::Low, 1.0), (8, Priority::Normal, 2.0), (9, Priority::Normal, 3.0), (10, Priority::High, 4.0)];
    for (id, priority, since) in waiting {
        let decision = decide(now(since), &mut records, &call, lease(id, since), Some(ticket(id, priority, since)));
        assert_eq!(waits(&decision), Some((Because::Concurrency, "at_once", None)));
    }
    assert_eq!(view(now(5.0), &records[0], &call.scopes[0]).waiting, 4);
    settle(now(5.0), &mut records, &call, 1, &Settlement::answered());
    let newcomer = decide(now(5.0), &mut records, &call, lease(2, 5.0), None);
    assert_eq!(waits(&newcomer), Some((Because::Queue, "at_once", None)));
    for (id, priority, since) in [waiting[3], waiting[1], waiting[2], waiting[0]] {
        for (other, priority, since) in waiting.into_iter().filter(|other| other.0 != id) {
            let has_gone = !records[0].tickets.iter().any(|place| place.id == other);
            if !has_gone {
                let ticket = ticket(other, priority, since);
                let decision = decide(now(6.0), &mut records, &call, lease(other, 6.0), Some(ticket));
                assert_eq!(waits(&decision), Some((Because::Queue, "at_once", None)), "{other} before {id}");
            }
        }
        let ticket = ticket(id, priority, since);
        assert_eq!(decide(now(6.0), &mut records, &call, lease(id, 6.0), Some(ticket)), Decision::Granted, "{id}");
        settle(now(6.0), &mut records, &call, id, &Settlement::answered());
    }
    assert_eq!(view(now(6.0), &records[0], &call.scopes[0]).waiting, 0);
}

#[test]
fn a_ticket_that_is_given_back_or_not_renewed_holds_nobody_up() {
    let call = call(vec![vec![quota("at_once", Unit::Calls, Limit::Concurrent { limit: 1 })]]);
    let mut records = records(&call);
    decide(now(0.0), &mut records, &call, lease(1, 0.0), None);
    for id in [7, 8] {
        decide(now(1.0), &mut records, &call, lease(id, 1.0), Some(ticket(id, Priority::Normal, 1.0)));
    }
    settle(now(2.0), &mut records, &call, 1, &Settlement::answered());
    assert!(withdraw(&mut records[0], 7) && !withdraw(&mut records[0], 7));
    let is_held_up = |records: &mut Vec<ScopeRecord>, at| {
        let decision = decide(now(at), records, &call, lease(3, at), None);
        waits(&decision).is_some()
    };
    assert!(is_held_up(&mut records, 3.0));
    assert!(!is_held_up(&mut records, 102.0));
}

#[test]
fn who_leaves_a_reserve_leaves_it_to_others() {
    let call = call(vec![vec![per_minute("calls", Unit::Calls, 2)]]);
    let thrifty = Call { reserve: Arc::from([("calls".to_owned(), 1)]), ..call.clone() };
    let mut records = records(&call);
    decide(now(0.0), &mut records, &call, lease(1, 0.0), None);
    settle(now(1.0), &mut records, &call, 1, &Settlement::answered());
    let decision = decide(now(2.0), &mut records, &thrifty, lease(2, 2.0), Some(ticket(2, Priority::High, 2.0)));
    assert_eq!(waits(&decision), Some((Because::Reserve, "calls", Some(61.0))));
    assert_eq!(decide(now(3.0), &mut records, &call, lease(3, 3.0), None), Decision::Granted);
}

#[test]
fn a_refusal_blocks_the_scope_for_everybody() {
    let call = call(vec![Vec::new()]);
    let mut records = records(&call);
    let refuse = |records: &mut Vec<ScopeRecord>, sent: f64, wait| {
        assert_eq!(decide(now(sent), records, &call, lease(1, sent), None), Decision::Granted);
        settle(now(sent + 0.5), records, &call, 1, &throttled(wait));
        let decision = decide(now(sent + 0.5), records, &call, lease(2, sent), None);
        let (because, quota, until) = waits(&decision).expect("it is blocked");
        assert_eq!((because, quota), (Because::Blocked, THROTTLED));
        until.expect("a time") - sent - 0.5
    };
    // The server names a time, or not; then it is longer each time, up to a minute.
    assert_eq!(refuse(&mut records, 0.0, Some(7)), 7.0);
    for (sent, wait) in
        [(10.0, 2.0), (20.0, 4.0), (30.0, 8.0), (40.0, 16.0), (60.0, 32.0), (100.0, 60.0), (200.0, 60.0)]
    {
        assert!((refuse(&mut records, sent, Some(0).filter(|_| sent > 30.0)) - wait).abs() < 1e-6, "at {sent}");
    }
    assert_eq!(view(now(201.0), &records[0], &call.scopes[0]).refused, 8);
    // A success ends the row.
    decide(now(300.0), &mut records, &call, lease(1, 300.0), None);
    settle(now(301.0), &mut records, &call, 1, &Settlement::answered());
    assert!((refuse(&mut records, 302.0, None) - 1.0).abs() < 1e-6);
}

#[test]
fn refusals_of_calls_that_were_sent_together_are_one() {
    let call = call(vec![Vec::new()]);
    let mut records = records(&call);
    for id in 1..=4 {
        decide(now(0.0), &mut records, &call, lease(id, 0.0), None);
    }
    for id in 1..=3 {
        settle(now(1.0), &mut records, &call, id, &throttled(None));
    }
    settle(now(1.1), &mut records, &call, 4, &Settlement::answered());
    let decision = decide(now(1.2), &mut records, &call, lease(5, 1.2), None);
    assert_eq!(waits(&decision), Some((Because::Blocked, THROTTLED, Some(2.0))));
}

#[test]
fn a_refusal_in_the_name_of_a_quota_blocks_that_alone() {
    let search = call(vec![vec![per_minute("search", Unit::Calls, 100)]]);
    let other = call(vec![Vec::new()]);
    let mut records = records(&search);
    decide(now(0.0), &mut records, &search, lease(1, 0.0), None);
    let mut settlement = throttled(Some(5));
    settlement.throttled.as_mut().expect("set").quota = Some("search".into());
    settle(now(1.0), &mut records, &search, 1, &settlement);
    let decision = decide(now(2.0), &mut records, &search, lease(2, 2.0), None);
    assert_eq!(waits(&decision), Some((Because::Blocked, "search", Some(6.0))));
    assert_eq!(decide(now(2.0), &mut records, &other, lease(3, 2.0), None), Decision::Granted);
    let view = view(now(2.0), &records[0], &search.scopes[0]);
    assert_eq!((view.refused, view.meters[0].refused, view.blocked_until), (1, 1, Some(now(6.0).wall)));
}

#[test]
fn what_is_not_declared_but_told_holds_for_every_call_of_the_scope() {
    let call = call(vec![Vec::new()]);
    let mut records = records(&call);
    for id in 1..=3 {
        assert_eq!(decide(now(0.0), &mut records, &call, lease(id, 0.0), None), Decision::Granted);
    }
    let told = Observation {
        scope: 0,
        quota: "hourly".into(),
        limit: Some(4),
        remaining: Some(3),
        used: None,
        resets_in: Some(Duration::from_secs(3600)),
        window: None,
        per_second: None,
    };
    let settlement = Settlement { observations: vec![told], ..Settlement::answered() };
    settle(now(1.0), &mut records, &call, 1, &settlement);
    let shown = view(now(1.0), &records[0], &call.scopes[0]).meters.remove(0);
    assert_eq!((shown.limit, shown.used, shown.remaining, shown.in_flight), (Some(4), Some(3), Some(1), 2));
    assert_eq!((shown.source, shown.resets_at), (Source::Observed, Some(now(3601.0).wall)));
    assert_eq!(decide(now(1.0), &mut records, &call, lease(4, 1.0), None), Decision::Granted);
    let decision = decide(now(1.0), &mut records, &call, lease(5, 1.0), None);
    assert_eq!(waits(&decision), Some((Because::Spent, "hourly", None)));
}

#[test]
fn concurrency_is_found_out() {
    let mut call = call(vec![Vec::new()]);
    call.scopes[0].is_paced = true;
    let mut records = records(&call);
    let mut id = 0;
    let mut fill = |records: &mut Vec<ScopeRecord>, at: f64| {
        let mut granted = Vec::new();
        loop {
            id += 1;
            let decision = decide(now(at), records, &call, lease(id, at), None);
            if decision != Decision::Granted {
                assert_eq!(waits(&decision), Some((Because::Concurrency, CONCURRENCY, None)));
                return granted;
            }
            granted.push(id);
        }
    };
    let mut under_way = fill(&mut records, 0.0);
    assert_eq!(under_way.len(), 4);
    for step in 1..=40 {
        let at = 1.0 + f64::from(step) / 1000.0;
        let before = under_way.len();
        settle(now(at), &mut records, &call, under_way.remove(0), &Settlement::answered());
        under_way.extend(fill(&mut records, at));
        assert!((before..=before + 1).contains(&under_way.len()), "one more at a time");
    }
    let most = under_way.len();
    assert!((8..=10).contains(&most), "{most} after forty good answers");
    // All of these are signs of one and the same trouble.
    let trouble = Settlement { is_overload: true, ..Settlement::answered() };
    for id in under_way {
        settle(now(5.0), &mut records, &call, id, &trouble);
    }
    assert_eq!(fill(&mut records, 5.0).len(), most / 2);
}

#[test]
fn a_record_of_another_version_is_read() {
    let text = r#"{"v":0,"l":[{"i":1,"h":2,"s":1700000000000000,"u":1700000030000000,"new":1}],"new":{"a":[1]}}"#;
    let record: ScopeRecord = serde_json::from_str(text).expect("unknown fields are tolerated");
    let call = call(vec![Vec::new()]);
    assert_eq!(view(now(1.0), &record, &call.scopes[0]).in_flight, 1);
    assert_eq!(view(now(31.0), &record, &call.scopes[0]).in_flight, 0);
}

#[test]
fn counters_of_endpoints_are_reserved_and_shown_by_the_name_of_all() {
    let mut call = call(vec![vec![per_minute("daily@issues.list", Unit::Calls, 3)]]);
    call.reserve = Arc::new([("daily".to_owned(), 2)]);
    let mut records = records(&call);
    assert_eq!(decide(now(0.0), &mut records, &call, lease(1, 0.0), None), Decision::Granted);
    let second = decide(now(1.0), &mut records, &call, lease(2, 1.0), None);
    assert_eq!(waits(&second).map(|(because, ..)| because), Some(Because::Reserve));

    let base = self::call(vec![vec![per_minute("daily", Unit::Calls, 3)]]);
    let shown = |records: &[ScopeRecord]| -> Vec<(String, Option<u64>)> {
        let meters = view(now(2.0), &records[0], &base.scopes[0]).meters;
        meters.iter().map(|meter| (meter.name.to_string(), meter.used)).collect()
    };
    assert_eq!(shown(&records), [("daily@issues.list".to_owned(), Some(1))]);
    assert_eq!(shown(&self::records(&base)), [("daily".to_owned(), Some(0))]);
}
