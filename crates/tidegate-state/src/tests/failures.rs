//! What can be wrong with a folder, and that its error says where and what to do.

use std::fs;

use super::*;

/// The state in this folder fails at first use, in this way, with these words in its message.
fn check_fails(folder: &Path, kind: ErrorKind, words: &[&str]) {
    let error = State::in_folder(folder).statements(1).unwrap_err();
    check_error(&error, kind, words);
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
}

fn check_error(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "'{word}' is missing in: {error}");
    }
}

/// A folder with a database of our own in it, and the database's path.
fn used_folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let state = State::in_folder(folder.path());
    for n in 0..200 {
        state.begin_statement(&start(&"SELECT 1 ".repeat(100), at(n))).unwrap();
    }
    let database = folder.path().join(open::STATE.file);
    (folder, database)
}

#[test]
fn a_file_in_place_of_the_folder() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("state");
    fs::write(&file, "x").unwrap();
    check_fails(&file, ErrorKind::Folder, &["is a file", "--state"]);
    check_fails(&file.join("below"), ErrorKind::Folder, &["cannot use the state folder", "--state"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_made() {
    check_fails(Path::new("/proc/tidegate-state"), ErrorKind::Folder, &["cannot make the state folder", "--state"]);
}

#[test]
fn a_file_that_is_no_database() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(open::STATE.file), "this is not a database at all, ".repeat(200)).unwrap();
    check_fails(folder.path(), ErrorKind::Corrupt, &["damaged", "move it away"]);
}

#[test]
fn a_database_that_is_damaged_inside() {
    let (folder, database) = used_folder();
    let mut bytes = fs::read(&database).unwrap();
    assert!(bytes.len() > 16_384, "the checkpoint at closing wrote the pages");
    bytes[4096..].fill(0xAB);
    fs::write(&database, bytes).unwrap();
    check_fails(folder.path(), ErrorKind::Corrupt, &["damaged", open::STATE.file]);
}

#[test]
fn a_database_of_another_program() {
    let folder = TempDir::new().unwrap();
    let other = Connection::open(folder.path().join(open::STATE.file)).unwrap();
    other.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(other);
    check_fails(folder.path(), ErrorKind::Corrupt, &["another program", "--state"]);
}

#[test]
fn a_database_of_a_newer_version() {
    for version in [i32::try_from(migrations::STATE.len()).unwrap() + 1, i32::MAX, -1] {
        let (folder, database) = used_folder();
        Connection::open(database).unwrap().pragma_update(None, "user_version", version).unwrap();
        check_fails(folder.path(), ErrorKind::Newer, &["schema version", "update Tidegate"]);
    }
}

#[test]
fn a_state_that_failed_to_open_is_opened_once_the_cause_is_gone() {
    let (folder, database) = used_folder();
    let good = fs::read(&database).unwrap();
    fs::write(&database, "no database".repeat(500)).unwrap();
    let state = State::in_folder(folder.path());
    assert_eq!(state.statements(1).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::write(&database, good).unwrap();
    assert_eq!(state.statements(1).unwrap().len(), 1);
}

#[test]
fn a_full_disk_and_a_read_only_database() {
    let (folder, _) = used_folder();
    let cases = [
        ("PRAGMA max_page_count = 1", ErrorKind::Full, "the disk is full"),
        ("PRAGMA query_only = ON", ErrorKind::Folder, "cannot be written"),
    ];
    for (pragma, kind, words) in cases {
        let state = State::in_folder(folder.path());
        state.run("limit", |c| c.query_row(pragma, [], |_| Ok(())).or(Ok(()))).unwrap();
        let big = description(&"x".repeat(1 << 20), at(1));
        let error = state.put_metadata("erp", &big).unwrap_err();
        check_error(&error, kind, &[words, "cannot keep a description", open::STATE.file, "--state"]);
        assert_eq!(state.metadata("erp").unwrap(), None, "nothing is kept in part");
    }
}

#[test]
fn a_database_that_another_process_holds() {
    let (folder, database) = used_folder();
    let state = State::in_folder(folder.path());
    state.run("shorten the wait", |c| c.busy_timeout(Duration::ZERO)).unwrap();
    let other = Connection::open(database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = state.begin_statement(&start("SELECT 1", at(1))).unwrap_err();
    check_error(&error, ErrorKind::Busy, &["another process", "try again"]);
    assert_eq!(state.statements(1).unwrap().len(), 1, "readers go on");
    other.execute_batch("ROLLBACK").unwrap();
    state.begin_statement(&start("SELECT 1", at(1))).unwrap();
}

const NAMED: Named<'_> = Named { file: "m", holds: "nothing" };

#[test]
fn steps_that_are_missing_run_together_or_not_at_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)).unwrap();
    migrations::migrate(&mut connection, NAMED, &["CREATE TABLE a (x)"]).unwrap();
    let error =
        migrations::migrate(&mut connection, NAMED, &["", "CREATE TABLE b (x)", "CREATE nonsense"]).unwrap_err();
    check_error(&error, ErrorKind::Database, &["bring the schema up to date", "'m'"]);
    assert_eq!(version(&connection), 1);
    assert!(connection.prepare("SELECT x FROM b").is_err());
    migrations::migrate(&mut connection, NAMED, &["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).unwrap();
    assert_eq!(version(&connection), 2);
    connection.prepare("SELECT a.x FROM a, b").unwrap();
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn all_that_is_made_is_the_owners_alone() {
        let parent = TempDir::new().unwrap();
        let folder = parent.path().join("made/state");
        let state = State::in_folder(&folder);
        state.begin_statement(&start("SELECT 1", at(1))).unwrap();
        assert_eq!(mode(&folder), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, ["state.db", "state.db-shm", "state.db-wal", "state.lock"]);
    }

    #[test]
    fn our_own_folder_is_tightened() {
        let (folder, database) = used_folder();
        let wal = folder.path().join("state.db-wal");
        fs::write(&wal, "").unwrap();
        for path in [folder.path(), &database, &wal] {
            set(path, 0o777);
        }
        let state = State::in_folder(folder.path());
        state.begin_statement(&start("SELECT 1", at(1))).unwrap();
        assert_eq!((mode(folder.path()), mode(&database), mode(&wal)), (0o700, 0o600, 0o600));

        let empty = TempDir::new().unwrap();
        set(empty.path(), 0o755);
        State::in_folder(empty.path()).statements(1).unwrap();
        assert_eq!(mode(empty.path()), 0o700);
    }

    #[test]
    fn a_folder_that_others_use_is_refused_and_left_alone() {
        let parent = TempDir::new().unwrap();
        for (name, mode_of, file) in [("project", 0o755, true), ("tmp", 0o1777, false)] {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            if file {
                fs::write(folder.join("README"), "x").unwrap();
            }
            set(&folder, mode_of);
            check_fails(&folder, ErrorKind::Folder, &["open to other users", &format!("{mode_of:04o}"), "--state"]);
            assert_eq!(mode(&folder), mode_of);
        }
    }
}
