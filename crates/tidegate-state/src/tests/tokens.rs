//! Tokens, their leases, and a database from before there were any.

use super::*;

const LEASE: Duration = Duration::from_secs(120);

fn token(access: &str, obtained_at: u64) -> StoredToken {
    StoredToken {
        access: access.to_owned(),
        refresh: Some(format!("{access}-refresh")),
        expires_at: Some(at(obtained_at + 600)),
        obtained_at: at(obtained_at),
    }
}

fn take(state: &State, holder: &str, now: u64) -> LeaseAnswer {
    state.lease_token("key", holder, at(now), LEASE).unwrap()
}

fn taken(state: &State, holder: &str, now: u64) -> TokenLease {
    match take(state, holder, now) {
        LeaseAnswer::Taken(lease) => lease,
        held => panic!("{holder} at {now}: {held:?}"),
    }
}

#[test]
fn a_token_is_kept_by_who_holds_the_lease() {
    on_both(|state| {
        assert_eq!(state.token("key").unwrap(), None);
        let lease = taken(state, "a", 1_000);
        assert_eq!(lease, TokenLease { token: None, generation: 0, interrupted: false });
        assert_eq!(state.token("key").unwrap(), None, "a lease is no token");
        assert_eq!(take(state, "b", 1_001), LeaseAnswer::HeldUntil(at(1_120)));
        assert!(state.put_token("key", lease.generation, &token("one", 1_002)).unwrap());
        assert_eq!(state.token("key").unwrap(), Some(token("one", 1_002)));
        let next = taken(state, "b", 1_003);
        assert_eq!(next, TokenLease { token: Some(token("one", 1_002)), generation: 1, interrupted: false });
        assert_eq!(state.token("other").unwrap(), None);
    });
}

#[test]
fn a_lease_ends_and_the_next_holder_hears_of_it() {
    on_both(|state| {
        let slow = taken(state, "a", 1_000);
        assert!(matches!(take(state, "b", 1_119), LeaseAnswer::HeldUntil(_)));
        let lease = taken(state, "b", 1_120);
        assert!(lease.interrupted);
        assert!(state.put_token("key", lease.generation, &token("b", 1_121)).unwrap());
        assert!(!state.put_token("key", slow.generation, &token("a", 1_122)).unwrap(), "it came too late");
        assert_eq!(state.token("key").unwrap(), Some(token("b", 1_121)));
    });
}

#[test]
fn a_lease_is_given_back_with_or_without_doubt() {
    on_both(|state| {
        for interrupted in [false, true] {
            taken(state, "a", 1_000);
            state.release_token("key", "b", false).unwrap();
            assert!(matches!(take(state, "b", 1_000), LeaseAnswer::HeldUntil(_)), "a lease of another stays");
            state.release_token("key", "a", interrupted).unwrap();
            assert_eq!(taken(state, "b", 1_000).interrupted, interrupted);
            state.release_token("key", "b", false).unwrap();
        }
    });
}

#[test]
fn a_lease_from_the_future_holds_nobody_up() {
    on_both(|state| {
        taken(state, "a", 1_000_000);
        assert!(matches!(take(state, "b", 999_999), LeaseAnswer::HeldUntil(_)), "it only came to the database later");
        assert!(taken(state, "b", 1_000).interrupted, "the clock went back");
    });
}

#[test]
fn a_login_replaces_what_was_there_and_ends_a_lease() {
    on_both(|state| {
        let lease = taken(state, "a", 1_000);
        state.replace_token("key", &token("login", 1_001)).unwrap();
        assert!(!state.put_token("key", lease.generation, &token("a", 1_002)).unwrap());
        assert_eq!(taken(state, "b", 1_003).token, Some(token("login", 1_001)));
    });
}

#[test]
fn tokens_that_nobody_renews_go() {
    on_both(|state| {
        state.replace_token("old", &token("old", 0)).unwrap();
        let days = 400 * 24 * 60 * 60;
        state.replace_token("new", &token("new", days)).unwrap();
        assert!(state.token("old").unwrap().is_some());
        state.replace_token("new", &token("new", days + 1)).unwrap();
        assert_eq!(state.token("old").unwrap(), None);
    });
}

#[test]
fn debug_shows_no_token() {
    let shown = format!("{:?}", token("s3cret", 1));
    assert!(!shown.contains("s3cret"), "{shown}");
}

/// Threads with handles of their own: each of the rounds is won by one of them.
#[test]
fn one_of_many_gets_a_lease() {
    let folder = TempDir::new().unwrap();
    let winners = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (folder, winners) = (folder.path(), &winners);
            scope.spawn(move || {
                let state = State::in_folder(folder);
                if let LeaseAnswer::Taken(_) = take(&state, &format!("holder {number}"), 1_000) {
                    winners.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(winners.into_inner(), 1);
}

#[test]
fn a_database_of_version_one_opens() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(open::STATE.file);
    let mut old = Connection::open(&path).unwrap();
    migrations::migrate(&mut old, Named { file: "old", holds: "tokens" }, &migrations::STATE[..1]).unwrap();
    old.execute("INSERT INTO trusted VALUES (CAST('/x' AS BLOB), 'ab')", []).unwrap();
    drop(old);
    let state = State::in_folder(folder.path());
    assert!(state.is_trusted(Path::new("/x"), "ab").unwrap(), "what was there stays");
    state.replace_token("key", &token("one", 1)).unwrap();
    assert_eq!(state.token("key").unwrap(), Some(token("one", 1)));
}
