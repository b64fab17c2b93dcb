//! Processes that are killed while they keep pages, and one whose disk fills up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// What the child process is told; set by the parent alone.
const FOLDER_OF_CHILD: &str = "TIDEGATE_TEST_KEPT_FOLDER";
/// Name of the test that is the child process.
const CHILD: &str = "kept::tests::processes::child";
/// So many that no child comes to their end before it is ended.
const PAGES: u64 = 100_000;
/// When the child's pages are looked at, in seconds. None is asked for later, however many it keeps: a page from the
/// future is not taken.
const NOW: u64 = 3_000;

/// The other process of these tests; without its variable it does nothing. What it has kept, it says on its output.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER_OF_CHILD) else { return };
    let run = PageKeeper::in_folder(Path::new(&folder)).begin(&NAME, at(0)).unwrap();
    println!();
    for number in 0..PAGES {
        match run.keep(&digest(number), &page(number, 1_000, number.min(NOW))) {
            Ok(kept) => assert!(kept),
            Err(error) => {
                println!("failed {:?} {error}", error.kind());
                return;
            }
        }
        println!("said {number}");
    }
}

/// Runs the child until its `stop`th page or its end; the pages that it said it has kept, and its last words.
fn run_child(folder: &Path, limit: Option<u32>, stop: u64) -> (u64, Option<String>) {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    let limit = limit.map_or(String::new(), |blocks| format!("trap '' XFSZ; ulimit -f {blocks};"));
    command.arg("-c").arg(format!("{limit} exec \"$0\" --exact {CHILD} --nocapture")).arg(program);
    command.env(FOLDER_OF_CHILD, folder).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (mut said, mut failed) = (0, None);
    let mut hear = |line: String, said: &mut u64| {
        *said = line.strip_prefix("said ").and_then(|number| number.parse::<u64>().ok()).map_or(*said, |n| n + 1);
        failed = line.starts_with("failed").then_some(line).or(failed.take());
    };
    for line in lines.by_ref() {
        hear(line, &mut said);
        if said >= stop {
            break;
        }
    }
    // It may have ended.
    drop(child.kill());
    child.wait().unwrap();
    lines.for_each(|line| hear(line, &mut said));
    (said, failed)
}

#[test]
#[cfg(unix)]
fn who_is_killed_loses_nothing_that_was_kept_and_its_file_is_taken_over() {
    for stop in [2, 3, 17, 400, 2_000] {
        let folder = TempDir::new().unwrap();
        let (said, _) = run_child(folder.path(), None, stop);
        assert!(said >= stop && said < PAGES, "{said}");
        let run = PageKeeper::in_folder(folder.path()).begin(&NAME, at(NOW)).unwrap();
        // A page may have been kept and not be said.
        let (pages, _) = run.earlier().unwrap();
        let pages = pages as u64;
        assert!(pages == said || pages == said + 1, "{pages} of {said}");
        let looked = pages.min(NOW);
        assert_eq!(taken(&run, looked, NOW), (0..looked).collect::<Vec<_>>());
        assert!(keep(&run, PAGES));
        run.finish(true).unwrap();
        assert!(files(folder.path()).is_empty());
    }
}

/// A shell limits the size of the child's files, which is as good as a full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_ends_the_keeping_and_takes_nothing_back() {
    let folder = TempDir::new().unwrap();
    // Blocks are of 512 bytes.
    let (said, failed) = run_child(folder.path(), Some(200), PAGES);
    let failed = failed.expect("the limit was reached");
    assert!(failed.contains("keep pages") && failed.contains(SUFFIX) && failed.contains("--state"), "{failed}");
    assert!(said > 80, "{said}");
    let run = PageKeeper::in_folder(folder.path()).begin(&NAME, at(200)).unwrap();
    assert_eq!(taken(&run, 200, 200), (0..said).collect::<Vec<_>>());
}
