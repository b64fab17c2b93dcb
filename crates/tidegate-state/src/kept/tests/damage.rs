//! Files that are cut, garbled or foreign, and folders that cannot be used: a page is given back as it was kept, or not at all.

use std::fs;

use super::*;

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    /// A seed of its own for each run, printed so that a failure can be seen again: set `TIDEGATE_TEST_SEED` to it.
    fn new() -> Self {
        let given: Option<u64> = std::env::var("TIDEGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given
            .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos().into());
        println!("TIDEGATE_TEST_SEED={seed}");
        Self(seed | 1 << 40)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % end.max(1)
    }
}

const PAGES: u64 = 12;

fn size(number: u64) -> usize {
    (number * 97 % 700) as usize
}

/// A file of pages of different sizes; where each ends.
fn filled(keeper: &PageKeeper) -> Vec<u64> {
    let run = keeper.begin(&NAME, at(0)).unwrap();
    let mut ends = Vec::new();
    for number in 0..PAGES {
        run.keep(&digest(number), &page(number, size(number), 1)).unwrap();
        ends.push(fs::metadata(keeper.path(&NAME)).map_or(0, |found| found.len()));
    }
    // The first waits for the second.
    ends[0] = ends[1] - record_bytes(1);
    ends
}

const HEAD_BYTES: u64 = record::HEAD as u64;

fn record_bytes(number: u64) -> u64 {
    (record::HEADER + format!("meta {number}").len() + size(number)) as u64
}

/// Pages that a new run may take; each is right.
#[track_caller]
fn read(run: &KeptRun, what: &str) -> Vec<u64> {
    let take = |number: &u64| {
        let found = run.kept(&digest(*number), at(2)).unwrap();
        found.inspect(|found| assert_eq!(found, &page(*number, size(*number), 1), "{what}")).is_some()
    };
    (0..PAGES + 1).filter(take).collect()
}

#[test]
fn what_is_whole_before_a_cut_is_taken_and_the_file_can_be_added_to() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let ends = filled(&keeper);
    let path = keeper.path(&NAME);
    let good = fs::read(&path).unwrap();
    let mut random = Random::new();
    let near = |end: &u64| [end - 1, *end, end + 1];
    let cuts: Vec<u64> = ends.iter().flat_map(near).chain((0..150).map(|_| random.below(good.len() as u64))).collect();
    for cut in cuts.into_iter().filter(|cut| *cut <= good.len() as u64) {
        fs::write(&path, &good[..cut as usize]).unwrap();
        let run = keeper.begin(&NAME, at(2)).unwrap();
        let whole: Vec<u64> = (0..PAGES).filter(|number| ends[*number as usize] <= cut).collect();
        assert_eq!(read(&run, &format!("cut to {cut}")), whole, "cut to {cut}");
        assert!(run.keep(&digest(PAGES), &page(PAGES, size(PAGES), 1)).unwrap());
        assert!(run.keep(&digest(99), &page(99, 5, 1)).unwrap());
        drop(run);
        let all = [whole, vec![PAGES]].concat();
        assert_eq!(read(&keeper.begin(&NAME, at(2)).unwrap(), "added to"), all, "cut to {cut}");
    }
}

#[test]
fn bits_that_flip_take_pages_away_and_change_none() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    let ends = filled(&keeper);
    let path = keeper.path(&NAME);
    let good = fs::read(&path).unwrap();
    let mut random = Random::new();
    for _ in 0..300 {
        let mut bytes = good.clone();
        let (byte, bit) = (random.below(good.len() as u64), random.below(8));
        bytes[byte as usize] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let what = format!("bit {bit} of byte {byte}");
        let found = read(&keeper.begin(&NAME, at(2)).unwrap(), &what);
        let hit = ends.iter().position(|end| byte < *end).unwrap() as u64;
        let expected_before: Vec<u64> = if byte < HEAD_BYTES { Vec::new() } else { (0..hit).collect() };
        assert!(found.starts_with(&expected_before) && !found.contains(&hit), "{what}: {found:?}");
    }
    // Blocks that never came to the disk read as zeros.
    for _ in 0..50 {
        let (from, to) = (random.below(good.len() as u64) as usize, good.len());
        let mut bytes = good.clone();
        bytes[from..to].fill(0);
        fs::write(&path, bytes).unwrap();
        let found = read(&keeper.begin(&NAME, at(2)).unwrap(), &format!("zeros from {from}"));
        // Of the page that is hit, what follows may have been zeros anyway.
        let whole: Vec<u64> = (0..PAGES).filter(|number| ends[*number as usize] <= from as u64).collect();
        assert!(from < record::HEAD || found.starts_with(&whole), "zeros from {from}: {found:?}");
    }
}

#[test]
fn a_file_of_something_else_counts_as_empty() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    filled(&keeper);
    let good = fs::read(keeper.path(&NAME)).unwrap();
    let mut other_version = good.clone();
    other_version[14] = b'2';
    let cases: &[(&str, &[u8])] = &[
        ("nothing", b""),
        ("text", b"this is no such file"),
        ("another version", &other_version),
        ("zeros", &[0; 999]),
    ];
    for (what, bytes) in cases {
        fs::write(keeper.path(&NAME), bytes).unwrap();
        let run = keeper.begin(&NAME, at(2)).unwrap();
        assert_eq!(read(&run, what), [0_u64; 0], "{what}");
        run.keep(&digest(3), &page(3, size(3), 1)).unwrap();
        drop(run);
        assert_eq!(read(&keeper.begin(&NAME, at(2)).unwrap(), what), [3], "{what}");
    }
    // The file of another statement.
    fs::write(keeper.path(&OTHER), &good).unwrap();
    assert_eq!(read(&keeper.begin(&OTHER, at(2)).unwrap(), "of another"), [0_u64; 0]);
}

#[test]
fn lengths_that_no_page_has_ask_for_no_memory() {
    let folder = TempDir::new().unwrap();
    let keeper = PageKeeper::in_folder(folder.path());
    filled(&keeper);
    let header = Header { meta: u32::MAX, body: u32::MAX, checksum: 0, asked_at: to_micros(at(1)), digest: digest(5) };
    let bytes = [record::head(&NAME).as_slice(), &header.encode(), &[0; 100]].concat();
    fs::write(keeper.path(&NAME), bytes).unwrap();
    assert_eq!(read(&keeper.begin(&NAME, at(2)).unwrap(), "long"), [0_u64; 0]);
    assert_eq!(fs::metadata(keeper.path(&NAME)).unwrap().len(), HEAD_BYTES);
}

#[test]
fn headers_are_what_was_encoded() {
    let mut random = Random::new();
    for _ in 0..200 {
        let header = Header {
            meta: random.below(1 << 32) as u32,
            body: random.below(1 << 32) as u32,
            checksum: random.below(1 << 32) as u32,
            asked_at: random.below(u64::MAX) as i64,
            digest: digest(random.below(u64::MAX)),
        };
        let mut bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        bytes[random.below(record::HEADER as u64) as usize] ^= 1 << random.below(8);
        assert_eq!(Header::decode(&bytes), None);
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error_once() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("state");
    fs::write(&file, "x").unwrap();
    let run = PageKeeper::in_folder(&file).begin(&NAME, at(0)).unwrap();
    assert!(keep(&run, 1));
    let error = run.keep(&digest(2), &page(2, 10, 0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Folder);
    for words in ["is a file", "--state"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(!keep(&run, 3), "it does not try again");
    run.finish(true).unwrap();
}
