//! Faults come as scripted, and the same again from the same seed.

use super::*;
use crate::testing::{Scripted, answer, get};

fn ok() -> Result<Response> {
    answer(200, &[], "hello")
}

/// How one request ends: status and body, or the error's kind.
async fn outcome(transport: &Fault) -> String {
    match transport.send(get("http://a.example/")).await {
        Err(error) => format!("{:?} sent {:?}", error.kind(), error.sent()),
        Ok(Response { status, body, .. }) => match body.collect(100).await {
            Ok(bytes) => format!("{} {}", status.as_u16(), String::from_utf8_lossy(&bytes)),
            Err(error) => format!("{} {:?}", status.as_u16(), error.kind()),
        },
    }
}

#[tokio::test]
async fn each_step_does_what_it_says() {
    let unavailable = FaultStep::Status(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new());
    for (step, ends, reaches_server) in [
        (FaultStep::Pass, "200 hello", true),
        (FaultStep::FailBefore(ErrorKind::Connect), "Connect sent No", false),
        (FaultStep::FailBefore(ErrorKind::Broken), "Broken sent Maybe", false),
        (FaultStep::FailAfter(ErrorKind::Timeout), "Timeout sent Maybe", true),
        (unavailable, "503 ", false),
        (FaultStep::CutBody(2), "200 Broken", true),
    ] {
        let inner = Scripted::new([ok(), ok()]);
        let fault = Fault::new(inner.clone(), FaultScript::steps(vec![step.clone()]));
        assert_eq!(outcome(&fault).await, ends, "{step:?}");
        assert_eq!(inner.seen().len(), usize::from(reaches_server), "{step:?}");
        assert_eq!(outcome(&fault).await, "200 hello", "after the last step all pass");
    }
}

#[tokio::test]
async fn a_seed_gives_the_same_faults_again() {
    let run = async |seed| {
        let steps = vec![FaultStep::FailBefore(ErrorKind::Connect), FaultStep::CutBody(1)];
        let fault = Fault::new(Scripted::new((0..50).map(|_| ok())), FaultScript::seeded(seed, 0.3, steps));
        let mut ends = Vec::new();
        for _ in 0..50 {
            ends.push(outcome(&fault).await);
        }
        ends
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
    let faults = first.iter().filter(|end| *end != "200 hello").count();
    assert!((5..25).contains(&faults), "{faults} of 50 at a rate of 0.3");
}
