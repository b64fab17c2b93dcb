//! The timeline under jumps, other starts of the machine, and other processes.

use async_trait::async_trait;

use super::*;
use crate::Uptime;

const S: i64 = 1_000_000;

/// A machine whose clocks are set by hand, in seconds.
#[derive(Debug, Default)]
struct Machine(Mutex<Hands>);

#[derive(Debug, Default, Clone)]
struct Hands {
    wall: i64,
    since: i64,
    boot: Option<&'static str>,
}

#[async_trait]
impl Clock for Machine {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.hands(|hands| hands.wall).unsigned_abs())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.hands(|hands| hands.since).unsigned_abs())
    }

    async fn sleep(&self, _: Duration) {}

    fn uptime(&self) -> Option<Uptime> {
        let boot = self.hands(|hands| hands.boot)?;
        Some(Uptime { boot: boot.to_owned(), since: self.elapsed() })
    }
}

impl Machine {
    fn hands<T>(&self, of: impl FnOnce(&mut Hands) -> T) -> T {
        of(&mut self.0.lock().unwrap())
    }
}

/// A process on a machine that has been up for 100 seconds since `boot`, at second 1,000,000 of the wall clock.
fn process(boot: Option<&'static str>) -> (Arc<Machine>, Timeline) {
    let machine = Arc::new(Machine(Mutex::new(Hands { wall: 1_000_000, since: 100, boot })));
    (Arc::clone(&machine), Timeline::new(machine))
}

fn empty() -> Slot {
    Slot { key: KEY.to_owned(), value: None, is_changed: false }
}

/// The time in seconds, in an update that writes something else, too.
fn tell(timeline: &Timeline, slot: &mut Slot) -> i64 {
    let now = timeline.read(slot).unwrap();
    assert_eq!(timeline.now().map(|now| now.at), Some(now.at), "it is told without the store, too");
    assert_eq!(now.at.0 % S, 0);
    now.at.0 / S
}

const CLOCKS: [Option<&str>; 2] = [Some("first"), None];

#[test]
fn it_begins_with_the_wall_clock_and_does_not_follow_its_jumps() {
    for boot in CLOCKS {
        let (machine, timeline) = process(boot);
        assert!(timeline.now().is_none());
        let mut slot = empty();
        assert_eq!(tell(&timeline, &mut slot), 1_000_000, "{boot:?}");
        assert!(slot.is_changed);
        for (wall, later) in [(5_000_000, 10), (0, 20), (1_000_000, 30)] {
            machine.hands(|hands| {
                hands.wall = wall;
                hands.since = 100 + later;
            });
            assert_eq!(tell(&timeline, &mut slot), 1_000_000 + later, "{boot:?}, wall {wall}");
        }
    }
}

#[test]
fn a_process_that_comes_after_a_jump_tells_the_same_time() {
    for boot in CLOCKS {
        for jump in [-500_000, 500_000] {
            let (_, first) = process(boot);
            let mut slot = empty();
            tell(&first, &mut slot);
            let (machine, second) = process(boot);
            machine.hands(|hands| hands.wall += jump);
            let (one, other) = (tell(&first, &mut slot), tell(&second, &mut slot));
            match boot {
                Some(_) => assert_eq!((one, other), (1_000_000, 1_000_000)),
                None => assert_eq!(other, 1_000_000 + jump.max(0)),
            }
            assert_eq!(tell(&first, &mut slot), other, "whoever is behind catches up: {boot:?}, {jump}");
        }
    }
}

#[test]
fn processes_that_take_turns_never_go_back() {
    for boot in CLOCKS {
        let processes = [process(boot), process(boot)];
        processes[1].0.hands(|hands| hands.wall += 37);
        let mut slot = empty();
        let mut last = 0;
        for round in 0..40_i64 {
            for (place, (machine, timeline)) in processes.iter().enumerate() {
                let jump = if round % 7 == 3 { -1_000 } else { 13 };
                machine.hands(|hands| {
                    hands.since += if boot.is_some() { 1 } else { round * i64::try_from(place).unwrap() % 5 };
                    hands.wall += jump;
                });
                let told = tell(timeline, &mut slot);
                assert!(told >= last, "{boot:?}: {told} after {last}");
                last = told;
            }
        }
    }
}

#[test]
fn another_start_of_the_machine_goes_on_where_the_last_ended() {
    // By how much the wall clock has moved while the machine was off, and how far the time then is ahead at most.
    for (off, least, most) in [(600, 600, 600), (-5_000, 0, 10), (0, 0, 10)] {
        let (machine, timeline) = process(Some("first"));
        let mut slot = empty();
        tell(&timeline, &mut slot);
        machine.hands(|hands| hands.since += 7);
        let last = tell(&timeline, &mut slot);
        let (machine, timeline) = process(Some("second"));
        machine.hands(|hands| {
            hands.wall += 7 + off;
            hands.since = 3;
        });
        slot.is_changed = false;
        let told = tell(&timeline, &mut slot);
        assert!(slot.is_changed);
        assert!((last + least..=last + most).contains(&told), "off for {off}: {told} after {last}");
        machine.hands(|hands| hands.since += 5);
        assert_eq!(tell(&timeline, &mut slot), told + 5);
    }
}

#[test]
fn the_entry_is_written_rarely_where_the_machine_tells_its_time() {
    let (machine, timeline) = process(Some("first"));
    let mut slot = empty();
    let mut writes = 0;
    for _ in 0..100 {
        slot.is_changed = false;
        tell(&timeline, &mut slot);
        writes += usize::from(slot.is_changed);
        machine.hands(|hands| hands.since += 1);
    }
    assert_eq!(writes, 10);
}

#[test]
fn a_process_with_a_clock_that_started_later_does_not_fall_behind() {
    let (_, outside) = process(Some("first"));
    let mut slot = empty();
    tell(&outside, &mut slot);
    let (machine, inside) = process(Some("first"));
    machine.hands(|hands| hands.since = 2);
    assert_eq!(tell(&inside, &mut slot), 1_000_000);
    machine.hands(|hands| hands.since += 60);
    assert_eq!(tell(&inside, &mut slot), 1_000_060);
    assert!(tell(&outside, &mut slot) >= 1_000_050);
}

#[test]
fn fields_of_other_versions_are_read_over_and_damage_is_told() {
    let (_, timeline) = process(Some("first"));
    let mut slot = Slot { value: Some(br#"{"high":2000000000000,"later":[1]}"#.to_vec()), ..empty() };
    assert_eq!(tell(&timeline, &mut slot), 2_000_000);
    let mut slot = Slot { value: Some(b"?".to_vec()), ..empty() };
    let error = timeline.read(&mut slot).unwrap_err();
    assert!(error.to_string().contains("'time'") && error.to_string().contains("ledger.db"), "{error}");
}
