//! Claims within one process; those of others are in `processes`.

use super::*;

#[track_caller]
fn check_claimed(result: Result<Claim>, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Claimed, "{error}");
    assert!(error.to_string().contains(words), "'{words}' is missing in: {error}");
}

#[test]
fn a_mutation_is_claimed_once_until_the_claim_is_dropped() {
    on_both(|journal| {
        assert!(!journal.is_claimed(ID).unwrap());
        let claim = journal.claim(ID).unwrap();
        assert_eq!(claim.mutation(), ID);
        for _ in 0..2 {
            assert!(journal.is_claimed(ID).unwrap());
            check_claimed(journal.claim(ID), "is being run by this process");
        }
        let other = journal.claim("other").unwrap();
        drop(claim);
        assert!(!journal.is_claimed(ID).unwrap() && journal.is_claimed("other").unwrap());
        drop(journal.claim(ID).unwrap());
        drop(other);
    });
}

#[test]
fn two_journals_of_one_folder_share_claims_and_those_in_memory_do_not() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (Journal::in_folder(folder.path()), Journal::in_folder(folder.path()));
    let claim = a.claim(ID).unwrap();
    assert!(b.is_claimed(ID).unwrap());
    check_claimed(b.claim(ID), "this process");
    drop(a);
    check_claimed(b.claim(ID), "this process");
    drop(claim);
    b.claim(ID).unwrap();

    let (a, b) = (Journal::in_memory(), Journal::in_memory());
    let _claim = a.claim(ID).unwrap();
    assert!(b.claim(ID).is_ok());
}

#[test]
fn ids_are_no_paths() {
    on_both(|journal| {
        for id in ["", "..", "../state", "a/b", "a\0", "A"] {
            check_refused(journal.claim(id), "no id of a mutation");
            check_refused(journal.is_claimed(id), "no id of a mutation");
        }
    });
}

#[test]
fn of_many_that_claim_at_once_one_succeeds_and_those_who_look_do_no_harm() {
    let folder = TempDir::new().unwrap();
    let barrier = std::sync::Barrier::new(8);
    let claims: Vec<_> = std::thread::scope(|scope| {
        let work = |looks: bool| {
            let (folder, barrier) = (&folder, &barrier);
            scope.spawn(move || {
                let journal = Journal::in_folder(folder.path());
                barrier.wait();
                match looks {
                    true => (0..50).map(|_| journal.is_claimed(ID).map(drop)).find_map(|seen| seen.err().map(Err)),
                    false => Some(journal.claim(ID)),
                }
            })
        };
        let threads: Vec<_> = (0..8).map(|n| work(n % 2 == 0)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    let errors: Vec<_> = claims.iter().filter_map(|claim| claim.as_ref().err()).collect();
    assert_eq!((claims.len(), errors.len()), (4, 3), "{errors:?}");
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Claimed), "{errors:?}");
}

#[test]
#[cfg(unix)]
fn all_that_is_made_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("made");
    let journal = Journal::in_folder(&folder);
    let _claim = journal.claim(ID).unwrap();
    sealed(&journal, ID, 1);
    assert_eq!(counts(&journal, ID).selected, 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let wanted = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), wanted, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["journal.db", "journal.db-shm", "journal.db-wal", "mutations", "mutations.lock", "state.lock"]);
    assert_eq!(mode(&folder.join(format!("mutations/{ID}.lock"))), 0o600);
    for path in [folder.clone(), folder.join("journal.db"), folder.join("journal.db-wal")] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Journal::in_folder(&folder).mutations(1).unwrap();
    let modes = [folder.clone(), folder.join("journal.db"), folder.join("journal.db-wal")].map(|path| mode(&path));
    assert_eq!(modes, [0o700, 0o600, 0o600], "a journal makes a folder our own");
}
