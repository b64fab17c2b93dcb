//! Our own writes: nothing from before one is used without asking.

use super::*;
use crate::testing::failure;

#[tokio::test]
async fn a_write_makes_all_of_its_scope_be_asked_for_again() {
    let stale = Caching { max_staleness: Duration::from_secs(3_600), ..on() };
    for (what, caching) in [("fresh", on()), ("by the user's word", stale)] {
        let bed = Bed::new([fresh("a"), fresh("other"), answer(204, &[], ""), answer(304, &[], ""), fresh("x")]);
        let other = bed.scope("other");
        bed.send(read(caching.clone())).await;
        bed.through(&other, read(caching.clone())).await;
        assert_eq!(bed.send(write()).await, "ask 204");
        assert_eq!(bed.through(&other, read(caching.clone())).await, "hit 200 other", "{what}");
        assert_eq!(bed.send(read(caching.clone())).await, "ask(\"e1\") 200 a", "{what}");
        assert_eq!(bed.send(read(caching)).await, "hit 200 a", "{what}: it was asked for since");
    }
}

#[tokio::test]
async fn a_write_counts_whatever_its_end() {
    type End = fn() -> Result<Response>;
    let ends: [(End, bool); 6] = [
        (|| answer(204, &[], ""), true),
        (|| answer(400, &[], ""), true),
        // Somebody on the way gave up, or it is going to be done.
        (|| answer(503, &[], ""), false),
        (|| answer(202, &[], ""), false),
        (|| failure(ErrorKind::Connect, Sent::No), true),
        // It may take effect a little later.
        (|| failure(ErrorKind::Timeout, Sent::Maybe), false),
    ];
    for (at, (end, is_over)) in ends.iter().enumerate() {
        let bed = Bed::new([fresh("a"), end(), fresh("b"), fresh("c"), fresh("d")]);
        bed.get().await;
        bed.send(write()).await;
        assert_eq!(bed.get().await, "ask(\"e1\") 200 b", "{at}");
        assert_eq!(bed.get().await, if *is_over { "hit 200 b" } else { "ask(\"e1\") 200 c" }, "{at}");
        bed.wait(61);
        bed.get().await;
        assert!(bed.get().await.starts_with("hit 200"), "{at}: at last it is over");
    }
}

#[tokio::test]
async fn processes_tell_each_other_of_writes() {
    let disk = Arc::<Disk>::default();
    let bed = Bed::with([fresh("a"), answer(204, &[], ""), fresh("b")], |shared| shared.storing(disk.clone()));
    let other = HttpCache::new(bed.clock.clone(), bed.log.clone()).storing(disk.clone());
    let other = Cache::new(bed.server.clone(), Arc::new(other), "scope");
    assert_eq!(bed.get().await, "ask 200 a");
    bed.wait(1);
    assert_eq!(bed.through(&other, write()).await, "ask 204");
    bed.wait(1);
    let only_memory = Caching { disk: false, ..on() };
    assert_eq!(bed.send(read(only_memory)).await, "ask(\"e1\") 200 b", "what memory holds is old too");
    assert_eq!(bed.get().await, "hit 200 b");
}

#[tokio::test]
async fn a_write_that_is_dropped_counts() {
    #[derive(Debug)]
    struct Never;
    #[async_trait]
    impl Transport for Never {
        async fn send(&self, _: Request) -> Result<Response> {
            std::future::pending().await
        }
    }
    let disk = Arc::<Disk>::default();
    let bed = Bed::with([fresh("a"), fresh("b")], |shared| shared.storing(disk.clone()));
    bed.get().await;
    let never = Arc::new(Cache::new(Arc::new(Never), bed.shared.clone(), "scope"));
    let task = tokio::spawn(async move { never.send(write()).await.map(|_| ()) });
    tokio::task::yield_now().await;
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b", "while it is under way");
    task.abort();
    let _ = task.await;
    tokio::task::yield_now().await;
    let written = disk.written.lock().unwrap()["scope"];
    assert!(written >= bed.clock.now() + Duration::from_secs(60), "it may take effect later");
}

#[tokio::test]
async fn a_clock_that_is_set_back_hides_no_write() {
    let bed = Bed::new([fresh("a"), answer(204, &[], ""), fresh("b")]);
    bed.get().await;
    let start = bed.clock.now();
    bed.clock.set_wall(start - Duration::from_secs(600));
    bed.send(write()).await;
    bed.clock.set_wall(start + Duration::from_secs(1));
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b");
}

#[tokio::test]
async fn what_a_statement_sends_after_its_writes_marks_too() {
    let bed = Bed::new([answer(202, &[], ""), fresh("half done"), answer(200, &[], "done"), fresh("b"), fresh("x")]);
    let job = write();
    let mut poll = request(URL, Repeat::Safe, &job.operation.statement);
    poll.url.set_query(Some("job"));
    assert_eq!(bed.send(job).await, "ask 202");
    bed.wait(1);
    assert_eq!(bed.get().await, "ask 200 half done", "another statement reads while the job goes on");
    bed.wait(1);
    assert_eq!(bed.send(poll).await, "ask 200 done");
    bed.wait(61);
    assert_eq!(bed.get().await, "ask(\"e1\") 200 b");
    assert_eq!(bed.get().await, "hit 200 b");
}

#[tokio::test]
async fn a_write_by_another_credential_counts() {
    let bed = Bed::new([fresh("a"), answer(204, &[], ""), fresh("b"), fresh("c")]);
    let reader = bed.scope("reader").written_at("https://a.example");
    let writer = bed.scope("writer").written_at("https://a.example");
    bed.through(&reader, read(on())).await;
    assert_eq!(bed.through(&writer, write()).await, "ask 204");
    assert_eq!(bed.through(&reader, read(on())).await, "ask(\"e1\") 200 b");
    assert_eq!(bed.through(&writer, read(on())).await, "ask 200 c", "what the other has read is not its own");
}
