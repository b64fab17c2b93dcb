//! Several processes: killed while they commit, claims of the dead, readers of the living, and a disk that is full.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::*;

/// What the child process does, and its folder; set by the parent alone.
const ROLE: &str = "TIDEGATE_TEST_JOURNAL_ROLE";
const FOLDER: &str = "TIDEGATE_TEST_JOURNAL_FOLDER";
/// Name of the test that is the child process.
const CHILD: &str = "journal::tests::processes::child";

/// So many that no child comes to their end before it is ended.
const ROWS: u64 = 20_000;
/// Rows of one commit.
const GROUP: u64 = 4;

/// The other process of these tests; without its variables it does nothing. What it has done, it says on its output, a
/// line for each.
#[test]
fn child() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    let journal = Journal::in_folder(Path::new(&folder));
    match role.as_str() {
        "commit" => {
            let _claim = journal.claim(ID).unwrap();
            println!("\nsaid claimed");
            for first in (0..ROWS).step_by(GROUP as usize) {
                let changes: Vec<_> = (first..first + GROUP).map(|n| sending(n, first)).collect();
                if let Err(error) = journal.commit(ID, &changes) {
                    println!("said failed {:?} {error}", error.kind());
                    break;
                }
                println!("said {}", first + GROUP);
            }
        }
        "begin" => {
            let id = format!("p{}", std::process::id());
            sealed(&journal, &id, 200);
            for n in 0..200 {
                journal.commit(&id, &[sending(n, n)]).unwrap();
            }
        }
        other => panic!("{other}"),
    }
}

/// A new folder with the journal of `template`, which nobody has open.
fn copied(template: &TempDir) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::copy(template.path().join("journal.db"), folder.path().join("journal.db")).unwrap();
    folder
}

/// A folder with one sealed mutation.
fn template() -> TempDir {
    let folder = TempDir::new().unwrap();
    sealed(&Journal::in_folder(folder.path()), ID, ROWS);
    folder
}

fn command(program: impl AsRef<std::ffi::OsStr>, role: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env(ROLE, role).env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn spawn(role: &str, folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = command(std::env::current_exe().unwrap(), role, folder);
    let mut child = command.args(["--exact", CHILD, "--nocapture"]).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// The next thing that the child says.
fn said(output: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        if let Some(said) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("said ")) {
            return Some(said.to_owned());
        }
        line.clear();
    }
    None
}

/// Rows that the child said are on the disk, as far as its output goes on.
fn last_said(mut output: BufReader<ChildStdout>, mut acknowledged: u64) -> u64 {
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    // The last line may be cut.
    for line in rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        acknowledged = line.strip_prefix("said ").and_then(|number| number.parse().ok()).unwrap_or(acknowledged);
    }
    acknowledged
}

/// Everything acknowledged is there, and of the commit that was under way all or nothing.
fn check_kept(folder: &Path, acknowledged: u64) {
    let journal = Journal::in_folder(folder);
    let limit = u32::try_from(acknowledged + 2 * GROUP).unwrap();
    let rows = journal.rows(ID, None, limit, Some(&[RowState::Sent]), None).unwrap();
    let sent = rows.len() as u64;
    assert!(sent == acknowledged || sent == acknowledged + GROUP, "{sent} were kept of {acknowledged}");
    assert!(rows.iter().zip(0..).all(|(row, ordinal)| row.start.ordinal == ordinal));
    assert_eq!(counts(&journal, ID), RowCounts { selected: ROWS - sent, sent, ..RowCounts::default() });
}

#[test]
fn who_is_killed_while_committing_loses_nothing_that_was_acknowledged_and_its_claim() {
    let (mut random, template) = (random(), template());
    for round in 0..12 {
        let folder = copied(&template);
        let journal = Journal::in_folder(folder.path());
        let (mut child, mut output) = spawn("commit", folder.path());
        assert_eq!(said(&mut output).as_deref(), Some("claimed"));
        let error = journal.claim(ID).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Claimed);
        assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");

        let mut acknowledged = 0;
        for _ in 0..random.below(60) {
            acknowledged = said(&mut output).unwrap().parse().unwrap();
            let seen = counts(&journal, ID).sent;
            assert!(seen >= acknowledged, "others see what was acknowledged: {seen} of {acknowledged}");
        }
        for _ in 0..random.below(200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(journal.claim(ID).expect("the claim of the dead is free at once"));
        drop(journal);
        let acknowledged = last_said(output, acknowledged);
        assert!(acknowledged < ROWS, "round {round}: it ended before it was killed");
        check_kept(folder.path(), acknowledged);
    }
}

#[test]
fn processes_that_write_at_once_all_succeed() {
    let folder = TempDir::new().unwrap();
    let mut children: Vec<_> = (0..3).map(|_| spawn("begin", folder.path())).collect();
    let journal = Journal::in_folder(folder.path());
    sealed(&journal, ID, 200);
    for n in 0..200 {
        journal.commit(ID, &[sending(n, n)]).unwrap();
    }
    for (child, output) in &mut children {
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success(), "{rest}");
    }
    let mutations = journal.mutations(9).unwrap();
    assert_eq!(mutations.len(), 4);
    for record in mutations {
        assert_eq!(record.counts, RowCounts { sent: 200, ..RowCounts::default() });
        assert_eq!(all(&journal, &record.start.id).len(), 200);
    }
}

/// A shell limits the size of the child's files, which is as good as a full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_ends_the_commits_and_takes_nothing_back() {
    let template = template();
    for blocks in [700, 4_000, 7_777] {
        let folder = copied(&template);
        let mut limited = command("sh", "commit", folder.path());
        // Blocks are of 512 bytes. SQLite begins its log anew at 4 MiB.
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact {CHILD} --nocapture");
        let mut child = limited.arg("-c").arg(limit).arg(std::env::current_exe().unwrap()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (mut acknowledged, mut failed) = (0, None);
        while let Some(said) = said(&mut output) {
            match said.parse() {
                Ok(number) => acknowledged = number,
                Err(_) if said.starts_with("failed") => failed = Some(said),
                Err(_) => assert_eq!(said, "claimed"),
            }
        }
        assert!(child.wait().unwrap().success());
        let failed = failed.expect("the limit was reached");
        assert!(failed.contains("journal.db") && failed.contains("--state"), "{failed}");
        assert!(acknowledged > 0 && acknowledged < ROWS, "{acknowledged}");
        check_kept(folder.path(), acknowledged);
    }
}
