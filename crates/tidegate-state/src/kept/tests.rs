//! Kept pages through their public face; damage, bounds, and several runs at once.

use std::time::UNIX_EPOCH;

use tempfile::TempDir;

use super::*;
use crate::ErrorKind;

mod bounds;
mod damage;
mod processes;

const NAME: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, 123_456_000)
}

fn digest(number: u64) -> [u8; 32] {
    let mut digest = [9; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

/// Content that is another for every number.
fn page(number: u64, bytes: usize, asked: u64) -> KeptPage {
    let mut body = (number << 8 | 1).to_le_bytes().repeat(bytes.div_ceil(8));
    body.truncate(bytes);
    KeptPage { meta: format!("meta {number}").into(), body, asked_at: at(asked) }
}

fn keep(run: &KeptRun, number: u64) -> bool {
    run.keep(&digest(number), &page(number, 1_000, number)).unwrap()
}

/// Pages below `end` that the run may take. Each is as it was kept.
#[track_caller]
fn taken(run: &KeptRun, end: u64, now: u64) -> Vec<u64> {
    let take = |number: &u64| {
        let found = run.kept(&digest(*number), at(now)).unwrap();
        found.inspect(|found| assert_eq!(found, &page(*number, 1_000, *number))).is_some()
    };
    (0..end).filter(take).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join(FOLDER)).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn pages_of_a_run_that_did_not_end_well_are_taken_by_the_next() {
    // How the first run ends (`None`: its process dies), pages that it keeps, and what the second may take.
    let cases: &[(Option<bool>, u64, &[u64])] = &[
        (Some(false), 0, &[]),
        (Some(false), 1, &[0]),
        (Some(false), 4, &[0, 1, 2, 3]),
        (Some(true), 1, &[]),
        (Some(true), 4, &[]),
        // The first page alone is in memory.
        (None, 1, &[]),
        (None, 2, &[0, 1]),
        (None, 4, &[0, 1, 2, 3]),
    ];
    for (end, pages, expected) in cases {
        let folder = TempDir::new().unwrap();
        let keeper = PageKeeper::in_folder(folder.path());
        let first = keeper.begin(&NAME, at(0)).unwrap();
        for number in 0..*pages {
            assert!(keep(&first, number));
        }
        assert_eq!(taken(&first, 9, 10), [0_u64; 0], "a run takes nothing of its own");
        match end {
            Some(well) => first.finish(*well).unwrap(),
            None => drop(first),
        }
        assert_eq!(files(folder.path()).len(), usize::from(!expected.is_empty()), "{end:?} {pages}");
        let second = keeper.begin(&NAME, at(20)).unwrap();
        assert_eq!(taken(&second, 9, 20), *expected, "{end:?} {pages}");
        assert_eq!(second.earlier().map(|(pages, _)| pages), (!expected.is_empty()).then_some(expected.len()));
        assert_eq!(taken(&keeper.begin(&OTHER, at(20)).unwrap(), 9, 20), [0_u64; 0]);
    }
}

#[test]
fn runs_add_to_what_earlier_ones_left_until_one_ends_well() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    for round in 0..4 {
        let run = keeper.begin(&NAME, at(10 * round)).unwrap();
        assert_eq!(taken(&run, 99, 40), (0..3 * round).collect::<Vec<_>>());
        assert_eq!(run.earlier(), (round > 0).then_some((3 * round as usize, at(0))));
        for number in 3 * round..3 * round + 3 {
            assert!(keep(&run, number));
        }
        run.finish(false).unwrap();
        assert!(!keep(&run, 99), "it has ended");
    }
    let last = keeper.begin(&NAME, at(40)).unwrap();
    assert_eq!(taken(&last, 99, 40).len(), 12);
    last.finish(true).unwrap();
    assert_eq!(taken(&last, 99, 40), [0_u64; 0]);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_page_that_was_asked_for_again_replaces_the_older_one() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let first = keeper.begin(&NAME, at(0)).unwrap();
    keep(&first, 1);
    keep(&first, 2);
    drop(first);
    let second = keeper.begin(&NAME, at(10)).unwrap();
    assert!(second.keep(&digest(1), &page(7, 50, 10)).unwrap());
    assert_eq!(taken(&second, 3, 10), [1, 2], "its own page is not given back to it");
    drop(second);
    let third = keeper.begin(&NAME, at(20)).unwrap();
    assert_eq!(third.kept(&digest(1), at(20)).unwrap(), Some(page(7, 50, 10)));
}

#[test]
fn a_second_run_at_the_same_time_keeps_and_takes_nothing() {
    let folder = TempDir::new().unwrap();
    // Two keepers are two processes, as far as locks go.
    let (keeper, other) = (PageKeeper::in_folder(folder.path()), PageKeeper::in_folder(folder.path()));
    let early = other.begin(&NAME, at(0)).unwrap();
    let first = keeper.begin(&NAME, at(0)).unwrap();
    keep(&first, 1);
    keep(&first, 2);
    let late = other.begin(&NAME, at(10)).unwrap();
    for run in [&early, &late] {
        assert_eq!(taken(run, 9, 10), [0_u64; 0]);
        keep(run, 7);
        assert!(!keep(run, 8));
        run.finish(true).unwrap();
    }
    keep(&first, 3);
    assert_eq!(other.clear().unwrap(), 0, "it is in use");
    drop(first);
    let next = other.begin(&NAME, at(20)).unwrap();
    assert_eq!(taken(&next, 9, 20), [1, 2, 3]);
    drop(next);
    // A process that another test starts may have the lock for a moment.
    assert!((0..1_000).any(|_| other.clear().unwrap() == 1));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn nothing_is_made_before_a_second_page_and_it_is_the_owners_alone() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/b");
    let keeper = PageKeeper::in_folder(&folder);
    assert_eq!(keeper.clear().unwrap(), 0);
    let run = keeper.begin(&NAME, at(0)).unwrap();
    keep(&run, 1);
    assert!(!folder.exists());
    keep(&run, 2);
    let made = files(&folder);
    assert_eq!(made, [folder.join(FOLDER).join("01".repeat(32) + SUFFIX)]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let paths = [&made[0], &folder.join(FOLDER), &folder, &folder.join(GUARD)];
        assert_eq!(paths.map(|path| mode(path)), [0o600, 0o700, 0o700, 0o600]);
    }
    let shown = format!("{:?}", page(1, 1_000, 0));
    assert!(shown.contains("1006") && !shown.contains("meta"), "{shown}");
}

#[test]
fn threads_of_a_run_keep_pages_at_once() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let run = keeper.begin(&NAME, at(0)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let run = &run;
            scope.spawn(move || (0..50).for_each(|n| assert!(keep(run, thread * 50 + n))));
        }
    });
    drop(run);
    assert_eq!(taken(&keeper.begin(&NAME, at(300)).unwrap(), 300, 300).len(), 200);
}
