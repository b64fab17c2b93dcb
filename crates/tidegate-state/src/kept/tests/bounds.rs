//! How long pages are kept, and how many.

use super::*;

const HOUR: u64 = 60 * 60;

#[test]
fn a_page_may_be_taken_for_an_hour() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let run = keeper.begin(&NAME, at(0)).unwrap();
    for number in [0, 10, 20] {
        keep(&run, number);
    }
    drop(run);
    // A clock that was set back, and the end of each page's hour, for a run that begins then.
    let cases: &[(u64, &[u64])] =
        &[(5, &[0]), (20, &[0, 10, 20]), (HOUR - 1, &[0, 10, 20]), (HOUR, &[10, 20]), (HOUR + 15, &[20])];
    for (now, expected) in cases {
        let run = keeper.begin(&NAME, at(*now)).unwrap();
        assert_eq!(taken(&run, 99, *now), *expected, "{now}");
    }
    // One that began when all of them could be taken.
    let run = keeper.begin(&NAME, at(30)).unwrap();
    assert_eq!(taken(&run, 99, HOUR + 15), [20]);
    drop(run);
    let empty = keeper.begin(&NAME, at(HOUR + 20)).unwrap();
    assert_eq!(empty.earlier(), None);
    assert!(std::fs::metadata(&files(folder.path())[0]).unwrap().len() < 100, "it is emptied");
}

#[test]
fn files_of_statements_that_nobody_repeats_go() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let kept = |name| {
        let run = keeper.begin(name, at(0)).unwrap();
        keep(&run, 1);
        keep(&run, 2);
        run
    };
    drop(kept(&NAME));
    let running = kept(&OTHER);
    let now = SystemTime::now();
    let begin = |later| drop(keeper.begin(&[3; 32], now + Duration::from_secs(later)).unwrap());
    begin(HOUR - 60);
    assert_eq!(files(folder.path()).len(), 2);
    begin(HOUR + 60);
    assert_eq!(files(folder.path()), [keeper.path(&OTHER)], "it is in use");
    drop(running);
}

#[test]
fn a_statement_keeps_so_much() {
    let folder = TempDir::new().unwrap();
    let bounds = Bounds { statement: 10_000, ..BOUNDS };
    let keeper = PageKeeper { bounds, ..PageKeeper::in_folder(folder.path()) };
    let run = keeper.begin(&NAME, at(0)).unwrap();
    let kept: Vec<_> = (0..20).filter(|number| keep(&run, *number)).collect();
    assert_eq!(kept, (0..9).collect::<Vec<_>>());
    assert!(run.keep(&digest(99), &page(99, 10, 99)).unwrap(), "a small one fits");
    drop(run);
    assert!(std::fs::metadata(&files(folder.path())[0]).unwrap().len() <= 10_000);
    assert_eq!(taken(&keeper.begin(&NAME, at(20)).unwrap(), 20, 20), kept);
}

#[test]
fn all_together_keep_so_much_and_the_oldest_go() {
    let folder = TempDir::new().unwrap();
    let bounds = Bounds { total: 20_000, look: 1_000, ..BOUNDS };
    let keeper = PageKeeper { bounds, ..PageKeeper::in_folder(folder.path()) };
    let written_at = SystemTime::now() - Duration::from_secs(100);
    for name in 1..=6 {
        let run = keeper.begin(&[name; 32], at(0)).unwrap();
        (0..4).for_each(|number| assert!(keep(&run, number)));
        drop(run);
        let file = File::options().write(true).open(keeper.path(&[name; 32])).unwrap();
        // The last was written to first.
        file.set_modified(written_at - Duration::from_secs(name.into())).unwrap();
    }
    let has = |name: u8| keeper.path(&[name; 32]).exists();
    let kept: Vec<_> = (1..=6).filter(|name| has(*name)).collect();
    assert_eq!(kept.len(), 4, "{kept:?}");
    // Of those that are in use none goes, and then there is no room.
    let runs: Vec<_> = kept.iter().map(|name| keeper.begin(&[*name; 32], at(10)).unwrap()).collect();
    let run = keeper.begin(&[9; 32], at(0)).unwrap();
    let fit = (0..9).filter(|number| keep(&run, *number)).count();
    assert!(fit < 9, "{fit}");
    assert!(kept.iter().all(|name| has(*name)));
    drop(runs);
    assert!(keep(&run, 20));
    let total: u64 = files(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(total <= 20_000, "{total}");
    assert!(!has(*kept.last().unwrap()), "the one written to longest ago went");
}
