//! The program is killed at random moments of a mutation and goes on with it, until it is done; then the server's own log
//! is compared with what the journal says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tidegate_sim::{Effect, EffectKind, Sim};
use tidegate_tests::program::{Home, Ran};

use crate::subject::{ATOMIC, Api, BY_ID, ENTRIES, KEYED, MATCHED, ODATA_ETAGS, PLAIN, READ_BACK};

const ROWS: u64 = 5_000;
/// Most rows that one kill leaves in doubt: those of the requests under way.
const UNDER_WAY: u64 = 8;
/// Kills of all mutations together, unless `KILLS` says otherwise.
const KILLS: usize = 10;

/// A mutation, and what may become of a row when its program is killed.
#[derive(Debug, Clone, Copy)]
struct Case {
    api: Api,
    kind: EffectKind,
    sql: &'static str,
    /// Whether every row is found out about in the end.
    is_certain: bool,
}

const UPDATE: &str = "UPDATE {t} SET stock = 2500 WHERE id <= 5000";
const DELETE: &str = "DELETE FROM {t} WHERE id <= 5000";
const INSERT: &str = "INSERT INTO {t} (name, stock) SELECT 'row ' || value, value FROM generate_series(1, 5000)";
const ENTER: &str = "INSERT INTO {t} (stream, level, message) \
                     SELECT 's', 1, 'row ' || value FROM generate_series(1, 5000)";

const fn case(api: Api, kind: EffectKind, sql: &'static str) -> Case {
    Case { api, kind, sql, is_certain: true }
}

const CASES: [Case; 10] = [
    case(MATCHED, EffectKind::Update, UPDATE),
    case(READ_BACK, EffectKind::Delete, DELETE),
    case(KEYED, EffectKind::Insert, INSERT),
    Case { is_certain: false, ..case(PLAIN, EffectKind::Insert, INSERT) },
    case(READ_BACK, EffectKind::Update, UPDATE),
    case(MATCHED, EffectKind::Delete, DELETE),
    case(BY_ID, EffectKind::Update, UPDATE),
    case(ENTRIES, EffectKind::Insert, ENTER),
    case(ODATA_ETAGS, EffectKind::Update, UPDATE),
    case(ATOMIC, EffectKind::Insert, INSERT),
];

/// The name of a row that was made, or the key of one that was there.
fn name(case: &Case, effect: &Effect) -> String {
    let text = |column: &str| effect.values[column].as_str().map(str::to_owned);
    match case.kind {
        EffectKind::Insert => text("name").or_else(|| text("message")).unwrap(),
        _ => effect.key.clone(),
    }
}

/// One mutation with the programs that run it.
struct Story {
    case: Case,
    sim: Sim,
    home: Home,
    random: StdRng,
    kills: u64,
}

impl Story {
    async fn start(case: Case, seed: u64) -> Self {
        let mut config = case.api.config(if case.kind == EffectKind::Insert { 10 } else { ROWS + 200 });
        config.seed = seed;
        config.latency = Duration::from_millis(1);
        config.jitter = Duration::from_millis(3);
        let sim = Sim::start(config).await.unwrap();
        let home = Home::new(&case.api.toml(sim.url().as_str(), ""));
        Self { case, sim, home, random: StdRng::seed_from_u64(seed), kills: 0 }
    }

    /// Runs these statements to their end.
    async fn run(&self, sql: &str) -> Ran {
        let running = self.home.start_with("json", sql);
        tokio::task::spawn_blocking(|| running.wait()).await.unwrap()
    }

    /// The mutation as the journal has it; `None` if it is not there yet.
    async fn mutation(&self) -> Option<Value> {
        let ran = self.run("SELECT * FROM system.mutations").await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.json().into_iter().next()
    }

    /// What goes on with it, whatever has happened so far; `None` if it is done.
    async fn next(&self) -> Option<String> {
        let Some(mutation) = self.mutation().await else {
            assert_eq!(self.sim.effect_count(), 0, "nothing is sent that is not journalled");
            return Some(self.case.sql.replace("{t}", self.case.api.table));
        };
        match mutation["state"].as_str().unwrap() {
            "done" => None,
            "interrupted" | "stopped" => {
                Some(format!("RESUME MUTATION '{}'", mutation["mutation_id"].as_str().unwrap()))
            }
            state => panic!("nobody runs it, and it is {state}: {mutation}"),
        }
    }

    /// Starts a program on this and kills it somewhere on the way; false if it was quicker.
    async fn kill(&mut self, sql: &str) -> bool {
        let rows = ROWS as usize;
        let done = self.sim.effect_count();
        // Some of them while rows are being selected, and none is changed yet.
        let target = if self.random.random_ratio(1, 8) { 0 } else { self.random.random_range(done..=rows) };
        let mut delay = Duration::from_micros(self.random.random_range(0..3_000));
        if target == 0 {
            delay *= 300;
        }
        let mut running = self.home.start_with("json", sql);
        while self.sim.effect_count() < target {
            if running.has_ended() {
                return false;
            }
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        tokio::time::sleep(delay).await;
        if running.has_ended() {
            return false;
        }
        let ran = running.kill();
        self.kills += 1;
        assert_eq!(ran.code, None, "{}", ran.err);
        true
    }

    /// Compares what happened with what the journal says.
    async fn check(&self, what: &str) {
        let mutation = self.mutation().await.unwrap();
        let count = |name: &str| mutation[format!("rows_{name}")].as_u64().unwrap();
        let (done, unknown) = (count("applied") + count("accepted"), count("unknown"));
        let mut effects: BTreeMap<String, usize> = BTreeMap::new();
        for effect in self.sim.effects() {
            assert_eq!(effect.kind, self.case.kind, "{what}");
            *effects.entry(name(&self.case, &effect)).or_default() += 1;
        }
        let twice: Vec<_> = effects.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{what}: {} rows twice, such as {:?}; {mutation}", twice.len(), twice[0]);
        assert_eq!(done + unknown, ROWS, "{what}: {mutation}");
        if self.case.is_certain {
            assert_eq!((unknown, effects.len() as u64), (0, ROWS), "{what}: {mutation}");
            return;
        }
        assert!(unknown <= self.kills * UNDER_WAY, "{what}: {unknown} after {} kills", self.kills);
        let sql = "SELECT outcome, new_values FROM system.mutation_rows WHERE outcome = 'unknown'";
        let listed = self.run(sql).await.json();
        let listed: BTreeSet<String> = listed
            .iter()
            .map(|row| serde_json::from_str::<Value>(row["new_values"].as_str().unwrap()).unwrap())
            .map(|new| new["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed.len() as u64, unknown, "{what}: {listed:?}");
        let missing = (1..=ROWS).map(|row| format!("row {row}")).filter(|name| !effects.contains_key(name));
        let lost: Vec<_> = missing.filter(|name| !listed.contains(name)).collect();
        assert!(lost.is_empty(), "{what}: neither done nor listed: {lost:?}");
    }
}

/// Kills programs until so many have been, or the mutation is done; then lets it come to its end. How many were killed.
async fn story(case: Case, seed: u64, kills: usize) -> usize {
    let what = format!("{} {:?}, KILL_SEED={seed}", case.api.name, case.kind);
    let mut story = Story::start(case, seed).await;
    let most = story.random.random_range(1..=kills.min(3));
    for _ in 0..most {
        let Some(sql) = story.next().await else { break };
        story.kill(&sql).await;
    }
    // A run may leave rows in doubt that the next one clears up.
    for _ in 0..3 {
        let Some(sql) = story.next().await else { break };
        let ran = story.run(&sql).await;
        let is_expected = ran.code == Some(0) || (!case.is_certain && ran.code == Some(1));
        assert!(is_expected, "{what}: {:?} {}\n{}", ran.code, ran.out, ran.err);
    }
    assert!(story.next().await.is_none(), "{what}: it does not end");
    story.check(&what).await;
    usize::try_from(story.kills).unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_resumed_each_effect_happens_once() {
    let wanted = number("KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let first = number("KILL_SEED").unwrap_or_else(|| u64::from(rand::rng().random::<u32>()));
    let start = Instant::now();
    let (mut killed, mut stories) = (0, 0);
    while killed < wanted {
        let case = CASES[stories % CASES.len()];
        // Its number chooses the case, so that one story can be repeated by itself with the seed that it names.
        killed += story(case, first.wrapping_add(stories as u64), wanted - killed).await;
        stories += 1;
        assert!(stories <= wanted * 3 + CASES.len(), "programs end before they can be killed");
    }
    eprintln!("KILL_SEED={first}: {killed} kills of {stories} mutations in {:.0?}", start.elapsed());
}
