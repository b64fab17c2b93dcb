//! Torn writes: whatever stands behind the last acknowledged commit when the power goes, that commit is there, and of the
//! one after it all or nothing.

use std::fs;

use super::*;

const ROWS: u64 = 600;

/// Where SQLite's log begins to hold nothing of worth: the end of its last commit, and the salts that tell one use of the
/// file from the next (<https://www.sqlite.org/fileformat2.html#walformat>).
fn end_of_log(log: &[u8]) -> (usize, Vec<u8>) {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let Some(header) = log.get(..HEADER) else { return (0, Vec::new()) };
    let salts = &header[16..24];
    let mut end = HEADER;
    for (n, frame) in log[HEADER..].chunks_exact(FRAME).enumerate() {
        if frame[8..16] != *salts {
            break;
        }
        if frame[4..8] != [0; 4] {
            end = HEADER + (n + 1) * FRAME;
        }
    }
    (end, salts.to_vec())
}

/// The files as they are on the disk at one moment.
#[derive(Debug, Clone)]
struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Image {
    fn of(folder: &Path) -> Self {
        let read = |name| fs::read(folder.join(name)).unwrap();
        Self { database: read("journal.db"), log: read("journal.db-wal") }
    }

    /// The journal after a crash that left these files.
    fn opened(&self) -> (TempDir, Journal) {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("journal.db"), &self.database).unwrap();
        fs::write(folder.path().join("journal.db-wal"), &self.log).unwrap();
        let journal = Journal::in_folder(folder.path());
        (folder, journal)
    }

    /// The same, with the log torn at `place`: cut there, or followed by bytes that mean nothing.
    fn torn(&self, place: usize, random: &mut Random) -> Self {
        let mut log = self.log.clone();
        match random.below(3) {
            0 => log.truncate(place),
            1 => {
                log.truncate(place);
                log.extend((0..random.below(20_000)).map(|_| random.next() as u8));
            }
            _ => log[place..].iter_mut().for_each(|byte| *byte = random.next() as u8),
        }
        Self { log, ..self.clone() }
    }
}

/// Some changes, as a run of a mutation makes them.
fn changes(random: &mut Random) -> Vec<RowChange> {
    let request = random.below(1_000);
    let change = |random: &mut Random| match random.below(3) {
        0 => sending(random.below(ROWS), request),
        _ => RowChange::Ended {
            ordinal: random.below(ROWS),
            state: RowState::Unknown,
            status: None,
            error: Some("x".repeat(random.below(300) as usize)),
            returned: None,
            key: None,
            version: None,
            ended_at: at(4),
        },
    };
    (0..=random.below(40)).map(|_| change(random)).collect()
}

/// The journal in these files is whole, and holds one of these states of its rows.
fn check(image: &Image, states: &[&[RowRecord]], what: &str) {
    let (_folder, journal) = image.opened();
    let rows = all(&journal, ID);
    assert!(states.contains(&rows.as_slice()), "{what}: the rows are others than those acknowledged");
    assert_eq!(counts(&journal, ID), counted(&rows), "{what}");
    let sound = "PRAGMA integrity_check";
    let found: String = journal.read("check", |c| Ok(c.query_row(sound, [], |row| row.get(0))?)).unwrap();
    assert_eq!(found, "ok", "{what}");
    journal.commit(ID, &[sending(0, 5_000)]).unwrap();
}

#[test]
fn torn_writes_lose_nothing_that_was_acknowledged() {
    let mut random = random();
    let folder = TempDir::new().unwrap();
    let journal = Journal::in_folder(folder.path());
    sealed(&journal, ID, ROWS);
    // So small that the log begins anew many times, over what it held before.
    let often = |transaction: &Transaction<'_>| Ok(transaction.pragma_update(None, "wal_autocheckpoint", 60)?);
    journal.write("checkpoint often", often).unwrap();
    let mut begun_anew = 0;
    let mut last = (Image::of(folder.path()), all(&journal, ID));
    for round in 0..60 {
        journal.commit(ID, &changes(&mut random)).unwrap();
        let now = (Image::of(folder.path()), all(&journal, ID));
        let ((before, salts), (end, new_salts)) = (end_of_log(&last.0.log), end_of_log(&now.0.log));

        let place = end + random.below((now.0.log.len() - end) as u64 + 1) as usize;
        check(&now.0.torn(place, &mut random), &[&now.1], &format!("round {round}, {place} of {end}"));
        if salts == new_salts {
            // The last commit was not acknowledged yet, and not all of it had reached the disk.
            let place = before + random.below((end - before) as u64) as usize;
            let torn = Image { database: last.0.database, ..now.0.torn(place, &mut random) };
            check(&torn, &[&last.1, &now.1], &format!("round {round}, {place} between {before} and {end}"));
        } else {
            begun_anew += 1;
        }
        last = now;
    }
    assert!(begun_anew > 2, "the log began anew {begun_anew} times");
}
